"""On-demand jobs as layers: found in the store, for those who may see them.

The store's revision is asked for every request. So a job that leaves on-demand mode is refused from the next request
on, in all processes and however warm the caches are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache, TTLCache
from starlette.concurrency import run_in_threadpool

from ogcserver.engine.cache import SingleFlight
from ogcserver.errors import JobNotFound, OgcServerError, ServiceNotFound
from ogcserver.jobs.access import Caller
from ogcserver.jobs.compiled import Compiled
from ogcserver.jobs.compiler import Compile
from ogcserver.jobs.layers import Layer, Layers
from ogcserver.jobs.listing import look_of_services, on_demand, read_jobs
from ogcserver.jobs.model import Job, Service
from ogcserver.jobs.remembered import Describe, Key, Remembered, State
from ogcserver.jobs.revision import Revision
from ogcserver.jobs.rows import no_job, no_service
from ogcserver.jobs.store import JobStore

Claim = Callable[[str, str, str], None]
"""(token of a plan, user, job): whose computing it is from now on."""

_AT_ONCE = 64
"""Jobs that are compiled and described together for a listing, so that tiles come in between."""
_LISTINGS = 64
"""Of users, remembered."""


class Catalogue:
    """Finds the layers behind an address: implements :class:`ogcserver.jobs.layers.Endpoints`.

    Args:
        keep_s, keep: of :class:`Remembered`.
        clock: seconds, never running backwards.
        claim: is told whose job was asked for, each time.
    """

    def __init__(
        self,
        store: JobStore,
        compile_graph: Compile,
        describe: Describe,
        keep_s: float = 10.0,
        keep: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
        claim: Claim = lambda token, user_id, job_id: None,
    ) -> None:
        self.store = store
        self.compiled = Compiled(compile_graph)
        self._layers = Remembered(self.compiled, describe, keep_s, keep, clock)
        self._listings: TTLCache[tuple[Revision, str], tuple[Layer, ...]] = TTLCache(_LISTINGS, keep_s, clock)
        self._services: LRUCache[tuple[Revision, str], Service] = LRUCache(4096)
        self._flights = SingleFlight()
        self._claim = claim

    def root(self, caller: Caller) -> Layers:
        """All on-demand jobs of the caller."""
        return _Root(self, caller)

    async def of_service(self, service_id: str, service_type: str, caller: Caller) -> Layers:
        """The one layer of a service.

        Raises:
            ServiceNotFound: no such service for this caller, or of another type, or its job is not on demand.
            CredentialsMissing: no such service that is public, and the caller has not signed in.
        """
        revision = await self.revision()
        key = (revision, service_id)
        service = self._services.get(key)
        if service is None:
            try:
                service = await run_in_threadpool(self.store.service, service_id)
            except ServiceNotFound as error:
                raise caller.missing(error) from error
            self._services[key] = service
        if not caller.sees(service.user_id, service.public):
            raise caller.missing(no_service(service_id))
        if service.type != service_type.lower():
            raise ServiceNotFound(f"service {service_id} is of type {service.type}, not {service_type[:32]}")
        try:
            return _One(await self.layer(revision, service.job_id, service.user_id, service), sum(revision))
        except JobNotFound as error:
            raise ServiceNotFound(f"service {service_id} is stopped: {error.message}") from error

    async def revision(self) -> Revision:
        """The store's revision, off the event loop unless it costs next to nothing."""
        if self.store.revision_is_cheap:
            return self.store.revision()
        return await run_in_threadpool(self.store.revision)

    async def layer(self, revision: Revision, job_id: str, user_id: str, service: Service | None) -> Layer:
        """The layer of a user's job with the looks of a service, or with its own.

        Raises:
            JobNotFound: no such job of this user, or it is not on demand.
        """
        key = (job_id, service.id if service else "")
        layer = self._layers.at(key, user_id, revision)
        if layer is None:
            job = await run_in_threadpool(self.store.job, job_id, user_id)
            if job.mode != "on_demand":
                raise JobNotFound(f"job {job_id} is not in on-demand mode: POST /jobs/{job_id}/on_demand starts it")
            look = service.args if service else await run_in_threadpool(look_of_services, self.store.database, job_id)
            state = State(user_id, job.updated, revision.graphs, look)
            layer = await self._layers.current(key, state, revision, job)
        self._claim(layer.plan.token, user_id, job_id)
        return layer

    async def listing(self, user_id: str) -> tuple[Layer, ...]:
        """All on-demand jobs of a user that can be served now, in the order of creation."""
        key = (await self.revision(), user_id)
        found = self._listings.get(key)
        if found is None:
            found = await self._flights.run(key, lambda: self._list(*key))
            self._listings[key] = found
        return found

    async def _list(self, revision: Revision, user_id: str) -> tuple[Layer, ...]:
        rows = await run_in_threadpool(on_demand, self.store.database, user_id)
        states: dict[Key, State] = {
            (row.id, ""): State(user_id, row.updated, revision.graphs, row.look) for row in rows
        }
        layers = self._layers.fresh(states)
        others = [key for key in states if key not in layers]
        unknown = [key[0] for key in others if not self._layers.described(key, states[key])]
        jobs = await run_in_threadpool(read_jobs, self.store, user_id, unknown)
        for first in range(0, len(others), _AT_ONCE):
            batch = others[first : first + _AT_ONCE]
            await self._layers.prepare((jobs[name] for name, _ in batch if name in jobs), revision)
            made = await asyncio.gather(*(self._attempt(key, states[key], revision, jobs.get(key[0])) for key in batch))
            layers |= dict(zip(batch, made, strict=True))
        return tuple(layer for key in states if (layer := layers[key]))

    async def _attempt(self, key: Key, state: State, revision: Revision, job: Job | None) -> Layer | None:
        """The layer of a listing; None, and a line in the log, when it cannot be made. One job never hides others."""
        log = logging.getLogger(__name__)
        try:
            if job is not None:
                return await self._layers.current(key, state, revision, job)
            if self._layers.described(key, state):
                return await self._layers.renewed(key, revision)
            return None  # ended meanwhile
        except OgcServerError as error:
            log.warning("job %s is left out: %s", key[0], error.message)
        except Exception:
            log.exception("job %s is left out", key[0])
        self._layers.failed(key, state, revision)
        return None


@dataclass(frozen=True, eq=False)
class _Root:
    """The layers of the endpoints at the root of the server."""

    catalogue: Catalogue
    caller: Caller

    async def all(self) -> tuple[Layer, ...]:
        return () if self.caller.user_id is None else await self.catalogue.listing(self.caller.user_id)

    async def revision(self) -> int:
        return sum(await self.catalogue.revision())

    async def get(self, identifier: str) -> Layer:
        if self.caller.user_id is None:
            raise self.caller.missing(no_job(identifier))
        return await self.catalogue.layer(await self.catalogue.revision(), identifier, self.caller.user_id, None)


@dataclass(frozen=True, eq=False)
class _One:
    """The layer of a service's own endpoint."""

    layer: Layer
    at: int
    """The store's revision."""

    async def all(self) -> tuple[Layer, ...]:
        return (self.layer,)

    async def revision(self) -> int:
        return self.at

    async def get(self, identifier: str) -> Layer:
        if identifier != self.layer.id:
            raise JobNotFound(f"this service has the layer {self.layer.id}, not {identifier[:80]!r}")
        return self.layer
