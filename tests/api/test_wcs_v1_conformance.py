"""What WCS 1.0.0 and 1.1.1 and the OGC's suites for them ask for, by key-value pairs, forms and XML.

Tests name the clause of OGC 03-065r6 (1.0.0) or OGC 07-067r5 (1.1), and the assertion of ets-wcs10 (its name without
``wcs1-0-0:``) or the table of the abstract tests of ets-wcs11.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from rasterio.io import MemoryFile

from ogcserver.wcs.v1 import service
from tests.api.test_wcs import check_coordinates
from tests.api.test_wcs_conformance import send
from tests.api.test_wcs_v1 import FOUR_PIXELS, SIX_BY_THREE, UTM, failed, file_of
from tests.unit.wcs.fakes import TIMES
from tests.wcs_v1_xml import coverage10, coverage11, request10, request11
from tests.xsd import assert_valid

FORM = "application/x-www-form-urlencoded"
XLINK = "{http://www.w3.org/1999/xlink}href"
CAPABILITIES_10 = "wcs/1.0.0/wcsCapabilities.xsd"
ALL_11 = "wcs/1.1/wcsAll.xsd"
V10 = {"SERVICE": "WCS", "VERSION": "1.0.0"}
V11 = {"SERVICE": "WCS", "VERSION": "1.1.1"}
BASE10 = V10 | {"REQUEST": "GetCoverage", "COVERAGE": "j-utm", "FORMAT": "GTiff"} | FOUR_PIXELS
BASE11 = V11 | {"REQUEST": "GetCoverage", "IDENTIFIER": "j-utm", "FORMAT": "image/tiff"}
WHOLE11 = f"600000,5198000,603000,5200000,{UTM}"


def given_of(*parts: Mapping[str, str]) -> dict[str, str]:
    """The parameters of all parts, of which later ones count; an empty value leaves a parameter out."""
    merged = {name.lower(): value for part in parts for name, value in part.items()}
    return {name: value for name, value in merged.items() if value}


def kvp(*parts: Mapping[str, str], **items: str) -> httpx.Response:
    return send("GET", "", "", *given_of(*parts, items).items())


def form(*parts: Mapping[str, str], **items: str) -> httpx.Response:
    return send("POST", urlencode(given_of(*parts, items)), FORM)


def xml(document: str) -> httpx.Response:
    return send("POST", document)


def capabilities11(answer: httpx.Response) -> etree._Element:
    """Of 1.1.1, whose elements are those of the published schemas in another namespace."""
    assert answer.status_code == 200, answer.text
    return assert_valid(answer.content.replace(b'wcs/1.1.1"', b'wcs/1.1"'), ALL_11)


def bounds(body: bytes) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Bounds and shape of a file."""
    with MemoryFile(body) as memory, memory.open() as file:
        return tuple(file.bounds), file.shape


# --- 1.0.0 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.2", "1.0", "0.0.0", "1.0.99"])
def test_the_version_below_the_one_asked_for_or_the_lowest(version: str) -> None:
    """03-065r6 clause 6.2; basic_service_elements-version_numbering_and_negotiation-3 and -4."""
    answer = kvp(V10, REQUEST="GetCapabilities", VERSION=version)
    assert assert_valid(answer.content, CAPABILITIES_10).get("version") == "1.0.0"


def test_without_a_version_the_highest_is_answered() -> None:
    """03-065r6 clause 6.2; basic_service_elements-version_numbering_and_negotiation-1."""
    assert etree.fromstring(kvp(SERVICE="WCS", REQUEST="GetCapabilities").content).get("version") == "2.0.1"
    highest = kvp(SERVICE="WCS", REQUEST="GetCapabilities", VERSION="99.0.0")
    assert etree.fromstring(highest.content).get("version") == "2.0.1"


@pytest.mark.parametrize("request_", ["GetCapabilities", "DescribeCoverage", "GetCoverage"])
def test_unknown_parameters_are_ignored(request_: str) -> None:
    """03-065r6 clause 6.3.2.2; basic_service_elements-general_http_request_rules-4, -5 and -6."""
    plain, more = kvp(BASE10, REQUEST=request_), kvp(BASE10, REQUEST=request_, BOGUS="q")
    assert (more.status_code, more.content) == (200, plain.content)


