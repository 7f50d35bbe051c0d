"""Answers that are sent from where they lie, without a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ogcserver.engine.exports import Body, StoredFile

_CHUNK = 1 << 20


class Joined(Response):
    """Bodies one after the other; a stored file is read while it is sent, and its room on the disk free afterwards."""

    def __init__(self, bodies: Sequence[Body], headers: Mapping[str, str]) -> None:
        self.status_code, self.background = 200, None
        self.bodies = bodies
        self.init_headers({**headers, "content-length": str(sum(map(len, bodies)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for body in self.bodies:
            if isinstance(body, StoredFile):
                await _send_file(body, send)
            else:
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _send_file(file: StoredFile, send: Send) -> None:
    try:
        for start in range(0, len(file), _CHUNK):
            chunk = await run_in_threadpool(file.read, start, _CHUNK)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        file.close()
