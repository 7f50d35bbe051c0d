"""Accounts with passwords: registering, logging in, and whose credentials these are.

Passwords are hashed with argon2id (RFC 9106) in two threads of their own, so that logging in never takes the memory or
the threads that tiles need. What was found right is remembered for some seconds: QGIS and GDAL send user and password
with every tile.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cachetools import TTLCache
from starlette.concurrency import run_in_threadpool

from ogcserver.errors import CredentialsInvalid, InvalidParameter, Overloaded, TokenInvalid, UnsupportedOperation
from ogcserver.jobs.access import ME
from ogcserver.users.attempts import Attempts
from ogcserver.users.credentials import Credentials
from ogcserver.users.store import UserStore

T = TypeVar("T")

_SHORTEST, _LONGEST = 8, 1000
_WAITING = 64
"""Passwords that may wait for being hashed."""


@dataclass(frozen=True)
class Session:
    """What logging in answers."""

    user_id: str
    token: str


class Users(Protocol):
    """One way in which users prove who they are."""

    async def user(self, credentials: Credentials) -> str:
        """
        Raises:
            CredentialsInvalid, TokenInvalid, TooManyAttempts, Overloaded: they are not accepted.
        """
        ...

    async def login(self, user_id: str) -> Session:
        """A new token for somebody whose credentials were accepted.

        Raises:
            UnsupportedOperation: tokens come from elsewhere.
        """
        ...

    async def register(self, password: str) -> Session:
        """
        Raises:
            UnsupportedOperation: accounts are not made here.
            InvalidParameter: the password is too short or too long.
        """
        ...


class NoUsers:
    """Everybody is one user: :class:`Users` of a server in open mode."""

    async def user(self, credentials: Credentials) -> str:
        return ME

    async def login(self, user_id: str) -> Session:
        return self.session()

    def session(self) -> Session:
        """Clients that always log in get a token, which is ignored."""
        return Session(ME, "open")

    async def register(self, password: str) -> Session:
        raise UnsupportedOperation(f"this server has no accounts: everybody is the user {ME}")


class Accounts:
    """:class:`Users` with passwords in the server's database.

    Args:
        token_life: of bearer tokens.
        open_to_all: whether everybody may register.
        trust_s: for how long credentials that were right are not checked again.
    """

    def __init__(
        self,
        store: UserStore,
        token_life: timedelta = timedelta(days=30),
        open_to_all: bool = True,
        trust_s: float = 10.0,
        hasher: PasswordHasher | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        self._store, self._token_life, self._open_to_all = store, token_life, open_to_all
        self._hasher = hasher or PasswordHasher()
        self._attempts = attempts or Attempts()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="passwords")
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._trusted: TTLCache[bytes, str] = TTLCache(4096, trust_s)
        self._nobody = ""

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def user(self, credentials: Credentials) -> str:
        key = self._digest(credentials)
        known = self._trusted.get(key)
        if known is None:
            known = await self._check(credentials)
            self._trusted[key] = known
        return known

    async def login(self, user_id: str) -> Session:
        return Session(user_id, await run_in_threadpool(self._store.add_token, user_id, self._token_life))

    async def register(self, password: str) -> Session:
        if not self._open_to_all:
            raise UnsupportedOperation("the operator of this server makes the accounts")
        if not _SHORTEST <= len(password) <= _LONGEST:
            message = f"a password must have {_SHORTEST} to {_LONGEST} characters"
            raise InvalidParameter(message, locator="password")
        hashed = await self._hashing(partial(self._hasher.hash, _bytes(password)))
        user_id = await run_in_threadpool(self._store.add_user, hashed)
        return Session(user_id, await run_in_threadpool(self._store.add_token, user_id, self._token_life))

    async def _check(self, credentials: Credentials) -> str:
        if credentials.kind == "bearer":
            user_id = await run_in_threadpool(self._store.user_of_token, credentials.secret)
            if user_id is None:
                raise TokenInvalid("the token is unknown or has expired; GET /auth/login answers a new one")
            return user_id
        self._attempts.check(credentials.user_id)
        known = await run_in_threadpool(self._store.password_hash, credentials.user_id)
        if not await self._hashing(partial(self._matches, known, credentials.secret)):
            self._attempts.failed(credentials.user_id)
            raise CredentialsInvalid("user or password is wrong")
        self._attempts.succeeded(credentials.user_id)
        return credentials.user_id

    def _matches(self, known: str | None, password: str) -> bool:
        """Takes as long for a user who does not exist."""
        if known is None and not self._nobody:
            self._nobody = self._hasher.hash(secrets.token_bytes(16))
        try:
            right = self._hasher.verify(known or self._nobody, _bytes(password[:_LONGEST]))
        except (Argon2Error, InvalidHashError):
            return False
        return right and known is not None

    async def _hashing(self, call: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise Overloaded("too many passwords are being checked; try again later")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._waiting -= 1

    def _digest(self, credentials: Credentials) -> bytes:
        """Names credentials in memory without holding them; the key is made anew with each process."""
        text = "\x1f".join((credentials.kind, credentials.user_id, credentials.secret))
        return hmac.digest(self._key, _bytes(text), "sha256")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
