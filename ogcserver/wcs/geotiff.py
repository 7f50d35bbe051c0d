"""The parameters of GeoTIFF, and how their faults are told.

Source: OGC 12-100r1 (parameters and their values), OGC 12-101 (in WCS 2.0, exception codes).
"""

from __future__ import annotations

from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, OgcServerError
from ogcserver.ows.kvp import Kvp
from ogcserver.wcs.codes import (
    CompressionInvalid,
    CompressionNotSupported,
    InterleavingInvalid,
    JpegQualityInvalid,
    PredictorInvalid,
    PredictorNotSupported,
    TilingInvalid,
)

_OPTIONS: dict[str, tuple[str, type[OgcServerError]]] = {
    "compression": ("compress", CompressionInvalid),
    "jpeg_quality": ("jpeg_quality", JpegQualityInvalid),
    "predictor": ("predictor", PredictorInvalid),
    "interleave": ("interleave", InterleavingInvalid),
    "tiling": ("tiled", TilingInvalid),
    "tilewidth": ("blockxsize", TilingInvalid),
    "tileheight": ("blockysize", TilingInvalid),
}
"""Parameter, which may begin with ``geotiff:`` -> option of the format, what a bad value is called."""

_PREDICTORS = {"none": "NONE", "horizontal": "HORIZONTAL", "floatingpoint": "FLOATING_POINT"}
_PREDICTABLE = ("lzw", "deflate", "zstd")

Options = tuple[tuple[str, str], ...]


def geotiff_options(kvp: Kvp) -> Options:
    """The options of the file that the parameters ask for. What the file's bands allow is checked later.

    The text ``None`` is a value here: no compression, no predictor.

    Raises:
        CompressionNotSupported: Huffman, which is for black and white; or a JPEG quality without JPEG.
        PredictorInvalid: another predictor.
        PredictorNotSupported: a predictor with a compression that has none.
    """
    given = {name: value for name in _OPTIONS if (value := _value(kvp, name))}
    compression = given.get("compression", "deflate").lower()
    if compression == "huffman":
        raise CompressionNotSupported("Huffman is for black and white only", locator="compression")
    if "jpeg_quality" in given and compression != "jpeg":
        raise CompressionNotSupported("jpeg_quality needs compression JPEG", locator="jpeg_quality")
    if "predictor" in given:
        given["predictor"] = _predictor(given["predictor"], compression)
    return tuple((_OPTIONS[name][0], value) for name, value in given.items())


def _value(kvp: Kvp, name: str) -> str:
    full = f"geotiff:{name}"
    known = full if full in kvp else name
    return kvp.one(known, str) if known in kvp else ""


def _predictor(text: str, compression: str) -> str:
    known = _PREDICTORS.get(text.lower())
    if known is None:
        raise PredictorInvalid(
            f"predictor must be None, Horizontal or FloatingPoint, not {text[:40]!r}", locator="predictor"
        )
    if known != "NONE" and compression not in _PREDICTABLE:
        raise PredictorNotSupported(f"predictor {text[:40]} needs compression LZW or Deflate", locator="predictor")
    return known


def told(error: FormatOptionInvalid | FormatOptionUnsupported) -> OgcServerError:
    """The same fault under the parameter's name and code."""
    for name, (option, kind) in _OPTIONS.items():
        if error.locator == option:
            if isinstance(error, FormatOptionUnsupported):
                return FormatOptionUnsupported(error.message, locator=name)
            return kind(error.message, locator=name)
    return error
