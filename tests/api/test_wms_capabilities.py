"""WMS capabilities and legends, in process. Names such as getcapabilities:dims-time are those of the assertions of
OGC's test suite for WMS 1.3.0.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import imagecodecs
import pytest
from lxml import etree

from ogcserver.maps.info import INFO_TYPES
from ogcserver.maps.legend import LEGEND_TYPES
from ogcserver.maps.picture import MEDIA_TYPES
from tests.fakes import DAYS
from tests.unit.wms.asking import ask, assert_report, service
from tests.xsd import assert_valid, schema_folder

WMS = "{http://www.opengis.net/wms}"
XLINK = "{http://www.w3.org/1999/xlink}"


def capabilities(path: str = "/wms", **more: str) -> etree._Element:
    response = service().get(path, params={"SERVICE": "WMS", "REQUEST": "GetCapabilities", **more})
    assert response.headers["content-type"] == "text/xml"
    return assert_valid(response.content, "wms/1.3.0/capabilities_1_3_0.xsd")


def layer_of(root: etree._Element, name: str) -> etree._Element:
    return next(one for one in root.iter(f"{WMS}Layer") if one.findtext(f"{WMS}Name") == name)


def test_capabilities_follow_the_schema() -> None:
    """getcapabilities:xml-validation, getcapabilities:validate-using-schemaLocation."""
    root = capabilities()
    assert (root.tag, root.get("version")) == (f"{WMS}WMS_Capabilities", "1.3.0")
    names = [one.findtext(f"{WMS}Name") for one in root.iter(f"{WMS}Layer")]
    assert names == [None, "j-place", "j-x", "j-time", "j-v"]
    assert root.findtext(f"{WMS}Service/{WMS}MaxWidth") == "8192"


def test_formats_and_addresses() -> None:
    """getcapabilities:capability-onlineresource, capability-xml-getcapabilities-format, basic:gif-or-png,
    capability-xml-exception-format, recommendations:png-getmap-format."""
    request = capabilities().find(f"{WMS}Capability/{WMS}Request")
    assert request is not None
    for name, formats in (("GetCapabilities", ("text/xml",)), ("GetMap", MEDIA_TYPES), ("GetFeatureInfo", INFO_TYPES)):
        operation = request.find(f"{WMS}{name}")
        assert operation is not None
        assert [one.text for one in operation.iter(f"{WMS}Format")] == list(formats)
        assert [one.get(f"{XLINK}href") for one in operation.iter(f"{WMS}OnlineResource")] == ["http://test/wms?"]


def test_each_layer_says_where_it_is_in_the_axis_order_of_each_system() -> None:
    """getcapabilities:bbox-present, bbox-distinct-crs, bbox-crs-advertised, crs-for-all-layers, ex_geobbox-present."""
    root = capabilities()
    top = root.find(f"{WMS}Capability/{WMS}Layer")
    assert top is not None
    shared = [one.text for one in top.findall(f"{WMS}CRS")]
    assert shared == ["CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:32632"]
    boxes = {
        one.get("CRS"): tuple(float(one.get(side, "")) for side in ("minx", "miny", "maxx", "maxy"))
        for one in layer_of(root, "j-x").findall(f"{WMS}BoundingBox")
    }
    assert list(boxes) == shared
    assert boxes["EPSG:32632"] == (600000.0, 5188000.0, 614000.0, 5200000.0)
    west, south, east, north = boxes["CRS:84"]
    assert 10.2 < west < east < 10.6 and 46.8 < south < north < 47.0
    assert boxes["EPSG:4326"] == (south, west, north, east)


def test_styles_and_their_legends() -> None:
    """getcapabilities:style-legendurls, getcapabilities:style-unique."""
    root = capabilities()
    styles = layer_of(root, "j-x").findall(f"{WMS}Style")
    assert [one.findtext(f"{WMS}Name") for one in styles] == ["default", "green"]
    for style in styles:
        legend = style.find(f"{WMS}LegendURL")
        assert legend is not None
        link = legend.find(f"{WMS}OnlineResource")
        assert link is not None
        url = urlsplit(link.get(f"{XLINK}href", ""))
        response = service().get(url.path, params=parse_qsl(url.query))
        assert response.headers["content-type"] == legend.findtext(f"{WMS}Format")
        height, width = imagecodecs.png_decode(response.content).shape[:2]
        assert (str(width), str(height)) == (legend.get("width"), legend.get("height"))


def test_the_time_dimension() -> None:
    """getcapabilities:dims-time, recommendations:dims-defaults, recommendations:dims-no-whitespace."""
    root = capabilities()
    dimension = layer_of(root, "j-time").find(f"{WMS}Dimension")
    assert dimension is not None and dimension.text == ",".join(DAYS)
    assert dict(dimension.attrib) == {
        "name": "time", "units": "ISO8601", "default": DAYS[-1], "multipleValues": "1", "nearestValue": "1",
        "current": "1",
    }  # fmt: skip
    assert layer_of(root, "j-x").find(f"{WMS}Dimension") is None


def test_what_the_suite_recommends() -> None:
    """recommendations:layer-abstracts, layer-keywordlists, layer-crs, metadataurls, service-contact-info."""
    root = capabilities()
    assert root.find(f"{WMS}Service/{WMS}ContactInformation") is not None
    for layer in root.iter(f"{WMS}Layer"):
        assert layer.findtext(f"{WMS}Abstract")
        if layer.find(f"{WMS}Name") is not None:
            assert layer.find(f"{WMS}KeywordList") is not None
            assert layer.findtext(f"{WMS}MetadataURL/{WMS}Format") == "application/json"


def test_a_service_has_its_one_layer() -> None:
    root = capabilities("/services/s-wms-j-x/wms")
    assert [one.findtext(f"{WMS}Name") for one in root.iter(f"{WMS}Layer")] == [None, "j-x"]
    link = root.find(f"{WMS}Service/{WMS}OnlineResource")
    assert link is not None and link.get(f"{XLINK}href") == "http://test/services/s-wms-j-x/wms"
    assert root.find(f".//{WMS}MetadataURL") is None
    query = {"SERVICE": "WMS", "REQUEST": "GetCapabilities"}
    assert_report(service().get("/services/s-none/wms", params=query), "", None)


@pytest.mark.parametrize("media_type", [None, "text/xml", "text/bogus"])
def test_capabilities_are_xml_whatever_the_format(media_type: str | None) -> None:
    """getcapabilities:no-format, getcapabilities:each-format, getcapabilities:invalid-format."""
    assert capabilities(**({"FORMAT": media_type} if media_type else {})).get("version") == "1.3.0"


def test_update_sequences() -> None:
    """getcapabilities:updatesequence-current, updatesequence-lower, updatesequence-higher."""
    query = {"SERVICE": "WMS", "REQUEST": "GetCapabilities"}
    current = str(capabilities().get("updateSequence"))
    revision, _, digest = current.partition("-")
    assert_report(ask(query, UPDATESEQUENCE=current), "CurrentUpdateSequence", "UPDATESEQUENCE")
    assert capabilities(UPDATESEQUENCE=f"{revision}-{digest[::-1]}").get("updateSequence") == current
    for later in (f"{int(revision) + 1}-{digest}", "zzz"):
        assert_report(ask(query, UPDATESEQUENCE=later), "InvalidUpdateSequence", "UPDATESEQUENCE")


def test_a_client_that_has_the_capabilities_gets_nothing() -> None:
    query = {"SERVICE": "WMS", "REQUEST": "GetCapabilities"}
    first = ask(query)
    assert ask(query, headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_the_older_version_follows_its_document_type() -> None:
    response = ask({"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": "1.1.1"})
    assert response.headers["content-type"] == "application/vnd.ogc.wms_xml"
    root = etree.fromstring(response.content)
    assert (root.tag, root.get("version")) == ("WMT_MS_Capabilities", "1.1.1")
    layer = root.findall("Capability/Layer/Layer")[2]
    assert [one.tag for one in layer] == [
        "Name", "Title", "Abstract", "KeywordList", "LatLonBoundingBox", *["BoundingBox"] * 4, "Dimension", "Extent",
        "Style",
    ]  # fmt: skip
    latlon = {one.get("SRS"): one.get("minx") for one in layer.findall("BoundingBox")}
    assert latlon["EPSG:4326"] == latlon["CRS:84"]
    assert layer.findtext("Extent") == ",".join(DAYS)


def test_the_older_version_validates() -> None:
    dtd = schema_folder() / "schemas.opengis.net" / "wms" / "1.1.1" / "capabilities_1_1_1.dtd"
    if not dtd.is_file():
        pytest.skip(f"no {dtd.name} among the OGC schemas")
    response = ask({"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": "1.1.1"})
    with dtd.open() as file:
        assert etree.DTD(file).validate(etree.fromstring(response.content))


@pytest.mark.parametrize("media_type", LEGEND_TYPES)
def test_each_format_of_legends(media_type: str) -> None:
    query = {"VERSION": "1.3.0", "REQUEST": "GetLegendGraphic", "LAYER": "j-x", "STYLE": "green"}
    response = ask(query, FORMAT=media_type)
    assert response.headers["content-type"] == media_type
    assert response.content != ask(query, FORMAT=media_type, STYLE=None).content


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"LAYER": "j-none"}, "LayerNotDefined", "LAYER"),
        ({"STYLE": "none"}, "StyleNotDefined", "STYLE"),
        ({"FORMAT": "image/bogus"}, "InvalidFormat", "FORMAT"),
        ({"WIDTH": "0"}, "InvalidParameterValue", "WIDTH"),
    ],
)
def test_a_wrong_legend_is_told_what_is_wrong(changes: dict[str, str], code: str, locator: str) -> None:
    query = {"SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetLegendGraphic", "LAYER": "j-x", "FORMAT": "image/png"}
    assert_report(ask(query, **changes), code, locator)
