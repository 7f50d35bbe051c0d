"""A request of WCS 1.0.0 or 1.1 in XML is the same request as in KVP."""

from __future__ import annotations

import pytest

from ogcserver.errors import RequestError, UnsupportedOperation
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.reading import MalformedDocument, parse
from ogcserver.wcs.v10 import posted as posted10
from ogcserver.wcs.v10 import requests as requests10
from ogcserver.wcs.v11 import posted as posted11
from ogcserver.wcs.v11 import requests as requests11
from tests.wcs_v1_xml import coverage10, coverage11, request10, request11
from tests.xsd import assert_valid

UTM = "urn:ogc:def:crs:EPSG::32632"
BASE10 = {
    "COVERAGE": "j", "CRS": "EPSG:32632", "BBOX": "600000,5198000,603000,5200000", "WIDTH": "30", "HEIGHT": "20",
    "FORMAT": "GTiff",
}  # fmt: skip
BASE11 = {"identifier": "j", "BoundingBox": f"1,2,3,4,{UTM}", "format": "image/tiff"}


def kvp10(document: str) -> Kvp:
    return Kvp(posted10.GRAMMAR.parameters(parse(document.encode())))


def kvp11(document: str) -> Kvp:
    return Kvp(posted11.GRAMMAR.parameters(parse(document.encode())))


@pytest.mark.parametrize(
    ("items", "document"),
    [
        ({}, coverage10("j")),
        ({"RESPONSE_CRS": "EPSG:3857"}, coverage10("j", output="<crs>EPSG:3857</crs><format>GTiff</format>")),
        ({"TIME": "2017-01-05"}, coverage10("j", times="<gml:timePosition>2017-01-05</gml:timePosition>")),
        (
            {"TIME": "2017-01-05,2017-02/2017-03/P1D"},
            coverage10(
                "j",
                times="<gml:timePosition>2017-01-05</gml:timePosition><timePeriod><beginPosition>2017-02</beginPosition>"
                "<endPosition>2017-03</endPosition><timeResolution>P1D</timeResolution></timePeriod>",
            ),
        ),
        ({"bands": "b,a"}, coverage10("j", bands="<singleValue>b</singleValue><singleValue>a</singleValue>")),
        (
            {"INTERPOLATION": "bilinear"},
            coverage10("j", more="<interpolationMethod>bilinear</interpolationMethod>"),
        ),
    ],
)
def test_get_coverage_of_1_0_0(items: dict[str, str], document: str) -> None:
    """OGC 03-065r6 clause 9.2.3."""
    assert_valid(document.encode(), "wcs/1.0.0/getCoverage.xsd")
    expected = requests10.GetCoverage.from_kvp(Kvp((BASE10 | items).items()))
    assert requests10.GetCoverage.from_kvp(kvp10(document)) == expected


def test_a_rectified_grid_tells_the_size_like_any_other() -> None:
    """OGC 03-065r6 clause 9.2.3.3; ets-wcs10 getcoverage_request-domainsubset-post-xml-rectifiedgrid."""
    document = coverage10("j").replace("gml:Grid ", "gml:RectifiedGrid ").replace("gml:Grid>", "gml:RectifiedGrid>")
    vectors = "<gml:origin><gml:pos>0 0</gml:pos></gml:origin><gml:offsetVector>1 0</gml:offsetVector>"
    document = document.replace("</gml:RectifiedGrid>", f"{vectors}</gml:RectifiedGrid>")
    assert requests10.GetCoverage.from_kvp(kvp10(document)).size == (30, 20)


def test_other_operations_of_1_0_0() -> None:
    """OGC 03-065r6 clauses 7.2.2 and 8.2.3."""
    document = request10("GetCapabilities", "<section>/WCS_Capabilities/Service</section>", more=' updateSequence="7"')
    assert_valid(document.encode(), "wcs/1.0.0/wcsCapabilities.xsd")
    assert requests10.GetCapabilities.from_kvp(kvp10(document)) == requests10.GetCapabilities("Service", "7")
    document = request10("DescribeCoverage", "<Coverage>a</Coverage><Coverage>b</Coverage>")
    assert_valid(document.encode(), "wcs/1.0.0/describeCoverage.xsd")
    assert requests10.DescribeCoverage.from_kvp(kvp10(document)).coverages == ("a", "b")
    assert requests10.DescribeCoverage.from_kvp(kvp10(request10("DescribeCoverage"))).coverages == ()


AXIS = "<AxisSubset><Identifier>bands</Identifier><Key>a</Key><Key>b</Key></AxisSubset>"


