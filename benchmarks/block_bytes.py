"""W12: the bytes that tiles and coverages read of files, beside those of the stored blocks that their windows touch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.archive import Archive
from benchmarks.engine import Local, ndvi_graph, tiles, windows
from benchmarks.forget import Caches
from benchmarks.remote import DELAY_MS, Far
from ogcserver.cube import View
from ogcserver.geo.grid import Grid
from ogcserver.plan.expr import Expr

LIMIT = 1.3


@dataclass(frozen=True)
class Bytes:
    """Of one view."""

    read: int
    stored: int
    """Of the blocks."""

    @property
    def ratio(self) -> float:
        return self.read / self.stored


def run(archive: Archive, quick: bool) -> None:
    dates, tasks = min(12, archive.size.dates), 14 if quick else 42
    edge = min(1000, archive.size.edge // 2)
    places = {
        f"W3 tiles, {dates} dates": [tile.grid for tile in tiles(archive, tasks, 3)],
        f"W4 coverages {edge} x {edge}, {dates} dates": list(windows(archive, max(4, tasks // 4), edge, 4)),
    }
    print("\nW12 bytes read / bytes of the blocks touched, nothing decoded before; explain --analyze")
    _report(archive, "by the engine's count", places, dates)
    with Far(archive, DELAY_MS / 10) as far:
        _report(far.archive, "sent by a web server, headers too", places, dates, lambda: far.counts()["bytes"])


def _report(
    archive: Archive, kind: str, places: dict[str, list[Grid]], dates: int, sent: Callable[[], int] | None = None
) -> None:
    local = Local(archive)
    plan, caches = local.compile(ndvi_graph(archive.days[:dates])), Caches()
    forget = caches.forget_blocks if sent is None else caches.forget_files
    for name, grids in places.items():
        found = list(measured(local, plan, grids, forget, sent))
        read, stored = sum(one.read for one in found), sum(one.stored for one in found)
        worst = max(one.ratio for one in found)
        print(
            f"  {name:34} {kind:34} {read / 1e6 / len(found):7.2f} MB, blocks {stored / 1e6 / len(found):7.2f} MB for "
            f"each of {len(found)}   ratio {read / stored:.3f}, worst {worst:.3f}   at most {LIMIT:g}: "
            f"{'holds' if worst <= LIMIT else 'MISSED'}",
            flush=True,
        )
    local.close()


def measured(
    local: Local, plan: Expr, grids: Iterable[Grid], forget: Callable[[], None], sent: Callable[[], int] | None = None
) -> Iterator[Bytes]:
    """Of each grid that touches data; ``sent``: counts bytes since it was last called, in place of the engine."""
    for grid in grids:
        forget()
        if sent is not None:
            sent()
        found = asyncio.run(local.parts.engine.explain(plan, View(grid, plan.type.names), analyze=True))
        if found.analysis is not None and found.bytes_stored:
            yield Bytes(found.analysis.bytes_read if sent is None else sent(), found.bytes_stored)
