"""Values under a pixel as documents."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ogcserver.cube import Band
from ogcserver.errors import InvalidParameter
from ogcserver.maps.info import INFO_TYPES, Found, info_type, write_info
from ogcserver.maps.values import Values

BANDS = (Band("NDVI"), Band("B 04", "uint16", unit="<m>"), Band("time"))
ROWS = ((0.5120000243186951, 3.0, None), (None, None, 7.5))
VALUES = Values(BANDS, ("2017-01-05", "2017-01-15"), ROWS, 11.0, 46.0, "EPSG:4326")
FOUND = (Found("j-1", "Title <script>alert(1)</script>", VALUES),)


def test_json_has_a_feature_for_each_time() -> None:
    document = json.loads(write_info("application/json", FOUND))
    assert document["type"] == "FeatureCollection"
    assert [feature["properties"] for feature in document["features"]] == [
        {"layer": "j-1", "time": "2017-01-05", "NDVI": 0.512, "B 04": 3, "time_": None},
        {"layer": "j-1", "time": "2017-01-15", "NDVI": None, "B 04": None, "time_": 7.5},
    ]
    assert document["features"][0]["geometry"] == {"type": "Point", "coordinates": [11.0, 46.0]}


def test_a_layer_without_time_has_one_feature() -> None:
    values = Values((Band("a"),), (), ((float("inf"),),), 1e9, 1e9, "EPSG:3857")
    (feature,) = json.loads(write_info("application/json", [Found("j", "", values)]))["features"]
    assert feature["properties"] == {"layer": "j", "a": None}


def test_a_number_is_as_long_as_it_was_computed() -> None:
    """A float32 in the digits that mean it, a float64 in full, an integer without fraction."""
    wide = Values((Band("a", "float64"),), (), ((0.5120000243186951,),), 0.0, 0.0, "EPSG:4326")
    assert b"0.5120000243186951" in write_info("application/json", [Found("j", "", wide)])
    assert b"0.512," in write_info("text/plain", FOUND) and b"= 3 <m>" in write_info("text/plain", FOUND)


def test_html_shows_texts_as_they_are() -> None:
    seen: list[str] = []
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_data = seen.append  # type: ignore[method-assign]
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(write_info("text/html", FOUND).decode())
    text = " ".join(seen)
    assert "Title <script>alert(1)</script>" in text and "B 04 (<m>)" in text and "missing" in text
    assert "script" not in tags and tags.count("tr") == 3


def test_gml_has_an_element_for_each_value() -> None:
    root = etree.fromstring(write_info("application/vnd.ogc.gml", FOUND))
    own = "{urn:ogcserver:info}"
    pixels = list(root.iter(f"{own}pixel"))
    assert [[(one.tag.removeprefix(own), one.text) for one in pixel[1:]] for pixel in pixels] == [
        [("layer", "j-1"), ("time", "2017-01-05"), ("NDVI", "0.512"), ("B_04", "3")],
        [("layer", "j-1"), ("time", "2017-01-15"), ("time_2", "7.5")],
    ]
    assert root.findtext(".//{http://www.opengis.net/gml}coordinates") == "11.0,46.0"


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(INFO_TYPES))
def test_any_text_makes_a_document(title: str, band: str, media_type: str) -> None:
    values = Values((Band(band), Band(band + "x")), (), ((1.0, None),), 0.0, 0.0, "EPSG:4326")
    body = write_info(media_type, [Found("j", title, values)]).decode("utf-8", "surrogatepass")
    if media_type == "application/json":
        json.loads(body)
    if media_type == "application/vnd.ogc.gml":
        etree.fromstring(body.encode())


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("application/json", "application/json"), ("JSON", "application/json"),
        ("application/geo+json", "application/json"),
        ("text/html; charset=utf-8", "text/html"), ("gml", "application/vnd.ogc.gml"), ("text", "text/plain"),
        ("application/gml+xml; version=3.1", "application/vnd.ogc.gml"),
    ],
)  # fmt: skip
def test_formats_have_several_names(text: str, media_type: str) -> None:
    assert info_type(text) == media_type


@pytest.mark.parametrize("text", ["", "text/bogus", "image/png"])
def test_other_formats_do_not_exist(text: str) -> None:
    with pytest.raises(InvalidParameter):
        info_type(text)
