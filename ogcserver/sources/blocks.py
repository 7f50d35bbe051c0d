"""Blocks of GeoTIFFs decoded: decompressed, and differences undone.

Source: TIFF 6.0 (LZW, section 13; predictor 2, section 14); Adobe's TIFF technical notes 2 and 3
(deflate, predictor 3).
"""

from __future__ import annotations

import threading
from typing import Any

import imagecodecs
import numpy as np

from ogcserver.sources.raster import Stored
from ogcserver.sources.tiff import Level


def decode(raw: bytes, image: Level, number: int, nodata: float | None) -> Stored:
    """A block's stored values, (height, width, samples), in native byte order; nodata where it was never written.

    Args:
        number: of the block, row by row; the last strip of a file may be lower than the others.
    Raises:
        ValueError, RuntimeError: the bytes are damaged.
    """
    rows = image.block_height
    if image.block_width == image.width:
        rows = min(rows, image.height - number // image.across * rows) if len(raw) else rows
    shape = (rows, image.block_width, image.samples)
    size = int(np.prod(shape)) * image.dtype.itemsize
    if not raw:  # a block that was never written
        fill = 0 if nodata is None or (image.dtype.kind != "f" and not np.isfinite(nodata)) else nodata
        return np.full(shape, fill, image.dtype.newbyteorder("="))
    if image.compression == "none" or image.predictor == 1:
        data = _inflate(raw, image.compression, size * image.block_height // rows)
    else:  # differences are undone into an array of their own, so the bytes between need no memory of their own
        data = _inflate(raw, image.compression, _scratch(size * image.block_height // rows))
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


class _Scratch(threading.local):
    """A buffer for each thread; a fresh one for every block costs more in page faults than decoding its differences."""

    buffer: bytearray = bytearray()


_SCRATCH = _Scratch()


def _scratch(size: int) -> memoryview[int]:
    if len(_SCRATCH.buffer) < size:
        _SCRATCH.buffer = bytearray(size)
    return memoryview(_SCRATCH.buffer)[:size]


def _undo_differences(values: Stored) -> Stored:
    """Horizontal differences summed up again, with the overflow of the values' own width."""
    if values.dtype.kind == "f":  # TIFF differences floats as integers of their width
        integers = values.view(np.dtype(f"u{values.dtype.itemsize}"))
        return np.cumsum(integers, axis=1, dtype=integers.dtype).view(values.dtype)
    return np.asarray(imagecodecs.delta_decode(values, axis=1))


def _inflate(raw: bytes, compression: str, out: int | memoryview[int]) -> Any:
    """The bytes, at most as many as ``out`` says or holds."""
    if compression == "none":
        return raw
    if compression == "deflate":
        return imagecodecs.deflate_decode(raw, out=out)
    if compression == "lzw":
        return imagecodecs.lzw_decode(raw, out=out)
    return imagecodecs.zstd_decode(raw, out=out)
