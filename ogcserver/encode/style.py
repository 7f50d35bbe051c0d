"""How a block becomes a picture: which values, which colours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Band
from ogcserver.encode.colours import even_levels, named_colours, picked
from ogcserver.encode.default_style import Range, natural_colours, single_look, stretch
from ogcserver.plan.scalar import Program

TRANSPARENT = bytes(4)


@dataclass(frozen=True)
class Tone:
    """What happens to a value between the first and the last colour, 0 to 1: gamma, then contrast, then brightness."""

    gamma: float = 1.0
    """Above 1 brightens the middle."""
    contrast: float = 1.0
    """Factor of the distance from the middle."""
    brightness: float = 0.0
    """Is added."""

    def __call__(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Levels 0..1 to levels 0..1."""
        contrasted = (level ** (1.0 / self.gamma) - 0.5) * self.contrast + 0.5
        return np.clip(contrasted + self.brightness, 0.0, 1.0)


@dataclass(frozen=True)
class Hillshade:
    """Light on a surface."""

    azimuth: float = 315.0
    """Of the sun, in degrees clockwise from north."""
    altitude: float = 45.0
    """Of the sun above the horizon, in degrees."""
    z_factor: float = 1.0
    """Heights are multiplied by it; they are in metres where positions are in metres or degrees."""
    alone: bool = True
    """Whether the light itself, 0 to 1, is what gets the colours; else it darkens the colours of the heights."""


@dataclass(frozen=True)
class Mark:
    """A value that a style lists, and its colour."""

    value: float
    """Of a range the least value that has the colour; -inf: there is none."""
    colour: bytes
    """R, G, B, A."""
    label: str = ""


@dataclass(frozen=True)
class Style:
    """A colour-mapped value, or three as red, green and blue. Missing and infinite values are as ``nodata``."""

    bands: tuple[str, ...]
    """The bands that a block must have. They are the channels, one or three, unless there is a program."""
    program: Program | None = None
    """Computes the channels from the bands."""
    channels: tuple[str, ...] = ()
    """What each channel is called where there is a program: the expression as it was written."""
    rescale: tuple[Range, ...] = ()
    """Of each channel the values that get the first and the last colour (RGB: 0 and 255); empty where marks say."""
    percentiles: Range | None = None
    """These percentiles of each channel's values take the place of ``rescale`` once they are known."""
    palette: bytes = b""
    """R, G, B, A of each colour, 1 to 255 of them; empty for three channels."""
    stops: tuple[float, ...] = ()
    """Ascending, one for each colour: the values it is for."""
    exact: bool = False
    """Whether a colour is for its stop only; else for all values from its stop to the next one."""
    marks: tuple[Mark, ...] = ()
    """Values and colours as they were listed, ascending; ``palette`` and ``stops`` follow from them."""
    linear: bool = False
    """Whether colours change steadily from mark to mark."""
    tone: Tone = Tone()
    """Of three channels (in the palette of one, and in marks, it is worked in)."""
    opacity: int = 255
    """Of three channels (in the palette of one it is worked in)."""
    nodata: bytes = TRANSPARENT
    """R, G, B, A of missing pixels."""
    hillshade: Hillshade | None = None
    """Light on the relief of the one channel."""
    title: str = ""
    abstract: str = ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the channels are called."""
        return self.channels or self.bands

    @property
    def halo(self) -> int:
        """So many pixels around a picture decide about it too."""
        return 1 if self.hillshade else 0

    @cached_property
    def token(self) -> str:
        """Equal for styles that paint alike, also after a restart."""
        look = (
            self.bands, self.program, self.rescale, self.percentiles, self.palette, self.stops, self.exact, self.tone,
            self.opacity, self.nodata, self.hillshade,
        )  # fmt: skip
        return hashlib.sha256(repr(look).encode()).hexdigest()


def default_style(bands: tuple[Band, ...]) -> Style:
    """The style of a layer for which none is given.

    Bands that are named like red, green and blue are shown as such, stretched by their dtype; else the first band:
    an index (by its name) in the colours that are customary for it, uint8 grey over 0..255, other values grey over a
    range that goes by unit and dtype (see :mod:`ogcserver.encode.default_style`).
    """
    rgb = natural_colours(bands)
    return rgb_style(rgb) if rgb else single_style(bands[0])


def rgb_style(bands: tuple[Band, ...]) -> Style:
    """Three bands as red, green and blue."""
    return Style(tuple(band.name for band in bands), rescale=tuple(stretch(band) for band in bands))


def single_style(band: Band) -> Style:
    """One band in its customary colours."""
    colormap, limits = single_look(band)
    return Style((band.name,), rescale=(limits,), palette=picked(named_colours(colormap), even_levels()))
