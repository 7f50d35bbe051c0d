"""The floor: the least work that gives the same answers, written by hand for these files and nothing else.

Files are open and their headers parsed. A tile takes one transformation of control points for all bands and dates, one
``pread`` and one inflation for each block, one fused loop for gathering, NDVI and minimum, and the cheapest PNG that
decodes to the same pixels. Blocks are kept in a dictionary, which :meth:`Floor.forget` empties. There is no plan, no
cache of anything else, no limit, no error handling, no mosaicking, and no choice of anything.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from benchmarks.archive import Archive
from benchmarks.floor_kernels import (
    colour,
    locate,
    lowest_ndvi,
    lowest_ndvi_window,
    paint,
    runs,
    upward_differences,
)
from ogcserver.encode.style import Style
from ogcserver.geo.grid import Grid
from ogcserver.sources.tiff import Level, Tiff, parse

_STEP = 16
_SCALE = np.float32(0.0001)
_STRIP = 4
Block = NDArray[np.uint16]
T = TypeVar("T")


@dataclass(frozen=True)
class _File:
    descriptor: int
    tiff: Tiff


@dataclass(frozen=True)
class _Part:
    """Of one block: the stretches of output pixels that it fills."""

    number: int
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class Floor:
    """
    Args:
        threads: that decode blocks; 1 decodes in the caller's.
    """

    def __init__(self, archive: Archive, ndvi: Style, rgb: Style, threads: int = 1) -> None:
        left, _, _, top = archive.bounds
        self._corner = left, top
        self._edge = archive.size.edge
        self._files: dict[tuple[int, str], _File] = {}
        for date in range(archive.size.dates):
            for band in ("B02", "B03", "B04", "B8A"):
                descriptor = os.open(archive.path(date, band), os.O_RDONLY)
                tiff = parse(lambda offset, size, fd=descriptor: os.pread(fd, size, offset))  # type: ignore[misc]
                self._files[date, band] = _File(descriptor, tiff)
        self._blocks: dict[tuple[int, str, int, int], Block] = {}
        self._transformer = Transformer.from_crs("EPSG:3857", "EPSG:32632", always_xy=True)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads
        self._range = ndvi.rescale[0]
        self._palette = _palette(ndvi.palette)
        self._tones = _tones(rgb)

    def close(self) -> None:
        for file in self._files.values():
            os.close(file.descriptor)
        if self._pool:
            self._pool.shutdown()

    def forget(self) -> None:
        """Drops all decoded blocks."""
        self._blocks.clear()

    def ndvi(self, grid: Grid, dates: range) -> bytes:
        """The minimum NDVI of some dates on a web-mercator tile, as PNG."""
        level, offset, parts = self._locate(grid)
        self._decode(dates, ("B04", "B8A"), level, parts)
        lowest = np.full(grid.size, np.inf, np.float32)
        for date in dates:
            for part in parts:
                red, nir = (self._blocks[date, band, level, part.number].ravel() for band in ("B04", "B8A"))
                lowest_ndvi(red, nir, offset, part.starts, part.ends, _SCALE, lowest)
        rows = np.empty((grid.height, 1 + grid.width), np.uint8)
        low, high = self._range
        paint(lowest.reshape(grid.shape), low, 254 / (high - low), 254.0, rows)
        return _png(grid, 3, self._palette, rows)

    def true_colour(self, grid: Grid, date: int) -> bytes:
        """Red, green and blue of one date on a web-mercator tile, as PNG."""
        level, offset, parts = self._locate(grid)
        bands = ("B04", "B03", "B02")
        self._decode(range(date, date + 1), bands, level, parts)
        pixels = np.zeros((grid.size, 4), np.uint8)
        painted = 0
        for part in parts:
            red, green, blue = (self._blocks[date, band, level, part.number].ravel() for band in bands)
            painted += colour(red, green, blue, offset, part.starts, part.ends, self._tones, pixels)
        samples = 3 if painted == grid.size else 4
        rows = np.empty((grid.height, 1 + samples * grid.width), np.uint8)
        upward_differences(pixels.reshape(*grid.shape, 4), samples, rows)
        return _png(grid, 2 if samples == 3 else 6, b"", rows)

    def coverage(self, grid: Grid, dates: range) -> bytes:
        """The minimum NDVI of some dates on native pixels, as float32 GeoTIFF; ``grid`` is a window of the raster."""
        image = self._files[0, "B04"].tiff.levels[0]
        edge = image.block_width
        numbers = [
            row * image.across + col
            for row in range(grid.row // edge, (grid.row + grid.height - 1) // edge + 1)
            for col in range(grid.col // edge, (grid.col + grid.width - 1) // edge + 1)
        ]
        nothing = np.empty(0, np.int32)
        self._decode(dates, ("B04", "B8A"), 0, [_Part(number, nothing, nothing) for number in numbers])
        lowest = np.full(grid.shape, np.inf, np.float32)

        def fill(number: int) -> None:
            top, left = number // image.across * edge, number % image.across * edge
            first, last = max(grid.row, top), min(grid.row + grid.height, top + edge)
            start, end = max(grid.col, left), min(grid.col + grid.width, left + edge)
            out = lowest[first - grid.row : last - grid.row, start - grid.col : end - grid.col]
            for date in dates:
                red, nir = (self._blocks[date, band, 0, number] for band in ("B04", "B8A"))
                lowest_ndvi_window(red, nir, first - top, start - left, _SCALE, out)

        self._each(fill, numbers)
        lowest[np.isinf(lowest)] = np.nan
        tops = range(0, grid.height, _STRIP)
        return _geotiff(self._each(lambda top: _strip(lowest[top : top + _STRIP]), tops), grid)

    def _each(self, work: Callable[[int], T], numbers: Sequence[int]) -> list[T]:
        return list(self._pool.map(work, numbers) if self._pool else map(work, numbers))

    def _locate(self, grid: Grid) -> tuple[int, NDArray[np.int32], list[_Part]]:
        """The level to read, the place of every pixel in its block, and the blocks that the tile touches."""
        lattice = grid.lattice
        columns = grid.col + np.arange(grid.width // _STEP + 1) * _STEP
        rows = grid.row + np.arange(grid.height // _STEP + 1) * _STEP
        xs, ys = np.meshgrid(lattice.x0 + columns * lattice.dx, lattice.y0 - rows * lattice.dy)
        nodes_x, nodes_y = self._transformer.transform(xs, ys)
        pixel = math.hypot(nodes_x[0, 1] - nodes_x[0, 0], nodes_y[0, 1] - nodes_y[0, 0]) / _STEP
        levels = self._files[0, "B04"].tiff.levels
        level = max(n for n, image in enumerate(levels) if n == 0 or 20 * self._edge / image.width <= pixel)
        image = levels[level]
        offset, numbers = np.empty(grid.shape, np.int32), np.empty(grid.shape, np.int32)
        size = 20 * self._edge / image.width
        locate(nodes_x, nodes_y, *self._corner, size, image.width, image.height, image.across, offset, numbers)
        starts, ends, blocks = (np.empty(grid.size, np.int32) for _ in range(3))
        count = runs(numbers, starts, ends, blocks)
        starts, ends, blocks = starts[:count], ends[:count], blocks[:count]
        parts = [_Part(int(n), starts[blocks == n], ends[blocks == n]) for n in np.unique(blocks)]
        return level, offset.ravel(), parts

    def _decode(self, dates: range, bands: tuple[str, ...], level: int, parts: list[_Part]) -> None:
        """Reads the blocks that are not there yet."""
        wanted = ((date, band, level, part.number) for date in dates for band in bands for part in parts)
        missing = [key for key in wanted if key not in self._blocks]
        if self._pool is None or len(missing) < 2:
            for key in missing:
                self._read(key)
        else:
            shares = [missing[number :: self._threads] for number in range(self._threads)]
            list(self._pool.map(lambda share: [self._read(key) for key in share], shares))

    def _read(self, key: tuple[int, str, int, int]) -> None:
        date, band, level, number = key
        file = self._files[date, band]
        image: Level = file.tiff.levels[level]
        raw = os.pread(file.descriptor, image.counts[number], image.offsets[number])
        edge = image.block_width
        data = imagecodecs.deflate_decode(raw, out=edge * edge * 2)
        self._blocks[key] = imagecodecs.delta_decode(np.frombuffer(data, np.uint16).reshape(edge, edge), axis=1)


def _tones(style: Style) -> NDArray[np.uint8]:
    """The 8-bit tone of every stored value, by the style's stretch and gamma."""
    low, high = style.rescale[0]
    values = np.arange(65536, dtype=np.float32) * _SCALE
    places = np.clip((values.astype(np.float64) - low) * (4095 / (high - low)), 0.0, 4095.0) + 0.5
    levels = np.rint(255.0 * np.linspace(0.0, 1.0, 4096) ** (1.0 / style.tone.gamma)).astype(np.uint8)
    return levels[places.astype(np.int64)]


