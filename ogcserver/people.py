"""Users as the settings want them: how they prove who they are, their files, and what they have computed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

import httpx
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from ogcserver.jobs.locks import FileLocks
from ogcserver.settings import Settings
from ogcserver.users.accounts import Accounts, NoUsers, Users
from ogcserver.users.files import FileLimits, UserFiles
from ogcserver.users.identify import Identify
from ogcserver.users.oidc import Issuer
from ogcserver.users.store import UserStore
from ogcserver.users.usage import Usage

_MB = 1 << 20
_WRITE_DOWN_S = 10.0
_PROVIDER_S = 10.0


@dataclass(frozen=True, eq=False)
class People:
    users: Users
    files: UserFiles
    usage: Usage
    http: httpx.AsyncClient | None = None
    """To the identity provider."""

    def middleware(self) -> list[Middleware]:
        """None where everybody is one user: then nobody asks who sends a request."""
        return [] if isinstance(self.users, NoUsers) else [Middleware(Identify, self.users)]

    async def close(self) -> None:
        """Before the database is closed."""
        await run_in_threadpool(self.usage.flush)
        if isinstance(self.users, Accounts):
            self.users.close()
        if self.http is not None:
            await self.http.aclose()


def open_files(settings: Settings, database: Engine) -> UserFiles:
    wanted = settings.files
    limits = FileLimits(
        wanted.max_mb * _MB, wanted.quota_mb * _MB, wanted.max_files, tuple(one.lower() for one in wanted.endings)
    )
    return UserFiles(settings.server.data_dir.absolute() / "files", limits, FileLocks(database))


def open_people(settings: Settings, database: Engine, files: UserFiles) -> People:
    usage, auth = Usage(database), settings.auth
    if auth.mode == "oidc":
        http = httpx.AsyncClient(timeout=_PROVIDER_S)
        return People(Issuer(auth.issuer, auth.audience, http), files, usage, http)
    if auth.mode == "basic":
        life = timedelta(hours=auth.token_hours)
        return People(Accounts(UserStore(database), life, auth.registration), files, usage)
    return People(NoUsers(), files, usage)


async def write_down(usage: Usage) -> None:
    """Tells the database what was computed, every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(_WRITE_DOWN_S)
        try:
            await run_in_threadpool(usage.flush)
        except SQLAlchemyError as error:
            logging.getLogger(__name__).warning("what users computed is written down later: %s", error)
