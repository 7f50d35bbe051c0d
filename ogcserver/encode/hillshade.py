"""Light on a surface of heights.

Source: Horn (1981), Hill shading and the reflectance map, Proceedings of the IEEE 69(1); the gradient of GDAL's
``gdaldem hillshade``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogcserver.encode.style import Hillshade
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import Grid

_RADIUS = 6378137.0
"""Of WGS 84 and of Web Mercator, in metres."""


def hillshade(heights: NDArray[Any], grid: Grid, light: Hillshade) -> NDArray[np.float32]:
    """(y, x) of ``grid``: 0 in the dark to 1 where light falls straight on the surface; NaN where there is no height.

    A pixel hangs on its eight neighbours and its place only. A missing neighbour counts as high as the pixel itself.

    Args:
        heights: (y + 2, x + 2), those of ``grid`` and of one pixel more on every side; not finite where missing.
    """
    widths, lengths = _ground_pixels(grid)
    azimuth, altitude = math.radians(light.azimuth), math.radians(light.altitude)
    sun = np.array([math.sin(azimuth) * math.cos(altitude), math.cos(azimuth) * math.cos(altitude), math.sin(altitude)])
    out = np.empty(grid.shape, np.float32)
    _shade(heights, light.z_factor / (8.0 * widths), light.z_factor / (8.0 * lengths), sun, out)
    return out


def _ground_pixels(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Width and length of a pixel of each row in metres on the ground; in units of the CRS where it is projected.

    Web Mercator stretches with the latitude, which is undone.
    """
    lattice = grid.lattice
    north = lattice.y0 - (np.arange(grid.row, grid.row + grid.height) + 0.5) * lattice.dy
    if is_geographic(grid.crs):
        degree = math.radians(1.0) * _RADIUS
        along = np.maximum(np.cos(np.radians(np.clip(north, -90.0, 90.0))), 1e-6)
        return lattice.dx * degree * along, np.full(grid.height, lattice.dy * degree)
    stretch = np.cosh(north / _RADIUS) if grid.crs == "EPSG:3857" else np.ones(grid.height)
    return lattice.dx / stretch, lattice.dy / stretch


@njit(nogil=True, cache=True)
def _shade(heights: Any, across: Any, down: Any, sun: Any, out: Any) -> None:
    around = np.empty(9)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            middle = heights[y + 1, x + 1]
            if not np.isfinite(middle):
                out[y, x] = np.nan
                continue
            for k in range(9):
                height = heights[y + k // 3, x + k % 3]
                around[k] = height if np.isfinite(height) else middle
            west = around[0] + 2.0 * around[3] + around[6]
            east = around[2] + 2.0 * around[5] + around[8]
            north = around[0] + 2.0 * around[1] + around[2]
            south = around[6] + 2.0 * around[7] + around[8]
            eastward, northward = (east - west) * across[y], (north - south) * down[y]
            towards = sun[2] - eastward * sun[0] - northward * sun[1]
            out[y, x] = max(0.0, towards / np.sqrt(1.0 + eastward * eastward + northward * northward))
