"""Which representation a client gets: OGC 19-072 clause 7.5, RFC 9110 clause 12.5.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter
from ogcserver.ogcapi.codes import NotAcceptable
from ogcserver.ogcapi.negotiate import DOCUMENT, negotiated
from ogcserver.ogcapi.operations import COVERAGES, DEFINITION, PICTURES

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "key"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        (BROWSER, "html"),
        ("text/*", "html"),
        ("text/html;q=0.2, application/json;q=0.9", "json"),
        ("application/json;q=0, */*", "html"),
        ("*/*;q=0.1, text/html", "html"),
        ("text/html;q=nonsense", "html"),
    ],
)
def test_documents(accept: str, key: str) -> None:
    assert negotiated(DOCUMENT, None, accept).key == key


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/*", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("image/png;q=0.5,image/webp", "image/webp"),
    ],
)
def test_pictures(accept: str, media_type: str) -> None:
    assert negotiated(PICTURES, None, accept).media_type == media_type


@pytest.mark.parametrize(
    ("accept", "key"),
    [
        ("image/tiff;application=geotiff", "geotiff"),
        ("image/tiff", "geotiff"),
        ("image/tiff; application=geotiff; profile=cloud-optimized", "cog"),
        ("application/x-netcdf", "netcdf"),
    ],
)
def test_parameters_of_media_types_count(accept: str, key: str) -> None:
    assert negotiated(COVERAGES, None, accept).key == key


def test_the_definition_is_json_too() -> None:
    assert negotiated(DEFINITION, None, "application/json").media_type == "application/json"
    assert negotiated(DEFINITION, None, "").media_type.startswith("application/vnd.oai.openapi+json")


def test_f_counts_before_accept() -> None:
    assert negotiated(DOCUMENT, "html", "application/json").key == "html"
    assert negotiated(DOCUMENT, "application/json", BROWSER).key == "json"
    with pytest.raises(InvalidParameter, match="json, html"):
        negotiated(DOCUMENT, "xml", "")


def test_what_nobody_accepts() -> None:
    with pytest.raises(NotAcceptable, match="image/png"):
        negotiated(PICTURES, None, "text/csv")


@given(st.text(max_size=80))
def test_any_header_gives_a_representation_or_is_refused(accept: str) -> None:
    try:
        assert negotiated(DOCUMENT, None, accept) in DOCUMENT
    except NotAcceptable:
        assert accept.strip()