def _palette(colours: bytes) -> bytes:
    table = np.frombuffer(bytes(4) + colours, np.uint8).reshape(-1, 4)
    return _chunk(b"PLTE", table[:, :3].tobytes()) + _chunk(b"tRNS", b"\0")


def _png(grid: Grid, kind: int, chunks: bytes, rows: NDArray[np.uint8]) -> bytes:
    header = struct.pack(">IIBBBBB", grid.width, grid.height, 8, kind, 0, 0, 0)
    pixels = imagecodecs.deflate_encode(rows, level=1)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", header) + chunks + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _strip(values: NDArray[np.float32]) -> bytes:
    return bytes(imagecodecs.deflate_encode(imagecodecs.floatpred_encode(values, axis=-1), level=1))


def _geotiff(strips: list[bytes], grid: Grid) -> bytes:
    """A float32 GeoTIFF of strips of deflate with predictor 3, UTM 32N."""
    height, width = grid.shape
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632)
    lattice = grid.lattice
    corner = (0.0, 0.0, 0.0, lattice.x(grid.col), lattice.y(grid.row), 0.0)
    counts = [len(strip) for strip in strips]
    tags: list[tuple[int, str, tuple[float, ...]]] = [
        (256, "I", (width,)), (257, "I", (height,)), (258, "H", (32,)), (259, "H", (8,)), (262, "H", (1,)),
        (273, "I", tuple(np.cumsum([0, *counts[:-1]]).tolist())), (277, "H", (1,)), (278, "I", (_STRIP,)),
        (279, "I", tuple(counts)), (317, "H", (3,)), (339, "H", (3,)), (33550, "d", (lattice.dx, lattice.dy, 0.0)),
        (33922, "d", corner), (34735, "H", keys),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    extra = sum(struct.calcsize(f"<{len(v)}{form}") for _, form, v in tags if struct.calcsize(f"<{len(v)}{form}") > 4)
    entries, tail = b"", b""
    for tag, form, numbers in tags:
        moved = tuple(int(number) + start + extra for number in numbers) if tag == 273 else numbers
        data = struct.pack(f"<{len(moved)}{form}", *moved)
        if len(data) > 4:
            data, tail = struct.pack("<I", start + len(tail)), tail + data
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4, "d": 12}[form], len(numbers)) + data.ljust(4, b"\0")
    directory = struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", 8) + directory + tail + b"".join(strips)
