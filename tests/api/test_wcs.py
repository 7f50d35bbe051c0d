"""The coverage service over ASGI, on an engine whose pixels hold their own coordinates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from lxml import etree
from rasterio.io import MemoryFile

from ogcserver.errors import Overloaded
from tests.unit.wcs.fakes import FakeEngine, fake_app, fake_layers
from tests.xsd import assert_valid

BASE = {"service": "WCS", "version": "2.0.1"}


def get(
    *items: tuple[str, str], path: str = "/wcs", method: str = "GET", headers: dict[str, str] | None = None,
    failure: Callable[[], Exception] | None = None, public_url: str = "", root_path: str = "",
) -> httpx.Response:  # fmt: skip
    app = fake_app(FakeEngine(fake_layers(), failure=failure), public_url)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://host:81") as client:
            return await client.request(method, path, params=httpx.QueryParams(list(items)), headers=headers)

    return asyncio.run(send())


def coverage(identifier: str, *items: tuple[str, str], **more: str) -> httpx.Response:
    return get(*BASE.items(), ("request", "GetCoverage"), ("coverageId", identifier), *items, **more)  # type: ignore[arg-type]


def fault(response: httpx.Response) -> tuple[int, str, str | None]:
    assert response.headers["content-type"] == "text/xml"
    root = assert_valid(response.content, "ows/2.0/owsExceptionReport.xsd")
    return response.status_code, str(root[0].get("exceptionCode")), root[0].get("locator")


def check_coordinates(body: bytes) -> tuple[int, int]:
    """Every pixel of bands x and y is at its own centre; the shape."""
    with MemoryFile(body) as memory, memory.open() as file:
        x, y = file.read()
        transform = file.transform
        assert np.abs(x - (transform.c + transform.a * (np.arange(file.width) + 0.5))[None, :]).max() < 1e-9
        assert np.abs(y - (transform.f + transform.e * (np.arange(file.height) + 0.5))[:, None]).max() < 1e-9
        return int(file.height), int(file.width)


def test_capabilities() -> None:
    response = get(("SERVICE", "WCS"), ("Request", "getcapabilities"))
    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml")
    root = assert_valid(response.content, "wcs/2.0/wcsAll.xsd")
    assert root.get("version") == "2.0.1"
    assert b'xlink:href="http://host:81/wcs?"' in response.content


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({"public_url": "https://public/x/"}, "https://public/x/wcs?"),
        ({"headers": {"x-forwarded-host": "evil"}}, "http://host:81/wcs?"),
        ({"root_path": "/behind", "path": "/behind/wcs"}, "http://host:81/behind/wcs?"),
        ({"path": "/services/s-1/wcs"}, "http://host:81/services/s-1/wcs?"),
    ],
)
def test_links_lead_back_to_the_client(more: dict[str, str], url: str) -> None:
    response = get(("service", "WCS"), ("request", "GetCapabilities"), **more)  # type: ignore[arg-type]
    assert {
        str(e.get("{http://www.w3.org/1999/xlink}href")) for e in etree.fromstring(response.content).iter("{*}Get")
    } == {url}


def test_a_service_offers_its_own_layers_only() -> None:
    response = get(("service", "WCS"), ("request", "GetCapabilities"), path="/services/s-1/wcs")
    assert len(etree.fromstring(response.content).findall(".//{*}CoverageId")) == 1
    assert coverage("j-utm", ("scalesize", "i(1),j(1)"), path="/services/s-1/wcs").status_code == 200
    assert fault(coverage("j-ll", path="/services/s-1/wcs"))[:2] == (404, "NoSuchCoverage")
    assert fault(coverage("j-utm", path="/services/other/wcs"))[0] == 404


def test_describe_several_coverages() -> None:
    response = get(*BASE.items(), ("request", "DescribeCoverage"), ("coverageid", "j-utm,j-ll"), ("subset", "bad"))
    root = assert_valid(response.content, "wcs/2.0/wcsAll.xsd")
    assert len(root) == 2


@pytest.mark.parametrize("identifier", ["j-utm", "j-ll", "j-albers", "j-north", "j-pacific"])
def test_pixels_are_at_their_coordinates(identifier: str) -> None:
    native = next(layer for layer in fake_layers() if layer.id == identifier).description.grid
    response = coverage(identifier)
    assert response.headers["content-type"] == "image/tiff"
    assert check_coordinates(response.content) == native.shape
    assert check_coordinates(coverage(identifier, ("scalefactor", "0.5")).content) == (
        native.height / 2,
        native.width / 2,
    )


def test_a_window_of_native_pixels() -> None:
    response = coverage("j-ll", ("subset", "Long(9.57,9.94)"), ("SUBSET", "lat(47.16,47.39)"))
    assert check_coordinates(response.content) == (23, 37)


def test_the_request_of_the_openeo_api() -> None:
    crs = "http://www.opengis.net/def/crs/EPSG/0/4326"
    response = coverage(
        "j-utm", ("FORMAT", "image/tiff"), ("SUBSET", f"x,{crs}(10.32,10.33)"), ("SUBSET", f"y,{crs}(46.93,46.94)"),
        ("SIZE", "x(200)"), ("SIZE", "y(200)"),
    )  # fmt: skip
    assert check_coordinates(response.content) == (200, 200)


def test_output_in_another_crs() -> None:
    response = coverage("j-utm", ("outputcrs", "EPSG:4326"), ("subset", "E(601000,601500)"))
    check_coordinates(response.content)
    with MemoryFile(response.content) as memory, memory.open() as file:
        assert file.crs.to_epsg() == 4326


def test_times_become_bands_and_a_slice_one_time() -> None:
    for items, count in (
        ((), 8),
        ((("subset0", 'ansi("2017-02-04")'),), 2),
        ((("subset", "ansi(2017-01,2017-01)"),), 6),
    ):
        with MemoryFile(coverage("j-times", *items).content) as memory, memory.open() as file:
            assert file.count == count
            assert file.read(1)[0, 0] == (3 if count == 2 else 0)


def test_fields_and_nodata() -> None:
    with MemoryFile(coverage("j-bands", ("rangesubset", "nd_vi_1")).content) as memory, memory.open() as file:
        assert (file.count, file.nodata, file.dtypes[0]) == (1, -9999, "float32")
    with MemoryFile(coverage("j-bands", ("rangesubset", "B04")).content) as memory, memory.open() as file:
        assert (file.count, file.nodata, file.dtypes[0]) == (1, 0, "uint16")


@pytest.mark.parametrize(
    ("wanted", "media_type", "magic"),
    [
        ("", "image/tiff", b"II"),
        ("None", "image/tiff", b"II"),
        ("image/tiff", "image/tiff", b"II"),
        ('image/tiff;subtype="geotiff"', "image/tiff", b"II"),
        ("image/png", "image/png", b"\x89PNG"),
        ("image/jpeg", "image/jpeg", b"\xff\xd8"),
        ("application/netcdf", "application/netcdf", b"\x89HDF"),
    ],
)
def test_formats(wanted: str, media_type: str, magic: bytes) -> None:
    response = coverage("j-bands", ("Format", wanted))
    assert response.headers["content-type"] == media_type
    assert response.content.startswith(magic)
    assert 'filename="j-bands.' in response.headers["content-disposition"]


def test_parameters_of_geotiff() -> None:
    items = (("geotiff:compression", "LZW"), ("tiling", "true"), ("tilewidth", "64"), ("tileheight", "32"))
    with MemoryFile(coverage("j-utm", *items).content) as memory, memory.open() as file:
        assert file.compression.name == "lzw"
        assert file.block_shapes[0] == (32, 64)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((("compression", "JPEG"), ("jpeg_quality", "0")), (404, "JpegQualityInvalid", "jpeg_quality")),
        ((("compression", "JPEG"), ("predictor", "Horizontal")), (404, "PredictorNotSupported", "predictor")),
        ((("tilewidth", "16"), ("tiling", "false")), (404, "TilingInvalid", "tilewidth")),
        ((("format", "image/png"), ("tiling", "true")), (400, "InvalidParameterValue", "tiling")),
    ],
)
def test_parameters_of_geotiff_that_do_not_go_together(
    items: tuple[tuple[str, str], ...], expected: tuple[int, str, str]
) -> None:
    assert fault(coverage("j-utm", *items)) == expected


def test_none_is_a_compression() -> None:
    with MemoryFile(coverage("j-utm", ("geotiff:compression", "None")).content) as memory, memory.open() as file:
        assert file.compression is None


def test_a_known_answer_is_not_computed_again() -> None:
    etag = coverage("j-utm").headers["etag"]
    for header, status in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        response = coverage("j-utm", headers={"if-none-match": header})  # type: ignore[arg-type]
        assert (response.status_code, response.headers["etag"]) == (status, etag)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((), (400, "MissingParameterValue", "service")),
        ((("service", "WMS"),), (400, "InvalidParameterValue", "service")),
        ((("service", "WCS"),), (400, "MissingParameterValue", "request")),
        ((("service", "WCS"), ("request", "Transaction")), (501, "OperationNotSupported", "request")),
        (
            (("service", "WCS"), ("request", "GetCapabilities"), ("version", "three")),
            (400, "VersionNegotiationFailed", "version"),
        ),
        (
            (("service", "WCS"), ("request", "GetCapabilities"), ("acceptversions", "3.1.1,0.7")),
            (400, "VersionNegotiationFailed", "acceptVersions"),
        ),
        ((("service", "WCS"), ("request", "DescribeCoverage")), (400, "MissingParameterValue", "version")),
        ((*BASE.items(), ("request", "DescribeCoverage")), (404, "emptyCoverageIdList", "coverageId")),
        ((*BASE.items(), ("request", "DescribeCoverage"), ("coverageid", "j-utm,no")), (404, "NoSuchCoverage", "no")),
        ((*BASE.items(), ("request", "GetCoverage")), (400, "MissingParameterValue", "coverageId")),
    ],
)
def test_bad_requests(items: tuple[tuple[str, str], ...], expected: tuple[int, str, str]) -> None:
    assert fault(get(*items)) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("subset", "E(2,1)", (404, "InvalidSubsetting", "E")),
        ("subset", "E(0,1)", (404, "InvalidSubsetting", "E")),
        ("subset", "E", (404, "InvalidSubsetting", "subset")),
        ("subset", "Q(0,1)", (404, "InvalidAxisLabel", "Q")),
        ("subset", "E,EPSG:1(0,1)", (404, "SubsettingCrs-NotSupported", "subset")),
        ("subsettingcrs", "x", (404, "SubsettingCrs-NotSupported", "subsettingCrs")),
        ("outputcrs", "x", (404, "OutputCrs-NotSupported", "outputCrs")),
        ("scalefactor", "0", (404, "InvalidScaleFactor", "scaleFactor")),
        ("scaleaxes", "q(2)", (404, "ScaleAxisUndefined", "q")),
        ("scaleextent", "i(2:1)", (404, "InvalidExtent", "scaleExtent")),
        ("scalesize", "i(1000000000000),j(1000000000000)", (400, "NoApplicableCode", "scaleSize")),
        ("rangesubset", "q", (404, "NoSuchField", "q")),
        ("interpolation", "q", (404, "InterpolationMethodNotSupported", "interpolation")),
        ("format", "image/q", (400, "InvalidParameterValue", "format")),
        ("rangesubset", "y:x", (404, "IllegalFieldSequence", "y:x")),
        ("compression", "q", (404, "CompressionInvalid", "compression")),
        ("compression", "Huffman", (404, "CompressionNotSupported", "compression")),
        ("jpeg_quality", "75", (404, "CompressionNotSupported", "jpeg_quality")),
        ("predictor", "Vertical", (404, "PredictorInvalid", "predictor")),
        ("interleave", "Line", (404, "InterleavingInvalid", "interleave")),
        ("tiling", "perhaps", (404, "TilingInvalid", "tiling")),
        ("tilewidth", "17", (404, "TilingInvalid", "tilewidth")),
        ("tileheight", "0", (404, "TilingInvalid", "tileheight")),
        ("mediatype", "multipart/mixed", (400, "InvalidParameterValue", "mediaType")),
        ("interpolationperaxis", "x,q", (404, "InterpolationMethodNotSupported", "interpolationPerAxis")),
    ],
)
def test_bad_coverage_requests(name: str, text: str, expected: tuple[int, str, str]) -> None:
    assert fault(coverage("j-utm", (name, text))) == expected


def test_failures_of_the_server_are_reports() -> None:
    assert fault(get(path="/wcs", method="PUT"))[:2] == (405, "OperationNotSupported")
    assert fault(get(path="/wcs", method="POST", headers={"content-type": "text/plain"}))[:2] == (
        415,
        "NoApplicableCode",
    )
    busy = get(*BASE.items(), ("request", "GetCoverage"), ("coverageid", "j-utm"), failure=lambda: Overloaded("busy"))
    assert fault(busy)[:2] == (503, "NoApplicableCode")
    assert busy.headers["retry-after"]


def test_a_bug_shows_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    answer = get(*BASE.items(), ("request", "GetCoverage"), ("coverageid", "j-utm"), failure=lambda: KeyError("secret"))
    assert fault(answer)[:2] == (500, "NoApplicableCode")
    assert b"secret" not in answer.content
    assert "secret" in caplog.text
