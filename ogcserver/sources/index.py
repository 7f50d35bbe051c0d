"""Finding items by place and time, among few and among very many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray

from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import Item
from ogcserver.timeline import Interval, span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OPEN = np.iinfo(np.int64).max
_FEW = 2048
"""Boxes that are compared one by one sooner than through the tree."""

Positions = NDArray[np.intp]


class ItemIndex:
    """An immutable index over items; safe to search from many threads.

    Items are kept in order of time, then label, then id, so that those of an interval lie together: where they are few
    their boxes are compared directly, else a tree of boxes is asked first.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        keyed = sorted(((_micros(span(item.time)[0]), item.time, item.id, n, item) for n, item in enumerate(items)))
        self._items: tuple[Item, ...] = tuple(entry[-1] for entry in keyed)
        self._starts = np.array([entry[0] for entry in keyed], np.int64)
        self._ends = np.array([_micros(span(item.time)[1]) for item in self._items], np.int64)
        self._longest = int((self._ends - self._starts).max()) if keyed else 0
        counts = [len(item.boxes) for item in self._items]
        self._first_box = np.concatenate([[0], np.cumsum(counts, dtype=np.intp)])
        self._owners: Positions = np.repeat(np.arange(len(counts), dtype=np.intp), counts)
        boxes = np.array([box for item in self._items for box in item.boxes], np.float64).reshape(-1, 4)
        self._boxes = boxes
        # the tree knows envelopes only, and a diagonal has that of its box with less than half of the corners
        self._tree = shapely.STRtree(shapely.linestrings(boxes.reshape(-1, 2, 2))) if len(boxes) > _FEW else None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, by time, then id."""
        return self._items

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        """Items that meet one of the boxes (borders included) and the interval, each once, by time, then id."""
        start = _micros(span(interval.start)[0]) if interval.start else -_OPEN
        end = _micros(span(interval.end)[0]) if interval.end else _OPEN
        low = int(np.searchsorted(self._starts, start - self._longest)) if interval.start else 0
        high = int(np.searchsorted(self._starts, end))
        if low >= high or not boxes:
            return ()
        first, last = int(self._first_box[low]), int(self._first_box[high])
        if self._tree is None or last - first <= _FEW:
            owners = self._compare(boxes, first, last)
        else:
            owners = self._ask_tree(boxes)
            owners = owners[(owners >= low) & (owners < high)]
        owners = np.unique(owners[self._ends[owners] >= start])
        return tuple(self._items[position] for position in owners.tolist())

    def _compare(self, boxes: Sequence[Bounds], first: int, last: int) -> Positions:
        west, south, east, north = self._boxes[first:last].T
        hit = np.zeros(last - first, bool)
        for w, s, e, n in boxes:
            hit |= (west <= e) & (east >= w) & (south <= n) & (north >= s)
        owners: Positions = self._owners[first:last][hit]
        return owners

    def _ask_tree(self, boxes: Sequence[Bounds]) -> Positions:
        assert self._tree is not None
        corners = np.asarray(boxes, np.float64).reshape(-1, 2, 2)
        found: list[Positions] = [self._tree.query(line) for line in shapely.linestrings(corners)]
        owners: Positions = self._owners[np.concatenate(found)]
        return owners


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
