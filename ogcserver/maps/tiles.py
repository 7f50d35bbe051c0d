"""Tiles of layers as HTTP answers: what WMTS, XYZ and TMS share once they know which tile is meant."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.cube import Block, View, compute_dtype
from ogcserver.errors import TileOutOfRange
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.layers import Layer
from ogcserver.maps.picture import MEDIA_TYPES, Painter, Pictures, Renderer
from ogcserver.maps.statistics import Evaluator
from ogcserver.maps.styles import Styles
from ogcserver.maps.tilesets import bounds_in, check_within, listable, matrix_set
from ogcserver.maps.times import chosen_time

Outside = Literal["empty", "204", "error"]
"""How a tile is answered that holds nothing of its layer: as an empty picture, which is all that every client likes;
without content; or as an error, 404 or what the protocol has for it."""


@dataclass(frozen=True)
class TileRules:
    """What the operator decides about tiles."""

    max_age: int = 0
    """Seconds that a client may show a tile without asking again; see :class:`ogcserver.maps.picture.Pictures`."""
    outside: Outside = "empty"
    formats: tuple[str, ...] = tuple(MEDIA_TYPES)
    """Media types of pictures that WMTS lists; others can be had all the same."""
    max_times: int = 50
    """So many values are listed of a time dimension. Of a layer with more observations each TIME between the first and
    the last is good, and means the nearest one."""


@dataclass(frozen=True)
class TileAsk:
    """A tile, how it shall look, and when."""

    matrix_set: str
    matrix: str
    row: int
    """Counted from the north."""
    col: int
    style: str
    media_type: str
    time: str | None = None
    """As the client wrote it; None for the default."""


class Engine(Renderer, Evaluator, Protocol):
    """What is needed of the engine."""


class Tiles:
    """
    Args:
        known: the sets by identifier; each layer has its native one besides.
    """

    def __init__(self, engine: Engine, known: Mapping[str, MatrixSet], rules: TileRules) -> None:
        self.known = known
        self.rules = rules
        self.styles = Styles(engine)
        self._pictures = Pictures(engine, rules.max_age)
        self._bounds: LRUCache[tuple[str, tuple[Bounds, ...], Grid], Bounds | None] = LRUCache(4096)
        self._empty: LRUCache[str, bytes] = LRUCache(64)

    def grid(self, layer: Layer, ask: TileAsk) -> Grid:
        """The pixels of a tile.

        Raises:
            InvalidParameter: no such set or matrix; TileOutOfRange: row or column beyond the matrix.
        """
        return matrix_set(ask.matrix_set, layer, self.known).matrix(ask.matrix).tile(ask.row, ask.col)

    def times(self, layer: Layer, text: str | None) -> tuple[str, ...]:
        """The observation that a picture of a layer shows; see :func:`ogcserver.maps.times.chosen_time`."""
        labels = layer.description.times
        return chosen_time(labels, text, nearest=len(labels) > self.rules.max_times)

    def check(self, layer: Layer, ask: TileAsk) -> None:
        """
        Raises:
            TileOutOfRange: the tile lies beside the layer at a level whose limits clients are told, and the rules make
                that an error.
        """
        if self.rules.outside != "error":
            return
        chosen = matrix_set(ask.matrix_set, layer, self.known)
        bounds = bounds_in(layer, chosen, self.known)
        limits = chosen.matrix(ask.matrix).limits(bounds) if bounds else None
        if limits is None or listable(limits):
            self._check_within(layer, ask)

    async def answer(self, request: Request, layer: Layer, ask: TileAsk) -> Response:
        """The tile, or 304 where the client has it.

        Raises:
            InvalidParameter: no such style, set, matrix or time; the locator says which.
            TileOutOfRange: row or column beyond the matrix or, where the rules say so, beside the layer.
        """
        grid = self.grid(layer, ask)
        times = self.times(layer, ask.time)
        style = await self.styles.named(layer, ask.style)
        painter = Painter(ask.media_type, style)
        view = View(grid, style.bands, times, layer.resampling)
        try:
            self._check_within(layer, ask)
        except TileOutOfRange:
            self.check(layer, ask)
            if self.rules.outside == "204":
                return Response(status_code=204)
            if ask.media_type in MEDIA_TYPES:  # tiles of raw values say where they are, so each is another
                return self._nothing(request, layer, view, painter)
        return await self._pictures.answer(request, layer.plan, view, painter)

    def _check_within(self, layer: Layer, ask: TileAsk) -> None:
        """
        Raises:
            TileOutOfRange: the tile holds nothing of the layer.
        """
        chosen = matrix_set(ask.matrix_set, layer, self.known)
        key = chosen.id, layer.description.boxes, layer.description.grid
        if key not in self._bounds:
            self._bounds[key] = bounds_in(layer, chosen, self.known)
        check_within(self._bounds[key], chosen.matrix(ask.matrix), ask.row, ask.col)

    def _nothing(self, request: Request, layer: Layer, view: View, painter: Painter) -> Response:
        """A picture of missing pixels, for which nothing is bound, read or computed."""
        grid = painter.view(view).grid
        key = f"{painter.token} {grid.shape}"
        if key not in self._empty:
            bands = tuple(band for band in layer.description.bands if band.name in view.bands)
            data = np.full((1, len(bands), *grid.shape), np.nan, compute_dtype(bands))
            self._empty[key] = painter(Block(data, grid, bands, view.times))
        etag = hashlib.sha256(f"empty {key}".encode()).hexdigest()[:32]
        return self._pictures.made(request, self._empty[key], painter.media_type, etag)
