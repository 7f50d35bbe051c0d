"""What computes, from the settings: for the server, for its workers, and for commands that compute without one."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import partial

from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.graph.limits import GraphLimits
from ogcserver.graph.model import BandName
from ogcserver.jobs.compiler import Compiler
from ogcserver.jobs.outside import OutsideGraphs
from ogcserver.jobs.store import JobStore
from ogcserver.people import open_files
from ogcserver.processes.registry import processes
from ogcserver.processes.udf import UserFunctions
from ogcserver.settings import Settings
from ogcserver.sources.base import CubeBand, FileBand, Place
from ogcserver.sources.catalogs import Catalogs, CatalogSpec, open_catalog
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.netcdf import NetcdfReader
from ogcserver.sources.raster import RasterReader
from ogcserver.sources.reader import Reader
from ogcserver.sources.region_files import RegionFolder
from ogcserver.sources.sampling import Samplings
from ogcserver.udf.capability import NoUdfs, open_runner
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.runner import UdfRunner
from ogcserver.udf.shared import SharedRunner
from ogcserver.users.files import UserFiles
from ogcserver.users.scripts import Scripts

_MB = 1 << 20
_SAMPLING_MB = 24


@dataclass(frozen=True, eq=False)
class CollectionBands:
    """The collections of the catalogues, as far as the compiler cares."""

    catalogs: Catalogs

    def bands(self, collection: str) -> tuple[BandName, ...]:
        info = self.catalogs.get(collection).info
        return tuple(BandName(band.band, band.common_name, band.wavelength_nm) for band in info.bands)


@dataclass(frozen=True, eq=False)
class Parts:
    """What computes: for the server, and for commands that compute without one."""

    catalogs: Catalogs
    engine: Engine
    store: JobStore
    compiler: Compiler
    files: UserFiles
    udfs: UdfRunner

    def close(self) -> None:
        self.engine.close()
        self.udfs.close()
        self.store.close()
        self.catalogs.close()


def open_parts(settings: Settings, database_url: str | None = None) -> Parts:
    """The parts of a server with these settings.

    Args:
        database_url: in place of the settings' own, such as ``sqlite://`` for one that vanishes.
    """
    specs = [
        CatalogSpec(
            catalog.stac,
            settings.sources.refresh_s,
            catalog.mosaic,
            catalog.apply_scale,
            catalog.max_items,
            settings.sources.timeout_s,
        )
        for catalog in settings.catalogs
    ]
    catalogs = Catalogs([open_catalog(spec) for spec in specs])
    if database_url is None:
        settings.server.data_dir.mkdir(parents=True, exist_ok=True)
    store = JobStore(database_url or settings.database_url)
    limits = settings.limits
    graph_limits = GraphLimits(limits.max_body_kb << 10, limits.max_graph_nodes, limits.max_graph_depth)
    outside = OutsideGraphs(settings.graphs.hosts, graph_limits, settings.sources.timeout_s)
    files, udfs = open_files(settings, store.database), _udfs(settings)
    read = Scripts(files, settings.udf.max_script_kb << 10)
    compiler = Compiler(
        processes(), CollectionBands(catalogs), store, graph_limits, outside, partial(UserFunctions, udfs, read),
        lambda user_id: RegionFolder(partial(files.path_for_reading, user_id)),
    )  # fmt: skip
    return Parts(catalogs, _engine(settings, catalogs, udfs), store, compiler, files, udfs)


def _udfs(settings: Settings) -> UdfRunner:
    limits = {one.name: getattr(settings.udf, one.name) for one in fields(settings.udf) if one.name != "enabled"}
    if not settings.udf.enabled:
        return NoUdfs("the operator has switched them off")
    return SharedRunner(partial(open_runner, UdfLimits(**limits)))


def _engine(settings: Settings, catalogs: Catalogs, udfs: UdfRunner) -> Engine:
    limits, cache = settings.limits, settings.cache
    files = CogReader(
        GdalReader(block_mb=max(16, cache.block_mb // 4)),
        cache.block_mb * _MB,
        remote_trust_s=settings.sources.refresh_s,
        timeout_s=settings.sources.timeout_s,
    )
    readers: dict[type[Place], RasterReader] = {FileBand: files, CubeBand: NetcdfReader()}
    reader = Reader(readers, Samplings(_SAMPLING_MB * _MB), skip_unreadable=settings.sources.on_error == "skip")
    workers = limits.threads or os.cpu_count() or 1
    bounded = Limits(limits.max_pixels, limits.max_request_mb, limits.timeout_s, workers, limits.queue)
    return Engine(catalogs.get, reader, bounded, cache.response_mb * _MB, cache.array_mb * _MB, udfs)
