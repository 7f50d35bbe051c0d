"""Longitude/latitude boxes of what GeoJSON geometries and bounding boxes describe.  Source: RFC 7946, 3.1.9 and 5.2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ogcserver.errors import OgcServerError
from ogcserver.geo.crs import split_antimeridian
from ogcserver.geo.grid import Bounds

_ROUND = 360.0 - 1e-6
"""A span of longitudes from here on goes around the globe."""


class FootprintError(OgcServerError):
    """Coordinates that are no longitudes and latitudes."""


def bbox_boxes(bbox: Sequence[Any]) -> tuple[Bounds, ...]:
    """Boxes of a STAC ``bbox`` of four or six numbers; west may be greater than east.

    Raises:
        FootprintError: not a lon/lat box.
    """
    if len(bbox) not in (4, 6):
        raise FootprintError(f"a bbox has 4 or 6 numbers, not {len(bbox)}")
    half = len(bbox) // 2
    west, south, east, north = (float(bbox[k]) for k in (0, 1, half, half + 1))
    return split_antimeridian(_checked((west, south, east, north)))


def geometry_boxes(geometry: Mapping[str, Any]) -> tuple[Bounds, ...]:
    """One or two boxes within -180..180 around a GeoJSON geometry.

    A polygon crosses 180 degrees when it runs past them, or when neighbouring vertices lie more than 180 degrees apart;
    one from -180 to 180 exactly goes around the globe. The parts of a multi-geometry share the shortest span of
    longitudes that holds them all.

    Raises:
        FootprintError: not coordinates of longitude and latitude.
    """
    return hull([_line_box(line) for line in _lines(geometry)])


def jumps(geometry: Mapping[str, Any]) -> bool:
    """Whether neighbouring vertices are so far apart that the geometry may mean either way around the globe."""
    return any(len(line) > 1 and bool(np.abs(np.diff(line[:, 0])).max() > 180.0) for line in _lines(geometry))


def hull(boxes: Iterable[Bounds]) -> tuple[Bounds, ...]:
    """One or two boxes within -180..180 that hold all of the boxes, with the shortest span of longitudes.

    Raises:
        FootprintError: there is no box.
    """
    found = [_checked(box) for box in boxes]
    if not found:
        raise FootprintError("a footprint without coordinates")
    south, north = min(box[1] for box in found), max(box[3] for box in found)
    west, east = _arc([(box[0], box[2]) for box in found])
    return split_antimeridian((west, south, east, north))


def _arc(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """The shortest arc of longitudes, west below 180 and east perhaps above, that holds all spans."""
    if len(spans) == 1:
        return spans[0]
    turned = sorted(
        (west - shift, east - shift) for west, east in spans for shift in [math.floor((west + 180.0) / 360.0) * 360.0]
    )
    reach, gap, start = turned[0][1], -1.0, turned[0][0]
    for west, east in turned[1:]:
        if west - reach > gap:
            gap, start = west - reach, west
        reach = max(reach, east)
    first = turned[0][0]
    if first + 360.0 - reach >= gap:
        return first, reach
    end = max(east if west >= start else east + 360.0 for west, east in turned)
    return start, end


def _line_box(line: NDArray[np.float64]) -> Bounds:
    lon, lat = line[:, 0], line[:, 1]
    south, north = float(lat.min()), float(lat.max())
    if float(lon.max() - lon.min()) >= _ROUND:
        return float(lon.min()), south, float(lon.max()), north
    lon = np.unwrap(lon, discont=180.0, period=360.0)
    if abs(lon[-1] - lon[0]) >= _ROUND:  # a ring that does not close runs around a pole
        south, north = (south, 90.0) if south + north > 0 else (-90.0, north)
    return float(lon.min()), south, float(lon.max()), north


def _lines(geometry: Mapping[str, Any]) -> Iterator[NDArray[np.float64]]:
    """Outer rings, lines and points, each as (vertex, lon/lat)."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates", [])
    if kind == "GeometryCollection":
        for part in geometry.get("geometries", []):
            yield from _lines(part)
        return
    depth = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
    if kind not in depth:
        raise FootprintError(f"{str(kind)[:40]!r} is not a GeoJSON geometry")
    if depth[kind] == 0:
        coordinates = [coordinates]
    polygons = [coordinates] if depth[kind] <= 2 else coordinates
    for polygon in polygons:
        rings = [polygon] if depth[kind] <= 1 else polygon if kind == "MultiLineString" else polygon[:1]
        for ring in rings:
            if ring:
                yield np.array([point[:2] for point in ring], np.float64).reshape(-1, 2)


def _checked(box: Bounds) -> Bounds:
    west, south, east, north = box
    if not all(map(math.isfinite, box)):
        raise FootprintError(f"coordinates are not finite: {box}")
    if south > north or south < -90.1 or north > 90.1 or min(west, east) < -540.0 or max(west, east) > 540.0:
        raise FootprintError(f"not longitudes and latitudes: {box}")
    return west, max(south, -90.0), east, min(north, 90.0)
