"""The description of a tile service for clients.  Source: TileJSON 3.0.0."""

from __future__ import annotations

from typing import Any

from ogcserver.geo.tiles import MatrixSet
from ogcserver.jobs.layers import Layer


def tilejson(layer: Layer, mercator: MatrixSet, template: str, attribution: str = "") -> dict[str, Any]:
    """
    Args:
        template: address of a tile, with ``{z}``, ``{x}`` and ``{y}``.
        attribution: "" leaves it out.
    """
    west, south, east, north = zip(*(layer.description.boxes or mercator.areas), strict=True)
    bounds = [min(west), max(min(south), mercator.areas[0][1]), max(east), min(max(north), mercator.areas[0][3])]
    deepest = deepest_useful(layer, mercator)
    middle = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, max(0, deepest - 4)]
    optional = {"description": layer.abstract, "attribution": attribution}
    return {
        "tilejson": "3.0.0",
        "name": layer.title or layer.id,
        **{key: value for key, value in optional.items() if value},
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": 0,
        "maxzoom": deepest,
        "bounds": bounds,
        "center": middle,
    }


def deepest_useful(layer: Layer, mercator: MatrixSet) -> int:
    """The first zoom whose pixels are no larger than the layer's own; deeper ones only enlarge them."""
    bounds = mercator.bounds_of(layer.description.boxes)
    if bounds is None:
        return 0
    pixel = (bounds[2] - bounds[0]) / layer.description.grid.width
    fine = (zoom for zoom, matrix in enumerate(mercator.matrices) if matrix.lattice.dx <= pixel * 1.001)
    return next(fine, len(mercator.matrices) - 1)
