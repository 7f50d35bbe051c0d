"""Statistics of real regions on real pixels against rasterio and exactextract."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import exactextract
import numpy as np
import pytest
import shapely
from exactextract.raster import NumPyRasterSource

from ogcserver.encode.table_formats import table_formats
from ogcserver.engine.limits import Limits
from ogcserver.engine.scratch import Scratch
from ogcserver.engine.service import Engine
from ogcserver.geo.crs import WGS84, project
from ogcserver.geo.grid import Grid
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import Context
from ogcserver.plan.zonal import FUNCTIONS, AggregateSpatial
from ogcserver.processes.registry import processes
from ogcserver.sources.base import FileBand
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.reader import Reader
from ogcserver.sources.region_files import RegionFolder
from ogcserver.sources.sampling import Samplings
from ogcserver.zonal.service import Tables
from tests.fakes import Stored, node, run
from tests.real.reference import BANDS, ndvi_by_day
from tests.real.test_time_reductions import Catalog

THEIRS = {"avg": "mean", "sd": "stdev", "q25": "quantile_25", "q75": "quantile_75"}
ASKED = ["mean", "min", "max", "median", "quantile(q=0.25)", "quantile(q=0.75)", "sum", "count", "stdev"]


@pytest.mark.parametrize(
    ("collection", "regions"),
    [("landsat8-l1tp-nyc", "nyc_community_districts"), ("naip-prairie-nd", "naip_fields_lakes_drawn")],
)
def test_ndvi_of_regions_equals_exactextract(shared: Path, tmp_path: Path, collection: str, regions: str) -> None:
    catalog, path = Catalog(shared / "catalog.json"), shared / "polygons" / f"{regions}.geojson"
    engine = Engine(catalog.get, Reader({FileBand: CogReader(GdalReader())}, Samplings(64 << 20)), Limits())
    red, nir = BANDS[collection]
    graph = node(
        "zonal_statistics",
        imagery=node("NDVI", imagery={"product_id": collection}, red=red, nir=nir),
        regions="/users/me/files/regions",
        func=list(FUNCTIONS),
    )
    context = Context(processes(), catalog, Stored({}), regions=RegionFolder(lambda address: path))
    plan = compile_graph(graph, context)
    assert isinstance(plan, AggregateSpatial)
    tables, written = Tables(engine, Scratch(tmp_path)), table_formats()["CSV"]
    survey, found = run(tables.plan(plan, "nearest", written, {"layout": "long"}))
    export = run(tables.make(plan, survey, written, {"layout": "long"}))
    rows = list(csv.DictReader(export.body.read(0, len(export.body)).decode().splitlines()))
    export.body.close()
    polygons = _on_pixels(path, found.grid)
    days = ndvi_by_day(shared / collection, red, nir, found.grid)
    assert len(rows) == len(polygons) * len(days) and len(days) == len(found.times)
    present = 0
    for day, values in enumerate(days):
        source = NumPyRasterSource(values, 0, 0, found.grid.width, found.grid.height)
        for number, expected in enumerate(exactextract.exact_extract(source, polygons, ASKED)):
            row, theirs = rows[number * len(days) + day], expected["properties"]
            assert float(row["count"]) == pytest.approx(theirs["count"], rel=1e-6, abs=1e-6)
            if theirs["count"] < 1e-6:
                continue
            present += 1
            for name in FUNCTIONS:
                assert float(row[name]) == pytest.approx(theirs[THEIRS.get(name, name)], rel=1e-6, abs=1e-6), name
    assert present > 0.5 * len(rows)


def _on_pixels(path: Path, grid: Grid) -> list[dict[str, Any]]:
    """The regions with corners in pixels of the grid, y upwards; edges are cut into short ones first."""
    west, _, _, north = grid.bounds

    def change(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = project(WGS84, grid.crs, points[:, 0].copy(), points[:, 1].copy())
        return np.stack([(x - west) / grid.lattice.dx, grid.height - (north - y) / grid.lattice.dy], axis=1)

    shapes = [json.dumps(feature["geometry"]) for feature in json.loads(path.read_text())["features"]]
    valid = shapely.make_valid(shapely.from_geojson(shapes), method="structure", keep_collapsed=False)
    fine = shapely.segmentize(valid, 2e-5)
    made = shapely.to_geojson(shapely.transform(fine, change))
    return [{"type": "Feature", "geometry": json.loads(shape), "properties": {}} for shape in made]
