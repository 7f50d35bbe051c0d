"""Requests of WCS 1.0.0 in XML: the parameters of the KVP binding in another syntax.

Source: OGC 03-065r6 clauses 7.2.2, 8.2.3 and 9.2.3, and the schemas ``wcsCapabilities``, ``describeCoverage`` and
``getCoverage`` of 1.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.errors import InvalidParameter
from ogcserver.ows.kvp import integer
from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.xml import WCS_10, Element
from ogcserver.wcs.bands import AXIS
from ogcserver.wcs.reading import Grammar, Items, Reader, child_of, children, local_name, nested, single, text_of, word
from ogcserver.wcs.v1.posted import period


def _box(element: Element) -> Items:
    """The times of an EnvelopeWithTimePeriod are those of the coverage; ``temporalSubset`` chooses."""
    yield "CRS", element.get("srsName", "").strip()
    corners = [text_of(child).split() for child in element if local_name(child) == "pos"]
    if len(corners) != 2 or any(len(corner) != 2 for corner in corners):
        raise MalformedDocument("an Envelope has two pos of two numbers each", locator="Envelope")
    yield "BBOX", ",".join(corners[0] + corners[1])


def _size(element: Element) -> Items:
    """The size of the grid, which is a RectifiedGrid where it tells more than that."""
    limits = child_of(element, "limits")
    extent = None if limits is None else child_of(limits, "GridEnvelope")
    if extent is None:
        raise MalformedDocument("a Grid has limits with a GridEnvelope", locator="Grid")
    low, high = (_indices(child_of(extent, name)) for name in ("low", "high"))
    for name, first, last in zip(("WIDTH", "HEIGHT"), low, high, strict=True):
        yield name, str(last - first + 1)


def _indices(element: Element | None) -> tuple[int, int]:
    """Column and row."""
    numbers = [] if element is None else text_of(element).split()
    if len(numbers) != 2:
        raise MalformedDocument("low and high of a GridEnvelope are a column and a row", locator="GridEnvelope")
    try:
        return integer(numbers[0]), integer(numbers[1])
    except InvalidParameter as error:
        raise MalformedDocument(error.message, locator="GridEnvelope") from error


def _times(element: Element) -> Items:
    yield "TIME", ",".join(period(child) for child in element)


def _range(element: Element) -> Items:
    for axis in element:
        if axis.get("name", "").strip().lower() != AXIS:
            raise InvalidParameter(f"the range has one axis, {AXIS}", locator="axisSubset")
        values = list(children(axis, {"singleValue": word(AXIS)}))
        yield AXIS, ",".join(value for _, value in values)


_DOMAIN: Mapping[str, Reader] = {
    "spatialSubset": nested({"Envelope": _box, "EnvelopeWithTimePeriod": _box, "Grid": _size, "RectifiedGrid": _size}),
    "temporalSubset": _times,
}
GRAMMAR = Grammar(
    "1.0.0",
    (WCS_10,),
    "COVERAGE",
    {
        "getcapabilities": {"section": single("SECTION")},
        "describecoverage": {"Coverage": word("COVERAGE")},
        "getcoverage": {
            "sourceCoverage": word("COVERAGE"),
            "domainSubset": nested(_DOMAIN),
            "rangeSubset": _range,
            "interpolationMethod": single("INTERPOLATION"),
            "output": nested({"crs": single("RESPONSE_CRS"), "format": single("FORMAT")}),
        },
    },
)
