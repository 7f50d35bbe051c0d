"""The resource documents of TMS.  Source: OSGeo Tile Map Service Specification 1.0.0, "Resources"."""

from __future__ import annotations

from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.layers import Layer
from ogcserver.ows.report import Fault
from ogcserver.ows.xml import Element, Elements

VERSION = "1.0.0"
EXTENSION = "png"
"""A TileMap has one format; its tiles may be asked for in others all the same."""


def services(title: str, url: str) -> Element:
    """The root resource: the versions that there are.

    Args:
        url: of the service.
    """
    e = Elements({})
    return e("Services", e("TileMapService", {"title": title, "version": VERSION, "href": f"{url}/{VERSION}"}))


def tile_map_service(layer: Layer, matrix_set: MatrixSet, url: str) -> Element:
    """The TileMapService resource: the one TileMap of the service."""
    e = Elements({})
    listed = {
        "title": layer.title or layer.id,
        "srs": matrix_set.crs,
        "profile": "global-mercator",
        "href": f"{url}/{VERSION}/{layer.id}",
    }
    return e(
        "TileMapService",
        {"version": VERSION, "services": url},
        e("Title", layer.title or layer.id),
        e("Abstract", layer.abstract),
        e("TileMaps", e("TileMap", listed)),
    )


def tile_map(layer: Layer, matrix_set: MatrixSet, url: str) -> Element:
    """The TileMap resource: where the tiles lie. Rows count from the lower left corner of the set."""
    e = Elements({})
    first = matrix_set.matrices[0]
    west, south, *_ = first.grid.bounds
    box = matrix_set.bounds_of(layer.description.boxes) or first.grid.bounds
    sides = dict(zip(("minx", "miny", "maxx", "maxy"), map(repr, box), strict=True))
    size = {"width": str(first.tile_width), "height": str(first.tile_height)}
    levels = [
        e(
            "TileSet",
            {
                "href": f"{url}/{VERSION}/{layer.id}/{matrix.id}",
                "units-per-pixel": repr(matrix.lattice.dx),
                "order": str(number),
            },
        )
        for number, matrix in enumerate(matrix_set.matrices)
    ]
    return e(
        "TileMap",
        {"version": VERSION, "tilemapservice": f"{url}/{VERSION}"},
        e("Title", layer.title or layer.id),
        e("Abstract", layer.abstract),
        e("SRS", matrix_set.crs),
        e("BoundingBox", sides),
        e("Origin", {"x": repr(west), "y": repr(south)}),
        e("TileFormat", {**size, "mime-type": "image/png", "extension": EXTENSION}),
        e("TileSets", {"profile": "global-mercator"}, levels),
    )


def error(fault: Fault) -> Element:
    """Source: the same, "Error handling"."""
    e = Elements({})
    return e("TileMapServerError", e("Message", fault.text))
