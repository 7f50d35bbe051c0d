"""Local GeoTIFFs block by block, without GDAL: positioned reads, fast decoders, and a cache of decoded blocks.

What this does not read (masks, JPEG, remote files, other formats ...) goes to the reader behind it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from cachetools import LRUCache

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.base import Extent, FileBand, Place
from ogcserver.sources.raster import (
    NO_MASK,
    Header,
    Identity,
    RasterReader,
    Stored,
    Window,
    identity,
    is_local,
)
from ogcserver.sources.tiff import Level, NotSimpleError, Tiff, parse


class _Handle:
    """An open file; closed when nobody uses it any more. Positioned reads need no lock."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


@dataclass(frozen=True, eq=False)
class _File:
    identity: Identity
    handle: _Handle
    tiff: Tiff | None
    """None: the reader behind reads it."""


class CogReader:
    """Reads :class:`FileBand`. Called from many threads.

    Args:
        behind: reads what is not a plain local GeoTIFF.
        block_bytes: size of the cache of decoded blocks.
        max_files: files kept open.
    """

    def __init__(self, behind: RasterReader, block_bytes: int = 256 << 20, max_files: int = 512) -> None:
        self._behind = behind
        self._files: LRUCache[str, _File] = LRUCache(max_files)
        self._blocks: LRUCache[tuple[object, ...], Stored] = LRUCache(block_bytes, getsizeof=lambda block: block.nbytes)
        self._headers: LRUCache[tuple[FileBand, Identity], Header] = LRUCache(65536)
        self._lock = threading.Lock()

    def header(self, place: Place) -> Header:
        file, band = self._opened(place)
        if file is None or file.tiff is None:
            return self._behind.header(place)
        key = (band, file.identity)
        with self._lock:
            known = self._headers.get(key)
        if known is None:
            known = self._describe(file.tiff, band)
            with self._lock:
                self._headers[key] = known
        return known

    def level(self, place: Place, level: int) -> Extent:
        file, _ = self._opened(place)
        if file is None or file.tiff is None:
            return self._behind.level(place, level)
        full, image = self.header(place).extent, file.tiff.levels[level]
        lattice = full.lattice.scaled(full.width / image.width, full.height / image.height)
        return Extent(lattice, image.width, image.height)

    def read(self, place: Place, level: int, window: Window) -> tuple[Stored, Stored]:
        file, band = self._opened(place)
        if file is None or file.tiff is None:
            return self._behind.read(place, level, window)
        image = file.tiff.levels[level]
        plane = 0 if image.samples == file.tiff.bands else band.index - 1
        sample = band.index - 1 if image.samples == file.tiff.bands else 0
        left, top = window.col // image.block_width, window.row // image.block_height
        right = (window.col + window.width - 1) // image.block_width
        bottom = (window.row + window.height - 1) // image.block_height
        out = np.empty((window.height, window.width), image.dtype.newbyteorder("="))
        for row in range(top, bottom + 1):
            for col in range(left, right + 1):
                block = self._block(file, band.href, level, plane, row * image.across + col)
                _copy(block[:, :, sample], col * image.block_width, row * image.block_height, window, out)
        return out, NO_MASK

    def _opened(self, place: Place) -> tuple[_File | None, FileBand]:
        """The file of a place, opened anew when it has changed; None for one that is not local."""
        if not isinstance(place, FileBand):
            raise TypeError(f"files are read here, not {type(place).__name__}")
        if not is_local(place.href):
            return None, place
        try:
            current = identity(place.href)
            with self._lock:
                file = self._files.get(place.href)
            if file is None or file.identity != current:
                file = _open(place.href, current)
                with self._lock:
                    self._files[place.href] = file
        except OSError as error:
            raise SourceUnavailable(f"cannot open {place.href}: {error.strerror}", locator=place.href) from error
        return file, place

    def _describe(self, tiff: Tiff, band: FileBand) -> Header:
        if not 1 <= band.index <= tiff.bands:
            raise SourceUnavailable(f"{band.href} has no band {band.index}", locator=band.href)
        full = tiff.levels[0]
        extent = tiff.extent or self._behind.header(band).extent
        factors = tuple(full.width / level.width for level in tiff.levels)
        block = (full.block_height, full.block_width)
        return Header(extent, full.dtype.newbyteorder("=").name, tiff.nodata, factors, block)

    def _block(self, file: _File, href: str, level: int, plane: int, number: int) -> Stored:
        """A decoded block, (height, width, samples), from the cache or the file."""
        key = (href, file.identity, level, plane, number)
        with self._lock:
            known = self._blocks.get(key)
        if known is not None:
            return known
        assert file.tiff is not None
        image = file.tiff.levels[level]
        place = plane * image.across * image.down + number
        try:
            raw = file.handle.read(image.offsets[place], image.counts[place])
            block = _decode(raw, image, number, file.tiff.nodata)
        except (OSError, ValueError, RuntimeError) as error:
            message = f"cannot read block {number} of {href}: {str(error)[:200]}"
            raise SourceUnavailable(message, locator=href) from error
        with self._lock:
            if block.nbytes <= self._blocks.maxsize:
                self._blocks[key] = block
        return block


