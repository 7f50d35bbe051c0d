"""``ogcserver serve`` with more addresses: bytes from memory, emptying caches, and what was compiled.

``python -m benchmarks.app CONFIG PORT`` takes the same way as the command does; other addresses cost one comparison of
texts more.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.forget import Caches, compiled_here
from ogcserver.cli.serving import serve
from ogcserver.cli.wiring import Wiring, installed
from ogcserver.settings import Settings

PREFIX = "/bench/"


class Extras:
    """The addresses."""

    def __init__(self) -> None:
        self.body = b""
        self._caches: Caches | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(f"{PREFIX}constant", self.constant, methods=["GET"]),
                Route(f"{PREFIX}constant", self.keep, methods=["PUT"]),
                Route(PREFIX + "forget/{what}", self.forget, methods=["POST"]),
                Route(f"{PREFIX}compiled", self.compiled, methods=["GET"]),
            ]
        )

    async def constant(self, request: Request) -> Response:
        """The bytes that were put here."""
        return Response(self.body, media_type="image/png")

    async def keep(self, request: Request) -> Response:
        self.body = await request.body()
        return Response(status_code=204)

    async def forget(self, request: Request) -> Response:
        self._caches = self._caches or Caches()
        forget = {"files": self._caches.forget_files, "blocks": self._caches.forget_blocks}
        forget.get(request.path_params["what"], self._caches.forget_places)()
        return Response(status_code=204)

    async def compiled(self, request: Request) -> Response:
        """How many kernels were compiled in this process, not loaded from the disk."""
        return Response(str(compiled_here()))


def with_extras(app: ASGIApp) -> ASGIApp:
    """The application, and the addresses."""
    extras = Extras().app()

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = extras if scope["type"] == "http" and scope["path"].startswith(PREFIX) else app
        await chosen(scope, receive, send)

    return either


def main(config: str, port: int) -> None:
    settings = Settings.load(Path(config), os.environ)
    settings = replace(settings, server=replace(settings.server, port=port))
    known = installed()
    wiring = Wiring(lambda given: with_extras(known.create_app(given)), known.open_parts)
    serve(wiring, settings, Path(config), 1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
