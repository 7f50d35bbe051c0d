"""Pictures put on top of each other, and on a background."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.paint import Picture, paint
from ogcserver.encode.style import Style

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""
Pixels = NDArray[np.uint8]
"""(y, x, 4): red, green, blue and opacity."""


def blank(width: int, height: int) -> Picture:
    """A transparent picture."""
    return Picture(np.zeros((height, width), np.uint8), bytes(4), 0)


def paint_latest(block: Block, style: Style, halo: int = 0) -> Picture:
    """The painted observations of a block on top of each other: in each pixel the latest that has a value there.

    Args:
        halo: as of :func:`ogcserver.encode.paint.paint`.
    """
    if len(block.data) == 1:
        return paint(block, style, halo)
    each = (
        replace(block, data=block.data[index : index + 1], times=block.times[index : index + 1])
        for index in range(len(block.data))
    )
    return flattened(paint(one, style, halo).rgba() for one in each)


def flattened(layers: Iterable[Pixels]) -> Picture:
    """Pixels on top of each other, the first lowermost; at least one."""
    rest = iter(layers)
    pixels = next(rest)
    for upper in rest:
        pixels = over(pixels, upper)
    return Picture(pixels, b"", int(np.count_nonzero(pixels[..., 3])))


def over(below: Pixels, above: Pixels) -> Pixels:
    """Blends by opacity, which is not multiplied into the colours.  Source: W3C Compositing Level 1, clause 5.1."""
    out = np.where(above[..., 3:] == 255, above, below)
    mixed = (above[..., 3] > 0) & (above[..., 3] < 255)
    if mixed.any():
        upper, lower = above[mixed].astype(np.float64), below[mixed].astype(np.float64)
        top = upper[:, 3:] / 255.0
        rest = lower[:, 3:] / 255.0 * (1.0 - top)
        colours = (upper[:, :3] * top + lower[:, :3] * rest) / (top + rest)
        out[mixed] = np.rint(np.concatenate([colours, (top + rest) * 255.0], axis=1)).astype(np.uint8)
    return out


def on_background(picture: Picture, background: Colour | None) -> Picture:
    """A picture without transparent pixels; the picture itself where there is no background."""
    if background is None or picture.pixels.shape[2:] == (3,):
        return picture
    height, width = picture.pixels.shape[:2]
    if picture.palette:
        colours = np.frombuffer(picture.palette, np.uint8).reshape(1, -1, 4)
        return Picture(picture.pixels, _opaque(colours, background).tobytes(), width * height)
    return Picture(_opaque(picture.rgba(), background)[..., :3], b"", width * height)


def _opaque(pixels: Pixels, background: Colour) -> Pixels:
    return over(np.broadcast_to(np.array([*background, 255], np.uint8), pixels.shape), pixels)
