"""The reference systems that the capabilities list, and the boxes of layers in them.

A map can be asked for in any system that PROJ knows; listing thousands would help nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ogcserver.geo.crs import WGS84, lat_first, project_bounds
from ogcserver.geo.grid import Bounds, intersect
from ogcserver.jobs.layers import Layer
from ogcserver.wms.versions import Version

_LON_LAT, _MERCATOR = "CRS:84", "EPSG:3857"
_EVERYWHERE = (_LON_LAT, WGS84, _MERCATOR)
_MERCATOR_AREA: Bounds = (-180.0, -85.05112877980659, 180.0, 85.05112877980659)
"""The square that web maps show."""
_WORLD: Bounds = (-180.0, -90.0, 180.0, 90.0)
_DECIMALS = {_LON_LAT: 7, _MERCATOR: 2}
"""Of boxes that follow from others: centimetres."""


def native_code(layer: Layer) -> str | None:
    """The code of a layer's own system; None where it has no code."""
    crs = layer.description.grid.crs
    return crs if crs.partition(":")[2].isalnum() else None


def shared_codes(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The systems that all layers list."""
    own = {native_code(layer) for layer in layers}
    same = next(iter(own)) if len(own) == 1 else None
    return (*_EVERYWHERE, same) if same and same not in _EVERYWHERE else _EVERYWHERE


def boxes(layer: Layer, version: Version) -> Mapping[str, Bounds]:
    """By system the box of a layer, in the axis order of the version."""
    lonlat = around(layer.description.boxes)
    found = {_LON_LAT: lonlat, WGS84: lonlat}
    if seen := intersect(lonlat, _MERCATOR_AREA):
        found[_MERCATOR] = _rounded(_MERCATOR, project_bounds(WGS84, _MERCATOR, seen, steps=2))
    if native := native_code(layer):
        found[native] = layer.description.grid.bounds
    return {code: _ordered(code, box, version) for code, box in found.items()}


def _ordered(code: str, box: Bounds, version: Version) -> Bounds:
    if not version.crs_order or code == _LON_LAT or not lat_first(code):
        return box
    xmin, ymin, xmax, ymax = box
    return ymin, xmin, ymax, xmax


def around(parts: Sequence[Bounds]) -> Bounds:
    """One longitude/latitude box for all; across 180 degrees that is all longitudes."""
    if not parts:
        return _WORLD
    west, south, east, north = zip(*parts, strict=True)
    return _rounded(_LON_LAT, (min(west), min(south), max(east), max(north)))


def _rounded(code: str, box: Bounds) -> Bounds:
    xmin, ymin, xmax, ymax = (round(side, _DECIMALS[code]) for side in box)
    return xmin, ymin, xmax, ymax
