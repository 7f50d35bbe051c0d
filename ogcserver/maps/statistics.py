"""Ranges of styles from a layer's own values: those of its whole extent, so that all tiles have the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

import numpy as np
from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool

from ogcserver.cube import Block, View
from ogcserver.encode.channels import settled
from ogcserver.encode.style import Style
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.plan.expr import Expr

EDGE = 512
"""Pixels along the longer edge of the sample."""
MOST_TIMES = 8
"""Observations in the sample, evenly from the first to the last."""


class Evaluator(Protocol):
    """What is needed of the engine."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...

    def versions(self, plan: Expr) -> tuple[str, ...]: ...


class Statistics:
    """Takes a layer's percentiles once for its plan and the versions of its sources, and remembers them."""

    def __init__(self, engine: Evaluator, keep: int = 1024) -> None:
        self._engine = engine
        self._known: LRUCache[tuple[str, tuple[str, ...], str], Style] = LRUCache(keep)

    async def settled(self, layer: Layer, style: Style) -> Style:
        """The style with the range that its percentiles mean for this layer.

        Where there are no values the range stays what it would be without percentiles.
        """
        key = (layer.plan.token, self._engine.versions(layer.plan), style.token)
        known = self._known.get(key)
        if known is None:
            block = await self._engine.evaluate(layer.plan, sample_view(layer, style))
            known = await run_in_threadpool(settled, style, block)
            if block.complete:
                self._known[key] = known
        return replace(known, title=style.title, abstract=style.abstract)


def sample_view(layer: Layer, style: Style) -> View:
    """The whole native extent at no more than EDGE pixels along an edge, of up to MOST_TIMES observations."""
    native, times = layer.description.grid, layer.description.times
    factor = max(1, math.ceil(max(native.shape) / EDGE))
    grid = Grid.from_bounds(native.crs, native.bounds, max(1, native.width // factor), max(1, native.height // factor))
    places = np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_TIMES)).round().astype(int)) if times else ()
    return View(grid, style.bands, tuple(times[int(place)] for place in places), layer.resampling)
