"""What a WMTS client asks, as values, in each of the three encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter, MissingParameter, OgcServerError, TooLarge, UnsupportedVersion
from ogcserver.maps.tiles import TileAsk
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.soap import SOAP_11, SOAP_12
from ogcserver.wmts.requests import GetCapabilities, GetFeatureInfo, GetTile, operation, resource
from ogcserver.wmts.soap import parse_soap

TILE = GetTile("j-utm", TileAsk("WebMercatorQuad", "5", 11, 16, "default", "image/png", "2017-01-05"))
PAIRS = {
    "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": "j-utm", "STYLE": "default",
    "FORMAT": "image/png", "TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": "5", "TILEROW": "11", "TILECOL": "16",
    "TIME": "2017-01-05",
}  # fmt: skip
INFO = PAIRS | {"REQUEST": "GetFeatureInfo", "I": "7", "J": "9", "INFOFORMAT": "application/json"}


def soap(operation: str, space: str = SOAP_12) -> bytes:
    return f'<e:Envelope xmlns:e="{space}"><e:Header/><e:Body>{operation}</e:Body></e:Envelope>'.encode()


SOAP_TILE = """<GetTile xmlns="http://www.opengis.net/wmts/1.0" service="WMTS" version="1.0.0"><Layer>j-utm</Layer>
<Style>default</Style><Format>image/png</Format><DimensionNameValue name="TIME">2017-01-05</DimensionNameValue>
<TileMatrixSet>WebMercatorQuad</TileMatrixSet><TileMatrix>5</TileMatrix><TileRow>11</TileRow><TileCol>16</TileCol>
</GetTile>"""
SOAP_INFO = f"""<GetFeatureInfo xmlns="http://www.opengis.net/wmts/1.0" service="WMTS" version="1.0.0">{SOAP_TILE}
<J>9</J><I>7</I><InfoFormat>application/json</InfoFormat></GetFeatureInfo>"""
SOAP_CAPABILITIES = """<GetCapabilities xmlns="http://www.opengis.net/wmts/1.0" service="WMTS"
  xmlns:ows="http://www.opengis.net/ows/1.1"><ows:AcceptVersions><ows:Version>2.0.0</ows:Version>
  <ows:Version>1.0.0</ows:Version></ows:AcceptVersions><ows:Sections><ows:Section>Contents</ows:Section></ows:Sections>
</GetCapabilities>"""


def test_a_tile_is_the_same_in_every_encoding() -> None:
    assert operation(Kvp(PAIRS.items())) == TILE
    assert resource("j-utm", "default", "2017-01-05/WebMercatorQuad/5/11/16.png") == TILE
    for space in (SOAP_12, SOAP_11):
        assert operation(Kvp(parse_soap(soap(SOAP_TILE, space)).pairs)) == TILE


def test_values_are_asked_for_alike_in_every_encoding() -> None:
    wanted = GetFeatureInfo(TILE, 7, 9, "application/json", all_times=False)
    assert operation(Kvp(INFO.items())) == wanted
    assert resource("j-utm", "default", "2017-01-05/WebMercatorQuad/5/11/16/9/7.json") == wanted
    assert operation(Kvp(parse_soap(soap(SOAP_INFO)).pairs)) == wanted


def test_a_client_that_names_no_time_wants_all_values() -> None:
    asked = operation(Kvp({**INFO, "TIME": ""}.items()))
    assert isinstance(asked, GetFeatureInfo) and asked.all_times
    asked = operation(Kvp({**INFO, "TIME": "default"}.items()))
    assert isinstance(asked, GetFeatureInfo) and not asked.all_times


def test_an_interval_may_stand_in_an_address() -> None:
    found = resource("l", "s", "2017-01-01/2017-02-01/P5D/WebMercatorQuad/5/11/16.png")
    assert isinstance(found, GetTile) and found.tile.time == "2017-01-01/2017-02-01/P5D"


def test_metadata_by_soap() -> None:
    assert operation(Kvp(parse_soap(soap(SOAP_CAPABILITIES)).pairs)) == GetCapabilities(("Contents",))


def test_placeholders_that_nobody_filled_mean_the_default() -> None:
    found = resource("l", "s", "{TIME}/WebMercatorQuad/5/11/16.png")
    assert isinstance(found, GetTile) and found.tile.time is None


def test_operations_are_compared_without_case() -> None:
    assert operation(Kvp([("service", "wmts"), ("request", "getCapabilities")])) == GetCapabilities()
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


BOMB = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
FILE = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<a", b"<a/>", soap(""), soap("<GetTile/>"), soap(SOAP_TILE + SOAP_TILE),
        BOMB.encode() + soap(SOAP_TILE.replace("j-utm", "&c;")),
        FILE.encode() + soap(SOAP_TILE.replace("j-utm", "&x;")),
        f'<Envelope xmlns="{SOAP_12}"/>'.encode(), b"\xff\xfe\x00<",
    ],
)  # fmt: skip
def test_what_is_no_envelope_of_an_operation_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedDocument):
        parse_soap(body)


@given(st.lists(st.tuples(st.sampled_from([*INFO, "SECTIONS", "ACCEPTVERSIONS"]), st.text(max_size=12)), max_size=8))
def test_any_pairs_are_read_or_refused(changes: list[tuple[str, str]]) -> None:
    try:
        operation(Kvp((INFO | dict(changes)).items()))
    except OgcServerError as error:
        assert error.locator or isinstance(error, UnsupportedVersion | TooLarge)


@given(st.text(max_size=60), st.text(max_size=6))
def test_any_address_is_read_or_refused(path: str, extension: str) -> None:
    try:
        resource("l", "s", f"{path}.{extension}")
    except OgcServerError as error:
        assert error.locator


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    with pytest.raises(MalformedDocument):
        parse_soap(body)
