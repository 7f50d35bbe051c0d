"""Tiles against morecantile's own bounds; native sets against the grids they are made from."""

from __future__ import annotations

import morecantile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter, TileOutOfRange
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.matrix_sets import WEB_MERCATOR, WORLD_CRS84, standard_sets
from ogcserver.geo.tiles import MatrixSet, TileLimits, native_set

SETS = {name: one for name, one in standard_sets().items() if name in (WEB_MERCATOR, WORLD_CRS84)}
UTM = Grid(Lattice("EPSG:32632", 600000.0, 5200020.0, 20.0, 20.0), 3, 7, 1000, 700)


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, int, int, int]:
    name = draw(st.sampled_from(sorted(SETS)))
    level = draw(st.integers(0, len(SETS[name].matrices) - 1))
    matrix = SETS[name].matrices[level]
    row = draw(st.integers(0, matrix.matrix_height - 1))
    return name, level, row, draw(st.integers(0, matrix.matrix_width - 1))


@given(addresses())
def test_tiles_lie_where_morecantile_says(address: tuple[str, int, int, int]) -> None:
    name, level, row, col = address
    matrix = SETS[name].matrices[level]
    expected = morecantile.tms.get(name).xy_bounds(morecantile.Tile(col, row, level))
    got = matrix.tile(row, col).bounds
    # morecantile's cell sizes have 13 digits and it counts from the corner with them: that is its error, not ours
    tolerance = 1e-3 * matrix.lattice.dx + 1e-9 * abs(matrix.lattice.x0)
    assert got == pytest.approx(tuple(expected), rel=0, abs=tolerance)


@pytest.mark.parametrize("name", [WEB_MERCATOR, WORLD_CRS84])
def test_scale_denominators_and_cells_are_the_published_ones(name: str) -> None:
    known = morecantile.tms.get(name)
    for matrix, published in zip(SETS[name].matrices, known.tileMatrices, strict=True):
        assert matrix.scale_denominator == pytest.approx(published.scaleDenominator, rel=1e-12)
        assert matrix.lattice.dx == matrix.lattice.dy == pytest.approx(published.cellSize, rel=1e-12)


@pytest.mark.parametrize("name", [WEB_MERCATOR, WORLD_CRS84])
def test_each_level_halves_the_pixels_exactly_and_ends_at_the_same_edge(name: str) -> None:
    first = SETS[name].matrices[0]
    for level, matrix in enumerate(SETS[name].matrices):
        assert matrix.lattice.dx * 2**level == first.lattice.dx
        assert matrix.grid.bounds == first.grid.bounds


def test_internal_crs_of_crs84_is_longitude_first_wgs84() -> None:
    crs84 = SETS[WORLD_CRS84]
    assert (crs84.crs, crs84.supported_crs) == ("EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84")
    assert crs84.in_axis_order(7.0, 46.0) == (7.0, 46.0)


@given(addresses(), st.integers(0, 255), st.integers(0, 255))
def test_a_tile_is_a_window_of_the_lattice(address: tuple[str, int, int, int], dcol: int, drow: int) -> None:
    name, level, row, col = address
    matrix = SETS[name].matrices[level]
    tile = matrix.tile(row, col)
    assert tile.lattice == matrix.lattice
    assert tile.window(dcol, drow, 1, 1) == Grid(matrix.lattice, col * 256 + dcol, row * 256 + drow, 1, 1)


@pytest.mark.parametrize(
    ("row", "col", "locator"), [(-1, 0, "TileRow"), (4, 0, "TileRow"), (0, -1, "TileCol"), (0, 4, "TileCol")]
)
def test_tiles_beyond_the_matrix_are_refused(row: int, col: int, locator: str) -> None:
    with pytest.raises(TileOutOfRange) as caught:
        SETS[WEB_MERCATOR].matrix("2").tile(row, col)
    assert caught.value.locator == locator


def test_an_unknown_matrix_is_named() -> None:
    with pytest.raises(InvalidParameter) as caught:
        SETS[WEB_MERCATOR].matrix("99")
    assert caught.value.locator == "TileMatrix"


def _native(grid: Grid) -> MatrixSet:
    native = native_set(grid)
    assert native is not None
    return native


def test_deepest_native_level_is_the_lattice_itself() -> None:
    deepest = _native(UTM).matrices[-1]
    assert deepest.lattice is UTM.lattice
    assert deepest.tile(0, 0) == Grid(UTM.lattice, 3, 7, 256, 256)
    assert deepest.tile(2, 3) == Grid(UTM.lattice, 3 + 768, 7 + 512, 256, 256)
    assert (deepest.matrix_width, deepest.matrix_height) == (4, 3)


