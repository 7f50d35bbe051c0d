"""WMTS and XYZ in process, on an engine whose pixels hold their own place."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from lxml import etree

from ogcserver.errors import Overloaded
from ogcserver.geo.tiles import native_set
from tests.unit.wmts.fakes import TIMES, UTM, FakeEngine, decoded, server
from tests.xsd import assert_valid

OWS = "{http://www.opengis.net/ows/1.1}"
TILE = {
    "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "j-utm", "STYLE": "default",
    "FORMAT": "image/png", "TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": "5", "TILEROW": "11", "TILECOL": "17",
}  # fmt: skip
NATIVE = native_set(UTM)


def get(path: str, engine: FakeEngine | None = None, method: str = "GET", **more: Any) -> httpx.Response:
    options = {key: more.pop(key) for key in ("public_url", "max_age") if key in more}
    application = server(engine or FakeEngine(), **options)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(ask())


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
    assert_places(tile(), 0, 0, 17 + 7 * 11)


def test_keys_and_words_in_any_case() -> None:
    query = "service=wmts&request=gettile&version=1.0.0&layer=j-utm&Style=DEFAULT&format=Image/PNG&TileMatrixSet="
    query += "webmercatorquad&TileMatrix=5&TileRow=11&TileCol=17&unknown=1"
    assert_places(get(f"/wmts?{query}"), 0, 0, 17 + 7 * 11)
    assert get("/wmts?service=wmts&request=getCapabilities").status_code == 200
    assert get("/wmts/?service=wmts&request=getCapabilities").status_code == 200


def test_an_empty_style_is_the_default_one() -> None:
    assert tile(STYLE="").status_code == 200


def test_a_tile_as_a_resource() -> None:
    assert_places(get("/wmts/j-utm/default/WebMercatorQuad/5/11/17.png"), 0, 0, 17 + 7 * 11)


def test_a_native_tile_counts_pixels_of_the_jobs_own_lattice() -> None:
    assert NATIVE
    engine = FakeEngine()
    response = get(f"/wmts/j-utm/default/{NATIVE.id}/{NATIVE.matrices[-1].id}/1/2.png", engine)
    assert_places(response, 3, 7, 2 + 7 * 1)
    assert engine.views[0].grid == UTM.window(512, 256, 256, 256)


def test_jpeg_by_media_type_and_extension() -> None:
    for response in (tile(FORMAT="image/jpeg"), get("/wmts/j-utm/default/WebMercatorQuad/5/11/17.jpg")):
        assert response.headers["content-type"] == "image/jpeg"
        assert response.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"LAYER": "j-none"}, "InvalidParameterValue", "LAYER"),
        ({"STYLE": "pretty"}, "InvalidParameterValue", "STYLE"),
        ({"FORMAT": "image/webp"}, "InvalidParameterValue", "FORMAT"),
        ({"TILEMATRIXSET": "none"}, "InvalidParameterValue", "TileMatrixSet"),
        ({"TILEMATRIX": "77"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEROW": "x"}, "InvalidParameterValue", "TileRow"),
        ({"TILEROW": "32"}, "TileOutOfRange", "TileRow"),
        ({"TILECOL": "-1"}, "TileOutOfRange", "TileCol"),
        ({"VERSION": "2.0.0"}, "InvalidParameterValue", "VERSION"),
        ({"SERVICE": "WMS"}, "InvalidParameterValue", "SERVICE"),
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


def test_an_operation_that_does_not_exist() -> None:
    assert_report(tile(REQUEST="GetFeatureInfo"), 501, "OperationNotSupported", "GetFeatureInfo")


def test_no_common_version() -> None:
    response = get("/wmts?service=WMTS&request=GetCapabilities&AcceptVersions=2.0.0")
    assert_report(response, 400, "VersionNegotiationFailed", None)


def test_unknown_paths_services_and_methods() -> None:
    assert_report(get("/wmts/nothing/here"), 404, "NoApplicableCode", None)
    assert_report(get("/services/s-none/wmts?service=WMTS&request=GetCapabilities"), 404, "NoApplicableCode", None)
    assert_report(get("/wmts", method="POST"), 405, "OperationNotSupported", None)


def test_resource_errors_read_like_those_of_key_value_pairs() -> None:
    assert_report(get("/wmts/j-none/default/WebMercatorQuad/5/11/17.png"), 400, "InvalidParameterValue", "LAYER")
    assert_report(get("/wmts/j-utm/default/WebMercatorQuad/5/11/32.png"), 400, "TileOutOfRange", "TileCol")
    assert_report(get("/wmts/j-utm/default/WebMercatorQuad/5/11/17.tif"), 400, "InvalidParameterValue", "FORMAT")


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
    path = "/wmts/j-utm/default/WebMercatorQuad/5/11/17.png"
    assert get(path, max_age=60).headers["cache-control"] == "public, max-age=60, must-revalidate"


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, TIMES[2]), ("default", TIMES[2]), (TIMES[0], TIMES[0]), ("2017-01-15", TIMES[2])]
)
def test_one_time_is_rendered(asked: str | None, expected: str) -> None:
    engine = FakeEngine()
    assert tile(engine, LAYER="j-time", Time=asked).status_code == 200
    segment = f"/{quote(asked)}" if asked else ""
    assert get(f"/wmts/j-time/default{segment}/WebMercatorQuad/5/11/17.png", engine).status_code == 200
    assert [view.times for view in engine.views] == [(expected,)] * 2


def test_a_resource_with_the_template_left_unfilled_gets_the_default_time() -> None:
    engine = FakeEngine()
    assert get("/wmts/j-time/default/%7BTIME%7D/WebMercatorQuad/5/11/17.png", engine).status_code == 200
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
    resource = "/services/s-wmts-j-time/wmts/j-time/default/2017-01-05/WebMercatorQuad/5/11/17.png"
    assert_places(get(resource), 0, 0, 17 + 7 * 11)
    other = get("/services/s-wmts-j-time/wmts/j-utm/default/WebMercatorQuad/5/11/17.png")
    assert_report(other, 400, "InvalidParameterValue", "LAYER")


@pytest.mark.parametrize(("end", "media_type"), [("", "image/png"), (".png", "image/png"), (".jpg", "image/jpeg")])
def test_xyz_tiles_are_those_of_web_mercator_quad(end: str, media_type: str) -> None:
    engine = FakeEngine()
    response = get(f"/services/s-xyz-j-utm/xyz/5/17/11{end}?__editorSessionId=1", engine)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    tile(engine)
    assert engine.views[0] == engine.views[1]


def test_xyz_with_a_time() -> None:
    engine = FakeEngine()
    get("/services/s-xyz-j-time/xyz/5/17/11?time=2017-01-05", engine)
    assert engine.views[0].times == (TIMES[0],)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/services/s-xyz-none/xyz/5/17/11", 404, "NoApplicableCode"),
        ("/services/s-wmts-j-utm/xyz/5/17/11", 404, "NoApplicableCode"),
        ("/services/s-xyz-j-utm/xyz/5/32/11.png", 404, "TileOutOfRange"),
        ("/services/s-xyz-j-utm/xyz/5/a/11.png", 400, "InvalidParameterValue"),
        ("/services/s-xyz-j-utm/xyz/5/17", 404, "NoApplicableCode"),
    ],
)
def test_xyz_errors_are_json(path: str, status: int, code: str) -> None:
    response = get(path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"]


def test_reports_parse_without_a_charset() -> None:
    assert etree.fromstring(tile(LAYER="ü").content) is not None
