"""A block and a style become pixels of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.style import Style
from ogcserver.errors import FormatUnsupported

_LEVELS = 4096
"""Steps of a channel before gamma: fine enough that dark tones keep their 8 bits."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Painted pixels, row by row from the north."""

    pixels: NDArray[np.uint8]
    """(y, x): palette indices, 0 for a missing pixel; or (y, x, 4): R, G, B, A, all 0 for a missing pixel."""
    palette: bytes
    """R, G, B, A of the indices from 0 on; empty where the pixels are R, G, B, A themselves."""
    painted: int
    """How many pixels are not missing."""

    def rgba(self) -> NDArray[np.uint8]:
        """(y, x, 4): R, G, B, A."""
        if not self.palette:
            return self.pixels
        return np.frombuffer(self.palette, np.uint8).reshape(-1, 4)[self.pixels]


def paint(block: Block, style: Style) -> Picture:
    """The picture of a block, which must have the style's bands.

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
    if not times:
        return Picture(np.zeros(block.grid.shape, np.uint8), bytes(4), 0)
    names = [band.name for band in block.bands]
    layers = [np.ascontiguousarray(block.data[0, names.index(name)]).reshape(-1) for name in style.bands]
    return _paint_rgb(block, style, layers) if len(layers) == 3 else _paint_single(block, style, layers[0])


def _paint_single(block: Block, style: Style, values: NDArray[Any]) -> Picture:
    pixels = np.empty(block.grid.shape, np.uint8)
    colours = len(style.palette) // 4
    if style.stops:
        painted = _fill_steps(values, np.array(style.stops, values.dtype), style.exact, pixels.reshape(-1))
    else:
        low, high = style.rescale[0]
        painted = _fill_ramp(values, low, (colours - 1) / (high - low), float(colours - 1), pixels.reshape(-1))
    return Picture(pixels, bytes(4) + style.palette, int(painted))


def _paint_rgb(block: Block, style: Style, layers: list[NDArray[Any]]) -> Picture:
    pixels = np.empty((*block.grid.shape, 4), np.uint8)
    limits = np.array(style.rescale, np.float64)
    factors = (_LEVELS - 1) / (limits[:, 1] - limits[:, 0])
    lows = np.ascontiguousarray(limits[:, 0])
    painted = _fill_rgb(layers[0], layers[1], layers[2], lows, factors, _tones(style.gamma), pixels.reshape(-1, 4))
    return Picture(pixels, b"", int(painted))


@lru_cache(maxsize=64)
def _tones(gamma: float) -> NDArray[np.uint8]:
    """The 8-bit tone of each level of a channel."""
    levels = np.linspace(0.0, 1.0, _LEVELS)
    return np.rint(255.0 * levels ** (1.0 / gamma)).astype(np.uint8)


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
def _fill_rgb(red: Any, green: Any, blue: Any, lows: Any, factors: Any, tones: Any, out: Any) -> int:
    painted = 0
    top = float(tones.size - 1)
    for i in range(red.size):
        r, g, b = red[i], green[i], blue[i]
        if np.isfinite(r) and np.isfinite(g) and np.isfinite(b):
            out[i, 0] = tones[int(min(max((r - lows[0]) * factors[0], 0.0), top) + 0.5)]
            out[i, 1] = tones[int(min(max((g - lows[1]) * factors[1], 0.0), top) + 0.5)]
            out[i, 2] = tones[int(min(max((b - lows[2]) * factors[2], 0.0), top) + 0.5)]
            out[i, 3] = 255
            painted += 1
        else:
            out[i, 0] = out[i, 1] = out[i, 2] = out[i, 3] = 0
    return painted
