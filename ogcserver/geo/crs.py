"""Coordinate reference systems by name.

Everywhere in the program a CRS is a string: ``EPSG:n`` (or another authority's code) where one exists, else WKT 2.
Coordinates are always x, y (east, north); :func:`lat_first` tells protocols when the CRS itself says otherwise.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from ogcserver.errors import CoordinateError, CrsError
from ogcserver.geo.grid import Bounds, Grid

WGS84 = "EPSG:4326"

_OGC_URL = re.compile(
    r"^https?://www\.opengis\.net/def/crs/(?P<authority>\w+)/(?P<version>[\w.]+)/(?P<code>\w+)$", re.IGNORECASE
)
_OGC_URN = re.compile(r"^urn:(?:x-)?ogc:def:crs:(?P<authority>\w+):(?P<version>[\w.]*):(?P<code>\w+)$", re.IGNORECASE)
_GML_URL = re.compile(r"^https?://www\.opengis\.net/gml/srs/epsg\.xml#(?P<code>\d+)$", re.IGNORECASE)
_SHORT = re.compile(r"^(?P<authority>[A-Za-z]+):(?P<code>\w+)$")
_LONGEST_TEXT = 20_000
_CRS84 = {"CRS84", "84"}


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """The name used inside the program for a CRS given as code, URN, OGC URL, or WKT.

    CRS84 becomes EPSG:4326: inside the program both mean longitude, latitude.

    Raises:
        CrsError: not a CRS that PROJ knows, or not one with two horizontal axes.
    Source: OGC 07-092r3 (URNs), OGC 11-135r2 (URLs).
    """
    text = text.strip()
    for pattern in (_OGC_URL, _OGC_URN, _GML_URL, _SHORT):
        if match := pattern.match(text):
            parts = match.groupdict()
            authority, code = parts.get("authority", "EPSG").upper(), parts["code"].upper()
            if authority in ("OGC", "CRS") and code in _CRS84:
                return WGS84
            text = f"{authority}:{code}"
            break
    else:
        if not text.lstrip().upper().startswith(("PROJCRS[", "GEOGCRS[", "BOUNDCRS[", "PROJCS[", "GEOGCS[")):
            raise CrsError(f"{text[:80]!r} is not a CRS: give a code such as EPSG:32632, an OGC URN or URL, or WKT")
    return _from_pyproj(text)


def _from_pyproj(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise CrsError("the text of the CRS is too long")
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise CrsError(f"{text[:80]!r} is not a CRS that PROJ knows") from error
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) < 2:
        raise CrsError(f"{text[:80]!r} is not a CRS with two horizontal axes")
    # full confidence only: a CRS that resembles a code but names another datum is not that code
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else crs.to_wkt()


@lru_cache(maxsize=1024)
def crs_object(name: str) -> CRS:
    return CRS.from_user_input(name)


@lru_cache(maxsize=1024)
def lat_first(name: str) -> bool:
    """Whether the CRS's own definition puts north (latitude or northing) before east."""
    return bool(crs_object(name).axis_info[0].direction.lower() in ("north", "south")) and not _polar(name)


def _polar(name: str) -> bool:
    """Polar systems have both axes along meridians (north, north): x is still the first."""
    axes = crs_object(name).axis_info
    return axes[0].direction == axes[1].direction


@lru_cache(maxsize=1024)
def is_geographic(name: str) -> bool:
    return bool(crs_object(name).is_geographic)


@lru_cache(maxsize=1024)
def metres_per_unit(name: str) -> float:
    """Length of one CRS unit in metres; a degree is one along an equator of radius 6378137 m (OGC 07-057r7, 6.1)."""
    crs = crs_object(name)
    if crs.is_geographic:
        return math.pi / 180 * 6378137.0
    return float(crs.axis_info[0].unit_conversion_factor)


@lru_cache(maxsize=1024)
def axis_labels(name: str) -> tuple[str, str]:
    """Abbreviations of the two axes in the CRS's own order, such as ("Lat", "Long") or ("E", "N")."""
    first, second = (axis.abbrev or axis.name for axis in crs_object(name).axis_info[:2])
    if is_geographic(name):
        return ("Lat", "Long") if lat_first(name) else ("Long", "Lat")
    return str(first), str(second)


def uri(name: str) -> str:
    """The OGC URL of a CRS that has a code; else its WKT.  Source: OGC 11-135r2."""
    authority, _, code = name.partition(":")
    if not code.isalnum():
        return name
    return f"http://www.opengis.net/def/crs/{authority}/0/{code}"


