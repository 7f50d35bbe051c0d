"""What the versions of WCS share at run time: a request's surroundings, and how a coverage is computed and sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder
from ogcserver.cube import View
from ogcserver.encode.formats import Format, formats
from ogcserver.engine.exports import Body
from ogcserver.jobs.layers import Layer, Layers
from ogcserver.ows.bodies import Joined
from ogcserver.ows.documents import Documents
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.xml import Element
from ogcserver.plan.expr import Expr


class Sent(Protocol):
    """An encoded coverage, in memory or on the disk."""

    @property
    def body(self) -> Body: ...

    @property
    def etag(self) -> str: ...


class Renderer(Protocol):
    """What the service needs of :class:`ogcserver.engine.exports.Exports`."""

    async def render(self, plan: Expr, view: View, encoder: FileEncoder) -> Sent: ...

    async def etag(self, plan: Expr, view: View, encoder: FileEncoder) -> str: ...


@dataclass(frozen=True, eq=False)
class Call:
    """A request whose version and operation are known."""

    request: Request
    kvp: Kvp
    layers: Layers
    url: str
    """Where KVP requests of this endpoint go, with a ``?`` at the end."""
    version: str
    """One of those offered."""
    soap: bool = False
    """Whether the answer must be in SOAP."""


Operation = Callable[[Call], Awaitable[Response]]
Answer = Callable[[Layer, FileEncoder, Sent], Response]


class Delivery:
    """Computes coverages, and knows who runs the service.

    Args:
        max_pixels: the most columns x rows that one request may have.
    """

    def __init__(self, engine: Renderer, identification: Identification, max_pixels: int) -> None:
        self.engine, self.identification, self.max_pixels = engine, identification, max_pixels
        self.formats: Mapping[str, Format] = formats()
        self._documents = Documents()

    @property
    def media_types(self) -> list[str]:
        """Of the formats, the native one first."""
        return [known.media_type for known in self.formats.values()]

    async def capabilities(self, call: Call, ask: Hashable, make: Callable[[tuple[Layer, ...]], Element]) -> Response:
        """The document that ``make`` writes about the endpoint's layers; remembered while these do not change.

        Args:
            ask: what the request wants of it.
        """
        layers = await call.layers.all()
        document = await self._documents.get((call.version, call.url, ask), layers, lambda: make(layers))
        return document.answer(call.request)

    async def send(
        self, request: Request, layer: Layer, view: View, make: FileEncoder, answer: Answer | None = None
    ) -> Response:
        """The coverage as ``answer`` wraps it, as a plain file without; 304 where the client has it."""
        if request.method == "GET" and "if-none-match" in request.headers:
            etag = await self.engine.etag(layer.plan, view, make)
            if _matches(request.headers["if-none-match"], etag):
                return Response(status_code=304, headers={"etag": f'"{etag}"'})
        rendered = await self.engine.render(layer.plan, view, make)
        response = (answer or plain_file)(layer, make, rendered)
        response.headers["etag"] = f'"{rendered.etag}"'
        return response


def plain_file(layer: Layer, make: FileEncoder, rendered: Sent) -> Response:
    """The file alone."""
    headers = {
        "content-type": make.format.media_type,
        "content-disposition": f'inline; filename="{layer.id}.{make.format.extension}"',
    }
    return Joined([rendered.body], headers)


def _matches(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names the tag, weakly compared.  Source: RFC 9110 clause 13.1.2."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return etag in tags or tags == ["*"]
