"""Plain XYZ tiles of the job behind a service: ``/services/{id}/xyz/{z}/{x}/{y}{@2x}.{png|jpg|webp|...}``.

The tiles are those of WebMercatorQuad, y counts southward; ``@2x`` and ``@4x`` have 512 and 1024 pixels for the same
area, and without an ending they are PNG. ``?time=``, ``?style=`` and ``?bands=`` choose what is shown. TileJSON is at
``/services/{id}/xyz/tile.json``. Errors are JSON with ``code`` and ``message``.

Source: TileJSON 3.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ogcserver.errors import TileOutOfRange
from ogcserver.geo.matrix_sets import WEB_MERCATOR
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints
from ogcserver.maps.service_tiles import Look, TileName, layer_of
from ogcserver.maps.tiles import Engine, TileRules, Tiles
from ogcserver.ows.address import base_url
from ogcserver.ows.report import OWS, Codes, Dialect, Fault, negotiated_handlers
from ogcserver.xyz.tilejson import tilejson

CODES: Codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 404)}

_ENDPOINT = "/services/{service_id}/xyz"


class XyzApi:
    """
    Args:
        engine: renders and evaluates.
        sets: tile matrix sets by identifier.
        attribution: whom clients shall name beside the map; "" for nobody.
        public_url: of the server's root for clients; "" takes it from each request.
    """

    def __init__(
        self,
        engine: Engine,
        endpoints: Endpoints,
        sets: Mapping[str, MatrixSet],
        attribution: str = "",
        public_url: str = "",
        rules: TileRules | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._attribution = attribution
        self._public_url = public_url
        self._tiles = Tiles(engine, sets, rules or TileRules())

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        spoken = Dialect(CODES, _as_json)
        handlers = negotiated_handlers(lambda request: spoken)
        routes = [Route(_ENDPOINT + "/tile.json", self.description), Route(_ENDPOINT + "/{z}/{x}/{y}", self.tile)]
        app = Starlette(routes=routes, exception_handlers=dict(handlers))
        app.router.redirect_slashes = False  # an address that lacks parts is unknown
        return app

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`."""
        return [Route(_ENDPOINT + "/{rest:path}", self.app())]

    async def tile(self, request: Request) -> Response:
        address = request.path_params
        layer = await layer_of(self._endpoints, address["service_id"], "xyz", caller_of(request))
        look, name = Look.of(request.query_params.multi_items()), TileName.of(address)
        return await self._tiles.answer(request, look.on(layer), name.ask(name.y, look.style, look.time))

    async def description(self, request: Request) -> Response:
        """TileJSON. The query is that of the tiles, so ``tile.json?style=terrain`` describes tiles of that style."""
        service_id = request.path_params["service_id"]
        layer = await layer_of(self._endpoints, service_id, "xyz", caller_of(request))
        Look.of(request.query_params.multi_items()).on(layer)
        query = urlencode(request.query_params.multi_items())
        address = f"{base_url(request, self._public_url)}/services/{service_id}/xyz/{{z}}/{{x}}/{{y}}.png"
        content = tilejson(
            layer, self._tiles.known[WEB_MERCATOR], f"{address}?{query}" if query else address, self._attribution
        )
        return JSONResponse(content, headers={"cache-control": "no-cache"})


def _as_json(fault: Fault) -> Response:
    return JSONResponse({"code": fault.code, "message": fault.text}, fault.status, dict(fault.headers or {}))