def test_sections_have_no_version_of_their_own_in_the_whole_document() -> None:
    """03-065r6 clause 7.3.2; getcapabilities_operations-getcapabilities_request-sections, -get-kvp-6 and -7."""
    answers = [
        kvp(V10, REQUEST="GetCapabilities"),
        kvp(V10, REQUEST="GetCapabilities", SECTION="/"),
        form(V10, REQUEST="GetCapabilities"),
        xml(request10("GetCapabilities")),
        xml(request10("GetCapabilities", "<section>/</section>", "")),
    ]
    for answer in answers:
        root = assert_valid(answer.content, CAPABILITIES_10)
        assert [section.tag.rpartition("}")[2] for section in root] == ["Service", "Capability", "ContentMetadata"]
        assert not any("version" in section.attrib or "updateSequence" in section.attrib for section in root)


def test_addresses_for_get_end_in_a_question_mark_and_there_are_some_for_post() -> None:
    """03-065r6 clause 7.3; getcapabilities_operations-getcapabilities_response-2."""
    root = etree.fromstring(kvp(V10, REQUEST="GetCapabilities").content)
    for method, address in (("Get", "http://host/wcs?"), ("Post", "http://host/wcs")):
        found = root.findall(f".//{{*}}HTTP/{{*}}{method}/{{*}}OnlineResource")
        assert [link.get(XLINK) for link in found] == [address] * 3


@pytest.mark.parametrize("binding", ["kvp", "form", "xml"])
def test_update_sequences_of_1_0_0(binding: str) -> None:
    """03-065r6 table 3; getcapabilities_operations-getcapabilities_request-...-2 to -5 in all three bindings."""

    def ask(sequence: str) -> httpx.Response:
        if binding == "xml":
            return xml(request10("GetCapabilities", more=f' updateSequence="{sequence}"'))
        return (form if binding == "form" else kvp)(V10, REQUEST="GetCapabilities", UPDATESEQUENCE=sequence)

    now = str(assert_valid(ask("").content, CAPABILITIES_10).get("updateSequence"))
    assert failed(ask(now)) == (400, "CurrentUpdateSequence", "updateSequence")
    assert failed(ask(f"999-{'0' * 16}")) == (400, "InvalidUpdateSequence", "updateSequence")
    for other in (f"0-{'0' * 16}", "bogus"):
        assert len(assert_valid(ask(other).content, CAPABILITIES_10)) == 3


def test_descriptions_of_some_of_all_and_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """03-065r6 clause 8.2.2; describecoverage_operations-describecoverage_request-...-5, -6 and -7."""
    two = kvp(V10, REQUEST="DescribeCoverage", COVERAGE="j-utm,j-ll")
    assert len(assert_valid(two.content, "wcs/1.0.0/describeCoverage.xsd")) == 2
    posted = xml(request10("DescribeCoverage", "<Coverage>j-utm</Coverage><Coverage>j-ll</Coverage>"))
    assert posted.content == form(V10, REQUEST="DescribeCoverage", COVERAGE="j-utm,j-ll").content == two.content
    for identifiers in ("bogus", "j-utm,bogus"):
        assert failed(kvp(V10, REQUEST="DescribeCoverage", COVERAGE=identifiers)) == (
            404, "CoverageNotDefined", "COVERAGE",
        )  # fmt: skip
    monkeypatch.setattr(service, "MOST_DESCRIBED", 3)
    assert failed(kvp(V10, REQUEST="DescribeCoverage")) == (400, "NoApplicableCode", "COVERAGE")
    assert failed(kvp(V10, REQUEST="DescribeCoverage", COVERAGE="a,b,c,d")) == (400, "NoApplicableCode", "COVERAGE")


def test_a_document_without_a_version_is_refused_in_the_version_of_its_namespace() -> None:
    """03-065r6 clause 8.2.3; describecoverage_operations-describecoverage_request-post-xml-1 and -2."""
    for document in (request10("DescribeCoverage", version=""), request10("DescribeCoverage", version="9")):
        status, code, locator = failed(xml(document))
        assert (status, locator) == (400, "version")
        assert code in ("MissingParameterValue", "InvalidParameterValue")
    assert failed(xml(request10("DescribeCoverage", "<Bogus/>"))) == (400, "InvalidParameterValue", "Bogus")


