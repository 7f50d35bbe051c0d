"""Which pixel of a source each pixel of a grid takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.base import Extent
from ogcserver.sources.raster import NO_MASK, Piece, Raw, Window
from ogcserver.sources.sampling import Samplings, fill

EXTENT = Extent(Lattice("EPSG:32632", 600000.0, 5200000.0, 10.0, 10.0), 100, 80)
GLOBE = Extent(Lattice("EPSG:4326", 0.0, 90.0, 1.0, 1.0), 360, 180)


def test_no_sampling_where_grid_and_source_do_not_meet() -> None:
    samplings = Samplings(1 << 20)
    assert samplings.get(EXTENT, Grid(EXTENT.lattice, 100, 0, 5, 5), "nearest", {}) is None
    assert samplings.get(EXTENT, Grid(EXTENT.lattice, -5, 0, 5, 5), "nearest", {}) is None


def test_the_window_is_no_larger_than_needed() -> None:
    sampling = Samplings(1 << 20).get(EXTENT, Grid(EXTENT.lattice, -3, 70, 10, 30), "nearest", {})
    assert sampling is not None and sampling.index is not None and not sampling.whole
    window = sampling.window
    assert (window.col, window.row, window.width, window.height) == (0, 70, 7, 10)
    assert (sampling.index[:, :3] == -1).all() and (sampling.index[10:] == -1).all()
    np.testing.assert_array_equal(sampling.index[0, 3:], np.arange(7))


@settings(max_examples=200, deadline=None)
@given(st.integers(-3, 20), st.integers(-3, 20), st.integers(1, 90), st.integers(1, 70), st.floats(-1e-7, 1e-7))
def test_the_files_own_pixels_need_no_index(col: int, row: int, width: int, height: int, shift: float) -> None:
    lattice = Lattice("EPSG:32632", 600000.0 + shift, 5200000.0 + 20.0 + shift, 10.0, 10.0)
    grid = Grid(lattice, col, row + 2, width, height)
    sampling = Samplings(1 << 20).get(EXTENT, grid, "nearest", {})
    inside = col >= 0 and row >= 0 and col + width <= EXTENT.width and row + height <= EXTENT.height
    if inside:
        assert sampling is not None and sampling.index is None
        assert sampling.window == Window(col, row, width, height)
    else:
        assert sampling is None or (sampling.index is not None and not sampling.whole)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.sampled_from(["uint16", "int16", "float32"]))
def test_a_part_of_a_block_gives_the_pixels_of_a_copy(col: int, row: int, factor: int, dtype: str) -> None:
    block = np.arange(400).reshape(20, 20).astype(dtype)
    extent = Extent(EXTENT.lattice, 10, 10)
    for lattice in (extent.lattice, extent.lattice.scaled(1 / factor, 1 / factor), extent.lattice.scaled(factor, 0.7)):
        grid = lattice.cover(extent.grid.bounds)
        sampling = Samplings(1 << 20).get(extent, grid, "nearest", {})
        assert sampling is not None
        top, left = row + sampling.window.row, col + sampling.window.col
        size = sampling.window.height, sampling.window.width
        part = Raw((Piece(0, 0, *size, block.reshape(-1)[top * 20 + left :], 20, NO_MASK),), None)
        copy = Raw.of(block[top : top + sampling.window.height, left : left + sampling.window.width])
        nodata = float(block[12, 12])
        for fresh in (True, False):
            one, two = (np.full(grid.shape, np.nan, np.float32) for _ in range(2))
            fill(sampling, "nearest", part, nodata, 2.0, 1.0, fresh, one)
            fill(sampling, "nearest", copy, nodata, 2.0, 1.0, fresh, two)
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
def test_windows_have_room_for_neighbours_and_stay_in_the_file(resampling: Any) -> None:
    sampling = Samplings(1 << 20).get(EXTENT, Grid(EXTENT.lattice, 0, 0, 10, 10), resampling, {})
    assert sampling is not None
    assert sampling.window.col == sampling.window.row == 0
    assert 11 <= sampling.window.width <= 13 and 11 <= sampling.window.height <= 13


def test_equal_questions_are_answered_once_and_the_memory_is_bounded() -> None:
    samplings = Samplings(200_000)
    grid = Grid(EXTENT.lattice.scaled(0.5, 0.5), 0, 0, 50, 50)
    assert samplings.get(EXTENT, grid, "nearest", {}) is samplings.get(EXTENT, grid, "nearest", {})
    kept = [samplings.get(EXTENT, grid.window(number, 0, 50, 50), "nearest", {}) for number in range(30)]
    assert samplings.get(EXTENT, grid.window(29, 0, 50, 50), "nearest", {}) is kept[29]
    assert samplings.get(EXTENT, grid, "nearest", {}) is not kept[0]
    huge = Samplings(100)
    assert huge.get(EXTENT, grid, "nearest", {}) is not huge.get(EXTENT, grid, "nearest", {})


@settings(max_examples=100, deadline=None)
@given(st.floats(-720, 720), st.sampled_from([0.1, 0.5, 1.0, 3.0]), st.integers(1, 60))
def test_longitudes_wrap_around_the_globe(west: float, pixel: float, width: int) -> None:
    grid = Grid(Lattice("EPSG:4326", west, 10.0, pixel, pixel), 0, 0, width, 2)
    sampling = Samplings(1 << 20).get(GLOBE, grid, "nearest", {})
    assert sampling is not None and sampling.whole
    places = np.arange(width) if sampling.index is None else sampling.index[0] % sampling.window.width
    columns = sampling.window.col + places
    lon = west + (np.arange(width) + 0.5) * pixel
    distance = np.abs((columns + 0.5 - lon + 180.0) % 360.0 - 180.0)
    assert distance.max() <= 0.5 + 1e-5


def test_a_pixel_far_larger_than_the_file_costs_no_more_than_the_file() -> None:
    grid = Grid(EXTENT.lattice.scaled(1e5, 1e5), 0, 0, 1, 1)
    west, south, _, _ = grid.bounds
    extent = Extent(Lattice("EPSG:32632", west + 5e5 - 500, south + 5e5 + 400, 10.0, 10.0), 100, 80)
    sampling = Samplings(1 << 20).get(extent, grid, "average", {})
    assert sampling is not None
    raw = np.ones((sampling.window.height, sampling.window.width), np.float32)
    out = np.full((1, 1), np.nan, np.float32)
    fill(
        sampling, "average", Raw.of(raw), None, 1.0, 0.0, True, out
    )  # would run for minutes over the pixel's whole area
    assert out[0, 0] == 1.0


def test_present_pixels_are_left_alone() -> None:
    grid = Grid(EXTENT.lattice, 0, 0, 4, 1)
    raw = np.array([[1, 2, 3, 4]], np.int16)
    for resampling in ("nearest", "bilinear", "cubic", "average"):
        sampling = Samplings(1 << 20).get(EXTENT, grid, resampling, {})
        assert sampling is not None
        window = np.zeros((sampling.window.height, sampling.window.width), np.int16)
        window[0, :4] = raw
        window[1:] = window[0]
        out = np.array([[np.nan, 9, np.nan, 9]], np.float32)
        fill(sampling, resampling, Raw.of(window), 3.0, 10.0, 1.0, False, out)
        assert out[0, 1] == 9 and out[0, 3] == 9
        assert np.isnan(out[0, 2]) and not np.isnan(out[0, 0])
