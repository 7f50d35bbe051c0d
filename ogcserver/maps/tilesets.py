"""The tile matrix sets that a layer has tiles for, and which of their tiles hold something of it."""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.errors import InvalidParameter, TileOutOfRange
from ogcserver.geo.grid import Bounds
from ogcserver.geo.matrix_sets import WEB_MERCATOR, WORLD_CRS84
from ogcserver.geo.tiles import MatrixSet, TileLimits, TileMatrix, native_set
from ogcserver.jobs.layers import Layer


def sets_of(layer: Layer, known: Mapping[str, MatrixSet]) -> tuple[MatrixSet, ...]:
    """All sets that a layer is listed with: those that cover it, and that of its native grid if its CRS has a code.

    WebMercatorQuad and WorldCRS84Quad are listed, too, for a layer that they show only a part of.
    """
    boxes = layer.description.boxes
    covering = [one for one in known.values() if one.covers(boxes) or (_is_common(one) and one.bounds_of(boxes))]
    native = native_set(layer.description.grid)
    return (*covering, native) if native else tuple(covering)


def _is_common(matrix_set: MatrixSet) -> bool:
    return matrix_set.id.partition("@")[0] in (WEB_MERCATOR, WORLD_CRS84)


def matrix_set(identifier: str, layer: Layer, known: Mapping[str, MatrixSet]) -> MatrixSet:
    """A set by its identifier, compared without regard to case; also one that does not cover the layer.

    Raises:
        InvalidParameter: there is no such set.
    """
    if identifier in known:  # most tiles; spares making the native set
        return known[identifier]
    native = native_set(layer.description.grid)
    candidates = (*known.values(), native) if native else tuple(known.values())
    for one in candidates:
        if one.id.lower() == identifier.lower():
            return one
    there_are = ", ".join(one.id for one in sets_of(layer, known))
    message = f"layer {layer.id} has no tile matrix set {identifier[:40]!r}; there are {there_are}"
    raise InvalidParameter(message, locator="TileMatrixSet")


def bounds_in(layer: Layer, matrix_set: MatrixSet, known: Mapping[str, MatrixSet]) -> Bounds | None:
    """Of a layer in units of the set's CRS, exactly for its native set; None where the set has no tiles of it."""
    if matrix_set.id in known:
        return matrix_set.bounds_of(layer.description.boxes)
    return layer.description.grid.bounds


def listable(limits: TileLimits) -> bool:
    """Whether a WMTS can list them: its schema allows no greatest row or column of 0."""
    return limits.max_row > 0 and limits.max_col > 0


def check_within(bounds: Bounds | None, matrix: TileMatrix, row: int, col: int) -> None:
    """
    Args:
        bounds: of the layer, as :func:`bounds_in` gives them.
    Raises:
        TileOutOfRange: the tile holds nothing of the layer; the locator is TileRow or TileCol.
    """
    limits = matrix.limits(bounds) if bounds else None
    if limits is None:
        raise TileOutOfRange(f"matrix {matrix.id} has no tiles of the layer", locator="TileRow")
    sides = (("TileRow", row, limits.min_row, limits.max_row), ("TileCol", col, limits.min_col, limits.max_col))
    for name, index, low, high in sides:
        if not low <= index <= high:
            message = f"{name} {index} holds nothing of the layer, which lies in {low}..{high} of matrix {matrix.id}"
            raise TileOutOfRange(message, locator=name)
