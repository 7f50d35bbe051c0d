"""W13: each optimisation off, beside all on: minimum NDVI over 12 dates. The values are the same to the bit."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

import numpy as np

from benchmarks.archive import Archive
from benchmarks.engine import Local, Tile, ndvi_graph, painter, styles, tiles
from benchmarks.forget import Caches
from benchmarks.stats import Series, timed
from ogcserver.cli.allocator import keep_freed_memory
from ogcserver.cube import Array, View
from ogcserver.engine import native
from ogcserver.plan import scalar
from ogcserver.plan.expr import Expr
from ogcserver.sources.sampling import Samplings

_DATES = 12
_ALL_ON = "all on"
_ALLOCATOR = "allocator off"
_LITTLE = 1 << 10
"""Bytes of a cache that keeps no index grid."""
Switch = Callable[[], contextlib.AbstractContextManager[object]]
_NOTHING: Switch = contextlib.nullcontext


@dataclass(frozen=True, eq=False)
class Variant:
    """An engine, and what is off while it computes."""

    local: Local
    plan: Expr
    off: Switch

    def values(self, tile: Tile) -> Array:
        with self.off():
            return asyncio.run(self.local.parts.engine.evaluate(self.plan, self.view(tile))).data

    def view(self, tile: Tile) -> View:
        return View(tile.grid, self.plan.type.names)


def variants(archive: Archive, dates: int = _DATES) -> dict[str, Variant]:
    """All on first; each of the others lacks one thing."""
    made = {
        _ALL_ON: _variant(archive, dates),
        "files' own pixels off": _variant(archive, dates, partial(patch.object, native, "MOST", 0.0)),
        "compiled band maths off": _variant(archive, dates, partial(patch.object, scalar, "_assembled", _not_compiled)),
        "cache of blocks off": _variant(archive, dates, block_mb=0),
        "index grids kept off": _variant(archive, dates),
        "reading ahead off": _variant(archive, dates),
        "searches kept off": _variant(archive, dates),
    }
    made["index grids kept off"].local.parts.engine._reader.samplings = Samplings(_LITTLE)
    made["reading ahead off"].local.parts.engine._ahead = None  # type: ignore[assignment]
    made["searches kept off"].local.parts.engine._finder._found = _Nothing()  # type: ignore[assignment]
    return made


class _Nothing:
    """A cache that keeps nothing."""

    def get(self, key: object) -> None:
        return None

    def put(self, key: object, value: object) -> None:
        pass


def _not_compiled(program: object) -> None:
    return None


def _variant(archive: Archive, dates: int, off: Switch = _NOTHING, block_mb: int = 1024) -> Variant:
    local = Local(archive, block_mb)
    return Variant(local, local.compile(ndvi_graph(archive.days[:dates])), off)


def check(made: Mapping[str, Variant], tile: Tile) -> None:
    """
    Raises:
        ValueError: something changes the values.
    """
    expected = made[_ALL_ON].values(tile)
    for name, variant in made.items():
        found = variant.values(tile)
        if found.dtype != expected.dtype or found.tobytes() != expected.tobytes():
            raise ValueError(f"with {name} {np.count_nonzero(found != expected)} values differ")


def run(archive: Archive, quick: bool) -> None:
    found = list(tiles(archive, 14 if quick else 42, 3))
    made = variants(archive)
    kinds = ("first visit", "again at another place", "the same place again")
    results = {kind: Series(f"W13 minimum NDVI, {_DATES} dates, {kind}") for kind in kinds}
    caches = Caches()
    look = styles(made[_ALL_ON].local, archive)[0]
    with _processes(archive) as others:
        for turn, tile in enumerate(found):
            check(made, tile)
            tasks: dict[str, Callable[[], float]] = {}
            for name, variant in made.items():
                tasks[name] = partial(_timed, variant, tile, painter(look))
            tasks |= {name: partial(_elsewhere, pool, tile) for name, pool in others.items()}
            for kind, series in results.items():
                forget = {"first visit": "forget_blocks", "again at another place": "forget_places"}.get(kind)
                if forget is not None:
                    getattr(caches, forget)()
                    for pool in others.values():
                        pool.submit(_forget, forget).result()
                names = list(tasks)
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    series.add(name, tasks[name]())
    for variant in made.values():
        variant.local.close()
    for series in results.values():
        alone = {name: series.times.pop(name) for name in (_ALLOCATOR, "allocator on") if name in series.times}
        series.print(_ALL_ON)
        Series(f"{series.title}, in processes of their own", alone).print("allocator on")
    print("\n  the values of all tiles are the same to the bit with each of them off", flush=True)


def _timed(variant: Variant, tile: Tile, paint: object) -> float:
    with variant.off():
        return timed(lambda: variant.local.render(variant.plan, variant.view(tile), paint))  # type: ignore[arg-type]


@contextlib.contextmanager
def _processes(archive: Archive) -> Iterator[Mapping[str, ProcessPoolExecutor]]:
    """Two processes, for the allocator can be set once only."""
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(ProcessPoolExecutor(1, context, _open, (archive, keep)))
            for name, keep in (("allocator on", True), (_ALLOCATOR, False))
        }


_opened: list[tuple[Variant, Caches, object]] = []
"""In each of the two processes: what it measures."""


def _open(archive: Archive, keep: bool) -> None:
    if keep:
        keep_freed_memory()
    variant = _variant(archive, _DATES)
    look = styles(variant.local, archive)[0]
    _opened.append((variant, Caches(), painter(look)))
    for tile in tiles(archive, 7, 1):
        _compute(tile)


def _compute(tile: Tile) -> float:
    variant, _, paint = _opened[0]
    return _timed(variant, tile, paint)


def _forget(what: str) -> None:
    getattr(_opened[0][1], what)()


def _elsewhere(pool: ProcessPoolExecutor, tile: Tile) -> float:
    return pool.submit(_compute, tile).result()
