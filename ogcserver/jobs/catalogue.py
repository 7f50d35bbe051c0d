"""On-demand jobs as layers: found in the store, compiled, described, and forgotten at once when anything was written.

Everything remembered here is keyed by the store's revision, which is asked for every request. So a job that leaves
on-demand mode is refused from the next request on, in all processes and however warm the caches are.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache, TTLCache
from starlette.concurrency import run_in_threadpool

from ogcserver.cube import RESAMPLINGS, Resampling
from ogcserver.engine.describe import Description
from ogcserver.errors import JobNotFound, OgcServerError, ServiceNotFound
from ogcserver.jobs.compiler import Compile
from ogcserver.jobs.layers import Layer, Layers
from ogcserver.jobs.model import Job, Service
from ogcserver.jobs.revision import Revision
from ogcserver.jobs.store import JobStore
from ogcserver.plan.expr import Expr

Describe = Callable[[Expr], Awaitable[Description]]

_AT_ONCE = 8
"""Jobs that are described at the same time for a listing."""


class Compiled:
    """Plans of jobs, remembered for as long as neither the job nor any stored graph changes. Thread-safe."""

    def __init__(self, compile_graph: Compile, keep: int = 1024) -> None:
        self._compile = compile_graph
        self._plans: LRUCache[tuple[str, str, int], Expr] = LRUCache(keep)
        self._lock = threading.Lock()

    def known(self, job: Job, revision: Revision) -> Expr | None:
        """The plan, if it needs no compiling."""
        with self._lock:
            return self._plans.get((job.id, job.updated, revision.graphs))

    def plan(self, job: Job, revision: Revision) -> Expr:
        """The job's plan; compiles it where needed, which blocks.

        Raises:
            GraphError, CollectionNotFound, StoredGraphNotFound: the graph does not compile any more.
        """
        plan = self.known(job, revision)
        if plan is None:
            plan = self._compile(job.process_graph, job.user_id)
            with self._lock:
                self._plans[job.id, job.updated, revision.graphs] = plan
        return plan


class Catalogue:
    """Finds the layers behind an address: implements :class:`ogcserver.jobs.layers.Endpoints`.

    Args:
        keep_s: for how long a layer's description, and its absence from a listing, may be remembered while the store
            does not change; catalogues of scenes grow by themselves.
    """

    def __init__(
        self, store: JobStore, compile_graph: Compile, describe: Describe, keep_s: float = 10.0, keep: int = 4096
    ) -> None:
        self.store = store
        self.compiled = Compiled(compile_graph)
        self._describe = describe
        self._layers: TTLCache[tuple[Revision, str, str], Layer] = TTLCache(keep, keep_s)
        self._listings: TTLCache[Revision, tuple[Layer, ...]] = TTLCache(2, keep_s)
        self._services: LRUCache[tuple[Revision, str], Service] = LRUCache(keep)
        self._listing = asyncio.Lock()

    def root(self) -> Layers:
        """All on-demand jobs."""
        return _Root(self)

    async def of_service(self, service_id: str, service_type: str) -> Layers:
        """The one layer of a service.

        Raises:
            ServiceNotFound: no such service, or of another type, or its job is not on demand.
        """
        revision = await self.revision()
        key = (revision, service_id)
        service = self._services.get(key)
        if service is None:
            service = await run_in_threadpool(self.store.service, service_id)
            self._services[key] = service
        if service.type != service_type.lower():
            raise ServiceNotFound(f"service {service_id} is of type {service.type}, not {service_type[:32]}")
        try:
            return _One(await self.layer(revision, service.job_id, service))
        except JobNotFound as error:
            raise ServiceNotFound(f"service {service_id} is stopped: {error.message}") from error

    async def revision(self) -> Revision:
        """The store's revision, off the event loop unless it costs next to nothing."""
        if self.store.revision_is_cheap:
            return self.store.revision()
        return await run_in_threadpool(self.store.revision)

    async def layer(self, revision: Revision, job_id: str, service: Service | None) -> Layer:
        """A job's layer with the looks of a service, or with its own.

        Raises:
            JobNotFound: no such job, or it is not on demand.
        """
        key = (revision, job_id, service.id if service else "")
        layer = self._layers.get(key)
        if layer is None:
            job = await run_in_threadpool(self.store.job, job_id)
            if job.mode != "on_demand":
                raise JobNotFound(f"job {job_id} is not in on-demand mode: POST /jobs/{job_id}/on_demand starts it")
            layer = await self._build(job, revision, service)
            self._layers[key] = layer
        return layer

    async def listing(self) -> tuple[Layer, ...]:
        """All on-demand jobs that can be served now, in the order of creation."""
        revision = await self.revision()
        found = self._listings.get(revision)
        if found is None:
            async with self._listing:
                found = self._listings.get(revision)
                if found is None:
                    found = self._listings[revision] = await self._list(revision)
        return found

    async def _list(self, revision: Revision) -> tuple[Layer, ...]:
        jobs = await run_in_threadpool(self.store.jobs, None, "on_demand")
        gate = asyncio.Semaphore(_AT_ONCE)

        async def attempt(job: Job) -> Layer | None:
            async with gate:
                return await self._try(job, revision)

        return tuple(layer for layer in await asyncio.gather(*map(attempt, jobs)) if layer)

    async def _try(self, job: Job, revision: Revision) -> Layer | None:
        """The layer of a listing; None, and a line in the log, when it cannot be made. One job never hides others."""
        log = logging.getLogger(__name__)
        key = (revision, job.id, "")
        try:
            layer = self._layers.get(key) or await self._build(job, revision, None)
        except OgcServerError as error:
            log.warning("job %s is left out: %s", job.id, error.message)
            return None
        except Exception:
            log.exception("job %s is left out", job.id)
            return None
        self._layers[key] = layer
        return layer

    async def _build(self, job: Job, revision: Revision, service: Service | None) -> Layer:
        plan = self.compiled.known(job, revision)
        if plan is None:
            plan = await run_in_threadpool(self.compiled.plan, job, revision)
        own = {name: value for name, value in (job.output or {}).items() if name.lower() != "format"}
        args = service.args if service else own or await run_in_threadpool(self._look_of_services, job.id)
        chosen = resampling_of(args) or resampling_of(own) or "nearest"
        description = await self._describe(plan)
        return Layer(job.id, job.title or job.id, job.description, plan, description, args, chosen)

    def _look_of_services(self, job_id: str) -> dict[str, Any]:
        """The arguments of the first service of a job that has any: its look where the job itself names none."""
        return next((dict(service.args) for service in self.store.services(job_id=job_id) if service.args), {})


@dataclass(frozen=True, eq=False)
class _Root:
    """The layers of the endpoints at the root of the server."""

    catalogue: Catalogue

    async def all(self) -> tuple[Layer, ...]:
        return await self.catalogue.listing()

    async def get(self, identifier: str) -> Layer:
        return await self.catalogue.layer(await self.catalogue.revision(), identifier, None)


@dataclass(frozen=True, eq=False)
class _One:
    """The layer of a service's own endpoint."""

    layer: Layer

    async def all(self) -> tuple[Layer, ...]:
        return (self.layer,)

    async def get(self, identifier: str) -> Layer:
        if identifier != self.layer.id:
            raise JobNotFound(f"this service has the layer {self.layer.id}, not {identifier[:80]!r}")
        return self.layer


def resampling_of(options: Mapping[str, object]) -> Resampling | None:
    """What ``resampling`` says in the options of a job or service; None where it says nothing that is known."""
    wanted = next((str(value).lower() for name, value in options.items() if name.lower() == "resampling"), "")
    return next((known for known in RESAMPLINGS if known == wanted), None)
