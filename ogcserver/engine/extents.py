"""What scripts make of whole extents: computed once at a bounded resolution, whatever tile asks first."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from ogcserver.cube import Array, Block, Resampling, View
from ogcserver.engine.cache import ByteCache
from ogcserver.engine.describe import Finder, loads
from ogcserver.engine.functions import Functions
from ogcserver.engine.limits import Limits
from ogcserver.errors import TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import Expr
from ogcserver.plan.steps import Bound, Call, Spread
from ogcserver.plan.udf import RunUdf, spread

EDGE = 512
"""Most pixels of an extent in each direction, as a script gets to see it."""
_WAIT_S = 0.05
_MB = 1 << 20

Compute = Callable[[Bound, Callable[[], None]], tuple[Array, bool]]


class ScriptCalls:
    """Runs the scripts of steps; see :class:`ogcserver.engine.run.Calls`.

    Args:
        compute: the pixels of a bound view, and whether every file could be read.
        versions: of the collections that a plan loads.
    """

    def __init__(
        self,
        finder: Finder,
        functions: Functions,
        limits: Limits,
        arrays: ByteCache[Block],
        compute: Compute,
        versions: Callable[[Expr], tuple[str, ...]],
    ) -> None:
        self._finder, self._functions, self._limits, self._arrays = finder, functions, limits, arrays
        self._compute, self._versions = compute, versions
        self._one = threading.RLock()  # a script of an extent may stand on another

    def call(self, step: Call, arrays: Sequence[Array], check: Callable[[], None]) -> Array:
        return self._functions.call(step, arrays, check)

    def spread(self, step: Spread, check: Callable[[], None]) -> tuple[Array, bool]:
        node = step.node
        assert node is not None
        block = self._whole(node, step.times, step.view.resampling, check)
        bands = [node.type.names.index(name) for name in step.view.bands]
        data = block.data[step.time : step.time + 1, bands]
        return spread(data, block.grid, step.view.grid), block.complete

    def _whole(self, node: RunUdf, times: tuple[str, ...], resampling: Resampling, check: Callable[[], None]) -> Block:
        key = ("extent", node.token, self._versions(node), times, resampling)
        while not self._one.acquire(timeout=_WAIT_S):
            check()
        try:
            known = self._arrays.get(key)
            if known is None:
                known = self._made(node, times, resampling, check)
                if known.complete:
                    self._arrays.put(key, known)
            return known
        finally:
            self._one.release()

    def _made(self, node: RunUdf, times: tuple[str, ...], resampling: Resampling, check: Callable[[], None]) -> Block:
        grid = self._grid(node)
        # the same script, but of the pixels that it is given
        bound = bind(replace(node, extent=False), View(grid, node.type.names, times, resampling), self._finder)
        if bound.bytes_at_once(grid.width, grid.height) > self._limits.max_request_mb * _MB:
            raise TooLarge(
                f"the script {node.script.name} would see {len(times)} time(s) of {grid.width} x {grid.height} pixels, "
                f"more than fits into {self._limits.max_request_mb} MB; use fewer dates"
            )
        data, complete = self._compute(bound, check)
        return Block(data, grid, node.type.bands, times, complete)

    def _grid(self, node: RunUdf) -> Grid:
        """The native pixels of all that the script sees, joined to larger ones where they are too many."""
        native = self._finder.area(tuple(loads(node.data)), node.regions).grid
        factor = math.ceil(max(native.width, native.height) / EDGE)
        return native.lattice.scaled(factor, factor).cover(native.bounds) if factor > 1 else native
