"""The engine as the rest of the program sees it: plans and views in, blocks and encoded bytes out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Protocol, TypeVar

import numpy as np

from ogcserver.cube import Array, Band, Block, Resampling, View, compute_dtype
from ogcserver.engine.cache import ByteCache, CacheStatistics, SingleFlight
from ogcserver.engine.describe import Description, Finder, describe
from ogcserver.engine.explain import Analysis, Explanation, ReadLine, node_lines, observation_count, view_json
from ogcserver.engine.extents import ScriptCalls
from ogcserver.engine.functions import Functions
from ogcserver.engine.limits import Limits, Work, check_size, chunk_edge, values
from ogcserver.engine.native import native, taken
from ogcserver.engine.run import Pixels, ReadAhead, Timing, run
from ogcserver.engine.scenes import Scene, scenes
from ogcserver.engine.series import made_together, split
from ogcserver.errors import NoTimeInRange, Overloaded
from ogcserver.geo.grid import Grid
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import Load
from ogcserver.plan.steps import Bound, Read
from ogcserver.sources.base import Collection, Observation
from ogcserver.sources.onto import GridReader
from ogcserver.sources.reader import Reader, Wanted
from ogcserver.sources.sampling import CELL
from ogcserver.udf.capability import NO_RUNNER
from ogcserver.udf.runner import UdfRunner

T = TypeVar("T")

_FETCHERS = 32
"""Threads that wait for the network."""


class Encoder(Protocol):
    """Turns a block into the bytes of an answer; runs in the engine's threads."""

    @property
    def token(self) -> str:
        """Names format, style and options exactly: equal tokens, equal bytes."""
        ...

    def __call__(self, block: Block) -> bytes: ...


@dataclass(frozen=True)
class Rendered:
    """An encoded answer."""

    body: bytes
    etag: str
    """Strong entity tag, without quotes.  Source: RFC 9110, 8.8.3."""
    complete: bool = True
    """False when a source could not be read; see :class:`ogcserver.cube.Block`."""


@dataclass(frozen=True)
class _Cut:
    """A view that is computed in parts."""

    view: View
    """With its times spelled out."""
    parts: tuple[Grid, ...]


@dataclass(frozen=True)
class EngineStatistics:
    responses: CacheStatistics
    arrays: CacheStatistics
    unreadable: int
    under_way: int


