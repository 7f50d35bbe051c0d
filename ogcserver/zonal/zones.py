"""Regions laid on a lattice of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ogcserver.errors import TooLarge
from ogcserver.geo.crs import is_geographic, project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.region_files import Regions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRAIGHT = 1e-6
"""Edges are straight in the CRS of their file; in that of the pixels they bend, and get corners until they differ from
the curve by no more than this part of a pixel."""
_HALVINGS = 12
_MOST_CORNERS = 10_000_000
_TURN = 360.0


@dataclass(frozen=True, eq=False)
class Zones:
    """The polygons of regions in pixels of a lattice: (0, 0) is the outer corner of its pixel (0, 0), y runs down.

    A region may have no ring here, and rings that lie a whole turn apart.
    """

    x: Floats
    y: Floats
    rings: Ints
    """Where each closed ring begins in ``x`` and ``y``, and where the last one ends."""
    signs: Floats
    """For each ring: what :func:`ogcserver.geo.coverage.cover` needs."""
    first: Ints
    """The first ring of each region, and where the rings of the last one end."""
    boxes: Ints
    """(region, 4): columns and rows that it may cover, ``col, row, end of columns, end of rows``; empty: all 0."""
    sizes: Floats
    """(region,): areas in pixels."""

    def inside(self, window: Grid) -> Ints:
        """The regions that may cover pixels of a window, in their order."""
        col, row, right, low = self.boxes.T
        end_col, end_row = window.col + window.width, window.row + window.height
        meets = (col < end_col) & (right > window.col) & (row < end_row) & (low > window.row)
        return np.flatnonzero(meets & (right > col))

    def whole(self, numbers: Ints, window: Grid) -> NDArray[np.bool_]:
        """Which of these regions lie in the window with all that they cover."""
        col, row, right, low = self.boxes[numbers].T
        end_col, end_row = window.col + window.width, window.row + window.height
        return np.asarray((col >= window.col) & (right <= end_col) & (row >= window.row) & (low <= end_row))


def lay(regions: Regions, grid: Grid) -> Zones:
    """The regions on the pixels of a grid; what lies outside of the grid is left to the caller.

    Of a grid in longitudes the regions are taken a whole turn to the west and to the east, too, where they meet it.

    Raises:
        TooLarge: the edges need too many corners in the CRS of the grid.
    """
    parts, owner = shapely.get_parts(regions.geometries, return_index=True)
    found, ring_part = shapely.get_rings(parts, return_index=True)
    hole = np.zeros(len(found), bool)
    hole[1:] = ring_part[1:] == ring_part[:-1]  # the shell comes first
    points, ring = shapely.get_coordinates(found, return_index=True)
    x, y, ring = _bent(points[:, 0].copy(), points[:, 1].copy(), ring, regions.crs, grid.lattice)
    counts = np.bincount(ring, minlength=len(found))
    owners = owner[ring_part]
    if is_geographic(grid.crs):
        x, y, counts, owners, hole = _turned(x, y, counts, owners, hole, grid)
    rings = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return _zones(x, y, rings, owners, hole, len(regions.geometries), grid)


def _bent(x: Floats, y: Floats, ring: Ints, crs: str, lattice: Lattice) -> tuple[Floats, Floats, Ints]:
    """Corners in pixels of the lattice, with more of them where edges bend; and the ring of each."""
    px, py = _pixels(crs, lattice, x, y)
    for _ in range(_HALVINGS if crs != lattice.crs else 0):
        edge = np.flatnonzero(ring[1:] == ring[:-1])
        middle_x, middle_y = (x[edge] + x[edge + 1]) / 2, (y[edge] + y[edge + 1]) / 2
        mx, my = _pixels(crs, lattice, middle_x, middle_y)
        with np.errstate(invalid="ignore"):  # where a projection has no place for a corner
            away = np.hypot(mx - (px[edge] + px[edge + 1]) / 2, my - (py[edge] + py[edge + 1]) / 2)
            bends = np.isfinite(away) & (away > STRAIGHT)
        if not bends.any():
            break
        if len(x) + np.count_nonzero(bends) > _MOST_CORNERS:
            raise TooLarge("the edges of the regions are too long: divide them, or send the regions in the pixels' CRS")
        after = edge[bends] + 1
        x, y = np.insert(x, after, middle_x[bends]), np.insert(y, after, middle_y[bends])
        px, py = np.insert(px, after, mx[bends]), np.insert(py, after, my[bends])
        ring = np.insert(ring, after, ring[after])
    return px, py, ring


def _pixels(crs: str, lattice: Lattice, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    px, py = project(crs, lattice.crs, x, y)
    return (px - lattice.x0) / lattice.dx, (lattice.y0 - py) / lattice.dy


def _turned(
    x: Floats, y: Floats, counts: Ints, owners: Ints, hole: NDArray[np.bool_], grid: Grid
) -> tuple[Floats, Floats, Ints, Ints, NDArray[np.bool_]]:
    """Rings as they are, and a whole turn to both sides, as far as they meet the grid's columns."""
    starts = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)
    pieces = []
    for turns in (-1, 0, 1):
        shift = turns * _TURN / grid.lattice.dx
        meets = (low + shift < grid.col + grid.width) & (high + shift > grid.col)
        points = np.repeat(meets, counts)
        pieces.append((x[points] + shift, y[points], counts[meets], owners[meets], hole[meets]))
    new_x, new_y, new_counts, new_owners, new_hole = (np.concatenate(one) for one in zip(*pieces, strict=True))
    order = np.argsort(new_owners, kind="stable")
    begin = np.cumsum(new_counts) - new_counts
    length = new_counts[order]
    place = np.repeat(begin[order] - (np.cumsum(length) - length), length) + np.arange(length.sum())
    return new_x[place], new_y[place], length, new_owners[order], new_hole[order]


