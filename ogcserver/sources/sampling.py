"""Which source pixels a grid needs: computed once for each source lattice, shared by all bands and dates on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ogcserver.cube import Array, Resampling
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.kernels import EPSILON, average, convolve, gather, locate, nearest_pixels, window_index, wrap
from ogcserver.geo.warp import Control, Floats, aligned_cell, centres, control, pixel_ratio
from ogcserver.sources.base import Extent
from ogcserver.sources.raster import Stored, Window

CELL = 512
"""Decisions that depend on the place, such as which overview to read, are taken for aligned cells of this many pixels,
so that they never depend on the window of a request."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """The window of a level to read, and where in it each pixel of the grid lies."""

    window: Window
    index: NDArray[np.int32 | np.int64]
    """(h, w): place of the nearest pixel in the flattened window, or -1."""
    cols: NDArray[np.float64] | None
    """Positions in the window, (h, w) or (1, w); None for nearest."""
    rows: NDArray[np.float64] | None
    span: tuple[float, float]
    """Size of a grid pixel in pixels of the level."""

    @property
    def nbytes(self) -> int:
        positions = sum(array.nbytes for array in (self.cols, self.rows) if array is not None)
        return self.index.nbytes + positions


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
    index = np.empty(points.grid.shape, _index_dtype(window))
    locate(cols, rows, *points.first, points.step, extent.width, extent.height, left, top, window.width, index)
    return Sampling(window, index, None, None, span)


def _floor(position: float) -> int:
    return int(np.floor(position + EPSILON))


def _index_dtype(window: Window) -> type[np.int32 | np.int64]:
    return np.int32 if window.size < 1 << 31 else np.int64


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
    index = np.empty(grid.shape, _index_dtype(window))
    window_index(index_col, index_row, left, top, window.width, index)
    if resampling == "nearest":
        return Sampling(window, index, None, None, span)
    return Sampling(window, index, cols - left, rows - top, span)


def _reach(resampling: Resampling, span: tuple[float, float]) -> tuple[int, int]:
    """How many pixels beyond the nearest one a sample may use."""
    if resampling == "average":
        return tuple(int(np.ceil(side / 2)) + 1 if np.isfinite(side) else 1 for side in span)  # type: ignore[return-value]
    return 2, 2


def fill(
    sampling: Sampling, resampling: Resampling, raw: Stored, valid: Stored, nodata: float | None,
    scale: float, offset: float, out: Array,
) -> None:  # fmt: skip
    """Puts the samples of a window into the missing pixels of ``out`` (h, w), as value * scale + offset."""
    kind = out.dtype.type
    mark = np.float64(np.nan if nodata is None else nodata)
    if sampling.cols is None or sampling.rows is None:
        gather(
            np.ascontiguousarray(raw).reshape(-1), np.ascontiguousarray(valid).reshape(-1), sampling.index.reshape(-1),
            mark, kind(scale), kind(offset), out.reshape(-1),
        )  # fmt: skip
    elif resampling == "average":
        width, height = (side if np.isfinite(side) else 1.0 for side in sampling.span)
        average(
            raw,
            valid,
            sampling.cols,
            sampling.rows,
            sampling.index,
            width,
            height,
            mark,
            kind(scale),
            kind(offset),
            out,
        )
    else:
        cubic = resampling == "cubic"
        convolve(raw, valid, sampling.cols, sampling.rows, sampling.index, cubic, mark, kind(scale), kind(offset), out)
