"""Every operation of the API: where it is, what it takes, and what it answers.

Routes and the API definition are made of this one table, so that the definition says what is there. Identifiers end as
OGC 20-057 table 11 and OGC 20-058 table 17 want.
"""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.encode.formats import Format, formats
from ogcserver.maps.picture import GEOTIFF, MEDIA_TYPES, VALUE_TYPES
from ogcserver.ogcapi import parameters as p
from ogcserver.ogcapi.links import JSON_SCHEMA, OPENAPI
from ogcserver.ogcapi.negotiate import DOCUMENT, HTML, JSON, Offer

PICTURES = tuple(Offer(extension, media_type) for media_type, extension in MEDIA_TYPES.items())
TILES = (*PICTURES, *(Offer(extension, media_type) for media_type, extension in VALUE_TYPES.items()))
DEFINITION = (Offer("json", OPENAPI), Offer("json", JSON), Offer("html", HTML))
SCHEMA = (Offer("json", JSON_SCHEMA), Offer("json", JSON), Offer("html", HTML))
_TYPES = {"GTiff": (GEOTIFF, "geotiff"), "netCDF": ("application/x-netcdf", "netcdf")}
"""Of coverages, where OGC API calls a format otherwise than it is called elsewhere here."""


def _coverage(entry: Format) -> Offer:
    media_type, key = _TYPES.get(entry.name, (entry.media_type, entry.name.lower()))
    return Offer(key, media_type)


COVERAGES = tuple(_coverage(entry) for entry in formats().values())


@dataclass(frozen=True)
class Operation:
    """A GET on a path."""

    id: str
    path: str
    """Below the landing page, with the names of path parameters in braces."""
    summary: str
    tag: str
    offers: tuple[Offer, ...] = DOCUMENT
    query: tuple[p.Parameter, ...] = ()
    """Besides ``f``."""

    @property
    def parameters(self) -> tuple[p.Parameter, ...]:
        in_path = tuple(known for known in _IN_PATH if f"{{{known.name}}}" in self.path)
        return (*in_path, p.f(self.offers), *self.query)

    @property
    def query_names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.parameters if one.place == "query")


_IN_PATH = (p.COLLECTION, p.STYLE, p.MATRIX_SET, p.MATRIX, p.ROW, p.COL)
_ONE = "/collections/{collectionId}"
_STYLED = _ONE + "/styles/{styleId}"
_SET, _TILE = "/map/tiles/{tileMatrixSetId}", "/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
_OF_MAP = (*p.PLACE, *p.MAP_SIZE, *p.MAP_SCALE, *p.BACKGROUND)
_OF_TILE = (p.DATETIME, p.SUBSET)
_OF_COVERAGE = (*p.PLACE, p.PROPERTIES, p.EXCLUDED, *p.SCALING)

OPERATIONS = (
    Operation("getLandingPage", "", "What is here", "About"),
    Operation("getConformance", "/conformance", "The conformance classes that hold", "About"),
    Operation("getApi", "/api", "This definition", "About", DEFINITION),
    Operation("getCollections", "/collections", "On-demand jobs as collections", "Data", query=(p.LIMIT, p.OFFSET)),
    Operation("getCollection", _ONE, "One of them", "Data"),
    Operation("getSchema", _ONE + "/schema", "Fields as a JSON schema", "Data", SCHEMA),
    Operation("getStyles", _ONE + "/styles", "Styles of its maps", "Maps"),
    Operation("collection.getMap", _ONE + "/map", "A map", "Maps", PICTURES, _OF_MAP),
    Operation("collection.style.getMap", _STYLED + "/map", "A map in a style", "Maps", PICTURES, _OF_MAP),
    Operation("getTileMatrixSetsList", "/tileMatrixSets", "Tile matrix sets", "Tiles"),
    Operation("getTileMatrixSet", "/tileMatrixSets/{tileMatrixSetId}", "One of them", "Tiles"),
    Operation("getNativeTileMatrixSet", _ONE + "/tileMatrixSet", "That of the native grid", "Tiles"),
    Operation("collection.map.getTileSetsList", _ONE + "/map/tiles", "Tilesets", "Tiles"),
    Operation("collection.map.getTileSet", _ONE + _SET, "One of them", "Tiles"),
    Operation("collection.map.getTile", _ONE + _TILE, "A tile", "Tiles", TILES, _OF_TILE),
    Operation("collection.style.map.getTileSetsList", _STYLED + "/map/tiles", "Tilesets in a style", "Tiles"),
    Operation("collection.style.map.getTileSet", _STYLED + _SET, "One of them", "Tiles"),
    Operation("collection.style.map.getTile", _STYLED + _TILE, "A tile in a style", "Tiles", TILES, _OF_TILE),
    Operation("collection.getCoverage", _ONE + "/coverage", "The values", "Coverages", COVERAGES, _OF_COVERAGE),
    Operation("getDomainSet", _ONE + "/coverage/domainset", "Where its pixels lie", "Coverages", query=(p.CRS,)),
    Operation("getRangeType", _ONE + "/coverage/rangetype", "What they hold", "Coverages"),
)
