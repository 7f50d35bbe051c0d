"""Tile matrix sets from definitions: those of the registry that morecantile ships, and an operator's own files.

Source: OGC 17-083r4 (Two Dimensional Tile Matrix Set 2.0), clauses 6 and 7 (JSON); OGC 07-057r7 clause 6.1, whose
tile matrices have one width all over, one scale, and rows that count from the top.
"""

from __future__ import annotations

import math
import re

import morecantile
from pydantic import ValidationError
from pyproj.exceptions import CRSError

from ogcserver.errors import CrsError, InvalidParameter
from ogcserver.geo.crs import bounds_lonlat_boxes, canonical, crs_object, lat_first, split_antimeridian, urn
from ogcserver.geo.grid import Bounds, Lattice, intersect
from ogcserver.geo.tiles import MatrixSet, TileMatrix

WEB_MERCATOR = "WebMercatorQuad"
WORLD_CRS84 = "WorldCRS84Quad"
DENSITIES = (2, 4)
"""Besides its tiles of 256 pixels WebMercatorQuad has some of so many times as many along each edge."""

_CRS84_URN = "urn:ogc:def:crs:OGC:1.3:CRS84"
_GOOGLE_SCALES = "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible"
_ROUNDING = 1e-9
"""Cells that differ by less than this part are meant to be the coarsest one halved."""
_NORTHWARD = ("y", "n", "lat", "latitude", "northing")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Identifiers that can be a segment of an address."""


def standard_sets() -> dict[str, MatrixSet]:
    """The sets of the registry, by identifier: WebMercatorQuad first, also with denser tiles, then WorldCRS84Quad.

    The rest follows by name. Sets whose rows differ in their number of tiles are left out: WMTS has no words for them.
    """
    known = {name: morecantile.tms.get(name) for name in morecantile.tms.list()}
    made = {name: _matrix_set(name, one) for name, one in known.items() if not one.is_variable}
    mercator = made[WEB_MERCATOR]
    denser = [mercator.denser(factor) for factor in DENSITIES]
    first = [mercator, *denser, made[WORLD_CRS84]]
    rest = [made[name] for name in sorted(made) if made[name] not in first]
    return {one.id: one for one in (*first, *rest)}


def parse_matrix_set(text: str) -> MatrixSet:
    """A set from its definition in JSON (OGC 17-083r4, clause 7).

    Raises:
        InvalidParameter: no such definition, or one that WMTS has no words for; CrsError: its CRS is not known.
    """
    try:
        definition = morecantile.TileMatrixSet.model_validate_json(text)
    except (ValidationError, CRSError, ValueError) as error:
        raise InvalidParameter(f"not a tile matrix set in the JSON of OGC 17-083r4: {_summary(error)}") from error
    name = definition.id or ""
    if not _NAME.fullmatch(name):
        raise InvalidParameter(f"id must be 1 to 64 letters, digits, '.', '_' or '-', not {name[:80]!r}")
    return _matrix_set(name, definition)


def _summary(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)[:200]


def _matrix_set(identifier: str, definition: morecantile.TileMatrixSet) -> MatrixSet:
    named = str(definition.crs.srs)
    crs = canonical(named)
    supported = _CRS84_URN if re.search(r"CRS84$", named, re.IGNORECASE) else urn(crs)
    if not supported.startswith("urn:"):
        raise CrsError(f"the CRS of {identifier} needs a code, for documents name it by that")
    axes = definition.orderedAxes
    swapped = axes[0].lower() in _NORTHWARD if axes else supported != _CRS84_URN and lat_first(crs)
    matrices = tuple(_matrices(identifier, definition, crs, swapped))
    scales = _GOOGLE_SCALES if identifier == WEB_MERCATOR else ""
    title = definition.title or identifier
    return MatrixSet(identifier, title, crs, matrices, supported, swapped, _areas(crs, matrices[0]), scales)


def _matrices(identifier: str, definition: morecantile.TileMatrixSet, crs: str, swapped: bool) -> list[TileMatrix]:
    levels = definition.tileMatrices
    if not levels:
        raise InvalidParameter(f"{identifier}: there must be a matrix")
    if any(one.variableMatrixWidths for one in levels):
        raise InvalidParameter(f"{identifier}: matrices whose rows differ in width cannot be served")
    if any(one.cornerOfOrigin == "bottomLeft" for one in levels):
        raise InvalidParameter(f"{identifier}: rows must count from the top left corner")
    found = []
    for level in levels:
        first, second = map(float, level.pointOfOrigin)
        x, y = (second, first) if swapped else (first, second)
        cell = _cell(levels[0], level)
        lattice = Lattice(crs, x, y, cell, cell)
        found.append(
            TileMatrix(
                level.id, lattice, level.tileWidth, level.tileHeight, level.matrixWidth, level.matrixHeight
            )
        )  # fmt: skip
    return sorted(found, key=lambda matrix: -matrix.lattice.dx)


def _cell(first: morecantile.models.TileMatrix, level: morecantile.models.TileMatrix) -> float:
    """Edge of a pixel: that of the coarsest level halved where it is meant to be, since definitions are rounded."""
    whole = first.cellSize * first.matrixWidth * first.tileWidth
    exact = whole / (level.matrixWidth * level.tileWidth)
    return exact if math.isclose(exact, level.cellSize, rel_tol=_ROUNDING) else float(level.cellSize)


def _areas(crs: str, coarsest: TileMatrix) -> tuple[Bounds, ...]:
    """Where both the set has tiles and its CRS is meant to be used."""
    tiles = bounds_lonlat_boxes(crs, coarsest.grid.bounds)
    area = crs_object(crs).area_of_use
    if area is None:
        return tiles
    used = split_antimeridian(area.bounds)
    return tuple(part for one in tiles for other in used if (part := intersect(one, other)))
