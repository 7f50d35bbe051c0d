"""GDAL, OWSLib and QGIS read jobs over real collections by WCS: the pixels that the engine computes, where they lie.

Skipped where the collections are not there; QGIS's part where it is not installed.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from owslib.wcs import WebCoverageService
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from ogcserver.cube import View
from ogcserver.engine.describe import Description
from ogcserver.geo.grid import Grid
from tests.clients.test_wcs_gdal_owslib import gdal
from tests.clients.test_wcs_qgis import seen
from tests.e2e.harness import SHARED, Pixels, TestServer, node, running, settings

pytestmark = [
    pytest.mark.client,
    pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="there are no real collections beside the project"),
    # of the clients' and the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Truth-testing of elements:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

FLAT = {
    "nyc": ("landsat8-l1tp-nyc", ["B5", "B4"]),
    "naip": ("naip-prairie-nd", ["R", "N"]),
    "luxembourg": ("sentinel2-l2a-luxembourg", ["B08", "B04"]),
    "cbers": ("cbers4-awfi-brazil", ["B16", "B15"]),
    "ocean": ("oisst-1981-12-31", ["sst", "ice"]),
}
"""Two bands of the first observation. UTM with a grid for each scene; whole numbers; degrees; a CRS without a code;
a netCDF of the whole earth."""
SERIES = {"nyc-series": ("landsat8-l1tp-nyc", ["B5", "B4"]), "rain": ("bcsd-obs-1999", ["pr", "tas"])}
OLD = [name for name in FLAT if name != "cbers"]
"""WCS 1.0 and 1.1 cannot name a CRS without a code."""
NAMED = [("2.0.1", name) for name in FLAT] + [(version, name) for version in ("1.0.0", "1.1.1") for name in OLD]


@dataclass(frozen=True)
class Local:
    """A job, and what the engine makes of it in this process."""

    id: str
    description: Description
    values: Pixels
    """(band, y, x): all of it, or the newest observation."""

    @property
    def transform(self) -> Affine:
        west, _, _, north = self.description.grid.bounds
        return Affine(self.description.grid.lattice.dx, 0, west, 0, -self.description.grid.lattice.dy, north)


class Served:
    def __init__(self, server: TestServer, url: str) -> None:
        self.server, self.url = server, url
        self.jobs: dict[str, Local] = {}

    def job(self, name: str) -> Local:
        if name not in self.jobs:
            collection, bands = (FLAT | SERIES)[name]
            graph = node("filter_bands", collection, bands=bands)
            graph = node("first_time", graph) if name in FLAT else graph
            engine, plan = self.server.parts.engine, self.server.parts.compiler(graph, "me")
            known = asyncio.run(engine.describe(plan))
            data = asyncio.run(engine.evaluate(plan, View(known.grid, tuple(bands), known.times[-1:]))).data[0]
            if known.bands[0].dtype == "uint8":
                data = np.where(np.isnan(data), known.bands[0].nodata, data)
            self.jobs[name] = Local(self.server.add(graph).id, known, data.astype(known.bands[0].dtype))
        return self.jobs[name]


def same(found: Pixels, expected: Pixels) -> bool:
    return bool(found.dtype == expected.dtype and np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = TestServer(settings(tmp_path_factory.mktemp("real"), SHARED / "data" / "catalog.json"))
    with running(server.app) as url:
        yield Served(server, f"{url}/wcs")
    server.close()


def window_of(grid: Grid) -> tuple[int, int, int, int]:
    """Column, row, width and height of a part in the middle."""
    return grid.width // 5, grid.height // 4, grid.width // 2, grid.height // 3


@pytest.mark.parametrize(("version", "name"), NAMED)
def test_gdal_gets_the_pixels_and_the_place(served: Served, tmp_path: Path, version: str, name: str) -> None:
    job = served.job(name)
    source = f"WCS:{served.url}?version={version}&coverage={job.id}"
    grid = job.description.grid
    info = json.loads(gdal(tmp_path, "gdalinfo", "-json", source))
    assert info["size"] == [grid.width, grid.height]
    assert info["geoTransform"] == pytest.approx(job.transform.to_gdal(), rel=1e-12)
    col, row, width, height = window_of(grid)
    part = grid.window(col, row, width, height)
    west, south, east, north = map(repr, part.bounds)
    gdal(tmp_path, "gdal_translate", "-q", "-projwin", west, north, east, south, source, str(tmp_path / "part.tif"))
    with rasterio.open(tmp_path / "part.tif") as file:
        assert file.bounds == pytest.approx(part.bounds, abs=grid.lattice.dx * 1e-6)
        assert same(file.read(), job.values[:, row : row + height, col : col + width])


@pytest.mark.parametrize(("version", "name"), [one for one in NAMED if one[1] in ("nyc", "naip", "luxembourg")])
def test_gdal_warps_as_it_warps_the_file(served: Served, tmp_path: Path, version: str, name: str) -> None:
    job = served.job(name)
    crs = job.description.grid.crs
    nodata = math.nan if job.values.dtype.kind == "f" else job.description.bands[0].nodata
    with rasterio.open(
        tmp_path / "local.tif", "w", driver="GTiff", width=job.values.shape[2], height=job.values.shape[1], count=2,
        dtype=job.values.dtype, crs=crs, transform=job.transform, nodata=nodata,
    ) as file:  # fmt: skip
        file.write(job.values)
    remote, local = f"WCS:{served.url}?version={version}&coverage={job.id}", str(tmp_path / "local.tif")
    for source, out in ((remote, "warped.tif"), (local, "own.tif")):
        # from the pixels of full size: a WCS dataset of GDAL has overviews, the file has none
        how = ["-t_srs", "EPSG:3857", "-ts", "90", "80", "-et", "0", "-ovr", "NONE", "-dstnodata", str(nodata)]
        gdal(tmp_path, "gdalwarp", "-q", *how, source, str(tmp_path / out))
    with rasterio.open(tmp_path / "warped.tif") as found, rasterio.open(tmp_path / "own.tif") as own:
        assert found.transform.almost_equals(own.transform, 1e-6)
        assert np.isfinite(own.read()).mean() > 0.3
        assert same(found.read(), own.read())


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1", "2.0.1"])
def test_owslib_reads_contents_boxes_times_and_pixels(served: Served, version: str) -> None:
    jobs = [served.job(name) for name in ("nyc", "luxembourg", "nyc-series", "rain")]
    wcs = WebCoverageService(served.url, version=version)
    assert {job.id for job in jobs} <= set(wcs.contents)
    for job in jobs:
        found = wcs[job.id]
        west, south, east, north = job.description.grid.bounds
        if version == "2.0.1":
            lat_first = job.description.grid.crs == "EPSG:4326"
            own = (south, west, north, east) if lat_first else (west, south, east, north)
            boxes = [one["bbox"] for one in found.boundingboxes]
            assert any(np.allclose(box[:4], own, rtol=1e-12) for box in boxes), boxes
        else:
            assert found.boundingBoxWGS84 == pytest.approx(np.ravel(job.description.boxes), rel=1e-9)
        if job.description.times and version != "1.1.1":
            starts = [text[:10] for text in job.description.times]
            assert [str(time)[:10] for time in found.timepositions] == starts
    series = served.job("nyc-series")
    bounds = series.description.grid.bounds
    box = {"bbox": bounds, "crs": "EPSG:32618", "width": series.values.shape[2], "height": series.values.shape[1]}
    if version == "1.0.0":
        body = wcs.getCoverage(series.id, format="GeoTIFF", time=[series.description.times[-1]], **box).read()
    elif version == "2.0.1":
        time = ("ansi", series.description.times[-1])
        body = wcs.getCoverage(identifier=series.id, format="image/tiff", subsets=[time]).read()
    else:
        return  # OWSLib hands a multipart answer on as it is
    with MemoryFile(body) as memory, memory.open() as file:
        assert tuple(file.bounds) == pytest.approx(bounds, rel=1e-12)
        assert same(file.read(), series.values)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
@pytest.mark.parametrize("name", ["nyc", "naip", "luxembourg"])
def test_qgis_sees_identifies_draws_and_exports(served: Served, qgis: Path, name: str, version: str) -> None:
    job = served.job(name)
    grid = job.description.grid
    found = seen(qgis, f"url={served.url}&identifier={job.id}&version={version}")
    assert found["valid"]
    assert found["extent"] == pytest.approx(list(grid.bounds), rel=1e-12)
    assert (found["size"], found["crs"], found["bands"]) == ([grid.width, grid.height], grid.crs, 2)
    nodata = job.description.bands[0].nodata
    shown = job.values.astype(float)
    shown[shown == nodata] = np.nan
    for x, y, *values in found["identified"]:
        col, row = math.floor(grid.lattice.column(x)) - grid.col, math.floor(grid.lattice.row(y)) - grid.row
        there = [None if np.isnan(value) else value for value in shown[:, row, col]]
        assert values == pytest.approx(there), (col, row)
    block = found["block"]
    col, row = (
        round(v)
        for v in ((block["west"] - grid.bounds[0]) / block["dx"], (grid.bounds[3] - block["north"]) / block["dy"])
    )
    assert np.array_equal(block["values"], job.values[:, row : row + 10, col : col + 20], equal_nan=True)
    for drawn in found["drawn"].values():
        assert drawn > 0.5 * 10_000 * np.isfinite(shown[0]).mean() * min(grid.shape) / max(grid.shape)
    assert found["exported"] == 0
    with rasterio.open(qgis / "exported.tif") as file:
        assert tuple(file.bounds) == pytest.approx(grid.bounds, rel=1e-12)
        assert np.array_equal(file.read(), job.values, equal_nan=job.values.dtype.kind == "f")
