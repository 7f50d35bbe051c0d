"""Tilesets and tile matrix sets as documents.

Source: OGC 20-057 (OGC API - Tiles 1.0) clauses 8 to 10; OGC 17-083r4 (Tile Matrix Set 2.0) clauses 6 to 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ogcserver.geo.grid import Bounds
from ogcserver.geo.tiles import MatrixSet, TileLimits, TileMatrix
from ogcserver.jobs.layers import Layer
from ogcserver.maps.picture import MEDIA_TYPES
from ogcserver.maps.tilesets import bounds_in, sets_of
from ogcserver.ogcapi.crs import Crs, crs_parameter
from ogcserver.ogcapi.links import GEODATA, TILING_SCHEME, Addresses, Json, Link, document_links, link

_REGISTER = "http://www.opengis.net/def/tilematrixset/OGC/1.0/"
_SCALE_SETS = "http://www.opengis.net/def/wkss/OGC/1.0/"
_REGISTERED = (
    "CanadianNAD83_LCC", "EuropeanETRS89_LAEAQuad", "UPSAntarcticWGS84Quad", "UPSArcticWGS84Quad", "UTM31WGS84Quad",
    "WebMercatorQuad", "WorldCRS84Quad", "WorldMercatorWGS84Quad",
)  # fmt: skip


def registered(matrix_set: MatrixSet) -> str:
    """URI of the set in OGC's register; "" for one that is not in it."""
    return _REGISTER + matrix_set.id if matrix_set.id in _REGISTERED else ""


def _crs(matrix_set: MatrixSet) -> Crs:
    return crs_parameter(matrix_set.supported_crs)


def definition(matrix_set: MatrixSet) -> Json:
    """The set itself.  Source: 17-083r4 clause 7.1."""
    crs, uri = _crs(matrix_set), registered(matrix_set)
    scales = matrix_set.well_known_scales.rpartition(":")[2]
    return {
        "id": matrix_set.id,
        "title": matrix_set.title,
        **({"uri": uri} if uri else {}),
        "crs": crs.uri,
        **({"wellKnownScaleSet": _SCALE_SETS + scales} if scales else {}),
        "tileMatrices": [_matrix(one, matrix_set) for one in matrix_set.matrices],
    }


def _matrix(matrix: TileMatrix, matrix_set: MatrixSet) -> Json:
    west, _, _, north = matrix.grid.bounds
    return {
        "id": matrix.id,
        "scaleDenominator": matrix.scale_denominator,
        "cellSize": matrix.lattice.dx,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": list(matrix_set.in_axis_order(west, north)),
        "tileWidth": matrix.tile_width,
        "tileHeight": matrix.tile_height,
        "matrixWidth": matrix.matrix_width,
        "matrixHeight": matrix.matrix_height,
    }


def matrix_sets(known: Mapping[str, MatrixSet], addresses: Addresses) -> Json:
    """The list of all sets."""
    items = []
    for one in known.values():
        uri = registered(one)
        links = [link(TILING_SCHEME, addresses.matrix_set(one.id), title=one.title)]
        items.append(
            {"id": one.id, "title": one.title, **({"uri": uri} if uri else {}), "crs": _crs(one).uri, "links": links}
        )
    return {"tileMatrixSets": items, "links": document_links(f"{addresses.base}/tileMatrixSets", "Tile matrix sets")}


def tilesets(layer: Layer, style: str | None, known: Mapping[str, MatrixSet], addresses: Addresses) -> Json:
    """The list of a layer's map tilesets.  Source: /req/tilesets-list/tileset-links."""
    here = addresses.tilesets(layer, style)
    listed = [
        {**_summary(layer, one, known, addresses), "links": list(_links(here, layer, one, known, addresses))}
        for one in sets_of(layer, known)
    ]
    return {"tilesets": listed, "links": document_links(here, "Map tilesets")}


def tileset(
    layer: Layer, style: str | None, matrix_set: MatrixSet, known: Mapping[str, MatrixSet], addresses: Addresses
) -> Json:
    """A map tileset, with the tiles that it has.  Source: /req/tileset/description."""
    here = addresses.tilesets(layer, style)
    bounds = bounds_in(layer, matrix_set, known)
    links = [
        *_links(here, layer, matrix_set, known, addresses),
        link(GEODATA, addresses.collection(layer), title=layer.title or layer.id),
        *_templates(f"{here}/{matrix_set.id}"),
    ]
    return {
        **_summary(layer, matrix_set, known, addresses),
        "tileMatrixSetLimits": [_limits(found) for found in _of_all(matrix_set, bounds)],
        **({"boundingBox": _box(matrix_set, bounds)} if bounds else {}),
        "layers": [{"id": layer.id, "title": layer.title or layer.id, "dataType": "coverage"}],
        **({"style": {"id": style}} if style else {}),
        "links": links,
    }


def _summary(layer: Layer, matrix_set: MatrixSet, known: Mapping[str, MatrixSet], addresses: Addresses) -> Json:
    uri = registered(matrix_set)
    return {
        "title": f"{layer.title or layer.id}: {matrix_set.title}",
        "dataType": "map",
        "crs": _crs(matrix_set).uri,
        **({"tileMatrixSetURI": uri} if uri else {}),
    }


def _links(
    here: str, layer: Layer, matrix_set: MatrixSet, known: Mapping[str, MatrixSet], addresses: Addresses
) -> Iterable[Link]:
    """A native set is defined beside its collection: it comes and goes with that."""
    native = matrix_set.id not in known
    scheme = addresses.native_set(layer) if native else addresses.matrix_set(matrix_set.id)
    yield from document_links(f"{here}/{matrix_set.id}", matrix_set.title)
    yield link(TILING_SCHEME, scheme, title=matrix_set.title)


def _templates(here: str) -> Iterable[Link]:
    address = f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    for media_type, extension in MEDIA_TYPES.items():
        yield link("item", f"{address}?f={extension}", media_type) | {"templated": True}


def _of_all(matrix_set: MatrixSet, bounds: Bounds | None) -> Iterable[TileLimits]:
    if bounds is None:
        return ()
    return (found for matrix in matrix_set.matrices if (found := matrix.limits(bounds)))


def _limits(found: TileLimits) -> Json:
    return {
        "tileMatrix": found.matrix,
        "minTileRow": found.min_row,
        "maxTileRow": found.max_row,
        "minTileCol": found.min_col,
        "maxTileCol": found.max_col,
    }


def _box(matrix_set: MatrixSet, bounds: Bounds) -> Json:
    west, south, east, north = bounds
    lower, upper = matrix_set.in_axis_order(west, south), matrix_set.in_axis_order(east, north)
    return {"lowerLeft": list(lower), "upperRight": list(upper), "crs": _crs(matrix_set).uri}
