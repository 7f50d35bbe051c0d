"""Requests of WCS 2.0 in XML, alone or in SOAP: the parameters of the KVP binding in another syntax.

So one decoder checks all three, and a fault is told alike. Elements of extensions are found by their local names, in
any letter case: the standards and their published schemas differ in namespaces, case, and the elements around them.

Source: OGC 09-148r1 (XML/POST), 09-149r1 (SOAP), and the schemas of WCS 2.0.1 and of the extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ogcserver.errors import UnsupportedOperation
from ogcserver.ows import soap
from ogcserver.ows.reading import MalformedDocument, parse, read_body
from ogcserver.ows.xml import WCS_20, Element

MEDIA_TYPES = ("text/xml", "application/xml", soap.MEDIA_TYPE)

Items = Iterator[tuple[str, str]]

_SYNTAX = re.compile('[,()"]')
"""What has a meaning inside of the values of KVP, and no place in a name or number."""


def says_soap(request: Request) -> bool:
    """Whether the request calls itself SOAP."""
    return _media_type(request) == soap.MEDIA_TYPE


def _media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def read_document(request: Request, most_bytes: int) -> Element:
    """The root of the document that a request has sent.

    Raises:
        HTTPException: 415, the content is of another type than :data:`MEDIA_TYPES`.
        TooLarge, MalformedDocument: as they say.
    """
    if _media_type(request) not in MEDIA_TYPES:
        raise HTTPException(415, f"send {' or '.join(MEDIA_TYPES)}")
    return parse(await read_body(request, most_bytes))


def parameters(root: Element) -> Items:
    """The parameters of a request's element.

    Raises:
        UnsupportedOperation: the element is no request of WCS 2.0.
        MalformedDocument: an element that the schema does not have there, or a name with the syntax of KVP in it.
    """
    name = _local(root)
    read = _OPERATIONS.get(name.lower())
    if read is None or root.tag != f"{{{WCS_20}}}{name}":
        raise UnsupportedOperation(f"there is no operation {str(root.tag)[:80]!r} in WCS 2.0", locator="request")
    yield "request", name
    for attribute in ("service", "version", "updateSequence"):
        yield attribute, root.get(attribute, "")
    for child in root:
        if _local(child) not in read:
            raise MalformedDocument(f"{name} has no element {_local(child)[:80]!r}", locator=_local(child)[:80])
    yield from _listed(root, name, read)


def _listed(root: Element, name: str, read: Mapping[str, Callable[[Element], Items]]) -> Items:
    """The items of all children. Identifiers of DescribeCoverage make one list, as in KVP."""
    items = [item for child in root for item in read[_local(child)](child)]
    if name == "DescribeCoverage":
        yield "coverageId", ",".join(value for _, value in items)
    else:
        yield from items


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _word(element: Element | None) -> str:
    """The text of an element that is a name or a number; "" for none."""
    text = "" if element is None else _text(element)
    if _SYNTAX.search(text):
        raise MalformedDocument(f"{text[:80]!r} is not a value here", locator=_local(element))  # type: ignore[arg-type]
    return text


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _local(child).lower() == name.lower()), None)


def _single(parameter: str) -> Callable[[Element], Items]:
    return lambda element: iter([(parameter, _text(element))])


def _names(parameter: str) -> Callable[[Element], Items]:
    return lambda element: iter([(parameter, ",".join(_word(child) for child in element))])


def _identifier(element: Element) -> Items:
    yield "coverageId", _word(element)


def _bound(element: Element | None) -> str:
    """A bound in quotes, as KVP may have it: then nothing in it is syntax."""
    text = "*" if element is None else _text(element).strip('" ')
    if '"' in text:
        raise MalformedDocument(f"{text[:80]!r} is not a bound", locator="subset")
    return f'"{text}"'


def _trim(element: Element) -> Items:
    low, high = _bound(_child(element, "TrimLow")), _bound(_child(element, "TrimHigh"))
    yield "subset", f"{_word(_child(element, 'Dimension'))}({low},{high})"


def _slice(element: Element) -> Items:
    point = _child(element, "SlicePoint")
    if point is None:
        raise MalformedDocument("a DimensionSlice needs a SlicePoint", locator="DimensionSlice")
    yield "subset", f"{_word(_child(element, 'Dimension'))}({_bound(point)})"


def _extension(element: Element) -> Items:
    """What the extensions know; others' elements are ignored, like unknown parameters of KVP."""
    for child in element:
        read = _EXTENSIONS.get(_local(child).lower())
        if read is not None:
            yield from read(child)


def _per_axis(parameter: str, value: str) -> Callable[[Element], Items]:
    """One scaling for each axis; ``value`` names the element beside ``axis``."""

    def read(element: Element) -> Items:
        pairs = [f"{_word(_child(item, 'axis'))}({_word(_child(item, value))})" for item in element]
        yield parameter, ",".join(pairs)

    return read


def _scale_extent(element: Element) -> Items:
    axes = [[_word(_child(item, name)) for name in ("axis", "low", "high")] for item in element]
    yield "scaleExtent", ",".join(f"{axis}({low}:{high})" for axis, low, high in axes)


def _scale_factor(element: Element) -> Items:
    yield "scaleFactor", _word(_child(element, "scaleFactor"))


def _range_subset(element: Element) -> Items:
    fields = []
    for item in element:
        interval = _child(item, "RangeInterval")
        ends = [_child(item, "RangeComponent")]
        if interval is not None:
            ends = [_child(interval, "startComponent"), _child(interval, "endComponent")]
        fields.append(":".join(_word(end) for end in ends))
    yield "rangeSubset", ",".join(fields)


def _interpolation(element: Element) -> Items:
    for child in element:
        name = "interpolation" if _local(child) == "globalInterpolation" else "interpolationPerAxis"
        yield name, _text(child) or _local(child)


def _geotiff(element: Element) -> Items:
    for child in element:
        yield f"geotiff:{_local(child)}", _text(child)


_EXTENSIONS: Mapping[str, Callable[[Element], Items]] = {
    "scaling": _extension,
    "scalebyfactor": _scale_factor,
    "scaleaxesbyfactor": _per_axis("scaleAxes", "scaleFactor"),
    "scaletosize": _per_axis("scaleSize", "targetSize"),
    "scaletoextent": _scale_extent,
    "getcoveragecrs": _extension,
    "subsettingcrs": _single("subsettingCrs"),
    "outputcrs": _single("outputCrs"),
    "rangesubset": _range_subset,
    "interpolation": _interpolation,
    "parameters": _geotiff,
}
_OPERATIONS: Mapping[str, Mapping[str, Callable[[Element], Items]]] = {
    "getcapabilities": {
        "AcceptVersions": _names("acceptVersions"),
        "Sections": _names("sections"),
        "AcceptFormats": _names("acceptFormats"),
        "AcceptLanguages": lambda element: iter(()),
        "Extension": lambda element: iter(()),
    },
    "describecoverage": {"CoverageId": _identifier, "Extension": lambda element: iter(())},
    "getcoverage": {
        "CoverageId": _identifier,
        "DimensionTrim": _trim,
        "DimensionSlice": _slice,
        "format": _single("format"),
        "mediaType": _single("mediaType"),
        "Extension": _extension,
    },
}
