"""Where accounts and their tokens are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from ogcserver.jobs.store import now
from ogcserver.jobs.tables import TOKENS, USERS, writing
from ogcserver.timeline import format_instant

_USER = re.compile(r"u-[0-9a-f]{16}")


class UserStore:
    """Accounts in a database; holds no password and no token, only their hashes. Blocks; thread-safe."""

    def __init__(self, database: Engine, clock: Callable[[], datetime] = now) -> None:
        self._database, self._clock = database, clock

    def add_user(self, password_hash: str) -> str:
        """The identifier of a new user; chosen here, so that nobody learns which ones exist by asking for them."""
        identifier = f"u-{secrets.token_hex(8)}"
        row = {"id": identifier, "password": password_hash, "registered": format_instant(self._clock())}
        with writing(self._database) as connection:
            connection.execute(USERS.insert().values(**row))
        return identifier

    def password_hash(self, user_id: str) -> str | None:
        """None: there is no such user."""
        if not _USER.fullmatch(user_id):  # not every text is one to a database
            return None
        with self._database.connect() as connection:
            found: str | None = connection.scalar(select(USERS.c.password).where(USERS.c.id == user_id))
            return found

    def add_token(self, user_id: str, life: timedelta) -> str:
        """A new bearer token of the user; those that have expired are dropped."""
        token = secrets.token_urlsafe(32)
        moment = self._clock()
        row = {"hash": _hash(token), "user_id": user_id, "expires": format_instant(moment + life)}
        with writing(self._database) as connection:
            connection.execute(TOKENS.delete().where(TOKENS.c.expires <= format_instant(moment)))
            connection.execute(TOKENS.insert().values(**row))
        return token

    def user_of_token(self, token: str) -> str | None:
        """None: there is no such token, or it has expired."""
        query = select(TOKENS.c.user_id).where(
            TOKENS.c.hash == _hash(token), TOKENS.c.expires > format_instant(self._clock())
        )
        with self._database.connect() as connection:
            found: str | None = connection.scalar(query)
            return found


def _hash(token: str) -> str:
    """A token is random and long, so a plain hash of it cannot be guessed back; looking it up leaks no timing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