def test_a_coverage_is_the_same_by_all_bindings() -> None:
    """03-065r6 clauses 9.2.2 and 9.2.3."""
    items = {
        "COVERAGE": "j-times", "WIDTH": "30", "HEIGHT": "20", "TIME": TIMES[1], "bands": "x",
        "RESPONSE_CRS": "EPSG:3857", "INTERPOLATION": "bilinear",
    }  # fmt: skip
    document = coverage10(
        "j-times", times=f"<gml:timePosition>{TIMES[1]}</gml:timePosition>", bands="<singleValue>x</singleValue>",
        more="<interpolationMethod>bilinear</interpolationMethod>",
        output="<crs>EPSG:3857</crs><format>GTiff</format>",
    )  # fmt: skip
    answers = [kvp(BASE10, items), form(BASE10, items), xml(document)]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[-1].text
    assert answers[0].content == answers[1].content == answers[2].content
    assert {answer.headers["content-type"] for answer in answers} == {"image/tiff"}


@pytest.mark.parametrize(
    ("items", "code", "locator"),
    [
        ({"COVERAGE": ""}, "MissingParameterValue", "COVERAGE"),  # coverage-get-kvp-1
        ({"COVERAGE": "bogus"}, "CoverageNotDefined", "COVERAGE"),  # coverage-get-kvp-3
        ({"CRS": ""}, "MissingParameterValue", "CRS"),  # crs-get-kvp-1
        ({"CRS": "WCS_CRS_NOT_IN_REQUEST"}, "InvalidParameterValue", "CRS"),  # crs-get-kvp-3
        ({"RESPONSE_CRS": "bogus"}, "InvalidParameterValue", "RESPONSE_CRS"),  # response_crs-get-kvp-3
        ({"FORMAT": "bogus"}, "InvalidFormat", "format"),  # format-get-kvp-2
        ({"FORMAT": ""}, "MissingParameterValue", "FORMAT"),  # format-get-kvp-3
        ({"BBOX": ""}, "MissingParameterValue", "BBOX"),  # bbox-get-kvp-4
        ({"WIDTH": "", "HEIGHT": ""}, "MissingParameterValue", "WIDTH"),  # grid_size-get-kvp-2
        ({"RESX": "10", "RESY": "10"}, "InvalidParameterValue", "RESX"),
        ({"DEPTH": "3"}, "InvalidParameterValue", "DEPTH"),
        ({"RESZ": "3"}, "InvalidParameterValue", "RESZ"),
        ({"INTERPOLATION": "bogus"}, "InvalidParameterValue", "INTERPOLATION"),  # interpolationmethod-post-xml-3
        ({"INTERPOLATION": "none"}, "InvalidParameterValue", "INTERPOLATION"),
        ({"EXCEPTIONS": "bogus"}, "InvalidParameterValue", "EXCEPTIONS"),
        ({"bands": "bogus"}, "InvalidParameterValue", "bands"),  # parameter-get-kvp-3
        ({"COVERAGE": "j-times", "TIME": "bogus"}, "InvalidParameterValue", "TIME"),  # time-get-kvp-2
        ({"COVERAGE": "j-times", "TIME": "2017-01-05/"}, "InvalidParameterValue", "TIME"),
        ({"COVERAGE": "j-times", "TIME": "/2017-01-05"}, "InvalidParameterValue", "TIME"),
    ],
)
def test_what_a_coverage_of_1_0_0_must_and_cannot_have(items: dict[str, str], code: str, locator: str) -> None:
    """03-065r6 table 9; getcoverage_operations-getcoverage_request-..."""
    assert failed(kvp(BASE10, items)) == (200, code, locator)
    assert failed(form(BASE10, items)) == (200, code, locator)


def test_a_coverage_of_1_0_0_without_a_version_or_of_another() -> None:
    """03-065r6 table 9; service_version-get-kvp-1 and -2. Without a version the newest tells what is missing."""
    assert kvp(BASE10, VERSION="").status_code == kvp(BASE10, VERSION="9.9.9").status_code == 400


@pytest.mark.parametrize("method", ["nearest neighbor", "bilinear", "bicubic"])
def test_each_listed_interpolation_is_there(method: str) -> None:
    """03-065r6 clause 8.3.6; getcoverage_operations-getcoverage_request-each_interpolation_method."""
    root = etree.fromstring(kvp(V10, REQUEST="DescribeCoverage", COVERAGE="j-utm").content)
    listed = root.find(".//{*}supportedInterpolations")
    assert method in [found.text for found in listed]
    assert listed.get("default") in [found.text for found in listed]
    assert kvp(BASE10, INTERPOLATION=method, EXCEPTIONS="application/vnd.ogc.se_xml").status_code == 200


