"""JPEG pictures."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.paint import paint
from ogcserver.encode.style import Style
from ogcserver.errors import TooLarge

DEFAULT_QUALITY = 85
_LONGEST_EDGE = 65500
"""Limit of libjpeg, in pixels."""


def encode_jpeg(block: Block, style: Style, quality: int = DEFAULT_QUALITY) -> bytes:
    """The block as a JPEG, on a white background where values are missing or colours are transparent.

    Args:
        quality: 1 to 100.
    Raises:
        FormatUnsupported: the block holds more than one time.
        TooLarge: more pixels along an edge than the format has.
    """
    if max(block.grid.shape) > _LONGEST_EDGE:
        raise TooLarge(f"a JPEG has at most {_LONGEST_EDGE} pixels along an edge")
    picture = paint(block, style)
    if picture.palette:
        colours = np.frombuffer(picture.palette, np.uint8).reshape(1, -1, 4)
        rgb = _on_white(colours)[0][picture.pixels]
    elif picture.painted == block.grid.size:
        rgb = picture.pixels[..., :3]
    else:
        rgb = _on_white(picture.pixels)
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(rgb), level=quality))


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(y, x, 4) -> (y, x, 3): blended with white by opacity."""
    opacity = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
