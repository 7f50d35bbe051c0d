"""CRS and pixel lattice of a STAC asset.  Source: STAC projection extension 1.x and 2.0, datacube extension 2.x."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from ogcserver.errors import CrsError, InvalidParameter
from ogcserver.geo.crs import canonical, metres_per_unit
from ogcserver.geo.grid import Bounds, Lattice
from ogcserver.sources.base import Extent

_LARGEST = 2**31


def asset_crs(asset: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    """The canonical name of an asset's CRS: what the asset says, else what the item says; None when it is unknown."""
    for fields in (asset, properties):
        for key in ("proj:code", "proj:epsg", "proj:wkt2", "proj:projjson"):
            if fields.get(key) is not None:
                return crs_name(fields[key])
    return None


def crs_name(value: object) -> str | None:
    """The canonical name of a CRS given as EPSG number, code, WKT or PROJJSON; None where it cannot be understood."""
    try:
        if isinstance(value, Mapping):
            return _from_projjson(json.dumps(value))
        text = str(value).strip()
        return canonical(f"EPSG:{text}" if text.isdigit() else text)
    except (CrsError, CRSError, TypeError, ValueError):
        return None


@lru_cache(maxsize=256)
def _from_projjson(text: str) -> str:
    return canonical(CRS.from_json(text).to_wkt())


def asset_extent(asset: Mapping[str, Any], properties: Mapping[str, Any]) -> Extent | None:
    """Where an asset's pixels lie; None where the catalogue does not say, or says nonsense or a rotated grid.

    Transform, shape and bbox of an asset belong together, and go before those of its item.
    """
    crs = asset_crs(asset, properties)
    if crs is None:
        return None
    own = asset if asset.get("proj:transform") or asset.get("proj:shape") else properties
    bbox = own.get("proj:bbox") or properties.get("proj:bbox")
    try:
        bounds = _bounds(bbox) if bbox else None
        transform = own.get("proj:transform")
        if transform:
            return _from_transform(crs, [float(v) for v in transform], own.get("proj:shape"), bounds)
        if own.get("proj:shape") and bounds:
            height, width = (int(v) for v in own["proj:shape"])
            dx, dy = (bounds[2] - bounds[0]) / width, (bounds[3] - bounds[1]) / height
            return _extent(Lattice(crs, bounds[0], bounds[3], dx, dy), width, height)
    except (InvalidParameter, TypeError, ValueError, ArithmeticError):
        return None
    return None


def _bounds(bbox: Sequence[Any]) -> Bounds:
    half = len(bbox) // 2
    xmin, ymin, xmax, ymax = (float(bbox[k]) for k in (0, 1, half, half + 1)) if half in (2, 3) else (math.nan,) * 4
    return xmin, ymin, xmax, ymax


def _from_transform(crs: str, transform: list[float], shape: Any, bounds: Bounds | None) -> Extent | None:
    a, b, c, d, e, f = transform[:6]
    if b or d or a <= 0 or e == 0:
        return None
    if shape:
        height, width = (int(v) for v in shape)
    elif bounds:
        height, width = round((bounds[3] - bounds[1]) / abs(e)), round((bounds[2] - bounds[0]) / a)
    else:
        return None
    top = f + height * e if e > 0 else f  # rows from south to north: the first corner is the lower one
    return _extent(Lattice(crs, c, top, a, abs(e)), width, height)


def _extent(lattice: Lattice, width: int, height: int) -> Extent | None:
    return Extent(lattice, width, height) if 0 < width < _LARGEST and 0 < height < _LARGEST else None


def extent_bounds(extent: Extent) -> Bounds:
    """(xmin, ymin, xmax, ymax) of an extent, in units of its CRS."""
    lattice = extent.lattice
    return lattice.x(0), lattice.y(extent.height), lattice.x(extent.width), lattice.y(0)


def cube_extent(x: Mapping[str, Any], y: Mapping[str, Any]) -> Extent | None:
    """The extent that two regular dimensions of a ``cube:dimensions`` describe; their values are cell centres."""
    crs = crs_name(x.get("reference_system", 4326))
    try:
        (x0, x1), (y0, y1) = (tuple(float(v) for v in axis["extent"]) for axis in (x, y))
        dx, dy = abs(float(x["step"])), abs(float(y["step"]))
        width, height = round((x1 - x0) / dx) + 1, round((y1 - y0) / dy) + 1
        return _extent(Lattice(crs, x0 - dx / 2, y1 + dy / 2, dx, dy), width, height) if crs else None
    except (InvalidParameter, KeyError, TypeError, ValueError, ArithmeticError):
        return None


def extent_metres(extent: Extent) -> float:
    """Edge of a square pixel of the same size, in metres."""
    size = math.sqrt(extent.lattice.dx * extent.lattice.dy) * metres_per_unit(extent.lattice.crs)
    return float(f"{size:.6g}")
