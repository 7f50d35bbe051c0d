"""XML documents, built from the outside in as they will read.

    e = Elements({None: WMTS, "ows": OWS_11})
    e("Layer", e("ows:Title", title), [e("Format", name) for name in formats], {"xlink:href": url})

gives elements with these very prefixes: ``Layer`` without, ``ows:Title`` with ``ows:`` (QGIS compares literally).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lxml import etree
from starlette.responses import Response

Element = etree._Element
Part = Element | str | Mapping[str, str] | Iterable[Element] | None
"""Of an element: a child, text, attributes, children, or nothing."""

OWS_10 = "http://www.opengis.net/ows"
OWS_11 = "http://www.opengis.net/ows/1.1"
OWS_20 = "http://www.opengis.net/ows/2.0"
WMS = "http://www.opengis.net/wms"
WMTS = "http://www.opengis.net/wmts/1.0"
WCS_20 = "http://www.opengis.net/wcs/2.0"
WCSEO = "http://www.opengis.net/wcs/wcseo/1.0"
WCS_10 = "http://www.opengis.net/wcs"
GML_31 = "http://www.opengis.net/gml"
"""Also that of the GML in WCS 1.0."""
OGC = "http://www.opengis.net/ogc"
"""Of exceptions before OWS Common."""
GML_32 = "http://www.opengis.net/gml/3.2"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

MEDIA_TYPE = "text/xml"
"""Sent without charset: with one, QGIS shows raw XML and OWSLib does not recognise an exception."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME_START = r"A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u2c00-\u2fef\u3001-\ud7ff"
_NAME_REST = _NAME_START + r"\-.0-9\u00b7\u0300-\u036f"
_NCNAME = re.compile(f"[{_NAME_START}][{_NAME_REST}]*")


class Elements:
    """Makes elements of one document.

    Args:
        prefixes: prefix -> namespace; the one of None is that of names without prefix.
    """

    def __init__(self, prefixes: Mapping[str | None, str]) -> None:
        self._prefixes = dict(prefixes)

    def __call__(self, name: str, *parts: Part) -> Element:
        """The element ``name``, such as ``ows:Title``.

        Args:
            parts: text (characters that XML forbids become U+FFFD), attributes, children; None is left out.
        """
        element = etree.Element(self.qualified(name), nsmap=self._prefixes)  # type: ignore[arg-type]
        for part in parts:
            if part is None:
                continue
            if isinstance(part, str):
                element.text = (element.text or "") + clean(part)
            elif isinstance(part, Mapping):
                for key, value in part.items():
                    element.set(self.qualified(key) if ":" in key else key, clean(value))
            elif isinstance(part, etree._Element):
                element.append(part)
            else:
                element.extend(part)
        return element

    def qualified(self, name: str) -> str:
        """``{namespace}local`` of a name with or without prefix."""
        prefix, _, local = name.rpartition(":")
        space = self._prefixes.get(prefix or None)
        return f"{{{space}}}{local}" if space else local


def clean(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold (clause 2.2)."""
    return _ILLEGAL.sub("\ufffd", text)


def is_ncname(text: str) -> bool:
    """Whether the text is an XML name without colon, as gml:id and CoverageId must be."""
    return _NCNAME.fullmatch(text) is not None


def ncname(text: str) -> str:
    """An XML name without colon that resembles the text; the text itself where it is one."""
    name = re.sub(f"[^{_NAME_REST}]", "_", text)
    return name if is_ncname(name) else f"_{name}"


def ncnames(texts: Iterable[str]) -> tuple[str, ...]:
    """Different names for different texts, in their order."""
    names: list[str] = []
    for text in texts:
        name = candidate = ncname(text)
        number = 2
        while candidate in names:
            candidate, number = f"{name}_{number}", number + 1
        names.append(candidate)
    return tuple(names)


def with_doctype(root: Element, address: str) -> Element:
    """The root, whose document names the DTD at this address; for documents from before XML schemas."""
    root.getroottree().docinfo.system_url = address  # type: ignore[attr-defined]
    return root


def serialise(root: Element) -> bytes:
    """The document as UTF-8, with XML declaration, and with the document type that its tree names, if any."""
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def xml_response(
    root: Element, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = MEDIA_TYPE
) -> Response:
    """An HTTP answer that holds the document."""
    return Response(serialise(root), status, {**(headers or {}), "content-type": media_type})
