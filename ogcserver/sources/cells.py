"""Parts of a grid in which one overview serves, and what files of one shape give to them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ogcserver.cube import Resampling
from ogcserver.errors import TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.geo.warp import Control, aligned_cell, pixel_ratio
from ogcserver.sources.base import Extent, Place
from ogcserver.sources.raster import Header, RasterReader
from ogcserver.sources.sampling import CELL, Sampling, Samplings

_FINE_ENOUGH = 1.001
"""An overview serves when its pixels are at most this much wider than the grid's."""
_MOST_PIXELS = 1 << 24
"""Larger windows, which files without overviews make, are read in parts."""


@dataclass(frozen=True, eq=False)
class Part:
    """What files of one shape give to one cell of the grid."""

    cell: Grid
    extent: Extent
    """Of the level."""
    level: int
    sampling: Sampling


class Cell:
    """A part of a grid in which one level serves, and what has been found out about it. Used by many threads.

    The bands and dates of an archive have few shapes, so that each question is asked for the first of them only.
    """

    def __init__(self, grid: Grid, resampling: Resampling, samplings: Samplings) -> None:
        self.grid, self._resampling, self._samplings = grid, resampling, samplings
        self._controls: dict[str, Control] = {}
        self._levels: dict[tuple[Extent, tuple[float, ...]], int] = {}
        self._parts: dict[Extent, tuple[Part, ...]] = {}

    def parts(self, place: Place, reader: RasterReader) -> tuple[Part, ...]:
        """What a file gives: nothing, one part, or several where the window would be too large to read at once.

        Raises:
            SourceUnavailable: the file cannot be opened.
            TooLarge: the window of a single pixel is.
        """
        header = reader.header(place)
        pyramid = header.extent, header.factors
        level = self._levels.get(pyramid)
        if level is None:
            level = self._levels[pyramid] = choose_level(header, self.grid)
        extent = reader.level(place, level) if level else header.extent
        found = self._parts.get(extent)
        if found is None:
            found = self._parts[extent] = tuple(self._cut(extent, level, self.grid, self._controls))
        return found

    def _cut(self, extent: Extent, level: int, cell: Grid, controls: dict[str, Control]) -> Iterator[Part]:
        sampling = self._samplings.get(extent, cell, self._resampling, controls)
        if sampling is None:
            return
        if sampling.window.size <= _MOST_PIXELS:
            yield Part(cell, extent, level, sampling)
            return
        if cell.size == 1:
            raise TooLarge(f"a pixel spans {sampling.window.size} pixels of a file that has no overviews")
        for half in _halves(cell):
            yield from self._cut(extent, level, half, {})


@dataclass(frozen=True, eq=False)
class Native:
    """The window of a level that a grid takes all its pixels from."""

    extent: Extent
    level: int
    sampling: Sampling
    shape: tuple[int, int]
    """(height, width) of the grid."""

    @property
    def grid(self) -> Grid:
        """The window as a grid of the level's own pixels."""
        window = self.sampling.window
        return Grid(self.extent.lattice, window.col, window.row, window.width, window.height)


class NativeCell:
    """A window of files that share a level, read as it is."""

    def __init__(self, native: Native) -> None:
        window = native.sampling.window
        self.grid = native.grid
        self._parts = (Part(self.grid, native.extent, native.level, Sampling(window, None, whole=True)),)

    def parts(self, place: Place, reader: RasterReader) -> tuple[Part, ...]:
        """The window: every file has been looked at before."""
        return self._parts


def choose_level(header: Header, grid: Grid) -> int:
    """The coarsest level whose pixels are not larger than those of the grid, seen in the aligned cell that holds it."""
    if len(header.factors) == 1:
        return 0
    ratio = min(pixel_ratio(aligned_cell(grid, CELL), header.extent.grid))
    if not math.isfinite(ratio):
        return 0
    return max((level for level, factor in enumerate(header.factors) if factor <= ratio * _FINE_ENOUGH), default=0)


def _halves(grid: Grid) -> tuple[Grid, Grid]:
    if grid.height >= grid.width:
        half = grid.height // 2
        return grid.window(0, 0, grid.width, half), grid.window(0, half, grid.width, grid.height - half)
    half = grid.width // 2
    return grid.window(0, 0, half, grid.height), grid.window(half, 0, grid.width - half, grid.height)
