"""Clouds and the shadows that they cast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ogcserver.demo.fields import Field, fractal, ramp
from ogcserver.demo.terrain import SUN_AZIMUTH


@dataclass(frozen=True)
class Weather:
    """The sky of one date."""

    cover: float
    """Share of the scene under cloud, 0..1."""
    cumulus: bool = False
    """Heaps of a few hundred metres to some kilometres instead of sheets."""


def clouds(seed: int, shape: tuple[int, int], cell: float, weather: Weather) -> Field:
    """Opacity of the clouds, 0..1; sheets are periodic, edges soft."""
    if weather.cover <= 0:
        return np.zeros(shape, np.float32)
    kilometre = 1000 / cell
    if weather.cumulus:
        field = fractal(seed, shape, 1.75, 3.5 * kilometre) + 0.7 * fractal(seed + 1, shape, 1.8, 25 * kilometre)
    else:
        field = fractal(seed, shape, 2.0, 18 * kilometre) + 0.10 * fractal(seed + 1, shape, 1.4, 2.5 * kilometre)
    level = float(np.quantile(field, 1 - weather.cover))
    soft = 0.7 if weather.cumulus else 0.8
    return (0.98 * ramp(field, level - soft * 0.4, level + soft)).astype(np.float32)


def shadows(opacity: Field, cell: float, elevation: float, *, cumulus: bool) -> Field:
    """How dark the clouds' shadows are, 0..1: the opacity, moved away from the sun.

    Args:
        elevation: of the sun, degrees.
    """
    base = 1400.0 if cumulus else 2200.0
    reach = base / float(np.tan(np.radians(elevation))) / cell
    azimuth = np.radians(SUN_AZIMUTH)
    down, right = round(float(np.cos(azimuth)) * reach), round(-float(np.sin(azimuth)) * reach)
    return np.roll(opacity, (down, right), axis=(0, 1))
