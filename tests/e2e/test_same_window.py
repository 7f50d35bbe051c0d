"""The same pixels through WCS, WCS in two halves, native WMTS tiles and /execute: equal bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ogcserver.cube import Band, Block
from ogcserver.encode.paint import paint
from ogcserver.encode.style_args import parse_style
from ogcserver.geo.grid import Grid
from tests.e2e.harness import Job, Json, NativeGrid, Pixels, Raster, TestServer, bits, node, picture, raster

TILE = 256


@dataclass(frozen=True)
class Archive:
    """A collection to draw graphs over."""

    fixture: str
    collection: str
    red: str
    nir: str
    epsg: int
    dates: tuple[str, ...]
    box: tuple[float, float, float, float]
    """Well inside, in the collection's CRS."""
    high: float
    """Of the values that its bands mostly have."""
    one_lattice: bool = True
    """All scenes share square pixels: tiles are native pixels, and a box in the graph does not move them."""
    whole: bool = True
    """The whole result is small enough to be computed for each graph."""
    graphs: int = 40


ARCHIVES = (
    Archive(
        "demo", "S2_L2A_T32TPS_20M", "B04", "B8A", 32632, ("2017-01-05", "2017-01-20", "2017-06-04", "2017-12-31"),
        (655000, 5162000, 680000, 5187000), 0.5,
    ),
    Archive(
        "full", "S2_L2A_T32TPS_20M", "B04", "B8A", 32632, ("2017-01-05", "2017-01-15", "2017-01-20", "2017-01-31"),
        (655000, 5162000, 680000, 5187000), 0.5, whole=False, graphs=25,
    ),
    Archive(
        "real", "naip-prairie-nd", "R", "N", 26914, ("2009-01-01", "2012-07-31", "2016-08-16", "2020-01-01"),
        (486100, 5205800, 490400, 5209000), 255.0, graphs=25,
    ),
    Archive(
        "real", "landsat8-l1tp-nyc", "B4", "B5", 32618, ("2018-01-01", "2018-04-28", "2018-09-03", "2018-12-31"),
        (480000, 4420000, 600000, 4620000), 0.4, one_lattice=False, graphs=25,
    ),
)  # fmt: skip

REDUCERS = ("min", "max", "mean", "median", "first", "last", "count", "sum", "sd")


@st.composite
def graphs(draw: st.DrawFn, archive: Archive) -> Json:
    """A graph with one time or none left, or with all of them."""
    red, nir = archive.red, archive.nir
    data: Any = archive.collection
    if draw(st.booleans()):
        first, last = sorted(draw(st.lists(st.sampled_from(archive.dates), min_size=2, max_size=2, unique=True)))
        data = node("filter_daterange", data, from_=first, to=last)
    if draw(st.booleans()):
        data = node("filter_bbox", data, **draw(boxes(archive)))
    bands = draw(
        st.sampled_from(
            (
                lambda d: node("NDVI", d, red=red, nir=nir),
                lambda d: node("band_arithmetic", d, expr=[f"{red} * 3 - sqrt({nir})", nir, f"{red} / ({nir} - 0.1)"]),
                lambda d: node("filter_bands", d, bands=[nir, red]),
            )
        )
    )
    data = bands(data)
    reducer = draw(st.sampled_from((*REDUCERS, None)))
    return data if reducer is None else node(f"{reducer}_time", data)


@st.composite
def boxes(draw: st.DrawFn, archive: Archive) -> Json:
    """A box with arbitrary edges, upside down or not."""
    west, south, east, north = archive.box
    x = [west + (east - west) * draw(st.floats(0, 0.35)), west + (east - west) * draw(st.floats(0.6, 1))]
    y = [south + (north - south) * draw(st.floats(0, 0.35)), south + (north - south) * draw(st.floats(0.6, 1))]
    top, bottom = (y[0], y[1]) if draw(st.booleans()) else (y[1], y[0])
    return {"left": x[0], "right": x[1], "top": top, "bottom": bottom, "srs": f"EPSG:{archive.epsg}"}


@dataclass(frozen=True)
class Window:
    col: int
    row: int
    width: int
    height: int
    split: int
    """Columns of the left half."""


@st.composite
def windows(draw: st.DrawFn, grid: NativeGrid) -> Window:
    """Around the corner of four tiles where the grid has one."""

    def along(size: int) -> tuple[int, int]:
        near = TILE if size > TILE and draw(st.booleans()) else draw(st.integers(1, size - 1))
        first = draw(st.integers(max(0, near - 90), near - 1))
        return first, draw(st.integers(near + 1, min(size, near + 90))) - first

    (col, width), (row, height) = along(grid.width), along(grid.height)
    return Window(col, row, width, height, draw(st.integers(1, width - 1)) if width > 1 else 0)


