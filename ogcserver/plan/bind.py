"""Binding a plan to a view: the steps that compute it, in order. Reads no pixel, so tests can look at the steps.

A temporal cube is always computed one observation at a time; a reducer folds the slices as they come, so that a series
need not be held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from ogcserver.cube import View
from ogcserver.errors import NoTimeInRange
from ogcserver.geo.grid import Grid
from ogcserver.plan.expr import Expr, Mapped, postorder
from ogcserver.plan.nodes import FilterBbox, FilterTemporal, Load, Reduce, Region
from ogcserver.plan.steps import Bound, Call, Compute, Finish, Fold, Observed, Pick, Read, Spread, Step
from ogcserver.plan.udf import RunUdf
from ogcserver.timeline import start_of


class Catalog(Protocol):
    """Finds observations; implemented by the engine over its sources, and by tests."""

    def observe(self, load: Load, grid: Grid) -> Sequence[Observed]:
        """Observations of the node's interval and regions that may have pixels in the grid, oldest first."""
        ...

    def labels(self, load: Load, regions: tuple[Region, ...]) -> tuple[str, ...]:
        """The labels of all observations of the node's interval that may have pixels in all regions, oldest first."""
        ...

    def relabelled(self, node: RunUdf, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The new time axis that a script makes of one with these labels.

        Raises:
            UdfError: the script's fault.
        """
        ...


class _Binder:
    """The state of one binding: steps made so far, and where the result of each (node, view) is."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.steps: list[Step] = []
        self.place: dict[tuple[str, View], int] = {}
        self.observed: dict[tuple[str, Grid], dict[str, Observed]] = {}
        self.labels: dict[tuple[str, Grid], tuple[str, ...]] = {}
        self.whole: dict[str, tuple[str, ...]] = {}
        self.new: dict[str, tuple[str, ...]] = {}

    def observations(self, load: Load, grid: Grid) -> dict[str, Observed]:
        key = (load.token, grid)
        if key not in self.observed:
            self.observed[key] = {found.time: found for found in self.catalog.observe(load, grid)}
        return self.observed[key]

    def times(self, root: Expr, grid: Grid) -> tuple[str, ...]:
        """The labels of a temporal node's observations that may have pixels in the grid."""
        if (root.token, grid) not in self.labels:
            for node in postorder(root):
                inputs = [self.labels[child.token, grid] for child in node.inputs]
                self.labels[node.token, grid] = self._own_times(
                    node, inputs, lambda load: tuple(self.observations(load, grid))
                )
        return self.labels[root.token, grid]

    def series(self, udf: RunUdf) -> tuple[str, ...]:
        """The labels of the observations that a script sees, wherever the view lies."""
        if udf.token not in self.whole:
            found: dict[str, tuple[str, ...]] = {}
            for node in postorder(udf.data):
                inputs = [found[child.token] for child in node.inputs]
                found[node.token] = self._own_times(node, inputs, lambda load: self.catalog.labels(load, udf.regions))
            self.whole[udf.token] = found[udf.data.token]
        return self.whole[udf.token]

    def made(self, udf: RunUdf) -> tuple[str, ...]:
        """The labels of a script's result, if it has a time axis."""
        if udf.token not in self.new:
            labels = self.series(udf)
            self.new[udf.token] = self.catalog.relabelled(udf, labels) if udf.time == "new" and labels else labels
        return self.new[udf.token]

    def _own_times(
        self, node: Expr, inputs: Sequence[tuple[str, ...]], observed: Callable[[Load], tuple[str, ...]]
    ) -> tuple[str, ...]:
        if isinstance(node, Load):
            return observed(node)
        if not node.type.temporal:
            return ()
        if isinstance(node, RunUdf) and not node.sparse:  # it may make something of nothing
            return self.made(node)
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
            elif isinstance(node, RunUdf):
                self._call(node, want, phase)
            elif isinstance(node, Mapped):
                inputs = tuple(
                    self.place[child.token, needed]
                    for child, needed in zip(node.inputs, node.demand(want), strict=True)
                )
                self.place[node.token, want] = self.emit(Compute(want, inputs, node))
            else:
                raise TypeError(f"a node of type {type(node).__name__} has no steps")
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
        if isinstance(node, RunUdf):
            return self._enter_udf(node, want)
        if isinstance(node, FilterBbox) and node.covers(want.grid):
            return [(node.data, want, "enter"), (node, want, "same")]
        needs = zip(node.inputs, node.demand(want), strict=True)
        return [*((child, needed, "enter") for child, needed in needs), (node, want, "compute")]

    def _read(self, load: Load, want: View) -> int:
        time = want.times[0]
        found = self.observations(load, want.grid).get(time) if time else None
        return self.emit(Read(want, (), load, found))

    def _enter_udf(self, node: RunUdf, want: View) -> list[tuple[Expr, View, str]]:
        whole, needs = self._whole(node, want), self._needs(node, want)
        if node.extent and needs and (not want.times or want.times[0] in whole.times):
            number = whole.times.index(want.times[0]) if want.times else 0
            self.place[node.token, want] = self.emit(Spread(want, (), node, whole.times, number))
            return []
        if not needs or (want.times and want.times[0] not in whole.times):
            self.place[node.token, want] = self.emit(Read(want, type=node.type))
            return []
        return [*((node.data, needed, "enter") for needed in needs), (node, whole, "call"), (node, want, "pick")]

    def _whole(self, node: RunUdf, want: View) -> View:
        """The view of one call, of whose result ``want`` is a part."""
        times = want.times if not node.series else self.made(node) if node.type.temporal else ()
        return replace(want, bands=node.type.names, times=times)

    def _needs(self, node: RunUdf, want: View) -> tuple[View, ...]:
        """The view of each observation that a call needs; none where nothing is to be computed."""
        (needed,) = node.demand(want)
        if not node.data.type.temporal:
            return (needed,)
        times = self.series(node) if node.series else tuple(filter(None, want.times))
        return tuple(needed.at(time) for time in times)

    def _call(self, node: RunUdf, want: View, phase: str) -> None:
        if phase == "call":
            needs = self._needs(node, want)
            inputs = tuple(self.place[node.data.token, needed] for needed in needs)
            times = tuple(time for needed in needs for time in needed.times)
            self.place[node.token, want] = self.emit(Call(want, inputs, node, times))
            return
        whole = self._whole(node, want)
        number = whole.times.index(want.times[0]) if want.times else 0
        bands = tuple(node.type.names.index(name) for name in want.bands)
        self.place[node.token, want] = self.emit(Pick(want, (self.place[node.token, whole],), number, bands))

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
