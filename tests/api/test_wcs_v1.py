"""WCS 1.0.0 and 1.1 over ASGI, on an engine whose pixels hold their own coordinates."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from lxml import etree
from rasterio.io import MemoryFile

from ogcserver.errors import Overloaded, SourceUnavailable
from tests.api.test_wcs import check_coordinates, get
from tests.unit.wcs.fakes import TIMES
from tests.xsd import assert_valid

UTM = "urn:ogc:def:crs:EPSG::32632"
LL = "urn:ogc:def:crs:EPSG::4326"
SIX_BY_THREE = {
    "boundingbox": f"601475,5198990,601525,5199010,{UTM}", "gridbasecrs": UTM, "gridorigin": "601475,5199010",
    "gridoffsets": "10,-10",
}  # fmt: skip
"""The trial of QGIS."""
FOUR_PIXELS = {"BBOX": "600000,5198000,603000,5200000", "CRS": "EPSG:32632", "WIDTH": "2", "HEIGHT": "2"}


def ask(
    request: str, version: str = "", failure: Callable[[], Exception] | None = None, path: str = "/wcs", **items: str
) -> httpx.Response:
    base = {"SERVICE": "WCS", "REQUEST": request} | ({"VERSION": version} if version else {})
    return get(*(base | items).items(), path=path, failure=failure)


def coverage10(identifier: str, box: str, size: str, crs: str = "EPSG:32632", **items: str) -> httpx.Response:
    width, height = size.split("x")
    base = {"COVERAGE": identifier, "BBOX": box, "WIDTH": width, "HEIGHT": height, "CRS": crs, "FORMAT": "GTiff"}
    return ask("GetCoverage", "1.0.0", **(base | items))  # type: ignore[arg-type]


def coverage11(identifier: str, **items: str) -> httpx.Response:
    return ask("GetCoverage", "1.1.1", identifier=identifier, format="image/tiff", **items)  # type: ignore[arg-type]


def file_of(response: httpx.Response) -> bytes:
    """The file of a multipart answer, which has two parts."""
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content, policy=email.policy.HTTP)
    document, data = message.get_payload()
    assert (document.get_content_type(), data.get_content_type()) == ("text/xml", "image/tiff")
    assert data["Content-Transfer-Encoding"] == "binary"
    xml = document.get_payload(decode=True)
    href = etree.fromstring(xml).find(".//{*}Reference").get("{http://www.w3.org/1999/xlink}href")
    assert f"<{href.removeprefix('cid:')}>" == data["Content-ID"]
    boundary = message.get_boundary().encode()
    part = response.content.split(b"--" + boundary)[2]
    return part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def bounds(body: bytes) -> tuple[float, ...]:
    with MemoryFile(body) as memory, memory.open() as file:
        return tuple(file.bounds)


def failed(response: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and locator, in the schema of the version asked for."""
    root = etree.fromstring(response.content)
    if root.tag == "{http://www.opengis.net/ogc}ServiceExceptionReport":
        assert response.headers["content-type"] == "application/vnd.ogc.se_xml"  # 03-065r6 clause 6.5
        assert_valid(response.content, "wcs/1.0.0/OGC-exception.xsd")
        return response.status_code, str(root[0].get("code")), root[0].get("locator")
    assert response.headers["content-type"] == "text/xml"
    assert root.tag == "{http://www.opengis.net/ows/1.1}ExceptionReport"
    assert_valid(response.content, "ows/1.1.0/owsExceptionReport.xsd")
    return response.status_code, str(root[0].get("exceptionCode")), root[0].get("locator")


@pytest.mark.parametrize(
    ("items", "version"),
    [
        ({}, "2.0.1"),
        ({"VERSION": "1.0.0"}, "1.0.0"),
        ({"VERSION": "1.1.0"}, "1.1.0"),
        ({"VERSION": "1.1.1"}, "1.1.1"),
        ({"VERSION": "1.1.2"}, "1.1.2"),
        ({"VERSION": "1.1"}, "1.1.1"),
        ({"VERSION": "2.0.0"}, "2.0.1"),
        ({"AcceptVersions": "1.1.1"}, "1.1.1"),
        ({"AcceptVersions": "1.1.0,1.0.0"}, "1.1.0"),
        ({"ACCEPTVERSIONS": "9.9,1.0.0,2.0.1"}, "1.0.0"),
        ({"AcceptVersions": "1.0.0", "VERSION": "2.0.1"}, "1.0.0"),
    ],
)
def test_the_version_asked_for_is_answered(items: dict[str, str], version: str) -> None:
    response = ask("GetCapabilities", **items)  # type: ignore[arg-type]
    assert response.status_code == 200
    assert etree.fromstring(response.content).get("version") == version


