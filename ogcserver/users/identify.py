"""Finds out whose request it is, once for all protocols, before any of them sees it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
            scope, known = await self._identified(dict(scope))
            if scope["type"] == "http" and known:
                send = _private(send)
        await self._app(scope, receive, send)

    async def _identified(self, scope: Scope) -> tuple[Scope, bool]:
        """Also whether the credentials are those of a user."""
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
        return scope, caller.user_id is not None


def _private(send: Send) -> Send:
    """Answers that caches between the user and the server do not keep, for others may not see what a user sees.

    What is sent to those who have not signed in is for everybody.  Source: RFC 9111 clauses 3.5 and 5.2.2.7.
    """

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            told = [one.strip() for one in headers.get("cache-control", "").lower().split(",")]
            if "no-store" not in told:
                kept = (one for one in told if one not in ("", "public", "private"))
                headers["cache-control"] = ", ".join(("private", *kept))
            message = {**message, "headers": headers.raw}
        await send(message)

    return guarded
