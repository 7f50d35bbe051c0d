"""The coverage service over HTTP: parse, look up, place, render.

Source: OGC 09-110r4, 09-147r3 (KVP binding).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.cube import View
from ogcserver.encode.formats import Format, formats
from ogcserver.engine.service import Encoder, Rendered
from ogcserver.errors import UnsupportedOperation
from ogcserver.jobs.layers import Endpoints, Layer, Layers
from ogcserver.ows.address import base_url
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp, choice
from ogcserver.ows.report import Dialect, dialect, negotiated_handlers
from ogcserver.ows.xml import xml_response
from ogcserver.plan.expr import Expr
from ogcserver.wcs.codes import WCS_20
from ogcserver.wcs.output import encoder
from ogcserver.wcs.place import place
from ogcserver.wcs.requests import DescribeCoverage, GetCapabilities, GetCoverage, negotiate, required_version
from ogcserver.wcs.responses import VERSION, capabilities, descriptions

PATHS = ("/wcs", "/services/{service_id}/wcs")

Operation = Callable[[Request, Kvp], Awaitable[Response]]


class Renderer(Protocol):
    """What the service needs of :class:`ogcserver.engine.service.Engine`."""

    async def render(self, plan: Expr, view: View, encoder: Encoder) -> Rendered: ...

    async def etag(self, plan: Expr, view: View, encoder: Encoder) -> str: ...


class WcsApi:
    """WCS for all layers at ``/wcs`` and for the layers of one service at ``/services/{service_id}/wcs``.

    Args:
        public_url: address of the server's root as clients see it; "" takes it from each request.
        max_pixels: the most columns x rows that one request may have.
    """

    def __init__(
        self,
        engine: Renderer,
        endpoints: Endpoints,
        identification: Identification,
        public_url: str = "",
        max_pixels: int = 100_000_000,
    ) -> None:
        self.engine, self.endpoints, self.identification = engine, endpoints, identification
        self.public_url, self.max_pixels = public_url, max_pixels
        self.formats: Mapping[str, Format] = formats()
        self.versions: Mapping[str, Mapping[str, Operation]] = {
            VERSION: {
                "GetCapabilities": self.get_capabilities,
                "DescribeCoverage": self.describe_coverage,
                "GetCoverage": self.get_coverage,
            }
        }
        self.dialects: Mapping[str, Dialect] = {VERSION: dialect(WCS_20, "2.0")}

    def app(self) -> Starlette:
        """The service with its own error documents; it expects the full paths of :data:`PATHS`."""
        routes = [Route(path, self.serve, methods=["GET"]) for path in PATHS]
        return Starlette(routes=routes, exception_handlers=dict(negotiated_handlers(self._dialect)))

    def routes(self) -> list[Route]:
        """Routes for the application that this service is a part of."""
        app = self.app()
        return [Route(path, app) for path in PATHS]

    async def serve(self, request: Request) -> Response:
        """Any request: finds the version and the operation."""
        kvp = Kvp(request.query_params.multi_items())
        kvp.one("service", choice("WCS"))
        name = kvp.one("request", str)
        if name.lower() not in {known.lower() for operations in self.versions.values() for known in operations}:
            raise UnsupportedOperation(f"there is no operation {name[:60]!r}", locator="request")
        offered = tuple(self.versions)
        version = (negotiate if name.lower() == "getcapabilities" else required_version)(kvp, offered)
        for known, operation in self.versions[version].items():
            if known.lower() == name.lower():
                return await operation(request, kvp)
        raise UnsupportedOperation(f"there is no operation {name[:60]!r} in WCS {version}", locator="request")

    async def get_capabilities(self, request: Request, kvp: Kvp) -> Response:
        ask = GetCapabilities.from_kvp(kvp)
        layers = await (await self._layers(request)).all()
        url = f"{base_url(request, self.public_url)}{_path(request)}?"
        media_types = [known.media_type for known in self.formats.values()]
        return xml_response(capabilities(ask, self.identification, url, media_types, layers))

    async def describe_coverage(self, request: Request, kvp: Kvp) -> Response:
        ask = DescribeCoverage.from_kvp(kvp)
        layers = await self._layers(request)
        return xml_response(descriptions([await layers.get(identifier) for identifier in ask.coverage_ids]))

    async def get_coverage(self, request: Request, kvp: Kvp) -> Response:
        ask = GetCoverage.from_kvp(kvp)
        layer = await (await self._layers(request)).get(ask.coverage_id)
        view = place(ask, layer.description, layer.resampling, self.max_pixels)
        return await self._file(request, ask, layer, view)

    async def _file(self, request: Request, ask: GetCoverage, layer: Layer, view: View) -> Response:
        make = encoder(self.formats, ask, layer, view)
        if "if-none-match" in request.headers:
            etag = await self.engine.etag(layer.plan, view, make)
            if _matches(request.headers["if-none-match"], etag):
                return Response(status_code=304, headers={"etag": f'"{etag}"'})
        rendered = await self.engine.render(layer.plan, view, make)
        headers = {
            "content-type": make.format.media_type,
            "content-disposition": f'inline; filename="{layer.id}.{make.format.extension}"',
            "etag": f'"{rendered.etag}"',
        }
        return Response(rendered.body, headers=headers)

    async def _layers(self, request: Request) -> Layers:
        service = request.path_params.get("service_id")
        return self.endpoints.root() if service is None else await self.endpoints.of_service(service, "wcs")

    def _dialect(self, request: Request) -> Dialect:
        """How failures of this request are told: as its version does, or else as the newest."""
        return self.dialects[VERSION]


def _path(request: Request) -> str:
    service = request.path_params.get("service_id")
    return PATHS[0] if service is None else PATHS[1].format(service_id=quote(service, safe=""))


def _matches(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names the tag, weakly compared.  Source: RFC 9110 clause 13.1.2."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return etag in tags or tags == ["*"]
