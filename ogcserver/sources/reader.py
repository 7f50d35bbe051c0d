"""Observations read onto a grid: which overview, which window, which pixel of it; mosaicking and missing files."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from ogcserver.cube import Array, Band, Resampling, compute_dtype
from ogcserver.errors import SourceUnavailable, TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.geo.warp import Control, aligned_cell, pixel_ratio
from ogcserver.sources.base import BandSource, Extent, FileBand, Observation, Place
from ogcserver.sources.raster import Header, Metered, RasterReader, Raw, Window, is_local
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
    """What files of one shape give to one cell of the grid."""

    cell: Grid
    extent: Extent
    """Of the level."""
    level: int
    sampling: Sampling


class _Cell:
    """A part of a grid in which one level serves, and what has been found out about it. Used by many threads.

    The bands and dates of an archive have few shapes, so that each question is asked for the first of them only.
    """

    def __init__(self, grid: Grid, resampling: Resampling, samplings: Samplings) -> None:
        self.grid, self._resampling, self._samplings = grid, resampling, samplings
        self._controls: dict[str, Control] = {}
        self._levels: dict[tuple[Extent, tuple[float, ...]], int] = {}
        self._parts: dict[Extent, tuple[_Part, ...]] = {}

    def parts(self, place: Place, reader: RasterReader) -> tuple[_Part, ...]:
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

    def _cut(self, extent: Extent, level: int, cell: Grid, controls: dict[str, Control]) -> Iterator[_Part]:
        sampling = self._samplings.get(extent, cell, self._resampling, controls)
        if sampling is None:
            return
        if sampling.window.size <= _MOST_PIXELS:
            yield _Part(cell, extent, level, sampling)
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


class _NativeCell:
    """A window of files that share a level, read as it is."""

    def __init__(self, native: Native) -> None:
        window = native.sampling.window
        self.grid = native.grid
        self._parts = (_Part(self.grid, native.extent, native.level, Sampling(window, None, whole=True)),)

    def parts(self, place: Place, reader: RasterReader) -> tuple[_Part, ...]:
        """The window: every file has been looked at before."""
        return self._parts


class GridReader:
    """Reads observations onto one grid. Called from many threads."""

    def __init__(
        self, reader: Reader, grid: Grid, resampling: Resampling, cells: Sequence[_Cell | _NativeCell]
    ) -> None:
        self._reader, self._grid, self._resampling, self._cells = reader, grid, resampling, cells
        self._natives: dict[Extent, Native] = {}

    def read(self, observation: Observation, bands: Sequence[Band], check: Callable[[], None]) -> tuple[Array, bool]:
        """The observation's bands on the grid, ``(1, band, y, x)``, and whether every file could be read.

        Args:
            check: called between reads; raises to stop the work.
        """
        grid, dtype = self._grid, compute_dtype(tuple(bands))
        out = np.empty((1, len(bands), *grid.shape), dtype)
        complete = True
        for cell in self._cells:
            whole = len(self._cells) == 1
            target = out[0] if whole else np.empty((len(bands), *cell.grid.shape), dtype)
            complete &= self._read_cell(cell, observation, bands, target, check)
            if not whole:
                row, col = cell.grid.row - grid.row, cell.grid.col - grid.col
                out[0, :, row : row + cell.grid.height, col : col + cell.grid.width] = target
        return out, complete

    def _read_cell(
        self,
        cell: _Cell | _NativeCell,
        observation: Observation,
        bands: Sequence[Band],
        out: Array,
        check: Callable[[], None],
    ) -> bool:
        complete = True
        for plane, band in zip(out, bands, strict=True):
            fresh = True
            for item in observation.items:
                check()
                source = item.bands.get(band.name)
                if source is None:
                    continue
                try:
                    fresh = self._fill(cell, source, plane, fresh)
                except SourceUnavailable as error:
                    self._reader.failed(error, item.id, band.name)
                    complete = False
            if fresh:
                plane.fill(np.nan)
        return complete

    def _fill(self, cell: _Cell | _NativeCell, source: BandSource, out: Array, fresh: bool) -> bool:
        """Fills the missing pixels of a plane with those of a band; whether the plane still holds nothing."""
        reader = self._reader.of(source.place)
        for part in cell.parts(source.place, reader):
            raw = reader.read(source.place, part.level, part.sampling.window)
            nodata = raw.nodata if source.nodata is None else source.nodata
            if part.cell is cell.grid:
                fill(part.sampling, self._resampling, _native(raw), nodata, source.scale, source.offset, fresh, out)
                return False
            if fresh:
                out.fill(np.nan)
                fresh = False
            row, col = part.cell.row - cell.grid.row, part.cell.col - cell.grid.col
            target = out[row : row + part.cell.height, col : col + part.cell.width]
            piece = np.ascontiguousarray(target)
            fill(part.sampling, self._resampling, _native(raw), nodata, source.scale, source.offset, False, piece)
            target[...] = piece
        return fresh

    def native(self, observation: Observation, bands: Sequence[str]) -> Native | None:
        """The one window that all these bands are read from; None where there is more than one, or none.

        Files that cannot be opened are left for :meth:`read` to meet.
        """
        if len(self._cells) > 1:
            return None
        cell, found = self._cells[0], None
        for item in observation.items:
            for source in (item.bands[name] for name in bands if name in item.bands):
                reader = self._reader.of(source.place)
                try:
                    parts = cell.parts(source.place, reader)
                except SourceUnavailable:
                    continue
                if len(parts) != 1 or (found is not None and parts[0] is not found):
                    return None
                found = parts[0]
        if found is None:
            return None
        known = self._natives.get(found.extent)
        if known is None:
            made = Native(found.extent, found.level, found.sampling, cell.grid.shape)
            known = self._natives.setdefault(found.extent, made)
        return known

    def planned(self, observation: Observation, bands: Sequence[Band]) -> Iterator[PlannedRead]:
        """What :meth:`read` would read. Opens headers, reads no pixel; files that cannot be opened are left out."""
        for cell in self._cells:
            for item in observation.items:
                for band in bands:
                    if band.name not in item.bands:
                        continue
                    place = item.bands[band.name].place
                    try:
                        reader = self._reader.of(place)
                        dtype, parts = reader.header(place).dtype, cell.parts(place, reader)
                    except SourceUnavailable as error:
                        logger.warning("%s", error.message)
                        continue
                    for part in parts:
                        yield PlannedRead(item.id, band.name, place, part.level, part.sampling.window, dtype)


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
        self.samplings = samplings
        self._readers = readers
        self._skip_unreadable = skip_unreadable
        self._lock = threading.Lock()
        self.unreadable = 0
        """How many reads have failed since the start."""

    def of(self, place: Place) -> RasterReader:
        """The reader of a kind of place."""
        return self._readers[type(place)]

    def header(self, place: Place) -> Header:
        return self.of(place).header(place)

    @property
    def bytes_read(self) -> int:
        """Of files since the start, by those readers that count."""
        return sum(reader.bytes_read for reader in self._readers.values() if isinstance(reader, Metered))

    def stored(self, planned: PlannedRead) -> Mapping[Hashable, int]:
        """The stored blocks that a read touches, and the bytes of each; nothing where the reader does not know."""
        reader = self.of(planned.place)
        return reader.stored(planned.place, planned.level, planned.window) if isinstance(reader, Metered) else {}

    def onto(self, grid: Grid, resampling: Resampling) -> GridReader:
        """Reads onto a grid: to be kept for as long as the request lasts."""
        cells = [_Cell(cell, resampling, self.samplings) for cell in grid.chunks(CELL)]
        return GridReader(self, grid, resampling, cells)

    def at(self, native: Native) -> GridReader:
        """Reads a window of files as it is."""
        return GridReader(self, native.grid, "nearest", [_NativeCell(native)])

    def failed(self, error: SourceUnavailable, item: str, band: str) -> None:
        """Counts and logs a file that could not be read.

        Raises:
            SourceUnavailable: such files are to fail the request.
        """
        with self._lock:
            self.unreadable += 1
        if not self._skip_unreadable:
            raise error
        logger.warning("band %s of item %s cannot be read, its pixels stay missing: %s", band, item, error.message)

    def prefetch(self, wanted: Sequence[Wanted], executor: Executor, check: Callable[[], None]) -> None:
        """Fetches what these reads need of files behind a network, all at once: first headers, then blocks.

        What is fetched waits in the readers' caches. Failures are left for :meth:`GridReader.read` to meet.
        """
        remote = [one for one in wanted if any(map(_is_remote, one.sources()))]
        if not remote:
            return
        places = dict.fromkeys(source.place for one in remote for source in one.sources() if _is_remote(source))
        _all(executor, [partial(self._try, check, self.header, place) for place in places])
        onto = {(one.grid, one.resampling): self.onto(one.grid, one.resampling) for one in remote}
        reads = [
            planned for one in remote for planned in onto[one.grid, one.resampling].planned(one.observation, one.bands)
        ]
        _all(executor, [partial(self._try, check, self._fetch, planned) for planned in reads])

    def _try(self, check: Callable[[], None], call: Callable[[T], object], argument: T) -> None:
        check()
        with contextlib.suppress(SourceUnavailable):
            call(argument)

    def _fetch(self, planned: PlannedRead) -> None:
        self.of(planned.place).read(planned.place, planned.level, planned.window)


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


def _native(raw: Raw) -> Raw:
    """Values in the machine's byte order, of a kind that the kernels are compiled for."""
    dtype = raw.pieces[0].values.dtype
    if dtype.isnative and dtype.kind != "b":
        return raw
    wanted = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    return replace(raw, pieces=tuple(replace(piece, values=piece.values.astype(wanted)) for piece in raw.pieces))
