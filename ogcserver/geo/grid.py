"""Pixel lattices and windows of them: which pixels, and where they lie.

Coordinates are x, y (east, north) whatever the axis order of the CRS. A :class:`Grid` is an integer window of a
:class:`Lattice`, so that a pixel's position depends on its index in the lattice only and never on the window that
it is asked through: the two halves of a window hold the very same positions as the whole.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property

from affine import Affine

from ogcserver.errors import InvalidParameter

Bounds = tuple[float, float, float, float]
"""(xmin, ymin, xmax, ymax) in units of some CRS; x before y even for EPSG:4326."""

SNAP = 1e-3
"""Pixel edges closer than this to a lattice line, in pixels, are meant to lie on it."""


@dataclass(frozen=True)
class Lattice:
    """An unbounded north-up raster of pixels.

    ``x0``, ``y0`` is the upper left corner of pixel (0, 0); ``dx``, ``dy`` are the pixel's width and height, both
    positive, in CRS units. Row numbers grow southward.
    """

    crs: str
    x0: float
    y0: float
    dx: float
    dy: float

    def __post_init__(self) -> None:
        values = (self.x0, self.y0, self.dx, self.dy)
        if not all(map(math.isfinite, values)) or self.dx <= 0 or self.dy <= 0:
            raise InvalidParameter(f"a pixel lattice needs finite coordinates and positive pixels, not {values}")

    @cached_property
    def _hash(self) -> int:
        return hash((self.crs, self.x0, self.y0, self.dx, self.dy))

    def __hash__(self) -> int:
        return self._hash

    def x(self, column: float) -> float:
        """The x coordinate of the left edge of ``column``."""
        return self.x0 + column * self.dx

    def y(self, row: float) -> float:
        """The y coordinate of the upper edge of ``row``."""
        return self.y0 - row * self.dy

    def column(self, x: float) -> float:
        return (x - self.x0) / self.dx

    def row(self, y: float) -> float:
        return (self.y0 - y) / self.dy

    def scaled(self, factor_x: float, factor_y: float) -> Lattice:
        """The lattice with the same origin whose pixels are ``factor`` times as wide and high."""
        return replace(self, dx=self.dx * factor_x, dy=self.dy * factor_y)

    def cover(self, bounds: Bounds) -> Grid:
        """The smallest window that holds ``bounds``; edges within :data:`SNAP` of a pixel edge are taken to lie on it.

        Raises:
            InvalidParameter: the bounds are not finite.
        """
        xmin, ymin, xmax, ymax = bounds
        if not all(map(math.isfinite, bounds)):
            raise InvalidParameter(f"bounds must be finite numbers, not {bounds}")
        left, right = _outward(self.column(xmin), self.column(xmax))
        top, bottom = _outward(self.row(ymax), self.row(ymin))
        return Grid(self, left, top, right - left, bottom - top)


def _outward(low: float, high: float) -> tuple[int, int]:
    first = math.floor(low + SNAP)
    return first, max(first + 1, math.ceil(high - SNAP))


@dataclass(frozen=True)
class Grid:
    """A window of a lattice: ``width`` x ``height`` pixels from pixel (``col``, ``row``) on."""

    lattice: Lattice
    col: int
    row: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InvalidParameter(f"a grid must have at least one pixel, not {self.width} x {self.height}")

    @cached_property
    def _hash(self) -> int:
        return hash((self.lattice, self.col, self.row, self.width, self.height))

    def __hash__(self) -> int:
        return self._hash

    @classmethod
    def from_bounds(cls, crs: str, bounds: Bounds, width: int, height: int) -> Grid:
        """The grid that divides ``bounds`` into ``width`` x ``height`` pixels; its lattice starts at its corner.

        Raises:
            InvalidParameter: bounds not finite or empty, or no pixel.
        """
        xmin, ymin, xmax, ymax = bounds
        if not (all(map(math.isfinite, bounds)) and xmin < xmax and ymin < ymax):
            raise InvalidParameter(f"bounds must be finite with xmin < xmax and ymin < ymax, not {bounds}")
        if width < 1 or height < 1:
            raise InvalidParameter(f"a grid must have at least one pixel, not {width} x {height}")
        return cls(Lattice(crs, xmin, ymax, (xmax - xmin) / width, (ymax - ymin) / height), 0, 0, width, height)

    @property
    def crs(self) -> str:
        return self.lattice.crs

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def size(self) -> int:
        """How many pixels."""
        return self.width * self.height

    @property
    def bounds(self) -> Bounds:
        lattice = self.lattice
        return (
            lattice.x(self.col),
            lattice.y(self.row + self.height),
            lattice.x(self.col + self.width),
            lattice.y(self.row),
        )

    @property
    def transform(self) -> Affine:
        """(column, row) of a pixel corner of this window -> (x, y) in CRS units."""
        lattice = self.lattice
        return Affine(lattice.dx, 0.0, lattice.x(self.col), 0.0, -lattice.dy, lattice.y(self.row))

    def window(self, col: int, row: int, width: int, height: int) -> Grid:
        """A part (or a neighbour) of this grid; ``col`` and ``row`` count from this grid's corner."""
        return Grid(self.lattice, self.col + col, self.row + row, width, height)

    def padded(self, pixels: int) -> Grid:
        """This grid and ``pixels`` more on every side."""
        return self.window(-pixels, -pixels, self.width + 2 * pixels, self.height + 2 * pixels)

    def intersection(self, other: Grid) -> Grid | None:
        """The pixels that both windows of one lattice hold, or None."""
        col, row = max(self.col, other.col), max(self.row, other.row)
        width = min(self.col + self.width, other.col + other.width) - col
        height = min(self.row + self.height, other.row + other.height) - row
        return Grid(self.lattice, col, row, width, height) if width > 0 and height > 0 else None

    def chunks(self, edge: int) -> tuple[Grid, ...]:
        """This grid cut along multiples of ``edge`` of its lattice, row by row.

        The cuts do not depend on the window, so neighbouring requests meet at the same lines.
        """
        return tuple(
            Grid(self.lattice, left, top, right - left, bottom - top)
            for top, bottom in _spans(self.row, self.height, edge)
            for left, right in _spans(self.col, self.width, edge)
        )


def _spans(start: int, length: int, edge: int) -> list[tuple[int, int]]:
    end = start + length
    cuts = [start, *range((start // edge + 1) * edge, end, edge), end]
    return list(itertools.pairwise(cuts))


def intersect(a: Bounds, b: Bounds) -> Bounds | None:
    """The common part of two boxes of one CRS, or None where they share no area."""
    xmin, ymin, xmax, ymax = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (xmin, ymin, xmax, ymax) if xmin < xmax and ymin < ymax else None
