"""W9: finding the items of a tile among 100, 10,000 and 1,000,000 of them, and what the index of these takes."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.archive import COLLECTION, Archive
from benchmarks.engine import Local, ndvi_graph, tiles
from benchmarks.stats import percentile, timed
from ogcserver.cube import View
from ogcserver.engine.describe import Finder
from ogcserver.geo.crs import lonlat_boxes, project_bounds
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import Expr
from ogcserver.sources.base import BandSource, CollectionInfo, FileBand, Item
from ogcserver.sources.index import ItemIndex
from ogcserver.timeline import Interval, format_instant

_DATES = 100
"""Of each place: the items that a tile finds do not become more with the places."""
_EVERY = timedelta(days=10)
_FIRST = datetime(2015, 1, 4, 10, 15, 12, tzinfo=UTC)
_NAMES = ("B02", "B03", "B04", "B8A", "SCL")
GROWTH = 2.0
"""Among the most items a search may take this many times what it takes among the fewest."""


@dataclass(frozen=True, eq=False)
class Generated:
    """A collection of items in memory."""

    index: ItemIndex
    info: CollectionInfo
    mosaic: str = "day"

    def version(self) -> str:
        return "1"

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        return self.index.search(boxes, interval)


def items(archive: Archive, count: int) -> Iterator[Item]:
    """Scenes of as many places as it takes: the archive's own first, the others over the globe."""
    home = project_bounds("EPSG:32632", "EPSG:4326", archive.bounds)
    for place in range(-(-count // _DATES)):
        west, south, east, north = home
        if place:
            column, row = place % 180, place // 180
            west, south = -180.0 + 2.0 * column, -78.0 + 2.0 * row
            east, north = west + home[2] - home[0], south + home[3] - home[1]
        for date in range(min(_DATES, count - place * _DATES)):
            moment = format_instant(_FIRST + date * _EVERY + timedelta(seconds=place))
            bands = {name: BandSource(FileBand(f"/{place}/{date}/{name}.tif")) for name in _NAMES}
            yield Item(f"S2_{place:05d}_{date:03d}", moment, bands, ((west, south, min(east, 180.0), north),))


def run(archive: Archive, quick: bool) -> None:
    local = Local(archive)
    repeats = 200 if quick else 1000
    plan = local.compile(ndvi_graph(days()))
    grids = [tile.grid for tile in tiles(archive, repeats, 9, range(12, 15))]
    info = local.parts.catalogs.get(COLLECTION).info
    local.close()
    print(f"\nW9 finding the items of a tile (12 dates of one place), medians of {repeats}, each tile asked for twice")
    searches: list[float] = []
    for count in (100, 10_000, 1_000_000):
        collection, seconds, mib = _indexed(archive, count, info)
        searches.append(report(plan, grids, collection, f"{count:9,} items", seconds, mib))
    growth = searches[-1] / searches[0]
    verdict = "holds" if growth <= GROWTH else "MISSED"
    print(f"  from 100 to 1,000,000 items a search takes {growth:.2f} times as long   at most {GROWTH:g}: {verdict}")


def days() -> tuple[str, str]:
    """The first and the last of 12 dates of each place."""
    return f"{_FIRST + 40 * _EVERY:%Y-%m-%d}", f"{_FIRST + 51 * _EVERY:%Y-%m-%d}"


def _indexed(archive: Archive, count: int, info: CollectionInfo) -> tuple[Generated, float, float]:
    """The collection, the seconds that its index took, and the MiB that the index holds beside the items."""
    made = list(items(archive, count))
    start = time.perf_counter()
    index = ItemIndex(made)
    seconds = time.perf_counter() - start
    return Generated(index, info), seconds, _held_mib(made)


def _held_mib(made: list[Item]) -> float:
    """Traced with at most 100,000 items, for tracing slows down, and taken to be in proportion; without the tree's own
    memory, which is not Python's."""
    some = made[:100_000]
    tracemalloc.start()
    index = ItemIndex(some)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / (1 << 20) * len(made) / len(index)


def report(
    plan: Expr, grids: list[Grid], collection: Generated, title: str, seconds: float = 0.0, mib: float = 0.0
) -> float:
    """Prints what finding takes; the median of the index's own search in microseconds."""
    searches: list[float] = []
    binds: dict[str, list[float]] = {"first": [], "again": []}
    counted = Counted(collection)
    finder = Finder(lambda _: counted, _no_header)
    interval = Interval(f"{days()[0]}T00:00:00Z", f"{days()[1]}T23:59:59Z")
    for grid in grids:
        boxes = lonlat_boxes(grid)
        searches.append(1000 * timed(partial(collection.search, boxes, interval)))
        for turn in binds.values():
            turn.append(1000 * timed(partial(bind, plan, View(grid, plan.type.names), finder)))
    found = len(collection.search(lonlat_boxes(grids[0]), interval))
    search = percentile(searches, 0.5)
    print(
        f"  {title}   index made in {seconds:6.2f} s, {mib:6.1f} MiB   search {search:6.1f} us finds {found}   "
        f"bind first {percentile(binds['first'], 0.5):6.0f} us, again {percentile(binds['again'], 0.5):6.0f} us   "
        f"{counted.searches} searches for {2 * len(grids)} tiles of which {len(set(grids))} differ: "
        f"{'holds' if counted.searches <= len(grids) else 'MISSED'}",
        flush=True,
    )
    return search


class Counted:
    """A collection that counts how often it is searched."""

    def __init__(self, inner: Generated) -> None:
        self._inner, self.searches = inner, 0
        self.info, self.mosaic, self.version = inner.info, inner.mosaic, inner.version

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        self.searches += 1
        return self._inner.search(boxes, interval)


def _no_header(place: object) -> object:
    raise ValueError(f"{place} is opened where only items are looked for")
