"""Answers with maps and with the values under a pixel of one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.cube import Block, View
from ogcserver.encode.overlay import blank, flattened, on_background
from ogcserver.encode.paint import Picture
from ogcserver.encode.pictures import encode_picture
from ogcserver.encode.sld_write import style_to_sld
from ogcserver.encode.style import Style
from ogcserver.encode.style_args import parse_style
from ogcserver.jobs.layers import Layer
from ogcserver.maps.frames import MapPainter
from ogcserver.maps.info import Found, write_info
from ogcserver.maps.picture import Pictures, Renderer
from ogcserver.maps.styles import Styles, styles_of
from ogcserver.maps.values import Values, values_at
from ogcserver.ows.xml import Element
from ogcserver.plan.expr import Expr
from ogcserver.wms.painters import SheetPainter
from ogcserver.wms.place import grid_of
from ogcserver.wms.requests import GetFeatureInfo, GetMap
from ogcserver.wms.times import shown


class Computer(Renderer, Protocol):
    """What is needed of the engine."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...

    def versions(self, plan: Expr) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Sheet:
    """One layer of a map: what to compute and how to paint it."""

    plan: Expr
    view: View
    style: Style


class Maps:
    """
    Args:
        max_age: seconds that a client may show a map without asking again; see :class:`Pictures`.
    """

    def __init__(self, engine: Computer, max_age: int = 0) -> None:
        self._engine = engine
        self._pictures = Pictures(engine, max_age)
        self.styles = Styles(engine)

    async def map(self, request: Request, ask: GetMap, layers: Sequence[Layer]) -> Response:
        """A map of layers, the first one lowermost. A header tells of times that were not those asked for.

        Raises:
            InvalidParameter: no such style (locator STYLE) or time (locator TIME), or a descriptor that cannot be used.
        """
        sheets, notes = [], []
        for layer, name in zip(layers, ask.styles, strict=True):
            style = await self._style(layer, name, ask.sld)
            times = shown(layer.description.times, ask.frame.times)
            notes += [times.note] if times.note else []
            if not times.empty:
                grid = grid_of(ask.frame, layer.description.grid)
                sheets.append(Sheet(layer.plan, View(grid, style.bands, times.labels, layer.resampling), style))
        response = await self._answer(request, ask, sheets)
        if notes:
            response.headers["warning"] = ", ".join(dict.fromkeys(notes))
        return response

    async def descriptor(self, layers: Sequence[Layer]) -> Element:
        """All styles of layers as one styled layer descriptor.

        Raises:
            InvalidParameter: a style that such a document cannot hold.
        """
        roots = []
        for layer in layers:
            titles = {one.name: one.title for one in styles_of(layer)}
            styles = {name: (title, await self.styles.named(layer, name)) for name, title in titles.items()}
            roots.append(style_to_sld(layer.id, styles, layer.description.bands))
        for other in roots[1:]:
            roots[0].extend(list(other))
        return roots[0]

    async def _style(self, layer: Layer, name: str, sld: str | None) -> Style:
        return parse_style({"sld": sld}, layer.description.bands) if sld else await self.styles.named(layer, name)

    async def _answer(self, request: Request, ask: GetMap, sheets: Sequence[Sheet]) -> Response:
        if len(sheets) != 1 or len(ask.styles) != 1:  # a layer that has no sheet now may have one later
            return await self._stack(request, ask, sheets)
        sheet = sheets[0]
        painter = MapPainter(ask.format, sheet.style, ask.background)
        return await self._pictures.answer(request, sheet.plan, sheet.view, painter)

    async def _stack(self, request: Request, ask: GetMap, sheets: Sequence[Sheet]) -> Response:
        """Several sheets, one after the other so that never more than two lie in memory; or none at all."""
        painters = [SheetPainter(ask.format, sheet.style) for sheet in sheets]
        placed = [
            (sheet.plan, painter.view(sheet.view), painter) for sheet, painter in zip(sheets, painters, strict=True)
        ]
        etag = _joined(ask, [await self._engine.etag(*one) for one in placed])
        if self._pictures.known(request, etag):
            return Response(status_code=304, headers=self._pictures.headers(etag))
        size = ask.frame.width, ask.frame.height
        picture, tags = blank(*size), []
        for one in placed:
            rendered = await self._engine.render(*one)
            tags.append(rendered.etag)
            picture = await run_in_threadpool(_stacked, picture, rendered.body)
        body = await run_in_threadpool(_encoded, picture, ask)
        return Response(body, media_type=ask.format, headers=self._pictures.headers(_joined(ask, tags)))

    async def info(self, ask: GetFeatureInfo, layers: Sequence[Layer]) -> Response:
        """The values of layers under a pixel.

        Raises:
            InvalidParameter: no such time (locator TIME).
        """
        found = []
        for layer in layers:
            times = shown(layer.description.times, ask.frame.times)
            if times.empty:
                continue
            grid = grid_of(ask.frame, layer.description.grid)
            values = await values_at(self._engine, layer, grid, ask.column, ask.row, times.labels)
            found.append(Found(layer.id, layer.title or layer.id, uppermost(values, ask.count)))
        return Response(write_info(ask.format, found), media_type=ask.format, headers={"cache-control": "no-cache"})


def _stacked(picture: Picture, sheet: bytes) -> Picture:
    """A sheet of :class:`SheetPainter` put on a picture of its size."""
    below = picture.rgba()
    return flattened((below, np.frombuffer(sheet, np.uint8).reshape(below.shape)))


def _encoded(picture: Picture, ask: GetMap) -> bytes:
    return encode_picture(on_background(picture, ask.background), ask.format)


def uppermost(values: Values, count: int) -> Values:
    """The first of the observations under a pixel, as they lie on the map: what can be seen is the first."""
    latest = list(reversed(range(len(values.rows))))
    latest.sort(key=lambda index: all(value is None for value in values.rows[index]))
    chosen = latest[:count]
    times = tuple(values.times[index] for index in chosen) if values.times else ()
    return replace(values, times=times, rows=tuple(values.rows[index] for index in chosen))


def _joined(ask: GetMap, tags: Sequence[str]) -> str:
    """The entity tag of a map of several sheets."""
    parts = [repr((ask.frame, ask.format, ask.background)), *tags]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
