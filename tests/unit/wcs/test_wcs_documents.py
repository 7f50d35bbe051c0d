from dataclasses import replace

import pytest
from lxml import etree

from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import GML_32, WCS_20, Element, serialise
from ogcserver.wcs.domain import in_crs_order, srs_name
from ogcserver.wcs.requests import SECTIONS
from ogcserver.wcs.responses import capabilities, descriptions
from tests.unit.wcs.fakes import ALBERS, TIMES, fake_layers
from tests.xsd import assert_valid

NOW = UpdateSequence(1, "0" * 16)
SCHEMA = "wcs/2.0/wcsAll.xsd"
NAMES = {
    "gml": GML_32,
    "wcs": WCS_20,
    "ows": "http://www.opengis.net/ows/2.0",
    "swe": "http://www.opengis.net/swe/2.0",
    "rgrid": "http://www.opengis.net/gml/3.3/rgrid",
}
FLAT = [layer for layer in fake_layers() if not layer.description.times]
TIMED = [layer for layer in fake_layers() if layer.description.times]


def text(root: Element, path: str) -> str:
    found = root.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return found


def numbers(root: Element, path: str) -> list[float]:
    return [float(part) for part in text(root, path).split()]


def test_capabilities_follow_the_schema() -> None:
    document = capabilities(SECTIONS, Identification(), "http://x/wcs?", ["image/tiff"], fake_layers(), NOW)
    root = assert_valid(serialise(document), SCHEMA)
    assert [e.text for e in root.iterfind(".//wcs:CoverageId", NAMES)] == [layer.id for layer in fake_layers()]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_single_section_follows_the_schema(section: str) -> None:
    root = assert_valid(
        serialise(capabilities([section], Identification(), "http://x/?", ["image/tiff"], (), NOW)), SCHEMA
    )
    assert [etree.QName(child).localname for child in root] == [section]


def test_a_summary_is_as_short_as_can_be() -> None:
    named = replace(fake_layers()[0], title="A name", abstract="")
    nameless = replace(named, title=named.id)
    root = capabilities(SECTIONS, Identification(), "", ["image/tiff"], (named, nameless), NOW)
    found = [
        [etree.QName(child).localname for child in summary] for summary in root.iter(f"{{{WCS_20}}}CoverageSummary")
    ]
    assert found == [["Title", "CoverageId", "CoverageSubtype"], ["CoverageId", "CoverageSubtype"]]


def test_descriptions_follow_the_schema() -> None:
    assert_valid(serialise(descriptions(FLAT)), SCHEMA)


@pytest.mark.parametrize("layer", TIMED, ids=lambda layer: layer.id)
def test_descriptions_with_time_follow_the_schema_but_for_the_grid_of_gml_3_3(layer: Layer) -> None:
    root = descriptions([layer])
    grid = root.find(".//rgrid:ReferenceableGridByVectors", NAMES)
    assert grid is not None
    for child in grid.findall("rgrid:*", NAMES):
        grid.remove(child)
    grid.tag = f"{{{GML_32}}}Grid"
    assert_valid(serialise(root), SCHEMA)


@pytest.mark.parametrize("layer", FLAT, ids=lambda layer: layer.id)
def test_envelope_and_grid_agree(layer: Layer) -> None:
    root = descriptions([layer])
    low, high = numbers(root, ".//gml:lowerCorner"), numbers(root, ".//gml:upperCorner")
    origin = numbers(root, ".//gml:pos")
    columns, rows = ([float(v) for v in str(e.text).split()] for e in root.iterfind(".//gml:offsetVector", NAMES))
    width, height = (int(v) + 1 for v in text(root, ".//gml:high").split())
    assert (height, width) == layer.description.grid.shape
    corner = [o - (c + r) / 2 for o, c, r in zip(origin, columns, rows, strict=True)]
    far = [k + width * c + height * r for k, c, r in zip(corner, columns, rows, strict=True)]
    assert [min(k, f) for k, f in zip(corner, far, strict=True)] == pytest.approx(low, abs=1e-9)
    assert [max(k, f) for k, f in zip(corner, far, strict=True)] == pytest.approx(high, abs=1e-9)


def test_epsg_4326_has_latitude_first_and_swapped_vectors() -> None:
    root = descriptions([layer for layer in FLAT if layer.id == "j-ll"])
    envelope = root.find(".//gml:Envelope", NAMES)
    assert envelope is not None
    assert envelope.get("axisLabels") == "Lat Long"
    assert text(root, ".//gml:lowerCorner") == "46.6 9.5"
    assert text(root, ".//gml:pos") == "47.495 9.505"
    assert [e.text for e in root.iterfind(".//gml:offsetVector", NAMES)] == ["0 0.01", "-0.01 0"]


def test_times_are_where_owslib_looks_for_them() -> None:
    root = descriptions(TIMED[:1])
    axes = root.findall(".//rgrid:GeneralGridAxis", NAMES)
    assert [axis.findtext("rgrid:gridAxesSpanned", namespaces=NAMES) for axis in axes] == ["E", "N", "ansi"]
    assert str(axes[2].findtext("rgrid:coefficients", namespaces=NAMES)).split() == [f'"{time}"' for time in TIMES]


def test_fields_have_ncnames_units_and_nodata() -> None:
    root = descriptions([layer for layer in FLAT if layer.id == "j-bands"])
    assert [field.get("name") for field in root.iterfind(".//swe:field", NAMES)] == ["B04", "nd_vi_1", "_8A"]
    assert [unit.get("code") for unit in root.iterfind(".//swe:uom", NAMES)] == ["1", "kg.m-2", "1"]
    assert [value.text for value in root.iterfind(".//swe:nilValue", NAMES)] == ["0", "-9999", "-32768"]


def test_a_crs_without_code_is_a_proj_string() -> None:
    assert srs_name(ALBERS).startswith("+proj=aea +lat_0=-12 ")
    assert srs_name("EPSG:32632") == "http://www.opengis.net/def/crs/EPSG/0/32632"


def test_coordinates_keep_every_digit() -> None:
    assert in_crs_order("EPSG:4326", 0.1 + 0.2, -1e-7) == "-1e-07 0.30000000000000004"
    assert in_crs_order("EPSG:32632", 600000.0, 0.0) == "600000 0"
