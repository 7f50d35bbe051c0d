"""How the blocks of a map become pictures."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.cube import Block
from ogcserver.encode.overlay import Colour, on_background, paint_latest
from ogcserver.encode.pictures import encode_picture
from ogcserver.maps.picture import Painter


@dataclass(frozen=True)
class MapPainter(Painter):
    """Makes a picture file of a block: in each pixel the latest observation that has a value there."""

    background: Colour | None = None
    """None: transparent."""

    @property
    def token(self) -> str:
        return f"map {self.background} {super().token}"

    def __call__(self, block: Block) -> bytes:
        picture = paint_latest(block, self.style, self.style.halo)
        return encode_picture(on_background(picture, self.background), self.media_type)


@dataclass(frozen=True)
class SheetPainter(Painter):
    """Makes one of the sheets that a map of several layers consists of: its pixels, as they lie in memory."""

    @property
    def token(self) -> str:
        return f"sheet {self.style.token}"

    def __call__(self, block: Block) -> bytes:
        return paint_latest(block, self.style, self.style.halo).rgba().tobytes()
