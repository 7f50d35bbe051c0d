"""Tile matrices: pyramids of pixel lattices that are cut into tiles.

A tile is a window of its matrix's lattice, so tiles hold the same pixels as any other window of that lattice.

Source: OGC 07-057r7 (WMTS 1.0.0) clause 6.1; OGC 17-083r2 (Two Dimensional Tile Matrix Set) annex D.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ogcserver.errors import InvalidParameter, TileOutOfRange
from ogcserver.geo.crs import WGS84, lat_first, metres_per_unit, project_bounds, urn
from ogcserver.geo.grid import SNAP, Bounds, Grid, Lattice, intersect

TILE = 256
"""Edge of a tile of a native set, in pixels."""
PIXEL_M = 0.00028
"""Edge of the standardised rendering pixel, in metres (OGC 07-057r7, 6.1)."""
WORLD: Bounds = (-180.0, -90.0, 180.0, 90.0)

_SQUARE_ERROR = 0.01
"""A matrix with one scale may misplace the last pixel of a grid by so many pixels before it needs pixels of its own."""
_EPSG = re.compile(r"EPSG:\d+")


@dataclass(frozen=True)
class TileLimits:
    """The tiles of one matrix that may hold something, first and last included."""

    matrix: str
    min_row: int
    max_row: int
    min_col: int
    max_col: int


@dataclass(frozen=True)
class TileMatrix:
    """One level: ``matrix_width`` x ``matrix_height`` tiles of ``tile_width`` x ``tile_height`` pixels of a lattice."""

    id: str
    lattice: Lattice
    tile_width: int
    tile_height: int
    matrix_width: int
    matrix_height: int
    col: int = 0
    """The lattice's column at the left edge of the matrix."""
    row: int = 0
    """The lattice's row at the upper edge of the matrix."""

    def tile(self, row: int, col: int) -> Grid:
        """The pixels of a tile; rows count southward.

        Raises:
            TileOutOfRange: row or column beyond the matrix; the locator is TileRow or TileCol.
        """
        for name, index, count in (("TileRow", row, self.matrix_height), ("TileCol", col, self.matrix_width)):
            if not 0 <= index < count:
                raise TileOutOfRange(f"{name} {index} is not in 0..{count - 1} of matrix {self.id}", locator=name)
        left, top = self.col + col * self.tile_width, self.row + row * self.tile_height
        return Grid(self.lattice, left, top, self.tile_width, self.tile_height)

    def denser(self, factor: int) -> TileMatrix:
        """The same tiles with ``factor`` times as many pixels along each edge."""
        lattice = self.lattice.scaled(1 / factor, 1 / factor)
        wide, high = self.tile_width * factor, self.tile_height * factor
        corner = self.col * factor, self.row * factor
        return TileMatrix(self.id, lattice, wide, high, self.matrix_width, self.matrix_height, *corner)

    @property
    def grid(self) -> Grid:
        """All pixels of the matrix."""
        width, height = self.matrix_width * self.tile_width, self.matrix_height * self.tile_height
        return Grid(self.lattice, self.col, self.row, width, height)

    @property
    def scale_denominator(self) -> float:
        """Pixel width on the ground by that of the rendering pixel of 0.28 mm (OGC 07-057r7, 6.1)."""
        return self.lattice.dx * metres_per_unit(self.lattice.crs) / PIXEL_M

    def limits(self, bounds: Bounds) -> TileLimits | None:
        """The tiles that ``bounds``, in units of the matrix's CRS, touch; None where they lie beside the matrix."""
        window = self.lattice.cover(bounds).intersection(self.grid)
        if window is None:
            return None
        top, left = window.row - self.row, window.col - self.col
        return TileLimits(
            self.id,
            top // self.tile_height,
            (top + window.height - 1) // self.tile_height,
            left // self.tile_width,
            (left + window.width - 1) // self.tile_width,
        )


