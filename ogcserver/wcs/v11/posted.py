"""Requests of WCS 1.1 in XML: the parameters of the KVP binding in another syntax.

Source: OGC 07-067r5 clauses 8.2.3, 9.2.3 and 10.2.3, and the schemas ``wcsGetCapabilities``, ``wcsDescribeCoverage``,
``wcsGetCoverage`` and ``wcsGridCRS`` of 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.xml import Element
from ogcserver.wcs.reading import (
    SHOWN,
    Grammar,
    Items,
    Reader,
    child_of,
    children,
    ignored,
    local_name,
    names,
    nested,
    single,
    word,
    word_of,
)
from ogcserver.wcs.v1.posted import period
from ogcserver.wcs.v11.documents import NAMESPACES

_RANGE_SYNTAX = re.compile(r"[:;\[\]]")


def _box(element: Element) -> Items:
    corners = [_numbers(child_of(element, name)) for name in ("LowerCorner", "UpperCorner")]
    crs = element.get("crs", "").strip()
    yield "BoundingBox", ",".join([*corners, crs] if crs else corners)


def _numbers(element: Element | None) -> str:
    """The numbers of an element, which are joined by blanks there."""
    return "" if element is None else ",".join(word_of(element).split())


def _vector(parameter: str) -> Reader:
    return lambda element: iter([(parameter, _numbers(element))])


def _times(element: Element) -> Items:
    yield "TimeSequence", ",".join(period(child) for child in element)


def _range(element: Element) -> Items:
    yield "RangeSubset", ";".join(_field(child) for child in element)


def _field(element: Element) -> str:
    """``field:method[axis[key,key]]``."""
    method = child_of(element, "InterpolationType")
    axes = [
        f"[{_name(child_of(axis, 'Identifier'))}[{','.join(_name(key) for key in axis if local_name(key) == 'Key')}]]"
        for axis in element
        if local_name(axis) == "AxisSubset"
    ]
    named = "" if method is None else f":{_name(method)}"
    return f"{_name(child_of(element, 'Identifier'))}{named}{''.join(axes)}"


def _name(element: Element | None) -> str:
    """A name that holds no syntax of a RangeSubset."""
    text = word_of(element)
    if _RANGE_SYNTAX.search(text):
        raise MalformedDocument(f"{text[:SHOWN]!r} is not a name here", locator="RangeSubset")
    return text


def _output(element: Element) -> Items:
    """The booleans of XML schema are ``true`` and ``false``, or 1 and 0."""
    stored = element.get("store", "").strip()
    yield "format", element.get("format", "").strip()
    yield "store", {"1": "true", "0": "false"}.get(stored, stored)
    yield from children(element, {"GridCRS": nested(_GRID)})


_GRID: Mapping[str, Reader] = {
    "srsName": ignored,
    "GridBaseCRS": single("GridBaseCRS"),
    "GridType": single("GridType"),
    "GridOrigin": _vector("GridOrigin"),
    "GridOffsets": _vector("GridOffsets"),
    "GridCS": single("GridCS"),
}
GRAMMAR = Grammar(
    "1.1",
    tuple(dict.fromkeys(wcs for wcs, _ in NAMESPACES.values())),
    "identifiers",
    {
        "getcapabilities": {
            "AcceptVersions": names("acceptVersions"),
            "Sections": names("sections"),
            "AcceptFormats": ignored,
        },
        "describecoverage": {"Identifier": word("identifiers")},
        "getcoverage": {
            "Identifier": word("identifier"),
            "DomainSubset": nested({"BoundingBox": _box, "TemporalSubset": _times}),
            "RangeSubset": _range,
            "Output": _output,
        },
    },
)
