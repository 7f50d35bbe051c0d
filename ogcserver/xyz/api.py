"""Plain XYZ tiles of the job behind a service: ``/services/{id}/xyz/{z}/{x}/{y}``, with ``.png``, ``.jpg`` or nothing.

The tiles are those of WebMercatorQuad, y counts southward. ``?TIME=`` chooses an observation, as in WMTS. Errors are
JSON with ``code`` and ``message``.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ogcserver.cube import View
from ogcserver.errors import ServiceNotFound, TileOutOfRange
from ogcserver.geo.tiles import WEB_MERCATOR, standard_sets
from ogcserver.jobs.layers import Endpoints
from ogcserver.maps.picture import Painter, Pictures, Renderer, picture_type
from ogcserver.maps.styles import DEFAULT_STYLE, style_of
from ogcserver.maps.times import chosen_time, time_parameter
from ogcserver.ows.kvp import Kvp, integer
from ogcserver.ows.report import OWS, Codes, Dialect, Fault, negotiated_handlers

CODES: Codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 404)}

_ENDPOINT = "/services/{service_id}/xyz"
_TILE = "/{z}/{x}/{y}"


class XyzApi:
    """
    Args:
        max_age: seconds that a client may show a tile without asking again; see :class:`Pictures`.
    """

    def __init__(self, engine: Renderer, endpoints: Endpoints, max_age: int = 0) -> None:
        self._endpoints = endpoints
        self._pictures = Pictures(engine, max_age)
        self._set = standard_sets()[WEB_MERCATOR]

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
        time = [(key, value) for key, value in request.query_params.multi_items() if key.lower() == "time"]
        layer, ask = layers[0], Kvp([*address.items(), *time])
        style = await style_of(layer, DEFAULT_STYLE)
        times = chosen_time(layer.description.times, ask.optional("time", time_parameter))
        grid = self._set.matrix(ask.one("z", str)).tile(ask.one("y", integer), ask.one("x", integer))
        media_type = ask.optional("format", picture_type) or "image/png"
        view = View(grid, style.bands, times, layer.resampling)
        return await self._pictures.answer(request, layer.plan, view, Painter(media_type, style))


def _as_json(fault: Fault) -> Response:
    return JSONResponse({"code": fault.code, "message": fault.text}, fault.status, dict(fault.headers or {}))
