"""The compiled loops of the floor: each does all that one piece of work needs, in one pass."""

# numba's decorator is untyped
# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import njit

_EPSILON = 1e-6


_STEP = 16
_SHIFT = 9
_EDGE = 1 << _SHIFT


@njit(nogil=True, cache=True, error_model="numpy")
def locate(nodes_x, nodes_y, x0, y0, size, width, height, across, offset, numbers):
    """For every output pixel its place in the block that holds it, and the block's number; -1 beside the raster.

    nodes_x, nodes_y: coordinates of control points, 16 pixels apart. ``offset``, ``numbers``: (h, w), filled.
    Returns whether every pixel is inside.
    """
    down, right = nodes_x.shape[0] - 1, nodes_x.shape[1] - 1
    whole = True
    for cell_row in range(down):
        for i in range(_STEP):
            v = (i + 0.5) / _STEP
            line = cell_row * _STEP + i
            for cell in range(right):
                left_x = nodes_x[cell_row, cell] * (1.0 - v) + nodes_x[cell_row + 1, cell] * v
                left_y = nodes_y[cell_row, cell] * (1.0 - v) + nodes_y[cell_row + 1, cell] * v
                right_x = nodes_x[cell_row, cell + 1] * (1.0 - v) + nodes_x[cell_row + 1, cell + 1] * v
                right_y = nodes_y[cell_row, cell + 1] * (1.0 - v) + nodes_y[cell_row + 1, cell + 1] * v
                x, y = (left_x - x0) / size + _EPSILON, (y0 - left_y) / size + _EPSILON
                dx, dy = (right_x - left_x) / size / _STEP, (left_y - right_y) / size / _STEP
                x, y = x + 0.5 * dx, y + 0.5 * dy
                end_x, end_y = x + (_STEP - 1) * dx, y + (_STEP - 1) * dy
                start = cell * _STEP
                if min(x, end_x) >= 0 and max(x, end_x) < width and min(y, end_y) >= 0 and max(y, end_y) < height:
                    for j in range(_STEP):
                        col, row = np.int32(x + j * dx), np.int32(y + j * dy)
                        offset[line, start + j] = ((row & (_EDGE - 1)) << _SHIFT) + (col & (_EDGE - 1))
                        numbers[line, start + j] = (row >> _SHIFT) * across + (col >> _SHIFT)
                else:
                    whole = False
                    for j in range(_STEP):
                        fx, fy = x + j * dx, y + j * dy
                        numbers[line, start + j] = -1
                        if fx >= 0 and fx < width and fy >= 0 and fy < height:
                            col, row = np.int32(fx), np.int32(fy)
                            offset[line, start + j] = ((row & (_EDGE - 1)) << _SHIFT) + (col & (_EDGE - 1))
                            numbers[line, start + j] = (row >> _SHIFT) * across + (col >> _SHIFT)
    return whole


@njit(nogil=True, cache=True)
def runs(numbers, starts, ends, blocks):
    """Stretches of pixels, in reading order, that lie in one block; returns how many there are."""
    flat = numbers.ravel()
    count = 0
    before = -1
    for k in range(flat.size):
        if flat[k] != before:
            if before >= 0:
                ends[count - 1] = k
            before = flat[k]
            if before >= 0:
                starts[count], blocks[count] = k, before
                count += 1
    if before >= 0:
        ends[count - 1] = flat.size
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def lowest_ndvi(red, nir, offset, starts, ends, scale, out):
    """Puts the NDVI of the pixels of one block into the least of those before; infinity: none yet."""
    for run in range(starts.size):
        for k in range(starts[run], ends[run]):
            r, n = red[offset[k]], nir[offset[k]]
            a, b = np.float32(n) * scale, np.float32(r) * scale
            value = (a - b) / (a + b)
            good = (r != 0) & (n != 0) & (value < out[k])
            out[k] = value if good else out[k]


@njit(nogil=True, cache=True, error_model="numpy")
def lowest_ndvi_window(red, nir, top, left, scale, out):
    """:func:`lowest_ndvi` for a window of a block that needs no index; ``out``: (h, w)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            r, n = red[top + i, left + j], nir[top + i, left + j]
            a, b = np.float32(n) * scale, np.float32(r) * scale
            value = (a - b) / (a + b)
            good = (r != 0) & (n != 0) & (value < out[i, j])
            out[i, j] = value if good else out[i, j]


@njit(nogil=True, cache=True)
def paint(values, low, factor, top, rows):
    """Palette indices with PNG's filter byte before each row; how many pixels are not missing."""
    painted = 0
    for i in range(values.shape[0]):
        rows[i, 0] = 0
        for j in range(values.shape[1]):
            value = values[i, j]
            rows[i, j + 1] = 0
            if math.isfinite(value):
                rows[i, j + 1] = 1 + int(min(max((value - low) * factor, 0.0), top) + 0.5)
                painted += 1
    return painted


@njit(nogil=True, cache=True)
def colour(red, green, blue, offset, starts, ends, tones, out):
    """R, G, B, A of a block's pixels from tables of tones for every stored value; returns how many are not missing."""
    painted = 0
    for run in range(starts.size):
        for k in range(starts[run], ends[run]):
            r, g, b = red[offset[k]], green[offset[k]], blue[offset[k]]
            if r != 0 and g != 0 and b != 0:
                out[k, 0], out[k, 1], out[k, 2], out[k, 3] = tones[r], tones[g], tones[b], 255
                painted += 1
    return painted


@njit(nogil=True, cache=True)
def upward_differences(pixels, samples, rows):
    """PNG's filter Up over the first ``samples`` samples of (h, w, 4)."""
    for i in range(pixels.shape[0]):
        rows[i, 0] = 2
        for j in range(pixels.shape[1]):
            for s in range(samples):
                above = pixels[i - 1, j, s] if i > 0 else np.uint8(0)
                rows[i, 1 + j * samples + s] = pixels[i, j, s] - above
