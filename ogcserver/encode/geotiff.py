"""GeoTIFF and cloud optimized GeoTIFF.

Measured on 1000 x 1000 float32 of a noisy index, one core: uncompressed 1.5 ms; DEFLATE level 1 with predictor 3
16 ms and 3.1 MB, without predictor 14 ms and 3.5 MB; level 6 takes a third more time and is no smaller; ZSTD level 1
with predictor 3 9 ms and as small. DEFLATE is the default all the same, because every reader has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetWriter, MemoryFile

from ogcserver.cube import Block
from ogcserver.encode.tiff_options import TiffOptions, check_tiff
from ogcserver.encode.values import as_bytes, stored, value_range
from ogcserver.errors import NoTimeInRange
from ogcserver.geo.crs import crs_object
from ogcserver.geo.grid import Grid

_LEVEL = 1
"""Effort of DEFLATE and ZSTD."""


@dataclass(frozen=True, eq=False)
class _Raster:
    """What goes into the file, band by band."""

    array: NDArray[Any]
    """(band of the file, y, x)."""
    nodata: float | None = None
    valid: NDArray[np.bool_] | None = None
    """(y, x): the file's mask, or None."""
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()


def encode_geotiff(block: Block, options: TiffOptions | None = None) -> bytes:
    """The block as a GeoTIFF, north up, in the logical dtype of its bands, nodata in the file's tag.

    A block with a time axis gives times x bands, time by time, each described as "TIME band" and tagged TIME and BAND.
    Integers without nodata, where something is missing, come with an internal mask: a pixel is masked where any band
    lacks it, but the file still holds the values of the others.

    JPEG holds 8 bits. One or three bands of uint8 are stored as they are; any other values become bytes (see
    :func:`ogcserver.encode.values.as_bytes`) whose scale and offset are written as the bands' own, so that
    ``value = byte * scale + offset`` (GDAL: ``-unscale``), with an internal mask for missing pixels in place of nodata.
    For the photometric interpretations RGB and YCBCR a single band is repeated three times.

    Raises:
        FormatOptionInvalid: the options do not fit the block.
        NoTimeInRange: the block has a time axis without elements.
    """
    options = options or TiffOptions()
    times, bands = block.data.shape[:2]
    if not times:
        raise NoTimeInRange("there is no observation to write")
    check_tiff(options, block.bands, times)
    raster = _jpeg_raster(block, options) if options.jpeg else _plain_raster(block)
    labels = _labels(block)
    if options.repeats(times * bands):
        labels = labels * 3
    creation = _cog_source(options, raster) if options.cog else _creation(options, raster)
    env = {"GDAL_TIFF_INTERNAL_MASK": True} if raster.valid is not None else {}
    with rasterio.Env(**env), MemoryFile() as memory:
        _write(memory, block.grid, raster, labels, creation)
        return _as_cog(memory, options, raster) if options.cog else bytes(memory.getbuffer())


def _plain_raster(block: Block) -> _Raster:
    values = stored(block)
    valid = None if values.valid is None else np.asarray(values.valid.all(axis=(0, 1)))
    return _Raster(values.array.reshape(-1, *block.grid.shape), values.nodata, valid)


def _jpeg_raster(block: Block, options: TiffOptions) -> _Raster:
    values = as_bytes(block)
    times = 3 if options.repeats(len(values.array)) else 1
    scaled = any(scale != 1.0 or offset != 0.0 for scale, offset in zip(values.scales, values.offsets, strict=True))
    return _Raster(
        np.repeat(values.array, times, axis=0) if times > 1 else values.array,
        valid=values.valid,
        scales=values.scales * times if scaled else (),
        offsets=values.offsets * times if scaled else (),
    )


def _labels(block: Block) -> list[tuple[str, str, dict[str, str]]]:
    """Description, unit and tags of each band of the file."""
    if not block.times:
        return [(band.name, band.unit, {}) for band in block.bands]
    return [
        (f"{time} {band.name}", band.unit, {"TIME": time, "BAND": band.name})
        for time in block.times
        for band in block.bands
    ]


def _photometric(options: TiffOptions, raster: _Raster) -> str:
    # GDAL would take the last of four 8-bit bands for transparency, so it is not left to guess
    picture = len(raster.array) == 3 and raster.array.dtype == np.uint8
    return options.photometric or ("RGB" if picture else "MINISBLACK")


def _predictor(options: TiffOptions, dtype: np.dtype[Any]) -> int:
    if options.predictor is not None:
        return options.predictor
    if dtype.kind == "f":
        return 3
    return 2 if dtype.itemsize in (2, 4) else 1


