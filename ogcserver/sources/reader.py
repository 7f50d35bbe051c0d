"""Observations read onto a grid: which overview, which window, which pixel of it; mosaicking and missing files."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from ogcserver.cube import Array, Band, Resampling, compute_dtype
from ogcserver.errors import SourceUnavailable, TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.geo.warp import Control, aligned_cell, pixel_ratio
from ogcserver.sources.base import BandSource, FileBand, Observation, Place
from ogcserver.sources.raster import Header, RasterReader, Stored, Window, is_local
from ogcserver.sources.sampling import CELL, Sampling, Samplings, fill

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FINE_ENOUGH = 1.001
"""An overview serves when its pixels are at most this much wider than the grid's."""
_MOST_PIXELS = 1 << 24
"""Larger windows, which files without overviews make, are read in parts."""


@dataclass(frozen=True)
class PlannedRead:
    """One window that is read for a grid."""

    item: str
    band: str
    place: Place
    level: int
    window: Window
    dtype: str

    @property
    def nbytes(self) -> int:
        """Decoded size."""
        return self.window.size * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, eq=False)
class Wanted:
    """Bands of an observation on a grid."""

    observation: Observation
    bands: Sequence[Band]
    grid: Grid
    resampling: Resampling

    def sources(self) -> Iterator[BandSource]:
        for item in self.observation.items:
            for band in self.bands:
                if band.name in item.bands:
                    yield item.bands[band.name]


@dataclass(frozen=True, eq=False)
class _Part:
    """What one band of one item gives to one cell of the grid."""

    source: BandSource
    header: Header
    cell: Grid
    level: int
    sampling: Sampling
    resampling: Resampling


