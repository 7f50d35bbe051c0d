"""The values under a pixel."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from ogcserver.cube import Block, View
from ogcserver.maps.values import values_at
from ogcserver.plan.expr import Expr
from tests.unit.wmts.fakes import BANDS, TIMES, UTM, FakeEngine, layer

TILE = UTM.window(100, 200, 256, 256)


class Holes(FakeEngine):
    """Green is missing everywhere."""

    async def evaluate(self, plan: Expr, view: View) -> Block:
        block = await super().evaluate(plan, view)
        data = block.data.copy()
        data[:, 1] = np.nan
        return replace(block, data=data)


def test_they_are_those_of_the_one_pixel_and_its_centre() -> None:
    engine = FakeEngine()
    found = asyncio.run(values_at(engine, layer("j-utm"), TILE, 7, 9))
    col, row = UTM.col + 107, UTM.row + 209
    assert found.rows == ((col % 256, row % 256, col // 256 + 7 * (row // 256)),)
    assert (found.bands, found.times, found.crs) == (BANDS, (), "EPSG:32632")
    assert (found.x, found.y) == (600000.0 + (col + 0.5) * 20, 5200020.0 - (row + 0.5) * 20)
    assert engine.views[0].grid == UTM.window(107, 209, 1, 1)


def test_there_is_a_row_for_each_time() -> None:
    found = asyncio.run(values_at(FakeEngine(), layer("j-time", times=TIMES), TILE, 0, 0))
    assert (found.times, len(found.rows)) == (TIMES, 3)
    found = asyncio.run(values_at(FakeEngine(), layer("j-time", times=TIMES), TILE, 0, 0, TIMES[1:2]))
    assert (found.times, len(found.rows)) == (TIMES[1:2], 1)


def test_a_missing_value_is_none() -> None:
    (row,) = asyncio.run(values_at(Holes(), layer("j-utm"), TILE, 7, 9)).rows
    assert row[1] is None and row[0] is not None
