"""Scripts of users: a window equals its parts, and rewrites change nothing, whatever the kind of function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from ogcserver.cube import RESAMPLINGS, Array, Block, View
from ogcserver.engine.cache import ByteCache
from ogcserver.engine.describe import Finder, describe
from ogcserver.engine.extents import ScriptCalls
from ogcserver.engine.functions import Functions
from ogcserver.engine.limits import Limits
from ogcserver.engine.run import run
from ogcserver.engine.service import Engine
from ogcserver.errors import InvalidSubset, NoTimeInRange
from ogcserver.plan.bind import bind, observation_times
from ogcserver.plan.expr import Expr
from ogcserver.plan.rewrite import REWRITES
from ogcserver.plan.steps import Bound, Read
from ogcserver.sources.base import Observation
from tests.fakes import PyramidReader, node, product
from tests.fakes import run as wait
from tests.property.strategies import PLACES, Place, archive, assert_same, box, grids, reader
from tests.udf_fakes import InProcessRunner, Written, compiled_with, udf

RUNNER = InProcessRunner()
FUNCTIONS = Functions(RUNNER)
FINDER = Finder(archive().get, reader().header, FUNCTIONS)
FILES = Written(
    scaled="""
        def apply_pixel_array(cube):
            return cube.replace(cube.data[:, :1] * 3 + 1, bands=["s"])
    """,
    filled="""
        import numpy as np
        def apply_pixel_array(cube):
            return np.nan_to_num(cube.data, nan=5.0)
    """,
    spread="""
        import numpy as np
        def reduce_time_array(cube):
            return (np.fmax.reduce(cube.data) - np.fmin.reduce(cube.data)) + len(cube.times)
    """,
    known="""
        import numpy as np
        def aggregate_time_array(cube):
            count = np.isfinite(cube.data).sum(axis=0)
            return cube.replace(np.stack([count, count * 2]), times=["2017-01-01", "2017-02-01"])
    """,
    steps="""
        import numpy as np
        WINDOW = 3
        def window_time_array(cube):
            padded = np.pad(cube.data, ((1, 1), (0, 0), (0, 0), (0, 0)), constant_values=np.nan)
            return np.fmax(np.fmax(padded[:-2], padded[1:-1]), padded[2:])
    """,
    smooth="""
        import numpy as np
        WINDOW = (3, 5)
        def window_space_array(cube):
            out = np.full(cube.data.shape, -9.0)
            for dy in (-1, 0, 1):
                for dx in (-2, -1, 0, 1, 2):
                    out = np.fmax(out, np.roll(cube.data, (dy, dx), axis=(2, 3)) + dy * 7 + dx)
            return out
    """,
    ranked="""
        import numpy as np
        def apply_scene_array(cube):
            return cube.data - np.nan_to_num(cube.data).max(axis=(2, 3), keepdims=True)
    """,
    extremes="""
        import numpy as np
        def reduce_space_array(cube):
            return np.nan_to_num(cube.data).max(axis=(2, 3))
    """,
    quarters="""
        import numpy as np
        def aggregate_space_array(cube):
            known = np.nan_to_num(cube.data)
            halves = [known[:, :, ::2].max(axis=2), known[:, :, 1:].max(axis=2)]
            return np.stack([np.stack([h[:, :, :1].max(axis=2), h.max(axis=2)], axis=2) for h in halves], axis=2)
    """,
    octants="""
        import numpy as np
        def aggregate_spacetime_array(cube):
            best = np.nan_to_num(cube.data).max(axis=(0, 2, 3))[None, :, None, None]
            return cube.replace(np.concatenate([best, best + 1]).repeat(2, 2), times=["2017-01-01", "2017-02-01"])
    """,
    cube="""
        import numpy as np
        WINDOW = (3, 3, 3)
        def window_spacetime_array(cube):
            padded = np.pad(cube.data, ((1, 1), (0, 0), (0, 0), (0, 0)), constant_values=np.nan)
            out = np.full(cube.data.shape, -9.0)
            for dt in (0, 1, 2):
                for dy in (-1, 0, 1):
                    out = np.fmax(out, np.roll(padded[dt : dt + len(out)], dy, axis=2) + dt)
            return out
    """,
)
TEMPORAL = (
    ("apply_pixel", "scaled"), ("apply_pixel", "filled"), ("aggregate_time", "known"), ("window_time", "steps"),
    ("window_space", "smooth"), ("window_spacetime", "cube"), ("apply_scene", "ranked"), ("reduce_space", "extremes"),
    ("aggregate_space", "quarters"), ("aggregate_spacetime", "octants"),
)  # fmt: skip
Case = tuple[dict[str, Any], View]


def planned(graph: dict[str, Any], rewrites: Any = REWRITES) -> Expr:
    return compiled_with(archive(), RUNNER, FILES, graph, rewrites)


def pixels(plan: Expr, view: View) -> Array:
    return computed(bind(plan, view, FINDER))[0]


def computed(bound: Bound, check: Any = lambda: None) -> tuple[Array, bool]:
    def read(step: Read, bands: Any, check: Any) -> tuple[Array, bool]:
        assert isinstance(step.observation, Observation)
        return reader().onto(step.view.grid, step.view.resampling).read(step.observation, bands, check)

    return run(bound, read, check, calls=CALLS)


ARRAYS: ByteCache[Block] = ByteCache(64 << 20, lambda block: block.data.nbytes)
CALLS = ScriptCalls(FINDER, FUNCTIONS, Limits(), ARRAYS, computed, lambda plan: ())


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A chain of scripts, filters and a reducer, and a view of its result."""
    place = draw(st.sampled_from(PLACES))
    graph: dict[str, Any] = product(draw(st.sampled_from(place.collections)))
    for _ in range(draw(st.integers(0, 2))):
        graph = draw(_filtered(place, graph))
    for kind, script in draw(st.lists(st.sampled_from(TEMPORAL), min_size=1, max_size=2)):
        graph = udf(kind, graph, script)
        graph = draw(_filtered(place, graph)) if draw(st.booleans()) else graph
    ending = draw(st.sampled_from(["", "min_time", "median_time", "count_time", "udf"]))
    if ending:
        graph = udf("reduce_time", graph, "spread") if ending == "udf" else node(ending, imagery=graph)
        graph = udf("window_space", graph, "smooth") if draw(st.booleans()) else graph
    plan = planned(graph)
    assume(_holds_pixels(plan))  # boxes that miss each other are refused, which is no matter of windows
    bands = draw(st.lists(st.sampled_from(plan.type.names), min_size=1, max_size=2, unique=True))
    view = View(draw(grids(place)), tuple(bands), (), draw(st.sampled_from(RESAMPLINGS)))
    times = observation_times(plan, view.grid, FINDER) if plan.type.temporal else ()
    assume(times or not plan.type.temporal)
    return graph, replace(view, times=times)


