"""Positions of pixels in another CRS, against PROJ called for each pixel."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from ogcserver.geo.crs import is_geographic, metres_per_unit
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.warp import centres, control, control_step, coordinates, covers, inside, pixel_ratio

MERCATOR = 20037508.342789244


def exact(grid: Grid, crs: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = centres(grid).x, centres(grid).y
    xs, ys = np.broadcast_arrays(x, y)
    px, py = Transformer.from_crs(grid.crs, crs, always_xy=True).transform(xs, ys)
    return np.asarray(px), np.asarray(py)


def worst_error(grid: Grid, crs: str) -> float:
    """Largest distance between interpolated and exact positions, in pixels of the grid (as wide as there)."""
    found = coordinates(grid, crs)
    x, y = exact(grid, crs)
    dx, across = found.x - x, np.diff(x, axis=1)
    if is_geographic(crs):  # degrees of longitude by their length on the ground
        shrink = np.cos(np.radians(y))
        dx = (dx - 360.0 * np.round(dx / 360.0)) * shrink
        across = (across - 360.0 * np.round(across / 360.0)) * shrink[:, 1:]
    both = np.isfinite(x) & np.isfinite(y)
    np.testing.assert_array_equal(np.isfinite(found.x) & np.isfinite(found.y), both)
    if not both.any():
        return 0.0
    step = np.hypot(across, np.diff(y, axis=1))
    pixel = np.pad(step, ((0, 0), (0, 1)), mode="edge")
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.hypot(dx, found.y - y)[both] / pixel[both]
    return float(np.nanmax(error[np.isfinite(error)], initial=0.0))


def tile(z: int, lon: float, lat: float) -> Grid:
    """The web-mercator tile that holds a place."""
    count = 1 << z
    column = min(count - 1, int((lon + 180) / 360 * count))
    row = min(count - 1, int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count))
    lattice = Lattice("EPSG:3857", -MERCATOR, MERCATOR, 2 * MERCATOR / 256 / count, 2 * MERCATOR / 256 / count)
    return Grid(lattice, column * 256, row * 256, 256, 256)


PLACES = [
    ("EPSG:32632", 11.0, 46.5), ("EPSG:32632", 6.01, 60.0), ("EPSG:32632", 11.99, 0.5), ("EPSG:32760", 179.9, -18.0),
    ("EPSG:32601", -179.9, 65.0), ("EPSG:3035", 10.0, 52.0), ("EPSG:3035", -9.0, 38.0), ("EPSG:3031", 45.0, -78.0),
    ("EPSG:3413", -60.0, 75.0), ("EPSG:3413", 170.0, 83.0), ("EPSG:4326", 16.4, 48.2), ("EPSG:4326", 179.99, 10.0),
    ("EPSG:2056", 8.2, 46.8),
]  # fmt: skip


@pytest.mark.parametrize("zoom", [3, 5, 7, 8, 10, 12, 14, 16, 18])
@pytest.mark.parametrize(("crs", "lon", "lat"), PLACES)
def test_interpolated_positions_of_a_tile_are_exact_to_a_few_hundredths_of_a_pixel(
    crs: str, lon: float, lat: float, zoom: int
) -> None:
    assert worst_error(tile(zoom, lon, lat), crs) < 0.03


@pytest.mark.parametrize(
    ("crs", "zoom"),
    [*((crs, zoom) for crs in ("EPSG:4326", "EPSG:3413", "EPSG:3031") for zoom in (0, 1, 2)), ("EPSG:3035", 2)],
)
def test_whole_world_tiles_are_exact(crs: str, zoom: int) -> None:
    assert worst_error(tile(zoom, 10.0, 50.0), crs) < 0.03


@pytest.mark.parametrize(
    ("grid", "crs"),
    [
        (Grid.from_bounds("EPSG:4326", (-180, 80, 180, 90), 200, 50), "EPSG:3413"),
        (Grid.from_bounds("EPSG:4326", (-180, -90, 180, -80), 200, 50), "EPSG:3031"),
        (Grid.from_bounds("EPSG:3413", (-1e6, -1e6, 1e6, 1e6), 200, 200), "EPSG:4326"),
        (Grid.from_bounds("EPSG:3832", (2.5e6, -1e6, 4.5e6, 1e6), 200, 200), "EPSG:4326"),
        (Grid.from_bounds("EPSG:32601", (0, 6.5e6, 7e5, 7.5e6), 100, 100), "EPSG:4326"),
        (Grid.from_bounds("EPSG:32632", (4e5, 5e6, 7e5, 5.4e6), 100, 100), "EPSG:32633"),
        (Grid.from_bounds("EPSG:2263", (9e5, 1e5, 1.1e6, 3e5), 100, 100), "EPSG:32618"),
    ],
)  # fmt: skip
def test_positions_at_poles_and_the_antimeridian_are_exact(grid: Grid, crs: str) -> None:
    assert worst_error(grid, crs) < 0.03


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["EPSG:32632", "EPSG:4326", "EPSG:3413"]), st.integers(4, 14),
    st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(1, 80), st.integers(1, 80), st.integers(1, 79),
)  # fmt: skip
def test_a_pixels_position_is_the_same_through_every_window(
    crs: str, zoom: int, col: int, row: int, width: int, height: int, cut: int
) -> None:
    whole = tile(zoom, 11.0, 46.5).window(col, row, width + cut, height)
    part = whole.window(cut, 0, width, height)
    np.testing.assert_array_equal(coordinates(whole, crs).x[:, cut:], coordinates(part, crs).x)
    np.testing.assert_array_equal(coordinates(whole, crs).y[:, cut:], coordinates(part, crs).y)


def test_own_crs_needs_no_projection() -> None:
    grid = Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 10.0), 3, 4, 5, 6)
    points = coordinates(grid, "EPSG:32632")
    assert points.x.shape == (1, 5) and points.y.shape == (6, 1)
    assert points.x[0, 0] == 600070.0 and points.y[0, 0] == 5199955.0


@pytest.mark.parametrize("pixel", [1e-6, 1.0, 30.0, 1e3, 1e5, 1e7])
def test_control_points_are_a_power_of_two_apart(pixel: float) -> None:
    step = control_step(Lattice("EPSG:3857", 0.0, 0.0, pixel, pixel))
    assert 1 <= step <= 16 and step & (step - 1) == 0


@pytest.mark.parametrize(
    ("grid", "crs", "bounds"),
    [
        (Grid.from_bounds("EPSG:3857", (1.1e6, 5.8e6, 1.3e6, 6e6), 150, 150), "EPSG:32632", (6e5, 5.1e6, 6.8e5, 5.2e6)),
        (Grid.from_bounds("EPSG:3857", (1.1e6, 5.8e6, 1.3e6, 6e6), 150, 150), "EPSG:4326", (10.5, 46.0, 11.25, 47.0)),
        (Grid.from_bounds("EPSG:4326", (170, -20, 190, 0), 100, 100), "EPSG:4326", (175, -15, 185, -5)),
        (Grid.from_bounds("EPSG:4326", (-190, -20, -170, 0), 100, 100), "EPSG:4326", (175, -15, 185, -5)),
        (Grid.from_bounds("EPSG:4326", (-180, -20, -170, 0), 100, 100), "EPSG:4326", (175, -15, 185, -5)),
        (Grid.from_bounds("EPSG:3832", (2.5e6, -1e6, 4.5e6, 1e6), 100, 100), "EPSG:4326", (175, -5, 185, 5)),
        (Grid.from_bounds("EPSG:3413", (-1e6, -1e6, 1e6, 1e6), 100, 100), "EPSG:4326", (0, 85, 90, 90)),
        (Grid.from_bounds("EPSG:4326", (0, 0, 10, 10), 20, 20), "EPSG:4326", (2.25, 2.25, 7.75, 7.75)),
    ],
)  # fmt: skip
def test_inside_is_what_comparing_every_centre_gives(
    grid: Grid, crs: str, bounds: tuple[float, float, float, float]
) -> None:
    xs, ys = np.broadcast_arrays(centres(grid).x, centres(grid).y)
    x, y = (xs, ys) if grid.crs == crs else exact(grid, crs)
    if is_geographic(crs):
        x = bounds[0] + np.mod(x - bounds[0], 360.0)
    expected = (x >= bounds[0]) & (x < bounds[2]) & (y >= bounds[1]) & (y < bounds[3])
    found = inside(grid, crs, bounds)
    assert found is not None and 0 < expected.sum() < expected.size
    differing = np.broadcast_to(found, grid.shape) != expected
    # interpolated centres may fall to the other side of an edge that runs through them
    assert differing.sum() <= (0 if grid.crs == crs else 4)


def test_left_and_lower_edges_belong_to_a_box() -> None:
    grid = Grid.from_bounds("EPSG:32632", (0.0, 0.0, 40.0, 40.0), 4, 4)
    found = inside(grid, "EPSG:32632", (5.0, 15.0, 25.0, 35.0))
    expected = np.zeros((4, 4), bool)
    expected[1:3, 0:2] = True  # centres 5, 15 and 15, 25
    np.testing.assert_array_equal(np.broadcast_to(found, (4, 4)), expected)


def test_a_box_around_everything_masks_nothing() -> None:
    assert inside(tile(10, 11.0, 46.0), "EPSG:4326", (-180.0, -90.0, 180.0, 90.0)) is None


def test_points_without_a_place_are_outside() -> None:
    grid = Grid.from_bounds("EPSG:4326", (-180, -95, 180, 95), 40, 40)
    found = inside(grid, "EPSG:3857", (-1e6, -1e6, 1e6, 1e6))
    assert found is not None and not found[0].any() and found.any()


SOURCE = Grid(Lattice("EPSG:32632", 600000.0, 5200020.0, 10.0, 10.0), 0, 0, 10980, 10980)


@pytest.mark.parametrize("zoom", range(15))
def test_pixel_ratio_tells_the_size_of_a_tiles_pixels_on_the_ground(zoom: int) -> None:
    cell = tile(zoom, 11.6, 46.4).window(0, 0, 512, 512)
    across, down = pixel_ratio(cell, SOURCE)
    ground = cell.lattice.dx * metres_per_unit("EPSG:3857") * math.cos(math.radians(46.4)) / 10.0
    assert across == pytest.approx(ground, rel=0.06)
    assert down == pytest.approx(ground, rel=0.06)


def test_pixel_ratio_in_one_crs_is_the_quotient() -> None:
    cell = Grid(Lattice("EPSG:32632", 0.0, 0.0, 40.0, 25.0), 0, 0, 512, 512)
    assert pixel_ratio(cell, SOURCE) == (4.0, 2.5)


def test_cells_without_a_place_are_never_interpolated() -> None:
    """Where the projection is not defined the control points are infinite, and so would be the size of the cell."""
    lattice = Lattice("EPSG:3857", -20037508.0, 20037508.0, 20000.0, 20000.0)
    undefined = 0
    for col, row in itertools.product(range(0, 1984, 128), range(0, 1984, 128)):
        points = control(Grid(lattice, col, row, 128, 128), "EPSG:32632")
        cells = ~np.isfinite(points.x).all(axis=0)
        if cells.any():
            assert points.bad is not None and points.bad[cells].all()
            undefined += 1
    assert undefined


@pytest.mark.parametrize(
    ("grid", "crs"),
    [
        (Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0), 0, 0, 300, 200), "EPSG:4326"),
        (Grid(Lattice("EPSG:3857", 1148000.0, 5928000.0, 20.0, 20.0), 7, -3, 64, 64), "EPSG:32632"),
        (Grid(Lattice("EPSG:4326", 10.0, 50.0, 0.01, 0.01), 0, 0, 40, 40), "EPSG:4326"),
    ],
)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_box_that_covers_a_grid_masks_nothing(grid: Grid, crs: str, data: st.DataObject) -> None:
    """Where :func:`covers` says so, :func:`inside` finds every pixel; and it says so of boxes with room around."""
    points = coordinates(grid, crs)
    west, east, south, north = points.x.min(), points.x.max(), points.y.min(), points.y.max()
    width, height = east - west, north - south
    moved = st.floats(-0.01, 0.01)
    box = (
        west + width * data.draw(moved), south + height * data.draw(moved),
        east + width * data.draw(moved), north + height * data.draw(moved),
    )  # fmt: skip
    if covers(grid, crs, box):
        assert inside(grid, crs, box) is None
    assert covers(grid, crs, (west - width / 2, south - height / 2, east + width / 2, north + height / 2))
