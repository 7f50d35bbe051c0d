"""Requests of WCS 2.0 in XML, alone or in SOAP: the parameters of the KVP binding in another syntax.

So one decoder checks all three, and a fault is told alike. Elements of extensions are found by their local names, in
any letter case: the standards and their published schemas differ in namespaces, case, and the elements around them.

Source: OGC 09-148r1 (XML/POST), 09-149r1 (SOAP), and the schemas of WCS 2.0.1 and of the extensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ogcserver.ows import soap
from ogcserver.ows.reading import MalformedDocument, parse, read_body
from ogcserver.ows.xml import WCS_20, WCSEO, Element
from ogcserver.wcs.reading import (
    Grammar,
    Items,
    Reader,
    child_of,
    ignored,
    local_name,
    names,
    single,
    text_of,
    word,
    word_of,
)

MEDIA_TYPES = ("text/xml", "application/xml", soap.MEDIA_TYPE)
FORM = "application/x-www-form-urlencoded"
"""Of key-value pairs by POST, which only WCS 1.0.0 knows (OGC 03-065r6 clause 6.3)."""
_MOST_FIELDS = 1000


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
        raise HTTPException(415, f"send {' or '.join((*MEDIA_TYPES, FORM))}")
    return parse(await read_body(request, most_bytes))


def says_form(request: Request) -> bool:
    """Whether the request calls itself a form, or nothing, as OWSLib's does."""
    return _media_type(request) in (FORM, "")


async def read_form(request: Request, most_bytes: int) -> list[tuple[str, str]]:
    """The fields of a form.

    Raises:
        TooLarge: more than ``most_bytes``.
        MalformedDocument: not a form, or one of more than a thousand fields.
    """
    body = await read_body(request, most_bytes)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:  # of the client's text alone
        raise MalformedDocument("the request is not a form of key-value pairs") from error


def _bound(element: Element | None) -> str:
    """A bound in quotes, as KVP may have it: then nothing in it is syntax."""
    text = "*" if element is None else text_of(element).strip('" ')
    if '"' in text:
        raise MalformedDocument(f"{text[:80]!r} is not a bound", locator="subset")
    return f'"{text}"'


def _trim(element: Element) -> Items:
    low, high = _bound(child_of(element, "TrimLow")), _bound(child_of(element, "TrimHigh"))
    yield "subset", f"{word_of(child_of(element, 'Dimension'))}({low},{high})"


def _slice(element: Element) -> Items:
    point = child_of(element, "SlicePoint")
    if point is None:
        raise MalformedDocument("a DimensionSlice needs a SlicePoint", locator="DimensionSlice")
    yield "subset", f"{word_of(child_of(element, 'Dimension'))}({_bound(point)})"


def _extension(element: Element) -> Items:
    """What the extensions know; others' elements are ignored, like unknown parameters of KVP."""
    for child in element:
        read = _EXTENSIONS.get(local_name(child).lower())
        if read is not None:
            yield from read(child)


def _per_axis(parameter: str, value: str) -> Reader:
    """One scaling for each axis; ``value`` names the element beside ``axis``."""

    def read(element: Element) -> Items:
        pairs = [f"{word_of(child_of(item, 'axis'))}({word_of(child_of(item, value))})" for item in element]
        yield parameter, ",".join(pairs)

    return read


def _scale_extent(element: Element) -> Items:
    axes = [[word_of(child_of(item, name)) for name in ("axis", "low", "high")] for item in element]
    yield "scaleExtent", ",".join(f"{axis}({low}:{high})" for axis, low, high in axes)


def _scale_factor(element: Element) -> Items:
    yield "scaleFactor", word_of(child_of(element, "scaleFactor"))


def _range_subset(element: Element) -> Items:
    fields = []
    for item in element:
        interval = child_of(item, "RangeInterval")
        ends = [child_of(item, "RangeComponent")]
        if interval is not None:
            ends = [child_of(interval, "startComponent"), child_of(interval, "endComponent")]
        fields.append(":".join(word_of(end) for end in ends))
    yield "rangeSubset", ",".join(fields)


def _interpolation(element: Element) -> Items:
    for child in element:
        name = "interpolation" if local_name(child) == "globalInterpolation" else "interpolationPerAxis"
        yield name, text_of(child) or local_name(child)


def _geotiff(element: Element) -> Items:
    for child in element:
        yield f"geotiff:{local_name(child)}", text_of(child)


_EXTENSIONS: Mapping[str, Reader] = {
    "scaling": _extension,
    "scalebyfactor": _scale_factor,
    "scaleaxesbyfactor": _per_axis("scaleAxes", "scaleFactor"),
    "scaletosize": _per_axis("scaleSize", "targetSize"),
    "scaletoextent": _scale_extent,
    "getcoveragecrs": _extension,
    "subsettingcrs": single("subsettingCrs"),
    "outputcrs": single("outputCrs"),
    "rangesubset": _range_subset,
    "interpolation": _interpolation,
    "parameters": _geotiff,
}
GRAMMAR = Grammar(
    "2.0",
    (WCS_20, WCSEO),
    "coverageId",
    {
        "getcapabilities": {
            "AcceptVersions": names("acceptVersions"),
            "Sections": names("sections"),
            "AcceptFormats": names("acceptFormats"),
            "AcceptLanguages": ignored,
            "Extension": ignored,
        },
        "describecoverage": {"CoverageId": word("coverageId"), "Extension": ignored},
        "describeeocoverageset": {
            "eoId": word("eoId"),
            "containment": single("containment"),
            "Sections": names("sections"),
            "DimensionTrim": _trim,
        },
        "getcoverage": {
            "CoverageId": word("coverageId"),
            "DimensionTrim": _trim,
            "DimensionSlice": _slice,
            "format": single("format"),
            "mediaType": single("mediaType"),
            "Extension": _extension,
        },
    },
)
