"""How bands look when nobody says: by name, unit and dtype, for no pixel is known yet."""

from __future__ import annotations

import re

import numpy as np

from ogcserver.cube import Band

Range = tuple[float, float]

_NATURAL = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("b04", "b03", "b02"),
    ("b4", "b3", "b2"),
    ("4", "3", "2"),
)
_VEGETATION = frozenset(["ndvi", "evi", "evi2", "savi", "msavi", "osavi", "gndvi", "ndre", "arvi", "rvi"])
_WATER = frozenset(["ndwi", "mndwi", "ndmi", "ndsi"])
_BY_UNIT = {"db": (-25.0, 5.0), "m": (0.0, 3000.0), "k": (250.0, 320.0), "degc": (-10.0, 40.0), "°c": (-10.0, 40.0)}


def natural_colours(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """The bands named like red, green and blue (Sentinel-2 and Landsat 8 numbers count), in this order; else none."""
    by_name = {_plain(band.name): band for band in reversed(bands)}
    for names in _NATURAL:
        if all(name in by_name for name in names):
            return tuple(by_name[name] for name in names)
    return ()


def _plain(name: str) -> str:
    return re.sub(r"[_-]\d+m$", "", name.lower())  # B04_10m is B04


def stretch(band: Band) -> Range:
    """The values shown from black to white: all of uint8, reflectances up to 0.3, as integers up to 3000."""
    dtype = np.dtype(band.dtype)
    if dtype == np.bool_:
        return 0.0, 1.0
    if dtype == np.uint8:
        return 0.0, 255.0
    if dtype == np.int8:
        return -128.0, 127.0
    return (0.0, 0.3) if dtype.kind == "f" else (0.0, 3000.0)


def single_look(band: Band) -> tuple[str, Range]:
    """Colour map and range of a band on its own.

    A vegetation index (a word of the name says so) goes from red to green over -0.2..0.9, a water or snow index from
    red to blue over -0.8..0.8. All others are grey, black the lowest: over a usual range of the unit if it is dB, m, K
    or degC; else integers as in :func:`stretch` and floats over 0..1.
    """
    words = set(re.split(r"[^a-z0-9]+", band.name.lower()))
    if words & _VEGETATION:
        return "rdylgn", (-0.2, 0.9)
    if words & _WATER:
        return "rdbu", (-0.8, 0.8)
    if limits := _BY_UNIT.get(band.unit.strip().lower()):
        return "greys_r", limits
    return "greys_r", (0.0, 1.0) if np.dtype(band.dtype).kind == "f" else stretch(band)
