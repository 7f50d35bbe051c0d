"""Cross-origin access for browsers, on every endpoint of the server and on errors, too.

The job API wants the request's own Origin echoed and credentials allowed, and OPTIONS answered with 204 everywhere.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALLOW_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOW_HEADERS = "Authorization, Content-Type, Accept, Range, If-None-Match, If-Range"
EXPOSE_HEADERS = (
    "Location, OpenEO-Identifier, OpenEO-Costs, Link, Content-Range, Accept-Ranges, Content-Disposition, ETag, "
    "Retry-After, Warning"
)
MAX_AGE_S = 86400


class Cors:
    """Wraps the whole server: answers OPTIONS itself, and adds the headers to every other answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        if scope["method"] == "OPTIONS":
            await _preflight(origin, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                _mark(MutableHeaders(scope=message), origin)
            await send(message)

        await self.app(scope, receive, marked)


async def _preflight(origin: str | None, send: Send) -> None:
    headers = MutableHeaders()
    _mark(headers, origin)
    headers["access-control-allow-methods"] = ALLOW_METHODS
    headers["access-control-allow-headers"] = ALLOW_HEADERS
    headers["access-control-max-age"] = str(MAX_AGE_S)
    headers["allow"] = ALLOW_METHODS
    await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b""})


def _mark(headers: MutableHeaders, origin: str | None) -> None:
    headers.add_vary_header("Origin")
    if origin is not None:
        headers["access-control-allow-origin"] = origin
        headers["access-control-allow-credentials"] = "true"
        headers["access-control-expose-headers"] = EXPOSE_HEADERS
