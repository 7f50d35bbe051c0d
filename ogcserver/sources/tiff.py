"""The structure of a TIFF file, as far as blocks of pixels are read without GDAL.

Sources: TIFF 6.0; BigTIFF (awaresystems); OGC 19-008r4 (GeoTIFF 1.1); GDAL's nodata tag 42113.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ogcserver.errors import CrsError, InvalidParameter
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Lattice
from ogcserver.sources.base import Extent

ReadAt = Callable[[int, int], bytes]
"""(offset, size) -> bytes; fewer at the end of the file."""

COMPRESSIONS: Mapping[int, str] = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 50000: "zstd"}
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_KINDS = {1: "u", 2: "i", 3: "f"}
_WANTED = frozenset(
    (
        *(254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339),
        *(33550, 33922, 34264, 34735, 42113),
    )
)
_MOST_PAGES = 64
_MOST_TAG_BYTES = 1 << 26
_MOST_BLOCK_BYTES = 1 << 28


class NotSimpleError(Exception):
    """The file is not of the kind that is read here; GDAL may still read it."""


@dataclass(frozen=True, eq=False)
class Level:
    """One image of the file: full resolution, or an overview of it."""

    width: int
    height: int
    block_width: int
    block_height: int
    samples: int
    """Bands that are stored together in one block; 1 where each band has its own blocks."""
    dtype: np.dtype[Any]
    compression: str
    predictor: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def across(self) -> int:
        """Blocks in a row of blocks."""
        return -(-self.width // self.block_width)

    @property
    def down(self) -> int:
        return -(-self.height // self.block_height)


@dataclass(frozen=True, eq=False)
class Tiff:
    """A file whose bands are all of one kind."""

    bands: int
    levels: tuple[Level, ...]
    """Full resolution first, then the overviews, each smaller than the one before."""
    nodata: float | None
    extent: Extent | None
    """None when the file's own georeference is not a plain north-up grid with an EPSG code."""


def parse(read: ReadAt) -> Tiff:
    """
    Raises:
        NotSimpleError: not a TIFF, damaged, or with features that are not read here (masks, alpha, odd bits, JPEG ...).
    """
    try:
        return _tiff(_Pages(read).all())
    except (struct.error, KeyError, IndexError, ValueError, OverflowError) as error:
        raise NotSimpleError(str(error)) from error


class _Pages:
    """Reads the image file directories, the first part of the file at once."""

    def __init__(self, read: ReadAt) -> None:
        self._read = read
        self._head = read(0, 16384)
        order = {b"II": "<", b"MM": ">"}.get(self._head[:2])
        version = self._unpack(f"{order}H", 2)[0] if order else 0
        if version not in (42, 43):
            raise NotSimpleError("not a TIFF")
        self.order = str(order)
        self._big = version == 43

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size <= len(self._head):
            return self._head[offset : offset + size]
        return self._read(offset, size)

    def _unpack(self, form: str, offset: int) -> tuple[Any, ...]:
        return struct.unpack(form, self._bytes(offset, struct.calcsize(form)))

    def all(self) -> list[dict[int, Any]]:
        """The tags of every directory."""
        offset = self._unpack(self.order + ("Q" if self._big else "I"), 8 if self._big else 4)[0]
        pages: list[dict[int, Any]] = []
        seen: set[int] = set()
        while offset:
            if offset in seen or len(pages) >= _MOST_PAGES:
                raise NotSimpleError("too many directories")
            seen.add(offset)
            tags, offset = self._page(offset)
            pages.append({"order": self.order, **tags})  # type: ignore[dict-item]
        return pages

    def _page(self, offset: int) -> tuple[dict[int, Any], int]:
        count_form, entry, next_form = ("Q", 20, "Q") if self._big else ("H", 12, "I")
        count = self._unpack(self.order + count_form, offset)[0]
        if count > 4096:
            raise NotSimpleError("too many tags")
        start = offset + struct.calcsize(count_form)
        table = self._bytes(start, count * entry)
        tags: dict[int, Any] = {}
        for number in range(count):
            tag, kind = struct.unpack_from(self.order + "HH", table, number * entry)
            if tag in _WANTED and kind in _TYPES:
                tags[tag] = self._value(table, number * entry, _TYPES[kind])
        return tags, self._unpack(self.order + next_form, start + count * entry)[0]

    def _value(self, table: bytes, at: int, form: str) -> Any:
        field = "Q" if self._big else "I"
        count = struct.unpack_from(self.order + field, table, at + 4)[0]
        place = at + 4 + struct.calcsize(field)
        size = count * struct.calcsize(form)
        if size > _MOST_TAG_BYTES:
            raise NotSimpleError("a tag is too long")
        if size <= struct.calcsize(field):
            raw = table[place : place + size]
        else:
            raw = self._bytes(struct.unpack_from(self.order + field, table, place)[0], size)
        if form == "s":
            return raw.split(b"\0")[0].decode("latin-1")
        return struct.unpack(f"{self.order}{count}{form}", raw)


