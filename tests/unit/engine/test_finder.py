"""Searches of catalogues are remembered while the collection is the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from ogcserver.cube import View
from ogcserver.engine.describe import Finder
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import Expr
from ogcserver.sources.base import CollectionInfo, Item
from ogcserver.timeline import Interval
from tests.fakes import DAYS, UTM, Archive, compiled, node, product, utm_archive

HERE = Grid(UTM.lattice, 100, 50, 60, 40)
THERE = Grid(UTM.lattice, 400, 350, 60, 40)


@dataclass
class Counted:
    """Notes the searches of a collection, whose version can be set."""

    archive: Archive
    searches: list[tuple[Sequence[Bounds], Interval]] = field(default_factory=list)
    revision: str = "1"
    mosaic: str = "day"
    away: bool = False

    @property
    def info(self) -> CollectionInfo:
        return self.archive.get("utm").info

    def version(self) -> str:
        return self.revision

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        self.searches.append((boxes, interval))
        if self.away:
            raise SourceUnavailable("the catalogue does not answer")
        return tuple(self.archive.get("utm").search(boxes, interval))


@pytest.fixture
def counted() -> Counted:
    return Counted(utm_archive())


@pytest.fixture
def finder(counted: Counted) -> Finder:
    return Finder(lambda _: counted, counted.archive.reader().header)


def plan(counted: Counted, last: str = DAYS[-1]) -> Expr:
    dated = node("filter_daterange", imagery=product(), **{"from": DAYS[0], "to": last})
    return compiled(counted.archive, node("min_time", imagery=dated))


def labels(found: Expr, grid: Grid, finder: Finder) -> list[str]:
    steps = bind(found, View(grid, ("v",)), finder).steps
    return [step.observation.time for step in steps if getattr(step, "observation", None) is not None]


def test_a_place_seen_before_searches_nothing(counted: Counted, finder: Finder) -> None:
    first = labels(plan(counted), HERE, finder)
    assert first == list(DAYS) and len(counted.searches) == 1
    assert labels(plan(counted), HERE, finder) == first and len(counted.searches) == 1


def test_another_place_or_interval_is_searched(counted: Counted, finder: Finder) -> None:
    labels(plan(counted), HERE, finder)
    labels(plan(counted), THERE, finder)
    assert len(counted.searches) == 2
    assert labels(plan(counted, DAYS[1]), HERE, finder) == list(DAYS[:2]) and len(counted.searches) == 3


def test_a_collection_that_has_changed_is_searched_again(counted: Counted, finder: Finder) -> None:
    labels(plan(counted), HERE, finder)
    counted.revision = "2"
    labels(plan(counted), HERE, finder)
    assert len(counted.searches) == 2


def test_a_search_that_failed_is_made_again(counted: Counted, finder: Finder) -> None:
    counted.away = True
    with pytest.raises(SourceUnavailable):
        labels(plan(counted), HERE, finder)
    counted.away = False
    assert labels(plan(counted), HERE, finder) == list(DAYS)


def test_many_threads_find_the_same(counted: Counted, finder: Finder) -> None:
    found, gate = plan(counted), threading.Barrier(8)

    def search(_: int) -> list[str]:
        gate.wait(10)
        return labels(found, HERE, finder)

    with ThreadPoolExecutor(8) as pool:
        assert all(one == list(DAYS) for one in pool.map(search, range(8)))
