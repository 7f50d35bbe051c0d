"""Compiled loops: which part of each pixel a polygon covers, exactly.

Each edge adds the signed area that lies to its right to the pixels that it passes, and its height to all pixels further
right; the sum along a row is the covered part of each pixel. It costs a few operations for each pixel that an edge
passes, and one addition for each pixel of the polygon's box. Positions are in pixels: 0 is the outer edge of the first.

Source: the coverage accumulation of font rasterisers, such as FreeType's (D. Turner, "How FreeType's rasterizer
works"), here without rounding to levels.
"""

# numba's decorator is untyped
# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import math

from numba import njit

DUST = 1e-9
"""Parts of a pixel that are smaller come from rounding; so do parts that are missing to a whole pixel."""


@njit(nogil=True, cache=True)
def _piece(acc, base, width, xa, xb, height):
    """Adds a piece of an edge inside of one row; ``height`` is signed, ``acc`` holds width + 1 sums from base on."""
    if xa > xb:
        xa, xb = xb, xa
    if xa >= width:
        return
    if xb <= 0.0:
        acc[base] += height
        return
    if xa < 0.0 or xb > width:  # what is outside counts as standing on the border
        slope = height / (xb - xa)
        if xa < 0.0:
            acc[base] -= slope * xa
            height += slope * xa
            xa = 0.0
        if xb > width:
            height -= slope * (xb - width)
            xb = width
    first, last = int(xa), math.ceil(xb) - 1
    if last <= first:
        part = 0.5 * (xa + xb) - first
        acc[base + first] += height * (1.0 - part)
        acc[base + first + 1] += height * part
        return
    slope = height / (xb - xa)
    left = xa
    for column in range(first, last + 1):
        right = min(xb, column + 1.0)
        share = slope * (right - left)
        part = 0.5 * (left + right) - column
        acc[base + column] += share * (1.0 - part)
        acc[base + column + 1] += share * part
        left = right


@njit(nogil=True, cache=True)
def _edge(acc, width, height, xa, ya, xb, yb, sign):
    if ya > yb:
        xa, ya, xb, yb, sign = xb, yb, xa, ya, -sign
    if yb <= 0.0 or ya >= height or ya == yb:
        return
    slope = (xb - xa) / (yb - ya)
    top, bottom = max(ya, 0.0), min(yb, float(height))
    x = xa if top == ya else xa + slope * (top - ya)
    for row in range(int(top), math.ceil(bottom)):
        low = min(bottom, row + 1.0)
        following = xb if low == yb else xa + slope * (low - ya)
        _piece(acc, row * (width + 1), width, x, following, sign * (low - top))
        x, top = following, low


@njit(nogil=True, cache=True)
def cover(x, y, rings, signs, first, last, col, row, width, height, acc, cells, weights, stride):
    """The pixels of a window that a polygon covers; how many there are.

    Args:
        x, y: corners of closed rings, one ring after the other.
        rings: where each ring begins in x and y, and where the last one ends.
        signs: +1 or -1 for each ring: the direction that makes its inside count as covered, or as a hole.
        first, last: the rings of this polygon.
        col, row, width, height: the window.
        acc: scratch of at least (width + 1) x height.
        cells, weights: filled with index (row x stride + column, counted in the window) and covered part (0..1).
    """
    for k in range((width + 1) * height):
        acc[k] = 0.0
    for ring in range(first, last):
        for k in range(rings[ring], rings[ring + 1] - 1):
            _edge(acc, width, height, x[k] - col, y[k] - row, x[k + 1] - col, y[k + 1] - row, signs[ring])
    count = 0
    for r in range(height):
        total = 0.0
        base = r * (width + 1)
        for c in range(width):
            total += acc[base + c]
            if total > DUST:
                cells[count] = r * stride + c
                weights[count] = 1.0 if total > 1.0 - DUST else total
                count += 1
    return count
