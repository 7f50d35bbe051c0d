"""WMTS over HTTP: for all on-demand jobs at ``/wmts``, for one at ``/services/{id}/wmts``.

A tile's address is ``{endpoint}/{layer}/{style}/{set}/{matrix}/{row}/{col}.{png|jpg}``; a layer with time may have the
time after the style.

Source: OGC 07-057r7 clauses 8 (KVP) and 10 (RESTful); its table 23 and clause 7.2.4 for the exception codes.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import InvalidParameter, JobNotFound, NotOnDemand, TileOutOfRange
from ogcserver.geo.tiles import standard_sets
from ogcserver.jobs.layers import Endpoints, Layer, Layers
from ogcserver.maps.picture import Pictures, Renderer
from ogcserver.ows.address import base_url
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.report import OWS, Codes, exception_handlers
from ogcserver.ows.xml import xml_response
from ogcserver.wmts.place import place
from ogcserver.wmts.requests import GetCapabilities, GetTile, operation
from ogcserver.wmts.responses import Capabilities

CODES: Codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 400)}
"""An unknown layer is an invalid parameter (:meth:`WmtsApi._layer`), an unknown service a missing page."""

_ENDPOINTS = ("/wmts", "/services/{service_id}/wmts")
_TILE = "/{tilematrixset}/{tilematrix}/{tilerow}/{tilecol}.{format}"


class WmtsApi:
    """
    Args:
        engine: renders.
        endpoints: finds the layers of an address.
        public_url: of the server's root for clients; "" takes it from each request.
        max_age: seconds that a client may show a tile without asking again; see :class:`Pictures`.
        max_times: length of the list of times in the service metadata.
    """

    def __init__(
        self,
        engine: Renderer,
        endpoints: Endpoints,
        identification: Identification,
        public_url: str = "",
        max_age: int = 0,
        max_times: int = 50,
    ) -> None:
        self._endpoints = endpoints
        self._identification = identification
        self._public_url = public_url
        self._max_times = max_times
        self._pictures = Pictures(engine, max_age)
        self._sets = standard_sets()

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        routes = [route for endpoint in _ENDPOINTS for route in self._of_endpoint(endpoint)]
        return Starlette(routes=routes, exception_handlers=dict(exception_handlers(CODES, "1.1")))

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`; not a Mount, which redirects ``/wmts?...``."""
        app = self.app()
        return [Route(path, app) for endpoint in _ENDPOINTS for path in (endpoint, endpoint + "/{rest:path}")]

    def _of_endpoint(self, endpoint: str) -> Iterable[Route]:
        yield Route(endpoint, self.kvp)
        yield Route(endpoint + "/", self.kvp)
        yield Route(endpoint + "/1.0.0/WMTSCapabilities.xml", self.document)
        yield Route(endpoint + "/{layer}/{style}" + _TILE, self.resource)
        yield Route(endpoint + "/{layer}/{style}/{time}" + _TILE, self.resource)

    async def kvp(self, request: Request) -> Response:
        """An operation by key-value pairs. An empty STYLE is the default one, as in WMS."""
        items = request.query_params.multi_items()
        kvp = Kvp((key, value or "default") if key.lower() == "style" else (key, value) for key, value in items)
        if operation(kvp) == "GetTile":
            return await self._tile(request, GetTile.from_kvp(kvp))
        return await self._capabilities(request, GetCapabilities.from_kvp(kvp))

    async def document(self, request: Request) -> Response:
        """The service metadata as a resource."""
        return await self._capabilities(request, GetCapabilities())

    async def resource(self, request: Request) -> Response:
        """A tile as a resource."""
        return await self._tile(request, GetTile.from_address(Kvp(request.path_params.items())))

    async def _capabilities(self, request: Request, ask: GetCapabilities) -> Response:
        layers = await (await self._layers(request)).all()
        url = base_url(request, self._public_url) + _endpoint(request)
        capabilities = Capabilities(self._identification, self._sets, url, self._max_times)
        return xml_response(capabilities.document(ask, layers), headers={"cache-control": "no-cache"})

    async def _tile(self, request: Request, ask: GetTile) -> Response:
        layer = await self._layer(request, ask.layer)
        view, painter = await place(ask, layer, self._sets)
        return await self._pictures.answer(request, layer.plan, view, painter)

    async def _layers(self, request: Request) -> Layers:
        service_id = request.path_params.get("service_id")
        return await self._endpoints.of_service(service_id, "wmts") if service_id else self._endpoints.root()

    async def _layer(self, request: Request, identifier: str) -> Layer:
        layers = await self._layers(request)
        try:
            return await layers.get(identifier)
        except (JobNotFound, NotOnDemand) as error:  # at this endpoint that is a wrong value of a parameter
            raise InvalidParameter(f"there is no layer {identifier[:60]!r}", locator="LAYER") from error


def _endpoint(request: Request) -> str:
    service_id = request.path_params.get("service_id")
    return f"/services/{service_id}/wmts" if service_id else "/wmts"
