"""Boxes on the ground, and the grids that cover them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ogcserver.errors import CoordinateError, InvalidParameter, InvalidSubset
from ogcserver.geo.crs import is_geographic, project_bounds
from ogcserver.geo.grid import SNAP, Bounds, Grid
from ogcserver.geo.warp import pixel_ratio
from ogcserver.ows.kvp import number

_PROBE = 256
"""Pixels along an edge of the trial grid from which the output's resolution follows."""


@dataclass(frozen=True)
class AxisRange:
    """What a request wants of one spatial axis."""

    low: float = -math.inf
    high: float = math.inf
    label: str = ""
    """As the client calls the axis; for messages."""

    @classmethod
    def of(cls, label: str, lowest: str, highest: str) -> AxisRange:
        """The range between two bounds, ``*`` being an open end.

        Raises:
            InvalidSubset: a bound is not a number, or low is above high.
        """
        low, high = _bound(label, lowest, -math.inf), _bound(label, highest, math.inf)
        if low > high:
            raise InvalidSubset(f"{label}: {lowest} is above {highest}", locator=label)
        return cls(low, high, label)


@dataclass(frozen=True)
class Box:
    """A wanted part of the ground, open where the request says nothing."""

    crs: str
    x: AxisRange
    y: AxisRange

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.x.label or self.y.label)


def _bound(label: str, text: str, opened: float) -> float:
    if text == "*":
        return opened
    try:
        return number(text)
    except InvalidParameter as error:
        raise InvalidSubset(f"{label}: {error.message}", locator=label) from error


def coverage_bounds(grid: Grid, crs: str) -> Bounds:
    """The box in ``crs`` around a grid."""
    return project_bounds(grid.crs, crs, grid.bounds)


def clip(box: Box, extent: Bounds, native: Grid) -> Bounds:
    """The part of a box inside of the coverage's extent; a single point becomes a box without width.

    Args:
        extent: of the coverage, in the CRS of the box.
    Raises:
        InvalidSubset: no overlap.
    """
    same = box.crs == native.crs
    west, east = _clip(box.x, extent[0], extent[2], native.lattice.dx if same else 0.0, _turn(box.crs))
    south, north = _clip(box.y, extent[1], extent[3], native.lattice.dy if same else 0.0, 0.0)
    return west, south, east, north


def _turn(crs: str) -> float:
    """After how many units longitudes repeat; 0 where x does not."""
    return 360.0 if is_geographic(crs) else 0.0


def _clip(want: AxisRange, low: float, high: float, pixel: float, turn: float) -> tuple[float, float]:
    """Boxes that touch the extent, or reach less than :data:`SNAP` of a pixel into it, do not overlap with it."""
    for shift in (0.0, turn, -turn):
        first, last = max(want.low + shift, low), min(want.high + shift, high)
        if want.low == want.high and first == last:
            return first, last
        if last - first > SNAP * pixel:
            return first, last
    wanted = f"{want.low:.15g} to {want.high:.15g}"
    raise InvalidSubset(f"{want.label}: {wanted} is outside of {low:.15g} to {high:.15g}", locator=want.label)


def native_window(bounds: Bounds, box: Box, native: Grid) -> Grid:
    """The pixels of the coverage that ``bounds``, in the CRS of ``box``, touch.

    Edges within :data:`SNAP` of a pixel's edge lie on it. A point selects the pixel that holds it; on the edge between
    two that is the right or lower one, on the coverage's far edge the last one.

    Raises:
        InvalidSubset: none.
    """
    if box.whole:
        return native
    if box.crs != native.crs:
        bounds = _transformed(bounds, box, native)
    lattice, (west, south, east, north) = native.lattice, bounds
    window = lattice.cover((west, south, east, north))
    col = min(window.col, native.col + native.width - 1)
    row = min(window.row, native.row + native.height - 1)
    found = Grid(lattice, col, row, window.width, window.height).intersection(native)
    if found is None:
        raise InvalidSubset("the subset lies outside of the coverage", locator=box.x.label or box.y.label)
    return found


def _transformed(bounds: Bounds, box: Box, native: Grid) -> Bounds:
    """``bounds`` in the native CRS, cut to the coverage."""
    try:
        box_there = project_bounds(box.crs, native.crs, bounds)
    except CoordinateError as error:
        raise InvalidSubset(error.message, locator=box.x.label or box.y.label) from error
    west, south, east, north = box_there
    own = Box(native.crs, AxisRange(west, east, box.x.label), AxisRange(south, north, box.y.label))
    return clip(own, native.bounds, native)


def projected_grid(crs: str, bounds: Bounds, native: Grid) -> Grid:
    """``bounds`` divided into pixels as large, in the middle of the box, as the native ones.

    Pixels are about square; their number is rounded to the nearest whole one, at least one.

    Raises:
        InvalidSubset: the box has no area, or its middle has no place in the native CRS.
    """
    west, south, east, north = bounds
    if not (west < east and south < north):
        raise InvalidSubset("a point cannot be sliced out in a CRS other than the coverage's", locator="outputCrs")
    probe = Grid.from_bounds(crs, bounds, _PROBE, _PROBE)
    across, down = pixel_ratio(probe.window(_PROBE // 2, _PROBE // 2, 1, 1), native)
    area = across * down
    if not (math.isfinite(area) and area > 0):
        raise InvalidSubset("the middle of the subset lies outside of the coverage's CRS", locator="outputCrs")
    edge = math.sqrt(probe.lattice.dx * probe.lattice.dy / area)
    width, height = ((far - near) / edge for near, far in ((west, east), (south, north)))
    return Grid.from_bounds(crs, bounds, max(1, round(width)), max(1, round(height)))


def base_grid(box: Box, native: Grid, target: str) -> Grid:
    """The pixels before scaling.

    In the native CRS: the window of the native lattice that covers the box. In another: the box, at the native
    resolution. A box given in the output's CRS is kept exactly (but for what lies outside of the coverage).

    Args:
        target: the output's CRS; where a request names none, SUBSETTINGCRS (11-053r1 requirement 10).

    Raises:
        InvalidSubset: upside down, or outside of the coverage.
    """
    extent = coverage_bounds(native, box.crs)
    bounds = clip(box, extent, native)
    if target == native.crs:
        return native_window(bounds, box, native)
    if target == box.crs:
        return projected_grid(target, bounds, native)
    window = native_window(bounds, box, native)
    return projected_grid(target, coverage_bounds(window, target), native)
