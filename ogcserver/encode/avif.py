"""AVIF pictures.

Source: AV1 Image File Format (AVIF) v1.1.0.
"""

from __future__ import annotations

import imagecodecs
import numpy as np

from ogcserver.encode.paint import Picture
from ogcserver.errors import TooLarge

DEFAULT_QUALITY = 70
_LONGEST_EDGE = 16384
"""In pixels; larger ones need more memory than a picture is worth."""
_SPEED = 10
"""The least effort: 4 to 9 ms and 10.5 kB for a true colour tile of 256 x 256 pixels; speed 6 70 ms and 7.5 kB."""


def avif_of(picture: Picture, quality: int = DEFAULT_QUALITY) -> bytes:
    """An AVIF, lossy.

    Args:
        quality: 1 to 99.
    Raises:
        TooLarge: too many pixels along an edge.
    """
    if max(picture.pixels.shape[:2]) > _LONGEST_EDGE:
        raise TooLarge(f"an AVIF has at most {_LONGEST_EDGE} pixels along an edge")
    pixels = picture.rgba() if picture.palette else picture.pixels
    return bytes(imagecodecs.avif_encode(np.ascontiguousarray(pixels), level=quality, speed=_SPEED, numthreads=1))
