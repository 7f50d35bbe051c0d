"""Links between resources, and their relation types.  Source: RFC 8288; OGC 19-072 clause 7.6; OGC 20-057 clause 9."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from ogcserver.jobs.layers import Layer
from ogcserver.maps.picture import GEOTIFF, MEDIA_TYPES
from ogcserver.ogcapi.negotiate import HTML, JSON

ROOT = "/ogc"
_OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
CONFORMANCE, DATA, TILING_SCHEMES = _OGC + "conformance", _OGC + "data", _OGC + "tiling-schemes"
MAP, MAP_TILESETS, TILING_SCHEME = _OGC + "map", _OGC + "tilesets-map", _OGC + "tiling-scheme"
COVERAGE, SCHEMA, STYLES = _OGC + "coverage", _OGC + "schema", _OGC + "styles"
DOMAIN_SET, RANGE_TYPE, GEODATA = _OGC + "coverage-domainset", _OGC + "coverage-rangetype", _OGC + "geodata"

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
JSON_SCHEMA = "application/schema+json"

Link = dict[str, Any]
Json = dict[str, Any]
"""A document."""


def link(rel: str, href: str, media_type: str = JSON, title: str = "") -> Link:
    return {"rel": rel, "href": href, "type": media_type} | ({"title": title} if title else {})


def document_links(href: str, title: str = "This document") -> list[Link]:
    """To a document itself, and to it as a page."""
    joint = "&" if "?" in href else "?"
    return [link("self", href, JSON, title), link("alternate", f"{href}{joint}f=html", HTML, f"{title} as HTML")]


class Addresses:
    """Of the resources of one server.

    Args:
        base: address of the landing page, without a slash at its end.
    """

    def __init__(self, base: str) -> None:
        self.base = base

    def collections(self) -> str:
        return f"{self.base}/collections"

    def collection(self, layer: Layer) -> str:
        return f"{self.collections()}/{quote(layer.id, safe='')}"

    def styled(self, layer: Layer, style: str | None) -> str:
        """Of what has maps: a collection, or it in one of its styles."""
        collection = self.collection(layer)
        return collection if style is None else f"{collection}/styles/{quote(style, safe='')}"

    def tilesets(self, layer: Layer, style: str | None) -> str:
        return f"{self.styled(layer, style)}/map/tiles"

    def matrix_set(self, identifier: str) -> str:
        return f"{self.base}/tileMatrixSets/{quote(identifier, safe='')}"

    def native_set(self, layer: Layer) -> str:
        """Of the definition of the collection's own tile matrix set."""
        return f"{self.collection(layer)}/tileMatrixSet"


def map_links(at: str, title: str) -> Iterable[Link]:
    """To maps of what lies at an address, as PNG first, and to their tilesets."""
    for media_type, extension in MEDIA_TYPES.items():
        yield link(MAP, f"{at}/map?f={extension}", media_type, f"{title} as a map")
    yield link(MAP_TILESETS, f"{at}/map/tiles", JSON, f"Map tiles of {title}")


def geotiff_link(href: str, title: str) -> Link:
    return link(COVERAGE, href, GEOTIFF, title)