def expected_picture(file: Raster, style: Json, bands: tuple[Band, ...]) -> Pixels:
    """The values of a coverage in colour."""
    values = file.values
    if file.nodata is not None and not np.isnan(file.nodata):
        values = np.where(values == file.nodata, np.nan, values.astype(np.float32))
    block = Block(values[None, -len(bands) :], Grid.from_bounds("EPSG:32632", (0, 0, 1, 1), *file.shape[::-1]), bands)
    return paint(block, parse_style(style, bands)).rgba()


def tiles_window(job: Job, grid: NativeGrid, window: Window) -> Pixels:
    """The window cut from all native tiles that it touches."""
    matrix = job.native_matrix()
    assert (matrix.left, matrix.top) == (grid.west, grid.north)
    assert matrix.pixel == pytest.approx(grid.dx, rel=1e-12)
    first_row, first_col = window.row // TILE, window.col // TILE
    last_row, last_col = (window.row + window.height - 1) // TILE, (window.col + window.width - 1) // TILE
    rows = [
        np.hstack([picture(job.tile(matrix.set_id, matrix.matrix, r, c)) for c in range(first_col, last_col + 1)])
        for r in range(first_row, last_row + 1)
    ]
    top, left = window.row - first_row * TILE, window.col - first_col * TILE
    return np.vstack(rows)[top : top + window.height, left : left + window.width]


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda one: one.collection + "-" + one.fixture)
def test_the_same_window_through_every_protocol(archive: Archive, request: pytest.FixtureRequest) -> None:
    server: TestServer = request.getfixturevalue(archive.fixture)

    @hypothesis_settings(max_examples=archive.graphs, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        graph = data.draw(graphs(archive), label="graph")
        names = _band_names(graph)
        style = {"bands": [names[0]], "colormap": "greys_r", "rescale": [-1.0, archive.high]}
        job = server.add(graph, style)
        grid = job.grid()
        window = data.draw(windows(grid), label="window")
        whole = job.window(grid, window.col, window.row, window.width, window.height)
        assert whole.shape == (window.height, window.width)
        assert whole.origin == pytest.approx((grid.x(window.col), grid.y(window.row)), abs=1e-6 * grid.dx)
        _check_halves(job, grid, window, whole)
        if archive.whole:
            _check_execution(server, graph, grid, window, whole)
        if archive.one_lattice:
            _check_box_execution(server, graph, archive, grid, window, whole)
            bands = tuple(Band(name) for name in names)
            shown = tiles_window(job, grid, window)
            np.testing.assert_array_equal(shown, expected_picture(whole, style, bands))

    check()


def _band_names(graph: Json) -> list[str]:
    """Of the graph's result."""
    bands: Callable[[Json], list[str]] = lambda args: args["bands"]  # noqa: E731
    known = {
        "NDVI": lambda args: ["NDVI"],
        "band_arithmetic": lambda args: ["band_1", args["expr"][1], "band_3"],
        "filter_bands": bands,
    }
    while graph["process_id"] not in known:
        graph = graph["args"]["imagery"]
    return known[graph["process_id"]](graph["args"])


def _check_halves(job: Job, grid: NativeGrid, window: Window, whole: Raster) -> None:
    if not window.split:
        return
    left = job.window(grid, window.col, window.row, window.split, window.height)
    right = job.window(grid, window.col + window.split, window.row, window.width - window.split, window.height)
    assert bits(np.concatenate([left.values, right.values], axis=2)) == bits(whole.values)


def _check_execution(server: TestServer, graph: Json, grid: NativeGrid, window: Window, whole: Raster) -> None:
    """The window cut from the graph's whole result."""
    result = raster(server.post("/execute", {"process_graph": graph}))
    assert result.shape == (grid.height, grid.width)
    assert result.origin == pytest.approx((grid.west, grid.north), abs=1e-6 * grid.dx)
    rows, cols = slice(window.row, window.row + window.height), slice(window.col, window.col + window.width)
    assert bits(result.values[:, rows, cols]) == bits(whole.values)


def _check_box_execution(
    server: TestServer, graph: Json, archive: Archive, grid: NativeGrid, window: Window, whole: Raster
) -> None:
    """The graph inside of a box on the window's edges."""
    edges = {
        "left": grid.x(window.col), "right": grid.x(window.col + window.width),
        "bottom": grid.y(window.row + window.height), "top": grid.y(window.row), "srs": f"EPSG:{archive.epsg}",
    }  # fmt: skip
    result = raster(server.post("/jobs/execute", {"process_graph": node("filter_bbox", graph, **edges)}))
    assert result.origin == pytest.approx(whole.origin, abs=1e-6 * grid.dx)
    assert bits(result.values) == bits(whole.values)