def _holds_pixels(plan: Expr) -> bool:
    try:
        describe(plan, FINDER)
    except (InvalidSubset, NoTimeInRange):
        return False
    return True


@st.composite
def _filtered(draw: st.DrawFn, place: Place, graph: dict[str, Any]) -> dict[str, Any]:
    if draw(st.booleans()):
        return node("filter_bbox", imagery=graph, **draw(box(place)))
    return node("filter_daterange", imagery=graph, **{"from": "2017-01-10"})


@settings(max_examples=80, deadline=None)
@given(cases(), st.booleans(), st.floats(0.01, 0.99))
def test_window_equals_its_two_halves(case: Case, side_by_side: bool, part: float) -> None:
    graph, view = case
    note(f"{graph}")
    plan = planned(graph)
    width, height = view.grid.width, view.grid.height
    if side_by_side:
        cut = min(max(1, int(part * width)), width - 1)
        parts = [view.grid.window(0, 0, cut, height), view.grid.window(cut, 0, width - cut, height)]
    else:
        cut = min(max(1, int(part * height)), height - 1)
        parts = [view.grid.window(0, 0, width, cut), view.grid.window(0, cut, width, height - cut)]
    joined = np.concatenate([pixels(plan, view.on(grid)) for grid in parts], axis=3 if side_by_side else 2)
    assert_same(pixels(plan, view), joined)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_engine_in_chunks_and_at_native_pixels_equals_one_piece(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = planned(graph)
    engine = Engine(archive().get, archive().reader(PyramidReader(archive().arrays)), Limits(), udfs=RUNNER)
    try:
        block = wait(engine.evaluate(plan, view))
    finally:
        engine.close()
    assert_same(block.data, pixels(plan, view))


@settings(max_examples=50, deadline=None)
@given(cases())
def test_rewrites_change_nothing(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plain = planned(graph, ())
    assert planned(graph).type == plain.type
    assert_same(pixels(planned(graph), view), pixels(plain, view))


@settings(max_examples=30, deadline=None)
@given(cases())
def test_times_and_bands_asked_alone_equal_those_asked_together(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = planned(graph)
    together = pixels(plan, view)
    for place, band in enumerate(view.bands):
        for number, time in enumerate(view.times or ("",)):
            alone = pixels(plan, replace(view, bands=(band,), times=(time,) if time else ()))
            np.testing.assert_array_equal(alone[0, 0], together[number, place])
