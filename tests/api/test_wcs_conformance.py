"""What the OGC requires of a WCS 2.0.1, by KVP, XML and SOAP, on an engine whose pixels hold their own coordinates.

``test_every_requirement_has_a_test`` holds the marks of these tests against the classes that capabilities name.
"""

from __future__ import annotations

import asyncio
import email
import itertools
import math
import sys
from dataclasses import dataclass
from email.message import Message
from typing import Any

import httpx
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from ogcserver.geo.crs import lat_first, uri
from ogcserver.wcs.profiles import PROFILES
from tests.unit.wcs.fakes import TIMES, FakeEngine, fake_app, fake_layers
from tests.wcs_requirements import CLASSES, asserts
from tests.wcs_xml import SOAP, get_coverage, in_soap, request
from tests.xsd import assert_valid

ALL = "wcs/2.0/wcsAll.xsd"
FLAT = [layer.id for layer in fake_layers() if not layer.description.times]
KINDS = ("kvp", "xml", "soap")
NAMES = {
    "wcs": "http://www.opengis.net/wcs/2.0",
    "ows": "http://www.opengis.net/ows/2.0",
    "gml": "http://www.opengis.net/gml/3.2",
    "gmlcov": "http://www.opengis.net/gmlcov/1.0",
    "swe": "http://www.opengis.net/swe/2.0",
    "soap": SOAP,
}
LINEAR = "http://www.opengis.net/def/interpolation/OGC/1/linear"


