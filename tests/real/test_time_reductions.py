"""Reductions over real collections against an independent computation with rasterio and numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ogcserver.cube import View
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import BandName, Context
from ogcserver.processes.registry import processes
from ogcserver.sources.base import FileBand
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings
from ogcserver.sources.stac_static import StaticCatalog
from tests.fakes import Stored, node, run
from tests.real.reference import BANDS, ndvi_by_day, reduced


class Catalog:
    def __init__(self, location: Path) -> None:
        self.catalog = StaticCatalog(str(location))

    def get(self, name: str) -> Any:
        return self.catalog.collections()[name]

    def bands(self, name: str) -> tuple[BandName, ...]:
        return tuple(BandName(band.band, band.common_name, band.wavelength_nm) for band in self.get(name).info.bands)


@pytest.fixture(scope="module")
def catalog(shared: Path) -> Catalog:
    return Catalog(shared / "catalog.json")


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Engine:
    reader = Reader({FileBand: CogReader(GdalReader())}, Samplings(64 << 20))
    return Engine(catalog.get, reader, Limits())


@pytest.mark.parametrize("collection", BANDS)
@pytest.mark.parametrize("reducer", ["min", "mean"])
def test_ndvi_over_time_equals_rasterio_and_numpy_bit_for_bit(
    shared: Path, catalog: Catalog, engine: Engine, collection: str, reducer: str
) -> None:
    red, nir = BANDS[collection]
    graph = node(f"{reducer}_time", imagery=node("NDVI", imagery={"product_id": collection}, red=red, nir=nir))
    plan = compile_graph(graph, Context(processes(), catalog, Stored({})))
    description = run(engine.describe(plan))
    block = run(engine.evaluate(plan, View(description.grid, ("NDVI",))))
    stack = np.stack(ndvi_by_day(shared / collection, red, nir, description.grid))
    observed = np.isfinite(stack).any(axis=0)
    assert observed.mean() > 0.5
    np.testing.assert_array_equal(block.data[0, 0], reduced(stack, reducer))