@dataclass(frozen=True)
class MatrixSet:
    """A pyramid of matrices in one CRS, coarsest first."""

    id: str
    title: str
    crs: str
    """Canonical name."""
    matrices: tuple[TileMatrix, ...]
    supported_crs: str
    """The CRS's URN in documents."""
    lat_first: bool
    """Whether documents write north before east."""
    areas: tuple[Bounds, ...] = (WORLD,)
    """Longitude/latitude boxes outside of which the set has no tiles; two where they meet at 180 degrees."""
    well_known_scales: str = ""
    """URN of the scale set that it conforms to (OGC 07-057r7, annex E); "" for none."""

    def matrix(self, identifier: str) -> TileMatrix:
        """
        Raises:
            InvalidParameter: no such matrix.
        """
        if identifier in self._by_id:
            return self._by_id[identifier]
        message = f"{self.id} has no matrix {identifier[:40]!r}: {self.matrices[0].id} to {self.matrices[-1].id}"
        raise InvalidParameter(message, locator="TileMatrix")

    @cached_property
    def _by_id(self) -> dict[str, TileMatrix]:
        return {matrix.id: matrix for matrix in self.matrices}

    def in_axis_order(self, x: float, y: float) -> tuple[float, float]:
        """A position as documents write it."""
        return (y, x) if self.lat_first else (x, y)

    def bounds_of(self, boxes: Iterable[Bounds]) -> Bounds | None:
        """The box in the set's CRS around longitude/latitude boxes; None where they all lie outside of its area."""
        inside = [part for box in boxes for area in self.areas if (part := intersect(box, area))]
        if not inside:
            return None
        xmin, ymin, xmax, ymax = zip(*(project_bounds(WGS84, self.crs, box) for box in inside), strict=True)
        return min(xmin), min(ymin), max(xmax), max(ymax)

    def covers(self, boxes: Iterable[Bounds]) -> bool:
        """Whether longitude/latitude boxes lie wholly in the set's area."""
        return all(any(intersect(box, area) == box for area in self.areas) for box in boxes)

    def denser(self, factor: int) -> MatrixSet:
        """The set ``{id}@{factor}x``: tiles of the same area with ``factor`` times as many pixels along each edge.

        For screens with more pixels than the rendering pixel of 0.28 mm has; a matrix keeps its identifier.
        """
        tile = self.matrices[0].tile_width * factor
        title = f"{self.title}, tiles of {tile} pixels"
        matrices = tuple(matrix.denser(factor) for matrix in self.matrices)
        return replace(self, id=f"{self.id}@{factor}x", title=title, matrices=matrices, well_known_scales="")

    def limits(self, boxes: Iterable[Bounds]) -> tuple[TileLimits, ...]:
        """For each matrix the tiles that longitude/latitude boxes touch; empty where they lie outside of the set."""
        bounds = self.bounds_of(boxes)
        if bounds is None:
            return ()
        return tuple(limits for matrix in self.matrices if (limits := matrix.limits(bounds)))


def native_set(grid: Grid) -> MatrixSet | None:
    """The pyramid over a job's native grid, by factors of two, from one tile to the grid's own pixels.

    All levels start at the grid's corner. Tiles of the deepest one are windows of ``grid.lattice`` itself, so they hold
    native pixels bit for bit. But a matrix has one scale for both axes (OGC 07-057r7, 6.1): where pixels are not square
    the deepest level has square ones of the shorter edge, which are resampled. The identifier follows from the pixels,
    so equal grids share a set and the tiles of a changed one get other addresses.

    Returns:
        None where the CRS has no EPSG code, for a set must name its CRS by a code that clients know.
    """
    if not _EPSG.fullmatch(grid.crs):
        return None
    finest = _with_square_pixels(grid)
    deepest = max(0, (-(-max(finest.shape) // TILE) - 1).bit_length())
    matrices = tuple(_native_matrix(finest, level, deepest - level) for level in range(deepest + 1))
    digest = hashlib.sha256(repr((finest.bounds, finest.lattice.dx, finest.lattice.dy)).encode()).hexdigest()[:8]
    code = grid.crs.partition(":")[2]
    north_first = lat_first(grid.crs)
    title = f"Native pixels in {grid.crs}"
    return MatrixSet(f"native-{code}-{digest}", title, grid.crs, matrices, urn(grid.crs), north_first)


def _with_square_pixels(grid: Grid) -> Grid:
    """The grid itself where one scale serves both axes, else one of square pixels that covers it from its corner on."""
    lattice = grid.lattice
    if abs(lattice.dy - lattice.dx) * max(grid.shape) <= _SQUARE_ERROR * lattice.dx:
        return grid
    edge = min(lattice.dx, lattice.dy)
    square = Lattice(grid.crs, lattice.x(grid.col), lattice.y(grid.row), edge, edge)
    width = math.ceil(grid.width * lattice.dx / edge - SNAP)
    height = math.ceil(grid.height * lattice.dy / edge - SNAP)
    return Grid(square, 0, 0, width, height)


def _native_matrix(finest: Grid, level: int, halvings: int) -> TileMatrix:
    """The matrix whose pixels are those of ``finest`` doubled ``halvings`` times."""
    span = TILE << halvings
    wide, high = -(-finest.width // span), -(-finest.height // span)
    lattice = finest.lattice
    if not halvings:
        return TileMatrix(str(level), lattice, TILE, TILE, wide, high, finest.col, finest.row)
    corner = Lattice(lattice.crs, lattice.x(finest.col), lattice.y(finest.row), lattice.dx, lattice.dy)
    return TileMatrix(str(level), corner.scaled(1 << halvings, 1 << halvings), TILE, TILE, wide, high)
