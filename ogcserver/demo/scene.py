"""Pixels: what a satellite would record of a landscape on a date. Pure numpy, deterministic, no files.

Arrays are ``(y, x)``. Reflectance is a fraction (1 is white), float32; encoded it is uint16 in steps of 0.0001 with 0
for missing. Backscatter is decibels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogcserver.demo.fields import Field, fractal, ramp
from ogcserver.demo.landscape import Landscape
from ogcserver.demo.layout import Observation
from ogcserver.demo.surfaces import CLOUD, SNOW, Surface, palette
from ogcserver.demo.terrain import sunlight
from ogcserver.demo.weather import clouds, shadows

DIFFUSE = (0.40, 0.36, 0.30, 0.24, 0.22, 0.20, 0.18, 0.17, 0.16, 0.15, 0.10, 0.12, 0.10)
"""Share of the light in each band that comes from the sky and reaches shaded slopes too."""
HAZE = (0.105, 0.078, 0.044, 0.022, 0.018, 0.014, 0.012, 0.010, 0.009, 0.006, 0.0008, 0.003, 0.002)
"""Reflectance that the air itself adds at the top of the atmosphere."""
TRANSMISSION = (0.86, 0.88, 0.90, 0.93, 0.93, 0.94, 0.95, 0.95, 0.96, 0.45, 0.01, 0.96, 0.95)
"""Share of the ground's reflectance that passes the air."""

CLOUDY = 0.30
"""Opacity above which a pixel counts as cloud."""


@dataclass(frozen=True)
class Moment:
    """A landscape under the sky of one date, before it is seen in any band."""

    landscape: Landscape
    palette: Field
    """Reflectance ``(rows, 13)`` of every surface on this day."""
    snow: Field
    """Share of a pixel under snow."""
    direct: Field
    """Direct sunlight, 1 on flat ground, 0 in the shadow of mountains and clouds."""
    dark: Field
    """Depth of the shadow of mountains, 0..1."""
    opacity: Field
    """Of clouds, 0..1."""
    shade: Field
    """Depth of the shadow of clouds, 0..1."""
    covered: NDArray[np.bool_]
    """False where the satellite recorded nothing."""


def sun_elevation(latitude: float, day: int) -> float:
    """Degrees above the horizon about an hour before noon."""
    tilt = np.radians(-23.44) * np.cos(2 * np.pi * (day + 10) / 365.25)
    phi = np.radians(latitude)
    sine = np.sin(phi) * np.sin(tilt) + np.cos(phi) * np.cos(tilt) * np.cos(np.radians(16))
    return float(np.degrees(np.arcsin(sine)))


def observe(landscape: Landscape, observation: Observation, seed: int, latitude: float) -> Moment:
    """Sun, snow and clouds over ``landscape``; the seed decides where the clouds are."""
    terrain, shape = landscape.terrain, landscape.surface.shape
    elevation = sun_elevation(latitude, observation.day)
    facing, dark = sunlight(terrain, elevation)
    weather = observation.weather
    opacity = clouds(seed + 100 * observation.day, (shape[0], shape[1]), terrain.cell, weather)
    shade = shadows(opacity, terrain.cell, elevation, cumulus=weather.cumulus) * (1 - opacity)
    direct = np.minimum(0.25 + 0.75 * facing, 1.35) * ramp(facing, 0, 0.4) * (1 - 0.95 * dark) * (1 - 0.85 * shade)
    row, column = np.ogrid[0 : shape[0], 0 : shape[1]]
    covered = np.ones(shape, bool)
    if observation.swath_edge:
        covered = shape[1] - column + 0.22 * row >= 0.195 * shape[1]
    snow = _snow(landscape, observation.snow_line, facing)
    return Moment(landscape, palette(observation.day), snow, direct, dark, opacity, shade, covered)


def _snow(landscape: Landscape, line: float, facing: Field) -> Field:
    """Snow above the line, lower on shaded slopes, thin under trees and on cliffs, none on water."""
    terrain = landscape.terrain
    if line > float(terrain.height.max()) + 600:
        return np.zeros_like(terrain.height)
    spread = 60 if float(np.ptp(terrain.height)) < 1500 else 170
    local = 0.7 * fractal(5, terrain.height.shape, 1.2, 500 / terrain.cell) + landscape.patchiness
    lift = terrain.height + spread * (0.7 * local + 0.8 * np.clip(1 - facing, -1, 1)) - np.float32(line)
    hold = np.ones(len(Surface), np.float32)
    hold[[Surface.CONIFER, Surface.BROADLEAF]] = 0.11, 0.40
    hold[[Surface.BUILT, Surface.ROCK]] = 0.6, 0.93
    hold[[Surface.WATER, Surface.RIVER]] = 0.0
    gy, gx = np.gradient(terrain.height, np.float32(terrain.cell))
    cliff = ramp(np.hypot(gx, gy), 1.5, 0.9)
    return ramp(lift, -spread * 0.8, spread * 0.9) * hold[landscape.surface] * (0.35 + 0.65 * cliff)


