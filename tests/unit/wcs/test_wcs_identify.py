"""QGIS's way of reading the value at a point, repeated here as its source has it, against both versions' placing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.engine.describe import Description
from ogcserver.ows.kvp import Kvp
from ogcserver.wcs.v10 import place as place10
from ogcserver.wcs.v10 import requests as requests10
from ogcserver.wcs.v11 import place as place11
from ogcserver.wcs.v11 import requests as requests11
from ogcserver.wcs.windows import Placing
from tests.unit.wcs.fakes import description

EDGE = 1000
COVERAGES = {
    "1/120 degree": description("EPSG:4326", 5.7, 50.2, 1 / 120, 130, 110),
    "0.001 degree": description("EPSG:4326", 5.725, 50.3, 0.001, 330, 210),
    "odd metres": description("EPSG:32632", 600003.3, 5200001.7, 9.9948, 330, 210),
}


def text(value: float) -> str:
    return f"{value:.17f}".rstrip("0").rstrip(".")


def asked(coverage: Description, version: str, x: float, y: float) -> tuple[Placing, int, int]:
    """Where the answer to QGIS's request lies, and the column and row that it reads of it."""
    grid = coverage.grid
    west, south, east, north = grid.bounds
    dx, dy = (east - west) / grid.width, (north - south) / grid.height
    left, right, low, high = x - dx * EDGE / 2, x + dx * EDGE / 2, y - dy * EDGE / 2, y + dy * EDGE / 2
    dx, dy = (right - left) / EDGE, (high - low) / EDGE
    column, row = math.floor((x - left) / dx), math.floor((high - y) / dy)
    if version == "1.0.0":
        box = ",".join(map(text, (left, low, right, high)))
        items = {"COVERAGE": "j", "CRS": grid.crs, "BBOX": box, "WIDTH": f"{EDGE}", "HEIGHT": f"{EDGE}"}
        ask10 = requests10.GetCoverage.from_kvp(Kvp([*items.items(), ("FORMAT", "GTiff")]))
        return place10.place(ask10, coverage, "nearest", 10**7), column, row
    swap = grid.crs == "EPSG:4326"

    def pair(first: float, second: float) -> str:
        return ",".join(map(text, (second, first) if swap else (first, second)))

    urn = f"urn:ogc:def:crs:EPSG::{grid.crs.partition(':')[2]}"
    box = f"{pair(left + dx / 2, low + dy / 2)},{pair(right - dx / 2, high - dy / 2)},{urn}"
    items = {
        "identifier": "j",
        "BoundingBox": box,
        "GridBaseCRS": urn,
        "GridOrigin": pair(left + dx / 2, high - dy / 2),
    }
    ask11 = requests11.GetCoverage.from_kvp(Kvp([*items.items(), ("GridOffsets", pair(dx, -dy)), ("format", "GTiff")]))
    return place11.place(ask11, coverage, "nearest", 10**7), column, row


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
@pytest.mark.parametrize("name", COVERAGES)
@given(st.integers(0, 109), st.integers(0, 109), st.sampled_from([0.5, 0.02, 0.3, 0.98]), st.floats(0.01, 0.99))
def test_the_pixel_that_holds_the_point_is_the_one_that_qgis_reads(
    name: str, version: str, column: int, row: int, right: float, down: float
) -> None:
    coverage = COVERAGES[name]
    lattice = coverage.grid.lattice
    west, _, east, _ = coverage.grid.bounds
    x, y = west + (column + right) * (east - west) / coverage.grid.width, lattice.y(row + down)
    placed, col_read, row_read = asked(coverage, version, x, y)
    assert placed.view.grid.lattice == lattice
    assert (placed.view.grid.col + col_read, placed.view.grid.row + row_read) == (column, row)


def test_a_request_of_another_size_or_scale_is_taken_as_it_is() -> None:
    coverage = COVERAGES["1/120 degree"]
    items = {"COVERAGE": "j", "CRS": "EPSG:4326", "BBOX": "5.701,49.4,6.701,50.1", "WIDTH": "1000", "HEIGHT": "1000"}
    ask = requests10.GetCoverage.from_kvp(Kvp([*items.items(), ("FORMAT", "GTiff")]))
    placed = place10.place(ask, coverage, "nearest", 10**7)
    assert placed.view.grid.bounds == pytest.approx((5.701, 49.4, 6.701, 50.1))
