"""Observations read onto one grid: mosaicking, missing files, and what would be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ogcserver.cube import Array, Band, Resampling, compute_dtype
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Grid
from ogcserver.sources.base import BandSource, Extent, Observation, Place
from ogcserver.sources.cells import Cell, Native, NativeCell
from ogcserver.sources.raster import RasterReader, Raw, Window
from ogcserver.sources.sampling import fill

logger = logging.getLogger(__name__)


class Files(Protocol):
    """What is needed of :class:`ogcserver.sources.reader.Reader`."""

    def of(self, place: Place) -> RasterReader:
        """The reader of a kind of place."""
        ...

    def failed(self, error: SourceUnavailable, item: str, band: str) -> None:
        """Is told of a band that could not be read; raises the error if it is to fail the request."""
        ...


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


class GridReader:
    """Reads observations onto one grid. Called from many threads."""

    def __init__(self, files: Files, grid: Grid, resampling: Resampling, cells: Sequence[Cell | NativeCell]) -> None:
        self._files, self._grid, self._resampling, self._cells = files, grid, resampling, cells
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
        cell: Cell | NativeCell,
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
                    self._files.failed(error, item.id, band.name)
                    complete = False
            if fresh:
                plane.fill(np.nan)
        return complete

    def _fill(self, cell: Cell | NativeCell, source: BandSource, out: Array, fresh: bool) -> bool:
        """Fills the missing pixels of a plane with those of a band; whether the plane still holds nothing."""
        reader = self._files.of(source.place)
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
                reader = self._files.of(source.place)
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
                        reader = self._files.of(place)
                        dtype, parts = reader.header(place).dtype, cell.parts(place, reader)
                    except SourceUnavailable as error:
                        logger.warning("%s", error.message)
                        continue
                    for part in parts:
                        yield PlannedRead(item.id, band.name, place, part.level, part.sampling.window, dtype)


def _native(raw: Raw) -> Raw:
    """Values in the machine's byte order, of a kind that the kernels are compiled for."""
    dtype = raw.pieces[0].values.dtype
    if dtype.isnative and dtype.kind != "b":
        return raw
    wanted = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    return replace(raw, pieces=tuple(replace(piece, values=piece.values.astype(wanted)) for piece in raw.pieces))
