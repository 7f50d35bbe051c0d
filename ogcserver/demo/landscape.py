"""Land cover: which surface lies where, for the alpine scene and the lowland scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogcserver.demo.fields import Field, Labels, blur, fractal, join, ramp, scramble
from ogcserver.demo.surfaces import Surface, refine
from ogcserver.demo.terrain import Terrain, make_terrain

Classes = NDArray[np.uint8]


@dataclass(frozen=True)
class Landscape:
    """All that does not change from date to date; arrays have one shape ``(y, x)``."""

    terrain: Terrain
    surface: Classes
    """``Surface`` of each pixel."""
    row: NDArray[np.uint16]
    """Row of ``surfaces.palette``."""
    tone: Field
    """Brightness about 1: soils, parcels, tree crowns."""
    patchiness: Field
    """Smooth field of standard deviation 1 that shifts snow lines and damp."""


def parcels(seed: int, shape: tuple[int, int], district: float, size: tuple[float, float]) -> Labels:
    """Field parcels: a label per pixel. Districts of parallel strips, each turned its own way.

    Args:
        district: spacing of districts in pixels.
        size: mean width and length of a parcel in pixels.
    """
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    wobble = fractal(seed, shape, 2.0, 2 * district)
    y, x = y + district * 0.03 * wobble, x + district * 0.03 * np.roll(wobble, 37, axis=0)
    area = _cells(seed, x / district, y / district)
    angle = scramble(area, seed + 1) * np.float32(np.pi)
    stretch = 0.7 + 0.7 * scramble(area, seed + 2)
    u = (x * np.cos(angle) + y * np.sin(angle)) / (size[0] * stretch)
    v = (y * np.cos(angle) - x * np.sin(angle)) / (size[1] * (1.5 - 0.5 * stretch))
    lane = join(area, np.floor(v + 0.3 * np.sin(1.7 * v)).astype(np.int32).astype(np.uint32))
    u = u + 7 * scramble(lane, seed + 3)
    return join(lane, np.floor(u + 0.42 * np.sin(2.3 * u)).astype(np.int32).astype(np.uint32))


def _cells(seed: int, x: Field, y: Field) -> Labels:
    """Label of the nearest of randomly placed points, one in each unit square."""
    best = np.full(x.shape, 9, np.float32)
    label = np.zeros(x.shape, np.uint32)
    column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            square = join((row + dy).astype(np.uint32), (column + dx).astype(np.uint32))
            away = (column + dx + scramble(square, seed) - x) ** 2 + (row + dy + scramble(square, seed + 9) - y) ** 2
            label = np.where(away < best, square, label)
            best = np.minimum(best, away)
    return label


def _choose(draw: Field, shares: tuple[tuple[Surface, float], ...]) -> Classes:
    """A surface for each draw in [0, 1), in the given shares (which add up to 1)."""
    edges = np.cumsum([share for _, share in shares])[:-1]
    return np.array([surface for surface, _ in shares], np.uint8)[np.searchsorted(edges, draw)]


def alpine(seed: int, shape: tuple[int, int], cell: float, *, nodes: int, steps: int) -> Landscape:
    """Ridges and valleys like those of South Tyrol; for the arguments see ``make_terrain``."""
    terrain = make_terrain(seed, shape, cell, nodes=nodes, steps=steps)
    unit = 20 / cell
    patch = fractal(seed + 20, shape, 1.3, 150 * unit)
    parcel = parcels(seed + 21, shape, 60 * unit, (5.5 * unit, 13 * unit))
    draw = scramble(parcel, 1)
    surface = _slopes(seed, terrain, patch, draw)
    surface = np.where(terrain.flatness > 0.45, _floor(terrain, patch, draw), surface)
    town = _towns(seed, terrain, unit)
    surface[town] = Surface.BUILT
    surface[terrain.river > 0.45] = Surface.RIVER
    tone = _tone(seed, surface, scramble(parcel, 2))
    return Landscape(terrain, surface, refine(surface, terrain.height, scramble(parcel, 3)), tone, patch)


def _slopes(seed: int, terrain: Terrain, patch: Field, draw: Field) -> Classes:
    """Forest, pastures, turf and rock by height, steepness and aspect."""
    height = terrain.height
    gy, gx = np.gradient(blur(height, 2), np.float32(terrain.cell))
    steep, sunny = np.hypot(gx, gy), gy - 0.4 * gx
    mottle = fractal(seed + 22, height.shape, 0.9, 600 / terrain.cell)
    mixed = 0.6 * patch + 0.5 * mottle
    surface = np.where(height + 160 * mixed < 950, np.uint8(Surface.BROADLEAF), np.uint8(Surface.CONIFER))
    clearing = (height < 1750) & (0.55 - steep + 0.22 * patch + 0.10 * mottle + 0.18 * sunny > 0.25)
    surface[clearing] = Surface.MEADOW
    vines = (height < 720) & (steep < 0.5) & (sunny > -0.15) & (patch > -0.2)
    surface[vines] = _choose(draw, ((Surface.VINEYARD, 0.7), (Surface.ORCHARD, 0.2), (Surface.MEADOW, 0.1)))[vines]
    surface[height > 1980 + 130 * mixed] = Surface.ALPINE
    bare = ramp(height, 2000, 2750) + 0.9 * ramp(steep, 0.75, 1.35) * ramp(height, 900, 1900) + 0.16 * mixed
    surface[bare > 0.62] = Surface.ROCK
    return surface


def _floor(terrain: Terrain, patch: Field, draw: Field) -> Classes:
    """Orchards in the low valleys, meadows in the high ones, some arable land."""
    low = ((Surface.ORCHARD, 0.62), (Surface.MEADOW, 0.13), (Surface.MAIZE, 0.1), (Surface.VINEYARD, 0.15))
    high = ((Surface.MEADOW, 0.72), (Surface.WHEAT, 0.1), (Surface.MAIZE, 0.1), (Surface.FALLOW, 0.08))
    return np.where(terrain.height + 60 * patch < 720, _choose(draw, low), _choose(draw, high))


def _towns(seed: int, terrain: Terrain, unit: float) -> NDArray[np.bool_]:
    """Villages on valley floors and gentle slopes, dense in the middle and frayed at the edge."""
    shape = terrain.height.shape
    centre = fractal(seed + 23, shape, 1.5, 110 * unit)
    grain = fractal(seed + 24, shape, 0.9, 10 * unit)
    wish = centre + 0.9 * terrain.flatness - 0.0006 * np.clip(terrain.height - 300, 0, 9999) + 0.55 * grain
    steep = np.hypot(*np.gradient(terrain.height, np.float32(terrain.cell)))
    town: NDArray[np.bool_] = (wish > 2.45) & (steep < 0.35)
    return town


def lowland(seed: int, shape: tuple[int, int], cell: float) -> Landscape:
    """A plain with large fields, wooded hills, a broad river from west to east, a city and a shallow lake."""
    unit = 100 / cell
    y, x = (np.mgrid[0 : shape[0], 0 : shape[1]] / np.float32(shape[1])).astype(np.float32)
    patch = fractal(seed + 30, shape, 1.5, 150 * unit)
    swell = fractal(seed + 31, shape, 1.8, 300 * unit)
    river = _crossing(seed, y, x, shape)
    height = 150 + 60 * np.clip(swell, -1, 9) + 260 * ramp(swell, 0.5, 2.2) * ramp(np.abs(river), 0.02, 0.3)
    height += 10 * fractal(seed + 32, shape, 1.2, 25 * unit) * ramp(swell, 0.2, 1.4)
    terrain = Terrain(height.astype(np.float32), ramp(np.abs(river), 0.010, 0.006), 1 - ramp(swell, 0.2, 0.9), cell)
    parcel = parcels(seed + 33, shape, 48 * unit, (4.5 * unit, 13 * unit))
    surface = _plain(terrain, patch, scramble(parcel, 1))
    rough = fractal(seed + 34, shape, 1.05, 20 * unit)
    city = 1.5 * np.exp(-(((x - 0.30) / 0.22) ** 2 + ((y - 1.28) / 0.20) ** 2)) + 0.22 * rough
    villages = fractal(seed + 36, shape, 1.1, 28 * unit) * ramp(swell, 1.0, 0.4)
    surface[(city > 0.62) | (villages + 0.3 * rough > 2.75)] = Surface.BUILT
    lake = ((x - 0.72) / 0.16) ** 2 + ((y - 2.55) / 0.42) ** 2 + 0.14 * patch + 0.05 * rough
    surface[lake < 1.28] = Surface.REED
    surface[lake < 0.9] = Surface.WATER
    surface[terrain.river > 0.5] = Surface.RIVER
    tone = _tone(seed, surface, scramble(parcel, 2))
    return Landscape(terrain, surface, refine(surface, terrain.height, scramble(parcel, 3)), tone, patch)


def _crossing(seed: int, y: Field, x: Field, shape: tuple[int, int]) -> Field:
    """Signed distance to the river's middle, in widths of the scene."""
    bend = np.cumsum(np.random.default_rng(seed).standard_normal(12))
    wander = np.interp(np.linspace(0, 11, shape[1]), np.arange(12), bend - np.linspace(bend[0], bend[-1], 12))
    smooth = blur(np.tile(wander.astype(np.float32), (2, 1)), shape[1] / 28)[0]
    distance: Field = (y - 1.18 - 0.022 * smooth[None, :] + 0.10 * (x - 0.5)).astype(np.float32)
    return distance