def _open(href: str, current: Identity) -> _File:
    handle = _Handle(href)
    try:
        tiff = parse(handle.read)
    except NotSimpleError:
        tiff = None
    return _File(current, handle, tiff)


def _copy(block: Stored, left: int, top: int, window: Window, out: Stored) -> None:
    """Copies the part of a block, whose first pixel is (left, top) of the level, that lies in the window."""
    first_row, first_col = max(top, window.row), max(left, window.col)
    last_row = min(top + block.shape[0], window.row + window.height)
    last_col = min(left + block.shape[1], window.col + window.width)
    out[first_row - window.row : last_row - window.row, first_col - window.col : last_col - window.col] = block[
        first_row - top : last_row - top, first_col - left : last_col - left
    ]


def _decode(raw: bytes, image: Level, number: int, nodata: float | None) -> Stored:
    """
    Raises:
        ValueError, RuntimeError: the bytes are damaged.
    """
    rows = image.block_height
    if image.block_width == image.width:  # the last strip may be lower
        rows = min(rows, image.height - number // image.across * rows) if len(raw) else rows
    shape = (rows, image.block_width, image.samples)
    size = int(np.prod(shape)) * image.dtype.itemsize
    if not raw:  # a block that was never written
        fill = 0 if nodata is None or (image.dtype.kind != "f" and not np.isfinite(nodata)) else nodata
        return np.full(shape, fill, image.dtype.newbyteorder("="))
    data = _inflate(raw, image.compression, size * image.block_height // rows)
    if len(data) < size:
        raise ValueError(f"{len(data)} bytes where {size} are expected")
    if image.predictor == 3:
        values = np.frombuffer(data, np.uint8, size).view(image.dtype.newbyteorder("=")).reshape(shape)
        decoded = imagecodecs.floatpred_decode(values, axis=-2)
        return np.asarray(decoded, image.dtype.newbyteorder("="))
    values = np.frombuffer(data, image.dtype, size // image.dtype.itemsize).reshape(shape)
    if not image.dtype.isnative:
        values = values.astype(image.dtype.newbyteorder("="))
    if image.predictor == 2:
        values = _undo_differences(values)
    return values


def _undo_differences(values: Stored) -> Stored:
    """Horizontal differences summed up again, with the overflow of the values' own width."""
    if values.dtype.kind == "f":  # TIFF differences floats as integers of their width
        integers = values.view(np.dtype(f"u{values.dtype.itemsize}"))
        return np.cumsum(integers, axis=1, dtype=integers.dtype).view(values.dtype)
    return np.asarray(imagecodecs.delta_decode(values, axis=1))


def _inflate(raw: bytes, compression: str, size: int) -> Any:
    if compression == "none":
        return raw
    if compression == "deflate":
        return imagecodecs.deflate_decode(raw, out=size)
    if compression == "lzw":
        return imagecodecs.lzw_decode(raw, out=size)
    return imagecodecs.zstd_decode(raw, out=size)
