"""The service metadata document: valid, and as clients want to read it.

Names in capitals and dots are those of OGC's test suite for WMTS 1.0.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from lxml import etree

from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.geo.tiles import native_set
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.ows.xml import serialise
from ogcserver.wmts.requests import SECTIONS, GetCapabilities
from ogcserver.wmts.responses import Capabilities
from tests.unit.wmts.fakes import LAYERS, MONTHS, TIMES, UTM, layer
from tests.xsd import assert_valid

XSD = "wmts/1.0/wmtsGetCapabilities_response.xsd"
NS = {"w": "http://www.opengis.net/wmts/1.0", "ows": "http://www.opengis.net/ows/1.1"}
XLINK = "{http://www.w3.org/1999/xlink}href"


def document(*layers: Layer, ask: GetCapabilities | None = None) -> etree._Element:
    writer = Capabilities(Identification(), standard_sets(), "http://host/wmts", max_times=3)
    return etree.fromstring(serialise(writer.document(ask or GetCapabilities(), layers)))


def texts(root: etree._Element, path: str) -> list[str]:
    return [str(text) for text in root.xpath(path + "/text()", namespaces=NS)]


@pytest.mark.parametrize("layers", [(), LAYERS])
def test_the_document_follows_the_schema(layers: tuple[Layer, ...]) -> None:
    assert_valid(etree.tostring(document(*layers)), XSD)


def test_a_document_without_limits_is_a_fraction_as_long() -> None:
    whole = Capabilities(Identification(), standard_sets(), "http://host/wmts", max_times=3)
    root = replace(whole, limits=False).document(GetCapabilities(), LAYERS)
    assert_valid(serialise(root), XSD)
    assert not root.xpath("//w:TileMatrixSetLimits", namespaces=NS)
    assert root.xpath("//w:TileMatrixSetLink/w:TileMatrixSet/text()", namespaces=NS) == texts(
        document(*LAYERS), "//w:TileMatrixSetLink/w:TileMatrixSet"
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_a_single_section_follows_the_schema(section: str) -> None:
    root = document(*LAYERS, ask=GetCapabilities((section,)))
    assert_valid(etree.tostring(root), XSD)
    assert [etree.QName(child).localname for child in root] == [section, "ServiceMetadataURL"]


def test_names_are_literally_what_qgis_looks_for() -> None:
    text = etree.tostring(document(*LAYERS)).decode()
    for name in ("<Layer>", "<ows:Identifier>", "<ows:WGS84BoundingBox>", "<ows:SupportedCRS>", "<TileMatrixSetLink>"):
        assert name in text


def test_a_native_set_is_offered_with_exact_numbers() -> None:
    native = native_set(UTM)
    assert native
    root = document(LAYERS[0])
    found = root.xpath(f"//w:TileMatrixSet[ows:Identifier='{native.id}']", namespaces=NS)[0]
    assert texts(found, "ows:SupportedCRS") == ["urn:ogc:def:crs:EPSG::32632"]
    assert texts(found, "w:TileMatrix/w:TopLeftCorner") == ["600060.0 5199880.0"] * 3
    scales = [float(text) for text in texts(found, "w:TileMatrix/w:ScaleDenominator")]
    assert all(coarse == 2 * fine for coarse, fine in pairwise(scales))
    assert scales[-1] == pytest.approx(20 / 0.00028)
    box = root.xpath("//ows:BoundingBox[@crs='urn:ogc:def:crs:EPSG::32632']", namespaces=NS)[0]
    assert texts(box, "ows:LowerCorner") + texts(box, "ows:UpperCorner") == ["600060.0 5185880.0", "620060.0 5199880.0"]


def test_axis_order_follows_the_crs() -> None:
    root = document(LAYERS[1])
    corners = texts(root, "//w:TileMatrixSet[ows:SupportedCRS='urn:ogc:def:crs:EPSG::4326']//w:TopLeftCorner")
    assert set(corners) == {"47.5 9.5", "90.0 -180.0"}  # the native set, WGS1984Quad
    corners = texts(root, "//w:TileMatrixSet[ows:Identifier='WorldCRS84Quad']//w:TopLeftCorner")
    assert set(corners) == {"-180.0 90.0"}
    lower = texts(root, "//ows:BoundingBox[@crs='urn:ogc:def:crs:EPSG::4326']/ows:LowerCorner")[0].split()
    assert [float(part) for part in lower] == pytest.approx([45.5, 9.5])


def test_limits_never_exclude_data_nor_break_the_schema() -> None:
    sets = standard_sets()
    for link in document(LAYERS[0]).xpath("//w:TileMatrixSetLink[w:TileMatrixSetLimits]", namespaces=NS):
        chosen = sets[texts(link, "w:TileMatrixSet")[0]]
        limits = {one.matrix: one for one in chosen.limits(LAYERS[0].description.boxes)}
        listed = link.findall(".//w:TileMatrixLimits", NS)
        allowed = [name for name, one in limits.items() if one.max_row > 0 and one.max_col > 0]
        assert [one.findtext("w:TileMatrix", namespaces=NS) for one in listed] == allowed
        for one in listed:
            name, *numbers = (str(child.text) for child in one)
            low_row, high_row, low_col, high_col = map(int, numbers)
            exact = limits[name]
            assert (low_row, low_col) == (exact.min_row, exact.min_col)
            assert (high_row, high_col) == (exact.max_row, exact.max_col)
            chosen.matrix(name).tile(high_row, high_col)


def test_a_dimension_only_where_there_is_time() -> None:
    assert document(LAYERS[0]).find(".//w:Dimension", NS) is None
    dimension = document(LAYERS[2]).find(".//w:Dimension", NS)
    assert dimension is not None
    assert texts(dimension, "ows:Identifier") == ["TIME"]
    assert texts(dimension, "w:Default") == [TIMES[-1]]
    assert texts(dimension, "w:Current") == ["true"]
    assert texts(dimension, "w:Value") == list(TIMES)


def test_many_times_are_listed_as_intervals() -> None:
    days = tuple(f"2017-{month:02}-{day:02}" for month in range(1, 13) for day in (1, 3, 12))
    root = document(layer("j-long", times=days))
    assert_valid(etree.tostring(root), XSD)
    assert texts(root, "//w:Dimension/w:Value") == [f"{days[0]}/{days[-3]}", *days[-2:]]


def test_spans_are_listed_without_a_slash() -> None:
    assert texts(document(LAYERS[3]), "//w:Value") == [label.partition("/")[0] for label in MONTHS]


def test_addresses_of_all_encodings() -> None:
    """Server.KVP.GET.GetCapabilities.Response.Encoding.Constraint, .OnlineResource and .SchemaReferenced"""
    root = document(LAYERS[2])
    operations = root.findall(".//ows:Operation", NS)
    assert [one.get("name") for one in operations] == ["GetCapabilities", "GetTile", "GetFeatureInfo"]
    for operation in operations:
        ways = operation.findall(".//ows:HTTP/*", NS)
        assert [texts(way, ".//ows:Value") for way in ways] == [["KVP"], ["SOAP"]]
        assert [way.get(XLINK) for way in ways] == ["http://host/wmts?", "http://host/wmts"]
    location = root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "")
    assert location.split() == [NS["w"], "http://schemas.opengis.net/wmts/1.0/wmts.xsd"]
    resources = {
        (one.get("resourceType"), one.get("format")): one.get("template")
        for one in root.iterfind(".//w:ResourceURL", NS)
    }
    tail = "http://host/wmts/j-time/{Style}/{TIME}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
    assert resources["tile", "image/png"] == f"{tail}.png"
    assert resources["FeatureInfo", "application/json"] == f"{tail}/{{J}}/{{I}}.json"
    assert {kind for kind, _ in resources} == {"tile", "FeatureInfo"}
    assert [name for kind, name in resources if kind == "tile"] == ["image/png"]
    assert {name for kind, name in resources if kind != "tile"} == set(texts(root, "//w:Layer/w:InfoFormat"))


def test_styles_have_legends() -> None:
    """Server.KVP.GET.GetCapabilities.Response.Layer.LegendURL.Correct.Resource: an image of that size."""
    styled = replace(LAYERS[0], args={"styles": {"grey": {"bands": "red", "colormap": "greys_r"}}})
    root = document(styled)
    assert_valid(etree.tostring(root), XSD)
    styles = root.findall(".//w:Layer/w:Style", NS)
    assert [one.findtext("ows:Identifier", namespaces=NS) for one in styles] == ["default", "grey"]
    assert [one.get("isDefault") for one in styles] == ["true", None]
    assert [one.findtext("ows:Title", namespaces=NS) for one in styles] == ["default", "grey"]  # OpenLayers looks here
    for style in styles:
        name = style.findtext("ows:Identifier", namespaces=NS)
        (legend,) = style.findall("w:LegendURL", NS)
        assert legend.get("format") == "image/png"
        assert legend.get(XLINK) == f"http://host/wmts/j-utm/{name}/legend.png"


def test_no_set_claims_scales_whose_crs_is_another() -> None:
    """Server.KVP.GET.GetCapabilities.Response.TileMatrixSet.WellKnownScaleSet"""
    assert not texts(document(LAYERS[0]), "//w:TileMatrixSet/w:WellKnownScaleSet")


def test_a_layer_has_every_set_that_covers_it() -> None:
    sets = texts(document(LAYERS[0]), "//w:TileMatrixSetLink/w:TileMatrixSet")
    mercator = ["WebMercatorQuad", "WebMercatorQuad@2x", "WebMercatorQuad@4x"]
    others = ["WorldCRS84Quad", "EuropeanETRS89_LAEAQuad", "WGS1984Quad", "WorldMercatorWGS84Quad"]
    native = native_set(UTM)
    assert native
    assert sets == [native.id, *mercator, *others]  # Server.KVP.GET.GetTile.Valid.Tile.Transparency
    island = layer("j-nz", Grid(Lattice("EPSG:2193", 1570000.0, 5180000.0, 10.0, 10.0), 0, 0, 100, 100))
    assert "NZTM2000Quad" in texts(document(island), "//w:TileMatrixSetLink/w:TileMatrixSet")


@pytest.mark.parametrize(
    "path", ["//w:Layer/ows:Identifier", "//w:Contents/w:TileMatrixSet/ows:Identifier"]
)  # fmt: skip
def test_identifiers_are_unique(path: str) -> None:
    """Response.Layer.Identifiers.Unique, .TileMatrixSet.Identifiers.Unique"""
    found = texts(document(*LAYERS), path)
    assert len(found) == len(set(found))


def test_scale_denominators_and_matrices_are_unique_in_each_set() -> None:
    """Response.TileMatrix.Identifiers.Unique, .TileMatrixSet.ScaleDenominators.Unique"""
    for one in document(*LAYERS).findall(".//w:Contents/w:TileMatrixSet", NS):
        for path in ("w:TileMatrix/ows:Identifier", "w:TileMatrix/w:ScaleDenominator"):
            found = texts(one, path)
            assert len(found) == len(set(found))


def test_every_link_leads_to_a_set_of_the_document() -> None:
    """Response.Layer.TileMatrixSet.Valid"""
    root = document(*LAYERS)
    linked = texts(root, "//w:TileMatrixSetLink/w:TileMatrixSet")
    assert set(linked) == set(texts(root, "//w:Contents/w:TileMatrixSet/ows:Identifier"))


def test_equal_grids_share_one_native_set() -> None:
    alone, both = (texts(document(*layers), "//w:Contents/w:TileMatrixSet/ows:Identifier") for layers in
                   ((LAYERS[0],), (LAYERS[0], LAYERS[2])))  # fmt: skip
    assert alone == both


def test_a_layer_near_the_pole_has_no_mercator_tiles_but_is_valid() -> None:
    polar = layer("j-polar", Grid(Lattice("EPSG:4326", -180.0, 90.0, 0.1, 0.1), 0, 0, 3600, 40))
    root = document(polar)
    assert_valid(etree.tostring(root), XSD)
    assert "WebMercatorQuad" not in texts(root, "//w:TileMatrixSetLink/w:TileMatrixSet")


def test_titles_are_escaped() -> None:
    assert b"Places &lt;in&gt; UTM &amp; more" in etree.tostring(document(LAYERS[0]))


def test_only_the_formats_that_the_operator_wants_are_listed() -> None:
    writer = Capabilities(Identification(), standard_sets(), "http://host/wmts", 3, formats=("image/png", "image/webp"))
    root = etree.fromstring(serialise(writer.document(GetCapabilities(), LAYERS)))
    for one in root.iterfind(".//{*}Layer"):
        assert [found.text for found in one.iterfind("{*}Format")] == ["image/png", "image/webp"]