class Engine:
    """Computes views of plans in a bounded pool of threads, behind caches.

    All methods raise TooLarge before anything is read, Overloaded when too many requests wait, DeadlineExceeded, and
    SourceUnavailable.
    """

    def __init__(
        self,
        collection: Callable[[str], Collection],
        reader: Reader,
        limits: Limits,
        response_bytes: int = 256 << 20,
        array_bytes: int = 512 << 20,
        udfs: UdfRunner = NO_RUNNER,
    ) -> None:
        self.limits = limits
        self._collection = collection
        self._reader = reader
        functions = Functions(udfs)
        self._finder = Finder(collection, reader.header, functions)
        self._pool = ThreadPoolExecutor(limits.workers, thread_name_prefix="engine")
        self._readers = ThreadPoolExecutor(limits.workers, thread_name_prefix="reader")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="fetcher")
        self._ahead = ReadAhead(self._readers, 2 * limits.workers)
        self._responses: ByteCache[Rendered] = ByteCache(response_bytes, lambda answer: len(answer.body) + 256)
        self._arrays: ByteCache[Block] = ByteCache(array_bytes, lambda block: block.data.nbytes + 256)
        self._calls = ScriptCalls(
            self._finder,
            functions,
            limits,
            self._arrays,
            lambda bound, check: self._run(bound, check, None, 0),
            self.versions,
        )
        self._descriptions: ByteCache[Description] = ByteCache(64 << 20, lambda found: 1024 + 64 * len(found.times))
        self._flights = SingleFlight()
        self.on_computed: Callable[[str, int], None] = lambda token, values: None
        """Is told the token of each plan that was computed, and how many values."""
        self._under_way = 0

    def close(self) -> None:
        """Stops the threads; running work ends first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._fetchers.shutdown(wait=True, cancel_futures=True)

    def statistics(self) -> EngineStatistics:
        return EngineStatistics(
            self._responses.statistics(), self._arrays.statistics(), self._reader.unreadable, self._under_way
        )

    def versions(self, plan: Expr) -> tuple[str, ...]:
        """The versions of the collections that the plan loads: with the plan's token they name its pixels for ever."""
        return tuple(self._collection(name).version() for name in _collections(plan))

    async def etag(self, plan: Expr, view: View, encoder: Encoder) -> str:
        """The entity tag that :meth:`render` would give, without computing anything."""
        return _etag(plan, self.versions(plan), view, encoder)

    async def render(self, plan: Expr, view: View, encoder: Encoder) -> Rendered:
        """The encoded view, from the cache of responses, the cache of arrays, or computed."""
        versions = self.versions(plan)
        key = (plan.token, versions, view, encoder.token)
        cached = self._responses.get(key)
        if cached is not None:
            return cached

        async def make() -> Rendered:
            block = await self._evaluate(plan, view, versions)
            body = await self._in_pool(partial(encoder, block))
            tag = _etag(plan, versions, view, encoder)
            if not block.complete:  # another attempt may find more: its tag must differ
                return Rendered(body, f"{tag}-{time.time_ns():x}", complete=False)
            answer = Rendered(body, tag)
            self._responses.put(key, answer)
            return answer

        return await self._flights.run(("response", *key), make)

    async def evaluate(self, plan: Expr, view: View) -> Block:
        """The view's pixels, from the cache of arrays or computed. The block is shared: do not write to it."""
        return await self._evaluate(plan, view, self.versions(plan))

    async def describe(self, plan: Expr) -> Description:
        """The plan's native grid, times and extent.

        Raises:
            NoTimeInRange: no observation lies in the graph's area and time.
        """
        key = (plan.token, self.versions(plan))
        known = self._descriptions.get(key)
        if known is None:
            known = await self._flights.run(
                ("description", *key), lambda: self._in_pool(partial(describe, plan, self._finder))
            )
            self._descriptions.put(key, known)
        return known

    async def scenes(self, plan: Expr) -> tuple[Scene, ...]:
        """The scenes that the plan's result is made of."""
        return await self._in_pool(partial(scenes, plan, self._finder))

    async def explain(self, plan: Expr, view: View, analyze: bool = False) -> Explanation:
        """What would answer the view; ``analyze`` computes it, past the caches, and tells the time for each node."""
        check_size(view, len(view.times), self.limits)
        cached = (plan.token, self.versions(plan), view) in self._arrays
        return await self._in_pool(partial(self._explain, plan, view, "array" if cached else "", analyze))

    async def _evaluate(self, plan: Expr, view: View, versions: tuple[str, ...]) -> Block:
        key = (plan.token, versions, view)
        cached = self._arrays.get(key)
        if cached is not None:
            return cached
        check_size(view, len(view.times), self.limits)
        whole = await self._together(plan, view)

        async def make() -> dict[View, Block]:
            block = await self.compute(plan, whole)
            parts = {view: block} if whole is view else dict(split(whole, block))
            for part, made in parts.items():
                if made.complete:
                    self._arrays.put((plan.token, versions, part), made)
            return parts

        return (await self._flights.run(("array", plan.token, versions, whole), make))[view]

    async def _together(self, plan: Expr, view: View) -> View:
        """The view of all observations where a script makes them together, and the cache has room for them."""
        if len(view.times) != 1 or not made_together(plan):
            return view
        times = (await self.describe(plan)).times
        room = self._arrays.statistics().max_bytes // 4
        return replace(view, times=times) if view.times[0] in times and values(view, len(times)) * 8 <= room else view

    async def compute(self, plan: Expr, view: View) -> Block:
        """The view's pixels, past the caches of results."""
        if self._under_way >= self.limits.queue:
            raise Overloaded(f"{self._under_way} requests are under way; try again later")
        self._under_way += 1
        work = Work(self.limits.timeout_s)
        try:
            block = await self._chunks(plan, view, work)
            self.on_computed(plan.token, block.data.size)
            return block
        finally:
            work.cancel()  # also when this task is cancelled, or one chunk has failed
            self._under_way -= 1

    async def _chunks(self, plan: Expr, view: View, work: Work) -> Block:
        bands = tuple(plan.type.band(name) for name in view.bands)
        started = await self._in_pool(partial(self._start, plan, view, bands, work))
        if isinstance(started, Block):
            return started
        out: Array = np.empty((max(1, len(started.view.times)), len(bands), *view.grid.shape), compute_dtype(bands))
        complete = await self._fill(out, plan, started.view, started.parts, work)
        return Block(out, view.grid, bands, started.view.times, complete)

    def _start(self, plan: Expr, view: View, bands: tuple[Band, ...], work: Work) -> Block | _Cut:
        """Binds a view; runs it at once when it is one chunk, as tiles are, so that it changes threads only once."""
        bound = self._bind(plan, view, work)
        view = bound.view
        check_size(view, len(view.times), self.limits)
        edge = chunk_edge(bound, self.limits, 2 * CELL)
        parts = view.grid.chunks(min(edge, CELL))
        if len(parts) > 1:
            return _Cut(view, parts)
        data, complete = self._run(bound, work.check, self._ahead, edge**2)
        return Block(data, view.grid, bands, view.times, complete)

    async def _fill(self, out: Array, plan: Expr, view: View, parts: tuple[Grid, ...], work: Work) -> bool:
        """Computes all parts, at most as many at a time as there are threads, so that other requests get their turn."""
        queue = list(reversed(parts))
        whole: list[bool] = []

        async def drain() -> None:
            while queue:
                whole.append(await self._in_pool(partial(self._part, out, plan, view, queue.pop(), work)))

        await asyncio.gather(*(drain() for _ in range(min(self.limits.workers, len(parts)))))
        return all(whole)

    def _part(self, out: Array, plan: Expr, view: View, part: Grid, work: Work) -> bool:
        work.check()
        data, complete = self._run(bind(plan, view.on(part), self._finder), work.check, None, 0)
        row, col = part.row - view.grid.row, part.col - view.grid.col
        out[:, :, row : row + part.height, col : col + part.width] = data
        return complete

    def _run(
        self,
        bound: Bound,
        check: Callable[[], None],
        ahead: ReadAhead | None,
        largest: int,
        timing: Timing | None = None,
    ) -> tuple[Array, bool]:
        """Runs a bound view, at the files' own pixels where that is possible and they are at most ``largest``."""
        wanted = [
            Wanted(step.observation, _bands(step), step.view.grid, step.view.resampling)
            for step in bound.steps
            if isinstance(step, Read) and isinstance(step.observation, Observation)
        ]
        self._reader.prefetch(wanted, self._fetchers, check)
        found = native(bound, self._reader.onto(bound.view.grid, bound.view.resampling), largest)
        if found is None:
            return run(bound, self._pixels(), check, timing, ahead, calls=self._calls)
        pixels = self._pixels(self._reader.at(found))
        data, complete = run(bound, pixels, check, timing, ahead, found.grid, calls=self._calls)
        return taken(data, found), complete

    def _bind(self, plan: Expr, view: View, work: Work) -> Bound:
        work.check()
        if plan.type.temporal and not view.times:
            times = describe(plan, self._finder).times
            if not times:
                raise NoTimeInRange("there is no observation in the area and time of the graph")
            view = replace(view, times=times)
        return bind(plan, view, self._finder)

    def _pixels(self, at: GridReader | None = None) -> Pixels:
        """Reads the steps of one run, all of them by the reader given."""
        onto: dict[tuple[Grid, Resampling], GridReader] = {}

        def pixels(step: Read, bands: tuple[Band, ...], check: Callable[[], None]) -> tuple[Array, bool]:
            assert isinstance(step.observation, Observation)
            key = step.view.grid, step.view.resampling
            reader = at or onto.get(key) or onto.setdefault(key, self._reader.onto(*key))
            return reader.read(step.observation, bands, check)

        return pixels

    def _explain(self, plan: Expr, view: View, cached: str, analyze: bool) -> Explanation:
        work, timing = Work(self.limits.timeout_s), Timing()
        bound = self._bind(plan, view, work)
        edge = chunk_edge(bound, self.limits, CELL)
        parts = view.grid.chunks(edge)
        lines: list[ReadLine] = []
        blocks: dict[Hashable, int] = {}
        before = self._reader.bytes_read
        for part in parts:
            piece = bind(plan, bound.view.on(part), self._finder)
            lines += self._read_lines(piece, blocks)
            if analyze:
                self._run(piece, work.check, None, 0 if len(parts) > 1 else (2 * CELL) ** 2, timing)
        largest = max(parts, key=lambda part: part.size)
        work_bytes = bound.bytes_at_once(largest.width, largest.height)
        result = view.grid.size * len(view.bands) * max(1, len(bound.view.times)) * 4
        return Explanation(
            view_json(bound.view), cached, node_lines(plan), len(bound.steps), observation_count(bound), tuple(lines),
            sum(line.nbytes for line in lines), sum(blocks.values()), result + work_bytes, len(parts),
            Analysis(
                self._reader.bytes_read - before,
                tuple(timing.seconds.get(node.token, 0.0) for node in postorder(plan)),
            ) if analyze else None,
        )  # fmt: skip

    def _read_lines(self, bound: Bound, blocks: dict[Hashable, int]) -> list[ReadLine]:
        """What is read; ``blocks`` gets the stored blocks."""
        lines = []
        for step in bound.steps:
            if not (isinstance(step, Read) and isinstance(step.observation, Observation) and step.load):
                continue
            reader = self._reader.onto(step.view.grid, step.view.resampling)
            for planned in reader.planned(step.observation, _bands(step)):
                window = planned.window
                blocks.update(self._reader.stored(planned))
                lines.append(
                    ReadLine(
                        step.observation.time, planned.item, planned.band, type(planned.place).__name__, planned.level,
                        (window.col, window.row, window.width, window.height), planned.nbytes,
                    )
                )  # fmt: skip
        return lines

    async def _in_pool(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


@lru_cache(maxsize=4096)  # asked for with every tile
def _collections(plan: Expr) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node.collection for node in postorder(plan) if isinstance(node, Load)))


def _bands(step: Read) -> tuple[Band, ...]:
    assert step.load is not None
    return tuple(step.load.type.band(name) for name in step.view.bands)


def _etag(plan: Expr, versions: tuple[str, ...], view: View, encoder: Encoder) -> str:
    text = "\x1f".join([plan.token, *versions, repr(view), encoder.token])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
