"""Scripts of users: a window equals its parts, and rewrites change nothing, whatever the kind of function."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st

from ogcserver.cube import Array, View
from ogcserver.engine.describe import Finder
from ogcserver.engine.functions import Functions
from ogcserver.engine.limits import Limits
from ogcserver.engine.run import run
from ogcserver.engine.service import Engine
from ogcserver.plan.bind import Read, bind
from ogcserver.plan.expr import Expr
from ogcserver.plan.rewrite import REWRITES
from ogcserver.sources.base import Observation
from tests.fakes import PyramidReader, node, product
from tests.fakes import run as wait
from tests.property.strategies import PLACES, archive, assert_same, box, grids, reader
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
    ("window_space", "smooth"), ("window_spacetime", "cube"),
)  # fmt: skip
Case = tuple[dict[str, Any], View]


def planned(graph: dict[str, Any], rewrites: Any = REWRITES) -> Expr:
    return compiled_with(archive(), RUNNER, FILES, graph, rewrites)


def pixels(plan: Expr, view: View) -> Array:
    def read(step: Read, bands: Any, check: Any) -> tuple[Array, bool]:
        assert isinstance(step.observation, Observation)
        return reader().onto(step.view.grid, step.view.resampling).read(step.observation, bands, check)

    return run(bind(plan, view, FINDER), read, lambda: None, calls=FUNCTIONS.call)[0]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A chain of scripts, filters and reducers, and a view of its result."""
    place = draw(st.sampled_from(PLACES))
    graph: dict[str, Any] = product(draw(st.sampled_from(place.collections)))
    if draw(st.booleans()):
        graph = node("filter_bbox", imagery=graph, **draw(box(place)))
    if draw(st.booleans()):
        graph = node("filter_daterange", imagery=graph, **{"from": "2017-01-10"})
    for kind, script in draw(st.lists(st.sampled_from(TEMPORAL), max_size=2)):
        graph = udf(kind, graph, script)
        if draw(st.booleans()):
            graph = node("band_arithmetic", imagery=graph, expr=["v", "v * 2"] if script != "scaled" else ["s"])
            graph = node("filter_bbox", imagery=graph, **draw(box(place))) if draw(st.booleans()) else graph
            graph = graph if script == "scaled" else node("filter_bands", imagery=graph, bands=["band1"])
        break
    ending = draw(st.sampled_from(["", "min", "median", "count", "udf"]))
    graph = udf("reduce_time", graph, "spread") if ending == "udf" else graph
    graph = node(f"{ending}_time", imagery=graph) if ending in ("min", "median", "count") else graph
    if ending and draw(st.booleans()):
        graph = udf("window_space", graph, "smooth")
    names = planned(graph).type.names
    bands = tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)))
    return graph, View(draw(grids(place)), bands)
