"""Stops the work for clients that hang up."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATIENCE_S = 0.05
"""Answers that come sooner are not worth watching the client for."""


class CancelOnHangup:
    """ASGI middleware that cancels a handler whose client disconnects before the answer starts.

    The client is watched from the moment when the handler has read the request's body; until then the messages are the
    handler's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, read = asyncio.Event(), asyncio.Event()
        if scope["method"] in ("GET", "HEAD"):
            read.set()

        async def note_read() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                read.set()
            return message

        async def note_start(message: Message) -> None:
            started.set()
            await send(message)

        handler = asyncio.ensure_future(self._app(scope, note_read, note_start))
        try:
            done, _ = await asyncio.wait({handler}, timeout=_PATIENCE_S)
            if not done and read.is_set() and not started.is_set():
                await _watch(handler, started, receive)
            await handler
        except asyncio.CancelledError:
            if not handler.cancelled():  # the server itself is stopping
                handler.cancel()
                raise


async def _watch(handler: asyncio.Future[None], started: asyncio.Event, receive: Receive) -> None:
    """Waits until the answer starts or the client is gone; in that case cancels the handler."""
    gone: asyncio.Future[Any] = asyncio.ensure_future(_disconnected(receive))
    begun: asyncio.Future[Any] = asyncio.ensure_future(started.wait())
    await asyncio.wait({handler, gone, begun}, return_when=asyncio.FIRST_COMPLETED)
    if gone.done() and not handler.done() and not started.is_set():
        handler.cancel()
    for task in (gone, begun):
        task.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