def test_each_listed_format_is_there() -> None:
    """03-065r6 clause 9.3.2; getcoverage_operations-getcoverage_response-encoding-supportedFormats."""
    root = etree.fromstring(kvp(V10, REQUEST="DescribeCoverage", COVERAGE="j-bands").content)
    for name in [str(found.text) for found in root.iter("{*}formats")]:
        answer = kvp(BASE10, COVERAGE="j-bands", FORMAT=name, bands="B04")
        assert (answer.status_code, answer.headers["content-type"].partition("/")[0]) != (200, "text"), name
        assert "se_xml" not in answer.headers["content-type"], answer.text


def test_a_time_alone_means_the_whole_coverage() -> None:
    """03-065r6 clause 9.2.2.7: BBOX or TIME, or both."""
    answer = kvp(BASE10, COVERAGE="j-times", BBOX="", TIME=TIMES[0])
    assert bounds(answer.content) == ((600000, 5198000, 603000, 5200000), (2, 2))


def test_a_time_by_each_label_and_no_endless_list_of_others() -> None:
    """03-065r6 clause 9.2.2.8."""
    answer = kvp(BASE10, COVERAGE="j-times", TIME=",".join(TIMES), bands="t")
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert [int(band.max()) for band in file.read()] == list(range(len(TIMES)))
    many = ",".join(f"2017-01-05T10:20:31.{number:03}Z" for number in range(101))
    assert failed(form(BASE10, COVERAGE="j-times", TIME=many)) == (200, "InvalidParameterValue", "TIME")


# --- 1.1 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binding", ["kvp", "xml"])
def test_update_sequences_of_1_1(binding: str) -> None:
    """07-067r5 clause 8.2.1; tables 14 to 18."""

    def ask(sequence: str) -> httpx.Response:
        if binding == "xml":
            return xml(request11("GetCapabilities", "", "", "1.1.1", f' updateSequence="{sequence}"'))
        return kvp(SERVICE="WCS", REQUEST="GetCapabilities", AcceptVersions="1.1.1", UpdateSequence=sequence)

    now = str(capabilities11(ask("")).get("updateSequence"))
    same = capabilities11(ask(now))
    assert (len(same), same.get("version"), same.get("updateSequence")) == (0, "1.1.1", now)
    assert failed(ask(f"999-{'0' * 16}")) == (400, "InvalidUpdateSequence", "updateSequence")
    for other in (f"0-{'0' * 16}", "bogus"):
        assert len(capabilities11(ask(other))) == 4


def test_sections_and_versions_of_1_1() -> None:
    """07-067r5 clause 8.2.1; tables 2 to 13, 19 and 20."""
    base = {"SERVICE": "WCS", "REQUEST": "GetCapabilities", "AcceptVersions": "1.1.1"}
    for sections in ("Contents", "ServiceIdentification,ServiceProvider", "All"):
        root = capabilities11(kvp(base, Sections=sections))
        assert len(root) == (4 if sections == "All" else len(sections.split(",")))
        wanted = "".join(f"<ows:Section>{name}</ows:Section>" for name in sections.split(","))
        content = f"<ows:Sections>{wanted}</ows:Sections>"
        assert len(capabilities11(xml(request11("GetCapabilities", content, "")))) == len(root)
    assert failed(kvp(base, Sections="Bogus")) == (400, "InvalidParameterValue", "sections")
    assert capabilities11(kvp(base, AcceptVersions="0.0.0,1.1.1")).get("version") == "1.1.1"
    accepted = "<ows:AcceptVersions><ows:Version>0.0.0</ows:Version><ows:Version>{}</ows:Version></ows:AcceptVersions>"
    answer = xml(request11("GetCapabilities", accepted.format("1.1.2"), ""))
    assert assert_valid(answer.content, ALL_11).get("version") == "1.1.2"
    assert failed(xml(request11("GetCapabilities", accepted.format("99.99.99"), ""))) == (
        400, "VersionNegotiationFailed", "acceptVersions",
    )  # fmt: skip
    for formats in ("text/xml", "text/bogus"):
        assert len(capabilities11(kvp(base, AcceptFormats=formats))) == 4


