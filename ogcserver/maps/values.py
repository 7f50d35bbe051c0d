"""The values under a pixel of a map, for GetFeatureInfo and its like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from ogcserver.cube import Band, Block, View
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.plan.expr import Expr


class Evaluator(Protocol):
    """What is needed of the engine."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...


@dataclass(frozen=True)
class Values:
    """The bands' values in one pixel."""

    bands: tuple[Band, ...]
    times: tuple[str, ...]
    """A label for each row of ``rows``; empty for a layer without time, which has one row."""
    rows: tuple[tuple[float | None, ...], ...]
    """One row for each time, one value for each band; None where it is missing."""
    x: float
    """Of the pixel's centre, in the CRS of the grid."""
    y: float
    crs: str


async def values_at(
    engine: Evaluator, layer: Layer, grid: Grid, col: int, row: int, times: tuple[str, ...] = ()
) -> Values:
    """The values that a picture over ``grid`` shows at a pixel: the same sampling, so the same values, bit for bit.

    Args:
        col, row: of the pixel, from the grid's upper left one; they must lie in the grid.
        times: labels of the observations; empty for all of them.
    Raises:
        What :meth:`ogcserver.engine.service.Engine.evaluate` raises.
    """
    pixel = grid.window(col, row, 1, 1)
    names = tuple(band.name for band in layer.description.bands)
    block = await engine.evaluate(layer.plan, View(pixel, names, times, layer.resampling))
    west, south, east, north = pixel.bounds
    rows = tuple(tuple(_value(value) for value in series[:, 0, 0].tolist()) for series in block.data)
    return Values(block.bands, block.times, rows, (west + east) / 2, (south + north) / 2, pixel.crs)


def _value(value: float) -> float | None:
    return None if math.isnan(value) else value
