"""The SOAP encoding: a request in an envelope becomes the same pairs as a KVP request, an answer goes into an envelope.

SOAP 1.1 envelopes are understood, and answered in kind.

Source: OGC 07-057r7 clause 9; OGC 06-121r3 clause 11.8.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from ogcserver.ows.reading import MalformedDocument, parse
from ogcserver.ows.soap import SOAP_11, SOAP_12, content, version_of
from ogcserver.ows.xml import WMTS, Element, Elements

LARGEST = 64 << 10
"""Bytes of a request; a GetFeatureInfo has a thousand."""
_LISTS = {"AcceptVersions": "Version", "Sections": "Section", "AcceptFormats": "OutputFormat"}
"""Elements whose children are the items of a KVP list."""
_ACCEPTED = (SOAP_12, SOAP_11)


@dataclass(frozen=True)
class SoapRequest:
    """A request out of its envelope."""

    pairs: tuple[tuple[str, str], ...]
    """With the names of the KVP encoding."""
    version: str
    """Namespace of the envelope."""


def parse_soap(body: bytes) -> SoapRequest:
    """
    Raises:
        MalformedDocument: not an envelope with one operation of WMTS in it.
    """
    root = parse(body)
    operation = content(root, _ACCEPTED)
    if etree.QName(operation).namespace != WMTS:
        raise MalformedDocument("the body must hold one element of WMTS 1.0: the operation")
    return SoapRequest(tuple(_pairs(operation)), version_of(root, _ACCEPTED))


def _pairs(operation: Element) -> Iterator[tuple[str, str]]:
    yield "REQUEST", etree.QName(operation).localname
    for name in ("service", "version"):
        yield name, str(operation.get(name, ""))
    for child in operation:
        yield from _pair(child)


def _pair(element: Element) -> Iterator[tuple[str, str]]:
    """Of one parameter; of the GetTile inside of a GetFeatureInfo all its parameters."""
    name = etree.QName(element).localname
    if name == "GetTile":
        yield from (pair for child in element for pair in _pair(child))
    elif name == "DimensionNameValue":
        yield str(element.get("name", "")), element.text or ""
    elif name in _LISTS:
        yield name, ",".join(child.text or "" for child in element if etree.QName(child).localname == _LISTS[name])
    else:
        yield name, element.text or ""


def payload(body: bytes, media_type: str) -> Element:
    """A picture, or other bytes, as an element."""
    e = Elements({None: WMTS})
    return e("BinaryPayload", e("Format", media_type), e("BinaryContent", base64.b64encode(body).decode()))


def feature_info(body: bytes, media_type: str) -> Element:
    """Values under a pixel as an element."""
    e = Elements({None: WMTS})
    return e("FeatureInfoResponse", e("TextPayload", e("Format", media_type), e("TextContent", body.decode())))
