"""A value that is read when first needed, and looked at again from time to time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ogcserver.errors import SourceUnavailable

_LOG = logging.getLogger(__name__)
_RETRY_S = 10.0

State = TypeVar("State")


@dataclass(frozen=True, eq=False)
class _Known(Generic[State]):
    state: State
    looked: float


@dataclass(frozen=True)
class _Failure:
    message: str
    locator: str | None
    time: float

    def error(self) -> SourceUnavailable:
        return SourceUnavailable(self.message, locator=self.locator)


class Refreshed(Generic[State]):
    """Holds the newest state of something outside; safe to ask from many threads, of which one at a time looks.

    The others are given the state or the failure of before meanwhile, or wait where there is neither. What was known
    stays in use while looking fails; while nothing is known, a failure stands for a few seconds before the next try.

    Args:
        load: from the state before (None at first) to the state now; the same object where nothing changed.
        refresh_s: how long a state is trusted; 0: looks on every call.
        clock: seconds, never running backwards.
    """

    def __init__(self, load: Callable[[State | None], State], refresh_s: float, clock: Callable[[], float]) -> None:
        self._load = load
        self._refresh_s = refresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known[State] | None = None
        self._failure: _Failure | None = None

    def get(self) -> State:
        """The state now.

        Raises:
            SourceUnavailable: it was never read, and cannot be.
        """
        called = self._clock()
        known = self._known
        if known is not None and called - known.looked < self._refresh_s:
            return known.state
        # with something known and trusted for a while, nobody waits for another's look
        failure = self._failure
        if not self._lock.acquire(blocking=self._refresh_s <= 0 or (known is None and failure is None)):
            if known is not None:
                return known.state
            assert failure is not None
            raise failure.error()
        try:
            return self._look(called)
        finally:
            self._lock.release()

    def _look(self, called: float) -> State:
        known, now = self._known, self._clock()
        # another thread may have looked while this one waited
        if known is not None and (known.looked > called or now - known.looked < self._refresh_s):
            return known.state
        failure = self._failure
        if known is None and failure is not None and now - failure.time < min(_RETRY_S, self._refresh_s):
            raise failure.error()
        try:
            state = self._load(known.state if known else None)
        except SourceUnavailable as error:
            if known is None:
                self._failure = _Failure(error.message, error.locator, self._clock())
                raise
            _LOG.warning("what was known stays in use: %s", error.message)
            state = known.state
        self._known = _Known(state, now)
        return state
