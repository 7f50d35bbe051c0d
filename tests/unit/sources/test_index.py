from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

import ogcserver.sources.index
from ogcserver.geo.crs import split_antimeridian
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import Item
from ogcserver.sources.index import ItemIndex
from ogcserver.timeline import Interval, format_instant, label, start_of

START = datetime(2017, 1, 1, tzinfo=UTC)

lonlat = st.builds(
    lambda west, south, width, height: split_antimeridian((west, south, west + width, south + height)),
    st.integers(-180, 179), st.integers(-90, 70), st.integers(0, 40), st.integers(0, 20),
)  # fmt: skip
moments = st.integers(0, 60).map(lambda days: START + timedelta(days=days))
labels = st.builds(lambda a, days: label(a, a + timedelta(days=days) if days else None), moments, st.integers(0, 9))
items = st.lists(st.tuples(labels, lonlat), max_size=40).map(
    lambda found: [Item(f"i{n:03d}", time, {}, boxes) for n, (time, boxes) in enumerate(found)]
)
bounds = st.none() | moments.map(format_instant)
intervals = st.builds(lambda a, b: Interval(a or "", b or ""), bounds, bounds)


def brute_force(found: list[Item], boxes: tuple[Bounds, ...], interval: Interval) -> list[str]:
    def meets(a: Bounds, b: Bounds) -> bool:
        return a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1]

    hits = [i for i in found if interval.holds(i.time) and any(meets(a, b) for a in i.boxes for b in boxes)]
    return [item.id for item in sorted(hits, key=lambda item: (start_of(item.time), item.time, item.id))]


@given(items, lonlat, intervals)
def test_a_search_finds_what_looking_at_every_item_finds(
    found: list[Item], boxes: tuple[Bounds, ...], interval: Interval
) -> None:
    assert [item.id for item in ItemIndex(found).search(boxes, interval)] == brute_force(found, boxes, interval)


@settings(max_examples=50)
@given(st.integers(0, 2**32), lonlat, intervals)
def test_so_it_does_through_the_tree(seed: int, boxes: tuple[Bounds, ...], interval: Interval) -> None:
    few = 2 * ogcserver.sources.index._FEW
    found = []
    for n in range(few):
        mixed = (n * 2654435761 + seed) % 2**32
        start = START + timedelta(hours=mixed % 1440)
        west, south = mixed % 359 - 180, mixed // 359 % 160 - 80
        time = label(start, start + timedelta(hours=mixed % 50))
        found.append(Item(f"i{n}", time, {}, split_antimeridian((west, south, west + mixed % 9, south + 3))))
    assert [item.id for item in ItemIndex(found).search(boxes, interval)] == brute_force(found, boxes, interval)


def test_an_item_on_both_sides_of_180_degrees_is_found_once() -> None:
    item = Item("x", "2017-01-01T00:00:00Z", {}, ((178, 0, 180, 1), (-180, 0, -178, 1)))
    assert ItemIndex([item]).search([(170, 0, 180, 1), (-180, 0, -170, 1)], Interval()) == (item,)


def test_an_empty_index_finds_nothing() -> None:
    assert ItemIndex([]).search([(-180, -90, 180, 90)], Interval()) == ()


def test_no_box_finds_nothing() -> None:
    item = Item("x", "2017-01-01T00:00:00Z", {}, ((0, 0, 1, 1),))
    assert ItemIndex([item]).search([], Interval()) == ()
