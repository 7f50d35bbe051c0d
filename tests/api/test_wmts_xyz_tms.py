"""XYZ, TileJSON and TMS in process, on an engine whose pixels hold their own place."""

from __future__ import annotations

import json
from urllib.parse import quote

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.maps.tiles import TileRules
from tests.unit.wmts.fakes import MONTHS, TIMES, FakeEngine, decoded, get

XYZ, TMS = "/services/s-xyz-j-utm/xyz", "/services/s-tms-j-utm/tms"
MERCATOR = standard_sets()["WebMercatorQuad"]


@pytest.mark.parametrize(
    ("end", "media_type"),
    [
        ("", "image/png"), (".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp"),
        (".avif", "image/avif"),
        (".tif", "image/tiff; application=geotiff"), (".npy", "application/x-npy"),
    ],
)  # fmt: skip
def test_xyz_tiles_are_those_of_web_mercator_quad(end: str, media_type: str) -> None:
    engine = FakeEngine()
    response = get(f"{XYZ}/5/16/11{end}?__editorSessionId=1", engine)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert engine.views[0].grid == MERCATOR.matrix("5").tile(11, 16)


@pytest.mark.parametrize(("suffix", "edge"), [("", 256), ("@2x", 512), ("@4x", 1024)])
def test_denser_tiles_have_more_pixels_of_the_same_area(suffix: str, edge: int) -> None:
    engine = FakeEngine()
    response = get(f"{XYZ}/5/16/11{suffix}.png", engine)
    assert decoded(response.content).shape[1:] == (edge, edge)
    assert engine.views[0].grid.bounds == MERCATOR.matrix("5").tile(11, 16).bounds


def test_the_query_chooses_time_and_bands() -> None:
    engine = FakeEngine()
    get("/services/s-xyz-j-time/xyz/5/16/11?Time=2017-01-05&bands=2", engine)
    get("/services/s-xyz-j-time/xyz/5/16/11?bands=blue,red,green", engine)
    assert [(view.times, view.bands) for view in engine.views] == [
        ((TIMES[0],), ("green",)),
        ((TIMES[2],), ("blue", "red", "green")),
    ]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/services/s-xyz-none/xyz/5/16/11", 404, "NoApplicableCode"),
        ("/services/s-wmts-j-utm/xyz/5/16/11", 404, "NoApplicableCode"),
        (f"{XYZ}/5/32/11.png", 404, "TileOutOfRange"),
        (f"{XYZ}/5/a/11.png", 400, "InvalidParameterValue"),
        (f"{XYZ}/5/16/11@3x.png", 400, "InvalidParameterValue"),
        (f"{XYZ}/5/16/11.gif", 400, "InvalidParameterValue"),
        (f"{XYZ}/5/16/11?bands=4", 400, "InvalidParameterValue"),
        (f"{XYZ}/5/16/11?style=x", 400, "InvalidParameterValue"),
        (f"{XYZ}/5/16", 404, "NoApplicableCode"),
    ],
)
def test_xyz_errors_are_json(path: str, status: int, code: str) -> None:
    response = get(path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"]


def test_tilejson_says_where_and_how_deep() -> None:
    found = get(f"{XYZ}/tile.json?bands=1", public_url="https://maps.org/x").json()
    assert (found["tilejson"], found["scheme"], found["attribution"]) == ("3.0.0", "xyz", "Everybody")
    assert found["tiles"] == [f"https://maps.org/x{XYZ}/{{z}}/{{x}}/{{y}}.png?bands=1"]
    assert found["bounds"] == pytest.approx([10.31, 46.82, 10.58, 46.95], abs=0.01)
    assert (found["minzoom"], found["maxzoom"]) == (0, 13)  # 20 m pixels are 29 m in Web Mercator; zoom 13 has 19 m
    west, south, east, north = found["bounds"]
    assert west < found["center"][0] < east and south < found["center"][1] < north


def test_tms_rows_count_from_the_south() -> None:
    engine = FakeEngine()
    response = get(f"{TMS}/1.0.0/j-utm/5/16/{31 - 11}.png", engine)
    assert response.headers["content-type"] == "image/png"
    assert engine.views[0].grid == MERCATOR.matrix("5").tile(11, 16)


def test_tms_resources_lead_to_the_tiles() -> None:
    root = etree.fromstring(get(TMS).content)
    service = etree.fromstring(get(root[0].get("href").removeprefix("http://test")).content)
    listed = service.find("TileMaps/TileMap")
    assert listed is not None and listed.get("srs") == "EPSG:3857"
    tile_map = etree.fromstring(get(listed.get("href").removeprefix("http://test")).content)
    assert tile_map.findtext("Title") == "Places <in> UTM & more"
    origin, tile_format = tile_map.find("Origin"), tile_map.find("TileFormat")
    assert origin is not None and tile_format is not None
    levels = tile_map.findall("TileSets/TileSet")
    assert [level.get("order") for level in levels] == [str(number) for number in range(25)]
    # a tile found by the document alone: column and row from the origin by pixels and tile size
    level, x, y = levels[5], 1_150_000.0, 5_930_000.0
    span = float(level.get("units-per-pixel", "")) * int(tile_format.get("width", ""))
    col, row = int((x - float(origin.get("x", ""))) // span), int((y - float(origin.get("y", ""))) // span)
    engine = FakeEngine()
    address = f"{level.get('href')}/{col}/{row}.{tile_format.get('extension')}"
    assert get(address.removeprefix("http://test"), engine).status_code == 200
    west, south, east, north = engine.views[0].grid.bounds
    assert west <= x < east and south < y <= north


def test_the_addresses_of_the_job_apis_text_name_a_date_and_bands() -> None:
    engine = FakeEngine()
    service = "/services/s-tms-j-months/tms"
    assert get(f"{service}/2017-01-01/5/16/11?bands=1", engine).status_code == 200
    assert get(f"{service}/2017-02/5/16/11.png?bands=blue&time=2017-01-01", engine).status_code == 200
    assert get(f"{service}/default/5/16/11.png", engine).status_code == 200
    assert [(view.times, view.bands) for view in engine.views] == [
        ((MONTHS[0],), ("red",)),
        ((MONTHS[1],), ("blue",)),
        ((MONTHS[1],), ("red", "green", "blue")),
    ]
    assert {view.grid for view in engine.views} == {MERCATOR.matrix("5").tile(11, 16)}  # rows from the north


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/services/s-tms-none/tms", 404),
        (f"{TMS}/1.0.0/other", 404),
        (f"{TMS}/1.0.0/j-utm/5/16/32.png", 404),
        (f"{TMS}/1.0.0/j-utm/5/16/x.png", 400),
        (f"{TMS}/1.0.0/j-utm/99/16/1.png", 400),
        (f"{TMS}/yesterday/5/16/11", 400),
        (f"{TMS}/2.0.0", 404),
        ("/services/s-tms-j-time/tms/2016-01-01/5/16/11", 400),
    ],
)
def test_tms_errors_are_xml(path: str, status: int) -> None:
    response = get(path)
    assert response.status_code == status
    root = etree.fromstring(response.content)
    assert root.tag == "TileMapServerError" and root.findtext("Message")


