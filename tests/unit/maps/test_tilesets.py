"""The tile matrix sets of a layer, and which of their tiles hold something of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter, TileOutOfRange
from ogcserver.geo.crs import lonlat_boxes
from ogcserver.geo.grid import Grid, Lattice, intersect
from ogcserver.geo.tiles import native_set
from ogcserver.maps.tilesets import bounds_in, check_within, matrix_set, sets_of
from tests.unit.wmts.fakes import ODD, SETS, UTM, layer

LAYER = layer("j-utm")
MERCATOR = SETS["WebMercatorQuad"]


def test_a_layer_without_crs_code_has_no_native_set() -> None:
    assert not [one.id for one in sets_of(layer("j-odd", ODD), SETS) if one.id.startswith("native")]
    assert sets_of(LAYER, SETS)[-1] == native_set(UTM)


def test_a_set_that_covers_a_part_is_listed_only_where_it_is_a_common_one() -> None:
    world = layer("j-world", Grid(Lattice("EPSG:4326", -180.0, 90.0, 0.5, 0.5), 0, 0, 720, 360))
    listed = [one.id for one in sets_of(world, SETS)]
    assert {"WebMercatorQuad", "WorldCRS84Quad", "WGS1984Quad"} <= set(listed)
    assert not {"EuropeanETRS89_LAEAQuad", "WorldMercatorWGS84Quad"} & set(listed)


def test_any_set_may_be_asked_for_in_any_case() -> None:
    native = native_set(UTM)
    assert native
    assert matrix_set("webmercatorQUAD", LAYER, SETS) == MERCATOR
    assert matrix_set("NZTM2000Quad", LAYER, SETS).id == "NZTM2000Quad"
    assert matrix_set(native.id.upper(), LAYER, SETS) == native
    with pytest.raises(InvalidParameter) as caught:
        matrix_set("none", LAYER, SETS)
    assert caught.value.locator == "TileMatrixSet" and "WebMercatorQuad" in str(caught.value)


def test_the_bounds_in_the_native_set_are_exact() -> None:
    native = native_set(UTM)
    assert native
    assert bounds_in(LAYER, native, SETS) == UTM.bounds
    assert bounds_in(LAYER, SETS["NZTM2000Quad"], SETS) is None


@given(level=st.integers(4, 14), east=st.integers(-3, 3), south=st.integers(-3, 3))
def test_a_tile_is_within_exactly_if_it_meets_the_layers_bounds(level: int, east: int, south: int) -> None:
    bounds = bounds_in(LAYER, MERCATOR, SETS)
    assert bounds
    matrix = MERCATOR.matrices[level]
    span = matrix.lattice.dx * 256
    col = int(matrix.lattice.column(bounds[0]) // 256) + east
    row = int(matrix.lattice.row(bounds[3]) // 256) + south
    grid = matrix.tile(row, col)
    slack = span * 1e-6
    meets = intersect(grid.bounds, bounds)
    try:
        check_within(bounds, matrix, row, col)
        assert meets
    except TileOutOfRange as error:
        assert error.locator in ("TileRow", "TileCol")
        assert not meets or min(meets[2] - meets[0], meets[3] - meets[1]) <= slack + matrix.lattice.dx


def test_every_pixel_of_the_layer_lies_in_a_tile_that_is_within() -> None:
    matrix, bounds = MERCATOR.matrices[12], bounds_in(LAYER, MERCATOR, SETS)
    corner_boxes = (lonlat_boxes(UTM.window(col, row, 1, 1)) for col in (0, 999) for row in (0, 699))
    for ((west, south, east, north),) in corner_boxes:
        x, _, _, y = MERCATOR.bounds_of([(west, south, east, north)]) or (0.0, 0.0, 0.0, 0.0)
        check_within(bounds, matrix, int(matrix.lattice.row(y) // 256), int(matrix.lattice.column(x) // 256))
