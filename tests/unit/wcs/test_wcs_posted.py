"""A request in XML is the same request as in KVP."""

from __future__ import annotations

import pytest

from ogcserver.errors import RequestError, UnsupportedOperation
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.reading import MalformedDocument, parse
from ogcserver.wcs.posted import GRAMMAR
from ogcserver.wcs.requests import DescribeCoverage, GetCapabilities, GetCoverage
from tests.wcs_xml import get_coverage, request


def posted(document: str) -> Kvp:
    return Kvp(GRAMMAR.parameters(parse(document.encode())))


SCALING = "http://www.opengis.net/WCS_service-extension_scaling/1.0"
SAME: list[tuple[tuple[tuple[str, str], ...], str]] = [
    ((("coverageid", "j"),), get_coverage("j")),
    (
        (("coverageid", "j"), ("subset", "E(1,2)"), ("subset", 'ansi("2017-01-05")'), ("format", "image/tiff")),
        get_coverage("j", ("E", "1", "2"), ("ansi", "2017-01-05"), format="image/tiff"),
    ),
    ((("coverageid", "j"), ("subset", "E(*,2)")), get_coverage("j", ("E", "", "2"))),
    ((("coverageid", "j"), ("mediatype", "multipart/related")), get_coverage("j", mediaType="multipart/related")),
    (
        (("coverageid", "j"), ("scalefactor", "0.5")),
        get_coverage("j", extension="<s:ScaleByFactor><s:scaleFactor>0.5</s:scaleFactor></s:ScaleByFactor>"),
    ),
    (
        (("coverageid", "j"), ("scaleaxes", "i(2),j(3)")),
        get_coverage(
            "j",
            extension="<s:Scaling><s:ScaleAxesByFactor>"
            "<s:ScaleAxis><s:axis>i</s:axis><s:scaleFactor>2</s:scaleFactor></s:ScaleAxis>"
            "<s:ScaleAxis><s:axis>j</s:axis><s:scaleFactor>3</s:scaleFactor></s:ScaleAxis>"
            "</s:ScaleAxesByFactor></s:Scaling>",
        ),
    ),
    (
        (("coverageid", "j"), ("scalesize", "i(20)")),
        get_coverage(
            "j",
            extension="<s:ScaleToSize><s:TargetAxisSize><s:axis>i</s:axis><s:targetSize>20</s:targetSize>"
            "</s:TargetAxisSize></s:ScaleToSize>",
        ),
    ),
    (
        (("coverageid", "j"), ("scaleextent", "i(10:19)")),
        get_coverage(
            "j",
            extension="<s:ScaleToExtent><s:TargetAxisExtent><s:axis>i</s:axis><s:low>10</s:low><s:high>19</s:high>"
            "</s:TargetAxisExtent></s:ScaleToExtent>",
        ),
    ),
    (
        (("coverageid", "j"), ("rangesubset", "B1,B2:B4")),
        get_coverage(
            "j",
            extension="<s:rangeSubset><s:rangeItem><s:rangeComponent>B1</s:rangeComponent></s:rangeItem><s:rangeItem>"
            "<s:rangeInterval><s:startComponent>B2</s:startComponent><s:endComponent>B4</s:endComponent>"
            "</s:rangeInterval></s:rangeItem></s:rangeSubset>",
        ),
    ),
    (
        (("coverageid", "j"), ("subsettingcrs", "EPSG:4326"), ("outputcrs", "EPSG:3857")),
        get_coverage(
            "j",
            extension="<s:GetCoverageCrs><s:subsettingCrs>EPSG:4326</s:subsettingCrs></s:GetCoverageCrs>"
            "<s:outputCrs>EPSG:3857</s:outputCrs>",
        ),
    ),
    (
        (("coverageid", "j"), ("interpolation", "http://www.opengis.net/def/interpolation/OGC/1/linear")),
        get_coverage(
            "j",
            extension="<s:Interpolation><s:globalInterpolation>http://www.opengis.net/def/interpolation/OGC/1/linear"
            "</s:globalInterpolation></s:Interpolation>",
        ),
    ),
    (
        (("coverageid", "j"), ("geotiff:compression", "None"), ("geotiff:tiling", "true")),
        get_coverage(
            "j",
            extension="<s:parameters><s:compression>None</s:compression><s:tiling>true</s:tiling></s:parameters><s:x/>",
        ),
    ),
]


@pytest.mark.parametrize(("items", "document"), SAME)
def test_the_same_coverage(items: tuple[tuple[str, str], ...], document: str) -> None:
    assert GetCoverage.from_kvp(posted(document)) == GetCoverage.from_kvp(Kvp(items))


def test_the_same_descriptions() -> None:
    document = request("DescribeCoverage", "<CoverageId>a</CoverageId><CoverageId> b </CoverageId>")
    assert DescribeCoverage.from_kvp(posted(document)) == DescribeCoverage(("a", "b"))


def test_the_same_capabilities() -> None:
    document = (
        '<w:GetCapabilities xmlns:w="http://www.opengis.net/wcs/2.0" service="WCS" updateSequence="4-x">'
        "<w:AcceptVersions><w:Version>2.0.1</w:Version><w:Version>1.1.1</w:Version></w:AcceptVersions>"
        "<w:Sections><w:Section>Contents</w:Section></w:Sections>"
        "<w:AcceptFormats><w:OutputFormat>application/xml</w:OutputFormat></w:AcceptFormats></w:GetCapabilities>"
    )
    kvp = posted(document)
    assert kvp.listed("acceptVersions") == ("2.0.1", "1.1.1")
    assert GetCapabilities.from_kvp(kvp) == GetCapabilities(frozenset(["Contents"]), "application/xml", "4-x")


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (request("Transaction"), UnsupportedOperation),
        ("<GetCoverage/>", UnsupportedOperation),
        ('<GetCapabilities xmlns="http://www.opengis.net/wcs/1.1.1"/>', UnsupportedOperation),
        (request("GetCoverage", "<CoverageID>j</CoverageID>"), MalformedDocument),
        (request("GetCoverage", "<CoverageId>j</CoverageId><Extention/>"), MalformedDocument),
        (request("DescribeCoverage", "<CoverageId>a,b</CoverageId>"), MalformedDocument),
        (get_coverage("j", ("E,EPSG:4326", "1", "2")), MalformedDocument),
        (get_coverage("j", ("E", '1","2', "3")), MalformedDocument),
        (request("GetCoverage", "<DimensionSlice><Dimension>E</Dimension></DimensionSlice>"), MalformedDocument),
        (get_coverage("j", extension="<s:ScaleByFactor><s:scaleFactor>2)</s:scaleFactor></s:ScaleByFactor>"),
         MalformedDocument),
    ],
)  # fmt: skip
def test_another_document_is_refused(document: str, error: type[RequestError]) -> None:
    with pytest.raises(error):
        posted(document)
