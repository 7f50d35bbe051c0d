"""Requests of WCS 2.0 in XML, for tests."""

from __future__ import annotations

WCS = "http://www.opengis.net/wcs/2.0"
SOAP = "http://www.w3.org/2003/05/soap-envelope"


def request(operation: str, content: str = "", version: str = "2.0.1", service: str = "WCS") -> str:
    """The element of an operation."""
    return f'<{operation} xmlns="{WCS}" service="{service}" version="{version}">{content}</{operation}>'


def get_coverage(
    identifier: str, *subsets: tuple[str, ...], extension: str = "", version: str = "2.0.1", **more: str
) -> str:
    """A GetCoverage.

    Args:
        subsets: axis and point, or axis, low and high; "" is an open end.
        extension: elements with the prefix ``s``, whose namespace does not matter.
        more: other elements by name.
    """
    parts = [f"<CoverageId>{identifier}</CoverageId>"]
    for axis, *bounds in subsets:
        if len(bounds) == 1:
            inner, name = f"<SlicePoint>{bounds[0]}</SlicePoint>", "DimensionSlice"
        else:
            named = zip(("TrimLow", "TrimHigh"), bounds, strict=True)
            inner, name = "".join(f"<{tag}>{bound}</{tag}>" for tag, bound in named if bound), "DimensionTrim"
        parts.append(f"<{name}><Dimension>{axis}</Dimension>{inner}</{name}>")
    parts += [f"<{name}>{text}</{name}>" for name, text in more.items()]
    if extension:
        parts.append(f'<Extension xmlns:s="http://example.org/extension">{extension}</Extension>')
    return request("GetCoverage", "".join(parts), version)


def in_soap(document: str) -> str:
    """The document in an envelope."""
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{document}</s:Body></s:Envelope>'
