"""Where the pixels of a grid lie in another CRS.

Coordinates are transformed exactly on a lattice of control points that is aligned to the grid's own lattice, not to
its window, and interpolated linearly between them; so a pixel's position is the same through whichever window it is
asked for. Cells where interpolation is not good to a fiftieth of a pixel are transformed pixel by pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ogcserver.errors import CoordinateError
from ogcserver.geo.crs import is_geographic, metres_per_unit, project, project_bounds
from ogcserver.geo.grid import Bounds, Grid, Lattice
from ogcserver.geo.kernels import interpolate_cells

Floats = NDArray[np.float64]

_EARTH_RADIUS = 6378137.0
_TOLERANCE = 0.02
"""Largest accepted error of an interpolated position, in output pixels."""
_STEP = 16
"""Control points are at most this many pixels apart."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """x and y of every pixel centre: each ``(h, w)``, or ``(1, w)`` and ``(h, 1)`` where the axes are independent.

    Not finite where the projection is not defined.
    """

    x: Floats
    y: Floats

    @property
    def nbytes(self) -> int:
        return self.x.nbytes + self.y.nbytes


def centres(grid: Grid) -> Coordinates:
    """The pixel centres in the grid's own CRS."""
    lattice = grid.lattice
    columns = np.arange(grid.col, grid.col + grid.width, dtype=np.float64) + 0.5
    rows = np.arange(grid.row, grid.row + grid.height, dtype=np.float64) + 0.5
    return Coordinates((lattice.x0 + columns * lattice.dx)[None, :], (lattice.y0 - rows * lattice.dy)[:, None])


def coordinates(grid: Grid, crs: str) -> Coordinates:
    """The pixel centres in ``crs``."""
    if grid.crs == crs:
        return centres(grid)
    points = control(grid, crs)
    x, y = points.interpolated(points.x), points.interpolated(points.y)
    if points.bad is not None:
        bad = points.bad_pixels()
        x[bad], y[bad] = points.exact(bad)
    return Coordinates(x, y)


