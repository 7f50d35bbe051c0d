"""Which source pixels a grid needs: computed once for each source lattice, shared by all bands and dates on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ogcserver.cube import Array, Resampling
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.kernels import (
    EPSILON,
    average,
    convolve,
    gather,
    locate,
    nearest_pixels,
    restride,
    transfer,
    window_index,
    wrap,
)
from ogcserver.geo.warp import Control, Floats, aligned_cell, centres, control, pixel_ratio
from ogcserver.sources.base import Extent
from ogcserver.sources.raster import Raw, Window

CELL = 512
"""Decisions that depend on the place, such as which overview to read, are taken for aligned cells of this many pixels,
so that they never depend on the window of a request."""
_EDGE = 0.01
"""Pixels whose centres lie this far inside of other pixels, in parts of one, surely lie in them."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """The window of a level to read, and where in it each pixel of the grid lies."""

    window: Window
    index: NDArray[np.int32 | np.int64] | None
    """(h, w): place of the nearest pixel in the flattened window, or -1; None where the grid's pixels are the window's,
    one for one."""
    whole: bool
    """Whether every pixel of the grid lies in the window."""
    cols: NDArray[np.float64] | None = None
    """Positions in the window, (h, w) or (1, w); None for nearest."""
    rows: NDArray[np.float64] | None = None
    span: tuple[float, float] = (1.0, 1.0)
    """Size of a grid pixel in pixels of the level."""
    _strided: dict[int, NDArray[np.int32 | np.int64]] = field(default_factory=dict)
    """The index for windows whose rows are further apart, as parts of blocks are."""

    @property
    def nbytes(self) -> int:
        """With one more index for windows that are parts of blocks."""
        held = (self.index, self.index, self.cols, self.rows)
        return 256 + sum(array.nbytes for array in held if array is not None)

    def places(self, stride: int) -> NDArray[np.int32 | np.int64]:
        """The index, one-dimensional, for a window whose rows are ``stride`` pixels apart."""
        assert self.index is not None
        if stride == self.window.width:
            return self.index.reshape(-1)
        made = self._strided.get(stride)
        if made is None:
            made = np.empty(self.index.size, _index_dtype(stride * self.window.height))
            restride(self.index.reshape(-1), self.window.width, stride, made)
            self._strided.clear()  # of files with one lattice hardly any have blocks of their own width
            self._strided[stride] = made
        return made


class Samplings:
    """Makes samplings and remembers the latest, up to so many bytes. Shared by all threads."""

    def __init__(self, max_bytes: int) -> None:
        self._cache: LRUCache[tuple[Extent, Grid, Resampling], Sampling | None] = LRUCache(max_bytes, getsizeof=_size)
        self._lock = threading.Lock()

    def get(self, extent: Extent, grid: Grid, resampling: Resampling, controls: dict[str, Control]) -> Sampling | None:
        """The sampling of a level for a grid that lies in one aligned cell; None when they do not meet.

        Args:
            controls: the grid's control points by CRS; filled here, shared by the lattices of one CRS.
        """
        key = (extent, grid, resampling)
        with self._lock:
            if key in self._cache:
                return self._cache[key]
        made = _sample(extent, grid, resampling, controls)
        with self._lock:
            if made is None or made.nbytes <= self._cache.maxsize:
                self._cache[key] = made
        return made


def _size(sampling: Sampling | None) -> int:
    return 64 if sampling is None else sampling.nbytes


def _sample(extent: Extent, grid: Grid, resampling: Resampling, controls: dict[str, Control]) -> Sampling | None:
    lattice = extent.lattice
    span = pixel_ratio(aligned_cell(grid, CELL), extent.grid)
    if lattice.crs == grid.crs:
        own = centres(grid)
        if resampling == "nearest" and (window := _same_pixels(extent, grid)) is not None:
            return Sampling(window, None, whole=True)
        cols, rows = _wrapped((own.x - lattice.x0) / lattice.dx, lattice), (lattice.y0 - own.y) / lattice.dy
    else:
        if lattice.crs not in controls:
            controls[lattice.crs] = control(grid, lattice.crs)
        points = controls[lattice.crs]
        corner_cols, corner_rows = (points.x - lattice.x0) / lattice.dx, (lattice.y0 - points.y) / lattice.dy
        if resampling == "nearest" and points.bad is None and not is_geographic(lattice.crs):
            return _located(extent, points, corner_cols, corner_rows, span)
        cols, rows = points.interpolated(corner_cols), points.interpolated(corner_rows)
        if points.bad is not None:
            bad = points.bad_pixels()
            x, y = points.exact(bad)
            cols[bad], rows[bad] = (x - lattice.x0) / lattice.dx, (lattice.y0 - y) / lattice.dy
        cols = _wrapped(cols, lattice)
    return _from_positions(extent, grid, resampling, cols, rows, span)


def _wrapped(cols: Floats, lattice: Lattice) -> Floats:
    """Columns of a geographic lattice moved by whole turns to the lattice's first; others as they are."""
    if not is_geographic(lattice.crs):
        return cols
    out = np.empty(cols.shape)
    wrap(cols, 360.0 / lattice.dx, out)
    return out


