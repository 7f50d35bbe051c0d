"""Text in pictures.

Letters are DejaVu Sans where the machine has it, else those that come with Pillow, which have no accents.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FILE, _FAMILY = "DejaVuSans.ttf", "DejaVu Sans"
_SIZE = 12
_LINE = 16
"""Pixels from line to line."""
_MOST_LINES = 200
_PLAIN = {"≥": ">=", "≤": "<=", "\u2013": "-", "ß": "ss"}
"""What stands for signs that the letters of Pillow lack."""


@lru_cache(maxsize=16)
def font(size: float) -> Font:
    """The letters at a size in pixels."""
    try:
        return ImageFont.truetype(_FILE, size)
    except OSError:  # Pillow has looked where the system keeps its fonts
        return ImageFont.load_default(size)


def drawable(text: str, letters: Font) -> str:
    """The text with signs that the letters have: accents are dropped where they must be, others become "?"."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    if isinstance(letters, ImageFont.FreeTypeFont) and letters.getname()[0] == _FAMILY:
        return printable
    folded = unicodedata.normalize("NFKD", "".join(_PLAIN.get(letter, letter) for letter in printable))
    kept = (letter for letter in folded if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() or letter in "°±«»" else "?" for letter in kept)


def text_mask(text: str, width: int) -> NDArray[np.uint8]:
    """(y, x): 1 where letters are, else 0; ``width`` pixels wide, words wrapped, as high as it takes."""
    letters = font(_SIZE)
    lines = _wrapped(drawable(text, letters), letters, width)
    image = Image.new("1", (width, _LINE * len(lines)))
    draw = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        draw.text((0, _LINE * (index + 0.5)), line, 1, letters, "lm")
    return np.asarray(image, np.uint8)


def _wrapped(text: str, letters: Font, width: int) -> list[str]:
    """Lines no wider than ``width`` pixels, unless a single word is; what takes too many lines is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if letters.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines[:_MOST_LINES]
