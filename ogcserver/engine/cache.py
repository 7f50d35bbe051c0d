"""Caches bounded in bytes, and one computation for each missing key however many ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


@dataclass(frozen=True)
class CacheStatistics:
    entries: int
    nbytes: int
    max_bytes: int
    hits: int
    misses: int


class ByteCache(Generic[Value]):
    """Keeps the values used last, up to so many bytes. Shared by all threads.

    Args:
        weigh: bytes of a value; a value that weighs more than an eighth of the cache is not kept.
    """

    def __init__(self, max_bytes: int, weigh: Callable[[Value], int]) -> None:
        self._weigh = weigh
        self._values: LRUCache[Hashable, Value] = LRUCache(max_bytes, getsizeof=weigh)
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            value = self._values.get(key)
            self._hits += value is not None
            self._misses += value is None
            return value

    def put(self, key: Hashable, value: Value) -> None:
        if self._weigh(value) * 8 <= self._values.maxsize:
            with self._lock:
                self._values[key] = value

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._values

    def statistics(self) -> CacheStatistics:
        with self._lock:
            values = self._values
            return CacheStatistics(len(values), int(values.currsize), int(values.maxsize), self._hits, self._misses)


@dataclass(eq=False)
class _Flight:
    task: asyncio.Future[Any]
    waiting: int = 0


class SingleFlight:
    """Runs one task for each key at a time. A task that nobody waits for any more is cancelled."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def run(self, key: Hashable, make: Callable[[], Awaitable[Value]]) -> Value:
        """The value of ``make()``, or of the call for the same key that is under way."""
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(make()))
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _: self._flights.pop(key, None))
        flight.waiting += 1
        try:
            result: Value = await asyncio.shield(flight.task)
            return result
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                flight.task.cancel()
                self._flights.pop(key, None)