def _located(extent: Extent, points: Control, cols: Floats, rows: Floats, span: tuple[float, float]) -> Sampling | None:
    """The nearest pixels straight from the corners of the control cells, (4, cells down, cells across)."""
    left, right = max(0, _floor(cols.min())), min(extent.width - 1, _floor(cols.max()))
    top, bottom = max(0, _floor(rows.min())), min(extent.height - 1, _floor(rows.max()))
    if right < left or bottom < top:
        return None
    window = Window(left, top, right - left + 1, bottom - top + 1)
    index = np.empty(points.grid.shape, _index_dtype(window.size))
    whole = locate(cols, rows, *points.first, points.step, extent.width, extent.height, left, top, window.width, index)
    return Sampling(window, index, bool(whole), span=span)


def _floor(position: float) -> int:
    return int(np.floor(position + EPSILON))


def _index_dtype(size: int) -> type[np.int32 | np.int64]:
    return np.int32 if size < 1 << 31 else np.int64


def _same_pixels(extent: Extent, grid: Grid) -> Window | None:
    """The window whose pixels the grid's are, one for one; None where they are others, or not all in the extent."""
    lattice, own = extent.lattice, centres(grid)
    col = _in_step((own.x[0, 0] - lattice.x0) / lattice.dx, (own.x[0, -1] - lattice.x0) / lattice.dx, grid.width)
    row = _in_step((lattice.y0 - own.y[0, 0]) / lattice.dy, (lattice.y0 - own.y[-1, 0]) / lattice.dy, grid.height)
    if col is None or row is None or min(col, row) < 0:
        return None
    if col + grid.width > extent.width or row + grid.height > extent.height:
        return None
    return Window(col, row, grid.width, grid.height)


def _in_step(first: float, last: float, count: int) -> int | None:
    """The pixel of the first of ``count`` evenly spaced positions, if each of the others lies in the one after."""
    start, end = np.floor(first), np.floor(last)
    middle = all(_EDGE < position - pixel < 1 - _EDGE for position, pixel in ((first, start), (last, end)))
    return int(start) if middle and end - start == count - 1 else None


def _from_positions(
    extent: Extent, grid: Grid, resampling: Resampling, cols: Floats, rows: Floats, span: tuple[float, float]
) -> Sampling | None:
    """From the position of every pixel: (h, w), or (1, w) and (h, 1) where the axes are independent."""
    index_col, index_row = np.empty(grid.shape, np.int32), np.empty(grid.shape, np.int32)
    found = np.empty(4, np.int64)
    nearest_pixels(cols, rows, extent.width, extent.height, index_col, index_row, found)
    left, right, top, bottom = map(int, found)
    if right < 0:
        return None
    reach_x, reach_y = (0, 0) if resampling == "nearest" else _reach(resampling, span)
    left, right = max(0, left - reach_x), min(extent.width - 1, right + reach_x)
    top, bottom = max(0, top - reach_y), min(extent.height - 1, bottom + reach_y)
    window = Window(left, top, right - left + 1, bottom - top + 1)
    index = np.empty(grid.shape, _index_dtype(window.size))
    whole = bool(window_index(index_col, index_row, left, top, window.width, index))
    if resampling == "nearest":
        return Sampling(window, index, whole, span=span)
    return Sampling(window, index, whole, cols - left, rows - top, span)


def _reach(resampling: Resampling, span: tuple[float, float]) -> tuple[int, int]:
    """How many pixels beyond the nearest one a sample may use."""
    if resampling == "average":
        return tuple(int(np.ceil(side / 2)) + 1 if np.isfinite(side) else 1 for side in span)  # type: ignore[return-value]
    return 2, 2


def fill(
    sampling: Sampling, resampling: Resampling, raw: Raw, nodata: float | None, scale: float, offset: float,
    fresh: bool, out: Array,
) -> None:  # fmt: skip
    """Puts the samples of a window into ``out`` (h, w), as value * scale + offset.

    Args:
        nodata: the stored value of missing pixels; None for none.
        fresh: whether ``out`` holds nothing yet and all of it is written; else only its missing pixels are filled.
    """
    kind = out.dtype.type
    factors = kind(scale), kind(offset)
    height, width = sampling.window.height, sampling.window.width
    if sampling.index is None:
        for piece in raw.pieces:
            missing = _marker(nodata, piece.values.dtype)
            place = piece.row, piece.col, piece.height, piece.width
            transfer(piece.values, piece.stride, piece.valid, fresh, *missing, *factors, *place, out)
        return
    if sampling.cols is None or sampling.rows is None:
        whole = raw.joined(height, width)
        missing = _marker(nodata, whole.values.dtype)
        places = sampling.places(whole.stride)
        gather(whole.values, whole.valid, places, sampling.whole, fresh, *missing, *factors, out.reshape(-1))
        return
    if fresh:
        out.fill(np.nan)
    window, valid = raw.window(height, width)
    mark = np.float64(np.nan if nodata is None else nodata)
    if resampling == "average":
        across, down = (side if np.isfinite(side) else 1.0 for side in sampling.span)
        average(window, valid, sampling.cols, sampling.rows, sampling.index, across, down, mark, *factors, out)
    else:
        cubic = resampling == "cubic"
        convolve(window, valid, sampling.cols, sampling.rows, sampling.index, cubic, mark, *factors, out)


@lru_cache(maxsize=1024)
def _marker(nodata: float | None, dtype: np.dtype[Any]) -> tuple[Any, bool]:
    """The nodata value in a dtype, and whether there are pixels that it could mark."""
    if nodata is None or np.isnan(nodata):  # stored NaN are missing by themselves
        return dtype.type(0), False
    with np.errstate(all="ignore"):
        mark = np.float64(nodata).astype(dtype)
    return mark, bool(mark == nodata)
