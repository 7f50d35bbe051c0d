"""From a block's bands to the values that get colours, and the ranges that follow from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.default_style import Range
from ogcserver.encode.style import Style
from ogcserver.plan.scalar import run


def channels(block: Block, style: Style) -> list[NDArray[Any]]:
    """(time, y, x) of each of the one or three channels; not finite where missing."""
    bands = {band.name: block.data[:, index] for index, band in enumerate(block.bands)}
    if style.program is None:
        return [bands[name] for name in style.bands]
    return list(run(style.program, {name: bands[name] for name in style.bands}))


def settled(style: Style, block: Block) -> Style:
    """The style with the ranges that its percentiles mean for the values of a block.

    Where there are no values the range stays what it would be without percentiles.
    """
    if style.percentiles is None:
        return style
    found = [_range(channel, style.percentiles) for channel in channels(block, style)]
    ranges = tuple(new or old for new, old in zip(found, style.rescale, strict=True))
    return replace(style, rescale=ranges, percentiles=None)


def _range(values: NDArray[Any], percentiles: Range) -> Range | None:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return None
    low, high = (float(value) for value in np.percentile(finite, percentiles))
    return (low, high) if low < high else (low - 0.5, low + 0.5)
