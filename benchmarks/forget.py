"""Making the engine forget what it decoded, as if its user went to a place where nobody was.

Reaches into its caches, for no user of the program needs to forget. Open files, their headers and kernels stay.
"""

from __future__ import annotations

import gc

from ogcserver.sources.cog import CogReader
from ogcserver.sources.sampling import Samplings


def forget_blocks() -> None:
    """Decoded blocks and index grids of every engine in this process."""
    for one in gc.get_objects():
        if isinstance(one, CogReader):
            with one._lock:
                one._blocks.clear()
    forget_places()


def forget_places() -> None:
    """Index grids: the next tile is one that was never asked for, from blocks that are decoded already."""
    for one in gc.get_objects():
        if isinstance(one, Samplings):
            with one._lock:
                one._cache.clear()
