"""What is asked of a data cube, what a cube looks like before it is computed, and a computed piece of one.

Arrays are ``(time, band, y, x)``, float32 with NaN for a missing value (float64 where the source's values need more
than 24 bits). A cube without a time axis has one element along it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ogcserver.geo.grid import Grid

Array = NDArray[np.floating[Any]]
"""(time, band, y, x); NaN where there is no value."""

Resampling = Literal["nearest", "bilinear", "cubic", "average"]
RESAMPLINGS: tuple[Resampling, ...] = ("nearest", "bilinear", "cubic", "average")


@dataclass(frozen=True)
class Band:
    """A band of a cube: its name and how its values are stored when the cube is written."""

    name: str
    dtype: str = "float32"
    """Logical numpy dtype: what a file of these values should hold."""
    nodata: float | None = None
    """The stored value that marks a missing pixel; None: NaN for floats, no such value for integers."""
    unit: str = ""


@dataclass(frozen=True)
class CubeType:
    """The schema of a cube, known before any pixel is read."""

    bands: tuple[Band, ...]
    temporal: bool
    """Whether there is a time axis."""
    zonal: bool = False
    """Whether it is a table with a row for each region, in place of pixels."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(band.name for band in self.bands)

    def band(self, name: str) -> Band:
        return self.bands[self.names.index(name)]


@dataclass(frozen=True)
class View:
    """What is asked of a cube: the one thing that a protocol module hands to the engine."""

    grid: Grid
    bands: tuple[str, ...]
    times: tuple[str, ...] = ()
    """Labels of the wanted observations; empty for a cube without time axis, and for all of them."""
    resampling: Resampling = "nearest"
    """How source pixels become pixels of ``grid``."""

    @cached_property
    def _hash(self) -> int:
        return hash((self.grid, self.bands, self.times, self.resampling))

    def __hash__(self) -> int:
        return self._hash

    def on(self, grid: Grid) -> View:
        return View(grid, self.bands, self.times, self.resampling)

    def at(self, time: str) -> View:
        """The view of one observation."""
        return View(self.grid, self.bands, (time,), self.resampling)


@dataclass(frozen=True, eq=False)
class Block:
    """A computed piece of a cube."""

    data: Array
    """(time, band, y, x), NaN where missing."""
    grid: Grid
    bands: tuple[Band, ...]
    times: tuple[str, ...] = ()
    """A label for each element of the time axis; empty for a cube without one."""
    complete: bool = True
    """False when a source could not be read, so that pixels are missing that another attempt may find."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The logical dtype that holds every band."""
        return np.dtype(np.result_type(*(np.dtype(band.dtype) for band in self.bands)))


def compute_dtype(bands: tuple[Band, ...]) -> np.dtype[Any]:
    """The dtype that arrays of these bands are computed in: float64 where float32's 24 bits do not hold the values."""
    wide = any(np.dtype(band.dtype).itemsize >= 4 and np.dtype(band.dtype) != np.float32 for band in bands)
    return np.dtype(np.float64 if wide else np.float32)