def test_the_operations_of_1_1() -> None:
    """07-067r5 clause 8.3.2 and 10.3.2; tables 23 to 27."""
    root = capabilities11(kvp(V11, REQUEST="GetCapabilities"))
    operations = {found.get("name"): found for found in root.iter("{*}Operation")}
    assert list(operations) == ["GetCapabilities", "DescribeCoverage", "GetCoverage"]
    for operation in operations.values():
        assert operation.find(".//{*}Get").get(XLINK) == "http://host/wcs?"
        post = operation.find(".//{*}Post")
        assert post.get(XLINK) == "http://host/wcs"
        assert post.find("{*}Constraint").get("name") == "PostEncoding"
        assert [value.text for value in post.iter("{*}Value")] == ["XML"]
    store = operations["GetCoverage"].find("{*}Parameter")
    assert store.get("name") == "store"
    assert [value.text for value in store.iter("{*}Value")] == ["true", "false"]


def test_descriptions_of_1_1_by_all_bindings() -> None:
    """07-067r5 clause 9.2; tables 40 to 46."""
    one = kvp(V11, REQUEST="DescribeCoverage", IDENTIFIERS="j-utm,j-ll")
    assert len(capabilities11(one)) == 2
    content = "<Identifier>j-utm</Identifier><Identifier>j-ll</Identifier>"
    assert xml(request11("DescribeCoverage", content, "1.1.1", "1.1.1")).content == one.content
    assert failed(kvp(V11, REQUEST="DescribeCoverage")) == (400, "MissingParameterValue", "identifiers")
    assert failed(xml(request11("DescribeCoverage"))) == (400, "MissingParameterValue", "identifiers")
    assert failed(kvp(V11, REQUEST="DescribeCoverage", IDENTIFIERS="bogus,j-utm")) == (
        404, "InvalidParameterValue", "identifiers",
    )  # fmt: skip
    assert failed(xml(request11("DescribeCoverage", "<Identifier>j-utm</Identifier>", ""))) == (
        400, "MissingParameterValue", "version",
    )  # fmt: skip


def test_a_coverage_of_1_1_is_the_same_by_all_bindings() -> None:
    """07-067r5 clauses 10.2.2 and 10.2.3; tables 54, 73, 78 and 81."""
    items = SIX_BY_THREE | {"RangeSubset": "contents:linear[bands[y]]"}
    grid = f"<GridBaseCRS>{UTM}</GridBaseCRS><GridOrigin>601475 5199010</GridOrigin><GridOffsets>10 -10</GridOffsets>"
    axis = "<AxisSubset><Identifier>bands</Identifier><Key>y</Key></AxisSubset>"
    fields = f"<ows:Identifier>contents</ows:Identifier><InterpolationType>linear</InterpolationType>{axis}"
    document = coverage11(
        "j-utm", "601475 5198990", "601525 5199010", fields=f"<FieldSubset>{fields}</FieldSubset>", grid=grid,
        version="1.1.1", namespace="1.1.1",
    )  # fmt: skip
    answers = [kvp(BASE11, items), form(BASE11, items), xml(document)]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[-1].text
    assert answers[0].content == answers[1].content == answers[2].content
    assert bounds(file_of(answers[2])) == ((601470, 5198985, 601530, 5199015), (3, 6))


@pytest.mark.parametrize("identifier", ["j-utm", "j-ll", "j-north"])
def test_each_described_box_is_the_whole_coverage(identifier: str) -> None:
    """07-067r5 clause 10.2.1: the first BoundingBox of a description asks for all of it; table 54."""
    root = etree.fromstring(kvp(V11, REQUEST="DescribeCoverage", IDENTIFIERS=identifier).content)
    columns, rows = (int(number) for number in root.findtext(".//{*}BoundingBox/{*}UpperCorner").split())
    for box in root.iterfind(".//{*}BoundingBox"):
        corners = ",".join(",".join(str(corner.text).split()) for corner in box)
        answer = kvp(BASE11, IDENTIFIER=identifier, BoundingBox=f"{corners},{box.get('crs')}")
        assert check_coordinates(file_of(answer)) == (rows, columns), box.get("crs")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("599900,5197900,603100,5200100", (600000, 5198000, 603000, 5200000)),  # table 59
        ("600100,5198100,602900,5199900", (600100, 5198100, 602900, 5199900)),  # table 60
        ("600100,5198100,603100,5200100", (600100, 5198100, 603000, 5200000)),  # table 61
        ("-1e20,-1e20,1e20,1e20", (600000, 5198000, 603000, 5200000)),  # table 62
    ],
)
def test_boxes_on_the_own_grid_are_cut_to_the_coverage(box: str, expected: tuple[float, ...]) -> None:
    """07-067r5 clause 10.2.1; the grid is the coverage's own where the request has no GridBaseCRS."""
    assert bounds(file_of(kvp(BASE11, BoundingBox=f"{box},{UTM}")))[0] == expected


