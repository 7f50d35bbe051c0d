"""How commands get at the program itself.

``ogcserver.app`` is imported only by commands that compute: it loads compilers and GDAL, for which a client of a
running server would wait in vain.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp

from ogcserver.cli.allocator import keep_freed_memory
from ogcserver.cube import Block, View
from ogcserver.engine.describe import Description
from ogcserver.engine.explain import Explanation
from ogcserver.jobs.compiler import Compile
from ogcserver.plan.expr import Expr
from ogcserver.settings import Settings

CONFIG_VARIABLE = "OGCSERVER_CONFIG"
"""Tells server processes that another process starts which settings file to read."""


class LocalEngine(Protocol):
    """What commands need of :class:`ogcserver.engine.service.Engine`."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...

    async def describe(self, plan: Expr) -> Description: ...

    async def explain(self, plan: Expr, view: View, analyze: bool) -> Explanation: ...


class Parts(Protocol):
    """The program without a server around it."""

    @property
    def engine(self) -> LocalEngine: ...

    @property
    def compiler(self) -> Compile: ...

    def close(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Wiring:
    """The two ways of putting the program together."""

    create_app: Callable[[Settings], ASGIApp]
    open_parts: Callable[[Settings], Parts]


def installed() -> Wiring:
    """The program as it is installed."""
    app = importlib.import_module("ogcserver.app")

    def open_parts(settings: Settings) -> Parts:
        server = settings.server
        kept = (
            server.database or (server.data_dir / "ogcserver.db").exists()
        )  # graphs may refer to what is stored there
        parts: Parts = app.open_parts(settings, None if kept else "sqlite://")
        return parts

    return Wiring(app.create_app, open_parts)


def app_from_environment() -> ASGIApp:
    """The server that the environment describes, for uvicorn's worker processes."""
    keep_freed_memory()
    path = os.environ.get(CONFIG_VARIABLE)
    return installed().create_app(Settings.load(Path(path) if path else None, os.environ))
