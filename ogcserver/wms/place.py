"""From the box of a map to the pixels that the engine computes.  Source: OGC 06-042 clauses 6.7, 7.3.3.6 to 7.3.3.8."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import SNAP, Bounds, Grid, Lattice
from ogcserver.wms.requests import Frame

_MERCATOR = "EPSG:3857"
_MERCATOR_WORLD = 2.0 * math.pi * 6378137.0
"""Width of the world in Web Mercator, in metres."""


def grid_of(frame: Frame, native: Grid) -> Grid:
    """The pixels of a map: exactly those that divide its box into columns and rows.

    Where they are pixels of the layer's native lattice, the grid is a window of that, so that it shows native pixels
    as they are. Else, where they are pixels of a lattice that divides the world as web maps do, it is a window of that:
    then neighbouring maps have control points in common and meet without a seam.
    """
    own = [native.lattice] if native.crs == frame.crs else []
    for lattice in (*own, *_of_the_world(frame)):
        if window := _window(lattice, frame.bounds, frame.width, frame.height):
            return window
    return Grid.from_bounds(frame.crs, frame.bounds, frame.width, frame.height)


def _of_the_world(frame: Frame) -> Iterator[Lattice]:
    """Lattices from the origin of longitudes and latitudes that may hold the map's pixels.

    A whole number of pixels, or of maps like this one, goes around the world. The box alone, whose sides are
    differences of rounded numbers, does not tell the pixels' size well enough for all the others.
    """
    if frame.crs == _MERCATOR:
        world = _MERCATOR_WORLD
    elif is_geographic(frame.crs):
        world = 360.0
    else:
        return
    west, south, east, north = frame.bounds
    across, down = world / (east - west), world / (north - south)
    for part_x, part_y in ((frame.width, frame.height), (1, 1)):
        columns, rows = round(across * part_x), round(down * part_y)
        if columns and rows:
            pixel = world / (columns * frame.width // part_x), world / (rows * frame.height // part_y)
            yield Lattice(frame.crs, 0.0, 0.0, *pixel)


def _window(lattice: Lattice, bounds: Bounds, width: int, height: int) -> Grid | None:
    """The window of a lattice that a box is, each edge to :data:`SNAP` of a pixel; None if it is none."""
    west, south, east, north = bounds
    edges = (lattice.column(west), lattice.row(north), lattice.column(east), lattice.row(south))
    col, row, right, bottom = (round(edge) for edge in edges)
    close = all(abs(edge - whole) < SNAP for edge, whole in zip(edges, (col, row, right, bottom), strict=True))
    return Grid(lattice, col, row, width, height) if close and (right - col, bottom - row) == (width, height) else None
