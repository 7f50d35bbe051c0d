"""The file that a coverage is delivered in.

Source: OGC 09-110r4 clause 8.4.1 (formats), OGC 12-100r1 (GeoTIFF and its parameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ogcserver.cube import Block, CubeType, View
from ogcserver.encode.formats import DEFAULT_FORMAT, Format, find_format
from ogcserver.encode.pieces import Pieces
from ogcserver.encode.style import Style
from ogcserver.encode.style_args import STYLE_KEYS, parse_style
from ogcserver.engine.describe import Description
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer

_PICTURES = ("PNG", "JPEG", "WEBP", "AVIF")


@dataclass(frozen=True, eq=False)
class FileEncoder:
    """Makes a file of a block, or of pieces; an :class:`ogcserver.engine.exports.FileEncoder`."""

    format: Format
    options: tuple[tuple[str, str], ...] = ()
    style: Style | None = None
    """For pictures."""
    stated: Grid | None = None
    """Where the file shall say that its pixels lie; None: where they do. It is less than a thousandth of one away."""

    @property
    def token(self) -> str:
        look = self.style.token if self.style else ""
        place = f" {self.stated!r}" if self.stated else ""
        return f"{self.format.name} {sorted(self.options)!r} {look}{place}"

    def __call__(self, block: Block) -> bytes:
        stated = replace(block, grid=self.stated) if self.stated else block
        return self.format.encode(stated, dict(self.options), self.style)

    @property
    def writes(self) -> bool:
        return self.format.write is not None

    def write(self, pieces: Pieces, target: Path) -> None:
        assert self.format.write is not None
        stated = replace(pieces, grid=self.stated) if self.stated else pieces
        self.format.write(stated, target, dict(self.options))


def encoder(
    known: Mapping[str, Format],
    layer: Layer,
    view: View,
    wanted: str = "",
    options: tuple[tuple[str, str], ...] = (),
    whole: bool = True,
    stated: Grid | None = None,
) -> FileEncoder:
    """The encoder that a request asks for.

    A picture of all bands is painted as the layer's arguments say, one of chosen fields as their names suggest.

    Args:
        wanted: name or media type of a format; "" is the native one, a GeoTIFF.
        whole: whether the request names no bands.
        stated: see :class:`FileEncoder`; nothing where it equals the view's own grid.
    Raises:
        FormatUnsupported, FormatOptionUnsupported, FormatOptionInvalid: before anything is computed.
    """
    found = find_format(known, wanted or DEFAULT_FORMAT)
    found.check(dict(options), _schema(layer.description, view))
    styled = found.name in _PICTURES and whole and any(key in STYLE_KEYS for key in layer.args)
    style = parse_style(layer.args, layer.description.bands) if styled else None
    return FileEncoder(found, options, style, None if stated == view.grid else stated)


def _schema(coverage: Description, view: View) -> CubeType:
    bands = tuple(band for name in view.bands for band in coverage.bands if band.name == name)
    return CubeType(bands, temporal=bool(coverage.times) and len(view.times) != 1)
