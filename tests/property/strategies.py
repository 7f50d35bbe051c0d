"""Random grids over a fake archive, and random process graphs over its collections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ogcserver.cube import RESAMPLINGS, Array, View
from ogcserver.engine.describe import Finder
from ogcserver.engine.run import run
from ogcserver.geo.crs import WGS84, project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import Expr
from ogcserver.plan.steps import Bound, Read
from ogcserver.sources.base import Extent, Observation
from ogcserver.sources.reader import Reader
from tests.fakes import DAYS, TIMES, UTM, Archive, PyramidReader, compiled, coordinate_bands, node, product

NEXT_ZONE = Extent(Lattice("EPSG:32633", 147000.0, 5200000.0, 20.0, 20.0), 500, 500)
PACIFIC = Extent(Lattice(WGS84, 170.0, -10.0, 0.05, 0.05), 400, 300)
ARCTIC = Extent(Lattice("EPSG:3413", -500000.0, 500000.0, 2500.0, 2000.0), 400, 500)


@dataclass(frozen=True)
class Place:
    """Somewhere on the earth: collections that lie there, and CRSs to look at them in."""

    collections: tuple[str, ...]
    extent: Extent
    systems: tuple[str, ...]


PLACES = (
    Place(("utm", "zones", "scaled"), UTM, ("EPSG:32632", "EPSG:3857", WGS84, "EPSG:32633", "EPSG:3035")),
    Place(("pacific",), PACIFIC, (WGS84, "EPSG:3832", "EPSG:3857", "EPSG:32660", "EPSG:32701")),
    Place(("arctic",), ARCTIC, ("EPSG:3413", WGS84, "EPSG:3575", "EPSG:3857", "EPSG:32632")),
)


@cache
def archive() -> Archive:
    """Collections at all places: one lattice, two zones mosaicked, integers with nodata, over 180 degrees, a pole."""
    made = Archive()
    made.add("utm", [(time, UTM, coordinate_bands(UTM, number)) for number, time in enumerate(TIMES)])
    scenes = []
    for number, time in enumerate(TIMES):
        scenes += [(time, extent, _values(extent, number)) for extent in (UTM, NEXT_ZONE)]
    made.add("zones", scenes)
    ramp = (np.indices((UTM.height, UTM.width)).sum(axis=0) % 251).astype(np.uint8)
    made.add(
        "scaled", [(time, UTM, {"v": ramp + np.uint8(number), "q": ramp}) for number, time in enumerate(TIMES)], 7.0
    )
    for name, extent in (("pacific", PACIFIC), ("arctic", ARCTIC)):
        made.add(name, [(time, extent, _values(extent, number)) for number, time in enumerate(TIMES)])
    return made


def _values(extent: Extent, shift: int) -> dict[str, Any]:
    rows, cols = np.indices((extent.height, extent.width))
    v = (np.sin(cols / 9.0 + shift) * 50 + rows / 3.0).astype(np.float32)
    v[(cols // 17 + rows // 23) % 6 == shift] = np.nan
    return {"v": v, "w": (v * 0.5 + 3).astype(np.float32)}


@cache
def reader() -> Reader:
    return archive().reader(PyramidReader(archive().arrays))


@cache
def finder() -> Finder:
    return Finder(archive().get, reader().header)


def bound(plan: Expr, view: View) -> Bound:
    return bind(plan, view, finder())


def pixels(plan: Expr, view: View) -> Array:
    """The view computed in one piece, as the engine does for one chunk."""

    def read(step: Read, bands: Any, check: Any) -> tuple[Array, bool]:
        assert isinstance(step.observation, Observation)
        return reader().onto(step.view.grid, step.view.resampling).read(step.observation, bands, check)

    return run(bound(plan, view), read, lambda: None)[0]


def assert_same(a: Array, b: Array) -> None:
    """Equal bit for bit; all kinds of NaN are one."""
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)
    valid = ~np.isnan(a)
    np.testing.assert_array_equal(np.signbit(a[valid]), np.signbit(b[valid]))


@st.composite
def grids(draw: st.DrawFn, place: Place) -> Grid:
    """Windows that touch the place's data, in any of its CRSs; the lattice's own corner is anywhere."""
    system = draw(st.sampled_from(place.systems))
    extent = place.extent
    column = draw(st.floats(-0.1, 1.1)) * extent.width
    row = draw(st.floats(-0.1, 1.1)) * extent.height
    at = extent.lattice.x(column), extent.lattice.y(row)
    x, y = project(extent.lattice.crs, system, np.array([at[0]]), np.array([at[1]]))
    native = extent.lattice.dx * (1.0 if extent.lattice.crs != WGS84 else 111320.0)
    size = native / (111320.0 if system == WGS84 else 1.0)
    if not (np.isfinite(x[0]) and np.isfinite(y[0])):
        x, y = np.array([0.0]), np.array([0.0])
    dx = size * draw(st.sampled_from([1.0, 0.37, 2.0, 3.3, 8.0, 21.0]))
    dy = dx * draw(st.sampled_from([1.0, 1.0, 0.8, 2.5]))
    long = draw(st.integers(0, 9)) == 0
    width, height = draw(st.integers(2, 1100 if long else 90)), draw(st.integers(2, 70))
    # the window lies anywhere on its lattice, often across the edges of the 512 px cells and 16 px control points
    near = st.sampled_from([-512, 0, 512, 1024, 40960]).flatmap(lambda cell: st.integers(cell - 60, cell + 20))
    col, row_ = draw(near), draw(near)
    lattice = Lattice(system, float(x[0]) - (col + width // 2) * dx, float(y[0]) + (row_ + height // 2) * dy, dx, dy)
    if system == place.extent.lattice.crs and draw(st.booleans()):
        lattice = extent.lattice
        col, row_ = int(column) - width // 2, int(row) - height // 2
    return Grid(lattice, col, row_, width, height)


_EXPRESSIONS = (
    "{a}",
    "({a} - {b}) / ({a} + {b})",
    "sqrt(abs({a})) + 1",
    "if({a} > {b}, {a}, 3)",
    "-max({a}, {b}) ^ 2",
    "2",
    "ln({a} * {a} + 1) - {b} / 7",
    "({a} >= 20) * 4 + floor({b})",
)
REDUCING = ("min", "max", "mean", "median", "first", "last", "count", "sum", "sd", "variance", "product")
_RANGES = (
    {"from": "2017-01-01", "to": "2017-01-31"},
    {"from": "2017-01-10"},
    {"to": "2017-01-15"},
    {"from": "2016-01-01", "to": "2016-02-01"},
    {"from": "2017-01-15T10:00:00Z", "to": "2017-01-15T10:00:00Z"},
)


@st.composite
def box(draw: st.DrawFn, place: Place) -> dict[str, Any]:
    system = draw(st.sampled_from(place.systems[:3]))
    lattice, extent = place.extent.lattice, place.extent
    left, top = draw(st.floats(0, 0.6)) * extent.width, draw(st.floats(0, 0.6)) * extent.height
    right, bottom = left + draw(st.floats(0.1, 0.6)) * extent.width, top + draw(st.floats(0.1, 0.6)) * extent.height
    x, y = project(
        lattice.crs,
        system,
        np.array([lattice.x(left), lattice.x(right)]),
        np.array([lattice.y(top), lattice.y(bottom)]),
    )
    if system == WGS84 and abs(x[1] - x[0]) > 180:
        x = np.where(x < 0, x + 360, x)
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(x) > 0 and np.ptp(y) > 0):
        return {"left": -1e6, "right": 1e6, "top": 1e6, "bottom": -1e6, "srs": "EPSG:3857"}
    return {"left": float(x[0]), "right": float(x[1]), "top": float(y[0]), "bottom": float(y[1]), "srs": system}


@st.composite
def graphs(draw: st.DrawFn, place: Place, reduced: bool | None = None, depth: int = 2) -> dict[str, Any]:
    """A valid graph. ``reduced``: without time axis (True), with one (False), either (None)."""
    if reduced is None:
        reduced = draw(st.integers(0, 4)) > 0
    graph: dict[str, Any] = product(draw(st.sampled_from(place.collections)))
    for _ in range(draw(st.integers(0, 3))):
        graph = draw(_extended(place, graph, True, depth))
    if reduced:
        graph = node(f"{draw(st.sampled_from(REDUCING))}_time", imagery=graph)
        for _ in range(draw(st.integers(0, 2))):
            graph = draw(_extended(place, graph, False, depth))
    return graph


@st.composite
def _extended(draw: st.DrawFn, place: Place, graph: dict[str, Any], temporal: bool, depth: int) -> dict[str, Any]:
    names = compiled(archive(), graph).type.names
    kinds = ["bbox", "bands", "arithmetic", "NDVI"] + ["dates"] * temporal + ["union"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    pick = st.sampled_from(names)
    if kind == "bbox":
        return node("filter_bbox", imagery=graph, **draw(box(place)))
    if kind == "dates":
        return node("filter_daterange", imagery=graph, **draw(st.sampled_from(_RANGES)))
    if kind == "bands":
        return node("filter_bands", imagery=graph, bands=draw(st.lists(pick, min_size=1, max_size=3, unique=True)))
    if kind == "NDVI":
        return node("NDVI", imagery=graph, red=draw(pick), nir=draw(pick))
    if kind == "union":
        other = draw(st.one_of(st.just(graph), graphs(place, not temporal, depth - 1)))
        return node("union", collection=[graph, other])
    texts = draw(st.lists(st.sampled_from(_EXPRESSIONS), min_size=1, max_size=3))
    return node("band_arithmetic", imagery=graph, expr=[text.format(a=draw(pick), b=draw(pick)) for text in texts])


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], View]:
    """A graph, and a view of some of its bands near its data."""
    place = draw(st.sampled_from(PLACES))
    graph = draw(graphs(place))
    plan = compiled(archive(), graph)
    bands = draw(st.lists(st.sampled_from(plan.type.names), min_size=1, max_size=3, unique=True))
    times = DAYS if plan.type.temporal else ()
    return graph, View(draw(grids(place)), tuple(bands), times, draw(st.sampled_from(RESAMPLINGS)))
