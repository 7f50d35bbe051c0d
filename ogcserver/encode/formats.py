"""The file formats that results can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ogcserver.cube import Block, CubeType
from ogcserver.encode.avif import DEFAULT_QUALITY as AVIF_QUALITY
from ogcserver.encode.avif import avif_of
from ogcserver.encode.big_netcdf import write_netcdf
from ogcserver.encode.big_tiff import write_tiff
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.jpeg import DEFAULT_QUALITY, encode_jpeg
from ogcserver.encode.netcdf import encode_netcdf
from ogcserver.encode.npy import encode_npy
from ogcserver.encode.options import OptionReader
from ogcserver.encode.paint import paint
from ogcserver.encode.pieces import Pieces
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import Style, default_style
from ogcserver.encode.style_args import DEFAULT_STYLE, STYLE_KEYS, parse_styles
from ogcserver.encode.tiff_options import COG_OPTIONS, GTIFF_OPTIONS, check_tiff, parse_tiff_options
from ogcserver.encode.webp import DEFAULT_QUALITY as WEBP_QUALITY
from ogcserver.encode.webp import webp_of
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, FormatUnsupported, InvalidParameter

Options = Mapping[str, object]
"""What a caller wrote: names in any case; values as JSON values or as their text."""

DEFAULT_FORMAT = "GTiff"
_COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
_TIFF_ALIASES = ("geotiff", "tiff", "tif")
_NETCDF_ALIASES = ("application/x-netcdf", "nc")
_PICTURE_OPTIONS: Mapping[str, str] = {
    **STYLE_KEYS,
    "styles": "Further styles of maps, {name: options}; a file has that of the other options. Default: none.",
}
_JPEG_OPTIONS = {"quality": f"1 to 100. Default: {DEFAULT_QUALITY}."} | dict(_PICTURE_OPTIONS)
_WEBP_OPTIONS = {"quality": f"Of three bands, 1 to 100. Default: {WEBP_QUALITY}."} | dict(_PICTURE_OPTIONS)
_AVIF_OPTIONS = {"quality": f"1 to 99. Default: {AVIF_QUALITY}."} | dict(_PICTURE_OPTIONS)
_NETCDF_OPTIONS: Mapping[str, str] = {
    "compress": "NONE or DEFLATE. Default: DEFLATE.",
    "zlevel": "Effort of DEFLATE, 1 to 9. Default: 1.",
}


@dataclass(frozen=True, eq=False)
class Format:
    """A file format."""

    name: str
    """As GDAL calls it."""
    media_type: str
    extension: str
    """Of file names, without dot."""
    options: Mapping[str, str]
    """What each option means, and its default."""
    check: Callable[[Options, CubeType], None]
    """Whether these options can be honoured for such a cube, before anything is computed.
    Raises FormatOptionUnsupported or FormatOptionInvalid."""
    encode: Callable[[Block, Options, Style | None], bytes]
    """The bytes of a file. The style matters to pictures only: None, or style options, mean as the options say."""
    aliases: tuple[str, ...] = ()
    """Other names and media types by which :func:`find_format` knows it, lower case."""
    write: Callable[[Pieces, Path, Options], None] | None = None
    """Writes a file larger than memory with the pixels and metadata of an encoded one. None: it cannot be done."""


def formats() -> Mapping[str, Format]:
    """All formats by name, the default one first."""
    known = (
        Format("GTiff", "image/tiff", "tif", GTIFF_OPTIONS, _check_gtiff, _encode_gtiff, _TIFF_ALIASES, _write_gtiff),
        Format("COG", _COG_TYPE, "tif", COG_OPTIONS, _check_cog, _encode_cog, write=_write_cog),
        Format("PNG", "image/png", "png", _PICTURE_OPTIONS, _check_png, _encode_png),
        Format("JPEG", "image/jpeg", "jpg", _JPEG_OPTIONS, _check_jpeg, _encode_jpeg, ("jpg", "image/jpg")),
        Format("WEBP", "image/webp", "webp", _WEBP_OPTIONS, _check_webp, _encode_webp),
        Format("AVIF", "image/avif", "avif", _AVIF_OPTIONS, _check_avif, _encode_avif),
        Format("NPY", "application/x-npy", "npy", {}, _check_npy, _encode_npy),
        Format(
            "netCDF",
            "application/netcdf",
            "nc",
            _NETCDF_OPTIONS,
            _check_netcdf,
            _encode_netcdf,
            _NETCDF_ALIASES,
            _write_netcdf,
        ),
    )
    return {entry.name: entry for entry in known}


def find_format(known: Mapping[str, Format], name: str) -> Format:
    """The format of a name or media type, compared without regard to case and blanks.

    A media type that has parameters which no format knows counts as the same type without them.

    Raises:
        FormatUnsupported: there is none.
    """
    wanted = "".join(name.lower().split())
    for text in (wanted, wanted.partition(";")[0]):
        for entry in known.values():
            if text in (entry.name.lower(), entry.media_type.replace(" ", "").lower(), *entry.aliases):
                return entry
    raise FormatUnsupported(f"there is no format {name[:60]!r}; there are {', '.join(known)}", locator="format")


class Described(Protocol):
    """A format of images or of tables."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]: ...