@pytest.mark.parametrize(
    ("items", "document"),
    [
        ({}, coverage11("j", "1 2", "3 4")),
        ({"store": "true"}, coverage11("j", "1 2", "3 4", output='format="image/tiff" store="true"')),
        ({"store": "false"}, coverage11("j", "1 2", "3 4", output='format="image/tiff" store="0"')),
        (
            {"TimeSequence": "2017-01-05,2017-02/2017-03"},
            coverage11(
                "j", "1 2", "3 4",
                times="<gml:timePosition>2017-01-05</gml:timePosition><TimePeriod><BeginPosition>2017-02"
                "</BeginPosition><EndPosition>2017-03</EndPosition></TimePeriod>",
            ),
        ),
        (
            {"RangeSubset": "contents:linear[bands[a,b]]"},
            coverage11(
                "j", "1 2", "3 4",
                fields="<FieldSubset><ows:Identifier>contents</ows:Identifier><InterpolationType>linear"
                f"</InterpolationType>{AXIS}</FieldSubset>",
            ),
        ),
        (
            {
                "GridBaseCRS": UTM, "GridType": "urn:ogc:def:method:WCS:1.1:2dGridIn2dCrs", "GridOrigin": "1,4",
                "GridOffsets": "10,0,0,-10", "GridCS": "urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS",
            },
            coverage11(
                "j", "1 2", "3 4",
                grid=f"<GridBaseCRS>{UTM}</GridBaseCRS><GridType>urn:ogc:def:method:WCS:1.1:2dGridIn2dCrs</GridType>"
                "<GridOrigin>1 4</GridOrigin><GridOffsets>10 0 0 -10</GridOffsets>"
                "<GridCS>urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS</GridCS>",
            ),
        ),
    ],
)  # fmt: skip
def test_get_coverage_of_1_1(items: dict[str, str], document: str) -> None:
    """OGC 07-067r5 clause 10.2.3."""
    assert_valid(document.encode(), "wcs/1.1/wcsAll.xsd")
    expected = requests11.GetCoverage.from_kvp(Kvp((BASE11 | items).items()))
    assert requests11.GetCoverage.from_kvp(kvp11(document)) == expected


@pytest.mark.parametrize("namespace", ["1.1", "1.1.1"])
def test_other_operations_of_1_1(namespace: str) -> None:
    """OGC 07-067r5 clauses 8.2.3 and 9.2.3."""
    sections = "<ows:Sections><ows:Section>Contents</ows:Section></ows:Sections>"
    formats = "<ows:AcceptFormats><ows:OutputFormat>text/xml; q=1</ows:OutputFormat></ows:AcceptFormats>"
    kvp = kvp11(request11("GetCapabilities", sections + formats, "", namespace, ' updateSequence="7"'))
    assert requests11.GetCapabilities.from_kvp(kvp) == requests11.GetCapabilities(frozenset({"Contents"}), "7")
    kvp = kvp11(
        request11("DescribeCoverage", "<Identifier>a</Identifier><Identifier>b</Identifier>", "1.1.1", namespace)
    )
    assert requests11.DescribeCoverage.from_kvp(kvp).identifiers == ("a", "b")
    assert kvp.one("version", str) == "1.1.1"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("<GetCoverage/>", UnsupportedOperation),
        (request10("GetMap"), UnsupportedOperation),
        (request10("GetCoverage", "<Nonsense/>"), MalformedDocument),
        (request10("DescribeCoverage", "<Coverage>a,b</Coverage>"), MalformedDocument),
        (coverage10("a,b"), MalformedDocument),
        (coverage10("j", box="1 2,3"), MalformedDocument),
        (coverage10("j", box="1 2"), MalformedDocument),
        (coverage10("j").replace("<gml:low>0 0</gml:low>", "<gml:low>0 x</gml:low>"), MalformedDocument),
        (coverage10("j").replace("<gml:low>0 0</gml:low>", ""), MalformedDocument),
        (coverage10("j", times="<gml:timePosition>2017,2018</gml:timePosition>"), MalformedDocument),
        (coverage10("j", times="<Nonsense/>"), MalformedDocument),
        (coverage10("j", bands="<singleValue>a</singleValue>").replace('"bands"', '"CRS"'), RequestError),
        (coverage10("j", bands="<interval/>"), MalformedDocument),
    ],
)
def test_documents_that_make_no_sense_in_1_0_0(document: str, error: type[RequestError]) -> None:
    with pytest.raises(error):
        kvp10(document)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("<GetCoverage/>", UnsupportedOperation),
        (request11("GetMap"), UnsupportedOperation),
        (request11("GetCoverage", "<Nonsense/>"), MalformedDocument),
        (request11("DescribeCoverage", "<Identifier>a,b</Identifier>"), MalformedDocument),
        (coverage11("j", "1,2", "3 4"), MalformedDocument),
        (
            coverage11("j", "1 2", "3 4", fields="<FieldSubset><Identifier>a;b</Identifier></FieldSubset>"),
            MalformedDocument,
        ),
        (coverage11("j", "1 2", "3 4", grid="<Nonsense/>"), MalformedDocument),
    ],
)
def test_documents_that_make_no_sense_in_1_1(document: str, error: type[RequestError]) -> None:
    with pytest.raises(error):
        kvp11(document)
