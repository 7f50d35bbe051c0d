"""Which pixels, times and colours a tile request means."""

from __future__ import annotations

import asyncio

import pytest

from ogcserver.errors import InvalidParameter, MissingParameter, UnsupportedOperation, UnsupportedVersion
from ogcserver.geo.grid import Grid
from ogcserver.geo.tiles import standard_sets
from ogcserver.maps.tilesets import sets_of
from ogcserver.maps.times import chosen_time
from ogcserver.ows.kvp import Kvp
from ogcserver.wmts.place import place
from ogcserver.wmts.requests import GetCapabilities, GetTile, operation
from tests.unit.wmts.fakes import MONTHS, ODD, TIMES, UTM, layer

STANDARD = standard_sets()
ASK = GetTile("j-utm", "default", "image/png", "WebMercatorQuad", "3", 2, 4)


def test_a_standard_tile_is_a_window_of_the_matrix_lattice() -> None:
    view, painter = asyncio.run(place(ASK, layer("j-utm"), STANDARD))
    assert view.grid == Grid(STANDARD["WebMercatorQuad"].matrix("3").lattice, 4 * 256, 2 * 256, 256, 256)
    assert (view.bands, view.times, painter.media_type) == (("red", "green", "blue"), (), "image/png")


def test_the_deepest_native_tile_is_a_window_of_the_jobs_own_lattice() -> None:
    native = sets_of(layer("j-utm"), STANDARD)[-1]
    ask = GetTile("j-utm", "Default", "image/png", native.id.upper(), native.matrices[-1].id, 1, 2)
    view, _ = asyncio.run(place(ask, layer("j-utm"), STANDARD))
    assert view.grid == UTM.window(512, 256, 256, 256)


def test_a_layer_without_crs_code_has_the_standard_sets_only() -> None:
    assert [one.id for one in sets_of(layer("j-odd", ODD), STANDARD)] == ["WebMercatorQuad", "WorldCRS84Quad"]


@pytest.mark.parametrize(
    ("change", "locator"),
    [({"style": "x"}, "STYLE"), ({"matrix_set": "x"}, "TileMatrixSet"), ({"matrix": "x"}, "TileMatrix")],
)
def test_what_a_layer_lacks_is_named(change: dict[str, str], locator: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        asyncio.run(place(GetTile(**{**vars(ASK), **change}), layer("j-utm"), STANDARD))
    assert caught.value.locator == locator


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, TIMES[2]),
        (TIMES[0], TIMES[0]),
        ("2017-01-05", TIMES[0]),
        ("2017-01-15", TIMES[2]),
        ("2017-01-05T11:20:31+01:00", TIMES[0]),
        ("2017-01-05T10:20:31.000Z", TIMES[0]),
    ],
)
def test_times_are_chosen_by_label_instant_or_day(text: str | None, expected: str) -> None:
    assert chosen_time(TIMES, text) == (expected,)


@pytest.mark.parametrize("text", [MONTHS[0], "2017-01-01T00:00:00Z", "2017-01-01", "2017-01-20", "2017-01"])
def test_spans_are_chosen_by_their_start_or_a_day_in_them(text: str) -> None:
    assert chosen_time(MONTHS, text) == (MONTHS[0],)


def test_of_a_layer_without_time_the_parameter_is_ignored() -> None:
    assert chosen_time((), "2017-01-01") == ()


@pytest.mark.parametrize("text", ["2016-01-01", "2017-01-05T10:20:32Z", "2017-01-01/2017-02-01"])
def test_an_unknown_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        chosen_time(TIMES, text)
    assert caught.value.locator == "TIME"


def test_unreadable_times_and_placeholders() -> None:
    pairs = {"layer": "l", "style": "default", "format": "JPG", "tilematrixset": "s", "tilematrix": "0", "tilerow": "0",
             "tilecol": "0"}  # fmt: skip
    assert GetTile.from_address(Kvp([*pairs.items(), ("Time", "{TIME}")])).time is None
    with pytest.raises(InvalidParameter) as caught:
        GetTile.from_address(Kvp([*pairs.items(), ("Time", "yesterday")]))
    assert caught.value.locator == "TIME"


def test_operations_are_compared_without_case() -> None:
    assert operation(Kvp([("service", "wmts"), ("request", "getCapabilities")])) == "GetCapabilities"
    with pytest.raises(UnsupportedOperation):
        operation(Kvp([("SERVICE", "WMTS"), ("REQUEST", "GetFeatureInfo")]))
    with pytest.raises(MissingParameter):
        operation(Kvp([("REQUEST", "GetTile")]))


def test_versions_are_negotiated_and_sections_chosen() -> None:
    assert GetCapabilities.from_kvp(Kvp([("acceptversions", "2.0.0,1.0.0"), ("sections", "contents,Themes")])) == (
        GetCapabilities(("Contents",))
    )
    with pytest.raises(UnsupportedVersion):
        GetCapabilities.from_kvp(Kvp([("AcceptVersions", "2.0.0")]))
    with pytest.raises(InvalidParameter):
        GetCapabilities.from_kvp(Kvp([("Sections", "Content")]))
