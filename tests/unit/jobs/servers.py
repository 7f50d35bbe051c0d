"""The job API over the archive of coordinates, on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from ogcserver.batch.service import Batches
from ogcserver.batch.store import BatchStore
from ogcserver.batch.worker import Station
from ogcserver.cors import Cors
from ogcserver.encode.formats import formats
from ogcserver.engine.exports import Exports
from ogcserver.engine.scratch import Scratch
from ogcserver.engine.service import Engine
from ogcserver.graph.limits import GraphLimits
from ogcserver.jobs.catalogue import Catalogue
from ogcserver.jobs.compiler import Compiler
from ogcserver.jobs.locks import FileLocks
from ogcserver.jobs.outside import OutsideGraphs
from ogcserver.jobs.store import JobStore
from ogcserver.openeo.api import OpenEoApi
from ogcserver.openeo.backend import Backend, Link
from ogcserver.processes.registry import processes
from ogcserver.sources.base import CollectionInfo
from ogcserver.sources.region_files import RegionFolder
from ogcserver.users.accounts import NoUsers, Users
from ogcserver.users.files import FileLimits, UserFiles
from ogcserver.users.identify import Identify
from ogcserver.users.usage import Usage
from tests.databases import database_url
from tests.fakes import Archive, utm_archive

SMALL = GraphLimits(max_bytes=20_000)


class Listed(Archive):
    """An archive that can list its collections, as catalogues can."""

    def __init__(self, archive: Archive) -> None:
        self.arrays, self.collections = archive.arrays, archive.collections

    def list(self) -> tuple[CollectionInfo, ...]:
        return tuple(collection.info for collection in self.collections.values())


class NoWorkers:
    """Of a server that is not started, so that what is queued stays queued."""

    slots = 1

    def executor(self) -> Executor:
        raise AssertionError("nothing is to be computed")

    def renew(self, broken: Executor) -> None:
        raise AssertionError("nothing is to be computed")

    def close(self) -> None:
        return None


def no_station() -> Station:
    raise AssertionError("nothing is to be computed")


class Server:
    """A server process: what it remembers is its own, what it stores is in the database."""

    def __init__(
        self,
        folder: Path,
        archive: Archive | None = None,
        public_url: str = "",
        users: Callable[[JobStore], Users] = lambda store: NoUsers(),
        files: FileLimits = FileLimits(),  # noqa: B008
        graphs: OutsideGraphs = OutsideGraphs(),  # noqa: B008
        **limits: Any,
    ) -> None:
        self.archive = Listed(archive or utm_archive())
        self.engine: Engine = self.archive.engine(**limits)
        self.exports = Exports(self.engine, Scratch(folder / "tmp"), 64 << 20, 600.0)
        self.store = JobStore(database_url(folder))
        regions = lambda user_id: RegionFolder(partial(self.files.path_for_reading, user_id))  # noqa: E731
        compiler = Compiler(processes(), self.archive, self.store, SMALL, graphs, regions=regions)
        self.users, self.usage = users(self.store), Usage(self.store.database)
        self.files = UserFiles(folder / "files", files, FileLocks(self.store.database))
        self.engine.on_computed = self.usage.count
        self.catalogue = Catalogue(self.store, compiler, self.engine.describe, claim=self.usage.claim)
        self.batches = Batches(
            BatchStore(self.store), NoWorkers(), no_station, folder / "results", charge=self.usage.charge
        )
        links = (Link("Coverages", "/wcs"),)
        self.backend = Backend(
            self.store, compiler, self.catalogue.compiled, self.engine, self.exports, self.archive, processes(),
            formats(), SMALL, ("wmts", "wcs"), self.users, self.files, self.usage, self.batches, links, public_url,
            isinstance(self.users, NoUsers),
        )  # fmt: skip
        app = OpenEoApi(self.backend).app()
        self.app: ASGIApp = Cors(app if isinstance(self.users, NoUsers) else Identify(app, self.users))

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
