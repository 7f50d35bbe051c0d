"""Coordinate reference systems as OGC API names them, and numbers in their axis order.

Source: OGC 20-058 (Maps) clauses 12 and 15; OGC 19-014r3 (CURIEs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ogcserver.errors import CrsError
from ogcserver.geo.crs import WGS84, canonical, lat_first, uri
from ogcserver.geo.grid import Bounds

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CRS84 = re.compile(
    r"https?://www\.opengis\.net/def/crs/OGC/[\w.]+/CRS84|urn:ogc:def:crs:OGC:[\w.]*:CRS84|OGC:CRS84|CRS:84",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Crs:
    """A CRS, with the order in which documents write its axes."""

    name: str
    """Canonical name."""
    north_first: bool
    uri: str
    """WKT where it has no code."""

    @property
    def coded(self) -> bool:
        """Whether it can be named in a header or an address."""
        return self.uri.startswith("http")

    def ordered(self, bounds: Bounds) -> Bounds:
        """East before north, as documents write it; and back."""
        a, b, c, d = bounds
        return (b, a, d, c) if self.north_first else bounds


CRS84 = Crs(WGS84, False, CRS84_URI)


def crs_parameter(text: str) -> Crs:
    """A CRS given as URI, URN, or CURIE with or without brackets, such as ``[EPSG:32632]``.

    Raises:
        CrsError: not a CRS that PROJ knows, or one without code.
    """
    text = text.strip().removeprefix("[").removesuffix("]")
    if _CRS84.fullmatch(text):
        return CRS84
    name = canonical(text)
    if not name.partition(":")[2].isalnum():
        raise CrsError(f"{text[:80]!r} has no code: give a URI or a CURIE such as [EPSG:32632]")
    return Crs(name, lat_first(name), uri(name))


def storage_crs(name: str) -> Crs:
    """The CRS of a native grid; one in longitudes and latitudes of WGS 84 is CRS84, in the order of its pixels."""
    return CRS84 if name == WGS84 else Crs(name, lat_first(name), uri(name))
