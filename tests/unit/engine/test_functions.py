"""Scripts of users inside of plans: how often they are called, with what, and how they are stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ogcserver.cube import Array, View
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.errors import ArgumentInvalid, Cancelled, DeadlineExceeded, TooLarge, UdfError, UdfLanguageUnsupported
from ogcserver.geo.grid import Grid
from ogcserver.plan.expr import Expr
from ogcserver.udf.runner import Udf, UdfResult, UdfRunner
from ogcserver.udf.shared import SharedRunner
from tests.fakes import DAYS, UTM, compiled, node, product, run, utm_archive
from tests.udf_fakes import InProcessRunner, Written, compiled_with, udf

ARCHIVE = utm_archive()
GRID = Grid(UTM.lattice, 10, 20, 8, 6)
BANDS = node("filter_bands", imagery=product("utm"), bands=["v", "w"])
FILES = Written(
    months="""
        import numpy as np
        def aggregate_time_array(cube):
            first = cube.times.month == 1
            values = [cube.data[first].sum(axis=0), cube.data[~first].sum(axis=0)]
            return cube.replace(np.stack(values), times=["2017-01-01", "2017-02-01"])
    """,
    each="def apply_pixel_array(cube):\n    return cube.data + len(cube.times)",
    count="def reduce_time_array(cube):\n    return cube.data[0] * 0 + len(cube.times)",
    level="def reduce_space(df):\n    return df.mean()",
    wobbly="def reduce_time_array(cube):\n    return cube.replace(cube.data[0], bands=[f'b{len(cube.times)}', 'c'])",
)


class Stuck(InProcessRunner):
    """Never finishes a window of a tile; remembers what stopped it."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.left = threading.Event(), threading.Event()
        self.stopped_by: Exception | None = None

    def run(self, udf: Udf, data: Array, times: Any, bands: Any, check: Callable[[], None] = lambda: None) -> UdfResult:
        if data.shape[3] < 4:  # a trial
            return super().run(udf, data, times, bands, check)
        self.entered.set()
        try:
            while True:
                check()
                threading.Event().wait(0.01)
        except Exception as error:
            self.stopped_by = error
            raise
        finally:
            self.left.set()


def planned(runner: UdfRunner, graph: Any) -> Expr:
    return compiled_with(ARCHIVE, runner, FILES, graph)


def engine(runner: UdfRunner, **limits: Any) -> Engine:
    return Engine(ARCHIVE.get, ARCHIVE.reader(), Limits(**limits), udfs=runner)


def source(day: str) -> Array:
    made = ARCHIVE.engine()
    try:
        return run(made.evaluate(compiled(ARCHIVE, BANDS), View(GRID, ("v", "w"), (day,)))).data[0]
    finally:
        made.close()


def test_one_call_makes_all_new_dates_and_the_next_date_none() -> None:
    runner = InProcessRunner()
    shared = SharedRunner(lambda: runner)
    plan, made = planned(shared, udf("aggregate_time", BANDS, "months")), engine(shared)
    try:
        described = run(made.describe(plan))
        assert described.times == ("2017-01-01", "2017-02-01") and plan.type.names == ("v", "w")
        before = runner.runs
        blocks = [run(made.evaluate(plan, View(GRID, ("w",), (time,)))) for time in described.times]
    finally:
        made.close()
    assert runner.runs == before + 1
    assert [block.times for block in blocks] == [("2017-01-01",), ("2017-02-01",)]
    np.testing.assert_array_equal(blocks[0].data[0, 0], source(DAYS[0])[1] + source(DAYS[1])[1])
    np.testing.assert_array_equal(blocks[1].data[0, 0], source(DAYS[2])[1])


def test_a_function_of_single_observations_is_called_for_the_one_that_is_wanted() -> None:
    runner = InProcessRunner()
    plan, made = planned(runner, udf("apply_pixel", BANDS, "each")), engine(runner)
    before = runner.runs
    try:
        block = run(made.evaluate(plan, View(GRID, ("v",), (DAYS[1],))))
    finally:
        made.close()
    assert runner.runs == before + 1
    np.testing.assert_array_equal(block.data[0, 0], source(DAYS[1])[0] + 1)


def test_a_series_is_that_of_the_graph_s_dates() -> None:
    runner = InProcessRunner()
    dated = node("filter_daterange", imagery=BANDS, **{"from": "2017-01-10", "to": "2017-02-28"})
    made = engine(runner)
    try:
        for graph, count in ((BANDS, 3), (dated, 2)):
            block = run(made.evaluate(planned(runner, udf("reduce_time", graph, "count")), View(GRID, ("v",))))
            assert set(np.unique(block.data[~np.isnan(block.data)])) == {count}
    finally:
        made.close()


