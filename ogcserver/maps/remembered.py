"""Pictures that were sent before, found by their address: what a cached tile costs is a look, and sending it.

Finding the layer, its style and the view of an address takes ten times as long as finding the picture that it led to.
So the whole answer is remembered by the caller and the address, for as long as nothing was written to the store and no
collection has changed, which is asked each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ogcserver.engine.cache import ByteCache
from ogcserver.errors import OgcServerError
from ogcserver.jobs.access import caller_of, prefix_of
from ogcserver.jobs.revision import Revision
from ogcserver.plan.expr import Expr

_NOTE = "ogcserver.remember"


@dataclass(frozen=True, eq=False)
class _Answer:
    plan: Expr
    stamp: Stamp
    headers: list[tuple[bytes, bytes]]
    etag: bytes
    body: bytes


class Stamp(NamedTuple):
    """What a picture hangs on besides its address."""

    revision: Revision
    """Of jobs and services, read before the layer of the address was found."""
    versions: tuple[str, ...]
    """Of the collections, when the picture was computed."""


class Remembered:
    """ASGI middleware, behind the one that finds out who asks.

    Args:
        revision: of the store; must take microseconds.
        versions: of the collections that a plan loads.
        max_bytes: of addresses and pictures; pictures are mostly those of the engine's cache, and not held twice.
    """

    def __init__(
        self,
        app: ASGIApp,
        revision: Callable[[], Revision],
        versions: Callable[[Expr], tuple[str, ...]],
        max_bytes: int,
    ) -> None:
        self._app, self._revision, self._versions = app, revision, versions
        self._answers: ByteCache[_Answer] = ByteCache(max_bytes, lambda answer: 1024 + len(answer.body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            user = caller_of(connection).user_id
        except OgcServerError:  # the protocol tells of it
            await self._app(scope, receive, send)
            return
        revision = self._revision()
        key = user, prefix_of(connection), scope["path"], scope["query_string"]
        known = self._answers.get(key)
        if known is not None and known.stamp == (revision, self._versions(known.plan)):
            await _send(known, scope, send)
            return

        noted: list[tuple[Expr, Stamp, bytes, bytes]] = []

        def note(plan: Expr, response: Response, etag: str) -> None:
            stamp = Stamp(revision, self._versions(plan))
            noted.append((plan, stamp, f'"{etag}"'.encode(), bytes(response.body)))

        async def keeping(message: Message) -> None:
            """Keeps the headers as the protocol sends them: before others add what is for this client only."""
            if noted and message["type"] == "http.response.start" and message["status"] == 200:
                plan, stamp, tag, body = noted.pop()
                self._answers.put(key, _Answer(plan, stamp, list(message["headers"]), tag, body))
            await send(message)

        await self._app({**scope, _NOTE: note}, receive, keeping)


async def _send(answer: _Answer, scope: Scope, send: Send) -> None:
    """The answer, or 304 where the client has it.  Source: RFC 9110, 13.1.2, compared weakly."""
    for name, value in scope["headers"]:
        if name == b"if-none-match" and (answer.etag in value or b"*" in value):
            kept = [(key, text) for key, text in answer.headers if key in (b"etag", b"cache-control")]
            await send({"type": "http.response.start", "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b""})
            return
    await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


def remember(request: Request, plan: Expr, response: Response, etag: str) -> None:
    """Keeps an answer that hangs on its address and caller, the store, and the collections of the plan only."""
    note = request.scope.get(_NOTE)
    if note is not None:
        note(plan, response, etag)


def not_by_address(request: Request) -> None:
    """An answer to this request hangs on more than its address, such as on a header, so it is not remembered."""
    request.scope.pop(_NOTE, None)
