"""Exceptions as pictures, for clients that asked for that.  Source: OGC 06-042 clause 7.3.3.11."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from ogcserver.encode.message import message_picture
from ogcserver.encode.overlay import Colour, blank, on_background
from ogcserver.encode.pictures import encode_picture
from ogcserver.errors import OgcServerError, RequestError
from ogcserver.ows.kvp import Kvp, choice
from ogcserver.ows.report import fault
from ogcserver.wms.report import CODES
from ogcserver.wms.syntax import Edge, background, map_type
from ogcserver.wms.versions import Version


@dataclass(frozen=True)
class Canvas:
    """The picture that a client wants in place of a document."""

    width: int
    height: int
    format: str
    background: Colour | None
    written: bool
    """Whether it says what went wrong; else it is empty."""

    def tell(self, error: OgcServerError) -> Response:
        """The picture; the status is that of the document that it stands for."""
        told = fault(CODES, error)
        size = self.width, self.height
        picture = message_picture(told.text, *size) if self.written else blank(*size)
        body = encode_picture(on_background(picture, self.background), self.format)
        return Response(body, told.status, {"cache-control": "no-store", **(told.headers or {})}, self.format)


def canvas_of(kvp: Kvp, version: Version, max_edge: int) -> Canvas | None:
    """The picture that a request asks for in place of an exception document.

    None where it asks for a document, or does not say well enough what picture.
    """
    document, written, _ = version.exceptions
    try:
        wanted = kvp.optional("EXCEPTIONS", choice(*version.exceptions)) or document
        if wanted == document:
            return None
        edge = Edge(max_edge)
        size = kvp.one("WIDTH", edge), kvp.one("HEIGHT", edge)
        return Canvas(*size, kvp.one("FORMAT", map_type), background(kvp), wanted == written)
    except RequestError:  # which is told by a document then
        return None
