"""Making the engine forget what it decoded, as if its user went to a place where nobody was.

Reaches into its caches, for no user of the program needs to forget. Kernels stay.
"""

from __future__ import annotations

import gc

from numba.core.dispatcher import Dispatcher

from ogcserver.sources.cog import CogReader
from ogcserver.sources.sampling import Samplings


class Caches:
    """Those of every engine that this process has now."""

    def __init__(self) -> None:
        found = gc.get_objects()
        self._files = [one for one in found if isinstance(one, CogReader)]
        self._samplings = [one for one in found if isinstance(one, Samplings)]

    def forget_blocks(self) -> None:
        """Decoded blocks, and index grids."""
        for files in self._files:
            with files._lock:
                files._blocks.clear()
        self.forget_places()

    def forget_files(self) -> None:
        """Also which files are open, and their headers."""
        for files in self._files:
            with files._lock:
                files._entries.clear()
                files._headers.clear()
        self.forget_blocks()

    def forget_places(self) -> None:
        """Index grids: the next tile is one that was never asked for, from blocks that are decoded already."""
        for samplings in self._samplings:
            with samplings._lock:
                samplings._cache.clear()


def compiled_here() -> int:
    """Kernels of the program that this process compiled because the disk did not have them."""
    kernels = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
    return sum(
        sum(one.stats.cache_misses.values()) for one in kernels if one.py_func.__module__.startswith("ogcserver")
    )
