"""Graphs computed or explained here and now, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ogcserver.cli.graph_files import GraphFile
from ogcserver.cli.wiring import Parts
from ogcserver.cube import Array, Block, View, compute_dtype
from ogcserver.encode.formats import DEFAULT_FORMAT, Format, find_format, formats
from ogcserver.errors import FormatUnsupported
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.jobs.layers import resampling_of
from ogcserver.plan.expr import Expr

USER = "me"
_EDGE = 1024

Progress = Callable[[int, int], None]
"""Called with the number of parts that are done, and of all."""


@dataclass(frozen=True)
class Window:
    """A part of the world in pixels."""

    bounds: Bounds
    crs: str
    size: tuple[int, int]
    """Width and height."""


async def explain(parts: Parts, graph: GraphFile, window: Window | None, analyze: bool = False) -> str:
    """What the window, or else the whole result, would read and compute; ``analyze`` computes it and tells the cost."""
    plan = parts.compiler(graph.process_graph, USER)
    found = await parts.engine.describe(plan)
    grid = found.grid
    if window is not None:
        grid = Grid.from_bounds(canonical(window.crs or grid.crs), window.bounds, *window.size)
    view = View(grid, plan.type.names, found.times, resampling_of(graph.output or {}) or "nearest")
    return (await parts.engine.explain(plan, view, analyze)).to_text()


async def run(parts: Parts, graph: GraphFile, out: Path, format_name: str, progress: Progress) -> int:
    """Writes the whole result to a file, which appears at once or not at all; returns its size in bytes.

    Args:
        format_name: empty: the one of the graph's output, else by the file's name.
    """
    wanted = choose_format(graph, out, format_name)
    output = graph.output or {}
    of_same = bool(output.get("format")) and find_format(formats(), str(output["format"])).name == wanted.name
    options = {name: value for name, value in output.items() if name not in ("format", "resampling")} if of_same else {}
    plan = parts.compiler(graph.process_graph, USER)
    wanted.check(options, plan.type)
    found = await parts.engine.describe(plan)
    view = View(found.grid, plan.type.names, found.times, resampling_of(output) or "nearest")
    block = await _evaluate(parts, plan, view, progress)
    return _write(out, wanted.encode(block, options, None))


def choose_format(graph: GraphFile, out: Path, format_name: str) -> Format:
    """
    Raises:
        FormatUnsupported: the name is not known.
    """
    if format_name:
        return find_format(formats(), format_name)
    if graph.output and graph.output.get("format"):
        return find_format(formats(), str(graph.output["format"]))
    try:
        return find_format(formats(), out.suffix.removeprefix(".") or DEFAULT_FORMAT)
    except FormatUnsupported as error:
        raise FormatUnsupported(f"{error.message}; or name one with --format", locator=str(out)) from error


async def _evaluate(parts: Parts, plan: Expr, view: View, progress: Progress) -> Block:
    """The view computed part by part, so that there is progress to show."""
    bands = tuple(plan.type.band(name) for name in view.bands)
    pieces = view.grid.chunks(_EDGE)
    whole: Array = np.empty((max(1, len(view.times)), len(bands), *view.grid.shape), compute_dtype(bands))
    complete = True
    progress(0, len(pieces))
    for done, piece in enumerate(pieces, start=1):
        block = await parts.engine.evaluate(plan, view.on(piece))
        row, col = piece.row - view.grid.row, piece.col - view.grid.col
        whole[:, :, row : row + piece.height, col : col + piece.width] = block.data
        complete = complete and block.complete
        progress(done, len(pieces))
    return Block(whole, view.grid, bands, view.times, complete)


def _write(out: Path, content: bytes) -> int:
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return len(content)
