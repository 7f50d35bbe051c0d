"""Answers that hold pixels: maps, tiles and coverages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder, encoder
from ogcserver.cube import View
from ogcserver.encode.formats import formats
from ogcserver.encode.style_args import DEFAULT_STYLE
from ogcserver.engine.exports import Body
from ogcserver.errors import NotFound
from ogcserver.geo.grid import Bounds
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.layers import Layer
from ogcserver.maps.frames import MapPainter
from ogcserver.maps.picture import Pictures
from ogcserver.maps.styles import Styles, styles_of
from ogcserver.maps.tiles import Engine, TileAsk, TileRules, Tiles
from ogcserver.ogcapi.answers import Call, named_in_path
from ogcserver.ogcapi.coverage import CoverageAsk, place_coverage
from ogcserver.ogcapi.crs import CRS84, Crs
from ogcserver.ogcapi.maps import WHITE, MapAsk, place_map
from ogcserver.ogcapi.negotiate import Offer
from ogcserver.ogcapi.operations import COVERAGES
from ogcserver.ogcapi.subsets import chosen_time
from ogcserver.ows.bodies import Joined
from ogcserver.ows.kvp import Kvp, integer
from ogcserver.plan.expr import Expr

_FORMATS = dict(zip((offer.key for offer in COVERAGES), formats(), strict=True))
"""Key of a representation -> name of the format."""


class Sent(Protocol):
    """An encoded coverage, in memory or on the disk."""

    @property
    def body(self) -> Body: ...

    @property
    def etag(self) -> str: ...


class Files(Protocol):
    """What is needed of :class:`ogcserver.engine.exports.Exports`."""

    async def render(self, plan: Expr, view: View, encoder: FileEncoder) -> Sent: ...

    async def etag(self, plan: Expr, view: View, encoder: FileEncoder) -> str: ...


class Pixels:
    """
    Args:
        engine: renders pictures.
        files: makes files of coverages.
        rules: of tiles; one beside its layer is always an error, for tilesets tell which there are
            (ogcapi-tiles-1, /req/core/tc-error).
        max_pixels: the most columns x rows of a coverage.
    """

    def __init__(
        self, engine: Engine, files: Files, sets: Mapping[str, MatrixSet], rules: TileRules, max_pixels: int
    ) -> None:
        self._files = files
        self._tiles = Tiles(engine, sets, replace(rules, outside="error"))
        self._styles = Styles(engine)
        self._pictures = Pictures(engine, rules.max_age)
        self._formats = formats()
        self._max_pixels = max_pixels

    async def map(self, call: Call, layer: Layer) -> Response:
        """A map, which says where and when it is.  Source: ogcapi-maps-1, /req/core/map-response."""
        ask = MapAsk.from_kvp(call.kvp)
        style = await self._styles.named(layer, style_name(layer, call.style))
        sheet = await run_in_threadpool(place_map, ask, layer, style)
        background = ask.background or (WHITE if call.offer.media_type == "image/jpeg" else None)
        painter = MapPainter(call.offer.media_type, style, background)
        response = await self._pictures.answer(call.request, layer.plan, sheet.view, painter)
        return _placed(response, sheet.crs, sheet.bounds, sheet.view.times or _interval(layer))

    async def tile(self, call: Call, layer: Layer) -> Response:
        """A tile."""
        name = style_name(layer, call.style)
        period = chosen_time(call.kvp)
        times = period.among(layer.description.times)[-1:] if period else ()
        numbers = Kvp((key, call.part(key)) for key in ("tileRow", "tileCol"))
        with named_in_path():
            ask = TileAsk(
                style=name,
                media_type=call.offer.media_type,
                matrix_set=call.part("tileMatrixSetId"),
                matrix=call.part("tileMatrix"),
                row=numbers.one("tileRow", integer),
                col=numbers.one("tileCol", integer),
                time=times[0] if times else None,
            )
            self._tiles.grid(layer, ask)
        response = await self._tiles.answer(call.request, layer, ask)
        response.headers["vary"] = "accept"
        return response

    async def coverage(self, call: Call, layer: Layer) -> Response:
        """The values of a part of a coverage as a file."""
        ask = CoverageAsk.from_kvp(call.kvp)
        part = await run_in_threadpool(place_coverage, ask, layer, self._max_pixels)
        make = encoder(self._formats, layer, part.view, _FORMATS[call.offer.key], whole=ask.all_fields)
        response = await self._file(call.request, layer, part.view, make, call.offer)
        return _placed(response, part.crs, part.view.grid.bounds, part.view.times or _interval(layer))

    async def _file(self, request: Request, layer: Layer, view: View, make: FileEncoder, offer: Offer) -> Response:
        """The file, or 304 where the client has it; then nothing is computed."""
        if request.headers.get("if-none-match"):
            etag = await self._files.etag(layer.plan, view, make)
            if self._pictures.known(request, etag):
                return Response(status_code=304, headers=self._pictures.headers(etag))
        rendered = await self._files.render(layer.plan, view, make)
        headers = self._pictures.headers(rendered.etag)
        headers["content-disposition"] = f'inline; filename="{layer.id}.{make.format.extension}"'
        return Joined([rendered.body], headers | {"content-type": offer.media_type})


def style_name(layer: Layer, named: str | None) -> str:
    """The name of a style in the path; the default one where there is none.

    Raises:
        NotFound: the layer has no such style.
    """
    if named is None:
        return DEFAULT_STYLE
    names = {style.name.lower(): style.name for style in styles_of(layer)}
    if named.lower() not in names:
        there_are = ", ".join(names.values())
        raise NotFound(f"collection {layer.id} has no style {named[:40]!r}; there are {there_are}", locator="styleId")
    return names[named.lower()]


def _interval(layer: Layer) -> tuple[str, ...]:
    """Of the observations behind a result without times."""
    return tuple(moment for moment in layer.description.interval if moment)


def _placed(response: Response, crs: Crs, bounds: Bounds, times: tuple[str, ...]) -> Response:
    """The answer with the headers that tell its place: CRS unless it is CRS84, box in the order of the CRS, time."""
    headers = response.headers
    headers["vary"] = "accept"
    headers["content-bbox"] = ",".join(f"{value!r}" for value in map(float, crs.ordered(bounds)))
    if crs != CRS84 and crs.coded:
        headers["content-crs"] = f"<{crs.uri}>"
    if times:
        first, last = times[0].partition("/")[0], times[-1].rpartition("/")[2]
        headers["content-datetime"] = first if first == last else f"{first}/{last}"
    return response