def reflectance(moment: Moment, column: int, *, top: bool) -> Field:
    """Reflectance in band ``column`` of a ``Spectrum``.

    Args:
        top: as seen from above the atmosphere instead of at the surface.
    """
    ground = moment.palette[:, column][moment.landscape.row] * moment.landscape.tone
    snow = np.float32(SNOW[column] / 100)
    ground += moment.snow * (snow * (0.93 + 0.07 * moment.landscape.tone) - ground)
    sky = np.float32(DIFFUSE[column])
    ground *= sky + (1 - sky) * moment.direct
    if top:
        ground = np.float32(TRANSMISSION[column]) * ground + np.float32(HAZE[column])
    white = np.float32(CLOUD[column] / 100) * (0.55 + 0.45 * moment.opacity * moment.opacity)
    return (ground + moment.opacity * (white - ground)).astype(np.float32, copy=False)


def encode(field: Field, covered: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Reflectance as uint16: unit 0.0001, at least 1, 0 where not covered.

    Values keep seven significant bits: more would be noise, and noise does not compress.
    """
    numbers = np.clip(field * np.float32(10000), 1, 20000)
    mantissa, exponent = np.frexp(numbers)
    rounded = np.rint(np.ldexp(np.rint(mantissa * 64) / 64, exponent))
    return np.where(covered, np.maximum(rounded, 1), 0).astype(np.uint16)


def classify(moment: Moment) -> NDArray[np.uint8]:
    """Scene classification with the codes of Sen2Cor; 0 where not covered."""
    red, infrared = (reflectance(moment, column, top=False) for column in (3, 8))
    ndvi = (infrared - red) / (infrared + red)
    land = np.where(ndvi > 0.38, 4, 5).astype(np.uint8)
    land[(moment.direct < 0.18) & (infrared < 0.12)] = 2
    land[np.isin(moment.landscape.surface, (Surface.WATER, Surface.RIVER))] = 6
    land[moment.snow > 0.45] = 11
    land[moment.shade > 0.35] = 3
    land[moment.opacity > 0.12] = 10
    land[moment.opacity > CLOUDY] = 8
    land[moment.opacity > 0.62] = 9
    land[~moment.covered] = 0
    return land


def backscatter(landscape: Landscape, observation: Observation, seed: int, polarisation: str) -> Field:
    """Sigma nought in decibels with speckle (about 40 looks); ``polarisation`` is "VV" or "VH"."""
    cross = polarisation == "VH"
    level = np.full(len(Surface), -18.0 if cross else -11.5, np.float32)
    for group, co, across in (
        ((Surface.WATER, Surface.RIVER), -19.5, -27.0),
        ((Surface.CONIFER, Surface.BROADLEAF), -8.6, -14.0),
        ((Surface.BUILT,), -4.2, -12.2),
        ((Surface.REED,), -9.5, -16.5),
        ((Surface.MEADOW, Surface.WHEAT, Surface.RAPE), -11.8, -19.0),
        ((Surface.VINEYARD, Surface.ORCHARD), -9.8, -16.4),
    ):
        level[list(group)] = across if cross else co
    shape = landscape.surface.shape
    rng = np.random.default_rng((seed, observation.day, cross))
    base = level[landscape.surface]
    damp = fractal(seed + observation.day, (shape[0], shape[1]), 1.6, shape[1] / 2)
    thaw = 1.4 * ramp(np.float32(observation.day) + np.zeros(1, np.float32), 15, 60)[0]
    growth = ramp(landscape.tone, 0.8, 1.25) * (observation.day / 90) * 1.6
    wet = np.where(base > -19.4, 0.55 * damp + thaw, 1.2 * damp)
    field = base + wet + growth + 5 * (landscape.tone - 1) * (base > -19)
    field += np.linspace(0.9, -0.9, shape[1], dtype=np.float32)
    speckle = rng.gamma(40, 1 / 40, shape).astype(np.float32)
    rounded: Field = (np.rint((field + 10 * np.log10(speckle)) * 32) / 32).astype(np.float32)
    return rounded
