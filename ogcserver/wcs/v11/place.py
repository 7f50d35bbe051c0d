"""From a GetCoverage request of WCS 1.1 to the pixels it means.

The grid is a lattice of points, the centres of pixels, through the origin; the box chooses those inside of it, its
edges included. So a box from centre to centre, as QGIS and GDAL send it, has (upper - lower) / offset + 1 columns. The
answer is not clipped to the coverage: what hangs over is padding. Only a request that leaves the grid to the coverage
gets no more than the coverage has. A grid on the native lattice gives native pixels bit for bit.

Source: OGC 07-067r5 clauses 9.3 (GridCRS) and 10.2 (GetCoverage).
"""

from __future__ import annotations

import math

from ogcserver.coverages.boxes import projected_grid
from ogcserver.coverages.sizes import limited
from ogcserver.cube import Resampling
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.grid import SNAP, Bounds, Grid, Lattice
from ogcserver.wcs.identify import Sent
from ogcserver.wcs.v1.choice import Locators, placed
from ogcserver.wcs.v11.requests import Box, GetCoverage, GridCrs
from ogcserver.wcs.windows import Placing

_NAMES = Locators("BoundingBox", "TimeSequence", "RangeSubset")


def place(ask: GetCoverage, coverage: Description, resampling: Resampling, max_pixels: int) -> Placing:
    """What the engine shall compute, and where the answer lies.

    Args:
        resampling: of the coverage, where the request names no interpolation.
        max_pixels: the operator's limit on columns x rows.
    Raises:
        CoordinateError: the box cannot be expressed in the grid's CRS.
        TooLarge: over ``max_pixels``; nothing is allocated before.
        others: as :func:`ogcserver.wcs.v1.choice.placed` says.
    """
    native = coverage.grid
    crs = ask.grid.crs or native.crs
    box = _bounds(ask.box, native, crs)
    if ask.grid.offsets is None and crs != native.crs:
        stated = projected_grid(crs, box, native)
        limited(stated.width, stated.height, max_pixels, "BoundingBox")
    else:
        stated = _window(_lattice(ask.grid, box, native), box, max_pixels, None if ask.grid.crs else native)
    own = ask.box.image is None and ask.box.crs in (None, native.crs)
    sent = Sent(ask.box.bounds, of_centres=True) if own else None
    return placed(stated, coverage, ask.choice, resampling, sent, _NAMES)


def _bounds(box: Box, native: Grid, crs: str) -> Bounds:
    """The box in the CRS of the grid."""
    if box.image is None:
        return project_bounds(box.crs or native.crs, crs, box.bounds)
    left, top, right, bottom = box.bounds
    lattice, col, row = native.lattice, native.col + box.image, native.row + box.image
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


def _window(lattice: Lattice, box: Bounds, max_pixels: int, within: Grid | None) -> Grid:
    """The pixels whose centres the box holds, to within :data:`SNAP`; the nearest one where it holds none.

    Args:
        within: the grid that the window must not leave, if any; a box beside it is left as it is.
    """
    west, south, east, north = box
    columns = _centres(lattice.column(west), lattice.column(east))
    rows = _centres(lattice.row(north), lattice.row(south))
    if within:
        columns = _clipped(columns, within.col, within.width)
        rows = _clipped(rows, within.row, within.height)
    width, height = limited(columns[1] - columns[0] + 1, rows[1] - rows[0] + 1, max_pixels, "GridOffsets")
    return Grid(lattice, int(columns[0]), int(rows[0]), width, height)


def _clipped(ends: tuple[float, float], first: int, count: int) -> tuple[float, float]:
    low, high = max(ends[0], float(first)), min(ends[1], first + count - 1.0)
    return (low, high) if low <= high else ends


def _centres(low: float, high: float) -> tuple[float, float]:
    """First and last pixel with its centre from ``low`` to ``high``, whole numbers as floats."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return -math.inf, math.inf
    first, last = math.ceil(low - 0.5 - SNAP), math.floor(high - 0.5 + SNAP)
    if last < first:
        first = last = math.floor((low + high) / 2)
    return float(first), float(last)
