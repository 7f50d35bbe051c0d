"""Coordinate reference systems as WMS names them, and the order of their axes.

Source: OGC 06-042 clause 6.7.3 and annex B; OGC 01-068r3 clause 6.5.5 and annex E.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ogcserver.errors import CrsError
from ogcserver.geo.crs import WGS84, canonical, lat_first
from ogcserver.geo.grid import Bounds
from ogcserver.ows.kvp import number
from ogcserver.wms.versions import Version

_LON_LAT: Mapping[str, str] = {"CRS:84": WGS84, "CRS:83": "EPSG:4269", "CRS:27": "EPSG:4267"}
"""Longitude before latitude in all versions (06-042 annex B.2 to B.4)."""
_AUTO = re.compile(r"AUTO2?:(?P<code>\d+),(?P<numbers>.+)", re.IGNORECASE)
_UTM, _METRE = "42001", 9001.0
"""Code of the automatic UTM, and of its unit in 1.1.1."""


@dataclass(frozen=True)
class MapCrs:
    """A CRS as a request names it."""

    name: str
    """As it is called inside of the program."""
    north_first: bool
    """Whether the request's coordinates are north, east."""

    def east_north(self, corners: tuple[float, float, float, float]) -> Bounds:
        """A box of the request as (xmin, ymin, xmax, ymax)."""
        first, second, third, fourth = corners
        return (second, first, fourth, third) if self.north_first else corners


def map_crs(text: str, version: Version) -> MapCrs:
    """The CRS that CRS or SRS means: CRS:84, CRS:83, CRS:27, an automatic UTM zone, or any that PROJ knows.

    Raises:
        CrsError: no such CRS.
    """
    if known := _LON_LAT.get(text.upper()):
        return MapCrs(known, north_first=False)
    if match := _AUTO.fullmatch(text):
        return MapCrs(_automatic(match["code"], match["numbers"]), north_first=False)
    name = canonical(text)
    own_order = not text.upper().endswith(("CRS84", "CRS:84")) and lat_first(name)
    return MapCrs(name, north_first=version.crs_order and own_order)


def _automatic(code: str, numbers: str) -> str:
    """The UTM zone around a point.  Source: 06-042 annex B.7."""
    parts = [number(part) for part in numbers.split(",")]
    if code != _UTM or len(parts) != 3 or parts[0] not in (1.0, _METRE):
        raise CrsError(f"of the automatic systems there is AUTO2:{_UTM},1,longitude,latitude: UTM in metres")
    longitude, latitude = parts[1:]
    if not (-180.0 <= longitude <= 180.0 and -90.0 <= latitude <= 90.0):
        raise CrsError("an automatic system needs a longitude within 180 degrees and a latitude within 90")
    zone = min(60, math.floor((longitude + 180.0) / 6.0) + 1)
    return f"EPSG:{(32600 if latitude >= 0.0 else 32700) + zone}"