def test_a_box_over_the_antimeridian() -> None:
    """07-067r5 clause 7.5.4; table 64: the western longitude is above the eastern one."""
    box = "71.5,175,72.1,-179.5,urn:ogc:def:crs:EPSG::4326"
    west, east = bounds(file_of(kvp(BASE11, IDENTIFIER="j-pacific", BoundingBox=box)))[0][::2]
    assert 200000 <= west < east <= 260000
    assert failed(kvp(BASE11, BoundingBox=f"3,2,1,4,{UTM}")) == (200, "InvalidParameterValue", "BoundingBox")


TYPE, CS = "urn:ogc:def:method:WCS:1.1:", "urn:ogc:def:cs:OGC:0.0:"


@pytest.mark.parametrize(
    "items",
    [
        {"GridType": f"{TYPE}2dSimpleGrid", "GridCS": f"{CS}Grid2dSquareCS"},
        {"GridType": f"{TYPE}2dGridIn2dCrs", "GridOffsets": "10,0,0,-10"},
        {"GridType": "urn:ogc:def:method:CS:1.1:2dGridIn2dCrs", "GridOffsets": "0,-10,10,0"},
        {"GridOffsets": "10,0,0,-10"},
    ],
)
def test_grids_in_all_forms(items: dict[str, str]) -> None:
    """07-067r5 clause 9.3 and table 29."""
    assert bounds(file_of(kvp(BASE11, SIX_BY_THREE, items))) == ((601470, 5198985, 601530, 5199015), (3, 6))


@pytest.mark.parametrize(
    ("items", "code", "locator"),
    [
        ({"IDENTIFIER": ""}, "MissingParameterValue", "identifier"),  # table 55
        ({"IDENTIFIER": "bogus"}, "InvalidParameterValue", "identifier"),  # table 57
        ({"boundingbox": ""}, "MissingParameterValue", "BoundingBox"),  # table 58
        ({"boundingbox": f"0,0,1,1,{UTM}"}, "InvalidParameterValue", "BoundingBox"),  # table 63
        ({"boundingbox": "1,2,3,4,bogus"}, "InvalidParameterValue", "BoundingBox"),
        ({"FORMAT": "bogus"}, "InvalidParameterValue", "format"),  # table 95
        ({"FORMAT": ""}, "MissingParameterValue", "format"),  # tables 96 and 97
        ({"store": "bogus"}, "InvalidParameterValue", "store"),  # table 100
        ({"gridbasecrs": "bogus"}, "InvalidParameterValue", "GridBaseCRS"),
        ({"GridType": f"{TYPE}2dGridIn3dCrs"}, "InvalidParameterValue", "GridType"),
        ({"GridType": f"{TYPE}2dGridIn2dCrs"}, "InvalidParameterValue", "GridOffsets"),
        ({"GridType": f"{TYPE}2dSimpleGrid", "gridoffsets": "10,0,0,-10"}, "InvalidParameterValue", "GridOffsets"),
        ({"gridoffsets": "7,7,-7,7"}, "InvalidParameterValue", "GridOffsets"),
        ({"gridoffsets": "0,0"}, "InvalidParameterValue", "GridOffsets"),
        ({"gridorigin": "1"}, "InvalidParameterValue", "GridOrigin"),
        ({"GridCS": f"{CS}bogus"}, "InvalidParameterValue", "GridCS"),
        ({"RangeSubset": "bogus"}, "InvalidParameterValue", "RangeSubset"),  # table 76
        ({"RangeSubset": "contents:bogus"}, "InvalidParameterValue", "RangeSubset"),  # table 80
        ({"RangeSubset": "contents:"}, "InvalidParameterValue", "RangeSubset"),  # table 79
        ({"RangeSubset": "contents[bands]"}, "InvalidParameterValue", "RangeSubset"),  # table 84
        ({"RangeSubset": "contents[bands[]]"}, "InvalidParameterValue", "RangeSubset"),
        ({"RangeSubset": "contents[bands[bogus]]"}, "InvalidParameterValue", "RangeSubset"),  # table 85
        ({"RangeSubset": "contents:contents"}, "InvalidParameterValue", "RangeSubset"),  # table 86
        ({"RangeSubset": "contents,contents"}, "InvalidParameterValue", "RangeSubset"),  # table 87
        ({"RangeSubset": "contents;linear"}, "InvalidParameterValue", "RangeSubset"),  # table 88
        ({"RangeSubset": "contents[bands[x;y]]"}, "InvalidParameterValue", "RangeSubset"),  # table 90
        ({"RangeSubset": "contentsbands[x]]"}, "InvalidParameterValue", "RangeSubset"),  # table 91
        ({"RangeSubset": "contents[bandsx]]"}, "InvalidParameterValue", "RangeSubset"),  # table 92
        ({"RangeSubset": "contents[bands[x]"}, "InvalidParameterValue", "RangeSubset"),  # table 93
        ({"IDENTIFIER": "j-times", "TimeSequence": "2017/"}, "InvalidParameterValue", "TimeSequence"),  # table 71
        ({"IDENTIFIER": "j-times", "TimeSequence": "/2017"}, "InvalidParameterValue", "TimeSequence"),  # table 72
    ],
)
def test_what_a_coverage_of_1_1_must_and_cannot_have(items: dict[str, str], code: str, locator: str) -> None:
    """07-067r5 tables 29 and 34."""
    assert failed(kvp(BASE11, SIX_BY_THREE, items)) == (200, code, locator)


