"""A bound plan: the steps that compute a view, in order, and the memory that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ogcserver.cube import CubeType, View
from ogcserver.plan.expr import Mapped
from ogcserver.plan.nodes import Load, Reduce
from ogcserver.plan.reducers import REDUCERS
from ogcserver.plan.udf import RunUdf


class Observed(Protocol):
    """An observation of a collection, as far as a plan cares."""

    @property
    def time(self) -> str: ...


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

    node: Mapped | None = None


@dataclass(frozen=True, eq=False)
class Fold(Step):
    """Puts a slice (the last input) into a reducer's state (the first input, absent for the first slice)."""

    node: Reduce | None = None


@dataclass(frozen=True, eq=False)
class Finish(Step):
    """A reducer's result from its state."""

    node: Reduce | None = None


@dataclass(frozen=True, eq=False)
class Call(Step):
    """A script's result from all of its observations, which are joined along time. All bands, all new times."""

    node: RunUdf | None = None
    times: tuple[str, ...] = ()
    """Labels of the observations; none for a cube without time axis."""


@dataclass(frozen=True, eq=False)
class Pick(Step):
    """One observation and some bands of a call's result."""

    time: int = 0
    bands: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Spread(Step):
    """One observation and some bands of what a script makes of a whole extent, at the pixels of the view."""

    node: RunUdf | None = None
    times: tuple[str, ...] = ()
    """Of the script's result, all that are made together."""
    time: int = 0


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

    def bytes_at_once(self, width: int, height: int) -> int:
        """The most bytes alive at once while the steps run for a part of the view of so many pixels."""
        alive = peak = 0
        sizes = [_step_bytes(step) * self._pixels(step, width, height) for step in self.steps]
        for number, released in enumerate(self.releases()):
            alive += sizes[number]
            peak = max(peak, alive)
            alive -= sum(sizes[step] for step in released)
        return peak

    def _pixels(self, step: Step, width: int, height: int) -> int:
        """Of a step, where the view has this size: neighbourhoods need a margin, however small the part."""
        own, whole = step.view.grid, self.view.grid
        return (width + max(0, own.width - whole.width)) * (height + max(0, own.height - whole.height))


def _step_bytes(step: Step) -> int:
    count = len(step.view.bands)
    if isinstance(step, Fold) and step.node is not None:
        # the state is handed on and counted once, with the first slice; a kept series grows by each slice
        if (per_band := REDUCERS[step.node.reducer].state_bytes) == 0:
            return 8 * count
        return per_band * count if len(step.inputs) == 1 else 0
    if isinstance(step, Call) and step.node is not None:  # both also as the bytes that are sent
        return 16 * (count * max(1, len(step.view.times)) + len(step.node.data.type.names) * max(1, len(step.times)))
    return 8 * count if isinstance(step, Compute) else 4 * count
