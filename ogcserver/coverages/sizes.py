"""Numbers of columns and rows."""

from __future__ import annotations

import math

from ogcserver.errors import TooLarge


def whole(count: float) -> float:
    """A number of pixels rounded to the nearest whole one of at least 1; infinite where it is too large to tell."""
    return max(1.0, math.floor(count + 0.5)) if math.isfinite(count) else count


def limited(width: float, height: float, max_pixels: int, locator: str) -> tuple[int, int]:
    """A size as whole numbers.

    Args:
        width, height: whole numbers as floats, so that absurd ones cost nothing.
    Raises:
        TooLarge: over ``max_pixels``.
    """
    if not width * height <= max_pixels:
        raise TooLarge(
            f"{width:.0f} x {height:.0f} pixels are more than the {max_pixels} that one request may have: "
            "take a smaller subset, or scale it",
            locator=locator,
        )
    return int(width), int(height)
