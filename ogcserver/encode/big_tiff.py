"""GeoTIFFs and cloud optimized GeoTIFFs larger than memory, written window by window."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.windows import Window

from ogcserver.cube import Array, Band, Block
from ogcserver.encode.pieces import Pieces, windows
from ogcserver.encode.tiff_file import (
    Range,
    Samples,
    cog_creation,
    cog_source,
    creation,
    describe,
    labels,
    profile,
    state_ranges,
    stored_range,
)
from ogcserver.encode.tiff_options import TiffOptions, check_tiff
from ogcserver.encode.values import Stored, as_bytes, file_dtype, nodata_candidates, stored, value_range
from ogcserver.geo.grid import Grid

_BUDGET = 1 << 22
"""Values that are in memory at a time, if a block of the file is no larger."""
_SCRATCH_BLOCK = 512
_CACHE_BYTES = 128 << 20
"""Of blocks in GDAL, which would take a twentieth of the machine's memory."""


@dataclass(frozen=True)
class _Storage:
    """How values become numbers of the file: the same for all windows."""

    samples: Samples
    band: Band
    """Stands for each band when a layer is stored."""
    ranges: tuple[Range | None, ...] = ()
    """For JPEG: least and greatest value of each layer."""


def write_tiff(pieces: Pieces, target: Path, options: TiffOptions | None = None) -> None:
    """Writes what :func:`ogcserver.encode.geotiff.encode_geotiff` would encode, in bounded memory.

    Pixels, georeference, labels, nodata and mask are the same. What lies in the file first may differ, and with JPEG
    what is stored at missing pixels. Drafts lie beside the target; it is complete when this returns, but for a crash
    that the caller can only rule out by writing to another name and moving the file.

    Raises:
        FormatOptionInvalid: the options do not fit the bands.
        ServiceError: pieces are missing.
    """
    options = options or TiffOptions()
    check_tiff(options, pieces.bands, max(1, len(pieces.times)))
    storage = _jpeg_storage(pieces, options) if options.jpeg else _plain_storage(pieces)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_CACHEMAX=_CACHE_BYTES):
        if not options.cog:
            _write(pieces, target, storage, creation(options, storage.samples))
            return
        plain = {"tiled": True, "blockxsize": _SCRATCH_BLOCK, "blockysize": _SCRATCH_BLOCK, "bigtiff": "IF_SAFER"}
        with tempfile.TemporaryDirectory(prefix=".tiff-", dir=target.parent) as folder:
            scratch = Path(folder) / "plain.tif"
            _write(pieces, scratch, storage, cog_source(options, storage.samples) | plain)
            rasterio.shutil.copy(scratch, target, driver="COG", **cog_creation(options, storage.samples))


def _plain_storage(pieces: Pieces) -> _Storage:
    dtype = file_dtype(np.dtype(np.result_type(*(np.dtype(band.dtype) for band in pieces.bands))))
    count = len(pieces.layers)
    if dtype.kind == "f":
        declared = {band.nodata for band in pieces.bands}
        nodata = declared.pop() if len(declared) == 1 else None
        stated = float("nan") if nodata is None else nodata
        return _Storage(Samples(count, dtype, stated), Band("", dtype.name, nodata))
    candidates = nodata_candidates(pieces.bands, dtype)
    if len(candidates) == 1:
        return _Storage(Samples(count, dtype, candidates[0]), Band("", dtype.name, candidates[0]))
    missing, free = _scanned(pieces, dtype, candidates)
    chosen = free[0] if free else None
    return _Storage(Samples(count, dtype, chosen, missing and chosen is None), Band("", dtype.name, chosen))


def _scanned(pieces: Pieces, dtype: np.dtype[Any], candidates: list[float]) -> tuple[bool, list[float]]:
    """Whether anything is missing, and the candidates that no value equals."""
    missing, free = False, candidates
    for part in windows(pieces.grid, pieces.grid.width, 1, _BUDGET):
        for time, band in pieces.layers:
            values = _stored(pieces.read(part, time, band), part, Band("", dtype.name))
            missing |= values.valid is not None
            present = values.array if values.valid is None else values.array[values.valid]
            free = [number for number in free if not (present == number).any()]
    return missing, free


