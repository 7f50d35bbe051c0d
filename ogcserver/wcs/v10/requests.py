"""What clients ask a WCS 1.0.0 for, as values.

Boxes are x, y whatever the CRS and however it is named.

Source: OGC 03-065r6 clauses 7.2, 8.2 and 9.2 (tables 3, 6 and 9).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ogcserver.errors import InvalidParameter, MissingParameter
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Bounds
from ogcserver.ows.kvp import Kvp, choice, integer, number
from ogcserver.wcs.bands import AXIS
from ogcserver.wcs.syntax import interpolation
from ogcserver.wcs.v1.choice import DEFAULT, Choice

SECTIONS = ("Service", "Capability", "ContentMetadata")
EXCEPTIONS = "application/vnd.ogc.se_xml"
"""The one format of exceptions."""


@dataclass(frozen=True)
class GetCapabilities:
    section: str = ""
    """One of :data:`SECTIONS`; "" is the whole document."""
    update_sequence: str = ""
    """Of the document that the client has; "" for none."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCapabilities:
        """Raises InvalidParameter: a section that does not exist."""
        path = (kvp.optional("SECTION", str) or "/").strip("/")
        known = {"": "", "wcs_capabilities": ""} | {f"wcs_capabilities/{name.lower()}": name for name in SECTIONS}
        if path.lower() not in known:
            raise InvalidParameter(f"a section is / or /WCS_Capabilities/ and one of {SECTIONS}", locator="SECTION")
        return cls(known[path.lower()], kvp.optional("UPDATESEQUENCE", str) or "")


@dataclass(frozen=True)
class DescribeCoverage:
    coverages: tuple[str, ...]
    """Empty: all."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> DescribeCoverage:
        return cls(tuple(dict.fromkeys(kvp.listed("COVERAGE"))))


@dataclass(frozen=True)
class GetCoverage:
    coverage: str
    crs: str
    """Canonical; of the box."""
    response_crs: str
    """Canonical; of the answer."""
    box: Bounds | None
    """None: the whole coverage, for a request that names times. OWSLib writes BBox=None."""
    size: tuple[float, float] | None
    """Columns and rows, whole numbers of at least 1; else there is a resolution."""
    resolution: tuple[float, float] | None
    """Width and height of a pixel in units of the answer's CRS."""
    choice: Choice = DEFAULT
    format: str = ""
    """"" is the native one. OWSLib writes FORMAT=None."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCoverage:
        """
        Raises:
            MissingParameter: no coverage, no CRS, no format, neither box nor time, or neither size nor resolution.
            InvalidParameter, CrsError: as they say.
        """
        kvp.optional("EXCEPTIONS", choice(EXCEPTIONS))
        crs, where, times = kvp.one("CRS", canonical), kvp.optional("BBOX", box), _times(kvp)
        if where is None and not times:
            raise MissingParameter("give BBOX or TIME, or both", locator="BBOX")
        size, resolution = _pair(kvp, "WIDTH", "HEIGHT"), _pair(kvp, "RESX", "RESY")
        if (size is None) == (resolution is None):
            error = MissingParameter if size is None else InvalidParameter
            raise error("give either WIDTH and HEIGHT, or RESX and RESY", locator="WIDTH" if size is None else "RESX")
        for name in ("DEPTH", "RESZ"):
            if name in kvp:
                raise InvalidParameter(f"coverages have two dimensions here: leave {name} out", locator=name)
        coverage, named = kvp.one("COVERAGE", str), kvp.one("FORMAT", str)
        return cls(
            coverage=coverage,
            crs=crs,
            response_crs=kvp.optional("RESPONSE_CRS", canonical) or crs,
            box=where,
            size=size,
            resolution=resolution,
            choice=Choice(times, kvp.listed(AXIS), kvp.optional("INTERPOLATION", interpolation)),
            format="" if named == "None" else named,
        )


def _times(kvp: Kvp) -> tuple[str, ...]:
    """The items of TIME. Of several the first counts: GDAL 3.6 adds its default after the one that the user names."""
    given = next(iter(kvp.many("TIME", str)), "").removeprefix("None")
    return tuple(item for part in given.split(",") if (item := part.strip()))


def box(text: str) -> Bounds:
    """``minx,miny,maxx,maxy``.  Raises InvalidParameter: anything else, or without area."""
    numbers = [number(part) for part in text.split(",")]
    if len(numbers) != 4:
        raise InvalidParameter("a box is minx,miny,maxx,maxy")
    west, south, east, north = numbers
    if not (west < east and south < north and math.isfinite(east - west) and math.isfinite(north - south)):
        raise InvalidParameter("a box is minx,miny,maxx,maxy with minx below maxx and miny below maxy")
    return west, south, east, north


def _pair(kvp: Kvp, first: str, second: str) -> tuple[float, float] | None:
    """Two parameters above zero, whole where they are sizes; None where neither is given."""
    convert = integer if first == "WIDTH" else number
    if first not in kvp and second not in kvp:
        return None
    values = kvp.one(first, convert), kvp.one(second, convert)
    for name, value in zip((first, second), values, strict=True):
        if value <= 0:
            raise InvalidParameter(f"{name} must be above zero", locator=name)
    return values