def send(method: str, content: str = "", media_type: str = "text/xml", *items: tuple[str, str]) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(fake_app(FakeEngine(fake_layers())), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            body = content.encode() if method == "POST" else None
            headers = {"content-type": media_type} if method == "POST" else {}
            return await client.request(method, "/wcs", params=list(items), content=body, headers=headers)

    return asyncio.run(go())


def kvp(operation: str, *items: tuple[str, str], version: str = "2.0.1") -> httpx.Response:
    return send("GET", "", "", ("service", "WCS"), ("version", version), ("request", operation), *items)


def xml(document: str) -> httpx.Response:
    return send("POST", document)


def soap(document: str) -> httpx.Response:
    return send("POST", in_soap(document), "application/soap+xml")


def coverage(identifier: str, *items: tuple[str, str]) -> httpx.Response:
    return kvp("GetCoverage", ("coverageid", identifier), *items)


def unwrapped(answer: httpx.Response) -> etree._Element:
    """The document of an answer, out of its envelope."""
    root = etree.fromstring(answer.content)
    return root[0][0] if root.tag == f"{{{SOAP}}}Envelope" else root


def fault(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and locator of an exception, in SOAP or not."""
    root = etree.fromstring(answer.content)
    if root.tag == f"{{{SOAP}}}Envelope":
        assert answer.headers["content-type"] == "application/soap+xml"
        assert root.findtext(".//soap:Code/soap:Value", namespaces=NAMES) in ("soap:Sender", "soap:Receiver")
        root = root.find("soap:Body/soap:Fault/soap:Detail/ows:ExceptionReport", NAMES)
    assert_valid(etree.tostring(root), "ows/2.0/owsExceptionReport.xsd")
    return answer.status_code, str(root[0].get("exceptionCode")), root[0].get("locator")


def parts(answer: httpx.Response) -> tuple[Message, Message]:
    """Both parts of a multipart answer."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content)
    assert message.get_content_type() == "multipart/related"
    first, second = message.get_payload()
    assert message.get_param("type") == first.get_content_type()
    assert message.get_param("start") == first["content-id"]
    return first, second


@dataclass(frozen=True, eq=False)
class File:
    """What a GeoTIFF says."""

    values: NDArray[Any]
    bounds: tuple[float, float, float, float]
    crs: str
    dtypes: tuple[str, ...]
    descriptions: tuple[str | None, ...]
    transform: Affine


def opened(body: bytes) -> File:
    with MemoryFile(body) as memory, memory.open() as file:
        crs = f"EPSG:{file.crs.to_epsg()}"
        return File(file.read(), file.bounds, crs, file.dtypes, file.descriptions, file.transform)


def canonical(element: etree._Element) -> bytes:
    return bytes(etree.tostring(element, method="c14n", exclusive=True))


def gml(identifier: str, *items: tuple[str, str]) -> etree._Element:
    answer = coverage(identifier, ("format", "application/gml+xml"), *items)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/gml+xml"), answer.text
    return etree.fromstring(answer.content)


def numbers(root: etree._Element, path: str) -> list[float]:
    return [float(text) for text in str(root.findtext(path, namespaces=NAMES)).split()]


def extent(root: etree._Element) -> tuple[float, float, float, float]:
    """Envelope of a coverage's document as west, south, east, north, whatever its order."""
    low, high = numbers(root, ".//gml:lowerCorner")[:2], numbers(root, ".//gml:upperCorner")[:2]
    labels = str(root.find(".//gml:Envelope", NAMES).get("axisLabels")).split()
    if labels[0] in ("Lat", "N", "Y"):
        low, high = low[::-1], high[::-1]
    return low[0], low[1], high[0], high[1]


@pytest.fixture(scope="module")
def capabilities() -> etree._Element:
    return assert_valid(kvp("GetCapabilities").content, ALL)


# --- capabilities -------------------------------------------------------------------------------------------------


@asserts(
    core=[9, 14, 43], get_kvp=1, post_xml=1, soap=1, crs=1, scaling=1, rsub=1, int=[1, 19, 21, 25], geotiff=1,
)  # fmt: skip
def test_classes_are_named(capabilities: etree._Element) -> None:
    named = [element.text for element in capabilities.iterfind(".//ows:Profile", NAMES)]
    assert named == list(PROFILES)
    formats = [element.text for element in capabilities.iterfind(".//wcs:formatSupported", NAMES)]
    assert formats[0] == "image/tiff"
    assert "application/gml+xml" in formats
    assert len(set(formats)) == len(formats)


@asserts(post_xml=2, soap=2)
def test_post_is_offered_for_every_operation(capabilities: etree._Element) -> None:
    operations = capabilities.findall(".//ows:Operation", NAMES)
    names = [one.get("name") for one in operations]
    assert names == ["GetCapabilities", "DescribeCoverage", "GetCoverage", "DescribeEOCoverageSet"]
    href = "{http://www.w3.org/1999/xlink}href"
    assert {post.get(href) for post in capabilities.iterfind(".//ows:Post", NAMES)} == {"http://host/wcs"}
    places = [capabilities.find("ows:OperationsMetadata", NAMES), *capabilities.findall(".//ows:Post", NAMES)]
    for place in places:
        constraint = place.find("ows:Constraint[@name='PostEncoding']", NAMES)
        assert [value.text for value in constraint.iterfind(".//ows:Value", NAMES)] == ["XML", "SOAP"]


@asserts(crs=[2, 3, 4, 5], int=[3, 4], scaling=2)
def test_metadata_of_extensions_list_what_is_there(capabilities: etree._Element) -> None:
    crss = [element.text for element in capabilities.iterfind(".//{*}CrsMetadata/{*}crsSupported")]
    assert crss == [element.text for element in capabilities.iterfind(".//{*}supportedCrs")]
    assert len(set(crss)) == len(crss)
    for name in crss:
        answer = coverage("j-utm", ("outputcrs", str(name)), ("scalesize", "i(4),j(4)"))
        assert answer.status_code == 200, answer.text
    methods = [
        element.text for element in capabilities.iterfind(".//{*}InterpolationMetadata/{*}InterpolationSupported")
    ]
    assert [str(method).rpartition("/")[2] for method in methods] == ["nearest-neighbor", "linear", "cubic", "average"]
    for name in methods:
        assert coverage("j-utm", ("interpolation", str(name)), ("scalefactor", "0.1")).status_code == 200


@asserts(core=[10, 11, 12, 13, 15, 16], get_kvp=[2, 3], post_xml=3, soap=[3, 4])
def test_capabilities_are_the_same_by_each_binding() -> None:
    document = '<GetCapabilities xmlns="http://www.opengis.net/wcs/2.0" service="WCS"/>'
    answers = [
        send("GET", "", "", ("SeRvIcE", "WCS"), ("REQUEST", "GetCapabilities")), xml(document), soap(document),
    ]  # fmt: skip
    assert [answer.headers["content-type"] for answer in answers] == ["text/xml", "text/xml", "application/soap+xml"]
    assert len({canonical(unwrapped(answer)) for answer in answers}) == 1
    root = assert_valid(answers[1].content, ALL)
    listed = [str(element.text) for element in root.iterfind(".//wcs:CoverageSummary/wcs:CoverageId", NAMES)]
    assert listed == [layer.id for layer in fake_layers()]
    for identifier in listed:
        assert kvp("DescribeCoverage", ("coverageid", identifier)).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("section", ["ServiceIdentification", "OperationsMetadata", "Contents"])
@asserts(core=13)
def test_sections(kind: str, section: str) -> None:
    inner = f"<s:Sections><s:Section>{section}</s:Section></s:Sections>"
    document = (
        f'<GetCapabilities xmlns="{NAMES["wcs"]}" xmlns:s="{NAMES["ows"]}" service="WCS">{inner}</GetCapabilities>'
    )
    answer = (
        kvp("GetCapabilities", ("sections", section)) if kind == "kvp" else {"xml": xml, "soap": soap}[kind](document)
    )
    root = unwrapped(answer)
    assert_valid(etree.tostring(root), ALL)
    assert [etree.QName(child).localname for child in root] == [section]


@pytest.mark.parametrize(
    ("accepted", "media_type"),
    [("application/xml", "application/xml"), ("text/html,application/xml", "application/xml"), ("image/x", "text/xml"),
     ("text/xml,application/xml", "text/xml")],
)  # fmt: skip
def test_accepted_formats(accepted: str, media_type: str) -> None:
    answer = kvp("GetCapabilities", ("acceptformats", accepted))
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


def test_update_sequence(capabilities: etree._Element) -> None:
    now = str(capabilities.get("updateSequence"))
    minimal = assert_valid(kvp("GetCapabilities", ("updatesequence", now)).content, ALL)
    assert (len(minimal), minimal.get("updateSequence")) == (0, now)
    older = assert_valid(kvp("GetCapabilities", ("updatesequence", f"0-{'0' * 16}")).content, ALL)
    assert len(older) == 5
    newer = kvp("GetCapabilities", ("updatesequence", f"999-{'0' * 16}"))
    assert fault(newer) == (400, "InvalidUpdateSequence", "updateSequence")


# --- faults -------------------------------------------------------------------------------------------------------

FAULTS = [
    (("coverageid", "nono"), get_coverage("nono"), (404, "NoSuchCoverage", "nono")),
    (("coverageid", ""), get_coverage(""), (400, "MissingParameterValue", "coverageId")),
    (("subset", "Q(1,2)"), get_coverage("j-utm", ("Q", "1", "2")), (404, "InvalidAxisLabel", "Q")),
    (("subset", "E(2,1)"), get_coverage("j-utm", ("E", "2", "1")), (404, "InvalidSubsetting", "E")),
    (("subset", "E(0,1)"), get_coverage("j-utm", ("E", "0", "1")), (404, "InvalidSubsetting", "E")),
    (("subset", "E(1)"), get_coverage("j-utm", ("E", "1")), (404, "InvalidSubsetting", "E")),
    (("format", "image/q"), get_coverage("j-utm", format="image/q"), (400, "InvalidParameterValue", "format")),
    (("mediatype", "q"), get_coverage("j-utm", mediaType="q"), (400, "InvalidParameterValue", "mediaType")),
    (
        ("subsettingcrs", "q"),
        get_coverage("j-utm", extension="<s:subsettingCrs>q</s:subsettingCrs>"),
        (404, "SubsettingCrs-NotSupported", "subsettingCrs"),
    ),
    (
        ("outputcrs", "q"),
        get_coverage("j-utm", extension="<s:outputCrs>q</s:outputCrs>"),
        (404, "OutputCrs-NotSupported", "outputCrs"),
    ),
    (
        ("scalefactor", "-1"),
        get_coverage("j-utm", extension="<s:ScaleByFactor><s:scaleFactor>-1</s:scaleFactor></s:ScaleByFactor>"),
        (404, "InvalidScaleFactor", "scaleFactor"),
    ),
    (
        ("scalesize", "q(1)"),
        get_coverage(
            "j-utm",
            extension="<s:ScaleToSize><s:T><s:axis>q</s:axis><s:targetSize>1</s:targetSize></s:T></s:ScaleToSize>",
        ),
        (404, "ScaleAxisUndefined", "q"),
    ),
    (
        ("scaleextent", "i(2:1)"),
        get_coverage(
            "j-utm",
            extension="<s:ScaleToExtent><s:T><s:axis>i</s:axis><s:low>2</s:low><s:high>1</s:high></s:T></s:ScaleToExtent>",
        ),
        (404, "InvalidExtent", "scaleExtent"),
    ),
    (
        ("rangesubset", "q"),
        get_coverage(
            "j-utm",
            extension="<s:rangeSubset><s:i><s:rangeComponent>q</s:rangeComponent></s:i></s:rangeSubset>",
        ),
        (404, "NoSuchField", "q"),
    ),
    (
        ("rangesubset", "y:x"),
        get_coverage(
            "j-utm",
            extension="<s:RangeSubset><s:i><s:RangeInterval><s:startComponent>y</s:startComponent>"
            "<s:endComponent>x</s:endComponent></s:RangeInterval></s:i></s:RangeSubset>",
        ),
        (404, "IllegalFieldSequence", "y:x"),
    ),
    (
        ("interpolation", "q"),
        get_coverage(
            "j-utm",
            extension="<s:Interpolation><s:globalInterpolation>q</s:globalInterpolation></s:Interpolation>",
        ),
        (404, "InterpolationMethodNotSupported", "interpolation"),
    ),
    (
        ("geotiff:compression", "q"),
        get_coverage("j-utm", extension="<s:parameters><s:compression>q</s:compression></s:parameters>"),
        (404, "CompressionInvalid", "compression"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("item", "document", "expected"), FAULTS)
@asserts(
    core=[26, 27, 28, 29, 30, 32, 33, 41], post_xml=[5, 6], soap=7, crs=[8, 9, 11, 12, 14], scaling=[5, 7, 8, 18],
    rsub=[4, 6, 9], int=[6], geotiff=1,
)  # fmt: skip
def test_a_fault_is_told_alike_by_each_binding(
    item: tuple[str, str], document: str, expected: tuple[int, str, str]
) -> None:
    items = [item] if item[0] == "coverageid" else [("coverageid", "j-utm"), item]
    assert fault(kvp("GetCoverage", *items)) == expected
    assert fault(xml(document)) == expected
    assert fault(soap(document)) == expected


@pytest.mark.parametrize(
    ("version", "service", "expected"),
    [("1.1.1", "WCS", "version"), ("q", "WCS", "version"), ("2.0.1", "WMS", "service"), ("2.0.1", "", "service")],
)
@asserts(core=[11, 12], post_xml=[4, 6])
def test_another_service_or_version_is_refused_by_post(version: str, service: str, expected: str) -> None:
    document = request("DescribeCoverage", "<CoverageId>j-utm</CoverageId>", version, service)
    assert fault(xml(document)) == fault(soap(document))
    status, code, locator = fault(xml(document))
    assert (status, locator) == (400, expected)
    assert code in ("InvalidParameterValue", "MissingParameterValue")


@asserts(core=13)
def test_only_version_2_is_negotiated_by_post() -> None:
    versions = "<s:AcceptVersions><s:Version>{}</s:Version></s:AcceptVersions>"
    head = f'<GetCapabilities xmlns="{NAMES["wcs"]}" xmlns:s="{NAMES["ows"]}" service="WCS">'
    document = f"{head}{versions.format('1.1.1')}</GetCapabilities>"
    assert fault(xml(document)) == (400, "VersionNegotiationFailed", "acceptVersions")
    assert fault(soap(document)) == (400, "VersionNegotiationFailed", "acceptVersions")
    assert fault(kvp("GetCapabilities", ("acceptversions", "3.0.0"))) == (
        400, "VersionNegotiationFailed", "acceptVersions",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        ("<a", "text/xml", (400, "InvalidEncodingSyntax", None)),
        ("", "application/xml", (400, "InvalidEncodingSyntax", None)),
        (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "text/xml",
            (400, "InvalidEncodingSyntax", None),
        ),
        ("<a>" * 40 + "</a>" * 40, "text/xml", (400, "InvalidEncodingSyntax", None)),
        ("<a/>", "text/xml", (501, "OperationNotSupported", "request")),
        (request("GetCoverage", "<Nonsense/>"), "text/xml", (400, "InvalidEncodingSyntax", "Nonsense")),
        ("service=WCS", "text/plain", (415, "NoApplicableCode", None)),
        (" " * (1 << 20) + "<a/>", "text/xml", (400, "NoApplicableCode", None)),
        ("<a/>", "application/soap+xml", (400, "InvalidEncodingSyntax", None)),
        (in_soap(""), "text/xml", (400, "InvalidEncodingSyntax", None)),
        (in_soap("<a/>"), "text/xml; charset=utf-8", (501, "OperationNotSupported", "request")),
    ],
)
@asserts(post_xml=6, soap=[6, 7])
def test_a_document_that_is_no_request(content: str, media_type: str, expected: tuple[int, str, str | None]) -> None:
    answer = send("POST", content, media_type)
    assert fault(answer) == expected
    assert b"root:" not in answer.content
    assert (answer.headers["content-type"] == "application/soap+xml") == ("soap" in media_type or "Envelope" in content)


# --- descriptions and coverages -----------------------------------------------------------------------------------


@asserts(core=[1, 2, 3, 4, 5, 6, 7, 8, 17, 18, 19, 20, 21, 22, 23, 24], post_xml=4, soap=[4, 6], scaling=3)
def test_descriptions_are_the_same_by_each_binding() -> None:
    document = request("DescribeCoverage", "".join(f"<CoverageId>{name}</CoverageId>" for name in FLAT))
    answers = [kvp("DescribeCoverage", ("coverageid", ",".join(FLAT))), xml(document), soap(document)]
    assert len({canonical(unwrapped(answer)) for answer in answers}) == 1
    root = assert_valid(answers[0].content, ALL)
    assert [element.findtext("wcs:CoverageId", namespaces=NAMES) for element in root] == FLAT
    for one in root:
        assert one.findtext(".//wcs:nativeFormat", namespaces=NAMES) == "image/tiff"
        assert one.findtext(".//wcs:CoverageSubtype", namespaces=NAMES) == "RectifiedGridCoverage"
    assert fault(kvp("DescribeCoverage", ("coverageid", "j-utm,nono"))) == (404, "NoSuchCoverage", "nono")
    empty = (404, "emptyCoverageIdList", "coverageId")
    assert fault(kvp("DescribeCoverage")) == fault(xml(request("DescribeCoverage"))) == empty
    assert fault(soap(request("DescribeCoverage", "<CoverageId/>"))) == empty
    assert fault(soap(request("DescribeCoverage", "<CoverageId>nono</CoverageId>"))) == (404, "NoSuchCoverage", "nono")


@pytest.mark.parametrize("identifier", FLAT)
@asserts(core=[25, 34, 35, 36, 37, 42], gml_coverage=1, rsub=7)
def test_a_document_with_values(identifier: str) -> None:
    answer = coverage(identifier, ("format", "application/gml+xml"), ("scalesize", "i(3),j(2)"))
    root = assert_valid(answer.content, ALL)
    assert etree.QName(root).localname == "RectifiedGridCoverage"
    assert root.get("{http://www.opengis.net/gml/3.2}id") == identifier
    file = opened(coverage(identifier, ("scalesize", "i(3),j(2)")).content)
    tuples = str(root.findtext(".//gml:tupleList", namespaces=NAMES)).split()
    values = np.array([[float(value) for value in text.split(",")] for text in tuples])
    assert (values.T.reshape(-1, 2, 3) == file.values).all()
    described = etree.fromstring(kvp("DescribeCoverage", ("coverageid", identifier)).content)
    kinds = [root.find("gmlcov:rangeType", NAMES), described.find(".//gmlcov:rangeType", NAMES)]
    assert len({canonical(kind) for kind in kinds}) == 1


@pytest.mark.parametrize("identifier", FLAT)
@asserts(core=[29, 34, 35, 36], multipart=1)
def test_a_document_and_its_file(identifier: str) -> None:
    answer = coverage(identifier, ("mediatype", "multipart/related"))
    first, second = parts(answer)
    root = assert_valid(first.get_payload(decode=True), ALL)
    reference = str(root.findtext(".//gml:fileReference", namespaces=NAMES))
    assert f"<{reference.removeprefix('cid:')}>" == second["content-id"]
    assert root.findtext(".//gml:mimeType", namespaces=NAMES) == second.get_content_type() == "image/tiff"
    assert second.get_payload(decode=True) == coverage(identifier).content
    assert extent(root) == pytest.approx(opened(second.get_payload(decode=True)).bounds)


@asserts(soap=8)
def test_the_binding_is_described() -> None:
    root = etree.fromstring(send("GET", "", "", ("wsdl", "")).content)
    names = {"wsdl": "http://schemas.xmlsoap.org/wsdl/", "soap": "http://schemas.xmlsoap.org/wsdl/soap12/"}
    assert root.find("wsdl:binding[@name='WcsSoapBinding']/soap:binding[@style='document']", names) is not None
    port = root.find("wsdl:service/wsdl:port", names)
    assert port.get("binding").partition(":")[2] == "WcsSoapBinding"
    answer = send("POST", in_soap(request("GetCapabilities")), "application/soap+xml")
    assert answer.status_code == 200 and str(answer.request.url) == port.find("soap:address", names).get("location")


@asserts(soap=[3, 4, 5, 6], post_xml=5, core=37)
def test_a_coverage_is_the_same_by_each_binding() -> None:
    document = get_coverage("j-utm", ("E", "600000", "600050"), ("N", "5199990"))
    items = ("subset", "E(600000,600050)"), ("subset", "N(5199990)")
    plain = coverage("j-utm", *items)
    assert xml(document).content == plain.content
    first, second = parts(soap(document))
    assert second.get_payload(decode=True) == plain.content
    assert first.get_content_type() == "application/soap+xml"
    body = etree.fromstring(first.get_payload(decode=True))[0]
    assert len(body) == 1
    related, _ = parts(coverage("j-utm", *items, ("mediatype", "multipart/related")))
    told = etree.fromstring(related.get_payload(decode=True))
    assert canonical(body[0]) == canonical(told)
    inline = get_coverage("j-utm", ("E", "600000", "600050"), ("N", "5199990"), format="application/gml+xml")
    answer = soap(inline)
    assert answer.headers["content-type"] == "application/soap+xml"
    assert canonical(unwrapped(answer)) == canonical(unwrapped(xml(inline)))


def test_a_document_with_too_many_values_is_refused() -> None:
    answer = coverage("j-utm", ("format", "application/gml+xml"), ("scalesize", "i(900),j(900)"))
    assert fault(answer) == (400, "NoApplicableCode", "format")
    assert "1620000 values" in answer.text


@asserts(core=[31, 38, 39, 40])
def test_subsets_in_any_order() -> None:
    subsets = [("subset", "E(600000,600050)"), ("subset", "N(5199000,5199990)"), ("subset", "ansi(2017-02-04)")]
    answers = {coverage("j-times", *order).content for order in itertools.permutations(subsets)}
    assert len(answers) == 1
    file = opened(answers.pop())
    assert file.bounds == (600000, 5199000, 600050, 5199990)
    assert (file.values[0] == 3).all()
    twice = coverage("j-utm", ("subset", "E(600000,600050)"), ("subset", "E(600000,600010)"))
    assert fault(twice) == (404, "InvalidAxisLabel", "E")


@pytest.mark.parametrize(
    ("identifier", "subset", "dimension", "labels", "high"),
    [
        ("j-utm", "E(600005)", "1", "j", "199"),
        ("j-utm", "N(5199995)", "1", "i", "299"),
        ("j-ll", "Lat(47)", "1", "i", "119"),
        ("j-utm", "N(5198000,5199990)", "2", "i j", "299 198"),
    ],
)
@asserts(core=39)
def test_a_slice_has_one_dimension_less(identifier: str, subset: str, dimension: str, labels: str, high: str) -> None:
    first, _ = parts(coverage(identifier, ("subset", subset), ("mediatype", "multipart/related")))
    root = assert_valid(first.get_payload(decode=True), ALL)
    grid = root.find(".//gml:RectifiedGrid", NAMES)
    assert grid.get("dimension") == dimension
    assert grid.findtext("gml:axisLabels", namespaces=NAMES) == labels
    assert grid.findtext(".//gml:high", namespaces=NAMES) == high
    assert len(grid.findall("gml:offsetVector", NAMES)) == int(dimension)
    order = str(root.find(".//gml:sequenceRule", NAMES).get("axisOrder")).split()
    assert len(order) == int(dimension)


def test_times_are_exact_in_the_document_of_a_coverage() -> None:
    small = ("scalesize", "i(1),j(1)")
    root = gml("j-times", small)
    assert etree.QName(root).localname == "ReferenceableGridCoverage"
    listed = [str(element.text).split() for element in root.iterfind(".//{*}coefficients") if element.text]
    assert listed == [[f'"{time}"' for time in TIMES]]
    assert [text.split(",")[0] for text in str(root.findtext(".//gml:tupleList", namespaces=NAMES)).split()] == [
        "0.0", "1.0", "2.0", "3.0",
    ]  # fmt: skip
    trimmed = gml("j-times", small, ("subset", 'ansi("2017-01-15","2017-01-15")'))
    assert [str(e.text).split() for e in trimmed.iterfind(".//{*}coefficients") if e.text] == [
        [f'"{time}"' for time in TIMES[1:3]]
    ]
    sliced = gml("j-times", small, ("subset", 'ansi("2017-01-05")'))
    assert_valid(etree.tostring(sliced), ALL)
    assert etree.QName(sliced).localname == "RectifiedGridCoverage"
    assert not sliced.findall(".//{*}coefficients")


# --- extensions ---------------------------------------------------------------------------------------------------


@asserts(crs=[6, 7, 10, 13, 15, 16, 17, 18])
def test_crss() -> None:
    box = ("subset", "Lat(46.93,46.94)"), ("subset", "Long(10.32,10.33)")
    there = uri("EPSG:4326")
    default = gml("j-utm", *box, ("subsettingcrs", there), ("scalesize", "i(3),j(2)"))
    assert {e.get("srsName") for e in default.iterfind(".//gml:Envelope", NAMES)} == {there}
    native = gml("j-utm", *box, ("subsettingcrs", there), ("outputcrs", uri("EPSG:32632")), ("scalesize", "i(3),j(2)"))
    assert {e.get("srsName") for e in native.iterfind(".//gml:Envelope", NAMES)} == {uri("EPSG:32632")}
    inner = f"<s:subsettingCrs>{there}</s:subsettingCrs>"
    document = get_coverage("j-utm", ("Lat", "46.93", "46.94"), ("Long", "10.32", "10.33"), extension=inner)
    same = coverage("j-utm", *box, ("subsettingcrs", there)).content
    assert xml(document).content == same == parts(soap(document))[1].get_payload(decode=True)


SCALED = [
    ("scalefactor", "0.5", "<s:ScaleByFactor><s:scaleFactor>0.5</s:scaleFactor></s:ScaleByFactor>", (100, 150)),
    (
        "scaleaxes", "i(0.5),j(0.25)",
        "<s:ScaleAxesByFactor><s:a><s:axis>i</s:axis><s:scaleFactor>0.5</s:scaleFactor></s:a>"
        "<s:a><s:axis>j</s:axis><s:scaleFactor>0.25</s:scaleFactor></s:a></s:ScaleAxesByFactor>", (50, 150),
    ),
    (
        "scalesize", "http://www.opengis.net/def/axis/OGC/1/i(30),N(20)",
        "<s:ScaleToSize><s:a><s:axis>http://www.opengis.net/def/axis/OGC/1/i</s:axis><s:targetSize>30</s:targetSize>"
        "</s:a><s:a><s:axis>N</s:axis><s:targetSize>20</s:targetSize></s:a></s:ScaleToSize>", (20, 30),
    ),
    (
        "scaleextent", "i(10:39),j(5:14)",
        "<s:ScaleToExtent><s:a><s:axis>i</s:axis><s:low>10</s:low><s:high>39</s:high></s:a>"
        "<s:a><s:axis>j</s:axis><s:low>5</s:low><s:high>14</s:high></s:a></s:ScaleToExtent>", (10, 30),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "element", "shape"), SCALED)
@asserts(scaling=[6, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24])
def test_scalings_by_each_binding(name: str, text: str, element: str, shape: tuple[int, int]) -> None:
    answer = coverage("j-utm", (name, text))
    file = opened(answer.content)
    assert file.values.shape[1:] == shape
    assert file.dtypes == ("float64", "float64")
    assert file.bounds == (600000, 5198000, 603000, 5200000)
    document = get_coverage("j-utm", extension=element)
    assert xml(document).content == answer.content == parts(soap(document))[1].get_payload(decode=True)


@asserts(scaling=15)
def test_a_scale_extent_numbers_the_pixels() -> None:
    plain = gml("j-utm", ("scalesize", "i(30),j(10)"))
    root = gml("j-utm", ("scaleextent", "i(10:39),j(-5:4)"))
    assert (numbers(root, ".//gml:low"), numbers(root, ".//gml:high")) == ([10, -5], [39, 4])
    vectors = [[float(n) for n in str(e.text).split()] for e in root.iterfind(".//gml:offsetVector", NAMES)]
    first = [o + 10 * a - 5 * b for o, a, b in zip(numbers(root, ".//gml:pos"), *vectors, strict=True)]
    assert first == pytest.approx(numbers(plain, ".//gml:pos"))
    assert extent(root) == extent(plain)


@asserts(scaling=[4, 9])
def test_scalings_exclude_each_other() -> None:
    assert fault(coverage("j-utm", ("scalefactor", "2"), ("scalesize", "i(2)")))[1] == "InvalidParameterValue"
    assert fault(coverage("j-utm", ("scalesize", "i(2),i(3)")))[1] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("text", "element", "bands"),
    [
        ("_8A", "<s:RangeItem><s:RangeComponent>_8A</s:RangeComponent></s:RangeItem>", ("8A",)),
        (
            "_8A,B04:nd_vi_1",
            "<s:RangeItem><s:RangeComponent>_8A</s:RangeComponent></s:RangeItem><s:RangeItem><s:RangeInterval>"
            "<s:startComponent>B04</s:startComponent><s:endComponent>nd_vi_1</s:endComponent></s:RangeInterval>"
            "</s:RangeItem>",
            ("8A", "B04", "nd vi:1"),
        ),
    ],
)
@asserts(rsub=[2, 3, 5, 8, 10, 11, 12, 13, 14])
def test_fields_by_each_binding(text: str, element: str, bands: tuple[str, ...]) -> None:
    answer = coverage("j-bands", ("rangesubset", text))
    assert opened(answer.content).descriptions == bands
    document = get_coverage("j-bands", extension=f"<s:RangeSubset>{element}</s:RangeSubset>")
    assert xml(document).content == answer.content == parts(soap(document))[1].get_payload(decode=True)
    labels = gml("j-bands", ("rangesubset", text), ("scalesize", "i(2),j(2)")).iterfind(".//swe:label", NAMES)
    assert tuple(label.text for label in labels) == bands


@pytest.mark.parametrize(
    ("name", "known"), [("nearest-neighbor", "nearest"), ("linear", "bilinear"), ("cubic", "cubic")]
)
@asserts(int=[2, 5, 7, 8, 9, 19, 21, 25])
def test_interpolations_by_each_binding(name: str, known: str) -> None:
    address = LINEAR.replace("linear", name)
    engine = FakeEngine(fake_layers())
    inner = f"<s:Interpolation><s:globalInterpolation>{address}</s:globalInterpolation></s:Interpolation>"
    document = get_coverage("j-utm", extension=inner)

    async def go() -> None:
        transport = httpx.ASGITransport(fake_app(engine))
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            items = {"service": "WCS", "version": "2.0.1", "request": "GetCoverage", "coverageid": "j-utm"}
            await client.get("/wcs", params={**items, "interpolation": address})
            await client.post("/wcs", content=document, headers={"content-type": "text/xml"})
            await client.post("/wcs", content=in_soap(document), headers={"content-type": "application/soap+xml"})

    asyncio.run(go())
    assert [view.resampling for view in engine.views] == [known] * 3


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_envelope_grid_and_file_agree(data: st.DataObject) -> None:
    """For any subset, scale and CRS; and the file's pixels are where it says."""
    layer = data.draw(st.sampled_from([one for one in fake_layers() if one.id in ("j-utm", "j-ll", "j-north")]))
    grid = layer.description.grid
    west, south, east, north = grid.bounds
    items: list[tuple[str, str]] = [("mediatype", "multipart/related")]
    for axis, low, high in (("x", west, east), ("y", south, north)):
        ends = sorted(data.draw(st.lists(st.floats(low, high), min_size=2, max_size=2)))
        if data.draw(st.booleans()) and ends[1] - ends[0] > 0.01 * (high - low):
            name = {"x": "long", "y": "lat"}[axis] if layer.id == "j-ll" else axis
            items.append(("subset", f"{name}({ends[0]!r},{ends[1]!r})"))
    if data.draw(st.booleans()):
        items.append(("outputcrs", data.draw(st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:3035"]))))
    scaling = data.draw(st.sampled_from([None, ("scalefactor", "0.37"), ("scalesize", "i(17),j(9)")]))
    items += [scaling] if scaling else []
    first, second = parts(coverage(layer.id, *items))
    root, file = etree.fromstring(first.get_payload(decode=True)), opened(second.get_payload(decode=True))
    crs = file.crs
    assert root.find(".//gml:Envelope", NAMES).get("srsName") == uri(crs)
    assert extent(root) == pytest.approx(file.bounds, rel=1e-12, abs=1e-9)
    width, height = (int(number) + 1 for number in numbers(root, ".//gml:high"))
    assert (height, width) == file.values.shape[1:]
    origin = numbers(root, ".//gml:origin//gml:pos")
    step_x, step_y = ([float(n) for n in str(e.text).split()] for e in root.iterfind(".//gml:offsetVector", NAMES))
    swap = -1 if lat_first(crs) else 1
    centre = [o + (width - 1) * a + (height - 1) * b for o, a, b in zip(origin, step_x, step_y, strict=True)][::swap]
    assert centre == pytest.approx(file.transform @ (width - 0.5, height - 0.5), rel=1e-9)
    if crs == grid.crs and scaling is None:
        x, y = file.values
        assert math.isclose(x[0, 0], origin[::swap][0], rel_tol=1e-12)
        assert math.isclose(y[-1, -1], centre[1], rel_tol=1e-12)


@asserts()
def test_every_requirement_has_a_test() -> None:
    """For each class that capabilities name; and no mark names a requirement that is none."""
    tests = [value for name, value in vars(sys.modules[__name__]).items() if name.startswith("test_")]
    asserted = set().union(*(getattr(test, "requirements", set()) for test in tests))
    assert set(PROFILES) == set(CLASSES)
    required = {f"{name}/{number}" for name, numbers_of in CLASSES.values() for number in numbers_of}
    assert required == asserted, (sorted(required - asserted), sorted(asserted - required))
