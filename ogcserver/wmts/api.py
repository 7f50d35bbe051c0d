"""WMTS over HTTP: for all on-demand jobs at ``/wmts``, for one at ``/services/{id}/wmts``.

A tile's address is ``{endpoint}/{layer}/{style}/{set}/{matrix}/{row}/{col}.{png|jpg|...}``; a layer with time may have
the time after the style. ``/{J}/{I}.{json|html|txt|gml}`` at its end is the values under a pixel. A legend's address is
``{endpoint}/{layer}/{style}/legend.{png|svg|json}``.

Source: OGC 07-057r7 clauses 8 (KVP), 9 (SOAP) and 10 (RESTful); its tables 23, 26 and 28 for the exception codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import (
    FormatUnsupported,
    InvalidParameter,
    JobNotFound,
    NotOnDemand,
    OgcServerError,
    TileOutOfRange,
)
from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layer, Layers
from ogcserver.maps.info import Found, write_info
from ogcserver.maps.legend import legend
from ogcserver.maps.tiles import Engine, TileRules, Tiles
from ogcserver.maps.values import values_at
from ogcserver.ows.address import base_url
from ogcserver.ows.documents import Document, Documents
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.reading import read_body
from ogcserver.ows.report import OWS, Codes, exception_handlers, fault
from ogcserver.ows.soap import SOAP_12, soap_dialect, soap_response
from ogcserver.ows.xml import MEDIA_TYPE, Element
from ogcserver.wmts.requests import GetCapabilities, GetFeatureInfo, GetTile, operation, resource
from ogcserver.wmts.responses import LEGEND_EXTENSIONS, Capabilities
from ogcserver.wmts.soap import LARGEST, feature_info, parse_soap, payload


class PixelOutOfRange(InvalidParameter):
    """Row or column beyond the tile."""


class NotAcceptable(FormatUnsupported):
    """The client accepts nothing that the resource can be."""


CODES: Codes = {
    **OWS,
    TileOutOfRange: ("TileOutOfRange", 400),
    PixelOutOfRange: ("PointIJOutOfRange", 400),
    NotAcceptable: ("NoApplicableCode", 406),
}
"""An unknown layer is an invalid parameter (:meth:`WmtsApi._layer`), an unknown service a missing page."""

_HEADERS = {"cache-control": "no-cache"}
_LIMITED = 100
"""Of more layers the capabilities do not list the tiles that each one has, which is nine tenths of a layer."""
_ENDPOINTS = ("/wmts", "/services/{service_id}/wmts")


class WmtsApi:
    """
    Args:
        engine: renders and evaluates.
        endpoints: finds the layers of an address.
        sets: tile matrix sets by identifier, besides the native one of each layer.
        public_url: of the server's root for clients; "" takes it from each request.
    """

    def __init__(
        self,
        engine: Engine,
        endpoints: Endpoints,
        identification: Identification,
        sets: Mapping[str, MatrixSet],
        public_url: str = "",
        rules: TileRules | None = None,
    ) -> None:
        self._engine = engine
        self._endpoints = endpoints
        self._identification = identification
        self._public_url = public_url
        self._tiles = Tiles(engine, sets, rules or TileRules())
        self._documents = Documents()

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        routes = [route for endpoint in _ENDPOINTS for route in self._of_endpoint(endpoint)]
        app = Starlette(routes=routes, exception_handlers=dict(exception_handlers(CODES, "1.1")))
        app.router.redirect_slashes = False  # an address that lacks parts is unknown
        return app

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`; not a Mount, which redirects ``/wmts?...``."""
        app = self.app()
        return [Route(path, app) for endpoint in _ENDPOINTS for path in (endpoint, endpoint + "/{rest:path}")]

    def _of_endpoint(self, endpoint: str) -> Iterable[Route]:
        for path in (endpoint, endpoint + "/"):
            yield Route(path, self.kvp, methods=["GET"])
            yield Route(path, self.soap, methods=["POST"])
        yield Route(endpoint + "/1.0.0/WMTSCapabilities.xml", self.document)
        yield Route(endpoint + "/{layer}/{style}/legend.{format}", self.legend)
        yield Route(endpoint + "/{layer}/{style}/{rest:path}", self.resource)

    async def kvp(self, request: Request) -> Response:
        """An operation by key-value pairs."""
        ask = operation(_with_style(request.query_params.multi_items()))
        if isinstance(ask, GetCapabilities):
            return (await self._capabilities(request, ask)).answer(request, _HEADERS)
        return await self._answer(request, ask)

    async def document(self, request: Request) -> Response:
        """The service metadata as a resource.

        Raises:
            NotAcceptable: the client wants no XML.
        """
        if not _accepts_xml(request.headers.get("accept", "")):
            raise NotAcceptable(f"the service metadata are {MEDIA_TYPE}", locator="Accept")
        return (await self._capabilities(request, GetCapabilities())).answer(request, _HEADERS)

    async def resource(self, request: Request) -> Response:
        """A tile, or the values under a pixel, as a resource."""
        parts = request.path_params
        if parts["rest"].count("/") < 3:
            raise HTTPException(404)
        return await self._answer(request, resource(parts["layer"], parts["style"], parts["rest"]))

    async def soap(self, request: Request) -> Response:
        """An operation in a SOAP envelope; so are the answer and any failure."""
        version = SOAP_12
        try:
            asked = parse_soap(await read_body(request, LARGEST))
            version = asked.version
            return soap_response(await self._enveloped(request, _with_style(asked.pairs)), version)
        except OgcServerError as error:
            return soap_dialect(CODES, "1.1", version).write(fault(CODES, error))

    async def legend(self, request: Request) -> Response:
        """The legend of a style as a resource."""
        extension = request.path_params["format"].lower()
        media_type = next((name for name, known in LEGEND_EXTENSIONS.items() if known == extension), None)
        if media_type is None:
            raise InvalidParameter(f"a legend is {', '.join(LEGEND_EXTENSIONS.values())}", locator="FORMAT")
        layer = await self._layer(request, request.path_params["layer"])
        style = await self._tiles.styles.named(layer, request.path_params["style"])
        body = await run_in_threadpool(legend, layer, style, media_type)
        return Response(body, media_type=media_type, headers={"cache-control": "no-cache"})

    async def _enveloped(self, request: Request, kvp: Kvp) -> Element:
        ask = operation(kvp)
        if isinstance(ask, GetCapabilities):
            return (await self._capabilities(request, ask)).root
        answer = await self._answer(request, ask)
        body = bytes(answer.body)
        if isinstance(ask, GetFeatureInfo):
            return feature_info(body, ask.info_format)
        if answer.status_code == 204:  # an envelope cannot say that
            raise TileOutOfRange("the tile holds nothing of the layer")
        return payload(body, ask.tile.media_type)

    async def _capabilities(self, request: Request, ask: GetCapabilities) -> Document:
        layers = await (await self._layers(request)).all()
        url = base_url(request, self._public_url) + _endpoint(request)
        limits, rules = len(layers) <= _LIMITED, self._tiles.rules
        made = Capabilities(self._identification, self._tiles.known, url, rules.max_times, limits, rules.formats)
        return await self._documents.get((url, ask), layers, lambda: made.document(ask, layers))

    async def _answer(self, request: Request, ask: GetTile | GetFeatureInfo) -> Response:
        if isinstance(ask, GetFeatureInfo):
            return await self._values(request, ask)
        return await self._tiles.answer(request, await self._layer(request, ask.layer), ask.tile)

    async def _values(self, request: Request, ask: GetFeatureInfo) -> Response:
        """The values under a pixel: of the observation that the tile shows, or of all where none is named."""
        layer, tile = await self._layer(request, ask.ask.layer), ask.ask.tile
        await self._tiles.styles.named(layer, tile.style)  # means nothing here, but must exist
        grid = self._tiles.grid(layer, tile)
        self._tiles.check(layer, tile)
        for name, index, count in (("I", ask.i, grid.width), ("J", ask.j, grid.height)):
            if not 0 <= index < count:
                raise PixelOutOfRange(f"{name} {index} is not in 0..{count - 1}, the pixels of the tile", locator=name)
        times = () if ask.all_times else self._tiles.times(layer, tile.time)
        values = await values_at(self._engine, layer, grid, ask.i, ask.j, times)
        body = write_info(ask.info_format, [Found(layer.id, layer.title or layer.id, values)])
        return Response(body, media_type=ask.info_format, headers={"cache-control": "no-cache"})

    async def _layers(self, request: Request) -> Layers:
        service_id = request.path_params.get("service_id")
        caller = caller_of(request)
        if service_id is None:
            return self._endpoints.root(caller)
        return await self._endpoints.of_service(service_id, "wmts", caller)

    async def _layer(self, request: Request, identifier: str) -> Layer:
        layers = await self._layers(request)
        try:
            return await layers.get(identifier)
        except (JobNotFound, NotOnDemand) as error:  # at this endpoint that is a wrong value of a parameter
            raise InvalidParameter(f"there is no layer {identifier[:60]!r}", locator="LAYER") from error


def _accepts_xml(accept: str) -> bool:
    """Whether the header, "" where it is absent, allows an XML document.  Source: RFC 9110 clause 12.5.1."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return not kinds.isdisjoint({"", "*/*", "text/*", "text/xml", "application/*", "application/xml"})


def _with_style(items: Iterable[tuple[str, str]]) -> Kvp:
    """The parameters, an empty STYLE meaning the default one, as in WMS."""
    return Kvp((key, value or "default") if key.lower() == "style" else (key, value) for key, value in items)


def _endpoint(request: Request) -> str:
    service_id = request.path_params.get("service_id")
    return f"/services/{service_id}/wmts" if service_id else "/wmts"
