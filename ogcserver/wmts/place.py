"""From what a client asks to the view that the engine renders. Source: OGC 07-057r7 clause 7.2."""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.cube import View
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.layers import Layer
from ogcserver.maps.picture import Painter
from ogcserver.maps.styles import style_of
from ogcserver.maps.tilesets import matrix_set
from ogcserver.maps.times import chosen_time
from ogcserver.wmts.requests import GetTile


async def place(ask: GetTile, layer: Layer, standard: Mapping[str, MatrixSet]) -> tuple[View, Painter]:
    """What to compute for a tile, and how to paint it.

    Raises:
        InvalidParameter: no such style, set, matrix or time; the locator says which.
        TileOutOfRange: row or column beyond the matrix.
    """
    style = await style_of(layer, ask.style)
    grid = matrix_set(ask.matrix_set, layer, standard).matrix(ask.matrix).tile(ask.row, ask.col)
    times = chosen_time(layer.description.times, ask.time)
    return View(grid, style.bands, times, layer.resampling), Painter(ask.format, style)
