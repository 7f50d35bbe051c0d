"""Layers that were made of jobs, remembered until what they were made of changes.

After a write each layer is compared with what it was made of, and only those that differ are made anew: a new job does
not cost describing ten thousand others.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool

from ogcserver.engine.describe import Description
from ogcserver.jobs.compiled import Compiled
from ogcserver.jobs.layers import Layer, resampling_of
from ogcserver.jobs.model import Job
from ogcserver.jobs.revision import Revision
from ogcserver.plan.expr import Expr

Describe = Callable[[Expr], Awaitable[Description]]

Key = tuple[str, str]
"""The identifiers of a job and of a service over it, or "" for the job's own layer."""


@dataclass(frozen=True)
class State:
    """What a layer follows from, besides the catalogues of scenes."""

    owner: str
    updated: str
    """When the job was changed."""
    graphs: int
    """The revision of the stored graphs, which the job may refer to."""
    look: Mapping[str, Any]
    """The arguments of the service, or of the job's services."""


@dataclass(frozen=True, eq=False)
class _Known:
    state: State
    layer: Layer | None
    """None: it cannot be made, and is left out of listings."""
    revision: Revision
    """Of the store when the state was compared last."""
    until: float
    """When it has to be described again."""


class Remembered:
    """
    A layer whose state and description have not changed stays the same object.

    Args:
        keep_s: for how long a description, or that there is none, is trusted: catalogues of scenes grow by themselves.
        keep: layers remembered; listings of more make them anew each time.
        clock: seconds, never running backwards.
    """

    def __init__(
        self,
        compiled: Compiled,
        describe: Describe,
        keep_s: float,
        keep: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.compiled, self.describe = compiled, describe
        self._keep_s, self._clock = keep_s, clock
        self._known: LRUCache[Key, _Known] = LRUCache(keep)

    def at(self, key: Key, owner: str, revision: Revision) -> Layer | None:
        """The layer, if nothing was written since it was compared last."""
        known = self._known.get(key)
        if known is None or known.revision != revision or known.state.owner != owner or self._clock() >= known.until:
            return None
        return known.layer

    def fresh(self, states: Mapping[Key, State]) -> dict[Key, Layer | None]:
        """What need not be looked at; None: what cannot be made."""
        now = self._clock()
        found = ((key, self._known.get(key), state) for key, state in states.items())
        return {key: known.layer for key, known, state in found if known and known.state == state and now < known.until}

    def described(self, key: Key, state: State) -> bool:
        """Whether the layer needs nothing but another look at its description: :meth:`current` needs no job."""
        known = self._known.get(key)
        return known is not None and known.layer is not None and known.state == state

    async def current(self, key: Key, state: State, revision: Revision, job: Job) -> Layer:
        """The layer of this state, made where it has to be.

        Raises:
            OgcServerError: the job does not compile, or its collections are away.
        """
        known = self._known.get(key)
        if known and known.layer and known.state == state:
            return await self.renewed(key, revision) or known.layer
        layer = await self._made(job, revision, state.look, own=not key[1])
        self._known[key] = _Known(state, layer, revision, self._clock() + self._keep_s)
        return layer

    async def renewed(self, key: Key, revision: Revision) -> Layer | None:
        """The known layer, described again where that is due.

        Raises:
            OgcServerError: its collections are away.
        """
        known = self._known.get(key)
        if known is None or known.layer is None:
            return None
        layer, until = known.layer, known.until
        if self._clock() >= until:
            description, until = await self.describe(layer.plan), self._clock() + self._keep_s
            layer = layer if description == layer.description else replace(layer, description=description)
        self._known[key] = _Known(known.state, layer, revision, until)
        return layer

    def failed(self, key: Key, state: State, revision: Revision) -> None:
        """Notes that there is no such layer for now."""
        self._known[key] = _Known(state, None, revision, self._clock() + self._keep_s)

    async def prepare(self, jobs: Iterable[Job], revision: Revision) -> None:
        """Compiles jobs of which layers will be made."""
        await run_in_threadpool(self.compiled.prepare, tuple(jobs), revision)

    async def _made(self, job: Job, revision: Revision, look: Mapping[str, Any], own: bool) -> Layer:
        """
        Args:
            own: whether the job's own look comes before ``look``.
        """
        plan = self.compiled.known(job, revision)
        if plan is None:
            plan = await run_in_threadpool(self.compiled.plan, job, revision)
        output = {name: value for name, value in (job.output or {}).items() if name.lower() != "format"}
        args = output if own and output else look
        chosen = resampling_of(args) or resampling_of(output) or "nearest"
        return Layer(job.id, job.title or job.id, job.description, plan, await self.describe(plan), args, chosen)
