"""A request whose operation is known, and its answer as a document or as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ogcserver.errors import InvalidParameter, NotFound
from ogcserver.jobs.layers import Layer
from ogcserver.ogcapi.html import POLICY, Crumbs, page
from ogcserver.ogcapi.links import Addresses, Json
from ogcserver.ogcapi.negotiate import HTML, Offer
from ogcserver.ows.kvp import Kvp

_HEADERS = {"cache-control": "no-cache", "vary": "accept"}


@dataclass(frozen=True, eq=False)
class Call:
    """A request."""

    request: Request
    kvp: Kvp
    offer: Offer
    """The representation that the client gets."""
    addresses: Addresses

    @property
    def style(self) -> str | None:
        """The style that the path names; None where it names none."""
        name = self.request.path_params.get("styleId")
        return None if name is None else str(name)

    def part(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    @property
    def crumbs(self) -> Crumbs:
        """The pages above this one."""
        return ((self.addresses.base, "OGC API"),)

    def below(self, layer: Layer) -> Crumbs:
        """The pages above one about a collection."""
        collection = self.addresses.collection(layer), layer.title or layer.id
        return (*self.crumbs, (self.addresses.collections(), "Collections"), collection)


@dataclass(frozen=True)
class Page:
    """How a document is shown as a page."""

    title: str
    crumbs: Crumbs
    picture: str = ""
    """Address of a picture of what the document is about."""


def answer(call: Call, document: Json, shown: Page, here: str) -> Response:
    """The document in the representation of the call.

    Args:
        here: its address.
    """
    if call.offer.media_type == HTML:
        return page_response(page(document, shown.title, shown.crumbs, here, shown.picture))
    return Response(
        json.dumps(document, ensure_ascii=False), headers=_HEADERS | {"content-type": call.offer.media_type}
    )


def page_response(text: str) -> Response:
    """A page."""
    return Response(
        text, headers=_HEADERS | {"content-type": f"{HTML}; charset=utf-8", "content-security-policy": POLICY}
    )


@contextmanager
def named_in_path() -> Iterator[None]:
    """Where the path names a thing that does not exist, that is a missing page.

    Raises:
        NotFound: in place of InvalidParameter.
    """
    try:
        yield
    except InvalidParameter as error:
        raise NotFound(error.message, locator=error.locator) from error