def _zones(x: Floats, y: Floats, rings: Ints, owners: Ints, hole: NDArray[np.bool_], count: int, grid: Grid) -> Zones:
    first = np.searchsorted(owners, np.arange(count + 1))
    boxes, sizes = np.zeros((count, 4), np.int64), np.zeros(count)
    if not len(owners):
        return Zones(x, y, rings, np.zeros(0), first, boxes, sizes)
    begin = rings[:-1]
    areas = _areas(x, y, rings)
    signs = np.where(hole, -1.0, 1.0) * np.where(areas < 0.0, 1.0, -1.0)
    np.add.at(sizes, owners, np.where(hole, -1.0, 1.0) * np.abs(areas))
    edges = np.stack(
        [np.minimum.reduceat(x, begin), np.minimum.reduceat(y, begin), -np.maximum.reduceat(x, begin),
         -np.maximum.reduceat(y, begin)], axis=1,
    )  # fmt: skip
    least = np.full((count, 4), np.inf)
    np.minimum.at(least, owners, np.where(np.isfinite(edges), edges, np.nan))
    known = np.isfinite(least).all(axis=1)
    outer = np.array([grid.col, grid.row, -(grid.col + grid.width), -(grid.row + grid.height)], np.float64)
    kept = np.maximum(np.floor(least[known]), outer)
    boxes[known] = kept.astype(np.int64) * np.array([1, 1, -1, -1])
    boxes[(boxes[:, 0] >= boxes[:, 2]) | (boxes[:, 1] >= boxes[:, 3])] = 0
    return Zones(x, y, rings, signs, first, boxes, sizes)


def _areas(x: Floats, y: Floats, rings: Ints) -> Floats:
    """The signed area of each ring, by the shoelace formula from its own first corner."""
    counts = np.diff(rings)
    dx, dy = x - np.repeat(x[rings[:-1]], counts), y - np.repeat(y[rings[:-1]], counts)
    cross = np.zeros(len(x))
    cross[:-1] = dx[:-1] * dy[1:] - dx[1:] * dy[:-1]
    cross[rings[1:] - 1] = 0.0
    return np.asarray(np.add.reduceat(cross, rings[:-1]) / 2)
