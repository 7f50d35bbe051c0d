"""From a block's floats to the numbers that a file holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogcserver.cube import Band, Block


@dataclass(frozen=True, eq=False)
class Stored:
    """A block's values in the dtype of a file."""

    array: NDArray[Any]
    """(time, band, y, x)."""
    nodata: float | None
    """The number in ``array`` that marks a missing value (NaN for most floats); None where there is no such number."""
    valid: NDArray[np.bool_] | None = None
    """(time, band, y, x): where there is a value. None where ``nodata`` tells, or nothing is missing."""


@dataclass(frozen=True, eq=False)
class Bytes:
    """A block's values in 8 bits: value = byte x scale + offset, by band of a file."""

    array: NDArray[np.uint8]
    """(time x band, y, x), time by time. Missing pixels continue their neighbours, lest lossy codecs blur edges."""
    valid: NDArray[np.bool_] | None
    """(y, x): where no band is missing; None where nothing is missing anywhere."""
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @property
    def stated(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Scales and offsets where a file must state them; empty where bytes are values."""
        plain = all(scale == 1.0 and offset == 0.0 for scale, offset in zip(self.scales, self.offsets, strict=True))
        return ((), ()) if plain else (self.scales, self.offsets)


def file_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that files use for a logical dtype: those that GDAL 3.6 and TIFF lack become the next wider one."""
    wider = {"bool": "uint8", "int8": "int16", "float16": "float32"}
    return np.dtype(wider.get(dtype.name, dtype.name))


def stored(block: Block) -> Stored:
    """The block in the logical dtype of its bands.

    Integers are rounded and clipped to the dtype's range. A missing value becomes the bands' nodata. Integers without
    a usable nodata keep 0 there and come with ``valid``. Floats keep NaN, unless all bands declare one and the same
    number. Infinities stay in floats, are clipped in wide integers, and count as missing in 8 bits.
    """
    dtype = file_dtype(block.dtype)
    if dtype.kind == "f":
        return _stored_floats(block, dtype)
    missing = ~np.isfinite(block.data) if dtype.itemsize == 1 else np.isnan(block.data)
    whole = _rounded(block.data, missing, dtype)
    candidates = nodata_candidates(block.bands, dtype)
    nodata = (
        candidates[0]
        if len(candidates) == 1
        else next((number for number in candidates if not ((whole == number) & ~missing).any()), None)
    )
    if nodata is None:
        return Stored(whole, None, ~missing if missing.any() else None)
    whole[missing] = nodata
    return Stored(whole, nodata)


def _stored_floats(block: Block, dtype: np.dtype[Any]) -> Stored:
    array = block.data.astype(dtype, copy=False)
    declared = {band.nodata for band in block.bands}
    nodata = declared.pop() if len(declared) == 1 else None
    if nodata is None or math.isnan(nodata):
        return Stored(array, math.nan)
    return Stored(np.where(np.isnan(array), dtype.type(nodata), array), nodata)


def _rounded(data: NDArray[Any], missing: NDArray[np.bool_], dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    high = data.dtype.type(limits.max)
    if int(high) > limits.max:  # the nearest float may lie above the largest integer
        high = np.nextafter(high, data.dtype.type(0))
    whole = np.rint(data)
    whole[missing] = 0
    clipped: NDArray[Any] = np.clip(whole, limits.min, high, out=whole)
    return clipped.astype(dtype)


def nodata_candidates(bands: tuple[Band, ...], dtype: np.dtype[Any]) -> list[float]:
    """The nodata of the bands that an integer dtype holds: one is used as it is, of several the first that is free."""
    limits = np.iinfo(dtype)
    declared = dict.fromkeys(float(band.nodata) for band in bands if band.nodata is not None)
    return [number for number in declared if number.is_integer() and limits.min <= number <= limits.max]


def as_bytes(block: Block, ranges: Sequence[tuple[float, float] | None] | None = None) -> Bytes:
    """The block in 8 bits, for codecs that hold no more.

    Where the logical dtype is uint8 the values are stored as they are. Else each band is scaled on its own: from -1..1
    if all its values lie there, so that all pieces of an index agree, otherwise from its least to its greatest value.

    Args:
        ranges: least and greatest value of each band of the file, where the block is a part of it.
    """
    data = block.data.reshape(-1, *block.grid.shape)
    finite = np.isfinite(data)
    scales, offsets = [], []
    array = np.empty(data.shape, np.uint8)
    for number, (layer, good, out) in enumerate(zip(data, finite, array, strict=True)):
        extremes = ranges[number] if ranges is not None else value_range(layer)
        offset, scale = (0.0, 1.0) if file_dtype(block.dtype) == np.uint8 else _byte_scale(extremes)
        stretched = np.rint((layer.astype(np.float64) - offset) / scale)
        out[:] = np.clip(np.where(good, stretched, 0.0), 0.0, 255.0)
        if not good.all():
            _continue(out, good)
        scales.append(scale)
        offsets.append(offset)
    valid = None if finite.all() else np.asarray(finite.all(axis=0))
    return Bytes(array, valid, tuple(scales), tuple(offsets))


def _byte_scale(extremes: tuple[float, float] | None) -> tuple[float, float]:
    """Offset and scale that bring a range of values to 0..255."""
    low, high = extremes or (-1.0, 1.0)
    if low >= -1.0 and high <= 1.0:
        low, high = -1.0, 1.0
    return low, (high - low) / 255.0 or 1.0


def value_range(values: NDArray[Any]) -> tuple[float, float] | None:
    """Least and greatest finite value, or None where there is none."""
    low, high = _extremes(np.ascontiguousarray(values).reshape(-1))
    return (float(low), float(high)) if low <= high else None


@njit(nogil=True, cache=True)
def _extremes(values: Any) -> Any:
    low, high = np.inf, -np.inf
    for value in values:
        if np.isfinite(value):
            low = min(low, value)
            high = max(high, value)
    return low, high


@njit(nogil=True, cache=True)
def _continue(values: Any, good: Any) -> None:
    """Fills what is not good: along each row between its neighbours; an empty row is as the one before or after."""
    height, width = values.shape
    first, last = -1, -1
    for y in range(height):
        left = -1
        for x in range(width):
            if good[y, x]:
                for gap in range(left + 1, x):
                    share = (gap - left) / (x - left) if left >= 0 else 1.0
                    before = values[y, left] if left >= 0 else values[y, x]
                    values[y, gap] = int(before * (1.0 - share) + values[y, x] * share + 0.5)
                left = x
        if left < 0 <= last:
            values[y] = values[last]
        if left >= 0:
            values[y, left + 1 :] = values[y, left]
            first, last = (y if first < 0 else first), y
    for y in range(first):
        values[y] = values[first]
