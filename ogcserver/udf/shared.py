"""The runner that all parts of a server share: opened when first needed, and never asked twice what a script makes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cachetools import LRUCache, TTLCache

from ogcserver.cube import Array
from ogcserver.errors import UdfError
from ogcserver.udf.runner import Capability, Probe, Udf, UdfResult, UdfRunner

_PROBES = 4096
_FAILED_S = 30.0
"""A script that fails is not tried again for so long: a listing of layers would wait for it each time."""

_Key = tuple[str, tuple[str, ...], tuple[str, ...]]


class SharedRunner:
    """A ``UdfRunner`` that remembers probes.

    Args:
        start: opens the runner behind it, which takes a fraction of a second.
    """

    def __init__(self, start: Callable[[], UdfRunner]) -> None:
        self._start = start
        self._runner: UdfRunner | None = None
        self._lock = threading.Lock()  # of the runner's start and of both caches
        self._probes: LRUCache[_Key, Probe] = LRUCache(_PROBES)
        self._failures: TTLCache[_Key, UdfError] = TTLCache(_PROBES, _FAILED_S)

    @property
    def capability(self) -> Capability:
        """Blocks until the runner behind it is there."""
        return self._opened().capability

    def run(
        self, udf: Udf, data: Array, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]
    ) -> UdfResult:
        """See ``UdfRunner.run``."""
        return self._opened().run(udf, data, times, bands, check)

    def probe(self, udf: Udf, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]) -> Probe:
        """See ``UdfRunner.probe``."""
        key = udf.token, times, bands
        with self._lock:
            known, failure = self._probes.get(key), self._failures.get(key)
        if known is not None:
            return known
        if failure is not None:
            raise UdfError(failure.message)
        try:
            found = self._opened().probe(udf, times, bands, check)
        except UdfError as error:
            with self._lock:
                self._failures[key] = error
            raise
        with self._lock:
            self._probes[key] = found
        return found

    def close(self) -> None:
        with self._lock:
            if self._runner is not None:
                self._runner.close()

    def _opened(self) -> UdfRunner:
        with self._lock:
            if self._runner is None:
                self._runner = self._start()
            return self._runner
