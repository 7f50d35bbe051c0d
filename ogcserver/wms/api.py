"""WMS over HTTP: for all on-demand jobs at ``/wms``, for one at ``/services/{id}/wms``.

Source: OGC 06-042 clauses 6 and 7; OGC 01-068r3 clauses 6 and 7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import InvalidParameter, JobNotFound, NotOnDemand, OgcServerError
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layer, Layers
from ogcserver.maps.legend import legend
from ogcserver.ows.address import base_url
from ogcserver.ows.documents import Documents
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.report import Dialect, negotiated_handlers
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import Element, xml_response
from ogcserver.wms.capabilities import TYPE_111, Capabilities
from ogcserver.wms.drawn import canvas_of
from ogcserver.wms.maps import Computer, Maps
from ogcserver.wms.report import CurrentUpdateSequence, dialect
from ogcserver.wms.requests import GetFeatureInfo, GetLegendGraphic, GetMap, operation, styled_layers
from ogcserver.wms.versions import V111, V130, Version, negotiated, required

PATHS = ("/wms", "/services/{service_id}/wms")

_DOCUMENT_BYTES = 256 << 20
"""Of all remembered capabilities: room for those of 10,000 jobs, each in both versions and packed, several times."""


@dataclass(frozen=True, eq=False)
class Call:
    """A request of a known operation, in a version."""

    request: Request
    kvp: Kvp
    version: Version


class WmsApi:
    """
    Args:
        engine: renders and evaluates.
        endpoints: finds the layers of an address.
        public_url: of the server's root for clients; "" takes it from each request.
        max_age: seconds that a client may show a map without asking again.
        max_times: length of the list of times in the service metadata.
        max_edge: largest width and height of a map in pixels.
    """

    def __init__(
        self,
        engine: Computer,
        endpoints: Endpoints,
        identification: Identification,
        public_url: str = "",
        max_age: int = 0,
        max_times: int = 200,
        max_edge: int = 8192,
    ) -> None:
        self._endpoints = endpoints
        self._identification = identification
        self._public_url = public_url
        self._max_times, self._max_edge = max_times, max_edge
        self._maps = Maps(engine, max_age)
        self._documents = Documents(_DOCUMENT_BYTES)
        self._operations: Mapping[str, Callable[[Call], Awaitable[Response]]] = {
            "GetCapabilities": self.capabilities,
            "GetMap": self.map,
            "GetFeatureInfo": self.feature_info,
            "GetLegendGraphic": self.legend,
            "GetStyles": self.descriptor,
        }

    def app(self) -> Starlette:
        """The service with its own error documents; it expects the full paths of :data:`PATHS`."""
        routes = [Route(path + end, self.serve, methods=["GET"]) for path in PATHS for end in ("", "/")]
        return Starlette(routes=routes, exception_handlers=dict(negotiated_handlers(_dialect)))

    def routes(self) -> list[Route]:
        """Routes for the application that this service is a part of."""
        app = self.app()
        return [Route(path + end, app) for path in PATHS for end in ("", "/")]

    async def serve(self, request: Request) -> Response:
        """Any request."""
        kvp = Kvp(request.query_params.multi_items())
        name = operation(kvp)
        version = negotiated(kvp) if name == "GetCapabilities" else required(kvp)
        return await self._operations[name](Call(request, kvp, version))

    async def capabilities(self, call: Call) -> Response:
        """The service metadata, unless the client says that it has them.

        Raises:
            CurrentUpdateSequence: it has.
        """
        source = await self._layers(call.request)
        layers, revision = await source.all(), await source.revision()
        if known := call.kvp.optional("UPDATESEQUENCE", str):
            current = await run_in_threadpool(UpdateSequence.of, revision, layers)
            if current.known_to(known):
                raise CurrentUpdateSequence("the capabilities have not changed", locator="UPDATESEQUENCE")
        base = base_url(call.request, self._public_url)
        service = call.request.path_params.get("service_id")
        url = f"{base}{PATHS[0] if service is None else PATHS[1].format(service_id=quote(service, safe=''))}"
        jobs_url = f"{base}/jobs" if service is None else ""
        writer = Capabilities(call.version, self._identification, url, jobs_url, self._max_edge, self._max_times)

        def make() -> Element:
            return writer.document(layers, UpdateSequence.of(revision, layers))

        document = await self._documents.get((call.version.number, url), layers, make)
        media_type = {"content-type": TYPE_111} if call.version is V111 else {}
        return document.answer(call.request, {"cache-control": "no-cache", **media_type})

    async def map(self, call: Call) -> Response:
        """A map; where one cannot be made and the client asked for that, a picture that says so, or an empty one."""
        try:
            ask = GetMap.from_kvp(call.kvp, call.version, self._max_edge)
            return await self._maps.map(call.request, ask, await self._found(call, ask.frame.layers, "LAYERS"))
        except OgcServerError as error:
            canvas = canvas_of(call.kvp, call.version, self._max_edge)
            if canvas is None:
                raise
            return await run_in_threadpool(canvas.tell, error)

    async def feature_info(self, call: Call) -> Response:
        ask = GetFeatureInfo.from_kvp(call.kvp, call.version, self._max_edge)
        await self._found(call, ask.frame.layers, "LAYERS")
        return await self._maps.info(ask, await self._found(call, ask.layers, "QUERY_LAYERS"))

    async def legend(self, call: Call) -> Response:
        ask = GetLegendGraphic.from_kvp(call.kvp, self._max_edge)
        (layer,) = await self._found(call, (ask.layer,), "LAYER")
        style = await self._maps.styles.named(layer, ask.style)
        body = await run_in_threadpool(legend, layer, style, ask.format, ask.width, ask.height)
        return Response(body, headers={"content-type": ask.format, "cache-control": "no-cache"})

    async def descriptor(self, call: Call) -> Response:
        layers = await self._found(call, styled_layers(call.kvp), "LAYERS")
        return xml_response(await self._maps.descriptor(layers), headers={"cache-control": "no-cache"})

    async def _layers(self, request: Request) -> Layers:
        service = request.path_params.get("service_id")
        caller = caller_of(request)
        if service is None:
            return self._endpoints.root(caller)
        return await self._endpoints.of_service(service, "wms", caller)

    async def _found(self, call: Call, identifiers: Sequence[str], locator: str) -> list[Layer]:
        layers = await self._layers(call.request)
        found = []
        for identifier in identifiers:
            try:
                found.append(await layers.get(identifier))
            except (JobNotFound, NotOnDemand) as error:  # at this endpoint that is a wrong value of a parameter
                raise InvalidParameter(f"there is no layer {identifier[:60]!r}", locator=locator) from error
        return found


def _dialect(request: Request) -> Dialect:
    """How failures of this request are told: as its version does, or else as the newest."""
    kvp = Kvp(request.query_params.multi_items())
    try:
        return dialect(negotiated(kvp))
    except OgcServerError:  # which is what is being told
        return dialect(V130)
