from __future__ import annotations

import pytest

from ogcserver.sources.hrefs import HrefError, resolve

LOCAL = "/data/cat/items/scene.json"
WEB = "https://example.org/cat/items/scene.json"


@pytest.mark.parametrize(
    ("href", "base", "location"),
    [
        ("./b1.tif", LOCAL, "/data/cat/items/b1.tif"),
        ("../up/b1.tif", LOCAL, "/data/cat/up/b1.tif"),
        ("/elsewhere/b1.tif", LOCAL, "/elsewhere/b1.tif"),
        ("file:///with%20space/b1.tif", LOCAL, "/with space/b1.tif"),
        ("file://localhost/b1.tif", LOCAL, "/b1.tif"),
        ("https://h.org/b1.tif?sig=a:b", LOCAL, "https://h.org/b1.tif?sig=a:b"),
        ("s3://bucket/b1.tif", LOCAL, "s3://bucket/b1.tif"),
        ("./b1.tif", WEB, "https://example.org/cat/items/b1.tif"),
        ("../../b1.tif", WEB, "https://example.org/b1.tif"),
        ("/etc/passwd", WEB, "https://example.org/etc/passwd"),
        ("//other.org/b1.tif", WEB, "https://other.org/b1.tif"),
        ("s3://bucket/b1.tif", WEB, "s3://bucket/b1.tif"),
    ],
)
def test_addresses_are_resolved_against_the_document(href: str, base: str, location: str) -> None:
    assert resolve(href, base) == location


@pytest.mark.parametrize("base", [LOCAL, WEB])
@pytest.mark.parametrize(
    "href",
    [
        "",
        " ",
        None,
        7,
        "/vsicurl/http://internal/",
        "/VSICURL/http://internal/",
        "/vsizip/a.zip/b.tif",
        "/vsi/../vsimem/x",
        "GTIFF_DIR:1:/etc/x.tif",
        "NETCDF:/etc/x.nc:v",
        'netcdf:"/x.nc":v',
        "vrt:///etc/x.tif",
        "vrt://http://x/y.tif",
        "<VRTDataset></VRTDataset>",
        " <VRTDataset/>",
        "x<vrtdataset/>",
        "zip+https://h/x.zip!a.tif",
        'HDF5:"x"://a',
        "ftp://h/x.tif",
        "gs://b/x.tif",
        "javascript:alert(1)",
        "http:///nohost.tif",
        "http://[::1/x.tif",
        "a\x00b.tif",
        "\\\\host\\share\\x.tif",
    ],
)
def test_what_is_no_plain_address_is_refused(href: object, base: str) -> None:
    with pytest.raises(HrefError):
        resolve(href, base)


@pytest.mark.parametrize("href", ["file:///etc/passwd", "file:etc", "FILE:///x.tif"])
def test_a_document_from_the_web_names_no_local_files(href: str) -> None:
    with pytest.raises(HrefError):
        resolve(href, WEB)


@pytest.mark.parametrize(
    "href", ["../../../vsicurl/http://internal/", "file:///vsimem/x", "file:///x/../vsizip/x.zip", "file:///a%00b.tif"]
)
def test_a_relative_address_does_not_lead_into_a_virtual_file_system(href: str) -> None:
    with pytest.raises(HrefError):
        resolve(href, LOCAL)


def test_a_file_address_of_another_machine_is_refused() -> None:
    with pytest.raises(HrefError):
        resolve("file://server/x.tif", LOCAL)
