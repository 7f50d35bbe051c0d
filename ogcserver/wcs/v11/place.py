"""From a GetCoverage request of WCS 1.1 to the pixels it means.

The grid is a lattice of points, the centres of pixels, through the origin; the box chooses those inside of it, its
edges included. So a box from centre to centre, as QGIS and GDAL send it, has (upper - lower) / offset + 1 columns. The
answer is not clipped to the coverage: what hangs over is padding. A grid on the native lattice gives native pixels bit
for bit.

Source: OGC 07-067r5 clauses 9.3 (GridCRS) and 10.2 (GetCoverage).
"""

from __future__ import annotations

import math

from ogcserver.coverages.boxes import projected_grid
from ogcserver.coverages.sizes import limited
from ogcserver.cube import Resampling, View
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.grid import SNAP, Bounds, Grid, Lattice
from ogcserver.wcs.bands import chosen
from ogcserver.wcs.identify import Sent
from ogcserver.wcs.times import choose_listed
from ogcserver.wcs.v11.requests import Box, GetCoverage, GridCrs
from ogcserver.wcs.windows import Placing, check_overlap, on_native


def place(ask: GetCoverage, coverage: Description, resampling: Resampling, max_pixels: int) -> Placing:
    """What the engine shall compute, and where the answer lies.

    Args:
        resampling: of the coverage, where the request names no interpolation.
        max_pixels: the operator's limit on columns x rows.
    Raises:
        InvalidSubset: outside of the coverage, or no observation at the time.
        UnknownField, InvalidParameter: bands.
        CoordinateError: the box cannot be expressed in the grid's CRS.
        TooLarge: over ``max_pixels``; nothing is allocated before.
    """
    native = coverage.grid
    crs = ask.grid.crs or native.crs
    box = _bounds(ask.box, native, crs)
    if ask.grid.offsets is None and crs != native.crs:
        stated = projected_grid(crs, box, native)
        limited(stated.width, stated.height, max_pixels, "BoundingBox")
    else:
        stated = _window(_lattice(ask.grid, box, native), box, max_pixels)
    check_overlap(stated, native, "BoundingBox")
    times = choose_listed(coverage.times, ask.times, "TimeSequence")
    bands = chosen(coverage.bands, ask.range.bands, "RangeSubset")
    sent = None if ask.box.image or ask.box.crs not in (None, native.crs) else Sent(ask.box.bounds, of_centres=True)
    grid = on_native(stated, native, sent)
    return Placing(View(grid, bands, times, ask.range.interpolation or resampling), stated)


def _bounds(box: Box, native: Grid, crs: str) -> Bounds:
    """The box in the CRS of the grid."""
    if not box.image:
        return project_bounds(box.crs or native.crs, crs, box.bounds)
    left, top, right, bottom = box.bounds
    lattice, col, row = native.lattice, native.col + 0.5, native.row + 0.5
    bounds = lattice.x(col + left), lattice.y(row + bottom), lattice.x(col + right), lattice.y(row + top)
    return project_bounds(native.crs, crs, bounds)


def _lattice(grid: GridCrs, box: Bounds, native: Grid) -> Lattice:
    """The lattice whose pixels have the grid's points as centres.

    Without offsets it is the coverage's. Without an origin it begins at the upper left of the box.
    """
    if grid.offsets is None:
        return native.lattice
    dx, dy = grid.offsets
    x, y = grid.origin or (box[0], box[3])
    return Lattice(grid.crs or native.crs, x - dx / 2, y + dy / 2, dx, dy)


def _window(lattice: Lattice, box: Bounds, max_pixels: int) -> Grid:
    """The pixels whose centres the box holds, to within :data:`SNAP`; the nearest one where it holds none."""
    west, south, east, north = box
    columns = _centres(lattice.column(west), lattice.column(east))
    rows = _centres(lattice.row(north), lattice.row(south))
    width, height = limited(columns[1] - columns[0] + 1, rows[1] - rows[0] + 1, max_pixels, "GridOffsets")
    return Grid(lattice, int(columns[0]), int(rows[0]), width, height)


def _centres(low: float, high: float) -> tuple[float, float]:
    """First and last pixel with its centre from ``low`` to ``high``, whole numbers as floats."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return -math.inf, math.inf
    first, last = math.ceil(low - 0.5 - SNAP), math.floor(high - 0.5 + SNAP)
    if last < first:
        first = last = math.floor((low + high) / 2)
    return float(first), float(last)
