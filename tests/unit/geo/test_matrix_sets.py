"""Tile matrix sets from definitions, against morecantile and PROJ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import morecantile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import CrsError, InvalidParameter, RequestError
from ogcserver.geo.matrix_sets import WEB_MERCATOR, WORLD_CRS84, parse_matrix_set, standard_sets
from ogcserver.settings import Settings

SETS = standard_sets()
REGISTERED = [name for name in SETS if "@" not in name]
EXAMPLE = Path(__file__).resolve().parents[3] / "config" / "swiss-grid.json"
ALPS = (11.0, 46.5, 11.3, 46.7)


def example(**changes: Any) -> str:
    return json.dumps(json.loads(EXAMPLE.read_text()) | changes)


def test_every_set_of_the_registry_that_wmts_has_words_for_is_there() -> None:
    plain = {name for name in morecantile.tms.list() if not morecantile.tms.get(name).is_variable}
    assert set(REGISTERED) == plain
    assert list(SETS)[:4] == [WEB_MERCATOR, f"{WEB_MERCATOR}@2x", f"{WEB_MERCATOR}@4x", WORLD_CRS84]


@pytest.mark.parametrize("name", REGISTERED)
def test_tiles_lie_where_the_definition_says(name: str) -> None:
    known = morecantile.tms.get(name)
    for level in (known.minzoom, known.minzoom + 3, known.minzoom + 9):
        matrix = SETS[name].matrix(known.matrix(level).id)
        row, col = matrix.matrix_height // 2, matrix.matrix_width // 2
        # xy_bounds counts x, y of tiles in the definition's own corner
        expected = known.xy_bounds(morecantile.Tile(col, row, level))
        tolerance = 1e-3 * matrix.lattice.dx + 1e-9 * abs(matrix.lattice.x0)
        assert matrix.tile(row, col).bounds == pytest.approx(tuple(expected), rel=0, abs=tolerance)


def test_a_set_is_for_where_its_crs_is_meant_to_be_used() -> None:
    assert SETS["EuropeanETRS89_LAEAQuad"].covers([ALPS])
    assert not SETS["UTM31WGS84Quad"].covers([ALPS])
    assert not SETS["NZTM2000Quad"].covers([ALPS])
    assert SETS["NZTM2000Quad"].covers([(170.0, -45.0, 171.0, -44.0)])
    assert SETS["LINZAntarticaMapTilegrid"].covers([(170.0, -80.0, 180.0, -78.0), (-180.0, -80.0, -170.0, -78.0)])


@pytest.mark.parametrize("factor", [2, 4])
@given(level=st.integers(0, 24), where=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_denser_tiles_show_the_same_area(factor: int, level: int, where: tuple[float, float]) -> None:
    plain, dense = SETS[WEB_MERCATOR].matrices[level], SETS[f"{WEB_MERCATOR}@{factor}x"].matrices[level]
    row, col = (min(int(part * plain.matrix_width), plain.matrix_width - 1) for part in where)
    assert dense.id == plain.id
    assert dense.tile(row, col).bounds == plain.tile(row, col).bounds
    assert dense.tile(row, col).shape == (256 * factor, 256 * factor)


def test_the_example_of_the_configuration() -> None:
    settings = Settings.load(EXAMPLE.with_name("example.toml"), {})
    found = parse_matrix_set(settings.tile_matrix_sets[0].file.read_text())
    assert (found.id, found.crs, found.supported_crs) == ("SwissLV95", "EPSG:2056", "urn:ogc:def:crs:EPSG::2056")
    assert found.matrices[0].grid.bounds[:1] + found.matrices[0].grid.bounds[3:] == (2420000.0, 1350000.0)
    assert [matrix.lattice.dx for matrix in found.matrices][-2:] == [1.0, 0.5]
    assert found.covers([(7.0, 46.5, 8.0, 47.0)])


def test_axis_order_is_that_of_the_definition() -> None:
    rows = [
        matrix | {"pointOfOrigin": [1350000.0, 2420000.0]} for matrix in json.loads(EXAMPLE.read_text())["tileMatrices"]
    ]
    swapped = parse_matrix_set(example(orderedAxes=["N", "E"], tileMatrices=rows))
    assert swapped.lat_first
    assert swapped.matrices[3].lattice == parse_matrix_set(EXAMPLE.read_text()).matrices[3].lattice


def matrices(**changes: Any) -> str:
    return example(tileMatrices=[one | changes for one in json.loads(EXAMPLE.read_text())["tileMatrices"]])


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", example(crs="nonsense"), example(id="a/b"), example(tileMatrices=[]),
        matrices(cornerOfOrigin="bottomLeft"), matrices(cellSize=-1), matrices(cellSize=0), matrices(matrixWidth=0),
        matrices(variableMatrixWidths=[{"coalesce": 2, "minTileRow": 0, "maxTileRow": 0}]),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_matrix_set(text)
    assert isinstance(caught.value, InvalidParameter | CrsError)
