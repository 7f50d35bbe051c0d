"""The evaluator: the steps of a bound plan, one after the other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ogcserver.cube import Array, Band, CubeType, View, compute_dtype
from ogcserver.geo.grid import Grid
from ogcserver.plan.nodes import Load
from ogcserver.plan.reducers import REDUCERS
from ogcserver.plan.steps import Bound, Call, Compute, Finish, Fold, Pick, Read, Spread, Step


class Pixels(Protocol):
    """Reads the pixels of one step."""

    def __call__(self, step: Read, bands: tuple[Band, ...], check: Callable[[], None]) -> tuple[Array, bool]:
        """``(1, band, y, x)``, and whether every file could be read."""
        ...


class Calls(Protocol):
    """Runs the scripts of steps."""

    def call(self, step: Call, arrays: Sequence[Array], check: Callable[[], None]) -> Array:
        """(time, band, y, x), from an array for each observation."""
        ...

    def spread(self, step: Spread, check: Callable[[], None]) -> tuple[Array, bool]:
        """(1, band, y, x), and whether every file could be read."""
        ...


@dataclass
class Timing:
    """Seconds spent on each node of a plan, by its token, for ``explain --analyze``."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, step: Step, start: float) -> None:
        node = step.load if isinstance(step, Read) else getattr(step, "node", None)
        if node is not None:
            self.seconds[node.token] = self.seconds.get(node.token, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class ReadAhead:
    """Threads that read the next slices while one is computed; ``depth`` slices at most wait or are under way.

    Handing work to threads costs more than reading what is decoded already, so they are used once a read was slow.
    """

    executor: Executor
    depth: int
    slow_s: float = 0.002


class _Reads:
    """The read steps of a run, in order, some of them started ahead."""

    def __init__(
        self, bound: Bound, pixels: Pixels, check: Callable[[], None], ahead: ReadAhead | None, grid: Grid | None
    ) -> None:
        self._pixels, self._check, self._ahead, self._grid = pixels, check, ahead, grid
        self._waiting = deque(step for step in bound.steps if isinstance(step, Read))
        self._started: deque[Future[tuple[Array, bool]]] = deque()
        self._slow = False

    def next(self) -> tuple[Array, bool]:
        """The pixels of the next read step."""
        if self._ahead is not None and self._slow:
            while self._waiting and len(self._started) < self._ahead.depth:
                self._started.append(self._ahead.executor.submit(self._read, self._waiting.popleft()))
            return self._started.popleft().result()
        start = time.perf_counter()
        result = self._read(self._waiting.popleft())
        self._slow = self._ahead is not None and time.perf_counter() - start > self._ahead.slow_s
        return result

    def _read(self, step: Read) -> tuple[Array, bool]:
        return _read(step, self._pixels, self._check, self._grid or step.view.grid)

    def close(self) -> None:
        for future in self._started:
            future.cancel()


def run(
    bound: Bound,
    pixels: Pixels,
    check: Callable[[], None],
    timing: Timing | None = None,
    ahead: ReadAhead | None = None,
    grid: Grid | None = None,
    calls: Calls | None = None,
) -> tuple[Array, bool]:
    """The bound view, ``(time, band, y, x)``, and whether every file could be read.

    A plan in which no pixel hangs on where it lies may be run on another ``grid`` than it was bound to.
    Each array is dropped after the last step that consumes it. ``check`` is called between steps and raises to stop.
    """
    reads = _Reads(bound, pixels, check, ahead, grid)
    try:
        return _run(bound, reads, check, timing, grid, calls)
    finally:
        reads.close()


def _run(
    bound: Bound,
    reads: _Reads,
    check: Callable[[], None],
    timing: Timing | None,
    grid: Grid | None,
    calls: Calls | None,
) -> tuple[Array, bool]:
    made: dict[int, Any] = {}
    complete = True
    for number, (step, released) in enumerate(zip(bound.steps, bound.releases(), strict=True)):
        check()
        start = time.perf_counter()
        if isinstance(step, Read):
            made[number], whole = reads.next()
            complete &= whole
        elif isinstance(step, Call):
            assert calls is not None
            made[number] = calls.call(step, [made[used] for used in step.inputs], check)
        elif isinstance(step, Spread):
            assert calls is not None
            made[number], whole = calls.spread(step, check)
            complete &= whole
        else:
            with np.errstate(all="ignore"):  # infinities and overflows follow IEEE 754
                made[number] = _compute(step, step.view if grid is None else step.view.on(grid), made)
        if timing is not None:
            timing.add(step, start)
        for done in released:
            del made[done]
    slices = [made[number] for number in bound.slices]
    return (slices[0] if len(slices) == 1 else np.concatenate(slices)), complete


def _read(step: Read, pixels: Pixels, check: Callable[[], None], grid: Grid) -> tuple[Array, bool]:
    if isinstance(step.load, Load) and step.observation is not None:
        bands = tuple(step.load.type.band(name) for name in step.view.bands)
        return pixels(step, bands, check)
    known = step.load.type if step.load is not None else step.type
    assert known is not None
    return np.full((1, len(step.view.bands), *grid.shape), np.nan, _dtype(known, step.view)), True


def _dtype(known: CubeType, view: View) -> np.dtype[Any]:
    return compute_dtype(tuple(known.band(name) for name in view.bands))


def _compute(step: Step, view: View, made: dict[int, Any]) -> Any:
    inputs = [made[number] for number in step.inputs]
    if isinstance(step, Compute) and step.node is not None:
        return step.node.apply(view, *inputs)
    if isinstance(step, Pick):
        return inputs[0][step.time : step.time + 1, list(step.bands)]
    if isinstance(step, Fold) and step.node is not None:
        reducer = REDUCERS[step.node.reducer]
        return reducer.start(inputs[0]) if len(inputs) == 1 else reducer.add(*inputs)
    if isinstance(step, Finish) and step.node is not None:
        result = REDUCERS[step.node.reducer].finish(inputs[0])
        return result.astype(_dtype(step.node.type, view), copy=False)
    raise TypeError(f"a step of type {type(step).__name__} cannot be run")
