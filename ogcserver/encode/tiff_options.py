"""What a caller may ask of a GeoTIFF, and whether it can be done for given bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ogcserver.cube import Band
from ogcserver.encode.options import OptionReader
from ogcserver.encode.values import file_dtype
from ogcserver.errors import FormatOptionInvalid

COMPRESSIONS = ("NONE", "PACKBITS", "LZW", "DEFLATE", "ZSTD", "JPEG")
PHOTOMETRICS = ("MINISBLACK", "MINISWHITE", "RGB", "CMYK", "YCBCR", "CIELAB", "ICCLAB", "ITULAB")
_PREDICTORS = {"1": 1, "NO": 1, "NONE": 1, "2": 2, "STANDARD": 2, "HORIZONTAL": 2, "3": 3, "FLOATING_POINT": 3}
_PREDICTABLE = ("LZW", "DEFLATE", "ZSTD")
_LARGEST_BLOCK = 65536

GTIFF_OPTIONS: Mapping[str, str] = {
    "tiled": "true: store the raster in square tiles; false: in strips of rows. Default: false.",
    "compress": f"Compression, one of {', '.join(COMPRESSIONS)}. JPEG is lossy and holds 8 bits: other values are "
    "scaled to bytes, with scale and offset in the file and a mask for missing pixels. Default: DEFLATE.",
    "photometric": f"How viewers shall take the samples, one of {', '.join(PHOTOMETRICS)}. YCBCR needs JPEG, RGB three "
    "bands; JPEG repeats a single band for both. Default: RGB for three 8-bit bands, else MINISBLACK.",
    "jpeg_quality": "Quality from 1 to 100, with JPEG compression only. Default: 75.",
    "predictor": "1: none, 2: differences of neighbours, 3: the same for floating point; with LZW, DEFLATE and ZSTD. "
    "Default: 3 for floating point, 2 for integers of 16 and 32 bits, else 1.",
    "blocksize": "Edge of a tile in pixels, a multiple of 16; makes the file tiled. Default: 256, for a COG 512.",
    "blockxsize": "Width of a tile in pixels, a multiple of 16. Default: as blocksize.",
    "blockysize": "Height of a tile in pixels, a multiple of 16; for strips the number of rows. Default: as blocksize.",
    "interleave": "PIXEL: the bands of a pixel side by side; BAND: one band after the other. Default: PIXEL for "
    "pictures, else BAND.",
    "bigtiff": "YES, NO, IF_NEEDED or IF_SAFER: allow for more than 4 GiB. Default: IF_SAFER.",
    "cog": "true: a cloud optimized GeoTIFF, tiled and with overviews, as the format COG. Default: false.",
}
COG_OPTIONS: Mapping[str, str] = {
    name: text
    for name, text in GTIFF_OPTIONS.items()
    if name in ("compress", "photometric", "jpeg_quality", "predictor", "blocksize", "bigtiff")
}


@dataclass(frozen=True)
class TiffOptions:
    """The options of a GeoTIFF; None leaves the choice to the encoder."""

    tiled: bool = False
    compress: str = "DEFLATE"
    photometric: str | None = None
    jpeg_quality: int = 75
    predictor: int | None = None
    block_width: int | None = None
    block_height: int | None = None
    interleave: str | None = None
    bigtiff: str = "IF_SAFER"
    cog: bool = False

    @property
    def jpeg(self) -> bool:
        return self.compress == "JPEG"

    def repeats(self, bands: int) -> bool:
        """Whether a single band is written three times, because the photometric interpretation has three samples."""
        return bands == 1 and self.jpeg and self.photometric in ("RGB", "YCBCR")


def parse_tiff_options(options: Mapping[str, object], cog: bool = False) -> TiffOptions:
    """The options of a GeoTIFF, or of the format COG, from what a caller wrote.

    Raises:
        FormatOptionUnsupported: unknown name.
        FormatOptionInvalid: bad value, or options that contradict each other.
    """
    name, known = ("COG", COG_OPTIONS) if cog else ("GTiff", GTIFF_OPTIONS)
    read = OptionReader.of(name, options, known)
    edge = _block(read, "blocksize")
    width, height = _block(read, "blockxsize") or edge, _block(read, "blockysize", rows=True) or edge
    cog = cog or bool(read.boolean("cog"))
    tiled = read.boolean("tiled")
    predictor = read.choice("predictor", tuple(_PREDICTORS))
    parsed = TiffOptions(
        tiled=cog or width is not None if tiled is None else tiled,
        compress=read.choice("compress", COMPRESSIONS) or "DEFLATE",
        photometric=read.choice("photometric", PHOTOMETRICS),
        jpeg_quality=read.integer("jpeg_quality", 1, 100) or 75,
        predictor=None if predictor is None else _PREDICTORS[predictor],
        block_width=width,
        block_height=height,
        interleave=read.choice("interleave", ("PIXEL", "BAND")),
        bigtiff=_bigtiff(read),
        cog=cog,
    )
    _check_together(read, parsed)
    return parsed


def _block(read: OptionReader, name: str, rows: bool = False) -> int | None:
    size = read.integer(name, 1, _LARGEST_BLOCK)
    if size is not None and size % 16 and not rows:
        raise read.invalid(name, "a multiple of 16")
    return size


def _bigtiff(read: OptionReader) -> str:
    words = {"TRUE": "YES", "FALSE": "NO", "YES": "YES", "NO": "NO", "IF_NEEDED": "IF_NEEDED", "IF_SAFER": "IF_SAFER"}
    given = read.choice("bigtiff", tuple(words))
    return words[given] if given else "IF_SAFER"


def _check_together(read: OptionReader, parsed: TiffOptions) -> None:
    if "jpeg_quality" in read.values and not parsed.jpeg:
        raise read.invalid("jpeg_quality", "absent, or compress must be JPEG")
    if parsed.predictor not in (None, 1) and parsed.compress not in _PREDICTABLE:
        raise read.invalid("predictor", "1 unless compress is LZW, DEFLATE or ZSTD")
    if parsed.photometric == "YCBCR" and not parsed.jpeg:
        raise read.invalid("photometric", "another one, or compress must be JPEG")
    if parsed.block_width is not None and not parsed.tiled:
        name = "blockxsize" if "blockxsize" in read.values else "blocksize"
        raise read.invalid(name, "absent, or tiled must be true")
    if parsed.block_height is not None and parsed.block_height % 16 and (parsed.tiled or parsed.jpeg):
        raise read.invalid("blockysize", "a multiple of 16 for tiles and for JPEG")
    if not parsed.cog:
        return
    if not parsed.tiled:
        raise read.invalid("tiled", "true for a cloud optimized GeoTIFF")
    if parsed.block_width != parsed.block_height:
        raise read.invalid("blockysize", "equal to blockxsize for a cloud optimized GeoTIFF: use blocksize")
    if parsed.interleave is not None:
        raise read.invalid("interleave", "absent for a cloud optimized GeoTIFF")
    if parsed.compress == "PACKBITS":
        raise read.invalid("compress", "another one for a cloud optimized GeoTIFF")


def check_tiff(options: TiffOptions, bands: tuple[Band, ...], times: int | None = 1) -> None:
    """Whether the options can be honoured for a file of these bands.

    Args:
        times: elements of the time axis, each of which adds all bands to the file; None: not known yet.
    Raises:
        FormatOptionInvalid: they cannot.
    """
    dtype = file_dtype(np.dtype(np.result_type(*(np.dtype(band.dtype) for band in bands))))
    if options.predictor == 3 and dtype.kind != "f":
        raise FormatOptionInvalid(f"predictor 3 is for floating point, the values are {dtype}", locator="predictor")
    if times is None:
        return
    count = len(bands) * times
    samples = 3 if options.repeats(count) else count
    if options.interleave == "PIXEL" and options.jpeg and samples > 4:
        raise FormatOptionInvalid(
            f"JPEG holds up to 4 bands side by side, not {samples}: use interleave BAND", locator="interleave"
        )
    if options.interleave == "BAND" and options.photometric == "YCBCR":
        raise FormatOptionInvalid("photometric YCBCR needs interleave PIXEL", locator="interleave")
    trouble = _photometric_trouble(options, samples, "uint8" if options.jpeg else dtype.name)
    if trouble:
        raise FormatOptionInvalid(f"photometric {options.photometric} {trouble}", locator="photometric")


def _photometric_trouble(options: TiffOptions, samples: int, dtype: str) -> str:
    """Why the photometric interpretation cannot be honoured; empty when it can."""
    wanted = options.photometric
    if wanted == "CIELAB":
        return "cannot be read back by GDAL; use ICCLAB"
    if wanted in ("ICCLAB", "ITULAB") and (samples, dtype) != (3, "uint8"):
        return f"needs three bands of uint8, not {samples} of {dtype}"
    if wanted == "CMYK" and (samples, dtype) != (4, "uint8"):
        return f"needs four bands of uint8, not {samples} of {dtype}"
    if wanted == "YCBCR" and samples != 3:
        return f"needs one band or three, not {samples}"
    if wanted == "RGB" and samples < 3:
        return f"needs three bands, or one with compress JPEG, not {samples}"
    if options.cog and wanted is not None:
        natural = "YCBCR" if options.jpeg and samples == 3 else "MINISBLACK"
        if wanted != natural and (options.jpeg or wanted != "RGB"):
            return f"is not possible in this cloud optimized GeoTIFF, which must be {natural}"
    return ""
