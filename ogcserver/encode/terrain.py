"""Heights in the colours of a PNG, which MapLibre and others turn into relief and colours themselves.

Source: Mapzen terrain tiles, format "terrarium"; MapLibre style specification, ``raster-dem`` with that encoding.
"""

from __future__ import annotations

import numpy as np

from ogcserver.cube import Block
from ogcserver.encode.paint import Picture
from ogcserver.encode.png import png_of
from ogcserver.errors import FormatUnsupported

_OFFSET = 32768.0
_STEPS = 256.0
"""Of a metre."""


def encode_terrain(block: Block) -> bytes:
    """The block's one band as an RGB PNG: value = R x 256 + G + B / 256 - 32768.

    Values are rounded to 1/256 and clipped to -32768..32767.996. The encoding cannot say that a value is missing:
    such a pixel is 0.

    Raises:
        FormatUnsupported: more than one band or time.
    """
    times, bands = block.data.shape[:2]
    if times > 1 or bands != 1:
        raise FormatUnsupported(
            f"a terrarium tile holds one band of one time, not {bands} of {times}: choose a style of one band",
            locator="format",
        )
    heights = block.data[0, 0] if times else np.zeros(block.grid.shape)
    steps = np.rint((np.where(np.isfinite(heights), heights, 0.0).astype(np.float64) + _OFFSET) * _STEPS)
    whole = np.clip(steps, 0.0, 2.0**24 - 1.0).astype(np.uint32)
    rgb = np.stack([whole >> 16, whole >> 8 & 255, whole & 255], axis=-1).astype(np.uint8)
    return png_of(Picture(rgb, b"", whole.size))
