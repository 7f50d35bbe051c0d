"""GeoTIFFs block by block, without GDAL: merged byte ranges, fast decoders, and a cache of decoded blocks.

What this does not read (masks, JPEG, other formats ...) goes to the reader behind it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from cachetools import LRUCache

from ogcserver.sources.base import Extent, FileBand, Place
from ogcserver.sources.blocks import decode
from ogcserver.sources.ranges import ByteSource, HttpFile, LocalFile, http_pool, merged
from ogcserver.sources.raster import (
    NO_MASK,
    Header,
    Piece,
    RasterReader,
    Raw,
    Stored,
    Window,
    identity,
    is_local,
    unreadable,
)
from ogcserver.sources.tiff import Level, NotSimpleError, Tiff, parse

_HTTP = ("http://", "https://")
_FAILURE_TRUST_S = 10.0
"""How long an address that did not answer is not asked again."""
_RANGES = 32
"""Threads that wait for further ranges of a file on the network."""


@dataclass(frozen=True, eq=False)
class _Open:
    """A file that this reader reads."""

    href: str
    source: ByteSource
    tiff: Tiff


@dataclass(frozen=True, eq=False)
class _Entry:
    """What is known of an address, and until when it is trusted."""

    version: str
    file: _Open | None
    """None: the reader behind reads it."""
    until: float
    failure: str = ""
    """Why it cannot be opened."""


class CogReader:
    """Reads :class:`FileBand`. Called from many threads.

    Args:
        behind: reads what is not a plain GeoTIFF.
        block_bytes: size of the cache of decoded blocks.
        max_files: files kept open.
        local_trust_s, remote_trust_s: how long a file here, or behind http(s), is taken to be the same without looking.
        timeout_s: for each request over the network.
    """

    def __init__(
        self,
        behind: RasterReader,
        block_bytes: int = 256 << 20,
        max_files: int = 512,
        local_trust_s: float = 1.0,
        remote_trust_s: float = 300.0,
        timeout_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._behind = behind
        self._local_trust_s, self._remote_trust_s, self._clock = local_trust_s, remote_trust_s, clock
        self._pool = http_pool(timeout_s)
        self._threads = ThreadPoolExecutor(_RANGES, thread_name_prefix="ranges")
        self._entries: LRUCache[str, _Entry] = LRUCache(max_files)
        self._blocks: LRUCache[tuple[object, ...], Stored] = LRUCache(block_bytes, getsizeof=lambda block: block.nbytes)
        self._headers: LRUCache[tuple[FileBand, str], Header] = LRUCache(65536)
        self._lock = threading.Lock()
        self.bytes_read = 0

    def header(self, place: Place) -> Header:
        file, band = self._opened(place)
        if file is None:
            return self._behind.header(place)
        key = (band, file.source.version)
        with self._lock:
            known = self._headers.get(key)
        if known is None:
            known = self._describe(file.tiff, band)
            with self._lock:
                self._headers[key] = known
        return known

    def level(self, place: Place, level: int) -> Extent:
        file, _ = self._opened(place)
        if file is None:
            return self._behind.level(place, level)
        image = file.tiff.levels[level]
        return _overview(self.header(place).extent, image.width, image.height)

    def read(self, place: Place, level: int, window: Window) -> Raw:
        file, band = self._opened(place)
        if file is None:
            return self._behind.read(place, level, window)
        image = file.tiff.levels[level]
        together = image.samples == file.tiff.bands
        plane, sample = (0, band.index - 1) if together else (band.index - 1, 0)
        numbers = list(_numbers(image, window))
        blocks = self._found(file, level, plane, numbers)
        if len(blocks) < len(numbers):
            missing = [number for number in numbers if number not in blocks]
            blocks = {**blocks, **self._fetched(file, level, plane, missing)}
        pieces = tuple(
            _piece(block, *divmod(number, image.across), image, sample, window) for number, block in blocks.items()
        )
        return Raw(pieces, file.tiff.nodata)

    def stored(self, place: Place, level: int, window: Window) -> Mapping[Hashable, int]:
        file, band = self._opened(place)
        if file is None:
            return {}
        image = file.tiff.levels[level]
        plane = 0 if image.samples == file.tiff.bands else band.index - 1
        first = plane * image.across * image.down
        return {(file.href, level, first + number): image.counts[first + number] for number in _numbers(image, window)}

    def _found(self, file: _Open, level: int, plane: int, numbers: Iterable[int]) -> dict[int, Stored]:
        """The decoded blocks that are in the cache."""
        found = {}
        with self._lock:
            for number in numbers:
                block = self._blocks.get((file.href, file.source.version, level, plane, number))
                if block is not None:
                    found[number] = block
        return found

    def _fetched(self, file: _Open, level: int, plane: int, numbers: Sequence[int]) -> dict[int, Stored]:
        """Blocks read from the file and decoded, each one ``(height, width, samples)``."""
        image, nodata = file.tiff.levels[level], file.tiff.nodata
        first = plane * image.across * image.down
        places = {number: (image.offsets[first + number], image.counts[first + number]) for number in numbers}
        try:
            raw, fetched = _bytes(file.source, places)
            decoded = {number: decode(raw[number], image, number, nodata) for number in numbers}
        except (OSError, ValueError, RuntimeError) as error:
            raise unreadable(file.href, f"cannot be read: {error}") from error
        with self._lock:
            self.bytes_read += fetched
            for number, block in decoded.items():
                if block.nbytes <= self._blocks.maxsize:
                    self._blocks[file.href, file.source.version, level, plane, number] = block
        return decoded

    def _opened(self, place: Place) -> tuple[_Open | None, FileBand]:
        """The file of a place, opened anew when it has changed; None for one that the reader behind reads."""
        if not isinstance(place, FileBand):
            raise TypeError(f"files are read here, not {type(place).__name__}")
        with self._lock:
            entry = self._entries.get(place.href)
        if entry is None or self._clock() > entry.until:
            entry = self._looked(place.href, entry)
            with self._lock:
                self._entries[place.href] = entry
        if entry.failure:
            raise unreadable(place.href, entry.failure)
        return entry.file, place

    def _looked(self, href: str, before: _Entry | None) -> _Entry:
        """What is at an address now. A failure on the network is remembered, so that not every read waits for it."""
        try:
            return self._look(href, before)
        except OSError as error:
            failure = f"cannot be opened: {error.strerror or error}"
            return _Entry("", None, self._clock() + (0.0 if is_local(href) else _FAILURE_TRUST_S), failure)

    def _look(self, href: str, before: _Entry | None) -> _Entry:
        now = self._clock()
        if is_local(href):
            version = ".".join(map(str, identity(href)))
            if before is not None and before.version == version:
                return _Entry(version, before.file, now + self._local_trust_s)
            return _Entry(version, _parsed(href, LocalFile(href, version)), now + self._local_trust_s)
        until = now + self._remote_trust_s
        if not href.startswith(_HTTP):
            return _Entry("", None, until)
        source = HttpFile(href, self._pool, self._threads)
        return _Entry(source.version, _parsed(href, source), until)

    def _describe(self, tiff: Tiff, band: FileBand) -> Header:
        if not 1 <= band.index <= tiff.bands:
            raise unreadable(band.href, f"has no band {band.index}")
        full = tiff.levels[0]
        extent = tiff.extent or self._behind.header(band).extent
        factors = tuple(full.width / level.width for level in tiff.levels)
        block = (full.block_height, full.block_width)
        return Header(extent, full.dtype.newbyteorder("=").name, tiff.nodata, factors, block)


@lru_cache(maxsize=1024)
def _overview(full: Extent, width: int, height: int) -> Extent:
    """The grid of an overview: as many pixels over the same ground."""
    return Extent(full.lattice.scaled(full.width / width, full.height / height), width, height)


def _parsed(href: str, source: ByteSource) -> _Open | None:
    try:
        return _Open(href, source, parse(source.read))
    except NotSimpleError:
        return None


def _numbers(image: Level, window: Window) -> Iterable[int]:
    """The blocks that a window touches."""
    left, top = window.col // image.block_width, window.row // image.block_height
    right = (window.col + window.width - 1) // image.block_width
    bottom = (window.row + window.height - 1) // image.block_height
    return (row * image.across + col for row in range(top, bottom + 1) for col in range(left, right + 1))


def _bytes(source: ByteSource, places: Mapping[int, tuple[int, int]]) -> tuple[dict[int, bytes], int]:
    """The bytes at each (offset, size), fetched in as few reads as pay; and how many were fetched in all."""
    found = {number: b"" for number, (_, size) in places.items() if size == 0}
    fetched = 0
    ranges = merged(place for place in places.values() if place[1])
    for (start, length), read in zip(ranges, source.read_all(ranges), strict=True):
        data = memoryview(read)
        fetched += len(data)
        for number, (offset, size) in places.items():
            if size and start <= offset and offset + size <= start + length:
                found[number] = bytes(data[offset - start : offset - start + size])
    return found, fetched


def _piece(block: Stored, row: int, col: int, image: Level, sample: int, window: Window) -> Piece:
    """The part of a block, the one at (row, column) of the level's blocks, that lies in the window."""
    left, top = col * image.block_width, row * image.block_height
    first_row, first_col = max(top, window.row), max(left, window.col)
    height = min(top + block.shape[0], window.row + window.height) - first_row
    width = min(left + block.shape[1], window.col + window.width) - first_col
    place, size = (first_row - window.row, first_col - window.col), (height, width)
    if image.samples > 1:
        part = block[first_row - top : first_row - top + height, first_col - left : first_col - left + width, sample]
        return Piece(*place, *size, np.ascontiguousarray(part).reshape(-1), width, NO_MASK)
    start = (first_row - top) * block.shape[1] + first_col - left
    return Piece(*place, *size, block.reshape(-1)[start:], block.shape[1], NO_MASK)
