"""Documents about all layers of an endpoint, made once and sent many times.

A layer that has not changed is the same object in every listing (:mod:`ogcserver.jobs.remembered`). So a document is
known by the very layers in it, besides the address it names and what the request asks for, and is made anew in the
moment that one of them is another.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from lxml import etree
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.engine.cache import ByteCache, CacheStatistics, SingleFlight
from ogcserver.jobs.layers import Layer
from ogcserver.ows.xml import MEDIA_TYPE, Element, serialise

_PACKED_FROM = 1 << 13
"""Bytes of a document from which on it is worth packing."""
_LEVEL = 5
_OF_A_LAYER = 64
"""Bytes that a layer adds to the key of a document."""


@dataclass(frozen=True)
class Document:
    """A document as it is sent."""

    small: bytes
    """The whole document; empty where it is packed."""
    packed: bytes
    """A large document in gzip, a thirtieth of its length; clients that do not take it cost unpacking."""
    etag: str
    """Strong entity tag of the body, without quotes.  Source: RFC 9110 clause 8.8.3."""

    @classmethod
    def of(cls, root: Element) -> Document:
        body = serialise(root)
        etag = hashlib.sha256(body).hexdigest()[:32]
        if len(body) < _PACKED_FROM:
            return cls(body, b"", etag)
        return cls(b"", gzip.compress(body, _LEVEL, mtime=0), etag)

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.packed) if self.packed else self.small

    @property
    def root(self) -> Element:
        """The document as a tree of its own, to be put into another."""
        return etree.fromstring(self.body)

    def answer(self, request: Request, headers: Mapping[str, str] | None = None) -> Response:
        """The document; to a GET it is packed for clients that take gzip, and 304 for one that has it.

        Args:
            headers: of the answer besides the document's own; content-type in place of text/xml.
        """
        if request.method != "GET":
            return Response(self.body, headers={"content-type": MEDIA_TYPE, **(headers or {})})
        packs = bool(self.packed) and _takes_gzip(request.headers.get("accept-encoding", ""))
        tag = f'"{self.etag}-gzip"' if packs else f'"{self.etag}"'
        told = {"content-type": MEDIA_TYPE, **(headers or {}), "etag": tag, "vary": "accept-encoding"}
        if tag in (known.strip() for known in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=told)
        if packs:
            told["content-encoding"] = "gzip"
        return Response(self.packed if packs else self.body, headers=told)


class Documents:
    """
    Args:
        max_bytes: of all documents together; one of more than an eighth of that is made for each request.
    """

    def __init__(self, max_bytes: int = 64 << 20) -> None:
        self._known: ByteCache[tuple[Document, int]] = ByteCache(max_bytes, _weight)
        self._flights = SingleFlight()

    async def get(self, key: Hashable, layers: tuple[Layer, ...], make: Callable[[], Element]) -> Document:
        """The document, made in another thread where it is not known.

        Args:
            key: all that the document depends on besides the layers: version, address, sections.
        """
        whole = (key, layers)
        known = self._known.get(whole)
        if known is None:
            document = await self._flights.run(whole, lambda: run_in_threadpool(lambda: Document.of(make())))
            self._known.put(whole, (document, len(layers)))
            return document
        return known[0]

    @property
    def statistics(self) -> CacheStatistics:
        return self._known.statistics()


def _weight(known: tuple[Document, int]) -> int:
    document, layers = known
    return len(document.small) + len(document.packed) + _OF_A_LAYER * layers


def _takes_gzip(header: str) -> bool:
    """Source: RFC 9110 clause 12.5.3."""
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
