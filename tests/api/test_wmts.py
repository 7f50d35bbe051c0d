"""WMTS in process, on an engine whose pixels hold their own place.

Names in capitals and dots are those of OGC's test suite for WMTS 1.0.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ogcserver.errors import Overloaded
from ogcserver.geo.tiles import native_set
from ogcserver.maps.tiles import TileRules
from ogcserver.ows.soap import SOAP_11, SOAP_12
from tests.unit.wmts.fakes import TIMES, UTM, FakeEngine, decoded, get
from tests.unit.wmts.test_wmts_requests import SOAP_CAPABILITIES, SOAP_INFO, SOAP_TILE, soap
from tests.xsd import assert_valid

OWS = "{http://www.opengis.net/ows/1.1}"
WMTS = "{http://www.opengis.net/wmts/1.0}"
XLINK = "{http://www.w3.org/1999/xlink}href"
TILE = {
    "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "j-utm", "STYLE": "default",
    "FORMAT": "image/png", "TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": "5", "TILEROW": "11", "TILECOL": "16",
}  # fmt: skip
NATIVE = native_set(UTM)


def tile(engine: FakeEngine | None = None, **changes: str | None) -> httpx.Response:
    pairs = {key: value for key, value in (TILE | changes).items() if value is not None}
    return get("/wmts", engine, params=pairs)


def assert_report(response: httpx.Response, status: int, code: str, locator: str | None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/xml"
    root = assert_valid(response.content, "ows/1.1.0/owsExceptionReport.xsd")
    exception = root.find(f"{OWS}Exception")
    assert exception is not None
    assert (exception.get("exceptionCode"), exception.get("locator")) == (code, locator)


def assert_places(response: httpx.Response, col: int, row: int, tile_number: int) -> None:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    red, green, blue = decoded(response.content)[:3]
    assert np.array_equal(red, np.broadcast_to((np.arange(256) + col) % 256, (256, 256)))
    assert np.array_equal(green, np.broadcast_to((np.arange(256) + row)[:, None] % 256, (256, 256)))
    assert blue[0, 0] == tile_number


def test_a_tile_by_key_value_pairs() -> None:
    assert_places(tile(), 0, 0, 16 + 7 * 11)


def test_keys_and_words_in_any_case() -> None:
    query = "service=wmts&request=gettile&version=1.0.0&layer=j-utm&Style=DEFAULT&format=Image/PNG&TileMatrixSet="
    query += "webmercatorquad&TileMatrix=5&TileRow=11&TileCol=16&unknown=1"
    assert_places(get(f"/wmts?{query}"), 0, 0, 16 + 7 * 11)
    assert get("/wmts?service=wmts&request=getCapabilities").status_code == 200
    assert get("/wmts/?service=wmts&request=getCapabilities").status_code == 200


def test_an_empty_style_is_the_default_one() -> None:
    assert tile(STYLE="").status_code == 200


def test_a_tile_as_a_resource() -> None:
    assert_places(get("/wmts/j-utm/default/WebMercatorQuad/5/11/16.png"), 0, 0, 16 + 7 * 11)


def test_a_native_tile_counts_pixels_of_the_jobs_own_lattice() -> None:
    assert NATIVE
    engine = FakeEngine()
    response = get(f"/wmts/j-utm/default/{NATIVE.id}/{NATIVE.matrices[-1].id}/1/2.png", engine)
    assert_places(response, 3, 7, 2 + 7 * 1)
    assert engine.views[0].grid == UTM.window(512, 256, 256, 256)


def test_jpeg_by_media_type_and_extension() -> None:
    for response in (tile(FORMAT="image/jpeg"), get("/wmts/j-utm/default/WebMercatorQuad/5/11/16.jpg")):
        assert response.headers["content-type"] == "image/jpeg"
        assert response.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"LAYER": "j-none"}, "InvalidParameterValue", "LAYER"),
        ({"STYLE": "pretty"}, "InvalidParameterValue", "STYLE"),
        ({"FORMAT": "image/gif"}, "InvalidParameterValue", "FORMAT"),
        ({"TILEMATRIXSET": "none"}, "InvalidParameterValue", "TileMatrixSet"),
        ({"TILEMATRIX": "77"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEROW": "x"}, "InvalidParameterValue", "TileRow"),
        ({"TILEROW": "32"}, "TileOutOfRange", "TileRow"),
        ({"TILECOL": "-1"}, "TileOutOfRange", "TileCol"),
        ({"VERSION": "2.0.0"}, "InvalidParameterValue", "VERSION"),
        ({"SERVICE": "WMS"}, "InvalidParameterValue", "SERVICE"),
        ({"REQUEST": "GetMap"}, "InvalidParameterValue", "REQUEST"),
        ({"LAYER": "j-time", "TIME": "2016-01-01"}, "InvalidParameterValue", "TIME"),
        ({"LAYER": "j-time", "TIME": "soon"}, "InvalidParameterValue", "TIME"),
        *(({key: None}, "MissingParameterValue", key) for key in ("SERVICE", "REQUEST", "VERSION")),
        *(({key: None}, "MissingParameterValue", key) for key in ("LAYER", "STYLE", "FORMAT")),
        ({"TILEMATRIXSET": None}, "MissingParameterValue", "TileMatrixSet"),
        ({"TILEMATRIX": None}, "MissingParameterValue", "TileMatrix"),
        ({"TILEROW": None}, "MissingParameterValue", "TileRow"),
        ({"TILECOL": None}, "MissingParameterValue", "TileCol"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_what_is_wrong(changes: dict[str, str | None], code: str, locator: str) -> None:
    engine = FakeEngine()
    assert_report(tile(engine, **changes), 400, code, locator)
    assert not engine.views


def test_no_common_version() -> None:
    response = get("/wmts?service=WMTS&request=GetCapabilities&AcceptVersions=2.0.0")
    assert_report(response, 400, "VersionNegotiationFailed", None)


def test_unknown_paths_services_and_methods() -> None:
    assert_report(get("/wmts/nothing/here"), 404, "NoApplicableCode", None)
    assert_report(get("/services/s-none/wmts?service=WMTS&request=GetCapabilities"), 404, "NoApplicableCode", None)
    assert_report(get("/wmts", method="PUT"), 405, "OperationNotSupported", None)


def test_resource_errors_read_like_those_of_key_value_pairs() -> None:
    assert_report(get("/wmts/j-none/default/WebMercatorQuad/5/11/16.png"), 400, "InvalidParameterValue", "LAYER")
    assert_report(get("/wmts/j-utm/default/WebMercatorQuad/5/11/32.png"), 400, "TileOutOfRange", "TileCol")
    assert_report(get("/wmts/j-utm/default/WebMercatorQuad/5/11/16.gif"), 400, "InvalidParameterValue", "FORMAT")


def test_a_full_queue_says_when_to_come_back() -> None:
    response = tile(FakeEngine(Overloaded("busy")))
    assert_report(response, 503, "NoApplicableCode", None)
    assert response.headers["retry-after"]


def test_a_bug_is_not_shown() -> None:
    response = tile(FakeEngine(ValueError("secret")))
    assert response.status_code == 500
    assert "secret" not in response.text and "incident" in response.text


def test_a_client_that_has_the_tile_costs_nothing() -> None:
    engine = FakeEngine()
    first = tile(engine)
    again = get("/wmts", engine, params=TILE, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert len(engine.views) == 1
    assert get("/wmts", engine, params=TILE, headers={"if-none-match": '"other"'}).status_code == 200


def test_tiles_are_asked_for_again_unless_the_operator_allows_otherwise() -> None:
    assert tile().headers["cache-control"] == "no-cache"
    path = "/wmts/j-utm/default/WebMercatorQuad/5/11/16.png"
    assert get(path, rules=TileRules(max_age=60)).headers["cache-control"] == "public, max-age=60, must-revalidate"


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, TIMES[2]), ("default", TIMES[2]), (TIMES[0], TIMES[0]), ("2017-01-15", TIMES[2])]
)
def test_one_time_is_rendered(asked: str | None, expected: str) -> None:
    engine = FakeEngine()
    assert tile(engine, LAYER="j-time", Time=asked).status_code == 200
    segment = f"/{quote(asked)}" if asked else ""
    assert get(f"/wmts/j-time/default{segment}/WebMercatorQuad/5/11/16.png", engine).status_code == 200
    assert [view.times for view in engine.views] == [(expected,)] * 2


def test_a_resource_with_the_template_left_unfilled_gets_the_default_time() -> None:
    engine = FakeEngine()
    assert get("/wmts/j-time/default/%7BTIME%7D/WebMercatorQuad/5/11/16.png", engine).status_code == 200
    assert engine.views[0].times == (TIMES[2],)


def layers_of(response: httpx.Response) -> list[str]:
    root = assert_valid(response.content, "wmts/1.0/wmtsGetCapabilities_response.xsd")
    return [str(one.findtext(f"{OWS}Identifier")) for one in root.iter("{http://www.opengis.net/wmts/1.0}Layer")]


def test_service_metadata_in_both_encodings() -> None:
    by_kvp = get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    as_resource = get("/wmts/1.0.0/WMTSCapabilities.xml")
    assert by_kvp.content == as_resource.content
    assert by_kvp.headers["content-type"] == "text/xml"
    assert layers_of(by_kvp) == ["j-utm", "j-lonlat", "j-time", "j-months", "j-odd"]
    assert b"http://test/wmts?" in by_kvp.content


def test_a_service_has_its_own_layer_and_addresses() -> None:
    response = get(
        "/services/s-wmts-j-time/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", public_url="https://maps.org/x/"
    )
    assert layers_of(response) == ["j-time"]
    assert b'"https://maps.org/x/services/s-wmts-j-time/wmts?"' in response.content
    resource = "/services/s-wmts-j-time/wmts/j-time/default/2017-01-05/WebMercatorQuad/5/11/16.png"
    assert_places(get(resource), 0, 0, 16 + 7 * 11)
    other = get("/services/s-wmts-j-time/wmts/j-utm/default/WebMercatorQuad/5/11/16.png")
    assert_report(other, 400, "InvalidParameterValue", "LAYER")


def test_reports_parse_without_a_charset() -> None:
    assert etree.fromstring(tile(LAYER="ü").content) is not None


INFO = TILE | {"REQUEST": "GetFeatureInfo", "I": "7", "J": "9", "INFOFORMAT": "application/json"}
COLUMN, ROW = (16 * 256 + 7) % 256, (11 * 256 + 9) % 256


def info(engine: FakeEngine | None = None, **changes: str | None) -> httpx.Response:
    return get("/wmts", engine, params={key: value for key, value in (INFO | changes).items() if value is not None})


def test_values_under_a_pixel() -> None:
    """Server.KVP.GET.GetFeatureInfo.Mandatory"""
    for response in (info(), get("/wmts/j-utm/default/WebMercatorQuad/5/11/16/9/7.json")):
        assert response.headers["content-type"] == "application/json"
        (found,) = response.json()["features"]
        assert found["properties"] == {"layer": "j-utm", "red": COLUMN, "green": ROW, "blue": 16 + 7 * 11}


@pytest.mark.parametrize(
    ("name", "extension"),
    [("application/json", "json"), ("text/html", "html"), ("text/plain", "txt"), ("application/vnd.ogc.gml", "gml")],
)
def test_values_in_every_format(name: str, extension: str) -> None:
    """Server.KVP.GET.GetFeatureInfo.Valid.InfoFormat"""
    by_kvp = info(INFOFORMAT=name, LAYER="j-time")
    assert by_kvp.headers["content-type"].partition(";")[0] == name
    assert all(time in by_kvp.text for time in TIMES)
    assert get(f"/wmts/j-time/default/WebMercatorQuad/5/11/16/9/7.{extension}").content == by_kvp.content


def test_values_of_the_time_that_is_named() -> None:
    """Server.KVP.GET.GetFeatureInfo.Default.SampleDimension, .Current.SampleDimension"""
    for text, expected in (("2017-01-05", TIMES[0]), ("default", TIMES[2]), ("current", TIMES[2])):
        found = info(LAYER="j-time", TIME=text).json()["features"]
        assert [one["properties"]["time"] for one in found] == [expected]


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"LAYER": "j-none"}, "InvalidParameterValue", "LAYER"),
        ({"STYLE": "pretty"}, "InvalidParameterValue", "STYLE"),
        ({"TILEMATRIXSET": "none"}, "InvalidParameterValue", "TileMatrixSet"),
        ({"TILEMATRIX": "77"}, "InvalidParameterValue", "TileMatrix"),
        ({"I": "256"}, "PointIJOutOfRange", "I"),  # OGC 07-057r7 table 26; the test suite wants TileOutOfRange
        ({"J": "-1"}, "PointIJOutOfRange", "J"),
        ({"I": "x"}, "InvalidParameterValue", "I"),
        ({"INFOFORMAT": "image/png"}, "InvalidParameterValue", "InfoFormat"),
        ({"LAYER": "j-time", "TIME": "2016-01-01"}, "InvalidParameterValue", "TIME"),
        ({"I": None}, "MissingParameterValue", "I"),
        ({"J": None}, "MissingParameterValue", "J"),
        ({"INFOFORMAT": None}, "MissingParameterValue", "InfoFormat"),
    ],
)
def test_wrong_questions_for_values(changes: dict[str, str | None], code: str, locator: str) -> None:
    """Server.KVP.GET.GetFeatureInfo.Invalid.*, .Missing"""
    engine = FakeEngine()
    assert_report(info(engine, **changes), 400, code, locator)
    assert not engine.views


def test_tiles_of_more_pixels() -> None:
    for factor in (2, 4):
        response = tile(TILEMATRIXSET=f"WebMercatorQuad@{factor}x")
        assert decoded(response.content).shape[1:] == (256 * factor, 256 * factor)


@pytest.mark.parametrize("outside", ["empty", "204", "error"])
def test_tiles_beside_the_layer_cost_nothing_and_look_as_the_rules_say(outside: Any) -> None:
    """Server.KVP.GET.GetTile.Invalid.Tile.Col.TileMatrixSetLimits holds where the operator wants errors."""
    engine, rules = FakeEngine(), TileRules(outside=outside)
    response = get("/wmts", engine, params=TILE | {"TILECOL": "3"}, rules=rules)
    if outside == "error":
        assert_report(response, 400, "TileOutOfRange", "TileCol")
    elif outside == "204":
        assert (response.status_code, response.content) == (204, b"")
    else:
        assert not decoded(response.content)[3].any()
    assert not engine.views


def test_a_time_between_observations_where_the_document_lists_an_interval() -> None:
    engine = FakeEngine()
    ask = TILE | {"LAYER": "j-time", "TIME": "2017-01-07"}
    assert get("/wmts", engine, params=ask, rules=TileRules(max_times=2)).status_code == 200
    assert engine.views[0].times == (TIMES[0],)
    assert get("/wmts", engine, params=ask).status_code == 400


@pytest.mark.parametrize(
    ("extension", "media_type"), [("png", "image/png"), ("svg", "image/svg+xml"), ("json", "application/json")]
)
def test_legends_beside_the_one_that_the_document_names(extension: str, media_type: str) -> None:
    """Server.KVP.GET.GetCapabilities.Response.Layer.LegendURL.Correct.Resource, .Correct.Size"""
    root = etree.fromstring(get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities").content)
    legend = next(root.iter(f"{WMTS}LegendURL"))
    address = str(legend.get(XLINK)).removeprefix("http://test")
    response = get(address.removesuffix("png") + extension)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == media_type
    if extension == "png":
        assert decoded(response.content).shape[1:] == (int(legend.get("height", "")), int(legend.get("width", "")))


@pytest.mark.parametrize("accept", ["application/xml;q=0.9", "text/html, */*;q=0.1", "text/xml"])
def test_clients_that_take_xml_get_the_resource(accept: str) -> None:
    assert get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"accept": accept}).status_code == 200


def test_clients_that_take_no_xml_do_not() -> None:
    """Server.RESTful.HTTP.Mandatory"""
    refused = get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"accept": "example/unknown"})
    assert_report(refused, 406, "NoApplicableCode", "Accept")


def test_no_tile_of_a_level_without_limits_is_refused() -> None:
    """Server.KVP.GET.GetTile.Mandatory: the layer lies in row 0 of two, which the schema of limits cannot say."""
    query, rules = TILE | {"TILEMATRIX": "1", "TILEROW": "1", "TILECOL": "1"}, TileRules(outside="error")
    assert get("/wmts", params=query, rules=rules).status_code == 200


def test_values_beside_a_layer_are_refused_like_tiles() -> None:
    """Server.KVP.GET.GetFeatureInfo.Invalid.Tile.Row.TileMatrixSetLimits"""
    query = INFO | {"TILEROW": "0"}
    assert get("/wmts", params=query).status_code == 200
    assert_report(get("/wmts", params=query, rules=TileRules(outside="error")), 400, "TileOutOfRange", "TileRow")


def test_a_legend_that_does_not_exist() -> None:
    assert_report(get("/wmts/j-utm/default/legend.gif"), 400, "InvalidParameterValue", "FORMAT")
    assert_report(get("/wmts/j-utm/pretty/legend.png"), 400, "InvalidParameterValue", "STYLE")


def by_soap(operation: str, engine: FakeEngine | None = None, space: str = SOAP_12) -> httpx.Response:
    return get("/wmts", engine, method="POST", content=soap(operation, space))


def body_of(response: httpx.Response, space: str = SOAP_12) -> etree._Element:
    root = etree.fromstring(response.content)
    assert root.tag == f"{{{space}}}Envelope"
    (body,) = root
    (content,) = body
    return content


def test_a_tile_by_soap_is_the_tile_by_kvp() -> None:
    """07-057r7 A.3.1.4"""
    response = by_soap(SOAP_TILE.replace("j-utm", "j-time"))
    assert response.headers["content-type"] == "application/soap+xml"
    content = body_of(response)
    assert_valid(etree.tostring(content), "wmts/1.0/wmtsPayload_response.xsd")
    assert content.findtext(f"{WMTS}Format") == "image/png"
    picture = base64.b64decode(content.findtext(f"{WMTS}BinaryContent") or "")
    assert picture == tile(LAYER="j-time", TIME="2017-01-05").content


def test_a_tile_by_soap_is_sent_although_the_client_has_it() -> None:
    etag = tile(LAYER="j-time", TIME="2017-01-05").headers["etag"]
    content = soap(SOAP_TILE.replace("j-utm", "j-time"))
    response = get("/wmts", method="POST", content=content, headers={"if-none-match": etag})
    assert response.status_code == 200
    assert base64.b64decode(body_of(response).findtext(f"{WMTS}BinaryContent") or "").startswith(b"\x89PNG")


def test_values_and_metadata_by_soap() -> None:
    content = body_of(by_soap(SOAP_INFO.replace("j-utm", "j-time")))
    assert_valid(etree.tostring(content), "wmts/1.0/wmtsGetFeatureInfo_response.xsd")
    values = content.findtext(f"{WMTS}TextPayload/{WMTS}TextContent") or ""
    assert json.loads(values) == info(LAYER="j-time", TIME="2017-01-05").json()
    content = body_of(by_soap(SOAP_CAPABILITIES, space=SOAP_11), SOAP_11)
    assert_valid(etree.tostring(content), "wmts/1.0/wmtsGetCapabilities_response.xsd")


@pytest.mark.parametrize("space", [SOAP_12, SOAP_11])
def test_a_fault_holds_the_exception_report(space: str) -> None:
    response = by_soap(SOAP_TILE.replace("<TileRow>11", "<TileRow>99"), space=space)
    assert response.status_code == 400
    report = body_of(response, space).find(f".//{OWS}ExceptionReport")
    assert report is not None
    root = assert_valid(etree.tostring(report), "ows/1.1.0/owsExceptionReport.xsd")
    assert [one.get("exceptionCode") for one in root] == ["TileOutOfRange"]


def test_a_body_that_is_too_long_or_no_soap_is_a_fault() -> None:
    for content in (b"x" * 100_000, b"<a/>"):
        response = get("/wmts", method="POST", content=content)
        assert response.status_code == 400
        assert body_of(response).tag == f"{{{SOAP_12}}}Fault"


def test_a_bug_behind_soap_is_not_shown() -> None:
    response = by_soap(SOAP_TILE.replace("j-utm", "j-time"), FakeEngine(ValueError("secret")))
    assert response.status_code == 500
    assert "secret" not in response.text


words = st.one_of(st.integers(-3, 300).map(str), st.text(max_size=10), st.sampled_from(["WebMercatorQuad", "default"]))
changed = st.dictionaries(st.sampled_from([*INFO, "TIME"]), words, max_size=4)


@given(changed, st.sampled_from(["GetTile", "GetFeatureInfo"]))
def test_whatever_is_asked_is_answered_or_refused(changes: dict[str, str], operation: str) -> None:
    response = get("/wmts", params=INFO | {"LAYER": "j-time", "REQUEST": operation} | changes)
    assert response.status_code in (200, 400), response.text


@given(st.lists(words, min_size=1, max_size=9), st.sampled_from(["png", "json", "x"]))
def test_whatever_address_is_asked_for_is_answered_or_refused(parts: list[str], extension: str) -> None:
    path = "/".join(quote(part, safe="") for part in parts)
    response = get(f"/wmts/j-time/default/{path}.{extension}")
    assert response.status_code in (200, 400, 404), response.text
