"""The service metadata document: valid, and as clients want to read it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxml import etree

from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.tiles import native_set, standard_sets
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
    writer = Capabilities(Identification(), standard_sets(), "http://host/wmts", max_times=2)
    return etree.fromstring(serialise(writer.document(ask or GetCapabilities(), layers)))


def texts(root: etree._Element, path: str) -> list[str]:
    return [str(text) for text in root.xpath(path + "/text()", namespaces=NS)]


@pytest.mark.parametrize("layers", [(), LAYERS])
def test_the_document_follows_the_schema(layers: tuple[Layer, ...]) -> None:
    assert_valid(etree.tostring(document(*layers)), XSD)


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
    assert set(corners) == {"47.5 9.5"}
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
        assert len(listed) == len(chosen.matrices) - 1
        for one in listed:
            name, *numbers = (str(child.text) for child in one)
            low_row, high_row, low_col, high_col = map(int, numbers)
            exact = limits[name]
            assert (low_row, low_col) == (exact.min_row, exact.min_col)
            assert (high_row, high_col) == (max(1, exact.max_row), max(1, exact.max_col))
            chosen.matrix(name).tile(high_row, high_col)


def test_a_dimension_only_where_there_is_time() -> None:
    assert document(LAYERS[0]).find(".//w:Dimension", NS) is None
    dimension = document(LAYERS[2]).find(".//w:Dimension", NS)
    assert dimension is not None
    assert texts(dimension, "ows:Identifier") == ["TIME"]
    assert texts(dimension, "w:Default") == [TIMES[-1]]
    assert texts(dimension, "w:Value") == list(TIMES[-2:])


def test_spans_are_listed_without_a_slash() -> None:
    assert texts(document(LAYERS[3]), "//w:Value") == [label.partition("/")[0] for label in MONTHS]


def test_addresses_of_both_encodings() -> None:
    root = document(LAYERS[2])
    for operation in root.findall(".//ows:Operation", NS):
        gets = operation.findall(".//ows:Get", NS)
        assert [texts(get, ".//ows:Value") for get in gets] == [["KVP"], ["RESTful"]]
        assert gets[0].get(XLINK) == "http://host/wmts?"
    templates = [one.get("template") for one in root.iterfind(".//w:ResourceURL", NS)]
    tail = "j-time/{Style}/{TIME}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
    assert templates == [f"http://host/wmts/{tail}.{extension}" for extension in ("png", "jpg")]


def test_equal_grids_share_one_native_set() -> None:
    sets = texts(document(LAYERS[0], LAYERS[2]), "//w:Contents/w:TileMatrixSet/ows:Identifier")
    assert len(sets) == len(set(sets)) == 3


def test_a_layer_near_the_pole_has_no_mercator_tiles_but_is_valid() -> None:
    polar = layer("j-polar", Grid(Lattice("EPSG:4326", -180.0, 90.0, 0.1, 0.1), 0, 0, 3600, 40))
    root = document(polar)
    assert_valid(etree.tostring(root), XSD)
    assert "WebMercatorQuad" not in texts(root, "//w:TileMatrixSetLink/w:TileMatrixSet")


def test_titles_are_escaped() -> None:
    assert b"Places &lt;in&gt; UTM &amp; more" in etree.tostring(document(LAYERS[0]))