@dataclass(frozen=True, eq=False)
class Control:
    """A grid's control points in another CRS: the corners of cells of ``step`` x ``step`` pixels."""

    grid: Grid
    crs: str
    step: int
    x: Floats
    """(4, cells down, cells across): of the upper left, upper right, lower left and lower right corner of each cell."""
    y: Floats
    bad: NDArray[np.bool_] | None
    """Cells in which interpolation is not good enough; None when there are none."""

    @property
    def first(self) -> tuple[int, int]:
        """Column and row of the grid's first pixel, counted from the first cell's corner."""
        return self.grid.col % self.step, self.grid.row % self.step

    def interpolated(self, corners: Floats) -> Floats:
        """Values at the corners, (4, cells down, cells across), at every pixel centre, (h, w)."""
        out = np.empty(self.grid.shape)
        interpolate_cells(corners, out, *self.first, self.step)
        return out

    def bad_pixels(self) -> NDArray[np.bool_]:
        """(h, w): the pixels of bad cells."""
        assert self.bad is not None
        col, row = self.first
        rows, columns = np.arange(self.grid.height) + row, np.arange(self.grid.width) + col
        return self.bad[np.ix_(rows // self.step, columns // self.step)]

    def exact(self, pixels: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """x and y of the chosen pixels, transformed one by one."""
        own = centres(self.grid)
        x, y = np.broadcast_to(own.x, self.grid.shape), np.broadcast_to(own.y, self.grid.shape)
        return project(self.grid.crs, self.crs, x[pixels], y[pixels])


def control(grid: Grid, crs: str) -> Control:
    """The control points of a grid in a CRS that is not its own."""
    step = control_step(grid.lattice)
    first_col, first_row = grid.col // step, grid.row // step
    across = (grid.col + grid.width - 1) // step - first_col + 1
    down = (grid.row + grid.height - 1) // step - first_row + 1
    x, y, bad = _cells(grid.lattice, crs, step, first_col, first_row, across, down)
    return Control(grid, crs, step, x, y, bad if bad.any() else None)


def control_step(lattice: Lattice) -> int:
    """Distance of the control points in pixels: a power of two, smaller where pixels span more of the earth's curve."""
    pixel = max(lattice.dx, lattice.dy) * metres_per_unit(lattice.crs)
    best = math.sqrt(0.08 * _EARTH_RADIUS / pixel)
    return int(min(_STEP, 2 ** math.floor(math.log2(max(1.0, best)))))


def _cells(
    lattice: Lattice, crs: str, step: int, first_col: int, first_row: int, cells_x: int, cells_y: int
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Corner coordinates of the cells, each (4, cells_y, cells_x), and which cells are not to be interpolated."""
    columns = (np.arange(2 * cells_x + 1) / 2 + first_col) * step
    rows = (np.arange(2 * cells_y + 1) / 2 + first_row) * step
    xs, ys = np.meshgrid(lattice.x0 + columns * lattice.dx, lattice.y0 - rows * lattice.dy)
    wanted = np.zeros(xs.shape, bool)
    wanted[::2, ::2] = wanted[1::2, 1::2] = True
    x, y = np.full(xs.shape, np.nan), np.full(xs.shape, np.nan)
    x[wanted], y[wanted] = project(lattice.crs, crs, xs[wanted], ys[wanted])
    corners_x, corners_y = _corners(x), _corners(y)
    centre_x, centre_y = x[1::2, 1::2], y[1::2, 1::2]
    with np.errstate(invalid="ignore"):
        if is_geographic(crs):  # longitudes of one cell must not jump at 180 degrees
            corners_x += 360.0 * np.round((corners_x[0] - corners_x) / 360.0)
            centre_x = centre_x + 360.0 * np.round((corners_x[0] - centre_x) / 360.0)
        shrink = np.cos(np.radians(centre_y)) if is_geographic(crs) else 1.0  # of a degree of longitude
        error = np.hypot((corners_x.mean(axis=0) - centre_x) * shrink, corners_y.mean(axis=0) - centre_y)
        size = np.hypot((corners_x[3] - corners_x[0]) * shrink, corners_y[3] - corners_y[0]) / step
        return corners_x, corners_y, ~(np.isfinite(size) & (error <= _TOLERANCE * size))


def _corners(nodes: Floats) -> Floats:
    corners = nodes[::2, ::2]
    return np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]])


def inside(grid: Grid, crs: str, bounds: Bounds) -> NDArray[np.bool_] | None:
    """Which pixel centres lie in a box of ``crs``, broadcastable to (h, w); None when all do.

    The left and lower edges belong to the box. Longitudes are taken modulo 360 degrees.
    """
    xmin, ymin, xmax, ymax = bounds
    points = coordinates(grid, crs)
    with np.errstate(invalid="ignore"):
        x = xmin + np.mod(points.x - xmin, 360.0) if is_geographic(crs) else points.x
    in_x, in_y = (x >= xmin) & (x < xmax), (points.y >= ymin) & (points.y < ymax)
    if in_x.all() and in_y.all():
        return None
    return in_x & in_y


@lru_cache(maxsize=4096)
def covers(grid: Grid, crs: str, bounds: Bounds) -> bool:
    """Whether all pixel centres surely lie in a box of ``crs``, told from the corners that they are interpolated from.

    False where only a look at each pixel, as in :func:`inside`, can tell.
    """
    xmin, ymin, xmax, ymax = bounds
    if grid.crs == crs:
        x, y = centres(grid).x, centres(grid).y
    else:
        points = control(grid, crs)
        if points.bad is not None:
            return False
        x, y = points.x, points.y
    slack_x, slack_y = (xmax - xmin) * 1e-9, (ymax - ymin) * 1e-9  # more than rounding while interpolating
    in_x = xmin + slack_x < x.min() and x.max() < xmax - slack_x
    return bool(in_x and ymin + slack_y < y.min() and y.max() < ymax - slack_y)


@lru_cache(maxsize=65536)
def pixel_ratio(cell: Grid, source: Grid) -> tuple[float, float]:
    """How many source pixels wide and high a pixel of ``cell`` is, where it is smallest; nan if it cannot be told."""
    if cell.crs == source.crs:
        return cell.lattice.dx / source.lattice.dx, cell.lattice.dy / source.lattice.dy
    x, y = _shared_points(cell, source)
    half_x, half_y = cell.lattice.dx / 2, cell.lattice.dy / 2
    px, py = project(
        cell.crs, source.crs, np.stack([x - half_x, x + half_x, x, x]), np.stack([y, y, y - half_y, y + half_y])
    )
    with np.errstate(invalid="ignore"):
        if is_geographic(source.crs):
            px = px + 360.0 * np.round((px[0] - px) / 360.0)
        columns, rows = px / source.lattice.dx, py / source.lattice.dy
        across = np.hypot(columns[1] - columns[0], rows[1] - rows[0])
        down = np.hypot(columns[3] - columns[2], rows[3] - rows[2])
    told = np.isfinite(across) & np.isfinite(down)
    if not told.any():
        return math.nan, math.nan
    return float(across[told].min()), float(down[told].min())


def _shared_points(cell: Grid, source: Grid) -> tuple[Floats, Floats]:
    """Some points of the part of ``cell`` where the source lies; of the cell's nearest edge when they do not meet.

    Far from the source its projection may not be defined, or say nothing of the sizes of its pixels.
    """
    west, south, east, north = cell.bounds
    try:
        left, bottom, right, top = project_bounds(source.crs, cell.crs, source.bounds, 5)
    except CoordinateError:
        left, bottom, right, top = cell.bounds
    turns = 360.0 * round((west + east - left - right) / 720.0) if is_geographic(cell.crs) else 0.0
    half_x, half_y = cell.lattice.dx / 2, cell.lattice.dy / 2
    xs = np.clip(np.linspace(left + turns, right + turns, 3), west + half_x, east - half_x)
    ys = np.clip(np.linspace(bottom, top, 3), south + half_y, north - half_y)
    x, y = np.meshgrid(xs, ys)
    return x.ravel(), y.ravel()


def aligned_cell(grid: Grid, edge: int) -> Grid:
    """The cell of the lattice, of ``edge`` x ``edge`` pixels, that holds the grid's first pixel."""
    return Grid(grid.lattice, grid.col // edge * edge, grid.row // edge * edge, edge, edge)
