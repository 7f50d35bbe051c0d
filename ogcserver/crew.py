"""The wiring of batch jobs: who computes, with what, and where results are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ogcserver.batch.runner import Charge
from ogcserver.batch.service import Batches
from ogcserver.batch.store import BatchStore
from ogcserver.batch.worker import Station
from ogcserver.batch.workers import open_workers
from ogcserver.jobs.store import JobStore
from ogcserver.parts import open_parts
from ogcserver.settings import Cache, Settings

_FOR_EVER_S = 1e9
_ANY = 1 << 62


@dataclass(frozen=True)
class OpenStation:
    """Opens what a worker process computes with: what the server has, with its own limits and no caches of results."""

    settings: Settings

    def __call__(self) -> Station:
        parts = open_parts(self.settings)
        return Station(parts.engine, parts.compiler)


def open_batches(settings: Settings, store: JobStore, charge: Charge) -> Batches:
    """The batches of a server with these settings.

    Args:
        charge: is told of all that was computed.
    """
    batch = settings.batch
    workers = open_workers(batch.executor, batch.workers, batch.scheduler)
    results = settings.server.data_dir.absolute() / "results"
    opener = OpenStation(worker_settings(settings))
    return Batches(BatchStore(store), workers, opener, results, batch.jobs, batch.lease_s, charge)


def worker_settings(settings: Settings) -> Settings:
    """Those of a worker: one thread, which computes chunk after chunk in bounded memory, however long that takes."""
    megabytes = settings.batch.worker_mb
    cache = Cache(response_mb=0, array_mb=0, block_mb=min(settings.cache.block_mb, megabytes // 4))
    limits = replace(
        settings.limits, max_pixels=_ANY, max_request_mb=megabytes, timeout_s=_FOR_EVER_S, threads=1, queue=_ANY
    )
    server = replace(settings.server, data_dir=settings.server.data_dir.absolute())
    udf = replace(settings.udf, workers=1)
    return replace(settings, server=server, cache=cache, limits=limits, udf=udf)
