"""Bands of STAC assets, as versions 1.0 and 1.1 and their extensions describe them.

Source: STAC 1.0 with eo 1.x and raster 1.x (``eo:bands``, ``raster:bands``), STAC 1.1 common metadata (``bands``, and
``data_type``, ``nodata``, ``unit`` inherited from the asset).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_SKIPPED_ROLES = frozenset({"thumbnail", "overview", "metadata", "visual"})
_SKIPPED_KEYS = frozenset({"thumbnail", "overview", "preview", "rendered_preview"})
_RASTER_TYPES = ("image/tiff", "image/vnd.stac.geotiff", "image/jp2", "image/jpx", "image/geotiff")
_RASTER_SUFFIXES = (".tif", ".tiff", ".jp2")
_NETCDF_SUFFIXES = (".nc", ".nc4", ".cdf")
_VAGUE_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_BAND_LISTS = ("bands", "raster:bands", "eo:bands")
_INHERITED = ("data_type", "nodata", "unit", "gsd", "raster:scale", "raster:offset", "raster:spatial_resolution")


@dataclass(frozen=True)
class BandFields:
    """What a catalogue says of a band. "" and None: it does not say."""

    name: str
    common_name: str = ""
    description: str = ""
    wavelength_nm: float | None = None
    data_type: str = ""
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    gsd: float | None = None
    spatial_resolution: float | None = None


def is_netcdf(asset: Mapping[str, Any]) -> bool:
    media = _media_type(asset)
    return "netcdf" in media or (media in _VAGUE_TYPES and _path(asset).endswith(_NETCDF_SUFFIXES))


def is_data(key: str, asset: Mapping[str, Any]) -> bool:
    """Whether an asset (or a collection's template of one) is a raster to compute with.

    Thumbnails, overviews, true-colour renderings and metadata are not, nor what no raster reader opens.
    """
    roles = {str(role).lower() for role in asset.get("roles") or ()}
    if "data" not in roles and (roles & _SKIPPED_ROLES or (not roles and key.lower() in _SKIPPED_KEYS)):
        return False
    if is_netcdf(asset):
        return True
    media = _media_type(asset)
    if media not in _VAGUE_TYPES:
        return media in _RASTER_TYPES
    if "href" not in asset:
        return any(asset.get(name) for name in _BAND_LISTS)
    return _path(asset).endswith(_RASTER_SUFFIXES)


def asset_bands(key: str, asset: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[BandFields, ...]:
    """The bands of a raster asset in the order of its file; at least one.

    A band without a name is called after its asset, with its number where the asset has several.

    Args:
        properties: of the item; STAC 1.1 lets assets inherit ``data_type``, ``nodata`` and ``unit`` from them.
    """
    lists = [[_mapping(band) for band in asset.get(name) or ()] for name in _BAND_LISTS]
    count = max(1, *map(len, lists))
    inherited = {name: source[name] for source in (properties, asset) for name in _INHERITED if name in source}
    if "gsd" not in asset:
        inherited.pop("gsd", None)  # an item's gsd is that of its finest band
    found = []
    for i in range(count):
        fields: dict[str, Any] = dict(inherited)
        for bands in reversed(lists):  # ``bands`` of STAC 1.1 goes before the older lists
            fields.update(bands[i] if i < len(bands) else {})
        names = [bands[i]["name"] for bands in (lists[0], lists[2]) if i < len(bands) and bands[i].get("name")]
        found.append(band_fields(str(names[0]) if names else key if count == 1 else f"{key}_{i + 1}", fields))
    return tuple(found)


def band_fields(name: str, fields: Mapping[str, Any]) -> BandFields:
    """A band from the merged fields of all its descriptions."""
    scale = number(_first(fields, "raster:scale", "scale"))
    offset = number(_first(fields, "raster:offset", "offset"))
    wavelength = number(_first(fields, "eo:center_wavelength", "center_wavelength"))
    return BandFields(
        name,
        str(_first(fields, "eo:common_name", "common_name") or ""),
        str(fields.get("description") or ""),
        round(wavelength * 1000.0, 6) if wavelength else None,
        str(fields.get("data_type") or "").lower(),
        number(fields.get("nodata")),
        scale if scale and math.isfinite(scale) else 1.0,
        offset if offset is not None and math.isfinite(offset) else 0.0,
        str(fields.get("unit") or ""),
        number(fields.get("gsd")),
        number(_first(fields, "raster:spatial_resolution", "spatial_resolution")),
    )


def with_template(asset: Mapping[str, Any], template: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The asset, completed by what its collection's ``item_assets`` say of all such assets."""
    if not template:
        return asset
    kept = {name: value for name, value in template.items() if name not in ("title", "description", "href")}
    described = {name for name in _BAND_LISTS if asset.get(name)}
    if "bands" in described or {"eo:bands", "raster:bands"} <= described:
        kept = {name: value for name, value in kept.items() if name not in _BAND_LISTS}
    return {**kept, **asset}


def number(value: object) -> float | None:
    """A number, or one of the texts that STAC uses for what JSON cannot say: "nan", "inf", "-inf"."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _media_type(asset: Mapping[str, Any]) -> str:
    return str(asset.get("type") or "").partition(";")[0].strip().lower()


def _path(asset: Mapping[str, Any]) -> str:
    return urlsplit(str(asset.get("href") or "")).path.lower()
