"""Registering, logging in, and what a user has consumed."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ogcserver.errors import CredentialsMissing, InvalidParameter, MissingParameter
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import read_json
from ogcserver.openeo.responses import Json
from ogcserver.users.accounts import NoUsers, Session
from ogcserver.users.credentials import credentials_of

_UNKEPT = {"cache-control": "no-store"}


class UserAccounts:
    """Handlers of /auth and /credits."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def register(self, request: Request) -> Response:
        """POST /auth/register: the body is the password, a JSON text, or an object that holds it as ``password``."""
        body = await read_json(request, self.backend.limits)
        password = body.get("password") if isinstance(body, dict) else body
        if password is None:
            raise MissingParameter("the body must hold a password for the new account", locator="password")
        if not isinstance(password, str):
            raise InvalidParameter("a password must be a text", locator="password")
        return _answer(await self.backend.users.register(password))

    async def login(self, request: Request) -> Response:
        """GET /auth/login: a bearer token for user and password, sent by HTTP Basic."""
        users = self.backend.users
        if isinstance(users, NoUsers):
            return _answer(users.session())
        credentials = credentials_of(request)
        if credentials is None or credentials.kind != "basic":
            raise CredentialsMissing("send user and password as Authorization: Basic")
        return _answer(await users.login(self.backend.user(request)))

    async def credits(self, request: Request) -> Response:
        """GET /credits: what the user has consumed so far."""
        consumed = await run_in_threadpool(self.backend.usage.credits, self.backend.user(request))
        return PlainTextResponse(f"{consumed:.15g}", headers=_UNKEPT)


def _answer(session: Session) -> Response:
    return Json({"user_id": session.user_id, "token": session.token}, headers=_UNKEPT)
