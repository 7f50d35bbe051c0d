"""What a plan's result is like as a whole: its native grid, its times, where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.cube import Band
from ogcserver.geo.grid import Bounds, Grid


@dataclass(frozen=True)
class Description:
    """The whole result of a plan, without pixels."""

    grid: Grid
    """The native grid over the full extent: the pixels that a coverage at native resolution has."""
    bands: tuple[Band, ...]
    times: tuple[str, ...]
    """Labels of all observations when the result has a time axis, oldest first; else empty."""
    boxes: tuple[Bounds, ...]
    """Longitude/latitude boxes within -180..180 that hold the extent; two where it crosses 180 degrees."""
    interval: tuple[str, str]
    """First and last moment of the observations behind the result; "" when there are none."""
