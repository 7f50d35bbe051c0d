"""How a GeoTIFF is laid out and labelled, whether it is written at once or piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetWriter

from ogcserver.cube import Band
from ogcserver.encode.tiff_options import TiffOptions
from ogcserver.encode.values import value_range
from ogcserver.geo.crs import crs_object
from ogcserver.geo.grid import Grid

_LEVEL = 1
"""Effort of DEFLATE and ZSTD."""

Label = tuple[str, str, dict[str, str]]
"""Description, unit and tags of a band of the file."""
Range = tuple[float, float]


@dataclass(frozen=True)
class Samples:
    """What a file holds, without the values."""

    count: int
    """Bands of the file."""
    dtype: np.dtype[Any]
    nodata: float | None = None
    masked: bool = False
    """Whether there is an internal mask."""
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()


def labels(bands: tuple[Band, ...], times: tuple[str, ...]) -> list[Label]:
    """Of each band of the file, time by time."""
    if not times:
        return [(band.name, band.unit, {}) for band in bands]
    return [(f"{time} {band.name}", band.unit, {"TIME": time, "BAND": band.name}) for time in times for band in bands]


def profile(grid: Grid, samples: Samples) -> dict[str, Any]:
    """What rasterio needs to know to make the file."""
    return {
        "driver": "GTiff",
        "count": samples.count,
        "height": grid.height,
        "width": grid.width,
        "dtype": samples.dtype,
        "crs": _raster_crs(grid.crs),
        "transform": grid.transform,
        "nodata": samples.nodata,
    }


def creation(options: TiffOptions, samples: Samples) -> dict[str, Any]:
    """GDAL's creation options of a GeoTIFF that is no COG."""
    picture = samples.dtype == np.uint8 and samples.count in (3, 4)
    chosen = _compression(options, samples) | {
        "tiled": options.tiled,
        "photometric": _photometric(options, samples),
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


def cog_source(options: TiffOptions, samples: Samples) -> dict[str, Any]:
    """GDAL's creation options of the plain file that a COG is made from."""
    return {"photometric": "RGB" if _photometric(options, samples) in ("RGB", "YCBCR") else "MINISBLACK"}


def cog_creation(options: TiffOptions, samples: Samples) -> dict[str, Any]:
    """Options of GDAL's COG driver."""
    chosen = _compression(options, samples)
    if "predictor" in chosen:
        chosen["predictor"] = ("NO", "STANDARD", "FLOATING_POINT")[chosen["predictor"] - 1]
    if options.compress in ("DEFLATE", "ZSTD"):
        chosen["level"] = _LEVEL
    if options.jpeg:
        chosen["quality"] = options.jpeg_quality
    if options.block_width is not None:
        chosen["blocksize"] = options.block_width
    # integers may be classes, whose means are meaningless
    chosen["overview_resampling"] = "AVERAGE" if samples.dtype.kind == "f" or options.jpeg else "NEAREST"
    return chosen


def describe(file: DatasetWriter, samples: Samples, said: list[Label]) -> None:
    """All that is said about the bands but their statistics."""
    file.update_tags(AREA_OR_POINT="Area")
    file.descriptions = tuple(description for description, _, _ in said)
    if any(unit for _, unit, _ in said):
        file.units = tuple(unit for _, unit, _ in said)
    if samples.scales:
        file.scales, file.offsets = samples.scales, samples.offsets
    for index, (_, _, tags) in enumerate(said, start=1):
        if tags:
            file.update_tags(index, **tags)


def state_ranges(file: DatasetWriter, ranges: Iterable[Range | None]) -> None:
    """Least and greatest value of each band, where it has any."""
    for index, extremes in enumerate(ranges, start=1):
        if extremes is not None:
            file.update_tags(index, STATISTICS_MINIMUM=f"{extremes[0]:.17g}", STATISTICS_MAXIMUM=f"{extremes[1]:.17g}")


def stored_range(values: NDArray[Any], nodata: float | None, valid: NDArray[np.bool_] | None) -> Range | None:
    """Least and greatest number of one band, without those that mark missing pixels."""
    if valid is not None:
        return value_range(values[valid])
    if nodata is not None and not np.isnan(nodata):
        return value_range(values[values != nodata])
    return value_range(values)


def _photometric(options: TiffOptions, samples: Samples) -> str:
    # GDAL would take the last of four 8-bit bands for transparency, so it is not left to guess
    picture = samples.count == 3 and samples.dtype == np.uint8
    return options.photometric or ("RGB" if picture else "MINISBLACK")


def _predictor(options: TiffOptions, dtype: np.dtype[Any]) -> int:
    if options.predictor is not None:
        return options.predictor
    if dtype.kind == "f":
        return 3
    return 2 if dtype.itemsize in (2, 4) else 1


def _compression(options: TiffOptions, samples: Samples) -> dict[str, Any]:
    chosen: dict[str, Any] = {"compress": options.compress, "bigtiff": options.bigtiff}
    if options.compress in ("DEFLATE", "LZW", "ZSTD"):
        chosen["predictor"] = _predictor(options, samples.dtype)
    return chosen


@lru_cache(maxsize=256)
def _raster_crs(name: str) -> CRS:
    try:
        return CRS.from_user_input(name)
    except CRSError:  # GDAL's copy of the registry may be older than PROJ's
        return CRS.from_wkt(crs_object(name).to_wkt())