def _jpeg_storage(pieces: Pieces, options: TiffOptions) -> _Storage:
    ranges: list[Range | None] = [None] * len(pieces.layers)
    missing = False
    for part in windows(pieces.grid, pieces.grid.width, 1, _BUDGET):
        for number, (time, band) in enumerate(pieces.layers):
            values = pieces.read(part, time, band)
            missing |= not np.isfinite(values).all()
            ranges[number] = _joined(ranges[number], value_range(values))
    times = 3 if options.repeats(len(ranges)) else 1
    scales, offsets = as_bytes(pieces.block(pieces.grid.window(0, 0, 1, 1)), ranges).stated
    samples = Samples(len(ranges) * times, np.dtype(np.uint8), None, missing, scales * times, offsets * times)
    return _Storage(samples, Band("", "uint8"), tuple(ranges))


def _write(pieces: Pieces, path: Path, storage: _Storage, chosen: dict[str, Any]) -> None:
    samples = storage.samples
    said = labels(pieces.bands, pieces.times)
    ranges: list[Range | None] = [None] * samples.count
    with rasterio.open(path, "w", **profile(pieces.grid, samples), **chosen) as file:
        describe(file, samples, said * (samples.count // len(said)))
        height, width = file.block_shapes[0]
        together = bool(storage.ranges) or chosen.get("interleave") == "PIXEL"
        if storage.ranges:  # rows are whole, since missing pixels continue their neighbours along them
            width, height = pieces.grid.width, max(height, 16)
        for part in windows(pieces.grid, width, height, _BUDGET // (samples.count if together else 1)):
            place = Window(part.col - pieces.grid.col, part.row - pieces.grid.row, part.width, part.height)
            valid = _valid(pieces, part, samples.dtype) if samples.masked else None
            for first, array in _groups(pieces, part, storage, together):
                file.write(array, list(range(first + 1, first + 1 + len(array))), window=place)
                for number, values in enumerate(array, start=first):
                    ranges[number] = _joined(ranges[number], stored_range(values, samples.nodata, valid))
            if valid is not None:
                file.write_mask(valid, window=place)
        state_ranges(file, ranges)


def _groups(pieces: Pieces, part: Grid, storage: _Storage, together: bool) -> Iterator[tuple[int, NDArray[Any]]]:
    """The numbers of a part, (band of the file, y, x), and the first band of each group."""
    if storage.ranges:
        array = as_bytes(pieces.block(part), storage.ranges).array
        yield 0, np.repeat(array, storage.samples.count // len(array), axis=0)
        return
    layers = (_layer(pieces, part, time, band, storage) for time, band in pieces.layers)
    if together:
        yield 0, np.concatenate(list(layers))
    else:
        yield from enumerate(layers)


def _layer(pieces: Pieces, part: Grid, time: int, band: int, storage: _Storage) -> NDArray[Any]:
    """The numbers of one layer, (1, y, x)."""
    array: NDArray[Any] = _stored(pieces.read(part, time, band), part, storage.band).array[0]
    return array


def _stored(values: Array, part: Grid, band: Band) -> Stored:
    return stored(Block(values[np.newaxis, np.newaxis], part, (band,)))


def _valid(pieces: Pieces, part: Grid, dtype: np.dtype[Any]) -> NDArray[np.bool_]:
    """(y, x): where no layer is missing."""
    valid = np.ones(part.shape, np.bool_)
    for time, band in pieces.layers:
        values = pieces.read(part, time, band)
        valid &= np.isfinite(values) if dtype.itemsize == 1 else ~np.isnan(values)
    return valid


def _joined(a: Range | None, b: Range | None) -> Range | None:
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])