def _compression(options: TiffOptions, raster: _Raster) -> dict[str, Any]:
    chosen: dict[str, Any] = {"compress": options.compress, "bigtiff": options.bigtiff}
    if options.compress in ("DEFLATE", "LZW", "ZSTD"):
        chosen["predictor"] = _predictor(options, raster.array.dtype)
    return chosen


def _creation(options: TiffOptions, raster: _Raster) -> dict[str, Any]:
    picture = raster.array.dtype == np.uint8 and len(raster.array) in (3, 4)
    chosen = _compression(options, raster) | {
        "tiled": options.tiled,
        "photometric": _photometric(options, raster),
        "interleave": options.interleave or ("PIXEL" if picture else "BAND"),
    }
    if options.compress == "DEFLATE":
        chosen["zlevel"] = _LEVEL
    if options.compress == "ZSTD":
        chosen["zstd_level"] = _LEVEL
    if options.jpeg:
        chosen["jpeg_quality"] = options.jpeg_quality
    if options.block_width is not None:
        chosen["blockxsize"] = options.block_width
    if options.block_height is not None:
        chosen["blockysize"] = options.block_height
    return chosen


def _write(
    memory: MemoryFile,
    grid: Grid,
    raster: _Raster,
    labels: list[tuple[str, str, dict[str, str]]],
    creation: dict[str, Any],
) -> None:
    with memory.open(
        driver="GTiff",
        count=len(raster.array),
        height=grid.height,
        width=grid.width,
        dtype=raster.array.dtype,
        crs=_raster_crs(grid.crs),
        transform=grid.transform,
        nodata=raster.nodata,
        **creation,
    ) as file:
        file.update_tags(AREA_OR_POINT="Area")
        _describe(file, raster, labels)
        file.write(raster.array)
        if raster.valid is not None:
            file.write_mask(raster.valid)


def _describe(file: DatasetWriter, raster: _Raster, labels: list[tuple[str, str, dict[str, str]]]) -> None:
    """All that is said about the bands; before their values, so that it stands at the head of the file."""
    file.descriptions = tuple(description for description, _, _ in labels)
    if any(unit for _, unit, _ in labels):
        file.units = tuple(unit for _, unit, _ in labels)
    if raster.scales:
        file.scales, file.offsets = raster.scales, raster.offsets
    for index, (values, (_, _, tags)) in enumerate(zip(raster.array, labels, strict=True), start=1):
        if extremes := _stored_range(values, raster):
            tags = tags | {"STATISTICS_MINIMUM": f"{extremes[0]:.17g}", "STATISTICS_MAXIMUM": f"{extremes[1]:.17g}"}
        if tags:
            file.update_tags(index, **tags)


def _stored_range(values: NDArray[Any], raster: _Raster) -> tuple[float, float] | None:
    """Least and greatest number in one band of the file, without those that mark missing pixels."""
    if raster.valid is not None:
        return value_range(values[raster.valid])
    if raster.nodata is not None and not np.isnan(raster.nodata):
        return value_range(values[values != raster.nodata])
    return value_range(values)


def _cog_source(options: TiffOptions, raster: _Raster) -> dict[str, Any]:
    return {"photometric": "RGB" if _photometric(options, raster) in ("RGB", "YCBCR") else "MINISBLACK"}


def _as_cog(memory: MemoryFile, options: TiffOptions, raster: _Raster) -> bytes:
    chosen = _compression(options, raster)
    if "predictor" in chosen:
        chosen["predictor"] = ("NO", "STANDARD", "FLOATING_POINT")[chosen["predictor"] - 1]
    if options.compress in ("DEFLATE", "ZSTD"):
        chosen["level"] = _LEVEL
    if options.jpeg:
        chosen["quality"] = options.jpeg_quality
    if options.block_width is not None:
        chosen["blocksize"] = options.block_width
    # integers may be classes, whose means are meaningless
    chosen["overview_resampling"] = "AVERAGE" if raster.array.dtype.kind == "f" or options.jpeg else "NEAREST"
    with MemoryFile() as target:
        rasterio.shutil.copy(memory.name, target.name, driver="COG", **chosen)
        return bytes(target.getbuffer())


@lru_cache(maxsize=256)
def _raster_crs(name: str) -> CRS:
    try:
        return CRS.from_user_input(name)
    except CRSError:  # GDAL's copy of the registry may be older than PROJ's
        return CRS.from_wkt(crs_object(name).to_wkt())
