import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ogcserver.ows.identification import Identification, operations_metadata, service_identification, service_provider
from ogcserver.ows.xml import (
    OWS_11,
    OWS_20,
    WCS_20,
    WMTS,
    XLINK,
    Elements,
    is_ncname,
    ncname,
    ncnames,
    serialise,
    xml_response,
)
from tests.xsd import assert_valid


def test_prefixes_are_written_literally_and_declared_once() -> None:
    e = Elements({None: WMTS, "ows": OWS_11, "xlink": XLINK})
    text = serialise(e("Contents", [e("Layer", e("ows:Title", "a < b"), {"xlink:href": "u?a&b", "id": "1"})])).decode()
    assert '<Layer xlink:href="u?a&amp;b" id="1"><ows:Title>a &lt; b</ows:Title></Layer>' in text
    assert text.count("xmlns") == 3


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    root = etree.fromstring(serialise(Elements({})("a", text, {"b": text})))
    assert root.tag == "a"


@given(st.lists(st.text()))
def test_names_become_distinct_ncnames(texts: list[str]) -> None:
    texts = list(dict.fromkeys(texts))
    names = ncnames(texts)
    assert len(set(names)) == len(texts)
    assert all(map(is_ncname, names))


@pytest.mark.parametrize("name", ["j-0f", "B04", "_a", "é"])
def test_a_good_name_stays(name: str) -> None:
    assert ncname(name) == name


def test_the_content_type_has_no_charset() -> None:
    assert xml_response(Elements({})("a")).headers["content-type"] == "text/xml"


def test_sections_follow_both_schemas() -> None:
    who = Identification(
        "t", "a", ("k",), provider_site="http://p/", contact="c", position="p", phone="1", address="a", city="c",
        postal_code="p", country="c", email="e@e",
    )  # fmt: skip
    urls = {"GetCapabilities": "http://x/?", "GetTile": "http://x/?"}
    for root, spaces, schema in (
        ("Capabilities", {None: WMTS, "ows": OWS_11, "xlink": XLINK}, "wmts/1.0/wmtsGetCapabilities_response.xsd"),
        ("wcs:Capabilities", {"wcs": WCS_20, "ows": OWS_20, "xlink": XLINK}, "wcs/2.0/wcsAll.xsd"),
    ):
        e = Elements(spaces)
        contents = e("Contents" if None in spaces else "wcs:Contents")
        parts = [
            service_identification(e, who, "OGC X", ["1.0.0"], ["http://profile"]),
            service_provider(e, who),
            operations_metadata(e, urls, {"GetEncoding": ("KVP",)}),
        ]
        assert_valid(serialise(e(root, {"version": "2.0.1" if "wcs" in spaces else "1.0.0"}, parts, contents)), schema)
        e("x", service_provider(e, Identification()))
