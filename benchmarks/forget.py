"""Making the engine forget what it decoded, as if its user went to a place where nobody was.

Reaches into its caches, for no user of the program needs to forget. Open files, their headers and kernels stay.
"""

from __future__ import annotations

import gc

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

    def forget_places(self) -> None:
        """Index grids: the next tile is one that was never asked for, from blocks that are decoded already."""
        for samplings in self._samplings:
            with samplings._lock:
                samplings._cache.clear()
