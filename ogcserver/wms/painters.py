"""How the blocks of a layer become one of the sheets of a map."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.cube import Block
from ogcserver.encode.overlay import paint_latest
from ogcserver.maps.picture import Painter


@dataclass(frozen=True)
class SheetPainter(Painter):
    """Makes one of the sheets that a map of several layers consists of: its pixels, as they lie in memory."""

    @property
    def token(self) -> str:
        return f"sheet {self.style.token}"

    def __call__(self, block: Block) -> bytes:
        return paint_latest(block, self.style, self.style.halo).rgba().tobytes()
