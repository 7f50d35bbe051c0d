"""Maps of any box: which pixels they have, and how they are painted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ogcserver.cube import Block
from ogcserver.encode.overlay import Colour, on_background, paint_latest
from ogcserver.encode.pictures import encode_picture
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import SNAP, Bounds, Grid, Lattice
from ogcserver.maps.picture import Painter

_MERCATOR = "EPSG:3857"
_MERCATOR_WORLD = 2.0 * math.pi * 6378137.0
"""Width of the world in Web Mercator, in metres."""


def grid_over(crs: str, bounds: Bounds, width: int, height: int, native: Grid) -> Grid:
    """The pixels of a map: exactly those that divide its box into columns and rows.

    Where they are pixels of the layer's native lattice, the grid is a window of that, so that it shows native pixels
    as they are. Else, where they are pixels of a lattice that divides the world as web maps do, it is a window of that:
    then neighbouring maps have control points in common and meet without a seam.

    Args:
        bounds: of the map in units of ``crs``, east before north.
        native: grid of the layer.
    """
    own = [native.lattice] if native.crs == crs else []
    for lattice in (*own, *_of_the_world(crs, bounds, width, height)):
        if window := _window(lattice, bounds, width, height):
            return window
    return Grid.from_bounds(crs, bounds, width, height)


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


def _of_the_world(crs: str, bounds: Bounds, width: int, height: int) -> Iterator[Lattice]:
    """Lattices from the origin of longitudes and latitudes that may hold the map's pixels.

    A whole number of pixels, or of maps like this one, goes around the world. The box alone, whose sides are
    differences of rounded numbers, does not tell the pixels' size well enough for all the others.
    """
    if crs == _MERCATOR:
        world = _MERCATOR_WORLD
    elif is_geographic(crs):
        world = 360.0
    else:
        return
    west, south, east, north = bounds
    across, down = world / (east - west), world / (north - south)
    for part_x, part_y in ((width, height), (1, 1)):
        columns, rows = round(across * part_x), round(down * part_y)
        if columns and rows:
            pixel = world / (columns * width // part_x), world / (rows * height // part_y)
            yield Lattice(crs, 0.0, 0.0, *pixel)


def _window(lattice: Lattice, bounds: Bounds, width: int, height: int) -> Grid | None:
    """The window of a lattice that a box is, each edge to :data:`SNAP` of a pixel; None if it is none."""
    west, south, east, north = bounds
    edges = (lattice.column(west), lattice.row(north), lattice.column(east), lattice.row(south))
    col, row, right, bottom = (round(edge) for edge in edges)
    close = all(abs(edge - whole) < SNAP for edge, whole in zip(edges, (col, row, right, bottom), strict=True))
    return Grid(lattice, col, row, width, height) if close and (right - col, bottom - row) == (width, height) else None
