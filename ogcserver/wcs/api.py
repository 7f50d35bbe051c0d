"""The coverage service over HTTP: finds the version and the operation of a request.

Source: OGC 06-121r3 and 06-121r9 clause 7.3.2 (version negotiation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogcserver.errors import OgcServerError, UnsupportedOperation
from ogcserver.jobs.access import caller_of
from ogcserver.jobs.layers import Endpoints, Layers
from ogcserver.ows import soap
from ogcserver.ows.address import base_url
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp, choice
from ogcserver.ows.report import Dialect, negotiated_handlers
from ogcserver.ows.xml import xml_response
from ogcserver.wcs.delivery import Call, Delivery, Renderer
from ogcserver.wcs.eo import Scenes, no_scenes
from ogcserver.wcs.posted import read_document, read_form, says_form, says_soap
from ogcserver.wcs.reading import namespace
from ogcserver.wcs.requests import negotiate, required_version
from ogcserver.wcs.v10.service import Wcs10
from ogcserver.wcs.v11.service import Wcs11
from ogcserver.wcs.v20 import Wcs20
from ogcserver.wcs.version import VersionService
from ogcserver.wcs.wsdl import asks_for_wsdl, description

PATHS = ("/wcs", "/services/{service_id}/wcs")


class WcsApi:
    """WCS for all layers at ``/wcs`` and for the layers of one service at ``/services/{service_id}/wcs``.

    Requests are key-value pairs, by GET or in a form by POST, or XML by POST.

    Args:
        public_url: address of the server's root as clients see it; "" takes it from each request.
        max_pixels: the most columns x rows that one request may have.
        max_body: bytes of a request's document.
        scenes: finds those behind a plan.
    """

    def __init__(
        self,
        engine: Renderer,
        endpoints: Endpoints,
        identification: Identification,
        public_url: str = "",
        max_pixels: int = 100_000_000,
        max_body: int = 1 << 20,
        scenes: Scenes = no_scenes,
    ) -> None:
        self.endpoints, self.public_url, self.max_body = endpoints, public_url, max_body
        delivery = Delivery(engine, identification, max_pixels)
        self.newest = Wcs20(delivery, scenes)
        services: tuple[VersionService, ...] = (self.newest, Wcs11(delivery), Wcs10(delivery))
        self.versions: Mapping[str, VersionService] = {
            version: service for service in services for version in service.versions
        }
        self.posted: Mapping[str, VersionService] = {
            namespace: service for service in services for namespace in service.grammar.namespaces
        }

    def app(self) -> Starlette:
        """The service with its own error documents; it expects the full paths of :data:`PATHS`."""
        routes = [Route(path, self.serve, methods=["GET", "POST"]) for path in PATHS]
        return Starlette(routes=routes, exception_handlers=dict(negotiated_handlers(self._dialect)))

    def routes(self) -> list[Route]:
        """Routes for the application that this service is a part of."""
        app = self.app()
        return [Route(path, app) for path in PATHS]

    async def serve(self, request: Request) -> Response:
        """Any request."""
        if asks_for_wsdl(request):
            return xml_response(description(f"{base_url(request, self.public_url)}{_path(request)}"))
        asked = request.state.asked = await self._asked(request)
        asked.kvp.one("service", choice("WCS"))
        name = asked.kvp.one("request", str)
        if name.lower() not in {known.lower() for spoken in self.versions.values() for known in spoken.operations}:
            raise UnsupportedOperation(f"there is no operation {name[:60]!r}", locator="request")
        version = asked.version()
        for known, operation in self.versions[version].operations.items():
            if known.lower() == name.lower():
                url = f"{base_url(request, self.public_url)}{_path(request)}?"
                layers = await self._layers(request)
                return await operation(Call(request, asked.kvp, layers, url, version, asked.soap))
        raise UnsupportedOperation(f"there is no operation {name[:60]!r} in WCS {version}", locator="request")

    async def _asked(self, request: Request) -> Asked:
        """The request's parameters. SOAP is spoken in 2.0 only, and XML in the versions of its namespace."""
        if request.method != "POST":
            return Asked(Kvp(request.query_params.multi_items()), tuple(self.versions))
        if says_form(request):
            return Asked(Kvp(await read_form(request, self.max_body)), tuple(self.versions))
        root = await read_document(request, self.max_body)
        in_soap = says_soap(request) or soap.is_envelope(root)
        service = self.newest if in_soap else self.posted.get(namespace(root), self.newest)
        request.state.asked = Asked(Kvp(()), service.versions, in_soap)  # for what is wrong with the document
        items = service.grammar.parameters(soap.content(root) if in_soap else root)
        return Asked(Kvp(items), service.versions, in_soap)

    async def _layers(self, request: Request) -> Layers:
        service = request.path_params.get("service_id")
        caller = caller_of(request)
        if service is None:
            return self.endpoints.root(caller)
        return await self.endpoints.of_service(service, "wcs", caller)

    def _dialect(self, request: Request) -> Dialect:
        """How failures of this request are told: as its version does, or else as the first that it may mean."""
        asked: Asked = getattr(request.state, "asked", Asked(Kvp(()), self.newest.versions, says_soap(request)))
        if asked.soap:
            return self.newest.soap_dialect
        try:
            version, operation = asked.version(), (asked.kvp.optional("request", str) or "").lower()
        except OgcServerError:  # which is what is being told
            version, operation = asked.offered[0], ""
        return self.versions[version].dialect(version, operation)


@dataclass(frozen=True, eq=False)
class Asked:
    """A request's parameters, however they were sent."""

    kvp: Kvp
    offered: tuple[str, ...]
    """The versions that may answer, the preferred one first."""
    soap: bool = False

    def version(self) -> str:
        """The version to answer in.

        Raises:
            MissingParameter, InvalidParameter, UnsupportedVersion: none.
        """
        operation = self.kvp.optional("request", str) or ""
        return (negotiate if operation.lower() == "getcapabilities" else required_version)(self.kvp, self.offered)


def _path(request: Request) -> str:
    service = request.path_params.get("service_id")
    return PATHS[0] if service is None else PATHS[1].format(service_id=quote(service, safe=""))
