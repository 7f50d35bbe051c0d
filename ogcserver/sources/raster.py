"""What a reader of rasters offers: the levels of a band, and windows of stored values."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.base import Extent, Place

Stored = NDArray[Any]


@dataclass(frozen=True)
class Header:
    """A raster band's own description of itself. Level 0 is full resolution, the others are its overviews."""

    extent: Extent
    dtype: str
    nodata: float | None
    factors: tuple[float, ...] = (1.0,)
    """How many full-resolution pixels a pixel of each level spans, about; growing from 1."""
    block: tuple[int, int] = (512, 512)
    """(height, width) of the blocks that are stored together."""


@dataclass(frozen=True)
class Window:
    """A part of a level, in its pixels."""

    col: int
    row: int
    width: int
    height: int

    @property
    def size(self) -> int:
        return self.width * self.height


Identity = tuple[int, int, int]
"""Inode, size and time of change of a local file: another one means other pixels."""


def is_local(href: str) -> bool:
    """Whether the address is a path of this machine."""
    return "://" not in href and not href.startswith("/vsi")


def identity(href: str) -> Identity:
    """The identity of a local file; the same for all other addresses.

    Raises:
        OSError: there is no such file.
    """
    if not is_local(href):
        return (0, 0, 0)
    status = os.stat(href)  # noqa: PTH116 - several times faster than pathlib, and on the path of every read
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def shown(href: str) -> str:
    """An address as clients may see it: without the folders of this machine, without a query that may hold secrets."""
    if is_local(href):
        return PurePath(href).name
    return href.partition("?")[0]


def unreadable(href: str, reason: str) -> SourceUnavailable:
    """The error for a raster that cannot be used."""
    return SourceUnavailable(f"{shown(href)} {reason.replace(href, shown(href))[:300]}")


NO_MASK: Stored = np.empty(0, np.uint8)
"""Stands for a mask when every pixel is valid."""


@dataclass(frozen=True, eq=False, slots=True)
class Piece:
    """A part of a window as it is stored; most windows have one."""

    row: int
    """Of its first pixel, from the window's."""
    col: int
    height: int
    width: int
    values: Stored
    """One-dimensional: pixel (row, column) of the piece is at ``row * stride + column``."""
    stride: int
    valid: Stored
    """Laid out as the values, 0 where a pixel is missing; or :data:`NO_MASK`."""


@dataclass(frozen=True, eq=False, slots=True)
class Raw:
    """The pixels of a window as they are stored. They may be parts of blocks that others use: never write."""

    pieces: tuple[Piece, ...]
    nodata: float | None
    """The stored value of missing pixels, as the file says."""

    @classmethod
    def of(cls, values: Stored, valid: Stored | None = None, nodata: float | None = None) -> Raw:
        """From arrays ``(height, width)``."""
        mask = NO_MASK if valid is None else np.ascontiguousarray(valid).reshape(-1)
        height, width = values.shape
        return cls((Piece(0, 0, height, width, np.ascontiguousarray(values).reshape(-1), width, mask),), nodata)

    def joined(self, height: int, width: int) -> Piece:
        """The whole window as one piece."""
        if len(self.pieces) == 1:
            return self.pieces[0]
        out = np.empty((height, width), self.pieces[0].values.dtype)
        for piece in self.pieces:
            rows = slice(piece.row, piece.row + piece.height)
            out[rows, piece.col : piece.col + piece.width] = _rows(piece.values, piece)
        return Piece(0, 0, height, width, out.reshape(-1), width, NO_MASK)

    def window(self, height: int, width: int) -> tuple[Stored, Stored]:
        """Values and mask as ``(height, width)``; an empty mask for none."""
        piece = self.joined(height, width)
        return _rows(piece.values, piece), _rows(piece.valid, piece)


def _rows(flat: Stored, piece: Piece) -> Stored:
    if not flat.size:
        return flat.reshape(0, 0)
    steps = piece.stride * flat.itemsize, flat.itemsize
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, (piece.height, piece.width), steps))


class RasterReader(Protocol):
    """Reads one kind of place. Called from many threads.

    All methods raise SourceUnavailable when the raster cannot be opened, read, or put on a north-up grid.
    """

    def header(self, place: Place) -> Header: ...

    def level(self, place: Place, level: int) -> Extent:
        """The exact grid of a level; the same extent on the ground as level 0."""
        ...

    def read(self, place: Place, level: int, window: Window) -> Raw:
        """The stored pixels of a window."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A reader that knows what its files store, for those who want to know what a request costs."""

    bytes_read: int
    """Of files, since the start."""

    def stored(self, place: Place, level: int, window: Window) -> Mapping[Hashable, int]:
        """The blocks that a window touches, and how many bytes each has in its file; nothing for files read by others.

        Raises:
            SourceUnavailable: as :class:`RasterReader`.
        """
        ...
