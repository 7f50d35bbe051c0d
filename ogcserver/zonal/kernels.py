"""Compiled loops: weighted statistics of the pixels that polygons cover. All release the GIL.

Weights are the covered parts of pixels. Missing pixels (NaN) are left out, and their weight with them.
"""

# numba's decorator is untyped
# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from ogcserver.geo.coverage import cover

WEIGHT, SUM, SQUARES, LEAST, GREATEST = range(5)
"""Of a partial result: sum of weights, weighted sum, weighted squared deviations from the own mean, extremes."""


@njit(nogil=True, cache=True)
def _part(values, cells, weights, count, squares, out):
    """The partial result of one layer ``(pixels,)``."""
    weight, total = 0.0, 0.0
    least, greatest = np.inf, -np.inf
    for k in range(count):
        value = values[cells[k]]
        if value == value:
            weight += weights[k]
            total += weights[k] * value
            least = min(least, value)
            greatest = max(greatest, value)
    out[WEIGHT], out[SUM], out[SQUARES], out[LEAST], out[GREATEST] = weight, total, 0.0, least, greatest
    if squares and weight > 0.0:
        mean = total / weight
        sum_of_squares = 0.0
        for k in range(count):
            value = values[cells[k]]
            if value == value:
                sum_of_squares += weights[k] * (value - mean) * (value - mean)
        out[SQUARES] = sum_of_squares


@njit(nogil=True, cache=True)
def quantiles(values, weights, wanted, out):
    """Weighted quantiles of present values; NaN where there is none. Both arrays are changed.

    Equal values are one, with their weights together. The k-th of n different values, in order, stands at
    ``(k - 1) w_k + (n - 1) (w_1 + ... + w_(k-1))``, and between them the result is linear.

    Source: the estimator of exactextract; where all values differ and weigh the same it is type 7 of R. Hyndman and
    Y. Fan, "Sample Quantiles in Statistical Packages", 1996.
    """
    n = _merged(values, weights)
    if n == 0:
        out[:] = np.nan
        return
    total = weights[:n].sum()
    for q in range(len(wanted)):
        target = wanted[q] * total * (n - 1)
        before, place = 0.0, 0.0
        out[q] = values[n - 1]
        for k in range(1, n):
            before += weights[k - 1]
            following = k * weights[k] + (n - 1) * before
            if following > target:
                share = (target - place) / (following - place)
                out[q] = values[k - 1] + share * (values[k] - values[k - 1])
                break
            place = following


@njit(nogil=True, cache=True)
def _merged(values, weights):
    """Sorts the values and joins equal ones; how many are left, at the beginning of both arrays.

    Weights are added in their order, so that no bit hangs on the order of the pixels.
    """
    order = np.argsort(values)
    values[:], weights[:] = values[order], weights[order]
    count, first = 0, 0
    for k in range(1, len(values) + 1):
        if k == len(values) or values[k] != values[first]:
            weight = weights[first] if k == first + 1 else np.sort(weights[first:k]).sum()
            values[count], weights[count] = values[first], weight
            count, first = count + 1, k
    return count


@njit(nogil=True, cache=True)
def present(values, cells, weights, count, kept, kept_weights):
    """Fills ``kept`` with the values that are not missing, and their weights; how many there are."""
    found = 0
    for k in range(count):
        value = values[cells[k]]
        if value == value:
            kept[found], kept_weights[found] = value, weights[k]
            found += 1
    return found


@njit(nogil=True, cache=True)
def reduce_zones(x, y, rings, signs, first, boxes, numbers, whole, window, layers, squares, wanted, parts, quantile):
    """Partial results, and quantiles of the regions that lie in the window with all that they cover.

    Args:
        x, y, rings, signs, first, boxes: see :class:`ogcserver.zonal.zones.Zones`.
        numbers: the regions; ``whole``: which of them lie in the window.
        window: its first column and row in the lattice, width, height.
        layers: (layer, pixel), row by row.
        squares: whether squared deviations are needed.
        wanted: quantiles, 0..1.
        parts: (region, layer, 5), filled.
        quantile: (region, layer, quantile), filled for the regions that are whole.
    """
    col, row, width, height = window
    acc = np.empty((width + 1) * height)
    cells, weights = np.empty(width * height, np.int64), np.empty(width * height)
    kept, kept_weights = np.empty(width * height), np.empty(width * height)
    for k in range(len(numbers)):
        number = numbers[k]
        left, top = max(boxes[number, 0], col), max(boxes[number, 1], row)
        right, low = min(boxes[number, 2], col + width), min(boxes[number, 3], row + height)
        count = cover(
            x, y, rings, signs, first[number], first[number + 1], left, top, right - left, low - top,
            acc, cells, weights, width,
        )  # fmt: skip
        shift = (top - row) * width + left - col
        for m in range(count):
            cells[m] += shift
        for layer in range(len(layers)):
            _part(layers[layer], cells, weights, count, squares, parts[k, layer])
            if whole[k] and len(wanted) > 0:
                found = present(layers[layer], cells, weights, count, kept, kept_weights)
                quantiles(kept[:found], kept_weights[:found], wanted, quantile[k, layer])


@njit(nogil=True, cache=True)
def covered(x, y, rings, signs, first, boxes, number, window):
    """The pixels (row by row in the window) that one region covers, and their weights."""
    col, row, width, height = window
    left, top = max(boxes[number, 0], col), max(boxes[number, 1], row)
    right, low = min(boxes[number, 2], col + width), min(boxes[number, 3], row + height)
    size = (right - left) * (low - top)
    acc = np.empty((right - left + 1) * (low - top))
    cells, weights = np.empty(size, np.int64), np.empty(size)
    count = cover(
        x, y, rings, signs, first[number], first[number + 1], left, top, right - left, low - top,
        acc, cells, weights, width,
    )  # fmt: skip
    return cells[:count] + (top - row) * width + left - col, weights[:count]
