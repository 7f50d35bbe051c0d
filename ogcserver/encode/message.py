"""Text as a picture, for clients that show nothing else."""

from __future__ import annotations

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ogcserver.encode.paint import Picture

_INK = bytes((200, 0, 0, 255))
_MARGIN = 4
"""Pixels between the edge of the picture and the text."""
_SIZE = 12
"""Of the letters, in pixels."""
_MOST = 1000
"""Letters of a text."""


def message_picture(text: str, width: int, height: int) -> Picture:
    """A transparent picture of this size with the text in red, as much of it as there is room for."""
    font = ImageFont.load_default(_SIZE)
    letters = max(1, int((width - 2 * _MARGIN) / max(1.0, font.getlength("n"))))
    shown = "\n".join(textwrap.wrap(text[:_MOST], letters))
    image = Image.new("1", (width, height))
    ImageDraw.Draw(image).multiline_text((_MARGIN, _MARGIN), shown, 1, font)
    pixels = np.asarray(image, np.uint8)
    return Picture(pixels, bytes(4) + _INK, int(np.count_nonzero(pixels)))
