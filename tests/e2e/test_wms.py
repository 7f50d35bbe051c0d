"""WMS on the whole server: its maps beside tiles of WMTS, its values beside WCS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.e2e.harness import Job, NativeGrid, Pixels, TestServer, ndvi, node, picture

TILES = 32
"""Along each side of the area: 1,024 in all."""


def ask_map(job: Job, path: str, grid: NativeGrid, col: int, row: int, width: int, height: int, **more: Any) -> Any:
    box = (grid.x(col), grid.y(row + height), grid.x(col + width), grid.y(row))
    ask = {
        "SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": job.id, "STYLES": "", "CRS": "EPSG:32632",
        "BBOX": ",".join(map(repr, box)), "WIDTH": width, "HEIGHT": height, "FORMAT": "image/png",
        "TRANSPARENT": "TRUE", **more,
    }  # fmt: skip
    return job.server.get(path, params=ask)


def drawn(job: Job, path: str, grid: NativeGrid, *window: int) -> Pixels:
    return picture(ask_map(job, path, grid, *window))


@pytest.fixture(scope="module")
def job(full: TestServer) -> Job:
    return full.add(node("min_time", ndvi()))


@pytest.fixture(scope="module")
def path(job: Job) -> str:
    """Of a service of its own."""
    made = job.server.post("/services", {"job_id": job.id, "service_type": "wms"})
    assert made.status_code == 200, made.text
    return str(made.json()["service_url"]).removeprefix("http://test")


def test_a_thousand_maps_joined_equal_one_large_map_and_the_tiles_of_wmts(job: Job, path: str) -> None:
    grid = job.grid()
    edge = min(grid.width, grid.height) // TILES
    large = drawn(job, path, grid, 0, 0, edge * TILES, edge * TILES)
    assert large[..., 3].any()
    for row in range(TILES):
        for col in range(TILES):
            small = drawn(job, "/wms", grid, col * edge, row * edge, edge, edge)
            part = large[row * edge : (row + 1) * edge, col * edge : (col + 1) * edge]
            assert np.array_equal(small, part), (col, row)
    native = job.native_matrix()
    assert (native.left, native.top) == (grid.west, grid.north)
    for number in range(edge * TILES // 256):
        tile = picture(job.tile(native.set_id, native.matrix, number, number))
        start = number * 256
        assert np.array_equal(tile, large[start : start + 256, start : start + 256])


def test_values_under_the_cursor_equal_those_of_wcs(job: Job, path: str) -> None:
    grid = job.grid()
    window = job.window(grid, 200, 300, 40, 30)
    for i, j in ((0, 0), (39, 29), (17, 3), (5, 22)):
        query = {"REQUEST": "GetFeatureInfo", "QUERY_LAYERS": job.id, "INFO_FORMAT": "application/json", "I": i, "J": j}
        response = ask_map(job, path, grid, 200, 300, 40, 30, **query)
        assert response.status_code == 200, response.text
        value = response.json()["features"][0]["properties"]["NDVI"]
        expected = window.values[0, j, i]
        assert (value is None and np.isnan(expected)) or np.float32(value) == expected


def test_a_job_that_is_stopped_is_no_layer_any_more(full: TestServer) -> None:
    job = full.add(node("max_time", ndvi()))
    grid = job.grid()
    assert ask_map(job, "/wms", grid, 0, 0, 8, 8).headers["content-type"] == "image/png"
    job.stop()
    response = ask_map(job, "/wms", grid, 0, 0, 8, 8)
    assert response.headers["content-type"] == "text/xml" and "LayerNotDefined" in response.text
    capabilities = full.get("/wms", params={"SERVICE": "WMS", "REQUEST": "GetCapabilities"})
    assert job.id not in capabilities.text
