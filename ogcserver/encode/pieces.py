"""A cube that is too large for memory, as files: put down piece by piece in any order, read back window by window."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ogcserver.cube import Array, Band, Block, compute_dtype
from ogcserver.errors import ServiceError
from ogcserver.geo.grid import Grid


@dataclass(frozen=True)
class _Piece:
    path: Path
    first: int
    """Of its times."""
    times: int
    grid: Grid


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pixels of ``bands`` and ``times`` on ``grid``, in the files of a folder.

    A file is a numpy array ``(time, band, y, x)``, NaN where missing; its name says where it belongs. It appears whole
    and for good, or not at all, so that a process may be killed at any moment, and several may put pieces.
    """

    folder: Path
    grid: Grid
    bands: tuple[Band, ...]
    times: tuple[str, ...] = ()
    """Empty for a cube without time axis."""
    durable: bool = True
    """Whether pieces must survive a loss of power."""
    check: Callable[[], None] = lambda: None
    """Is called before anything is read, and raises to stop."""

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(time, band) of each two-dimensional layer, time by time."""
        return [(time, band) for time in range(max(1, len(self.times))) for band in range(len(self.bands))]

    def put(self, block: Block) -> None:
        """Keeps a part of the cube: all bands, and times that follow one another.

        Raises:
            FileNotFoundError: the folder is gone.
        """
        first = self.times.index(block.times[0]) if self.times else 0
        col, row = block.grid.col - self.grid.col, block.grid.row - self.grid.row
        path = self.folder / f"{first}_{row}_{col}.npy"
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            with draft.open("wb") as file:
                np.save(file, np.ascontiguousarray(block.data))
                if self.durable:
                    file.flush()
                    os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        if self.durable:
            sync_folder(self.folder)

    def read(self, part: Grid, time: int, band: int) -> Array:
        """One layer of a part of the grid, ``(y, x)``.

        Raises:
            ServiceError: some of it was never put.
        """
        self.check()
        out: Array = np.empty(part.shape, compute_dtype(self.bands))
        filled = 0
        for piece in self._index:
            common = piece.grid.intersection(part) if piece.first <= time < piece.first + piece.times else None
            if common is None:
                continue
            values = np.load(piece.path, mmap_mode="r")[time - piece.first, band]
            out[_within(common, part)] = values[_within(common, piece.grid)]
            filled += common.size
        if filled != part.size:
            raise ServiceError(f"only {filled} of {part.size} pixels of a part of the result are there")
        return out

    def block(self, part: Grid) -> Block:
        """All layers of a part of the grid."""
        data: Array = np.empty((max(1, len(self.times)), len(self.bands), *part.shape), compute_dtype(self.bands))
        for time, band in self.layers:
            data[time, band] = self.read(part, time, band)
        return Block(data, part, self.bands, self.times)

    @cached_property
    def _index(self) -> tuple[_Piece, ...]:
        """What has been put when something is read first."""
        found = []
        for path in sorted(self.folder.glob("*.npy")):
            first, row, col = map(int, path.stem.split("_"))
            times, _, height, width = np.load(path, mmap_mode="r").shape
            found.append(_Piece(path, first, times, self.grid.window(col, row, width, height)))
        return tuple(found)


def windows(grid: Grid, width: int, height: int, budget: int) -> Iterator[Grid]:
    """The grid cut into parts of about ``budget`` pixels whose edges are those of blocks, row by row.

    Args:
        width, height: of a block of the file that is written; blocks are counted from the grid's corner.
    """
    across = max(1, min(-(-grid.width // width), budget // (width * height)))
    down = max(1, min(-(-grid.height // height), budget // (across * width * height)))
    for row in range(0, grid.height, down * height):
        for col in range(0, grid.width, across * width):
            yield grid.window(col, row, min(across * width, grid.width - col), min(down * height, grid.height - row))


def sync_folder(folder: Path) -> None:
    """Makes the names of files in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _within(part: Grid, whole: Grid) -> tuple[slice, slice]:
    row, col = part.row - whole.row, part.col - whole.col
    return slice(row, row + part.height), slice(col, col + part.width)