def _plain(terrain: Terrain, patch: Field, draw: Field) -> Classes:
    crops = (
        (Surface.WHEAT, 0.36), (Surface.MAIZE, 0.27), (Surface.RAPE, 0.1), (Surface.FALLOW, 0.09),
        (Surface.MEADOW, 0.08), (Surface.VINEYARD, 0.1),
    )  # fmt: skip
    surface = _choose(draw, crops)
    wood = ramp(terrain.height, 190, 290) + 0.32 * patch
    surface[wood > 0.62] = Surface.BROADLEAF
    surface[wood > 1.08] = Surface.CONIFER
    meadows = (np.abs(terrain.height - 112) < 10) & (patch > 0.6)
    surface[meadows] = Surface.BROADLEAF
    return surface


def _tone(seed: int, surface: Classes, draw: Field) -> Field:
    """Brightness: even within water, different between parcels, grainy in forests, busy in towns."""
    classes = len(Surface)
    grain, spread = np.full(classes, 0.045, np.float32), np.full(classes, 0.24, np.float32)
    for group, fine, coarse in (
        ((Surface.WATER, Surface.RIVER), 0.015, 0.0),
        ((Surface.CONIFER, Surface.BROADLEAF), 0.10, 0.0),
        ((Surface.ALPINE,), 0.09, 0.0),
        ((Surface.ROCK,), 0.13, 0.0),
        ((Surface.BUILT,), 0.26, 0.10),
    ):
        grain[list(group)], spread[list(group)] = fine, coarse
    noise = fractal(seed + 40, surface.shape, 1.0, 60)
    broad = fractal(seed + 41, surface.shape, 1.2, surface.shape[1] / 6)
    tone: Field = np.exp(grain[surface] * noise + 0.05 * broad + spread[surface] * (2 * draw - 1)).astype(np.float32)
    return tone
