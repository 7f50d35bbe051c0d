"""The file that a coverage is delivered in.

Source: OGC 09-110r4 clause 8.4.1 (formats), OGC 12-100r1 (GeoTIFF and its parameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ogcserver.cube import Block, CubeType, View
from ogcserver.encode.formats import DEFAULT_FORMAT, Format, find_format
from ogcserver.encode.style import STYLE_KEYS, Style, parse_style
from ogcserver.engine.describe import Description
from ogcserver.jobs.layers import Layer
from ogcserver.wcs.requests import GetCoverage

_PICTURES = ("PNG", "JPEG")


@dataclass(frozen=True, eq=False)
class FileEncoder:
    """Makes a file of a block; an :class:`ogcserver.engine.service.Encoder`."""

    format: Format
    options: tuple[tuple[str, str], ...] = ()
    style: Style | None = None
    """For pictures."""

    @property
    def token(self) -> str:
        look = self.style.token if self.style else ""
        return f"{self.format.name} {sorted(self.options)!r} {look}"

    def __call__(self, block: Block) -> bytes:
        return self.format.encode(block, dict(self.options), self.style)


def encoder(known: Mapping[str, Format], ask: GetCoverage, layer: Layer, view: View) -> FileEncoder:
    """The encoder that a request asks for; without FORMAT a GeoTIFF, the native format.

    A picture of all bands is painted as the layer's arguments say, one of chosen fields as their names suggest.

    Raises:
        FormatUnsupported, FormatOptionUnsupported, FormatOptionInvalid: before anything is computed.
    """
    found = find_format(known, ask.format or DEFAULT_FORMAT)
    found.check(dict(ask.options), _schema(layer.description, view))
    styled = found.name in _PICTURES and not ask.fields and any(key in STYLE_KEYS for key in layer.args)
    style = parse_style(layer.args, layer.description.bands) if styled else None
    return FileEncoder(found, ask.options, style)


def _schema(coverage: Description, view: View) -> CubeType:
    bands = tuple(band for name in view.bands for band in coverage.bands if band.name == name)
    return CubeType(bands, temporal=bool(coverage.times) and len(view.times) != 1)
