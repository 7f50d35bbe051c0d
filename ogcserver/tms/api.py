"""TMS 1.0.0 of the job behind a service: ``/services/{id}/tms``, with its resource documents below ``/1.0.0``.

There, as that specification wants, rows count from the south: ``/1.0.0/{layer}/{z}/{x}/{y}.png``. The addresses of the
job API's text, ``/{date}/{z}/{x}/{y}?bands=1``, are plain XYZ tiles of a date, with rows from the north (ADR 0021).
``?style=``, ``?bands=`` and, below ``/1.0.0``, ``?time=`` choose what is shown.

Source: OSGeo Tile Map Service Specification 1.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import NotFound, TileOutOfRange
from ogcserver.geo.matrix_sets import WEB_MERCATOR
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layer
from ogcserver.maps.service_tiles import Look, TileName, layer_of
from ogcserver.maps.tiles import Engine, TileRules, Tiles
from ogcserver.maps.times import time_parameter
from ogcserver.ows.address import base_url
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.report import OWS, Codes, negotiated_handlers, written
from ogcserver.ows.xml import Element, xml_response
from ogcserver.tms.responses import VERSION, error, services, tile_map, tile_map_service

CODES: Codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 404)}

_ENDPOINT = "/services/{service_id}/tms"


class TmsApi:
    """
    Args:
        engine: renders and evaluates.
        sets: tile matrix sets by identifier.
        title: of the server.
        public_url: of the server's root for clients; "" takes it from each request.
    """

    def __init__(
        self,
        engine: Engine,
        endpoints: Endpoints,
        sets: Mapping[str, MatrixSet],
        title: str = "ogcserver",
        public_url: str = "",
        rules: TileRules | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._title = title
        self._public_url = public_url
        self._tiles = Tiles(engine, sets, rules or TileRules())
        self._mercator = sets[WEB_MERCATOR]

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        spoken = written(CODES, error)
        handlers = negotiated_handlers(lambda request: spoken)
        root = f"{_ENDPOINT}/{VERSION}"
        routes = [Route(_ENDPOINT + end, self.root) for end in ("", "/")]
        routes += [Route(root + end, self.service) for end in ("", "/")]
        routes += [Route(root + "/{layer}" + end, self.map) for end in ("", "/")]
        routes += [
            Route(root + "/{layer}/{z}/{x}/{y}", self.tile),
            Route(_ENDPOINT + "/{date}/{z}/{x}/{y}", self.dated),
        ]
        app = Starlette(routes=routes, exception_handlers=dict(handlers))
        app.router.redirect_slashes = False  # an address that lacks parts is unknown
        return app

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`."""
        app = self.app()
        return [Route(_ENDPOINT, app), Route(_ENDPOINT + "/{rest:path}", app)]

    async def root(self, request: Request) -> Response:
        await self._layer(request)
        return _document(services(self._title, self._url(request)))

    async def service(self, request: Request) -> Response:
        return _document(tile_map_service(await self._layer(request), self._mercator, self._url(request)))

    async def map(self, request: Request) -> Response:
        return _document(tile_map(await self._named(request), self._mercator, self._url(request)))

    async def tile(self, request: Request) -> Response:
        """A tile whose row counts from the south."""
        layer, name = await self._named(request), TileName.of(request.path_params)
        row = self._mercator.matrix(name.z).matrix_height - 1 - name.y
        return await self._answer(request, layer, Look.of(request.query_params.multi_items()), name, row)

    async def dated(self, request: Request) -> Response:
        """A tile of a date whose row counts from the north."""
        layer, name = await self._layer(request), TileName.of(request.path_params)
        time = Kvp([("date", request.path_params["date"])]).one("date", lambda text: time_parameter(text) or "")
        others = [(key, value) for key, value in request.query_params.multi_items() if key.lower() != "time"]
        look = replace(Look.of(others), time=time or None)
        return await self._answer(request, layer, look, name, name.y)

    async def _answer(self, request: Request, layer: Layer, look: Look, name: TileName, row: int) -> Response:
        return await self._tiles.answer(request, look.on(layer), name.ask(row, look.style, look.time))

    async def _layer(self, request: Request) -> Layer:
        return await layer_of(self._endpoints, request.path_params["service_id"], "tms", caller_of(request))

    async def _named(self, request: Request) -> Layer:
        """The layer, which the address must name.

        Raises:
            NotFound: it names another.
        """
        layer, named = await self._layer(request), request.path_params["layer"]
        if named != layer.id:
            raise NotFound(f"this service has the TileMap {layer.id}, not {named[:60]!r}")
        return layer

    def _url(self, request: Request) -> str:
        return f"{base_url(request, self._public_url)}/services/{request.path_params['service_id']}/tms"


def _document(root: Element) -> Response:
    return xml_response(root, headers={"cache-control": "no-cache"})
