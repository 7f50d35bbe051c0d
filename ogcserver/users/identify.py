"""Finds out whose request it is, once for all protocols, before any of them sees it."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ogcserver.errors import OgcServerError
from ogcserver.jobs.access import Caller, identify
from ogcserver.users.accounts import Users
from ogcserver.users.credentials import TOKEN_PATH, Credentials, credentials_of, token_of_path


class Identify:
    """ASGI middleware that notes the :class:`Caller` of each request.

    Credentials that are not accepted are noted, too: the protocol tells of them in its own way, and only where it
    matters who asks. A token in the address becomes a part of where the server's root is, so that it is in all links
    of the answer: clients follow those of capabilities and add nothing to them.
    """

    def __init__(self, app: ASGIApp, users: Users) -> None:
        self._app, self._users = app, users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = await self._identified(dict(scope))
        await self._app(scope, receive, send)

    async def _identified(self, scope: Scope) -> Scope:
        path = scope["path"]
        prefix = TOKEN_PATH + token if (token := token_of_path(path)) else ""
        credentials: Credentials | None = None
        try:
            credentials = credentials_of(HTTPConnection(scope))
            caller = Caller(None) if credentials is None else Caller(await self._users.user(credentials))
        except OgcServerError as error:
            caller = Caller(None, error)
        if not prefix and caller.user_id and credentials and credentials.in_address:
            prefix = TOKEN_PATH + credentials.secret
            scope["path"] = prefix + path
        scope["root_path"] = scope.get("root_path", "") + prefix
        identify(scope, caller, prefix)
        return scope