def test_a_whole_extent_is_computed_once_whatever_tile_asks() -> None:
    runner = InProcessRunner()
    shared = SharedRunner(lambda: runner)
    left, top = UTM.lattice.x(100), UTM.lattice.y(100)
    box = {"left": left, "right": left + 40 * 20, "top": top, "bottom": top - 30 * 20, "srs": "EPSG:32632"}
    plan = planned(shared, udf("reduce_space", node("filter_bbox", imagery=BANDS, **box), "level"))
    part, made = Grid(UTM.lattice, 100, 100, 40, 30), engine(shared)
    try:
        native = run(made.evaluate(compiled(ARCHIVE, BANDS), View(part, ("v",), (DAYS[0],)))).data
        before = runner.runs
        tiles = [part.window(0, 0, 10, 10), part.window(-5, 20, 30, 30)]
        found = [run(made.evaluate(plan, View(grid, ("v",), (DAYS[0],)))).data for grid in tiles]
    finally:
        made.close()
    assert runner.runs == before + 1
    np.testing.assert_allclose(found[0], np.nanmean(native), rtol=1e-5)
    assert np.isnan(found[1][..., :5]).all() and np.isnan(found[1][..., 10:, :]).all()
    assert (found[1][..., :10, 5:] == found[0][0, 0, 0, 0]).all()


def test_the_text_of_a_script_and_its_owner_are_part_of_the_plan() -> None:
    runner, graph = InProcessRunner(), udf("reduce_time", BANDS, "count")
    changed = Written(count=FILES.scripts["count.py"] + "\n# another")
    tokens = {compiled_with(ARCHIVE, runner, files, graph).token for files in (FILES, changed, FILES)}
    assert len(tokens) == 2


def test_a_client_that_hangs_up_stops_the_script() -> None:
    runner = Stuck()
    plan, made = planned(runner, udf("reduce_time", BANDS, "count")), engine(runner)

    async def hang_up() -> None:
        asked = asyncio.create_task(made.evaluate(plan, View(GRID, ("v",))))
        await asyncio.to_thread(runner.entered.wait, 20)
        asked.cancel()
        assert await asyncio.to_thread(runner.left.wait, 20)

    try:
        run(hang_up())
    finally:
        made.close()
    assert isinstance(runner.stopped_by, Cancelled)


def test_the_deadline_stops_the_script() -> None:
    runner = Stuck()
    plan, made = planned(runner, udf("reduce_time", BANDS, "count")), engine(runner, timeout_s=0.2)
    try:
        with pytest.raises(DeadlineExceeded):
            run(made.evaluate(plan, View(GRID, ("v",))))
    finally:
        made.close()
    assert isinstance(runner.stopped_by, DeadlineExceeded)


def test_bands_that_hang_on_the_dates_are_refused() -> None:
    runner = InProcessRunner()
    plan, made = planned(runner, udf("reduce_time", BANDS, "wobbly")), engine(runner)
    try:
        with pytest.raises(UdfError, match=r"wobbly\.py made the bands b3, c here, and b12, c when it was tried"):
            run(made.evaluate(plan, View(GRID, ("c",))))
    finally:
        made.close()


def test_the_series_of_a_call_counts_against_the_memory() -> None:
    runner = InProcessRunner()
    plan, made = planned(runner, udf("reduce_time", BANDS, "count")), engine(runner, max_request_mb=1)
    try:
        with pytest.raises(TooLarge, match="MB"):
            run(made.evaluate(plan, View(Grid(UTM.lattice, 0, 0, 64, 64), ("v",))))
    finally:
        made.close()


def test_where_functions_are_off_graphs_are_refused() -> None:
    with pytest.raises(UdfLanguageUnsupported, match="off here") as refused:
        compiled(ARCHIVE, udf("reduce_time", BANDS, "count"))
    assert refused.value.locator == "process_graph.process_id"


def test_a_function_of_series_needs_a_time_axis() -> None:
    graph = udf("reduce_time", node("min_time", imagery=BANDS), "count")
    with pytest.raises(ArgumentInvalid, match="time axis") as refused:
        planned(InProcessRunner(), graph)
    assert refused.value.locator == "process_graph.args.imagery"


def test_counts_are_the_same_beside_the_files() -> None:
    """At the files' own pixels there is nothing beside them, where a count is 0."""
    beside = Grid(UTM.lattice.scaled(0.25, 0.25), -6, 40, 24, 8)
    index = node("count_time", imagery=node("NDVI", imagery=product("utm"), red="v", nir="w"))
    made = ARCHIVE.engine()
    try:
        block = run(made.evaluate(compiled(ARCHIVE, index), View(beside, ("NDVI",))))
    finally:
        made.close()
    assert (block.data[..., :6] == 0).all()
