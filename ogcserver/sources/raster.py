"""What a reader of rasters offers: the levels of a band, and windows of stored values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol

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


NO_MASK: Stored = np.empty((0, 0), np.uint8)
"""Stands for a mask when every pixel is valid."""


class RasterReader(Protocol):
    """Reads one kind of place. Called from many threads.

    All methods raise SourceUnavailable when the raster cannot be opened, read, or put on a north-up grid.
    """

    def header(self, place: Place) -> Header: ...

    def level(self, place: Place, level: int) -> Extent:
        """The exact grid of a level; the same extent on the ground as level 0."""
        ...

    def read(self, place: Place, level: int, window: Window) -> tuple[Stored, Stored]:
        """Stored values ``(height, width)``, and their mask (0: missing), or :data:`NO_MASK`."""
        ...