def test_addresses_lead_back_to_the_client() -> None:
    for version in ("1.0.0", "1.1.1"):
        response = ask("GetCapabilities", version, path="/services/s-1/wcs")
        links = {e.get("{http://www.w3.org/1999/xlink}href") for e in etree.fromstring(response.content).iter("{*}Get")}
        links |= {
            e.get("{http://www.w3.org/1999/xlink}href")
            for e in etree.fromstring(response.content).iter("{*}OnlineResource")
        }
        assert "http://host:81/services/s-1/wcs?" in links


def test_descriptions() -> None:
    response = ask("DescribeCoverage", "1.0.0", COVERAGE="j-utm,j-ll")
    assert len(assert_valid(response.content, "wcs/1.0.0/describeCoverage.xsd")) == 2
    assert len(etree.fromstring(ask("DescribeCoverage", "1.0.0").content)) == 7
    response = ask("DescribeCoverage", "1.1.2", IDENTIFIERS="j-utm", FORMAT="text/xml")
    assert len(assert_valid(response.content, "wcs/1.1/wcsAll.xsd")) == 1


@pytest.mark.parametrize("identifier", ["j-utm", "j-ll", "j-north", "j-pacific"])
def test_1_0_sends_native_pixels(identifier: str) -> None:
    root = etree.fromstring(ask("DescribeCoverage", "1.0.0", COVERAGE=identifier).content)
    crs = root.findtext(".//{*}nativeCRSs")
    low, high = (str(e.text).split() for e in root.iterfind(".//{*}Envelope/{*}pos"))
    columns, rows = (int(number) + 1 for number in root.findtext(".//{*}high").split())
    response = coverage10(identifier, ",".join(low + high), f"{columns}x{rows}", crs)
    assert response.headers["content-type"] == "image/tiff"
    assert check_coordinates(response.content) == (rows, columns)
    assert bounds(response.content) == tuple(map(float, low + high))


def test_1_0_neither_clips_nor_moves() -> None:
    for box, size in (
        ("596500,5194000,606500,5204000", "1000x1000"),
        ("600001,5198001,600101,5198101", "7x13"),
        ("600000.004,5198000.004,600100.004,5198100.004", "10x10"),
    ):
        response = coverage10("j-utm", box, size)
        width, height = map(int, size.split("x"))
        with MemoryFile(response.content) as memory, memory.open() as file:
            assert file.shape == (height, width)
            assert tuple(file.bounds) == pytest.approx([float(edge) for edge in box.split(",")], rel=1e-14)


def test_1_0_in_other_crs_and_formats() -> None:
    response = coverage10("j-utm", "10.32,46.93,10.34,46.94", "20x10", "EPSG:4326", RESPONSE_CRS="EPSG:3857")
    assert check_coordinates(response.content) == (10, 20)
    assert coverage10("j-utm", "600000,5198000,603000,5200000", "3x2", FORMAT="None").content[:2] == b"II"
    response = coverage10("j-bands", "600000,5198000,603000,5200000", "3x2", FORMAT="PNG", bands="B04")
    assert response.headers["content-type"] == "image/png"


@pytest.mark.parametrize("urn", [UTM, "http://www.opengis.net/def/crs/EPSG/0/32632"])
def test_1_1_sends_two_parts(urn: str) -> None:
    response = coverage11("j-utm", **{name: text.replace(UTM, urn) for name, text in SIX_BY_THREE.items()})
    assert response.headers["content-type"].startswith("multipart/mixed; boundary=")
    body = file_of(response)
    assert check_coordinates(body) == (3, 6)
    assert bounds(body) == (601470, 5198985, 601530, 5199015)


def test_1_1_in_the_spelling_of_gdal() -> None:
    response = coverage11(
        "j-ll", BOUNDINGBOX=f"47.485,9.505,47.495,9.515,{LL}", RangeSubset="contents", GridBaseCRS=LL,
        GridCS="urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS", GridType="urn:ogc:def:method:WCS:1.1:2dGridIn2dCrs",
        GridOrigin="47.495,9.505", GridOffsets="0,0.01,-0.01,0",
    )  # fmt: skip
    body = file_of(response)
    assert check_coordinates(body) == (2, 2)
    assert bounds(body) == pytest.approx((9.5, 47.48, 9.52, 47.5), abs=1e-12)