@pytest.mark.parametrize(
    "items",
    [
        SIX_BY_THREE,
        {"BoundingBox": WHOLE11},
        {"BoundingBox": WHOLE11, "FORMAT": "image/png", "RangeSubset": "contents[bands[y]]"},
        {"IDENTIFIER": "j-times", "BoundingBox": WHOLE11, "TimeSequence": f"{TIMES[0]},{TIMES[2]}"},
        {"IDENTIFIER": "j-ll", "BoundingBox": "46.7,9.6,46.9,9.8,urn:ogc:def:crs:EPSG::4326", "GridBaseCRS": UTM},
        {
            "BoundingBox": WHOLE11,
            "RangeSubset": "contents:cubic[bands[y,x]]",
            "GridBaseCRS": UTM,
            "GridOffsets": "70,-30",
        },
    ],
)
def test_a_stored_coverage_is_the_one_that_is_sent(items: dict[str, str]) -> None:
    """07-067r5 clause 10.3.11; table 98: the document's reference leads to the very file."""
    stored = kvp(BASE11, items, store="true")
    assert (stored.status_code, stored.headers["content-type"]) == (200, "text/xml")
    document = stored.content.replace(b'wcs/1.1.1"', b'wcs/1.1"')
    reference = assert_valid(document, "wcs/1.1/wcsCoverages.xsd").find(".//{*}Reference")
    address = urlsplit(reference.get(XLINK))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "http://host/wcs"
    fetched = send("GET", "", "", *parse_qsl(address.query))
    sent = kvp(BASE11, items).content
    assert fetched.headers["content-type"] == items.get("FORMAT", "image/tiff")
    assert fetched.content in sent


def test_a_stored_coverage_that_cannot_be_is_refused_at_once() -> None:
    """07-067r5 table 34."""
    assert failed(kvp(BASE11, SIX_BY_THREE, store="true", FORMAT="bogus")) == (200, "InvalidParameterValue", "format")
    assert failed(kvp(BASE11, store="true", BoundingBox=f"0,0,1,1,{UTM}"))[1:] == (
        "InvalidParameterValue", "BoundingBox",
    )  # fmt: skip


@pytest.mark.parametrize("version", ["1.1.0", "1.1.1", "1.1.2"])
def test_answers_of_1_1_0_to_1_1_2_differ_in_namespaces_only(version: str) -> None:
    """OGC 06-083r8 (1.1.0), 07-067r2 (1.1.1), 07-067r5 (1.1.2), but for OperationsMetadata of OWS Common 1.0."""
    for request_, sections in (("GetCapabilities", "ServiceIdentification,Contents"), ("DescribeCoverage", "")):
        answer = kvp(V11, REQUEST=request_, VERSION=version, IDENTIFIERS="j-utm", Sections=sections)
        text = answer.content.replace(b'wcs/1.1.1"', b'wcs/1.1"').replace(b'net/ows"', b'net/ows/1.1"')
        assert_valid(text, ALL_11)
    answer = kvp(BASE11, SIX_BY_THREE, VERSION=version)
    assert answer.headers["content-type"].startswith("multipart/mixed")
    assert check_coordinates(file_of(answer)) == (3, 6)


