"""The coverage service over HTTP: finds the version and the operation of a request.

Source: OGC 06-121r3 and 06-121r9 clause 7.3.2 (version negotiation).
"""

from __future__ import annotations

from collections.abc import Mapping
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
from ogcserver.wcs.delivery import Call, Delivery, Renderer, VersionService
from ogcserver.wcs.posted import parameters, read_document, says_soap
from ogcserver.wcs.requests import negotiate, required_version
from ogcserver.wcs.v10.service import Wcs10
from ogcserver.wcs.v11.service import Wcs11
from ogcserver.wcs.v20 import Wcs20

PATHS = ("/wcs", "/services/{service_id}/wcs")


class WcsApi:
    """WCS for all layers at ``/wcs`` and for the layers of one service at ``/services/{service_id}/wcs``.

    Args:
        public_url: address of the server's root as clients see it; "" takes it from each request.
        max_pixels: the most columns x rows that one request may have.
        max_body: bytes of a request's document.
    """

    def __init__(
        self,
        engine: Renderer,
        endpoints: Endpoints,
        identification: Identification,
        public_url: str = "",
        max_pixels: int = 100_000_000,
        max_body: int = 1 << 20,
    ) -> None:
        self.endpoints, self.public_url, self.max_body = endpoints, public_url, max_body
        delivery = Delivery(engine, identification, max_pixels)
        self.posted = Wcs20(delivery)
        services: tuple[VersionService, ...] = (self.posted, Wcs11(delivery), Wcs10(delivery))
        self.versions: Mapping[str, VersionService] = {
            version: service for service in services for version in service.versions
        }
        self.newest = next(iter(self.versions))

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
        kvp = await self._parameters(request)
        kvp.one("service", choice("WCS"))
        name = kvp.one("request", str)
        if name.lower() not in {known.lower() for spoken in self.versions.values() for known in spoken.operations}:
            raise UnsupportedOperation(f"there is no operation {name[:60]!r}", locator="request")
        version = self._version(kvp, name, self._offered(request))
        for known, operation in self.versions[version].operations.items():
            if known.lower() == name.lower():
                url = f"{base_url(request, self.public_url)}{_path(request)}?"
                return await operation(Call(request, kvp, await self._layers(request), url, version, _in_soap(request)))
        raise UnsupportedOperation(f"there is no operation {name[:60]!r} in WCS {version}", locator="request")

    async def _parameters(self, request: Request) -> Kvp:
        if request.method != "POST":
            return Kvp(request.query_params.multi_items())
        root = await read_document(request, self.max_body)
        request.state.soap = says_soap(request) or soap.is_envelope(root)
        return Kvp(parameters(soap.content(root) if request.state.soap else root))

    def _offered(self, request: Request) -> tuple[str, ...]:
        """Only WCS 2.0 is posted."""
        return self.posted.versions if request.method == "POST" else tuple(self.versions)

    def _version(self, kvp: Kvp, operation: str, offered: tuple[str, ...]) -> str:
        return (negotiate if operation.lower() == "getcapabilities" else required_version)(kvp, offered)

    async def _layers(self, request: Request) -> Layers:
        service = request.path_params.get("service_id")
        caller = caller_of(request)
        if service is None:
            return self.endpoints.root(caller)
        return await self.endpoints.of_service(service, "wcs", caller)

    def _dialect(self, request: Request) -> Dialect:
        """How failures of this request are told: as its version does, or else as the newest."""
        if request.method == "POST":
            return self.posted.soap_dialect if _in_soap(request) else self.posted.dialect(self.newest, "")
        kvp = Kvp(request.query_params.multi_items())
        try:
            operation = (kvp.optional("request", str) or "").lower()
            version = self._version(kvp, operation, self._offered(request))
        except OgcServerError:  # which is what is being told
            operation, version = "", self.newest
        return self.versions[version].dialect(version, operation)


def _in_soap(request: Request) -> bool:
    """Whether the request is in SOAP; before its document is read, whether it says so."""
    return bool(getattr(request.state, "soap", request.method == "POST" and says_soap(request)))


def _path(request: Request) -> str:
    service = request.path_params.get("service_id")
    return PATHS[0] if service is None else PATHS[1].format(service_id=quote(service, safe=""))