def describe_formats(known: Iterable[Described]) -> dict[str, object]:
    """The body of GET /capabilities/output_formats (openEO API 0.3)."""
    return {"default": DEFAULT_FORMAT, "formats": {entry.name: dict(entry.options) for entry in known}}


def _times(cube: CubeType) -> int | None:
    return None if cube.temporal else 1


def _check_gtiff(options: Options, cube: CubeType) -> None:
    check_tiff(parse_tiff_options(options), cube.bands, _times(cube))


def _encode_gtiff(block: Block, options: Options, style: Style | None) -> bytes:
    return encode_geotiff(block, parse_tiff_options(options))


def _write_gtiff(pieces: Pieces, target: Path, options: Options) -> None:
    write_tiff(pieces, target, parse_tiff_options(options))


def _check_cog(options: Options, cube: CubeType) -> None:
    check_tiff(parse_tiff_options(options, cog=True), cube.bands, _times(cube))


def _encode_cog(block: Block, options: Options, style: Style | None) -> bytes:
    return encode_geotiff(block, parse_tiff_options(options, cog=True))


def _write_cog(pieces: Pieces, target: Path, options: Options) -> None:
    write_tiff(pieces, target, parse_tiff_options(options, cog=True))


def _png_reader(options: Options) -> OptionReader:
    for name in options:
        if name.lower() == "worldfile":
            raise FormatOptionUnsupported(
                "PNG option 'worldfile' is not available, for an answer is one file: GTiff is georeferenced",
                locator=name,
            )
    return OptionReader.of("PNG", options, _PICTURE_OPTIONS)


def _check_png(options: Options, cube: CubeType) -> None:
    _style_of(_png_reader(options), cube, None)


def _encode_png(block: Block, options: Options, style: Style | None) -> bytes:
    return encode_png(block, _style_of(_png_reader(options), block, style))


def _check_jpeg(options: Options, cube: CubeType) -> None:
    _lossy("JPEG", _JPEG_OPTIONS, options, cube, None, 100)


def _encode_jpeg(block: Block, options: Options, style: Style | None) -> bytes:
    look, quality = _lossy("JPEG", _JPEG_OPTIONS, options, block, style, 100)
    return encode_jpeg(block, look, quality or DEFAULT_QUALITY)


def _check_webp(options: Options, cube: CubeType) -> None:
    _lossy("WEBP", _WEBP_OPTIONS, options, cube, None, 100)


def _encode_webp(block: Block, options: Options, style: Style | None) -> bytes:
    look, quality = _lossy("WEBP", _WEBP_OPTIONS, options, block, style, 100)
    return webp_of(paint(block, look), quality or WEBP_QUALITY)


def _check_avif(options: Options, cube: CubeType) -> None:
    _lossy("AVIF", _AVIF_OPTIONS, options, cube, None, 99)


def _encode_avif(block: Block, options: Options, style: Style | None) -> bytes:
    look, quality = _lossy("AVIF", _AVIF_OPTIONS, options, block, style, 99)
    return avif_of(paint(block, look), quality or AVIF_QUALITY)


def _lossy(
    name: str, known: Mapping[str, str], options: Options, shown: Block | CubeType, style: Style | None, best: int
) -> tuple[Style, int | None]:
    """The style, and the quality where it is given."""
    read = OptionReader.of(name, options, known)
    return _style_of(read, shown, style), read.integer("quality", 1, best)


def _check_npy(options: Options, cube: CubeType) -> None:
    OptionReader.of("NPY", options, ())


def _encode_npy(block: Block, options: Options, style: Style | None) -> bytes:
    OptionReader.of("NPY", options, ())
    return encode_npy(block)


def _style_of(read: OptionReader, shown: Block | CubeType, style: Style | None) -> Style:
    """The style that options name; without any, the one given or else the bands' default."""
    if not read.values.keys() & _PICTURE_OPTIONS.keys():
        return style or default_style(shown.bands)
    try:
        return parse_styles(read.values, shown.bands)[DEFAULT_STYLE]
    except InvalidParameter as error:
        raise FormatOptionInvalid(f"{read.owner} option {error.message}", locator=error.locator) from error


def netcdf_level(options: Options) -> int:
    """The level of DEFLATE that the options ask for; 0: none."""
    read = OptionReader.of("netCDF", options, _NETCDF_OPTIONS)
    level = read.integer("zlevel", 1, 9)
    if read.choice("compress", ("NONE", "DEFLATE")) == "NONE":
        if level is not None:
            raise read.invalid("zlevel", "absent when compress is NONE")
        return 0
    return level or 1


def _check_netcdf(options: Options, cube: CubeType) -> None:
    netcdf_level(options)


def _encode_netcdf(block: Block, options: Options, style: Style | None) -> bytes:
    return encode_netcdf(block, netcdf_level(options))


def _write_netcdf(pieces: Pieces, target: Path, options: Options) -> None:
    write_netcdf(pieces, target, netcdf_level(options))
