"""OGC API over HTTP: the caller's on-demand jobs as collections at ``/ogc``.

Source: OGC 19-072 (Common), OGC 20-057 (Tiles), OGC 20-058 (Maps), OGC 19-087 draft (Coverages).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import NotFound
from ogcserver.geo.tiles import MatrixSet, native_set
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layer
from ogcserver.maps.remembered import not_by_address
from ogcserver.maps.tiles import Engine, TileRules
from ogcserver.maps.tilesets import matrix_set
from ogcserver.ogcapi import collections as described
from ogcserver.ogcapi import tilesets as tiled
from ogcserver.ogcapi.answers import Call, Page, answer, named_in_path, page_response
from ogcserver.ogcapi.codes import DIALECT, UnknownParameter
from ogcserver.ogcapi.conformance import CONFORMS_TO
from ogcserver.ogcapi.crs import crs_parameter, storage_crs
from ogcserver.ogcapi.html import api_page
from ogcserver.ogcapi.landing import landing
from ogcserver.ogcapi.links import ROOT, Addresses, document_links
from ogcserver.ogcapi.negotiate import HTML, negotiated
from ogcserver.ogcapi.openapi import definition
from ogcserver.ogcapi.operations import OPERATIONS, Operation
from ogcserver.ogcapi.paging import Paging
from ogcserver.ogcapi.pixels import Files, Pixels, style_name
from ogcserver.ows.address import base_url
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.report import negotiated_handlers

Handler = Callable[[Call], Awaitable[Response]]
OfLayer = Callable[[Call, Layer], Awaitable[Response]]


class OgcApi:
    """
    Args:
        engine: renders and evaluates pictures.
        files: makes files of coverages.
        endpoints: finds the caller's jobs.
        sets: tile matrix sets by identifier, besides the native one of each collection.
        public_url: of the server's root for clients; "" takes it from each request.
        max_pixels: the most columns x rows of a coverage.
    """

    def __init__(
        self,
        engine: Engine,
        files: Files,
        endpoints: Endpoints,
        identification: Identification,
        sets: Mapping[str, MatrixSet],
        public_url: str = "",
        rules: TileRules | None = None,
        max_pixels: int = 100_000_000,
    ) -> None:
        self._endpoints, self._who, self._sets, self._public_url = endpoints, identification, sets, public_url
        pixels = Pixels(engine, files, sets, rules or TileRules(), max_pixels)
        of_collection: Mapping[str, OfLayer] = {
            "getCollection": self.collection,
            "getSchema": self.schema,
            "getStyles": self.styles,
            "getMap": pixels.map,
            "getNativeTileMatrixSet": self.native_set,
            "getTileSetsList": self.tilesets,
            "getTileSet": self.tileset,
            "getTile": pixels.tile,
            "getCoverage": pixels.coverage,
            "getDomainSet": self.domain_set,
            "getRangeType": self.range_type,
        }
        self._handlers: Mapping[str, Handler] = {
            "getLandingPage": self.landing,
            "getConformance": self.conformance,
            "getApi": self.api,
            "getCollections": self.collections,
            "getTileMatrixSetsList": self.matrix_sets,
            "getTileMatrixSet": self.matrix_set,
            **{name: self._with_layer(handler) for name, handler in of_collection.items()},
        }

    def app(self) -> Starlette:
        """The application of the addresses in :meth:`routes`, which it sees in full."""
        routes = [Route(ROOT + one.path, self._endpoint(one), methods=["GET"]) for one in OPERATIONS]
        routes.append(Route(ROOT + "/", self._endpoint(OPERATIONS[0]), methods=["GET"]))
        app = Starlette(routes=routes, exception_handlers=dict(negotiated_handlers(lambda request: DIALECT)))
        app.router.redirect_slashes = False
        return app

    def routes(self) -> list[Route]:
        """What a server's application has to hand to :meth:`app`."""
        app = self.app()
        return [Route(ROOT, app), Route(ROOT + "/{rest:path}", app)]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        """Checks what all operations have in common: names of parameters, and the representation."""
        handler = self._handlers[operation.id.rpartition(".")[2]]  # styled or not, it is one

        async def endpoint(request: Request) -> Response:
            for name in request.query_params:
                if name not in operation.query_names:
                    known = ", ".join(sorted(operation.query_names))
                    raise UnknownParameter(f"there is no parameter {name[:40]!r}; there are {known}", locator=name[:40])
            kvp = Kvp(request.query_params.multi_items())
            if "f" not in kvp:
                not_by_address(request)
            offer = negotiated(operation.offers, kvp.optional("f", str), request.headers.get("accept", ""))
            return await handler(Call(request, kvp, offer, Addresses(base_url(request, self._public_url) + ROOT)))

        return endpoint

    def _with_layer(self, handler: OfLayer) -> Handler:
        async def handle(call: Call) -> Response:
            layers = self._endpoints.root(caller_of(call.request))
            return await handler(call, await layers.get(call.part("collectionId")))

        return handle

    async def landing(self, call: Call) -> Response:
        document = landing(self._who, call.addresses)
        return answer(call, document, Page(self._who.title, ()), call.addresses.base)

    async def conformance(self, call: Call) -> Response:
        here = f"{call.addresses.base}/conformance"
        document = {"conformsTo": list(CONFORMS_TO), "links": document_links(here)}
        return answer(call, document, Page("Conformance", call.crumbs), here)

    async def api(self, call: Call) -> Response:
        here, base = f"{call.addresses.base}/api", call.addresses.base
        document = definition(self._who, base)
        if call.offer.media_type == HTML:
            return page_response(api_page(document, call.crumbs, here))
        return answer(call, document, Page("API definition", call.crumbs), here)

    async def collections(self, call: Call) -> Response:
        layers = await self._endpoints.root(caller_of(call.request)).all()
        paging = Paging.from_kvp(call.kvp)
        here = call.addresses.collections()

        def make() -> Response:
            listed = [described.collection(layer, call.addresses, details=False) for layer in paging.of(layers)]
            document = {"collections": listed, **paging.members(len(layers), here)}
            return answer(call, document, Page("Collections", call.crumbs), paging.address(here))

        return await run_in_threadpool(make)

    async def collection(self, call: Call, layer: Layer) -> Response:
        here = call.addresses.collection(layer)
        document = described.collection(layer, call.addresses, details=True)
        picture = f"{here}/map?f=png&width=640"
        return answer(call, document, Page(layer.title or layer.id, call.below(layer)[:-1], picture), here)

    async def schema(self, call: Call, layer: Layer) -> Response:
        here = f"{call.addresses.collection(layer)}/schema"
        return answer(call, described.schema(layer, call.addresses), Page("Fields", call.below(layer)), here)

    async def styles(self, call: Call, layer: Layer) -> Response:
        here = f"{call.addresses.collection(layer)}/styles"
        return answer(call, described.styles(layer, call.addresses), Page("Styles", call.below(layer)), here)

    async def matrix_sets(self, call: Call) -> Response:
        document = tiled.matrix_sets(self._sets, call.addresses)
        return answer(call, document, Page("Tile matrix sets", call.crumbs), f"{call.addresses.base}/tileMatrixSets")

    async def matrix_set(self, call: Call) -> Response:
        named = call.part("tileMatrixSetId")
        found = self._sets.get(named)
        if found is None:
            raise NotFound(f"there is no tile matrix set {named[:40]!r}", locator="tileMatrixSetId")
        crumbs = (*call.crumbs, (f"{call.addresses.base}/tileMatrixSets", "Tile matrix sets"))
        return answer(call, tiled.definition(found), Page(found.title, crumbs), call.addresses.matrix_set(found.id))

    async def native_set(self, call: Call, layer: Layer) -> Response:
        found = native_set(layer.description.grid)
        if found is None:
            raise NotFound(f"the CRS of collection {layer.id} has no code, so it has no tile matrix set of its own")
        shown = Page(found.title, call.below(layer))
        return answer(call, tiled.definition(found), shown, call.addresses.native_set(layer))

    async def tilesets(self, call: Call, layer: Layer) -> Response:
        style = _style(call, layer)
        document = await run_in_threadpool(tiled.tilesets, layer, style, self._sets, call.addresses)
        return answer(call, document, Page("Map tilesets", call.below(layer)), call.addresses.tilesets(layer, style))

    async def tileset(self, call: Call, layer: Layer) -> Response:
        style = _style(call, layer)
        with named_in_path():
            found = matrix_set(call.part("tileMatrixSetId"), layer, self._sets)
        document = await run_in_threadpool(tiled.tileset, layer, style, found, self._sets, call.addresses)
        here = call.addresses.tilesets(layer, style)
        crumbs = (*call.below(layer), (here, "Map tilesets"))
        return answer(call, document, Page(found.title, crumbs), f"{here}/{found.id}")

    async def domain_set(self, call: Call, layer: Layer) -> Response:
        native = layer.description.grid
        crs = call.kvp.optional("crs", crs_parameter) or storage_crs(native.crs)
        document = await run_in_threadpool(described.domain_set, native, crs)
        here = f"{call.addresses.collection(layer)}/coverage/domainset"
        return answer(call, document, Page("Pixels", call.below(layer)), here)

    async def range_type(self, call: Call, layer: Layer) -> Response:
        document = described.range_type(layer.description.bands)
        here = f"{call.addresses.collection(layer)}/coverage/rangetype"
        return answer(call, document, Page("Fields as in CIS", call.below(layer)), here)


def _style(call: Call, layer: Layer) -> str | None:
    """The style in the path, as it is spelled in the layer.

    Raises:
        NotFound: there is none.
    """
    return None if call.style is None else style_name(layer, call.style)
