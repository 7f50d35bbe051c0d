"""Wrong passwords are counted, so that nobody can try many."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from cachetools import TTLCache

from ogcserver.errors import TooManyAttempts


class Attempts:
    """Counts wrong passwords for each name, in this process. Thread-safe; remembers at most ``keep`` names.

    Args:
        most: wrong passwords before all further ones are refused.
        window_s: from the last wrong password until the name may be tried again.
    """

    def __init__(
        self, most: int = 10, window_s: float = 60.0, keep: int = 10_000, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._wrong: TTLCache[bytes, int] = TTLCache(keep, window_s, timer)
        self._lock = threading.Lock()

    def check(self, name: str) -> None:
        """
        Raises:
            TooManyAttempts: too many wrong passwords for this name.
        """
        with self._lock:
            if self._wrong.get(_key(name), 0) >= self._most:
                raise TooManyAttempts("there were too many wrong passwords for this user; try again in a minute")

    def failed(self, name: str) -> None:
        with self._lock:
            self._wrong[_key(name)] = self._wrong.get(_key(name), 0) + 1

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._wrong.pop(_key(name), None)


def _key(name: str) -> bytes:
    """Of bounded size, whatever the name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
