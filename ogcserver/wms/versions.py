"""The versions of WMS: which one a request is answered in, and what each calls things.

Source: OGC 06-042 clause 6.2.4 (negotiation), OGC 01-068r3 clause 6.2.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ogcserver.errors import InvalidParameter, MissingParameter
from ogcserver.ows.kvp import Kvp, choice


@dataclass(frozen=True)
class Version:
    """What one version calls things."""

    number: str
    crs: str
    """Parameter with the coordinate reference system."""
    column: str
    """Parameter with the column of GetFeatureInfo."""
    row: str
    crs_code: str
    """Exception code of a CRS that cannot be used."""
    exceptions: tuple[str, ...]
    """Values of EXCEPTIONS: an XML document, text in a picture, an empty picture."""
    crs_order: bool
    """Whether coordinates are in the axis order of the CRS; else they are always east, north."""


V130 = Version("1.3.0", "CRS", "I", "J", "InvalidCRS", ("XML", "INIMAGE", "BLANK"), crs_order=True)
V111 = Version(
    "1.1.1",
    "SRS",
    "X",
    "Y",
    "InvalidSRS",
    ("application/vnd.ogc.se_xml", "application/vnd.ogc.se_inimage", "application/vnd.ogc.se_blank"),
    crs_order=False,
)
VERSIONS: Mapping[str, Version] = {version.number: version for version in (V130, V111)}
"""Newest first."""

_NUMBER = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


def negotiated(kvp: Kvp) -> Version:
    """The version that GetCapabilities is answered in.

    That is the one asked for if it is spoken here, else the highest lower one, else the lowest; without any the newest.
    WMTVER, the parameter's name before 1.0.7, counts where there is no VERSION.

    Raises:
        InvalidParameter: not a version number.
    """
    asked = kvp.optional("VERSION", _number) or kvp.optional("WMTVER", _number)
    if asked is None:
        return V130
    return next((known for known in VERSIONS.values() if _number(known.number) <= asked), V111)


def required(kvp: Kvp) -> Version:
    """The version of any other request, which must name one that is spoken here.

    Raises:
        MissingParameter: it names none.
        InvalidParameter: it names another.
    """
    spoken = choice(*VERSIONS)
    number = kvp.optional("VERSION", spoken) or kvp.optional("WMTVER", spoken)
    if number is None:
        raise MissingParameter(f"the parameter VERSION is missing: {' or '.join(VERSIONS)}", locator="VERSION")
    return VERSIONS[number]


def _number(text: str) -> tuple[int, ...]:
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise InvalidParameter(f"{text[:40]!r} is not a version such as {V130.number}")
    return tuple(int(part or 0) for part in match.groups())
