"""Requests of WCS 1.1 in XML: the parameters of the KVP binding in another syntax.

Source: OGC 07-067r5 clauses 8.2.3, 9.2.3 and 10.2.3, and the schemas ``wcsGetCapabilities``, ``wcsDescribeCoverage``,
``wcsGetCoverage`` and ``wcsGridCRS`` of 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ogcserver.errors import UnsupportedOperation
from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.xml import Element
from ogcserver.wcs.reading import (
    SHOWN,
    Items,
    Reader,
    child_of,
    children,
    ignored,
    local_name,
    names,
    namespace,
    single,
    word_of,
)
from ogcserver.wcs.v1.posted import period
from ogcserver.wcs.v11.documents import NAMESPACES

READS = tuple(dict.fromkeys(wcs for wcs, _ in NAMESPACES.values()))
"""Namespaces of requests."""

_RANGE_SYNTAX = re.compile(r"[:;\[\]]")


def parameters(root: Element) -> Items:
    """The parameters of a request's element.

    Raises:
        UnsupportedOperation: the element is no request of WCS 1.1.
        MalformedDocument: an element that the schema does not have there, or a name with the syntax of KVP in it.
    """
    name = local_name(root)
    known = _OPERATIONS.get(name.lower())
    if known is None or namespace(root) not in READS:
        raise UnsupportedOperation(f"there is no operation {str(root.tag)[:SHOWN]!r} in WCS 1.1", locator="request")
    yield "request", name
    for attribute in ("service", "version", "updateSequence"):
        yield attribute, root.get(attribute, "")
    if name.lower() == "describecoverage":
        yield "identifiers", ",".join(value for _, value in children(root, known))
    else:
        yield from children(root, known)


def _identifier(element: Element) -> Items:
    yield "identifier", word_of(element)


def _domain(element: Element) -> Items:
    yield from children(element, {"boundingbox": _box, "temporalsubset": _times})


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
    """A name that holds no syntax of a RangeSubset. The methods of interpolation are their own codes, or URNs' ends."""
    text = word_of(element)
    if _RANGE_SYNTAX.search(text):
        raise MalformedDocument(f"{text[:SHOWN]!r} is not a name here", locator="RangeSubset")
    return text


def _output(element: Element) -> Items:
    yield "format", element.get("format", "").strip()
    yield "store", {"1": "true", "0": "false"}.get(stored := element.get("store", "").strip(), stored)
    yield from children(element, {"gridcrs": lambda grid: children(grid, _GRID)})


_GRID: Mapping[str, Reader] = {
    "srsname": ignored,
    "gridbasecrs": single("GridBaseCRS"),
    "gridtype": single("GridType"),
    "gridorigin": _vector("GridOrigin"),
    "gridoffsets": _vector("GridOffsets"),
    "gridcs": single("GridCS"),
}
_OPERATIONS: Mapping[str, Mapping[str, Reader]] = {
    "getcapabilities": {
        "acceptversions": names("acceptVersions"),
        "sections": names("sections"),
        "acceptformats": ignored,
    },
    "describecoverage": {"identifier": _identifier},
    "getcoverage": {
        "identifier": _identifier,
        "domainsubset": _domain,
        "rangesubset": _range,
        "output": _output,
    },
}
