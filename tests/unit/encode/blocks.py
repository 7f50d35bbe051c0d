"""Small blocks to encode."""

from __future__ import annotations

import numpy as np

from ogcserver.cube import Band, Block
from ogcserver.geo.grid import Grid, Lattice

NAN = np.nan
UTM = Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 10.0, 20.0), 3, 5, 4, 3)


def grid(width: int, height: int, crs: str = "EPSG:32632") -> Grid:
    return Grid(Lattice(crs, 600000.0, 5200000.0, 10.0, 20.0), 3, 5, width, height)


def block(data, *bands: Band, times=(), on: Grid | None = None) -> Block:
    """A block of (y, x), (band, y, x) or (time, band, y, x) values."""
    array = np.asarray(data, np.float32 if np.asarray(data).dtype != np.float64 else np.float64)
    array = array.reshape((1,) * (4 - array.ndim) + array.shape)
    bands = bands or tuple(Band(f"b{index}") for index in range(array.shape[1]))
    return Block(array, on or grid(array.shape[3], array.shape[2]), bands, times)


def f32(*rows) -> np.ndarray:
    return np.array(rows, np.float32)
