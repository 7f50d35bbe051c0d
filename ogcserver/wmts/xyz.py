"""Plain XYZ tiles of the job behind a service: ``/services/{id}/xyz/{z}/{x}/{y}``, with ``.png``, ``.jpg`` or nothing.

The tiles are those of WebMercatorQuad, y counts southward. ``?TIME=`` chooses an observation, as in WMTS. Errors are
JSON with ``code`` and ``message``.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ogcserver.errors import ServiceNotFound, TileOutOfRange
from ogcserver.geo.tiles import WEB_MERCATOR, standard_sets
from ogcserver.jobs.layers import Endpoints
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.report import OWS, Codes, Dialect, Fault, negotiated_handlers
from ogcserver.wmts.picture import Pictures, Renderer
from ogcserver.wmts.place import DEFAULT_STYLE, place
from ogcserver.wmts.requests import GetTile

CODES: Codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 404)}

_ENDPOINT = "/services/{service_id}/xyz"
_TILE = "/{tilematrix}/{tilecol}/{tilerow}"


class XyzApi:
    """
    Args:
        max_age: seconds that a client may show a tile without asking again; see :class:`Pictures`.
    """

    def __init__(self, engine: Renderer, endpoints: Endpoints, max_age: int = 0) -> None:
        self._endpoints = endpoints
        self._pictures = Pictures(engine, max_age)
        self._sets = standard_sets()

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        paths = (_TILE + ".{format}", _TILE)
        spoken = Dialect(CODES, _as_json)
        handlers = negotiated_handlers(lambda request: spoken)
        routes = [Route(_ENDPOINT + path, self.tile) for path in paths]
        return Starlette(routes=routes, exception_handlers=dict(handlers))

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`."""
        return [Route(_ENDPOINT + "/{rest:path}", self.app())]

    async def tile(self, request: Request) -> Response:
        address = request.path_params
        layers = await (await self._endpoints.of_service(address["service_id"], "xyz")).all()
        if not layers:  # left out because its sources are away
            raise ServiceNotFound(f"the job of service {address['service_id']} cannot be shown now")
        fixed = {"layer": layers[0].id, "style": DEFAULT_STYLE, "tilematrixset": WEB_MERCATOR, "format": "png"}
        time = [(key, value) for key, value in request.query_params.multi_items() if key.lower() == "time"]
        ask = GetTile.from_address(Kvp([*(fixed | address).items(), *time]))
        view, painter = place(ask, layers[0], self._sets)
        return await self._pictures.answer(request, layers[0].plan, view, painter)


def _as_json(fault: Fault) -> Response:
    return JSONResponse({"code": fault.code, "message": fault.text}, fault.status, dict(fault.headers or {}))
