"""Grids that clients give exactly: by box and size, or by origin and offsets. What hangs over is padding.

Source: OGC 03-065r6 clause 9.2.2 (GetCoverage), OGC 07-067r5 clause 9.3 (GridCRS).
"""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.coverages.boxes import coverage_bounds
from ogcserver.cube import View
from ogcserver.errors import InvalidSubset
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import SNAP, Grid, intersect
from ogcserver.wcs.identify import Sent, identified


@dataclass(frozen=True)
class Placing:
    """The pixels that a request means."""

    view: View
    stated: Grid
    """Where the answer says that its pixels lie: exactly what was asked for. It has the shape of the view's grid and
    lies within :data:`ogcserver.geo.grid.SNAP` of a pixel from it; within one for a point that QGIS identifies."""


def check_overlap(asked: Grid, native: Grid, locator: str) -> None:
    """
    Raises:
        InvalidSubset: no pixel of ``asked`` lies on the coverage.
        CoordinateError: the coverage cannot be expressed in the CRS of ``asked``.
    """
    west, south, east, north = asked.bounds
    extent = coverage_bounds(native, asked.crs)
    turns = (0.0, 360.0, -360.0) if is_geographic(asked.crs) else (0.0,)
    if not any(intersect((west + turn, south, east + turn, north), extent) for turn in turns):
        there = " ".join(f"{value:.15g}" for value in extent)
        raise InvalidSubset(f"the box lies outside of the coverage, which has the bounds {there}", locator=locator)


def on_native(asked: Grid, native: Grid, sent: Sent | None) -> Grid:
    """The window of the native lattice whose pixels are those of ``asked`` to within :data:`SNAP`, or else ``asked``.

    The window may hang over the coverage.

    Args:
        sent: the request's box, if it is in the native CRS.
    """
    if asked.crs != native.crs:
        return asked
    if sent and (window := identified(asked, native, sent)):
        return window
    lattice, (west, south, east, north) = native.lattice, asked.bounds
    edges = lattice.column(west), lattice.row(north), lattice.column(east), lattice.row(south)
    left, top, right, bottom = (round(edge) for edge in edges)
    if any(abs(edge - whole) > SNAP for edge, whole in zip(edges, (left, top, right, bottom), strict=True)):
        return asked
    if (right - left, bottom - top) != (asked.width, asked.height):
        return asked
    return Grid(lattice, left, top, asked.width, asked.height)
