"""The pixels of a map: exactly its box, on a common lattice where there is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.geo.grid import Bounds, Grid, Lattice
from ogcserver.wms.place import grid_of
from ogcserver.wms.requests import Frame

NATIVE = Grid(Lattice("EPSG:32632", 600003.0, 5200017.0, 20.0, 10.0), 3, 7, 1000, 700)
_HALF = 20037508.342789244


def frame(bounds: Bounds, width: int, height: int, crs: str = "EPSG:32632") -> Frame:
    return Frame(("a",), crs, bounds, width, height, ())


@given(
    st.integers(-5000, 5000), st.integers(-5000, 5000), st.integers(1, 3000), st.integers(1, 3000),
    st.floats(-1e-3, 1e-3),
)  # fmt: skip
def test_native_pixels_are_a_window_of_the_native_grid(col: int, row: int, width: int, height: int, off: float) -> None:
    window = NATIVE.window(col, row, width, height)
    west, south, east, north = window.bounds
    shifted = (west + off * 9, south + off * 9, east + off * 9, north + off * 9)
    assert grid_of(frame(shifted, width, height), NATIVE) == window


def test_another_pixel_size_or_system_is_not_native() -> None:
    bounds = NATIVE.window(0, 0, 100, 100).bounds
    assert grid_of(frame(bounds, 50, 100), NATIVE).lattice != NATIVE.lattice
    assert grid_of(frame(bounds, 100, 100, "EPSG:32633"), NATIVE).crs == "EPSG:32633"


@given(st.integers(3, 22), st.data())
def test_neighbouring_tiles_of_a_web_map_are_windows_of_one_lattice(zoom: int, data: st.DataObject) -> None:
    number = st.integers(0, 2**zoom - 2)
    col, row = data.draw(number), data.draw(number)
    edge = 2 * _HALF / 2**zoom

    def tile(col: int, row: int) -> Grid:
        bounds = (col * edge - _HALF, _HALF - (row + 1) * edge, (col + 1) * edge - _HALF, _HALF - row * edge)
        return grid_of(frame(bounds, 256, 256, "EPSG:3857"), NATIVE)

    first, right, below = tile(col, row), tile(col + 1, row), tile(col, row + 1)
    assert first.window(256, 0, 256, 256) == right
    assert first.window(0, 256, 256, 256) == below


edges = st.floats(-1e7, 1e7, allow_nan=False)


@given(edges, edges, st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.integers(1, 5000), st.integers(1, 5000))
def test_a_map_shows_exactly_its_box(west: float, south: float, w: float, h: float, width: int, height: int) -> None:
    """basic:aspect-ratio, basic:bbox-pixel-interpretation."""
    bounds = (west, south, west + w, south + h)
    grid = grid_of(frame(bounds, width, height, "EPSG:3857"), NATIVE)
    assert grid.shape == (height, width)
    wide, high = (bounds[2] - west) / width, (bounds[3] - south) / height
    for edge, wanted, pixel in zip(grid.bounds, bounds, (wide, high, wide, high), strict=True):
        assert edge == pytest.approx(wanted, abs=1.01e-3 * pixel + 1e-8)
