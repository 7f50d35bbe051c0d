"""Reductions over real collections against an independent computation with rasterio and numpy alone."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from ogcserver.cube import View
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.geo.grid import Grid
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

BANDS = {
    "landsat8-l1tp-nyc": ("B4", "B5"),
    "naip-prairie-nd": ("R", "N"),
    "cbers4-awfi-brazil": ("B15", "B16"),
}


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


def sampled(folder: Path, asset: dict[str, Any], name: str, grid: Grid) -> np.ndarray[Any, Any]:
    """One band of one item on a grid by nearest pixel, float32, NaN where missing; with rasterio alone."""
    names = [band["name"] for band in asset["eo:bands"]]
    number = names.index(name)
    facts = asset["raster:bands"][number]
    with rasterio.open(folder / asset["href"]) as file:
        stored, inverse = file.read(number + 1), ~file.transform
    west, _, _, north = grid.bounds
    x = west + (np.arange(grid.width) + 0.5) * grid.lattice.dx
    y = north - (np.arange(grid.height) + 0.5) * grid.lattice.dy
    # a pixel centre on the edge between two source pixels belongs to the right and lower one
    cols = np.floor(inverse.a * x + inverse.c + 1e-6).astype(int)
    rows = np.floor(inverse.e * y + inverse.f + 1e-6).astype(int)
    inside = ((rows >= 0) & (rows < stored.shape[0]))[:, None] & ((cols >= 0) & (cols < stored.shape[1]))[None, :]
    picked = stored[np.clip(rows, 0, stored.shape[0] - 1)[:, None], np.clip(cols, 0, stored.shape[1] - 1)[None, :]]
    valid = inside & (picked != facts["nodata"])
    scale, offset = np.float32(facts.get("scale", 1)), np.float32(facts.get("offset", 0))
    return np.where(valid, picked.astype(np.float32) * scale + offset, np.float32(np.nan))


def ndvi_by_day(folder: Path, red: str, nir: str, grid: Grid) -> list[np.ndarray[Any, Any]]:
    days: dict[str, list[tuple[str, str, Path]]] = defaultdict(list)
    for path in folder.glob("*/*.json"):
        item = json.loads(path.read_text())
        days[item["properties"]["datetime"][:10]].append((item["properties"]["datetime"], item["id"], path))
    series = []
    for day in sorted(days):
        mosaic = {name: np.full(grid.shape, np.nan, np.float32) for name in (red, nir)}
        for _, _, path in sorted(days[day]):
            assets = json.loads(path.read_text())["assets"].values()
            for name, plane in mosaic.items():
                asset = next(a for a in assets if name in [band["name"] for band in a["eo:bands"]])
                plane[np.isnan(plane)] = sampled(path.parent, asset, name, grid)[np.isnan(plane)]
        with np.errstate(all="ignore"):
            series.append((mosaic[nir] - mosaic[red]) / (mosaic[nir] + mosaic[red]))
    return series


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
    with np.errstate(all="ignore"):
        if reducer == "min":
            expected = np.fmin.reduce(stack)
        else:
            total = np.nansum(stack, axis=0, dtype=np.float64)
            expected = (total / np.count_nonzero(~np.isnan(stack), axis=0)).astype(np.float32)
    assert observed.mean() > 0.5
    np.testing.assert_array_equal(block.data[0, 0], expected)
