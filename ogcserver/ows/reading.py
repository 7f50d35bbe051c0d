"""XML that clients send, read safely.

It has no document type, so no entities and nothing external, and its size and depth are limited.

Source: OGC 06-121r9 clause 11 (encodings of requests).
"""

from __future__ import annotations

from lxml import etree
from starlette.requests import Request

from ogcserver.errors import RequestError, TooLarge
from ogcserver.ows.xml import Element

MOST_DEPTH = 32
"""Elements inside of elements; a request in a SOAP envelope needs nine."""


class MalformedDocument(RequestError):
    """A request's document is not well-formed, has a document type, or does not follow the schema of requests."""


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The body; reading stops as soon as it is too large.

    Raises:
        TooLarge: more than ``most_bytes``.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise TooLarge(f"the request's document may have {most_bytes} bytes")
    return bytes(body)


class _Guarded:
    """Builds a tree, and stops at a document type or below :data:`MOST_DEPTH`; a target of lxml's parser."""

    def __init__(self) -> None:
        self._builder = etree.TreeBuilder()
        self._depth = 0
        self._refused = ""

    def start(self, tag: str | bytes, attrib: dict[str | bytes, str | bytes]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self._refuse(f"elements may be {MOST_DEPTH} deep")
        self._builder.start(tag, attrib)

    def end(self, tag: str | bytes) -> None:
        self._depth -= 1
        self._builder.end(tag)

    def data(self, data: str | bytes) -> None:
        self._builder.data(data)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        self._refuse("a request must not have a document type")

    def comment(self, text: str | bytes) -> None:
        return None

    def close(self) -> Element:
        """Called at the end, and after a failure, whose exception one raised here replaces."""
        if self._refused:
            raise MalformedDocument(self._refused)
        return self._builder.close()

    def _refuse(self, why: str) -> None:
        self._refused = why
        raise MalformedDocument(why)


def parse(body: bytes) -> Element:
    """The root of a document.

    Raises:
        MalformedDocument: see there.
    """
    parser = etree.XMLParser(target=_Guarded(), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root: Element = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedDocument(f"the request is not well-formed XML: {error.msg}") from error
    return root
