"""Real collections over HTTP against rasterio's and xarray's own reading: values, and the places where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
from pyproj import Transformer

from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.matrix_sets import standard_sets
from tests.e2e.harness import SHARED, Job, Pixels, TestServer, node, picture, raster
from tests.real.reference import BANDS, ndvi_by_day, reduced

DATA = SHARED / "data"
BOLZANO = DATA / "sentinel2-l2a-bolzano" / "S2_L2A_bolzano_2022-06-12"
BRIGHTEST = 0.3


@pytest.fixture(scope="module")
def true_colour(real: TestServer) -> Job:
    graph = node("first_time", node("filter_bands", "sentinel2-l2a-bolzano", bands=["B04", "B03", "B02"]))
    return real.add(graph, {"bands": ["B04", "B03", "B02"], "rescale": [0, BRIGHTEST]})


def expected_colours(x: Pixels, y: Pixels) -> tuple[Pixels, Pixels]:
    """(n, 4) as a picture shows places in UTM, and which of them lie clearly inside of one source pixel."""
    colours = np.zeros((x.size, 4), np.uint8)
    planes = []
    for band in ("B04", "B03", "B02"):
        with rasterio.open(BOLZANO / f"S2_L2A_bolzano_2022-06-12_{band}.tif") as file:
            stored, to_pixel = file.read(1), ~file.transform
        col, row = to_pixel.a * x + to_pixel.c, to_pixel.e * y + to_pixel.f
        inside = (col >= 0) & (row >= 0) & (col < stored.shape[1]) & (row < stored.shape[0])
        rows, cols = (np.where(inside, np.floor(v), 0).astype(int) for v in (row, col))
        planes.append(np.where(inside, stored[rows, cols], 0))
    seen = np.all([plane > 0 for plane in planes], axis=0)
    for channel, plane in enumerate(planes):
        level = np.clip(plane * 1e-4 / BRIGHTEST, 0, 1) * 255
        colours[:, channel] = np.where(seen, np.rint(level), 0)
    colours[:, 3] = np.where(seen, 255, 0)
    clear = np.all([np.abs(v % 1 - 0.5) < 0.47 for v in (col, row)], axis=0)
    return colours, clear


def check_tile(shown: Pixels, x: Pixels, y: Pixels) -> None:
    colours, clear = expected_colours(x.ravel(), y.ravel())
    assert clear.mean() > 0.8 and colours[clear, 3].any()
    difference = np.abs(shown.reshape(-1, 4)[clear].astype(int) - colours[clear].astype(int))
    assert difference.max() <= 1, f"{(difference > 1).any(axis=1).mean():.2%} of the pixels differ"


@pytest.mark.parametrize(
    ("set_id", "matrix", "epsg"), [("WebMercatorQuad", "14", 3857), ("WorldCRS84Quad", "13", 4326)]
)
def test_true_colour_is_at_its_place_in_standard_tiles(true_colour: Job, set_id: str, matrix: str, epsg: int) -> None:
    found = standard_sets()[set_id].matrix(matrix)
    middle = Transformer.from_crs(32632, epsg, always_xy=True).transform(679000, 5151000)
    size = 256 * found.lattice.dx
    col = int((middle[0] - found.lattice.x0) // size)
    row = int((found.lattice.y0 - middle[1]) // size)
    for step_row, step_col in ((0, 0), (1, 0), (0, 1)):
        shown = picture(true_colour.tile(set_id, matrix, row + step_row, col + step_col))
        left = found.lattice.x0 + (col + step_col) * size + (np.arange(256) + 0.5) * found.lattice.dx
        top = found.lattice.y0 - (row + step_row) * size - (np.arange(256) + 0.5) * found.lattice.dy
        xs, ys = np.meshgrid(left, top)
        check_tile(shown, *Transformer.from_crs(epsg, 32632, always_xy=True).transform(xs, ys))


def test_true_colour_in_native_tiles_is_the_source_pixel_by_pixel(true_colour: Job) -> None:
    matrix = true_colour.native_matrix()
    assert (matrix.left, matrix.top) == (674990, 5154960)
    for row, col in ((0, 0), (1, 2), (2, 3)):
        shown = picture(true_colour.tile(matrix.set_id, matrix.matrix, row, col))
        x = 674990 + (col * 256 + np.arange(256) + 0.5) * 10
        y = 5154960 - (row * 256 + np.arange(256) + 0.5) * 10
        check_tile(shown, *np.meshgrid(x, y))


@pytest.mark.parametrize("collection", BANDS)
@pytest.mark.parametrize("reducer", ["min", "mean"])
def test_ndvi_over_time_through_wcs_equals_rasterio_and_numpy(real: TestServer, collection: str, reducer: str) -> None:
    red, nir = BANDS[collection]
    job = real.add(node(f"{reducer}_time", node("NDVI", collection, red=red, nir=nir)))
    file = raster(job.coverage())
    domain = job.grid()
    assert file.shape == (domain.height, domain.width)
    assert file.origin == pytest.approx((domain.west, domain.north), abs=1e-6 * domain.dx)
    cell = file.transform
    lattice = Lattice(canonical(file.crs.to_wkt()), cell.c, cell.f, cell.a, -cell.e)
    stack = np.stack(ndvi_by_day(DATA / collection, red, nir, Grid(lattice, 0, 0, domain.width, domain.height)))
    np.testing.assert_array_equal(file.values[0], reduced(stack, reducer))


def test_elevations_in_degrees_are_delivered_in_web_mercator(real: TestServer) -> None:
    job = real.add(node("first_time", "dem-luxembourg"))
    file = raster(job.coverage(OUTPUTCRS="http://www.opengis.net/def/crs/EPSG/0/3857"))
    assert file.crs.to_epsg() == 3857 and file.values.dtype == np.int16
    _check_elevations(file, 3857)
    part = raster(
        job.coverage("x,EPSG:4326(6.0,6.3)", "y,EPSG:4326(49.6,49.9)", OUTPUTCRS="EPSG:3857", SCALESIZE="i(61)")
    )
    assert part.shape[1] == 61
    _check_elevations(part, 3857)
    own = raster(job.coverage("Lat(49.6,49.9)", "Long(6.0,6.3)"))
    assert own.crs.to_epsg() == 4326
    _check_elevations(own, 4326)
    west, north = own.origin
    assert west <= 6.0 < west + own.transform.a and north >= 49.9 > north + own.transform.e


def _check_elevations(file: Any, epsg: int) -> None:
    with rasterio.open(DATA / "dem-luxembourg" / "DEM_lux" / "DEM_lux.tif") as source:
        stored, to_pixel, nodata = source.read(1), ~source.transform, source.nodata
    cell = file.transform
    xs, ys = np.meshgrid(
        cell.c + (np.arange(file.shape[1]) + 0.5) * cell.a, cell.f + (np.arange(file.shape[0]) + 0.5) * cell.e
    )
    lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(xs, ys)
    col, row = to_pixel.a * lon + to_pixel.c, to_pixel.e * lat + to_pixel.f
    inside = (col >= 0) & (row >= 0) & (col < stored.shape[1]) & (row < stored.shape[0])
    clear = inside & (np.abs(col % 1 - 0.5) < 0.49) & (np.abs(row % 1 - 0.5) < 0.49)
    assert clear.mean() > 0.8 and file.nodata == nodata
    expected = stored[np.clip(row, 0, 89).astype(int), np.clip(col, 0, 94).astype(int)]
    np.testing.assert_array_equal(file.values[0][clear], expected[clear])


@pytest.mark.parametrize("longitude", [-120, 120, -178, 178, 0])
def test_longitudes_of_0_to_360_are_found_on_both_sides(real: TestServer, longitude: int) -> None:
    job = real.add(node("first_time", node("filter_bands", "oisst-1981-12-31", bands=["sst"])))
    with xarray.open_dataset(DATA / "oisst-1981-12-31" / "reduced" / "reduced.nc", engine="scipy") as source:
        nearest = source["sst"].isel(time=0, zlev=0).sel(lon=longitude % 360, method="nearest")
        expected = nearest.sel(lat=slice(-41, 41)).to_numpy()[::-1]
        lats = nearest["lat"].sel(lat=slice(-41, 41)).to_numpy()[::-1]
    assert np.isfinite(expected).any()
    file = raster(job.coverage(f"Long({longitude})", "Lat(-41.9,41.9)"))
    assert file.shape == (len(expected), 1)
    assert file.origin[1] - 1 == pytest.approx(lats[0])
    np.testing.assert_allclose(file.values[0, :, 0], expected, rtol=1e-6)
    graph = node("first_time", node("filter_bands", "oisst-1981-12-31", bands=["sst"]))
    box = node("filter_bbox", graph, left=longitude - 0.9, right=longitude + 0.9, top=41.9, bottom=-41.9)
    values = raster(real.post("/execute", {"process_graph": box})).values[0]
    assert any(np.allclose(values[:, col], expected, rtol=1e-6, equal_nan=True) for col in range(values.shape[1]))


def test_the_data_lie_where_the_catalogue_says(real: TestServer) -> None:
    """Every collection answers a small picture of itself, whatever its files are like."""
    for collection in real.get("/data").json():
        name = collection["product_id"]
        response = real.post("/execute", {"process_graph": node("count_time", name)})
        if response.status_code == 200:
            assert (raster(response).values > 0).any(), name
        else:
            assert response.status_code in (400, 413) and "Traceback" not in response.text, (name, response.text)
