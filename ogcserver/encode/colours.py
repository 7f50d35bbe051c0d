"""Colours and palettes: R, G, B, A in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rio_tiler.colormap import cmap
from rio_tiler.errors import InvalidColorMapName

from ogcserver.errors import InvalidParameter

MOST_COLOURS = 255
"""Palette indices that show a value; index 0 is a missing pixel."""


def parse_colour(value: object, key: str) -> bytes:
    """R, G, B, A of "#rrggbb", "#rrggbbaa" or three or four numbers 0..255.

    Raises:
        InvalidParameter: not a colour; the locator is ``key``.
    """
    try:
        if isinstance(value, str):
            parts = bytes.fromhex(value.removeprefix("#"))
        else:
            parts = bytes(value) if isinstance(value, (list, tuple)) else b""
    except (ValueError, TypeError):
        parts = b""
    if len(parts) not in (3, 4):
        raise InvalidParameter(f"{key}: {str(value)[:40]!r} is not a colour such as '#ff8000'", locator=key)
    return parts if len(parts) == 4 else parts + b"\xff"


def hex_colour(colour: bytes) -> str:
    """#rrggbb; opacity is left out."""
    return f"#{colour[:3].hex()}"


@lru_cache(maxsize=256)
def named_colours(name: str) -> bytes:
    """The 256 colours of a colour map of rio-tiler.

    Raises:
        InvalidParameter: there is no such map (locator colormap).
    """
    try:
        colours = cmap.get(name.strip().lower())
    except InvalidColorMapName:
        raise InvalidParameter(
            f"there is no colour map {name[:40]!r}; try viridis, rdylgn, greys_r or another name of rio-tiler",
            locator="colormap",
        ) from None
    return np.array([colours[index] for index in range(256)], np.uint8).tobytes()


def picked(colours: bytes, levels: NDArray[np.float64]) -> bytes:
    """The colours at levels 0 (the first) to 1 (the last)."""
    table = np.frombuffer(colours, np.uint8).reshape(-1, 4)
    return bytes(table[np.rint(levels * (len(table) - 1)).astype(int)].tobytes())


def even_levels() -> NDArray[np.float64]:
    """The level of each colour of a palette that runs evenly from the first to the last."""
    return np.arange(MOST_COLOURS) / (MOST_COLOURS - 1)


def faded(palette: bytes, opacity: float) -> bytes:
    """The palette with its opacities multiplied."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 4).astype(np.float64)
    return np.rint(colours * (1.0, 1.0, 1.0, opacity)).astype(np.uint8).tobytes()


def blended(values: Sequence[float], colours: Sequence[bytes]) -> tuple[tuple[float, ...], bytes]:
    """Stops and palette that go steadily from colour to colour.

    Each of the 255 colours is for a range of values. The stretch between two values gets the more of them, the more
    its ends differ, so no channel is off by more than half of a 254th of the sum of all differences. Values before the
    first and after the last have its colour.

    Args:
        values: at least two, ascending.
    """
    ends = np.array([list(colour) for colour in colours], np.float64)
    weights = np.abs(np.diff(ends, axis=0)).max(axis=1)
    places = np.concatenate([[0.0], np.cumsum(weights)]) if weights.any() else np.arange(len(ends), dtype=np.float64)
    steps = np.linspace(0.0, places[-1], MOST_COLOURS)
    middles = np.stack([np.interp(steps, places, channel) for channel in ends.T], axis=1)
    # where equal colours follow each other the place does not tell the value: any of the stretch will do
    edges = np.interp((steps[:-1] + steps[1:]) / 2, places, np.asarray(values, np.float64))
    return (-np.inf, *edges.tolist()), np.rint(middles).astype(np.uint8).tobytes()


@lru_cache(maxsize=256)  # capabilities need the legends of all layers, whose palettes are few
def essential(palette: bytes, tolerance: int = 1) -> tuple[int, ...]:
    """Indices of the colours from which the others follow by linear interpolation, up to ``tolerance`` in a channel."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 4).astype(np.float64)
    kept = [0]
    while kept[-1] < len(colours) - 1:
        first, last = kept[-1], kept[-1] + 1
        while last + 1 < len(colours) and _straight(colours[first : last + 2], tolerance):
            last += 1
        kept.append(last)
    return tuple(kept)


def _straight(colours: NDArray[np.float64], tolerance: int) -> bool:
    shares = np.linspace(0.0, 1.0, len(colours))[:, np.newaxis]
    return bool((np.abs(colours[0] + (colours[-1] - colours[0]) * shares - colours) <= tolerance).all())
