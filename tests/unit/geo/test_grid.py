"""Lattices, windows, and how windows are cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter
from ogcserver.geo.grid import SNAP, Grid, Lattice, intersect

UTM = Lattice("EPSG:32632", 600000.0, 5200020.0, 20.0, 10.0)


@given(st.integers(-5000, 5000), st.integers(-5000, 5000), st.integers(1, 900), st.integers(1, 900))
def test_cover_of_a_windows_bounds_is_the_window(col: int, row: int, width: int, height: int) -> None:
    lattice = Lattice("EPSG:4326", -179.98333, 83.6, 1 / 120, 1 / 90)
    window = Grid(lattice, col, row, width, height)
    assert lattice.cover(window.bounds) == window


@pytest.mark.parametrize("jitter", [-0.9 * SNAP, 0.9 * SNAP])
def test_edges_close_to_a_pixel_edge_snap_to_it(jitter: float) -> None:
    x, y = jitter * UTM.dx, jitter * UTM.dy
    assert UTM.cover((600040.0 + x, 5199900.0 + y, 600100.0 + x, 5200000.0 + y)) == Grid(UTM, 2, 2, 3, 10)


def test_edges_beyond_the_snapping_distance_take_another_pixel() -> None:
    off = 2 * SNAP
    bounds = (600040.0 - off * 20, 5199900.0 - off * 10, 600100.0 + off * 20, 5200000.0 + off * 10)
    assert UTM.cover(bounds) == Grid(UTM, 1, 1, 5, 12)


@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(0, 1e4), st.floats(0, 1e4))
def test_cover_holds_the_bounds_and_no_needless_pixel(x: float, y: float, width: float, height: float) -> None:
    bounds = (600000.0 + x, 5200020.0 + y, 600000.0 + x + width, 5200020.0 + y + height)
    xmin, ymin, xmax, ymax = UTM.cover(bounds).bounds
    slack_x, slack_y = SNAP * UTM.dx * 1.01, SNAP * UTM.dy * 1.01
    assert xmin <= bounds[0] + slack_x and xmax >= bounds[2] - slack_x
    assert ymin <= bounds[1] + slack_y and ymax >= bounds[3] - slack_y
    assert xmin + UTM.dx > bounds[0] and ymax - UTM.dy < bounds[3]
    assert xmax - xmin <= width + 2 * UTM.dx and ymax - ymin <= height + 2 * UTM.dy


def test_cover_of_a_point_is_the_pixel_that_holds_it() -> None:
    assert UTM.cover((600050.0, 5200005.0, 600050.0, 5200005.0)) == Grid(UTM, 2, 1, 1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_bounds_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(InvalidParameter):
        UTM.cover((bad, 0.0, 1.0, 1.0))
    with pytest.raises(InvalidParameter):
        Grid.from_bounds("EPSG:3857", (0.0, 0.0, bad, 1.0), 2, 2)
    with pytest.raises(InvalidParameter):
        Lattice("EPSG:3857", bad, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, math.nan)])
def test_pixels_must_have_a_size(dx: float, dy: float) -> None:
    with pytest.raises(InvalidParameter):
        Lattice("EPSG:3857", 0.0, 0.0, dx, dy)


def test_a_grid_needs_a_pixel_and_an_area() -> None:
    with pytest.raises(InvalidParameter):
        Grid(UTM, 0, 0, 0, 1)
    with pytest.raises(InvalidParameter):
        Grid.from_bounds("EPSG:3857", (1.0, 0.0, 0.0, 1.0), 2, 2)
    with pytest.raises(InvalidParameter):
        Grid.from_bounds("EPSG:3857", (0.0, 0.0, 1.0, 1.0), 0, 2)


@given(
    st.integers(-2000, 2000), st.integers(-2000, 2000), st.integers(1, 300), st.integers(1, 300), st.integers(16, 128)
)
def test_chunks_cover_each_pixel_once(col: int, row: int, width: int, height: int, edge: int) -> None:
    grid = Grid(UTM, col, row, width, height)
    seen = np.zeros(grid.shape, int)
    for chunk in grid.chunks(edge):
        assert chunk.width <= edge and chunk.height <= edge
        assert chunk.col // edge == (chunk.col + chunk.width - 1) // edge
        assert chunk.row // edge == (chunk.row + chunk.height - 1) // edge
        seen[chunk.row - row : chunk.row - row + chunk.height, chunk.col - col : chunk.col - col + chunk.width] += 1
    assert (seen == 1).all()


def test_neighbouring_windows_are_cut_at_the_same_lines() -> None:
    cuts = {chunk.col for chunk in Grid(UTM, -100, 0, 700, 1).chunks(512)}
    shifted = {chunk.col for chunk in Grid(UTM, -37, 0, 700, 1).chunks(512)}
    assert cuts - {-100} == shifted - {-37} == {0, 512}


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60))
def test_intersection_is_what_both_hold(col: int, row: int, width: int, height: int) -> None:
    one, other = Grid(UTM, 0, 0, 40, 30), Grid(UTM, col, row, width, height)
    columns = set(range(40)) & set(range(col, col + width))
    rows = set(range(30)) & set(range(row, row + height))
    both = one.intersection(other)
    assert both == other.intersection(one)
    if not (columns and rows):
        assert both is None
    else:
        assert both == Grid(UTM, min(columns), min(rows), len(columns), len(rows))


def test_padding_and_windows_stay_on_the_lattice() -> None:
    grid = Grid(UTM, 5, 6, 7, 8)
    assert grid.padded(2) == Grid(UTM, 3, 4, 11, 12)
    assert grid.padded(2).window(2, 2, 7, 8) == grid
    transform = grid.transform
    assert (transform.c, transform.f) == (UTM.x(5), UTM.y(6)) == (grid.bounds[0], grid.bounds[3])
    assert (transform.a, transform.b, transform.d, transform.e) == (20.0, 0.0, 0.0, -10.0)


@given(st.tuples(*[st.floats(-100, 100)] * 8))
def test_boxes_meet_where_both_have_area(numbers: tuple[float, ...]) -> None:
    a = (min(numbers[0:2]), min(numbers[2:4]), max(numbers[0:2]), max(numbers[2:4]))
    b = (min(numbers[4:6]), min(numbers[6:8]), max(numbers[4:6]), max(numbers[6:8]))
    assume(a[0] < a[2] and a[1] < a[3] and b[0] < b[2] and b[1] < b[3])
    both = intersect(a, b)
    assert both == intersect(b, a)
    if both is None:
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    else:
        assert both[0] < both[2] and both[1] < both[3]
