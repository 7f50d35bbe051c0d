"""What QGIS asks to read the value at a point through WCS 1.x, and which pixel of the answer it then reads.

It asks for 1000 x 1000 native pixels with the point in their middle, wherever the coverage's own pixels begin, and
reads one of the four around the middle: which one the rounding of its divisions decides. So that this one is the native
pixel that holds the point, its arithmetic is repeated here, on the numbers that the request has, to the last bit.

Other points that fall into the same answer are read from it too, without another request; their pixels are right to
within one, for which nothing can be done here.

Source: QgsWcsProvider::identify and QgsWcsProvider::getCache of QGIS 3.22 (qgswcsprovider.cpp), and what it was seen to
send.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from ogcserver.geo.grid import SNAP, Bounds, Grid

_EDGE = 1000
_SIZE = (_EDGE, _EDGE)
_NEAR = 12
"""The point is within so many quarters of a rounding of the box's corners from its middle."""


@dataclass(frozen=True)
class Sent:
    """A box in the native CRS exactly as a request has it."""

    bounds: Bounds
    of_centres: bool
    """From the centre of a pixel to that of another, as in 1.1; otherwise from edge to edge."""


def identified(asked: Grid, native: Grid, sent: Sent) -> Grid | None:
    """The native pixels with the one that holds the point where QGIS reads it; None where this is no such request."""
    scale = asked.lattice.dx / native.lattice.dx, asked.lattice.dy / native.lattice.dy
    if asked.shape != _SIZE or not all(abs(factor - 1.0) * _EDGE < SNAP for factor in scale):
        return None
    (west, south, east, north), own = sent.bounds, native.bounds
    column = _cell(west, east, (own[2] - own[0]) / native.width, sent.of_centres, from_high=False)
    row = _cell(south, north, (own[3] - own[1]) / native.height, sent.of_centres, from_high=True)
    point = native.lattice.column((west + east) / 2), native.lattice.row((south + north) / 2)
    left, top = math.floor(point[0] + SNAP) - column, math.floor(point[1] + SNAP) - row
    return Grid(native.lattice, left, top, asked.width, asked.height)


def _cell(low: float, high: float, pixel: float, of_centres: bool, from_high: bool) -> int:
    """Which pixel of an axis is read.

    The point itself is not in the request: all coordinates near the middle that QGIS would have made these very bounds
    of are tried.
    """
    middle = (low + high) / 2
    cells: Counter[int] = Counter()
    for steps in range(-_NEAR, _NEAR + 1):
        point = middle + steps * math.ulp(max(abs(low), abs(high))) / 4
        first, last = _extent(point, pixel)
        if _written(first, last, of_centres) == (low, high):
            cells[_read(point, first, last, from_high)] += 1
    return cells.most_common(1)[0][0] if cells else _EDGE // 2


def _extent(point: float, pixel: float) -> tuple[float, float]:
    half = pixel * _EDGE / 2
    return point - half, point + half


def _written(first: float, last: float, of_centres: bool) -> tuple[float, float]:
    """The bounds of a request, with 17 decimals."""
    inset = (last - first) / _EDGE / 2 if of_centres else 0.0
    return float(f"{first + inset:.17f}"), float(f"{last - inset:.17f}")


def _read(point: float, first: float, last: float, from_high: bool) -> int:
    pixel = (last - first) / _EDGE
    return math.floor((last - point if from_high else point - first) / pixel)
