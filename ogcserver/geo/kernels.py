"""Compiled loops over pixels. All release the GIL; none may use fastmath: a window must equal its parts bit for bit.

Positions are in source pixels: 0 is the outer edge of the first pixel, 0.5 its centre. NaN marks a missing pixel in
``out`` arrays; -1 an output pixel outside of the source in index arrays.
"""

# numba's decorator is untyped
# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import njit

EPSILON = 1e-6
"""Positions this close below a pixel's edge are taken to lie on it, so that ties never hang on rounding."""


@njit(nogil=True, cache=True)
def _interpolate_row(corners, cell_y, v, first_col, step, out):
    """Bilinear interpolation along a row of pixels; the one formula for all, so that all get the same bits.

    Down the sides of a cell first, then across. v: how far down its cells the row is. out: (w,), from ``first_col`` on.
    """
    inverse = 1.0 / step
    for cell_x in range((first_col + out.size - 1) // step + 1):
        left = corners[0, cell_y, cell_x] * (1.0 - v) + corners[2, cell_y, cell_x] * v
        right = corners[1, cell_y, cell_x] * (1.0 - v) + corners[3, cell_y, cell_x] * v
        start = max(0, cell_x * step - first_col)
        part = out[start : min(out.size, (cell_x + 1) * step - first_col)]
        before = first_col - cell_x * step + start + 0.5
        for k in range(part.size):
            u = (before + k) * inverse
            part[k] = left * (1.0 - u) + right * u


@njit(nogil=True, cache=True)
def interpolate_cells(corners, out, first_col, first_row, step):
    """Bilinear interpolation inside the cells of a control lattice.

    corners: (4, cells_y, cells_x) values at the upper left, upper right, lower left, lower right of each cell.
    out: (h, w), filled; its first pixel has the lattice position (first_col, first_row) from the first cell's corner.
    """
    for i in range(out.shape[0]):
        cell_y = (first_row + i) // step
        v = (first_row + i - cell_y * step + 0.5) / step
        _interpolate_row(corners, cell_y, v, first_col, step, out[i])


@njit(nogil=True, cache=True)
def locate(cols, rows, first_col, first_row, step, width, height, left, top, across, out):
    """The place in a flattened window of the source pixel that holds each pixel's position, or -1.

    cols, rows: (4, cells_y, cells_x) positions at the cells' corners. width, height: of the source. The window starts
    at (left, top), is ``across`` wide, and holds all source pixels between the corners. Returns whether no place is -1.
    """
    outside = 0
    xs, ys = np.empty(out.shape[1]), np.empty(out.shape[1])
    for i in range(out.shape[0]):
        cell_y = (first_row + i) // step
        v = (first_row + i - cell_y * step + 0.5) / step
        _interpolate_row(cols, cell_y, v, first_col, step, xs)
        _interpolate_row(rows, cell_y, v, first_col, step, ys)
        line = out[i]
        for j in range(line.size):
            x, y = xs[j] + EPSILON, ys[j] + EPSILON
            inside = (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height)
            outside += not inside
            line[j] = (int(y) - top) * across + int(x) - left if inside else -1
    return outside == 0


@njit(nogil=True, cache=True)
def wrap(positions, period, out):
    """Positions moved by whole periods into [0, period)."""
    flat, result = positions.ravel(), out.ravel()
    for k in range(flat.size):
        result[k] = flat[k]
        if math.isfinite(flat[k]):
            shifted = flat[k] + EPSILON
            result[k] = shifted - math.floor(shifted / period) * period - EPSILON


@njit(nogil=True, cache=True)
def nearest_pixels(cols, rows, width, height, index_col, index_row, found):
    """The source pixel that holds each position, or -1; ``found`` gets min col, max col, min row, max row.

    cols, rows: (h, w), or (1, w) and (h, 1) where the axes are independent.
    """
    h, w = index_col.shape
    step_row, step_col = int(rows.shape[1] > 1), int(cols.shape[0] > 1)
    left, right, top, bottom = width, -1, height, -1
    for i in range(h):
        for j in range(w):
            x, y = cols[i * step_col, j] + EPSILON, rows[i, j * step_row] + EPSILON
            col = row = -1
            if x >= 0.0 and x < width and y >= 0.0 and y < height:
                col, row = math.floor(x), math.floor(y)
                left, right = min(left, col), max(right, col)
                top, bottom = min(top, row), max(bottom, row)
            index_col[i, j], index_row[i, j] = col, row
    found[0], found[1], found[2], found[3] = left, right, top, bottom


@njit(nogil=True, cache=True)
def window_index(index_col, index_row, left, top, width, out):
    """Source pixels as places in a flattened window that starts at (left, top); -1 stays -1.

    Returns whether there is none.
    """
    cols, rows, flat = index_col.ravel(), index_row.ravel(), out.ravel()
    whole = True
    for k in range(flat.size):
        flat[k] = -1 if cols[k] < 0 else (rows[k] - top) * width + cols[k] - left
        whole &= cols[k] >= 0
    return whole


@njit(nogil=True, cache=True)
def restride(index, width, stride, out):
    """Places in a flattened window of one width as places where rows are ``stride`` apart; -1 stays -1."""
    for k in range(index.size):
        out[k] = -1 if index[k] < 0 else index[k] // width * stride + index[k] % width


@njit(nogil=True, cache=True)
def gather(values, valid, index, whole, fresh, nodata, marked, scale, offset, out):
    """Fills pixels of ``out`` with the indexed source values times ``scale`` plus ``offset``.

    values: flattened window. valid: its mask (0: missing), or empty for none. whole: whether no index is -1. fresh:
    whether ``out`` holds nothing yet; else only its missing pixels are filled. nodata: of the dtype of ``values``,
    meant if ``marked``. scale, offset: scalars of the dtype of ``out``.
    """
    masked = valid.size > 0
    scaled = scale != 1.0 or offset != 0.0
    if whole and fresh and not masked:  # nearly all tiles: without jumps, and without a look at the sign of the index
        for k in range(out.size):
            value = values[np.uint64(index[k])]
            out[k] = value
            if scaled:
                out[k] = out[k] * scale + offset
            out[k] = np.nan if marked & (value == nodata) else out[k]
        return
    for k in range(out.size):
        place = index[k]
        if not fresh and out[k] == out[k]:
            continue
        if place < 0 or (marked and values[place] == nodata) or (masked and valid[place] == 0):
            out[k] = np.nan
            continue
        out[k] = values[place]
        if scaled:
            out[k] = out[k] * scale + offset


@njit(nogil=True, cache=True)
def _line(values, nodata, marked, scale, offset, scaled, out):
    """A row of stored values, as far as ``out`` is long."""
    missing = out.dtype.type(np.nan)
    if scaled:
        for j in range(out.size):
            out[j] = values[j]
            out[j] = out[j] * scale + offset
            out[j] = missing if marked & (values[j] == nodata) else out[j]
    else:
        for j in range(out.size):
            out[j] = values[j]
            out[j] = missing if marked & (values[j] == nodata) else out[j]


@njit(nogil=True, cache=True)
def transfer(values, stride, valid, fresh, nodata, marked, scale, offset, top, left, h, w, out):
    """:func:`gather` where the ``h`` x ``w`` pixels of ``out`` from (top, left) on are those of a window, one for one.

    values, valid: pixel (row, column) of the window is at ``row * stride + column``.
    """
    scaled = scale != 1.0 or offset != 0.0
    for i in range(top, top + h):
        start = (i - top) * stride
        if fresh and not valid.size:
            line = out[i, left : left + w]
            _line(values[start : start + w], nodata, marked, scale, offset, scaled, line)
            continue
        start -= left
        for j in range(left, left + w):
            if not fresh and out[i, j] == out[i, j]:
                continue
            value = values[start + j]
            if (marked and value == nodata) or (valid.size and valid[start + j] == 0):
                out[i, j] = np.nan
                continue
            out[i, j] = value
            if scaled:
                out[i, j] = out[i, j] * scale + offset


@njit(nogil=True, cache=True)
def _cubic(t):
    """Weight of the Catmull-Rom spline at distance t (Keys 1981, a = -0.5)."""
    t = abs(t)
    if t <= 1.0:
        return (1.5 * t - 2.5) * t * t + 1.0
    if t < 2.0:
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return 0.0


@njit(nogil=True, cache=True)
def _tap(raw, valid, nodata, row, col):
    """The value of a source pixel, NaN where it is missing or outside of the window."""
    if row < 0 or col < 0 or row >= raw.shape[0] or col >= raw.shape[1]:
        return np.nan
    value = raw[row, col]
    if value == nodata or (valid.size > 0 and valid[row, col] == 0):
        return np.nan
    return float(value)


@njit(nogil=True, cache=True)
def convolve(raw, valid, cols, rows, index, cubic, nodata, scale, offset, out):
    """Bilinear or cubic interpolation of the present taps; missing where the pixel under the position is missing.

    raw, valid: (h, w) window; cols, rows: positions in it; index: nearest pixel in the flattened window or -1.
    """
    reach = 2 if cubic else 1
    h, w = out.shape
    step_row, step_col = int(rows.shape[1] > 1), int(cols.shape[0] > 1)
    for i in range(h):
        for j in range(w):
            place = index[i, j]
            if place < 0 or out[i, j] == out[i, j]:
                continue
            if math.isnan(_tap(raw, valid, nodata, place // raw.shape[1], place % raw.shape[1])):
                continue
            x, y = cols[i * step_col, j] - 0.5, rows[i, j * step_row] - 0.5
            total = weights = 0.0
            for row in range(math.floor(y + EPSILON) - reach + 1, math.floor(y + EPSILON) + reach + 1):
                weight_y = _cubic(y - row) if cubic else max(0.0, 1.0 - abs(y - row))
                for col in range(math.floor(x + EPSILON) - reach + 1, math.floor(x + EPSILON) + reach + 1):
                    weight = weight_y * (_cubic(x - col) if cubic else max(0.0, 1.0 - abs(x - col)))
                    value = _tap(raw, valid, nodata, row, col)
                    if not math.isnan(value):
                        total += weight * value
                        weights += weight
            if weights > 0.0:
                out[i, j] = total / weights
                out[i, j] = out[i, j] * scale + offset


@njit(nogil=True, cache=True)
def average(raw, valid, cols, rows, index, span_x, span_y, nodata, scale, offset, out):
    """Mean of the present source pixels whose centres lie under the output pixel of ``span`` source pixels."""
    h, w = out.shape
    step_row, step_col = int(rows.shape[1] > 1), int(cols.shape[0] > 1)
    for i in range(h):
        for j in range(w):
            place = index[i, j]
            if place < 0 or out[i, j] == out[i, j]:
                continue
            x, y = cols[i * step_col, j], rows[i, j * step_row]
            left, right = math.ceil(x - span_x / 2 - 0.5 - EPSILON), math.ceil(x + span_x / 2 - 0.5 - EPSILON)
            top, bottom = math.ceil(y - span_y / 2 - 0.5 - EPSILON), math.ceil(y + span_y / 2 - 0.5 - EPSILON)
            total, count = 0.0, 0
            for row in range(max(0, int(top)), min(raw.shape[0], int(bottom))):
                for col in range(max(0, int(left)), min(raw.shape[1], int(right))):
                    value = _tap(raw, valid, nodata, row, col)
                    if not math.isnan(value):
                        total += value
                        count += 1
            if count == 0:
                value = _tap(raw, valid, nodata, place // raw.shape[1], place % raw.shape[1])
                if math.isnan(value):
                    continue
                total, count = value, 1
            out[i, j] = total / count
            out[i, j] = out[i, j] * scale + offset