def urn(name: str) -> str:
    """The OGC URN of a CRS that has a code; else its WKT.  Source: OGC 07-092r3."""
    authority, _, code = name.partition(":")
    return f"urn:ogc:def:crs:{authority}::{code}" if code.isalnum() else name


@lru_cache(maxsize=256)
def transformer(source: str, target: str) -> Transformer:
    """Transforms x, y of ``source`` to x, y of ``target``; safe to share between threads."""
    return Transformer.from_crs(crs_object(source), crs_object(target), always_xy=True)


def project(
    source: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of ``source`` in ``target``; infinite where the projection is not defined."""
    if source == target:
        return x, y
    try:
        px, py = transformer(source, target).transform(x, y)
    except ProjError as error:
        raise CrsError(f"no transformation from {source[:60]} to {target[:60]}") from error
    return np.asarray(px, np.float64), np.asarray(py, np.float64)


def project_bounds(source: str, target: str, bounds: Bounds, steps: int = 21) -> Bounds:
    """The box in ``target`` around ``bounds``, from points along its edges and inside.

    For a geographic target the result may run past 180 degrees (xmin < xmax always holds); see
    :func:`lonlat_boxes` for boxes that do not.

    Raises:
        CoordinateError: no point of the bounds can be expressed in ``target``.
    """
    if source == target:
        return bounds
    with np.errstate(all="ignore"):  # bounds may be so far apart that their distance is no number
        xs, ys = np.meshgrid(np.linspace(bounds[0], bounds[2], steps), np.linspace(bounds[1], bounds[3], steps))
    px, py = project(source, target, xs, ys)
    good = np.isfinite(px) & np.isfinite(py)
    if not good.any():
        raise CoordinateError(f"the box {bounds} lies outside the area where {target[:60]} is defined")
    if is_geographic(target):
        px = unwrap_longitudes(px)
    px, py = px[good], py[good]
    return float(px.min()), float(py.min()), float(px.max()), float(py.max())


def unwrap_longitudes(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes of a 2-D patch of points made continuous: neighbours never differ by more than 180 degrees."""
    filled = np.where(np.isfinite(lon), lon, 0.0)
    return np.unwrap(np.unwrap(filled, period=360.0, axis=1), period=360.0, axis=0)


def lonlat_boxes(grid: Grid) -> tuple[Bounds, ...]:
    """One or two boxes in longitudes -180..180 and latitudes that hold the grid; two where it crosses 180 degrees.

    A grid whose box cannot be told (a pole inside, points out of the projection's area) gets all longitudes.
    """
    small = max(grid.width * grid.lattice.dx, grid.height * grid.lattice.dy) * metres_per_unit(grid.crs) < _SMALL_M
    return bounds_lonlat_boxes(grid.crs, grid.bounds, 5 if small else 21)


_SMALL_M = 200_000.0
"""Boxes up to this size bulge between few sample points by less than a thousandth of their size."""


@lru_cache(maxsize=4096)  # the boxes of a graph are asked for with each request
def bounds_lonlat_boxes(crs: str, bounds: Bounds, steps: int = 21) -> tuple[Bounds, ...]:
    """:func:`lonlat_boxes` for a box of any CRS, from ``steps`` x ``steps`` points."""
    try:
        west, south, east, north = project_bounds(crs, WGS84, bounds, steps)
    except CoordinateError:
        return ((-180.0, -90.0, 180.0, 90.0),)
    for pole in (-90.0, 90.0):
        if not is_geographic(crs) and _holds_pole(crs, bounds, pole):
            west, east = -180.0, 180.0
            south, north = min(south, pole), max(north, pole)
    return split_antimeridian((west, south, east, north))


def _holds_pole(crs: str, bounds: Bounds, latitude: float) -> bool:
    x, y = project(WGS84, crs, np.array([0.0]), np.array([latitude]))
    return bool(bounds[0] <= x[0] <= bounds[2] and bounds[1] <= y[0] <= bounds[3])


def split_antimeridian(box: Bounds) -> tuple[Bounds, ...]:
    """A lon/lat box, which may run past 180 degrees or have west > east (RFC 7946, 5.2), as boxes within -180..180."""
    west, south, east, north = box
    if east < west:
        east += 360.0
    if east - west >= 360.0:
        return ((-180.0, south, 180.0, north),)
    shift = math.floor((west + 180.0) / 360.0) * 360.0
    west, east = west - shift, east - shift
    if east <= 180.0:
        return ((west, south, east, north),)
    return ((west, south, 180.0, north), (-180.0, south, east - 360.0, north))