class Reader:
    """Reads observations through the readers of each kind of place. Called from many threads.

    Args:
        readers: by the type of place.
        samplings: shared index grids.
        skip_unreadable: whether a file that cannot be read leaves its pixels missing, instead of failing the request.
    """

    def __init__(
        self, readers: Mapping[type[Place], RasterReader], samplings: Samplings, skip_unreadable: bool = True
    ) -> None:
        self._readers = readers
        self._samplings = samplings
        self._skip_unreadable = skip_unreadable
        self._lock = threading.Lock()
        self.unreadable = 0
        """How many reads have failed since the start."""

    def header(self, place: Place) -> Header:
        return self._readers[type(place)].header(place)

    def read(
        self, observation: Observation, bands: Sequence[Band], grid: Grid, resampling: Resampling,
        check: Callable[[], None],
    ) -> tuple[Array, bool]:  # fmt: skip
        """The observation's bands on the grid, ``(1, band, y, x)``, and whether every file could be read.

        Args:
            check: called between reads; raises to stop the work.
        """
        out = np.full((1, len(bands), *grid.shape), np.nan, compute_dtype(tuple(bands)))
        complete = True
        for cell in grid.chunks(CELL):
            rows = slice(cell.row - grid.row, cell.row - grid.row + cell.height)
            cols = slice(cell.col - grid.col, cell.col - grid.col + cell.width)
            whole = cell == grid
            target = out if whole else np.full((1, len(bands), *cell.shape), np.nan, out.dtype)
            complete &= self._read_cell(observation, bands, cell, resampling, target[0], check)
            if not whole:
                out[:, :, rows, cols] = target
        return out, complete

    def _read_cell(
        self, observation: Observation, bands: Sequence[Band], cell: Grid, resampling: Resampling, out: Array,
        check: Callable[[], None],
    ) -> bool:  # fmt: skip
        complete = True
        controls: dict[str, Control] = {}
        for item in observation.items:
            for number, band in enumerate(bands):
                check()
                source = item.bands.get(band.name)
                if source is None:
                    continue
                try:
                    for part in self._parts(source, cell, resampling, controls):
                        self._fill(part, cell, out[number])
                except SourceUnavailable as error:
                    self._failed(error, item.id, band.name)
                    complete = False
        return complete

    def _failed(self, error: SourceUnavailable, item: str, band: str) -> None:
        with self._lock:
            self.unreadable += 1
        if not self._skip_unreadable:
            raise error
        logger.warning("band %s of item %s cannot be read, its pixels stay missing: %s", band, item, error.message)

    def prefetch(self, wanted: Sequence[Wanted], executor: Executor, check: Callable[[], None]) -> None:
        """Fetches what these reads need of files behind a network, all at once: first headers, then blocks.

        What is fetched waits in the readers' caches. Failures are left for :meth:`read` to meet.
        """
        remote = [one for one in wanted if any(map(_is_remote, one.sources()))]
        if not remote:
            return
        places = dict.fromkeys(source.place for one in remote for source in one.sources() if _is_remote(source))
        _all(executor, [partial(self._try, check, self.header, place) for place in places])
        reads = [
            planned for one in remote for planned in self.planned(one.observation, one.bands, one.grid, one.resampling)
        ]
        _all(executor, [partial(self._try, check, self._fetch, planned) for planned in reads])

    def _try(self, check: Callable[[], None], call: Callable[[T], object], argument: T) -> None:
        check()
        with contextlib.suppress(SourceUnavailable):
            call(argument)

    def _fetch(self, planned: PlannedRead) -> None:
        self._readers[type(planned.place)].read(planned.place, planned.level, planned.window)

    def planned(
        self, observation: Observation, bands: Sequence[Band], grid: Grid, resampling: Resampling
    ) -> Iterator[PlannedRead]:
        """What :meth:`read` would read. Opens headers, reads no pixel; files that cannot be opened are left out."""
        for cell in grid.chunks(CELL):
            controls: dict[str, Control] = {}
            for item in observation.items:
                for band in bands:
                    if band.name not in item.bands:
                        continue
                    try:
                        parts = list(self._parts(item.bands[band.name], cell, resampling, controls))
                    except SourceUnavailable as error:
                        logger.warning("%s", error.message)
                        continue
                    for part in parts:
                        place, window = part.source.place, part.sampling.window
                        yield PlannedRead(item.id, band.name, place, part.level, window, part.header.dtype)

    def _parts(
        self, source: BandSource, cell: Grid, resampling: Resampling, controls: dict[str, Control]
    ) -> Iterator[_Part]:
        """What a band gives to a cell: one part, or several where the window would be too large to read at once.

        Raises:
            TooLarge: the window of a single pixel is.
        """
        part = self._part(source, cell, resampling, controls)
        if part is None:
            return
        if part.sampling.window.size <= _MOST_PIXELS:
            yield part
            return
        if cell.size == 1:
            raise TooLarge(f"a pixel spans {part.sampling.window.size} pixels of a file that has no overviews")
        for half in _halves(cell):
            yield from self._parts(source, half, resampling, {})

    def _part(
        self, source: BandSource, cell: Grid, resampling: Resampling, controls: dict[str, Control]
    ) -> _Part | None:
        reader = self._readers[type(source.place)]
        header = reader.header(source.place)
        level = choose_level(header, cell)
        extent = reader.level(source.place, level) if level else header.extent
        sampling = self._samplings.get(extent, cell, resampling, controls)
        return _Part(source, header, cell, level, sampling, resampling) if sampling is not None else None

    def _fill(self, part: _Part, cell: Grid, out: Array) -> None:
        """Fills the missing pixels of ``out``, which is the cell, with those of the part."""
        source, sampling = part.source, part.sampling
        nodata = part.header.nodata if source.nodata is None else source.nodata
        raw, valid = self._readers[type(source.place)].read(source.place, part.level, sampling.window)
        if part.cell == cell:
            fill(sampling, part.resampling, _native(raw), valid, nodata, source.scale, source.offset, out)
            return
        row, col = part.cell.row - cell.row, part.cell.col - cell.col
        target = out[row : row + part.cell.height, col : col + part.cell.width]
        piece = np.ascontiguousarray(target)
        fill(sampling, part.resampling, _native(raw), valid, nodata, source.scale, source.offset, piece)
        target[...] = piece


def _is_remote(source: BandSource) -> bool:
    return isinstance(source.place, FileBand) and not is_local(source.place.href)


def _all(executor: Executor, calls: Sequence[Callable[[], None]]) -> None:
    """Makes all calls at the same time; raises the first failure after all have ended."""
    futures = [executor.submit(call) for call in calls]
    wait(futures)
    for future in futures:
        future.result()


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


def _native(raw: Stored) -> Stored:
    """Values in the machine's byte order, of a kind that the kernels are compiled for."""
    if raw.dtype.kind == "b":
        return raw.view(np.uint8)
    return raw if raw.dtype.isnative else raw.astype(raw.dtype.newbyteorder("="))