def test_values_of_parameters_in_ows_1_0() -> None:
    """OGC 05-008c1 clause 7.4.6: DomainType holds the values, without AllowedValues."""
    root = etree.fromstring(kvp(V11, REQUEST="GetCapabilities", VERSION="1.1.0").content)
    store = root.find(".//{http://www.opengis.net/ows}Parameter")
    assert (store.get("name"), [value.text for value in store]) == ("store", ["true", "false"])
    assert root.find(".//{*}AllowedValues") is None


# --- any request ---------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.sampled_from([
        "", "None", "*", "0", "-1", "1e308", "nan", "j-utm", "j-times", "EPSG:4326", UTM, "1,2,3,4", "4,3,2,1",
        f"1,2,3,4,{UTM}", "-1e20,-1e20,1e20,1e20", "2017", "2017/2018/P1D", "-4000000000-01-01", "true", "GTiff",
        "contents", "contents[bands[x]]", "contents:linear", "10,0,0,-10", "1e-300,1e-300", "linear",
        "0,0,9,9,urn:ogc:def:crs:OGC::imageCRS", "999999999999999999", "/", "nearest neighbor", "\x00", "\ud7ff\ufffe",
    ]),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
)  # fmt: skip
NAMES10 = [
    "REQUEST", "COVERAGE", "CRS", "RESPONSE_CRS", "BBOX", "TIME", "WIDTH", "HEIGHT", "DEPTH", "RESX", "RESY", "bands",
    "INTERPOLATION", "FORMAT", "EXCEPTIONS", "SECTION", "UPDATESEQUENCE", "VERSION",
]  # fmt: skip
NAMES11 = [
    "REQUEST", "IDENTIFIER", "IDENTIFIERS", "BoundingBox", "TimeSequence", "RangeSubset", "GridBaseCRS", "GridType",
    "GridOrigin", "GridOffsets", "GridCS", "FORMAT", "store", "Sections", "AcceptVersions", "UpdateSequence", "VERSION",
]  # fmt: skip


def told(answer: httpx.Response) -> None:
    """The answer is what was asked for, or says what is wrong."""
    assert answer.status_code in (200, 400, 404, 501), answer.text
    if "xml" in answer.headers["content-type"]:
        etree.fromstring(answer.content)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES10), VALUES, max_size=4), st.booleans())
def test_no_request_of_1_0_0_is_our_fault(items: dict[str, str], posted: bool) -> None:
    told((form if posted else kvp)(BASE10, items))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES11), VALUES, max_size=4), st.booleans())
def test_no_request_of_1_1_is_our_fault(items: dict[str, str], posted: bool) -> None:
    told((form if posted else kvp)(BASE11, SIX_BY_THREE, items))


DOCUMENTS = [
    request10("GetCapabilities", "<section>/</section>"),
    request10("DescribeCoverage", "<Coverage>j-utm</Coverage>"),
    coverage10(
        "j-times", times="<gml:timePosition>2017-01-05</gml:timePosition>", bands="<singleValue>x</singleValue>",
        more="<interpolationMethod>bilinear</interpolationMethod>",
    ),
    request11("GetCapabilities", "<ows:Sections><ows:Section>All</ows:Section></ows:Sections>", ""),
    request11("DescribeCoverage", "<Identifier>j-utm</Identifier>"),
    coverage11(
        "j-utm", "601475 5198990", "601525 5199010",
        fields="<FieldSubset><Identifier>contents</Identifier></FieldSubset>",
        grid=f"<GridBaseCRS>{UTM}</GridBaseCRS><GridOffsets>10 -10</GridOffsets>",
    ),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_no_document_is_our_fault(document: str, data: st.DataObject) -> None:
    """Documents of which texts, attributes and elements are changed, left out or repeated."""
    root = etree.fromstring(document)
    for _ in range(data.draw(st.integers(1, 3))):
        element = data.draw(st.sampled_from(list(root.iter())))
        kind = data.draw(st.sampled_from(["text", "attribute", "remove", "repeat", "rename"]))
        text = "".join(c for c in data.draw(VALUES) if c.isprintable() and c not in "\ufffe\uffff")
        parent = element.getparent()
        if kind == "text":
            element.text = text
        elif kind == "attribute" and element.attrib:
            element.set(data.draw(st.sampled_from(sorted(element.attrib))), text)
        elif kind == "remove" and parent is not None:
            parent.remove(element)
        elif kind == "repeat" and parent is not None:
            parent.append(etree.fromstring(etree.tostring(element)))
        elif kind == "rename":
            element.tag = "{http://www.opengis.net/wcs}Bogus"
    told(xml(etree.tostring(root, encoding="unicode")))
