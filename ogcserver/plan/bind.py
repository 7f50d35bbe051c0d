"""Binding a plan to a view: the steps that compute it, in order. Reads no pixel, so tests can look at the steps.

A temporal cube is always computed one observation at a time; a reducer folds the slices as they come, so that a series
need not be held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ogcserver.cube import CubeType, View
from ogcserver.errors import NoTimeInRange
from ogcserver.geo.grid import Grid
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import FilterBbox, FilterTemporal, Load, Reduce
from ogcserver.plan.reducers import REDUCERS
from ogcserver.timeline import start_of


class Observed(Protocol):
    """An observation of a collection, as far as a plan cares."""

    @property
    def time(self) -> str: ...


class Catalog(Protocol):
    """Finds observations; implemented by the engine over its sources, and by tests."""

    def observe(self, load: Load, grid: Grid) -> Sequence[Observed]:
        """Observations of the node's interval and regions that may have pixels in the grid, oldest first."""
        ...


@dataclass(frozen=True, eq=False)
class Step:
    """One array to make. ``inputs`` are the positions of the steps it consumes."""

    view: View
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Read(Step):
    """Pixels of one observation; of none when the observation does not reach the view: all are missing."""

    load: Load | None = None
    observation: Observed | None = None
    type: CubeType | None = None
    """Of the missing pixels, when they are those of no load."""


@dataclass(frozen=True, eq=False)
class Compute(Step):
    """A node's ``apply`` on its inputs."""

    node: Expr | None = None


@dataclass(frozen=True, eq=False)
class Fold(Step):
    """Puts a slice (the last input) into a reducer's state (the first input, absent for the first slice)."""

    node: Reduce | None = None


@dataclass(frozen=True, eq=False)
class Finish(Step):
    """A reducer's result from its state."""

    node: Reduce | None = None


@dataclass(frozen=True, eq=False)
class Bound:
    """A plan bound to a view."""

    steps: tuple[Step, ...]
    view: View
    """With the times spelled out when the cube is temporal."""
    slices: tuple[int, ...]
    """The steps whose arrays, joined along time, are the result."""
    last_use: tuple[int, ...]
    """For each step, the last step that consumes it (its own number when none does)."""
    type: CubeType

    def releases(self) -> tuple[tuple[int, ...], ...]:
        """For each step, the steps whose arrays are not needed after it."""
        found: list[list[int]] = [[] for _ in self.steps]
        kept = set(self.slices)
        for number, last in enumerate(self.last_use):
            if number not in kept:
                found[last].append(number)
        return tuple(map(tuple, found))

    def bytes_per_pixel(self) -> int:
        """The most bytes alive at once while the steps run, for each pixel of the view."""
        alive = peak = 0
        sizes = [_step_bytes(step) for step in self.steps]
        for number, released in enumerate(self.releases()):
            alive += sizes[number]
            peak = max(peak, alive)
            alive -= sum(sizes[step] for step in released)
        return peak


def _step_bytes(step: Step) -> int:
    count = len(step.view.bands)
    if isinstance(step, Fold) and step.node is not None:
        # the state is handed on and counted once, with the first slice; a kept series grows by each slice
        if (per_band := REDUCERS[step.node.reducer].state_bytes) == 0:
            return 8 * count
        return per_band * count if len(step.inputs) == 1 else 0
    return 8 * count if isinstance(step, Compute) else 4 * count


