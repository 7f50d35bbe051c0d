"""JPEG pictures."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.paint import Picture, paint
from ogcserver.encode.style import Style
from ogcserver.errors import TooLarge

DEFAULT_QUALITY = 85
_LONGEST_EDGE = 65500
"""Limit of libjpeg, in pixels."""


def encode_jpeg(block: Block, style: Style, quality: int = DEFAULT_QUALITY) -> bytes:
    """The block as a JPEG; see :func:`jpeg_of`.

    Raises:
        FormatUnsupported: the block holds more than one time.
        TooLarge: more pixels along an edge than the format has.
    """
    _check(block.grid.shape)
    return jpeg_of(paint(block, style), quality)


def jpeg_of(picture: Picture, quality: int = DEFAULT_QUALITY) -> bytes:
    """A JPEG, on a white background where values are missing or colours are transparent.

    Args:
        quality: 1 to 100.
    Raises:
        TooLarge: more pixels along an edge than the format has.
    """
    _check(picture.pixels.shape[:2])
    if picture.palette:
        colours = np.frombuffer(picture.palette, np.uint8).reshape(1, -1, 4)
        rgb = _on_white(colours)[0][picture.pixels]
    else:
        rgb = picture.pixels if picture.pixels.shape[2] == 3 else _on_white(picture.pixels)
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(rgb), level=quality))


def _check(shape: tuple[int, ...]) -> None:
    if max(shape) > _LONGEST_EDGE:
        raise TooLarge(f"a JPEG has at most {_LONGEST_EDGE} pixels along an edge")


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(y, x, 4) -> (y, x, 3): blended with white by opacity."""
    opacity = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