def test_times_by_name_or_the_newest() -> None:
    for items, wanted in (({}, 3), ({"TIME": TIMES[1]}, 1), ({"TIMESEQUENCE": TIMES[1]}, 1)):
        name = "TIMESEQUENCE" if "TIMESEQUENCE" in items else "TIME"
        answers = [coverage10("j-times", "600000,5198000,603000,5200000", "3x2", **items).content] * (name == "TIME")
        answers += [file_of(coverage11("j-times", **SIX_BY_THREE, **items))] * (name != "TIME" or not items)
        for answer in answers:
            with MemoryFile(answer) as memory, memory.open() as file:
                assert file.count == 2
                assert np.all(file.read(1) == wanted)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({"COVERAGE": "no"}, (200, "CoverageNotDefined", "COVERAGE")),
        ({"COVERAGE": "j-albers"}, (200, "CoverageNotDefined", "COVERAGE")),
        ({"FORMAT": "image/q"}, (200, "InvalidFormat", "format")),
        ({"BBOX": "0,0,1,1"}, (200, "InvalidParameterValue", "BBOX")),
        ({"BBOX": "3,3,1,1"}, (200, "InvalidParameterValue", "BBOX")),
        ({"CRS": "EPSG:1"}, (200, "InvalidParameterValue", "CRS")),
        ({"CRS": ""}, (200, "MissingParameterValue", "CRS")),
        ({"WIDTH": "1000000", "HEIGHT": "1000000"}, (200, "NoApplicableCode", "WIDTH")),
        ({"TIME": "x"}, (200, "InvalidParameterValue", "TIME")),
    ],
)
def test_failures_of_1_0(items: dict[str, str], expected: tuple[int, str, str]) -> None:
    identifier = "j-times" if "TIME" in items else "j-utm"
    response = coverage10(identifier, "600000,5198000,603000,5200000", "3x2", **items)  # type: ignore[arg-type]
    assert failed(response) == expected
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({"identifier": "no"}, (200, "InvalidParameterValue", "identifier")),
        ({"identifier": "j-albers"}, (200, "InvalidParameterValue", "identifier")),
        ({"format": "image/q"}, (200, "InvalidParameterValue", "format")),
        ({"boundingbox": ""}, (200, "MissingParameterValue", "BoundingBox")),
        ({"store": "bogus"}, (200, "InvalidParameterValue", "store")),
        ({"rangesubset": "contents[bands[q]]"}, (200, "InvalidParameterValue", "RangeSubset")),
    ],
)
def test_failures_of_1_1(items: dict[str, str], expected: tuple[int, str, str]) -> None:
    base = {"identifier": "j-utm", "format": "image/tiff", **SIX_BY_THREE}
    assert failed(ask("GetCoverage", "1.1.1", **(base | items))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
def test_failures_of_other_operations_keep_their_status(version: str) -> None:
    missing = ask("DescribeCoverage", version, COVERAGE="no", IDENTIFIERS="no")
    assert failed(missing)[0] == 404
    assert failed(ask("Transaction", version))[0] in (400, 501)


@pytest.mark.parametrize(
    ("failure", "status"), [(Overloaded("busy"), 503), (SourceUnavailable("gone"), 200), (KeyError("secret"), 500)]
)
def test_failures_of_the_server(failure: Exception, status: int, caplog: pytest.LogCaptureFixture) -> None:
    for version, items in (("1.0.0", FOUR_PIXELS), ("1.1.1", SIX_BY_THREE)):
        both = {"COVERAGE": "j-utm", "IDENTIFIER": "j-utm", "FORMAT": "GTiff", **items}
        response = ask("GetCoverage", version, failure=lambda: failure, **both)
        assert failed(response)[0] == status
        assert b"secret" not in response.content


def test_an_exception_of_1_1_0_is_in_its_own_namespace() -> None:
    response = ask("DescribeCoverage", "1.1.0", IDENTIFIERS="no")
    assert etree.fromstring(response.content).tag == "{http://www.opengis.net/ows}ExceptionReport"


def test_a_known_answer_is_not_sent_again() -> None:
    first = coverage11("j-utm", **SIX_BY_THREE)
    items = {"SERVICE": "WCS", "VERSION": "1.1.1", "REQUEST": "GetCoverage", "IDENTIFIER": "j-utm", **SIX_BY_THREE}
    again = get(*items.items(), ("FORMAT", "image/tiff"), headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
