"""The thread that starts workers and ends those that idle."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Keeper(Generic[T]):
    """Starts things in one thread that lives as long as they may, and looks after them now and then.

    Workers are tied to the life of the thread that started them, so no passing thread may do it.

    Args:
        tend: called about every ``pause_s``.
    """

    def __init__(self, tend: Callable[[], None], pause_s: float) -> None:
        self._tend, self._pause_s = tend, pause_s
        self._asked: queue.SimpleQueue[tuple[Callable[[], T], Future[T]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="udf-keeper", daemon=True)
        self._thread.start()

    def start(self, make: Callable[[], T]) -> T:
        """The result of ``make``, called in the thread of the keeper."""
        future: Future[T] = Future()
        self._asked.put((make, future))
        return future.result()

    def close(self) -> None:
        self._asked.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            try:
                asked = self._asked.get(timeout=self._pause_s)
            except queue.Empty:
                self._tend()
                continue
            if asked is None:
                return
            make, future = asked
            try:
                future.set_result(make())
            except Exception as error:
                future.set_exception(error)
