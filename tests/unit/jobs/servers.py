"""The job API over the archive of coordinates, on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from ogcserver.cors import Cors
from ogcserver.encode.formats import formats
from ogcserver.engine.service import Engine
from ogcserver.graph.limits import GraphLimits
from ogcserver.jobs.catalogue import Catalogue
from ogcserver.jobs.compiler import Compiler
from ogcserver.jobs.store import JobStore
from ogcserver.openeo.api import OpenEoApi
from ogcserver.openeo.backend import Backend, Link
from ogcserver.processes.registry import processes
from ogcserver.sources.base import CollectionInfo
from tests.fakes import Archive, utm_archive

SMALL = GraphLimits(max_bytes=20_000)


class Listed(Archive):
    """An archive that can list its collections, as catalogues can."""

    def __init__(self, archive: Archive) -> None:
        self.arrays, self.collections = archive.arrays, archive.collections

    def list(self) -> tuple[CollectionInfo, ...]:
        return tuple(collection.info for collection in self.collections.values())


class Server:
    """A server process: what it remembers is its own, what it stores is in the database."""

    def __init__(self, folder: Path, archive: Archive | None = None, public_url: str = "", **limits: Any) -> None:
        self.archive = Listed(archive or utm_archive())
        self.engine: Engine = self.archive.engine(**limits)
        self.store = JobStore(f"sqlite:///{folder / 'jobs.db'}")
        compiler = Compiler(processes(), self.archive, self.store, SMALL)
        self.catalogue = Catalogue(self.store, compiler, self.engine.describe)
        links = (Link("Coverages", "/wcs"),)
        self.backend = Backend(
            self.store, compiler, self.catalogue.compiled, self.engine, self.archive, processes(), formats(), SMALL,
            ("wmts", "wcs"), links, public_url,
        )  # fmt: skip
        self.app: ASGIApp = Cors(OpenEoApi(self.backend).app())

    def talk(self, call: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
        """What a conversation with the server comes to."""

        async def run() -> Any:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await call(client)

        return asyncio.run(run())

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request; a body is sent as JSON, bytes as they are."""
        given = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        answer: httpx.Response = self.talk(lambda client: client.request(method, path, **given, **more))
        return answer

    def job(self, graph: Any, **more: Any) -> str:
        """The identifier of a new job."""
        answer = self.ask("POST", "/jobs", {"process_graph": graph, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])