@given(
    st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(1, 10**7), st.integers(1, 10**7),
    st.sampled_from([10.0, 0.1, 1 / 3, 3020.13]),
)  # fmt: skip
def test_native_levels_cover_the_grid_from_its_corner(col: int, row: int, width: int, height: int, dx: float) -> None:
    grid = Grid(Lattice("EPSG:32632", 1.5, 2.5, dx, dx), col, row, width, height)
    matrices = _native(grid).matrices
    assert [matrix.id for matrix in matrices] == [str(level) for level in range(len(matrices))]
    assert (matrices[0].matrix_width, matrices[0].matrix_height) == (1, 1)
    for level, matrix in enumerate(matrices):
        factor = 2 ** (len(matrices) - 1 - level)
        assert matrix.lattice.dx == dx * factor
        assert matrix.grid.bounds[0] == grid.bounds[0] and matrix.grid.bounds[3] == grid.bounds[3]
        assert matrix.grid.width * factor >= width > (matrix.matrix_width - 1) * 256 * factor
        assert matrix.grid.height * factor >= height > (matrix.matrix_height - 1) * 256 * factor
    if len(matrices) > 1:
        assert max(matrices[1].matrix_width, matrices[1].matrix_height) == 2


def test_pixels_that_are_not_square_get_square_ones_of_the_shorter_edge() -> None:
    grid = Grid(Lattice("EPSG:32618", 500000.0, 4600000.0, 3020.13, 3031.56), 2, 3, 70, 75)
    deepest = _native(grid).matrices[-1]
    assert deepest.lattice == Lattice("EPSG:32618", grid.bounds[0], grid.bounds[3], 3020.13, 3020.13)
    assert deepest.grid.bounds[1] <= grid.bounds[1] and deepest.grid.bounds[2] >= grid.bounds[2]


def test_pixels_that_differ_by_rounding_only_stay_native() -> None:
    grid = Grid(Lattice("EPSG:32632", 0.0, 0.0, 20.0, 20.0 + 1e-9), 0, 0, 5000, 5000)
    assert _native(grid).matrices[-1].lattice is grid.lattice


def test_a_crs_without_code_has_no_native_set() -> None:
    assert native_set(Grid(Lattice('PROJCRS["mine"]', 0.0, 0.0, 1.0, 1.0), 0, 0, 1, 1)) is None


def test_native_scale_and_axes_follow_the_crs() -> None:
    degrees = _native(Grid(Lattice("EPSG:4326", 9.5, 47.5, 0.01, 0.01), 0, 0, 300, 200))
    assert degrees.matrices[-1].scale_denominator == pytest.approx(0.01 * 111319.49079327358 / 0.00028, rel=1e-12)
    assert degrees.in_axis_order(9.5, 47.5) == (47.5, 9.5)
    assert _native(UTM).matrices[-1].scale_denominator == pytest.approx(20 / 0.00028)
    feet = _native(Grid(Lattice("EPSG:2263", 900000.0, 300000.0, 10.0, 10.0), 0, 0, 300, 200))
    assert feet.matrices[-1].scale_denominator == pytest.approx(10 * 0.3048006096 / 0.00028, rel=1e-9)


def test_equal_grids_share_an_identifier_and_other_grids_do_not() -> None:
    assert _native(UTM).id == _native(Grid(UTM.lattice, 3, 7, 1000, 700)).id
    assert _native(UTM).id != _native(Grid(UTM.lattice, 4, 7, 1000, 700)).id


@given(addresses())
def test_limits_of_a_tiles_own_box_are_that_tile(address: tuple[str, int, int, int]) -> None:
    name, level, row, col = address
    matrix = SETS[name].matrices[level]
    assert matrix.limits(matrix.tile(row, col).bounds) == TileLimits(matrix.id, row, row, col, col)


def test_limits_hold_the_tiles_that_morecantile_finds() -> None:
    box = (9.5, 46.6, 10.7, 47.5)
    for limits in SETS[WEB_MERCATOR].limits([box])[:12]:
        tiles = list(morecantile.tms.get(WEB_MERCATOR).tiles(*box, zooms=int(limits.matrix)))
        rows, columns = {tile.y for tile in tiles}, {tile.x for tile in tiles}
        assert limits == TileLimits(limits.matrix, min(rows), max(rows), min(columns), max(columns))


def test_limits_of_the_whole_world_stop_at_the_matrix() -> None:
    for name, matrix_set in SETS.items():
        for limits, matrix in zip(matrix_set.limits([(-180.0, -90.0, 180.0, 90.0)]), matrix_set.matrices, strict=True):
            full = TileLimits(matrix.id, 0, matrix.matrix_height - 1, 0, matrix.matrix_width - 1)
            assert limits == full, name


def test_a_box_beyond_the_mercator_area_has_no_limits_there() -> None:
    polar = [(-180.0, 86.0, 180.0, 90.0)]
    assert SETS[WEB_MERCATOR].limits(polar) == ()
    assert len(SETS[WORLD_CRS84].limits(polar)) == len(SETS[WORLD_CRS84].matrices)


def test_boxes_on_both_sides_of_180_degrees_are_joined() -> None:
    limits = SETS[WORLD_CRS84].limits([(179.0, -17.0, 180.0, -16.0), (-180.0, -17.0, -179.0, -16.0)])
    assert (limits[3].min_col, limits[3].max_col) == (0, 15)
