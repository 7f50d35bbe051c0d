"""A user's script in a plan: known by what it does to bands, times and neighbourhoods, run by the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ogcserver.cube import Array, Band, CubeType, View
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import Grid
from ogcserver.geo.warp import coordinates
from ogcserver.plan.expr import Expr
from ogcserver.plan.nodes import Region

TimeAxis = Literal["kept", "dropped", "new"]


@dataclass(frozen=True)
class Script:
    """A script, and what it is used as. All of it is part of a plan's token: another text, another plan."""

    kind: str
    """Of function, such as ``aggregate_time``."""
    code: str
    name: str
    """Of the file, for messages."""
    owner: str


@dataclass(frozen=True, eq=False)
class RunUdf(Expr):
    """What a script makes of a cube.  Source: openEO ``run_udf``.

    The script sees the observations inside of ``regions`` and of the cube's own dates, whatever part of the earth a
    view asks for: else the same pixel would have another series, and other results, in another tile.
    """

    data: Expr
    script: Script
    bands: tuple[Band, ...]
    time: TimeAxis
    """What becomes of the time axis; the labels of a new one follow from trying the script on those of the old."""
    series: bool
    """Whether one call needs all observations; else it gets one."""
    sparse: bool = False
    """Whether a pixel that is missing in all bands of an observation stays missing, whatever the script says."""
    margin: tuple[int, int] = (0, 0)
    """Rows and columns that the script needs on each side of the wanted pixels."""
    regions: tuple[Region, ...] = ()
    extent: bool = False
    """Whether one call needs all pixels of ``regions`` at once; then it gets them at a bounded resolution."""

    @property
    def pixelwise(self) -> bool:
        return self.margin == (0, 0) and not self.extent

    @property
    def time_local(self) -> bool:
        return not self.series

    @cached_property
    def type(self) -> CubeType:
        return CubeType(self.bands, self.time == "new" or (self.time == "kept" and self.data.type.temporal))

    def demand(self, view: View) -> tuple[View, ...]:
        """All bands, and the margin; of a series, this is the view of each of its observations."""
        rows, columns = self.margin
        grid = view.grid.window(-columns, -rows, view.grid.width + 2 * columns, view.grid.height + 2 * rows)
        return (replace(view, grid=grid, bands=self.data.type.names),)


def spread(data: Array, extent: Grid, grid: Grid) -> Array:
    """The pixels of a grid, each from the nearest of an array that divides an extent evenly; missing beside it.

    Args:
        data: (time, band, y, x).
    """
    points = coordinates(grid, extent.crs)
    left, bottom, right, top = extent.bounds
    rows, columns = data.shape[2:]
    with np.errstate(invalid="ignore"):
        x = left + np.mod(points.x - left, 360.0) if is_geographic(extent.crs) else points.x
        column = np.floor((x - left) / (right - left) * columns)
        row = np.floor((top - points.y) / (top - bottom) * rows)
        column, row = np.broadcast_arrays(column, row)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    out = np.full((*data.shape[:2], *grid.shape), np.nan, data.dtype)
    out[..., inside] = data[..., row[inside].astype(np.intp), column[inside].astype(np.intp)]
    return out