@pytest.mark.parametrize("path", [f"{XYZ}/5/3/11.png", f"{TMS}/1.0.0/j-utm/5/3/20.png", f"{TMS}/2017-01-01/5/3/11"])
def test_tiles_beside_the_layer_cost_nothing_and_look_as_the_rules_say(path: str) -> None:
    engine = FakeEngine()
    empty = get(path, engine)
    assert (empty.status_code, empty.headers["content-type"]) == (200, "image/png")
    assert not decoded(empty.content)[3].any()
    known = get(path, engine, headers={"if-none-match": empty.headers["etag"]})
    assert known.status_code == 304
    none = get(path, engine, rules=TileRules(outside="204"))
    assert (none.status_code, none.content) == (204, b"")
    assert get(path, engine, rules=TileRules(outside="error")).status_code == 404
    assert not engine.views


def test_an_empty_jpeg_is_white() -> None:
    response = get(f"{XYZ}/5/3/11@2x.jpg")
    assert response.headers["content-type"] == "image/jpeg"
    assert np.array_equal(imagecodecs.jpeg8_decode(response.content), np.full((512, 512, 3), 255, np.uint8))


segments = st.one_of(
    st.integers(-3, 40).map(str), st.text(st.characters(codec="utf-8", exclude_characters="/?#"), max_size=8)
)


@given(
    base=st.sampled_from([XYZ, TMS, f"{TMS}/1.0.0/j-utm", f"{TMS}/2017-01-01", "/services/s-xyz-j-time/xyz"]),
    parts=st.tuples(segments, segments, segments),
    query=st.dictionaries(st.sampled_from(["time", "style", "bands", "x"]), st.text(max_size=12)),
)
def test_whatever_is_asked_is_answered_or_refused(base: str, parts: tuple[str, ...], query: dict[str, str]) -> None:
    response = get(f"{base}/{'/'.join(quote(part, safe='') for part in parts)}", params=query)
    assert response.status_code in (200, 400, 404), response.text
    if response.headers["content-type"] == "application/json":
        assert json.loads(response.content)["message"]
