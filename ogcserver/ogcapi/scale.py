"""How large a piece of the ground is, whatever the units of its CRS.

Source: OGC 20-058, /req/scaling/scale-denominator-definition: the scale of a map is that of its own area, with pixels
of 0.28 mm.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from ogcserver.geo.crs import WGS84, is_geographic, project
from ogcserver.geo.grid import Bounds
from ogcserver.geo.tiles import PIXEL_M

_POINTS = 17


def pixel_metres(scale_denominator: float) -> float:
    """Edge of a pixel on the ground."""
    return scale_denominator * PIXEL_M


def ground_size(crs: str, bounds: Bounds) -> tuple[float, float] | None:
    """Metres across a box and down it, through its middle; None where that is not on the ground.

    Source: geodesics on the ellipsoid of WGS 84.
    """
    if not all(map(math.isfinite, bounds)):
        return None
    west, south, east, north = bounds
    middle_x, middle_y = np.full(_POINTS, (west + east) / 2), np.full(_POINTS, (south + north) / 2)
    across = _length(crs, np.linspace(west, east, _POINTS), middle_y)
    down = _length(crs, middle_x, np.linspace(south, north, _POINTS))
    return (across, down) if across > 0.0 and down > 0.0 and math.isfinite(across * down) else None


def box_around(crs: str, x: float, y: float, width: float, height: float) -> Bounds | None:
    """The box in a CRS around a point that has this size in metres there; None where that is not on the ground."""
    unit = 1e-4 if is_geographic(crs) else 1.0
    size = ground_size(crs, (x - unit, y - unit, x + unit, y + unit))
    if size is None:
        return None
    half_width, half_height = width * unit / size[0], height * unit / size[1]
    return x - half_width, y - half_height, x + half_width, y + half_height


def _length(crs: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    lon, lat = project(crs, WGS84, x, y)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all() and (np.abs(lat) <= 90.0).all()):
        return math.nan
    return float(Geod(ellps="WGS84").line_length(lon, lat))
