"""The tile matrix sets that a layer has tiles for."""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.errors import InvalidParameter
from ogcserver.geo.tiles import MatrixSet, native_set
from ogcserver.jobs.layers import Layer


def sets_of(layer: Layer, standard: Mapping[str, MatrixSet]) -> tuple[MatrixSet, ...]:
    """All sets that a layer has tiles for: the standard ones, and that of its native grid if its CRS has a code."""
    native = native_set(layer.description.grid)
    return (*standard.values(), native) if native else tuple(standard.values())


def matrix_set(identifier: str, layer: Layer, standard: Mapping[str, MatrixSet]) -> MatrixSet:
    """
    Raises:
        InvalidParameter: the layer has no such set.
    """
    if identifier in standard:  # most tiles; spares making the native set
        return standard[identifier]
    known = {one.id.lower(): one for one in sets_of(layer, standard)}
    if found := known.get(identifier.lower()):
        return found
    there_are = ", ".join(one.id for one in known.values())
    message = f"layer {layer.id} has no tile matrix set {identifier[:40]!r}; there are {there_are}"
    raise InvalidParameter(message, locator="TileMatrixSet")
