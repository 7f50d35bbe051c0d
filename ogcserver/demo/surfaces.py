"""What the ground is made of: reflectance spectra of the surface classes, and how they change over the year."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ogcserver.demo.fields import Field

ALTITUDES, VARIETIES = 8, 4
"""A class is refined by altitude (steps of 400 m) and variety (parcels that are early or late by some days)."""

Spectrum = tuple[float, ...]
"""Percent reflectance in the 13 bands of Sentinel-2, in the order B01..B08, B8A, B09..B12."""

WATER: Spectrum = (3.4, 3.6, 4.0, 2.4, 2.0, 1.6, 1.5, 1.2, 1.0, 0.8, 0.2, 0.5, 0.3)
RIVER: Spectrum = (5.0, 6.6, 8.8, 6.6, 5.4, 4.2, 3.6, 3.0, 2.6, 2.0, 0.3, 0.9, 0.6)
CONIFER: Spectrum = (1.4, 1.7, 2.9, 1.9, 5.0, 14, 18, 20, 21, 21, 0.9, 9.0, 4.0)
LEAVES: Spectrum = (1.8, 2.1, 4.6, 2.5, 9.0, 28, 36, 39, 41, 40, 1.2, 18, 8.0)
TWIGS: Spectrum = (3.2, 4.0, 5.4, 6.4, 9.0, 12, 14, 16, 18, 19, 1.5, 20, 13)
GRASS: Spectrum = (2.5, 3.2, 7.2, 4.4, 12, 30, 38, 42, 44, 43, 1.5, 22, 11)
STRAW: Spectrum = (4.2, 5.4, 8.2, 9.6, 13, 18, 21, 23, 25, 26, 1.8, 26, 17)
TURF: Spectrum = (3.2, 4.2, 7.4, 6.4, 12, 22, 27, 30, 32, 32, 1.8, 24, 14)
ROCK: Spectrum = (11, 12.6, 15, 16.5, 17.5, 18.5, 19.5, 20, 21, 21, 4.0, 25, 22)
SOIL: Spectrum = (5.6, 7.2, 10, 13.4, 15.4, 17, 18.5, 20, 21, 22, 3.5, 29, 25)
CHERNOZEM: Spectrum = (4.4, 5.4, 7.2, 9.2, 10.8, 12.4, 13.6, 15, 16.4, 17.4, 2.6, 23, 20)
SPROUT: Spectrum = (2.0, 2.8, 6.0, 3.0, 10, 32, 43, 47, 50, 49, 1.5, 20, 9.0)
RIPE: Spectrum = (6.4, 9.0, 14, 18.5, 22, 25, 28, 31, 34, 35, 3.5, 38, 28)
BLOSSOM: Spectrum = (3.0, 3.6, 11.5, 9.6, 16, 36, 44, 47, 49, 48, 1.6, 21, 10)
ORCHARD: Spectrum = (2.4, 2.9, 5.6, 3.9, 10, 25, 32, 35, 37, 37, 1.4, 22, 12)
BUILT: Spectrum = (11, 12.6, 14.2, 16, 17, 18, 19, 20, 21, 21, 4.5, 23, 20)
REED: Spectrum = (3.6, 4.6, 7.0, 8.0, 11, 17, 20, 23, 25, 25, 1.6, 22, 13)
SNOW: Spectrum = (90, 91, 91, 90, 89, 88, 87, 85, 83, 76, 4.0, 10, 7.0)
CLOUD: Spectrum = (78, 77, 76, 76, 76, 76, 76, 76, 75, 62, 2.0, 52, 40)


class Surface(IntEnum):
    """Classes of land cover."""

    WATER = 0
    RIVER = 1
    CONIFER = 2
    BROADLEAF = 3
    MEADOW = 4
    ALPINE = 5
    ROCK = 6
    WHEAT = 7
    MAIZE = 8
    RAPE = 9
    ORCHARD = 10
    VINEYARD = 11
    BUILT = 12
    REED = 13
    FALLOW = 14


@dataclass(frozen=True)
class Season:
    """Three spectra and their shares over the year."""

    dormant: Spectrum
    green: Spectrum
    ripe: Spectrum
    days: tuple[int, ...] = (1, 365)
    """Days of the year at which the shares below are given; linear between."""
    green_share: tuple[float, ...] = (0, 0)
    ripe_share: tuple[float, ...] = (0, 0)


def _constant(spectrum: Spectrum) -> Season:
    return Season(spectrum, spectrum, spectrum)


def seasons() -> dict[Surface, Season]:
    """The yearly course of each class at 400 m above sea level."""
    leafing = (1, 95, 130, 260, 310, 365)
    return {
        Surface.WATER: _constant(WATER),
        Surface.RIVER: _constant(RIVER),
        Surface.CONIFER: _constant(CONIFER),
        Surface.BROADLEAF: Season(TWIGS, LEAVES, BUILT, leafing, (0, 0.05, 1, 0.9, 0, 0), (0,) * 6),
        Surface.MEADOW: Season(STRAW, GRASS, STRAW, leafing, (0.15, 0.3, 0.95, 0.85, 0.5, 0.2), (0,) * 6),
        Surface.ALPINE: Season(STRAW, TURF, STRAW, leafing, (0, 0, 0.9, 0.8, 0.1, 0), (0,) * 6),
        Surface.ROCK: _constant(ROCK),
        Surface.WHEAT: Season(
            CHERNOZEM, SPROUT, RIPE, (1, 70, 120, 160, 185, 205, 230, 300, 365),
            (0.22, 0.28, 0.95, 0.85, 0.1, 0, 0.05, 0.05, 0.2), (0, 0, 0, 0.1, 0.85, 0.7, 0.15, 0, 0),
        ),
        Surface.MAIZE: Season(
            CHERNOZEM, SPROUT, RIPE, (1, 125, 165, 190, 235, 265, 285, 365),
            (0.02, 0, 0.5, 0.95, 0.85, 0.3, 0, 0.02), (0.1, 0, 0, 0, 0.1, 0.6, 0.35, 0.1),
        ),
        Surface.RAPE: Season(
            CHERNOZEM, BLOSSOM, RIPE, (1, 80, 115, 150, 180, 200, 240, 365),
            (0.4, 0.5, 1, 0.8, 0.15, 0, 0.15, 0.4), (0, 0, 0, 0.1, 0.7, 0.4, 0, 0),
        ),
        Surface.ORCHARD: Season(TWIGS, ORCHARD, STRAW, leafing, (0.1, 0.2, 0.95, 0.9, 0.3, 0.12), (0,) * 6),
        Surface.VINEYARD: Season(SOIL, ORCHARD, STRAW, leafing, (0.08, 0.12, 0.55, 0.7, 0.15, 0.08), (0.3,) * 6),
        Surface.BUILT: _constant(BUILT),
        Surface.REED: Season(REED, LEAVES, STRAW, leafing, (0, 0, 0.6, 0.6, 0.1, 0), (0,) * 6),
        Surface.FALLOW: Season(SOIL, GRASS, STRAW, leafing, (0.05, 0.1, 0.3, 0.25, 0.1, 0.05), (0.1,) * 6),
    }  # fmt: skip


def palette(day: int) -> Field:
    """Reflectance ``(class x ALTITUDES x VARIETIES, 13)`` on a day of the year, to be indexed by ``refine``.

    Higher ground wakes later and sleeps earlier: its year is stretched about midsummer.
    """
    altitude, variety = np.divmod(np.arange(ALTITUDES * VARIETIES), VARIETIES)
    delay = (variety - (VARIETIES - 1) / 2) * 7
    apparent = 200 + (day - delay - 200) * (1 + 0.13 * (altitude * 0.4 - 0.2))
    rows = []
    for _, season in sorted(seasons().items()):
        green = np.interp(apparent, season.days, season.green_share)[:, None]
        ripe = np.interp(apparent, season.days, season.ripe_share)[:, None]
        parts = (np.array(part) / 100 for part in (season.dormant, season.green, season.ripe))
        rows.append(sum(share * part for share, part in zip((1 - green - ripe, green, ripe), parts, strict=True)))
    return np.concatenate(rows).astype(np.float32)


def refine(surface: NDArray[np.uint8], height: Field, variety: Field) -> NDArray[np.uint16]:
    """Row of ``palette`` for each pixel, from its class, its height in metres and its variety in [0, 1)."""
    altitude = np.clip(height / 400, 0, ALTITUDES - 1).astype(np.uint16)
    step = np.clip(variety * VARIETIES, 0, VARIETIES - 1).astype(np.uint16)
    return (surface.astype(np.uint16) * ALTITUDES + altitude) * np.uint16(VARIETIES) + step
