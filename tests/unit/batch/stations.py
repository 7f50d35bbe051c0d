"""Batches over the archive of coordinates: what computes, who computes, and what is to be computed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ogcserver.batch.model import Batch
from ogcserver.batch.products import RasterProduct, raster_product
from ogcserver.batch.service import Batches
from ogcserver.batch.store import BatchStore
from ogcserver.batch.worker import Opener, Station
from ogcserver.batch.workers import Workers
from ogcserver.cube import Block, View
from ogcserver.engine.service import Engine
from ogcserver.jobs.model import Job
from ogcserver.jobs.store import JobStore
from ogcserver.plan.expr import Expr
from tests.databases import database_url
from tests.fakes import compiled, node, product, run, utm_archive

GRAPH = node("min_time", imagery=node("filter_bands", imagery=product(), bands=["v", "x"]))
SERIES = node("filter_bands", imagery=product(), bands="v")
END = ("finished", "error")


@dataclass(frozen=True)
class OpenUtm:
    """Opens a station over the archive of coordinates, in any process."""

    kill_once: str = ""
    """A file: the process that computes first when it is there deletes it and dies."""

    def __call__(self) -> Station:
        archive = utm_archive()
        engine: Any = archive.engine()
        return Station(Deadly(engine, Path(self.kill_once)) if self.kill_once else engine, compile_utm)


@dataclass(frozen=True)
class Deadly:
    """An engine whose process dies once, as if it were out of memory."""

    engine: Engine
    trigger: Path

    async def evaluate(self, plan: Expr, view: View) -> Block:
        try:
            self.trigger.unlink()
        except FileNotFoundError:
            return await self.engine.evaluate(plan, view)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@dataclass(eq=False)
class Gate:
    """An opener of this process's own whose engine computes so many chunks, then waits to be let on."""

    free: int = 10**9
    failure: Exception | None = None
    computed: list[View] = field(default_factory=list)
    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> Station:
        self.engine = utm_archive().engine()
        return Station(self, compile_utm)

    async def evaluate(self, plan: Expr, view: View) -> Block:

        self.started.release()
        try:
            while len(self.computed) >= self.free:
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.failure is not None:
            raise self.failure
        self.computed.append(view)
        return await self.engine.evaluate(plan, view)


class Threads:
    """Workers that are threads of this process."""

    slots = 2

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)

    def executor(self) -> Executor:
        return self._pool

    def renew(self, broken: Executor) -> None:
        raise AssertionError("threads do not break")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def compile_utm(graph: object, user_id: str) -> Expr:
    return compiled(utm_archive(), graph)


@dataclass(eq=False)
class Office:
    """A server process, as far as batches go."""

    folder: Path
    opener: Opener = field(default_factory=Gate)
    workers: Workers = field(default_factory=Threads)
    lease_s: float = 60.0

    def __post_init__(self) -> None:
        self.jobs = JobStore(database_url(self.folder))
        self.store = BatchStore(self.jobs)
        results = self.folder / "results"
        self.batches = Batches(self.store, self.workers, self.opener, results, lease_s=self.lease_s)

    def __enter__(self) -> Office:
        self.batches.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.batches.close()
        self.jobs.close()

    def add(self, graph: Any = GRAPH, format_name: str = "GTiff", **options: Any) -> Job:
        """A job that is queued."""
        job = self.jobs.add_job("me", graph, {"format": format_name, **options})
        self.queue(job, format_name, **options)
        return job

    def queue(self, job: Job, format_name: str = "GTiff", **options: Any) -> None:
        plan = compile_utm(job.process_graph, "me")
        self.batches.queue(job, plan.token, utm_product(plan, format_name, **options))

    def status(self, job: Job) -> str:
        return self.jobs.job(job.id).status

    def batch(self, job: Job) -> Batch:
        found = self.batches.get(job.id)
        assert found is not None
        return found

    def file(self, job: Job) -> Path:
        """The file of a job, once it is finished."""
        wait_for(lambda: self.status(job) in END)
        assert self.status(job) == "finished", self.batch(job).failure
        return self.batches.file(self.batch(job))


def utm_product(plan: Expr, format_name: str = "GTiff", **options: Any) -> RasterProduct:
    found = run(utm_archive().engine().describe(plan))
    return raster_product(found, plan, format_name, options, "nearest")


def whole(graph: Any) -> Block:
    """All of a graph's result, computed at once."""
    plan, engine = compile_utm(graph, "me"), utm_archive().engine()
    found = run(engine.describe(plan))
    block: Block = run(engine.evaluate(plan, View(found.grid, plan.type.names, found.times)))
    return block


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until the condition holds; fails when that takes unreasonably long."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("what was waited for did not happen")
