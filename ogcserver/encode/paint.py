"""A block and a style become pixels of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.channels import channels, settled
from ogcserver.encode.hillshade import hillshade
from ogcserver.encode.style import Style, Tone
from ogcserver.errors import FormatUnsupported

_LEVELS = 4096
"""Steps of a channel before gamma: fine enough that dark tones keep their 8 bits."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Painted pixels, row by row from the north."""

    pixels: NDArray[np.uint8]
    """(y, x): palette indices, 0 for a missing pixel; or (y, x, 3): R, G, B, all opaque; or (y, x, 4): R, G, B, A."""
    palette: bytes
    """R, G, B, A of the indices from 0 on; empty where the pixels are colours themselves."""
    painted: int
    """How many pixels are not missing."""

    @property
    def blank(self) -> bool:
        """Whether nothing can be seen of it: no pixel has a value, and missing ones are transparent."""
        if self.painted:
            return False
        return not (self.palette[3] if self.palette else self.pixels.shape[2] == 3 or self.pixels[..., 3].any())

    def rgba(self) -> NDArray[np.uint8]:
        """(y, x, 4): R, G, B, A."""
        if self.palette:
            return np.frombuffer(self.palette, np.uint8).reshape(-1, 4)[self.pixels]
        return (
            self.pixels
            if self.pixels.shape[2] == 4
            else _with_alpha(self.pixels, np.full(self.pixels.shape[:2], 255, np.uint8))
        )


def paint(block: Block, style: Style, halo: int = 0) -> Picture:
    """The picture of a block, which must have the style's bands.

    Args:
        halo: so many pixels on every side of the block are no part of the picture. Where they are fewer than
            ``style.halo``, pixels at the edge lack neighbours.
        style: a range that still hangs on percentiles is taken from the block's own values, so that of a picture which
            is a part of something must be settled before.
    Raises:
        FormatUnsupported: the block holds more than one time.
    """
    times = block.data.shape[0]
    if times > 1:
        raise FormatUnsupported(
            f"a picture shows one point in time and the result has {times}: choose one, reduce over time, "
            "or ask for GTiff or netCDF",
            locator="format",
        )
    grid = block.grid.padded(-halo)
    if not times:
        return Picture(np.zeros(grid.shape, np.uint8), style.nodata, 0)
    style = settled(style, block)
    layers = [channel[0] for channel in channels(block, style)]
    inner = (slice(halo, halo + grid.height), slice(halo, halo + grid.width))
    if len(layers) == 3:
        return _paint_rgb(style, [np.ascontiguousarray(layer[inner]) for layer in layers])
    if style.hillshade is None:
        return _paint_single(style, np.ascontiguousarray(layers[0][inner]))
    margin = np.pad(layers[0], max(0, style.halo - halo), constant_values=np.nan)
    light = hillshade(margin, grid, style.hillshade)
    if style.hillshade.alone:
        return _paint_single(style, light)
    return _darkened(_paint_single(style, np.ascontiguousarray(layers[0][inner])), light)


def _paint_single(style: Style, values: NDArray[Any]) -> Picture:
    pixels = np.empty(values.shape, np.uint8)
    colours = len(style.palette) // 4
    if style.stops:
        stops = np.array(style.stops, values.dtype)
        painted = _fill_steps(values.reshape(-1), stops, style.exact, pixels.reshape(-1))
    else:
        low, high = style.rescale[0]
        factor = (colours - 1) / (high - low)
        painted = _fill_ramp(values.reshape(-1), low, factor, float(colours - 1), pixels.reshape(-1))
    return Picture(pixels, style.nodata + style.palette, int(painted))


def _darkened(picture: Picture, light: NDArray[np.float32]) -> Picture:
    """The picture with its colours multiplied by the light; missing pixels stay as they are."""
    rgba = picture.rgba().copy()
    lit = np.rint(rgba[..., :3] * np.nan_to_num(light, nan=1.0)[..., np.newaxis]).astype(np.uint8)
    rgba[..., :3] = np.where((picture.pixels > 0)[..., np.newaxis], lit, rgba[..., :3])
    return Picture(rgba, b"", picture.painted)


def _paint_rgb(style: Style, layers: list[NDArray[Any]]) -> Picture:
    pixels = np.empty((*layers[0].shape, 3), np.uint8)
    alpha = np.empty(layers[0].shape, np.uint8)
    limits = np.array(style.rescale, np.float64)
    factors = (_LEVELS - 1) / (limits[:, 1] - limits[:, 0])
    lows = np.ascontiguousarray(limits[:, 0])
    red, green, blue = (layer.reshape(-1) for layer in layers)
    nodata = np.frombuffer(style.nodata, np.uint8)
    colours, opacities = pixels.reshape(-1, 3), alpha.reshape(-1)
    painted = int(
        _fill_rgb(red, green, blue, lows, factors, _tones(style.tone), style.opacity, nodata, colours, opacities)
    )
    least = min(style.opacity if painted else 255, style.nodata[3] if painted < alpha.size else 255)
    return Picture(pixels if least == 255 else _with_alpha(pixels, alpha), b"", painted)


def _with_alpha(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgba = np.empty((*rgb.shape[:2], 4), np.uint8)
    _join(rgb.reshape(-1, 3), alpha.reshape(-1), rgba.reshape(-1, 4))
    return rgba


@lru_cache(maxsize=64)
def _tones(tone: Tone) -> NDArray[np.uint8]:
    """The 8-bit tone of each level of a channel."""
    return np.rint(255.0 * tone(np.linspace(0.0, 1.0, _LEVELS))).astype(np.uint8)


@njit(nogil=True, cache=True)
def _fill_ramp(values: Any, low: float, factor: float, top: float, out: Any) -> int:
    painted = 0
    for i in range(values.size):
        value = values[i]
        if np.isfinite(value):
            place = min(max((value - low) * factor, 0.0), top)
            out[i] = 1 + int(place + 0.5)
            painted += 1
        else:
            out[i] = 0
    return painted


@njit(nogil=True, cache=True)
def _fill_steps(values: Any, stops: Any, exact: bool, out: Any) -> int:
    painted = 0
    for i in range(values.size):
        value = values[i]
        out[i] = 0
        if np.isfinite(value):
            after = np.searchsorted(stops, value, side="right")
            if after > 0 and (not exact or stops[after - 1] == value):
                out[i] = after
                painted += 1
    return painted


@njit(nogil=True, cache=True)
def _fill_rgb(
    red: Any,
    green: Any,
    blue: Any,
    lows: Any,
    factors: Any,
    tones: Any,
    opacity: int,
    nodata: Any,
    out: Any,
    alpha: Any,
) -> int:
    painted = 0
    top = float(tones.size - 1)
    for i in range(red.size):
        r, g, b = red[i], green[i], blue[i]
        if np.isfinite(r) and np.isfinite(g) and np.isfinite(b):
            out[i, 0] = tones[int(min(max((r - lows[0]) * factors[0], 0.0), top) + 0.5)]
            out[i, 1] = tones[int(min(max((g - lows[1]) * factors[1], 0.0), top) + 0.5)]
            out[i, 2] = tones[int(min(max((b - lows[2]) * factors[2], 0.0), top) + 0.5)]
            alpha[i] = opacity
            painted += 1
        else:
            out[i, 0], out[i, 1], out[i, 2] = nodata[0], nodata[1], nodata[2]
            alpha[i] = nodata[3]
    return painted


@njit(nogil=True, cache=True)
def _join(rgb: Any, alpha: Any, out: Any) -> None:
    for i in range(alpha.size):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = rgb[i, 0], rgb[i, 1], rgb[i, 2], alpha[i]
