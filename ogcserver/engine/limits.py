"""What a request may cost, and how running work is stopped."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ogcserver.cube import CubeType, View, compute_dtype
from ogcserver.errors import Cancelled, DeadlineExceeded, TooLarge
from ogcserver.plan.steps import Bound

_MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The operator's limits for one request."""

    max_pixels: int = 100_000_000
    """Values of the result: pixels x bands x times."""
    max_request_mb: int = 2048
    """Memory for the result, its encoded form, and the work on it."""
    timeout_s: float = 60.0
    workers: int = 2
    """Threads that compute."""
    queue: int = 256
    """Requests that may wait or run; more are refused."""


class Work:
    """A request's work under way: knows when it must stop. Shared between the threads that do it."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        """
        Raises:
            Cancelled: the caller hung up.
            DeadlineExceeded: the time is over.
        """
        if self._cancelled.is_set():
            raise Cancelled("the caller hung up")
        if time.monotonic() > self._end:
            raise DeadlineExceeded(
                f"the work took longer than {self._timeout_s:g} s; ask for fewer pixels, or run the job as a batch"
            )


def values(view: View, times: int) -> int:
    """How many values a view holds."""
    return view.grid.size * len(view.bands) * max(1, times)


def check_size(view: View, times: int, limits: Limits) -> None:
    """Refuses a view by its numbers alone, before anything is searched.

    Raises:
        TooLarge: more values than the limit.
    """
    count = values(view, times)
    if count > limits.max_pixels:
        raise TooLarge(
            f"the request asks for {view.grid.width} x {view.grid.height} pixels, {len(view.bands)} band(s) and "
            f"{max(1, times)} time(s): {count} values, more than the {limits.max_pixels} that are allowed; "
            "ask for a smaller area, a coarser resolution, or fewer bands"
        )


def chunk_edge(bound: Bound, limits: Limits, largest: int) -> int:
    """The edge of the chunks in which a bound view is computed, so that the work fits into the memory limit.

    Raises:
        TooLarge: the result itself does not fit, or not even a small chunk does.
    """
    times = len(bound.view.times)
    result = values(bound.view, times) * _itemsize(bound.type, bound.view)
    room = limits.max_request_mb * _MB - 2 * result  # the result, and its encoded form
    edge = largest
    while edge > 64 and bound.bytes_at_once(edge, edge) * limits.workers > room:
        edge //= 2
    height, width = bound.view.grid.shape
    need = bound.bytes_at_once(min(edge, width), min(edge, height)) * limits.workers
    if need > room:
        wanted = (2 * result + need) // _MB + 1
        raise TooLarge(
            f"the request needs about {wanted} MB of memory, more than the {limits.max_request_mb} MB that are "
            "allowed; ask for a smaller area, a coarser resolution, or fewer bands or dates"
        )
    return edge


def _itemsize(cube: CubeType, view: View) -> int:
    return compute_dtype(tuple(cube.band(name) for name in view.bands)).itemsize
