"""What a request takes of the pixels, besides their place."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.cube import Resampling, View
from ogcserver.engine.describe import Description
from ogcserver.geo.grid import Grid
from ogcserver.wcs.bands import chosen
from ogcserver.wcs.identify import Sent
from ogcserver.wcs.times import choose_listed
from ogcserver.wcs.windows import Placing, check_overlap, on_native


@dataclass(frozen=True)
class Choice:
    """Times, bands and interpolation."""

    times: tuple[str, ...] = ()
    """Empty: the default, the newest."""
    bands: tuple[str, ...] = ()
    """Empty: all."""
    interpolation: Resampling | None = None
    """None: as the coverage says."""


DEFAULT = Choice()


@dataclass(frozen=True)
class Locators:
    """The parameters that a version has for box, times and bands; for messages."""

    box: str
    times: str
    bands: str


def placed(
    stated: Grid, coverage: Description, choice: Choice, resampling: Resampling, sent: Sent | None, names: Locators
) -> Placing:
    """The pixels of a grid as asked for; of the native lattice where they are its own.

    Args:
        resampling: of the coverage, where the request names no interpolation.
        sent: the request's box, if it is in the native CRS.
    Raises:
        InvalidSubset: outside of the coverage, or no observation at the time.
        UnknownField, InvalidParameter: bands.
        CoordinateError: the coverage cannot be expressed in the CRS of the grid.
    """
    check_overlap(stated, coverage.grid, names.box)
    times = choose_listed(coverage.times, choice.times, names.times)
    bands = chosen(coverage.bands, choice.bands, names.bands)
    grid = on_native(stated, coverage.grid, sent)
    return Placing(View(grid, bands, times, choice.interpolation or resampling), stated)
