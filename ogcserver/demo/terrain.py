"""Alpine relief: mountains that rise while rivers cut them, on a small grid, then refined to the pixels of a scene.

The erosion is the stream-power law with its implicit solution (Braun and Willett 2013, "FastScape"), which makes
valleys that join downstream and ridges between them. Heights are metres, ``(y, x)`` float32, row 0 in the north.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ogcserver.demo.fields import Field, blur, enlarge, fractal, ramp

Index = NDArray[np.intp]
NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
TRUNK = ((0.0, 0.34), (0.16, 0.30), (0.36, 0.38), (0.46, 0.52), (0.50, 0.72), (0.60, 0.86), (0.66, 1.0))
BRANCH = ((0.52, 0.0), (0.47, 0.18), (0.36, 0.38))
INFLOW = (1.6e9, 3.0e8)
"""Where the two large rivers run before erosion, in fractions of the scene (x, y from the north-west corner), and the
area in square metres that each already drains where it enters."""
SUN_AZIMUTH = 150.0
"""Degrees clockwise from north: the sun of a mid-morning overpass stands in the south-east."""


@dataclass(frozen=True)
class Terrain:
    """A relief and what follows from it; all arrays have one shape."""

    height: Field
    """Metres above sea level."""
    river: Field
    """How much of a pixel is river, 0..1."""
    flatness: Field
    """1 on a valley floor, 0 on slopes."""
    cell: float
    """Metres per pixel."""


def make_terrain(seed: int, shape: tuple[int, int], cell: float, *, nodes: int, steps: int) -> Terrain:
    """Relief for a square scene of ``shape`` pixels of ``cell`` metres.

    Args:
        nodes: side of the grid on which rivers erode; its margin is cut off, as edges erode unlike the rest.
        steps: rounds of erosion; about 60 make a mature mountain range.
    """
    margin = nodes // 32
    spacing = cell * shape[0] / (nodes - 2 * margin)
    height, _, _ = _erode(_flood(_initial(seed, nodes // 2)), 2 * spacing, steps)
    detail = 25 * fractal(seed + 2, (nodes, nodes), 0.8, 12)
    height, area, receiver = _erode(_flood(enlarge(height, (nodes, nodes)) + detail), spacing, steps // 3)
    height = _scaled(height)
    height, floor = _fill_valleys(height, area, spacing)
    river = _draw_rivers(area.ravel(), receiver, (nodes, margin), shape, cell)
    inner = slice(margin, nodes - margin)
    floor = np.clip(enlarge(floor[inner, inner], shape), 0, 1)
    return Terrain(_refine(seed, enlarge(height[inner, inner], shape), floor, cell), river, floor, cell)


def _initial(seed: int, nodes: int) -> Field:
    """Low hills with a trunk valley from the west to the south and a side valley from the north."""
    y, x = (np.mgrid[0:nodes, 0:nodes] / nodes).astype(np.float32)
    away = np.full((nodes, nodes), 9.0)
    for course in (TRUNK, BRANCH):
        for (x0, y0), (x1, y1) in pairwise(course):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            away = np.minimum(away, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    fall = 500 * (1 - y) + 150 * np.abs(x - 0.5)
    noise = 70 * fractal(seed, (nodes, nodes), 1.4)
    height = fall + 900 * np.minimum(away / 0.12, 1) ** 0.5 + noise * np.minimum(away / 0.03, 1)
    start: Field = height.astype(np.float32)
    return start


def _flood(height: Field) -> Field:
    """Fill every pit so that all cells drain to the south edge (priority flood, Barnes and others 2014)."""
    rows, columns = height.shape
    filled: list[list[float]] = [[float(v) for v in row] for row in height]
    done = [[False] * columns for _ in range(rows)]
    queue = [(filled[rows - 1][x], rows - 1, x) for x in range(columns)]
    done[rows - 1] = [True] * columns
    heapify(queue)
    while queue:
        level, y, x = heappop(queue)
        for dy, dx in NEIGHBOURS:
            v, u = y + dy, x + dx
            if 0 <= v < rows and 0 <= u < columns and not done[v][u]:
                done[v][u] = True
                filled[v][u] = max(filled[v][u], level + 0.01)
                heappush(queue, (filled[v][u], v, u))
    return np.array(filled, np.float32)


def _receivers(height: Field, spacing: float) -> tuple[Index, NDArray[np.float32]]:
    """For each cell, flat index of its steepest lower neighbour (or itself) and the distance to it in metres."""
    rows, columns = height.shape
    padded = np.pad(height, 1, constant_values=np.float32(1e9))
    best = np.zeros_like(height)
    target = np.arange(height.size, dtype=np.intp).reshape(height.shape)
    own, length = target.copy(), np.full_like(height, spacing)
    for dy, dx in NEIGHBOURS:
        distance = np.float32(spacing * np.hypot(dy, dx))
        fall = (height - padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]) / distance
        better = fall > best
        best[better], length[better] = fall[better], distance
        target[better] = own[better] + dy * columns + dx
    target[-1] = own[-1]
    return target.ravel(), length.ravel()


def _levels(receiver: Index) -> list[Index]:
    """Cells grouped by their number of steps from an outlet, outlets first."""
    depth = (receiver != np.arange(receiver.size)).astype(np.int32)
    jump = receiver.copy()
    while True:
        deeper = depth + depth[jump]
        if np.array_equal(deeper, depth):
            break
        depth, jump = deeper, jump[jump]
    order = np.argsort(depth, kind="stable")
    return np.split(order, np.cumsum(np.bincount(depth))[:-1])


def _erode(height: Field, spacing: float, steps: int) -> tuple[Field, Field, Index]:
    """Uplift and river erosion for ``steps`` rounds; returns heights, drained areas (square metres), receivers."""
    shape, size = height.shape, height.size
    erodibility, years = 4e-6, 50_000.0
    rise = np.full(shape, 50, np.float32)
    rise[-1] = 0
    entering = np.zeros(shape)
    for (x, y), inflow in zip((TRUNK[0], BRANCH[0]), INFLOW, strict=True):
        entering[int(y * shape[0]), int(x * shape[1])] = inflow
    inflows: NDArray[np.float64] = entering.ravel()
    area = inflows
    receiver = np.arange(size, dtype=np.intp)
    for _ in range(steps):
        receiver, length = _receivers(height, spacing)
        levels = _levels(receiver)
        area = inflows + spacing**2
        for cells in levels[:0:-1]:
            np.add.at(area, receiver[cells], area[cells])
        factor = erodibility * years * area**0.5 / length
        flat = (height + rise).ravel().astype(np.float64)
        for cells in levels[1:]:
            flat[cells] = (flat[cells] + factor[cells] * flat[receiver[cells]]) / (1 + factor[cells])
        height = _creep(flat.reshape(shape).astype(np.float32))
    return height, area.reshape(shape).astype(np.float32), receiver


def _creep(height: Field) -> Field:
    """Soil creep wears ridges down; it leaves hollows alone, so that no river is dammed."""
    padded = np.pad(height, 1, mode="edge")
    mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
    return (height + np.float32(0.12) * np.minimum(mean - height, 0)).astype(np.float32)


def _scaled(height: Field) -> Field:
    """Heights brought to the range of South Tyrol: floors near 250 m, summits near 3300 m."""
    low, high = np.quantile(height, (0.002, 0.9995))
    unit = np.clip((height - low) / (high - low), 0, 1.05)
    metres: Field = (250 + 3050 * unit).astype(np.float32)
    return metres


def _fill_valleys(height: Field, area: Field, spacing: float) -> tuple[Field, Field]:
    """Broaden the large valleys as glaciers did; returns heights and how much each cell is valley floor (0..1)."""
    reach = 950.0 / spacing
    weight = np.where(area > 2.5e7, np.clip(area / 6e8, 0, 1) ** 0.3, 0).astype(np.float32)
    near = blur(weight, reach)
    level = blur(weight * height, reach) / np.maximum(near, 1e-6)
    carved = ramp(near * np.float32(reach * np.sqrt(2 * np.pi)), 0.22, 0.72)
    smooth = blur(height, 1.1)
    filled = smooth + carved * (level - smooth)
    return filled.astype(np.float32), ramp(carved, 0.8, 0.97)


def _courses(area: Field, receiver: Index) -> list[list[int]]:
    """Each river as flat cell indices, from its source down to the sea or to a river that is already listed."""
    large = area > 6e7
    fed = np.zeros(area.size, bool)
    inner = np.flatnonzero(large & (receiver != np.arange(area.size)))
    fed[receiver[inner]] = True
    seen: set[int] = set()
    courses = []
    for head in sorted(np.flatnonzero(large & ~fed).tolist(), key=lambda cell: -area[cell]):
        course = [head]
        while course[-1] not in seen and receiver[course[-1]] != course[-1]:
            seen.add(course[-1])
            course.append(int(receiver[course[-1]]))
        courses.append(course)
    return courses


def _draw_rivers(area: Field, receiver: Index, grid: tuple[int, int], shape: tuple[int, int], cell: float) -> Field:
    """Smooth river lines, 8 to 76 m wide by drained area, antialiased; ``grid`` is (nodes, margin)."""
    river = np.zeros(shape, np.float32)
    nodes, margin = grid
    ratio = shape[0] / (nodes - 2 * margin)
    for course in _courses(area, receiver):
        if len(course) < 8:
            continue
        y, x = np.divmod(np.array(course), nodes)
        ends, kernel = (4, 4), np.hanning(11)[1:-1] / np.hanning(11).sum()
        y, x = (np.convolve(np.pad((v + 0.5 - margin) * ratio, ends, mode="edge"), kernel, "valid") for v in (y, x))
        at = np.arange(0, len(course) - 1, 0.4 / ratio)
        y, x = (np.interp(at, np.arange(len(course)), v) - 0.5 for v in (y, x))
        drained = np.interp(at, np.arange(len(course)), area[course])
        radius = np.clip(4.2 * (drained / 1e8) ** 0.75, 4, 38) / cell
        for dy, dx in ((dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)):
            row, column = np.round(y).astype(np.intp) + dy, np.round(x).astype(np.intp) + dx
            inside = (row >= 0) & (column >= 0) & (row < shape[0]) & (column < shape[1])
            part = np.clip(radius + 0.5 - np.hypot(row - y, column - x), 0, 1).astype(np.float32)
            np.maximum.at(river, (row[inside], column[inside]), part[inside])
    return river


def _refine(seed: int, height: Field, floor: Field, cell: float) -> Field:
    """Add gullies and rock texture that the coarse grid cannot hold; valley floors stay level."""
    kilometre = 1000.0 / cell
    gullies = 1 - np.abs(fractal(seed + 1, height.shape, 1.75, 1.2 * kilometre)) * 1.6
    crags = fractal(seed + 3, height.shape, 1.2, 0.3 * kilometre) * ramp(height, 1700, 2600)
    rough = ramp(height, 300, 2400)
    detail = (10 + 26 * rough) * gullies + 5 * crags
    return (height + detail * (1 - floor)).astype(np.float32)


def sunlight(terrain: Terrain, elevation: float) -> tuple[Field, Field]:
    """How the sun falls on the relief.

    Args:
        elevation: of the sun above the horizon, degrees; its azimuth is ``SUN_AZIMUTH``.
    Returns:
        the cosine of incidence over that on flat ground (1 on flat ground, 0 when turned away), and how far a
        pixel lies in the cast shadow of a mountain (0..1).
    """
    gy, gx = np.gradient(terrain.height, np.float32(terrain.cell))
    azimuth, above = np.radians(SUN_AZIMUTH), np.radians(elevation)
    east, north = np.float32(np.sin(azimuth)), np.float32(np.cos(azimuth))
    slope = 1 / np.sqrt(1 + gx**2 + gy**2)
    facing = (np.float32(np.tan(above)) - gx * east + gy * north) * slope / np.float32(np.tan(above))
    return np.clip(facing, 0, 3).astype(np.float32), _cast(terrain, float(np.tan(above)))


def _cast(terrain: Terrain, tangent: float) -> Field:
    step = max(1, terrain.height.shape[0] // 512)
    small = terrain.height[::step, ::step]
    spacing = terrain.cell * step
    azimuth = np.radians(SUN_AZIMUTH)
    reach = int(min(2200 / tangent / spacing, small.shape[0] // 2))
    horizon = np.full_like(small, -1e9)
    padded = np.pad(small, reach, mode="edge")
    for count in range(1, reach + 1):
        dy = reach - round(float(np.cos(azimuth)) * count)
        dx = reach + round(float(np.sin(azimuth)) * count)
        ahead = padded[dy : dy + small.shape[0], dx : dx + small.shape[1]]
        np.maximum(horizon, ahead - np.float32(count * spacing * tangent), out=horizon)
    return ramp(enlarge(horizon - small, terrain.height.shape), -8, 25)