class _Binder:
    """The state of one binding: steps made so far, and where the result of each (node, view) is."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.steps: list[Step] = []
        self.place: dict[tuple[str, View], int] = {}
        self.observed: dict[tuple[str, Grid], dict[str, Observed]] = {}
        self.labels: dict[tuple[str, Grid], tuple[str, ...]] = {}

    def observations(self, load: Load, grid: Grid) -> dict[str, Observed]:
        key = (load.token, grid)
        if key not in self.observed:
            self.observed[key] = {found.time: found for found in self.catalog.observe(load, grid)}
        return self.observed[key]

    def times(self, root: Expr, grid: Grid) -> tuple[str, ...]:
        """The labels of a temporal node's observations that may have pixels in the grid."""
        if (root.token, grid) not in self.labels:
            for node in postorder(root):
                self.labels[node.token, grid] = self._own_times(node, grid)
        return self.labels[root.token, grid]

    def _own_times(self, node: Expr, grid: Grid) -> tuple[str, ...]:
        if isinstance(node, Load):
            return tuple(self.observations(node, grid))
        if not node.type.temporal:
            return ()
        inputs = [self.labels[child.token, grid] for child in node.inputs]
        if isinstance(node, FilterTemporal):
            return tuple(label for label in inputs[0] if node.interval.holds(label))
        if len(inputs) == 1:
            return inputs[0]
        return tuple(sorted({label for labels in inputs for label in labels}, key=lambda text: (start_of(text), text)))

    def emit(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def run(self, root: Expr, view: View) -> int:
        """Emits all steps for one slice of ``root``; the number of the one that holds it."""
        stack: list[tuple[Expr, View, str]] = [(root, view, "enter")]
        while stack:
            node, want, phase = stack.pop()
            if (node.token, want) in self.place:
                continue
            if phase == "enter":
                stack.extend(reversed(self._enter(node, want)))
            elif phase == "same":
                self.place[node.token, want] = self.place[node.inputs[0].token, want]
            elif isinstance(node, Reduce):
                self._reduce(node, want, phase)
            else:
                inputs = tuple(
                    self.place[child.token, needed]
                    for child, needed in zip(node.inputs, node.demand(want), strict=True)
                )
                self.place[node.token, want] = self.emit(Compute(want, inputs, node))
        return self.place[root.token, view]

    def _enter(self, node: Expr, want: View) -> list[tuple[Expr, View, str]]:
        """The work for a node, in order; a leaf is done at once."""
        if isinstance(node, Load):
            self.place[node.token, want] = self._read(node, want)
            return []
        if isinstance(node, FilterTemporal) and not all(time and node.interval.holds(time) for time in want.times):
            self.place[node.token, want] = self.emit(Read(want, type=node.type))
            return []
        if isinstance(node, Reduce):
            # without any observation one empty slice gives the result its shape
            times = self.times(node.data, want.grid) or ("",)
            work: list[tuple[Expr, View, str]] = []
            for time in times:
                work += [(node.data, want.at(time), "enter"), (node, want, f"fold {time}")]
            return [*work, (node, want, "finish")]
        if isinstance(node, FilterBbox) and node.covers(want.grid):
            return [(node.data, want, "enter"), (node, want, "same")]
        needs = zip(node.inputs, node.demand(want), strict=True)
        return [*((child, needed, "enter") for child, needed in needs), (node, want, "compute")]

    def _read(self, load: Load, want: View) -> int:
        time = want.times[0]
        found = self.observations(load, want.grid).get(time) if time else None
        return self.emit(Read(want, (), load, found))

    def _reduce(self, node: Reduce, want: View, phase: str) -> None:
        state = (node.token + " state", want)
        if phase == "finish":
            self.place[node.token, want] = self.emit(Finish(want, (self.place[state],), node))
            return
        part = self.place[node.data.token, want.at(phase.removeprefix("fold "))]
        before = (self.place[state],) if state in self.place else ()
        self.place[state] = self.emit(Fold(want, (*before, part), node))


def bind(root: Expr, view: View, catalog: Catalog) -> Bound:
    """The steps that compute ``view`` of the plan, each distinct (node, view) once.

    A temporal plan is computed for ``view.times``, or for every observation in the grid when there are none given.

    Raises:
        NoTimeInRange: the plan is temporal and no observation meets the grid.
        SourceUnavailable: a catalogue does not answer.
    """
    binder = _Binder(catalog)
    if root.type.temporal:
        times = view.times or binder.times(root, view.grid)
        if not times:
            raise NoTimeInRange("there is no observation in the area and time of the graph")
        view = replace(view, times=times)
        slices = tuple(binder.run(root, view.at(time)) for time in times)
    else:
        view = replace(view, times=())
        slices = (binder.run(root, view),)
    return Bound(tuple(binder.steps), view, slices, _last_uses(binder.steps), root.type)


def _last_uses(steps: Sequence[Step]) -> tuple[int, ...]:
    last = list(range(len(steps)))
    for number, step in enumerate(steps):
        for used in step.inputs:
            last[used] = number
    return tuple(last)


def observation_times(root: Expr, grid: Grid, catalog: Catalog) -> tuple[str, ...]:
    """The labels of a temporal plan's observations that may have pixels in the grid, oldest first."""
    return _Binder(catalog).times(root, grid)