def _tiff(pages: list[dict[int, Any]]) -> Tiff:
    first = pages[0]
    levels = []
    for number, page in enumerate(pages):
        kind = page.get(254, (0,))[0]
        if kind & 4 or (number == 0 and kind):
            raise NotSimpleError("masks are read by GDAL")
        if number == 0 or kind & 1:
            levels.append(_level(page))
    levels = [levels[0], *sorted(levels[1:], key=lambda level: -level.width)]
    if len({(level.dtype, level.samples) for level in levels}) > 1:
        raise NotSimpleError("overviews of another kind")
    return Tiff(first.get(277, (1,))[0], tuple(levels), _nodata(first), _extent(first))


def _level(page: dict[int, Any]) -> Level:
    samples = page.get(277, (1,))[0]
    bits, kinds = set(page.get(258, (1,))), set(page.get(339, (1,)))
    if 338 in page and any(kind in (1, 2) for kind in page[338]):
        raise NotSimpleError("alpha is read by GDAL")
    if len(bits) != 1 or len(kinds) != 1 or page.get(262, (1,))[0] not in (0, 1, 2, 3) or page.get(266, (1,))[0] != 1:
        raise NotSimpleError("bands of several kinds, or colours")
    bit, kind = bits.pop(), kinds.pop()
    if bit not in (8, 16, 32, 64) or kind not in _KINDS or (kind == 3 and bit < 32):
        raise NotSimpleError(f"{bit} bits of kind {kind}")
    width, height = page[256][0], page[257][0]
    tiled = 322 in page
    block = (page[322][0], page[323][0]) if tiled else (width, min(height, page.get(278, (height,))[0]))
    level = Level(
        width, height, *block, samples if page.get(284, (1,))[0] == 1 else 1,
        np.dtype(f"{page['order']}{_KINDS[kind]}{bit // 8}"),  # type: ignore[index]
        COMPRESSIONS[page.get(259, (1,))[0]], page.get(317, (1,))[0],
        tuple(page[324 if tiled else 273]), tuple(page[325 if tiled else 279]),
    )  # fmt: skip
    planes = 1 if level.samples == samples else samples
    if (
        np.prod([*block, level.samples, level.dtype.itemsize]) > _MOST_BLOCK_BYTES
        or max(level.counts) > _MOST_BLOCK_BYTES
    ):
        raise NotSimpleError("blocks are too large")
    if min(width, height, *block) < 1 or level.predictor not in (1, 2, 3):
        raise NotSimpleError("no pixels, or an unknown predictor")
    if not len(level.offsets) == len(level.counts) == level.across * level.down * planes:
        raise NotSimpleError("blocks are missing")
    return level


def _nodata(page: dict[int, Any]) -> float | None:
    text = page.get(42113)
    return float(text) if text else None


def _extent(page: dict[int, Any]) -> Extent | None:
    scale, tie, keys = page.get(33550), page.get(33922), page.get(34735)
    if 34264 in page or (scale is not None and not (scale[0] > 0 and scale[1] > 0)):
        raise NotSimpleError("rows may run from south to north, or askew")
    if scale is None or tie is None or keys is None or len(tie) != 6 or any(tie[:3]):
        return None
    if not all(map(math.isfinite, (*scale, *tie))):
        return None
    code = _epsg(keys)
    if code is None:
        return None
    try:
        lattice = Lattice(canonical(f"EPSG:{code}"), tie[3], tie[4], scale[0], scale[1])
    except (CrsError, InvalidParameter):
        return None
    return Extent(lattice, page[256][0], page[257][0])


def _epsg(keys: tuple[int, ...]) -> int | None:
    """The EPSG code in a GeoKeyDirectory, when it alone names the CRS and pixels are areas."""
    known = {keys[at]: keys[at + 3] for at in range(4, 4 + 4 * keys[3], 4) if keys[at + 1] == 0}
    model, raster = known.get(1024), known.get(1025, 1)
    code = known.get(3072) if model == 1 else known.get(2048) if model == 2 else None
    # user-defined parts (32767) and vertical systems are left to GDAL
    if raster != 1 or code is None or code >= 32767 or 4096 in known or 3074 in known:
        return None
    return code
