"""A STAC Collection as :class:`CollectionInfo`: its bands in order, and where and when it is.

Bands are told by the collection (``item_assets``, summaries, ``cube:variables``) and completed by a few of its items.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ogcserver.cube import Band
from ogcserver.errors import OgcServerError
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import BandInfo, CollectionInfo
from ogcserver.sources.footprint import bbox_boxes
from ogcserver.sources.stac_assets import BandFields, asset_bands, band_fields, is_data, is_netcdf
from ogcserver.sources.stac_cube import variable_bands
from ogcserver.sources.stac_item import ItemRules, data_assets
from ogcserver.sources.stac_proj import asset_extent, extent_metres
from ogcserver.timeline import format_instant, parse_instant

FileFields = Callable[[str, bool], Sequence[BandFields]]
"""What a file (its location, and whether it is netCDF) says of its bands; empty when it is not to be opened."""

_WHOLE_WORLD = ((-180.0, -90.0, 180.0, 90.0),)
_WIDE = frozenset({"float64", "int32", "uint32", "int64", "uint64"})
_STORED = frozenset({"float32", "int8", "uint8", "int16", "uint16"}) | _WIDE


@dataclass(frozen=True)
class _Seen:
    """A band as one place describes it."""

    fields: BandFields
    resolution_m: float | None = None
    cube: bool = False


def collection_rules(document: Mapping[str, Any], apply_scale: bool) -> ItemRules:
    """How the items of a collection are read; without a reader of netCDF layouts."""
    templates = document.get("item_assets") or {}
    if not isinstance(templates, Mapping):
        templates = {}
    cube = {name: document[name] for name in ("cube:dimensions", "cube:variables") if document.get(name)}
    usable = {key: value for key, value in templates.items() if isinstance(value, Mapping)}
    return ItemRules(apply_scale, usable, cube)


def collection_info(
    document: Mapping[str, Any],
    samples: Iterable[tuple[Mapping[str, Any], str]],
    rules: ItemRules,
    file_fields: FileFields,
) -> CollectionInfo:
    """The description of a collection.

    Args:
        samples: a few of its items as (document, location), for what the collection itself leaves out.
    """
    seen = _told(document, rules)
    for sample, location in samples:
        try:
            seen += _sampled(sample, location, rules, file_fields)
        except (OgcServerError, ValueError, TypeError, KeyError, IndexError, AttributeError):
            continue  # the search logs malformed items
    bands: dict[str, list[_Seen]] = {}
    for one in seen:
        bands.setdefault(one.fields.name, []).append(one)
    return replace(
        _plain_info(document),
        bands=tuple(band_info(*_merged(name, found), rules.apply_scale) for name, found in bands.items()),
    )


def sample_positions(count: int) -> list[int]:
    """Which of ``count`` items to look at: the first, the middle and the last, for they may be of different kinds."""
    return sorted({0, count // 2, count - 1}) if count else []


def is_complete(document: Mapping[str, Any], rules: ItemRules) -> bool:
    """Whether a collection describes its bands so well that no item need be read."""
    seen = _told(document, rules)
    return bool(seen) and all(one.fields.data_type for one in seen)


def band_info(fields: BandFields, resolution_m: float | None, cube: bool, apply_scale: bool) -> BandInfo:
    """A band with its logical dtype: the stored one where values are stored as they are, else a float that holds them.

    Args:
        cube: a netCDF variable, whose values are unpacked to floats when they are read.
    """
    scale, offset = (fields.scale, fields.offset) if apply_scale and not cube else (1.0, 0.0)
    stored = fields.data_type if fields.data_type in _STORED else ""
    if cube:
        dtype = "float64" if stored == "float64" else "float32"
    elif scale == 1.0 and offset == 0.0:
        dtype = stored or "float32"
    else:
        dtype = "float64" if stored in _WIDE else "float32"
    return BandInfo(
        Band(fields.name, dtype, _integer_nodata(fields.nodata, dtype), fields.unit),
        fields.common_name,
        fields.description,
        fields.wavelength_nm,
        resolution_m,
        fields.data_type,
        scale,
        offset,
        fields.nodata,
    )


def _integer_nodata(nodata: float | None, dtype: str) -> float | None:
    kind = np.dtype(dtype)
    if nodata is None or kind.kind == "f" or not math.isfinite(nodata) or nodata != int(nodata):
        return None
    limits = np.iinfo(kind)
    return nodata if limits.min <= nodata <= limits.max else None


def _told(document: Mapping[str, Any], rules: ItemRules) -> list[_Seen]:
    """Bands as the collection itself names them."""
    found: list[tuple[int, _Seen]] = []
    for key, asset in rules.templates.items():
        if is_data(key, asset) and not is_netcdf(asset):
            bands = asset_bands(key, asset, {})
            found += [(len(bands), _Seen(band, band.gsd)) for band in bands]
    names = {one.fields.name for size, one in found if size == 1}
    seen = [one for size, one in found if size == 1 or one.fields.name not in names]
    summaries = document.get("summaries") or {}
    for listed in (document.get("bands"), summaries.get("bands"), summaries.get("eo:bands")):
        for band in listed if isinstance(listed, list) else ():
            if isinstance(band, Mapping) and band.get("name"):
                fields = band_fields(str(band["name"]), band)
                seen.append(_Seen(fields, fields.gsd))
    cube = {"cube:variables": rules.cube.get("cube:variables")}
    return seen + [_Seen(b, cube=True) for b in variable_bands(cube, rules.cube.get("cube:dimensions") or {})]


def _sampled(document: Mapping[str, Any], location: str, rules: ItemRules, file_fields: FileFields) -> list[_Seen]:
    """Bands of one item. Bands of assets with fewer bands come first, for they win where names collide."""
    properties = document.get("properties") or {}
    found: list[tuple[int, list[_Seen]]] = []
    for key, asset in data_assets(document, location, rules.templates):
        href = str(asset["href"])
        if is_netcdf(asset):
            fields = {**properties, **asset}
            dimensions = fields.get("cube:dimensions") or rules.cube.get("cube:dimensions") or {}
            told = variable_bands(fields, dimensions) or variable_bands(rules.cube, dimensions)
            missing = not told or not all(band.data_type for band in told)
            read = file_fields(href, True) if missing else ()
            wanted = {band.name for band in told} or {band.name for band in read}
            resolution = _resolution(asset, properties)
            found.append((1, [_Seen(b, resolution, cube=True) for b in (*told, *read) if b.name in wanted]))
            continue
        bands = asset_bands(key, asset, properties)
        resolution = _resolution(asset, properties)
        if not all(band.data_type for band in bands):
            bands = tuple(map(_completed, bands, _padded(file_fields(href, False), bands)))
        found.append((len(bands), [_Seen(b, b.gsd or resolution or b.spatial_resolution) for b in bands]))
    return [one for _, group in sorted(found, key=lambda pair: pair[0] > 1) for one in group]


def _padded(read: Sequence[BandFields], bands: Sequence[BandFields]) -> list[BandFields]:
    return [*read[: len(bands)], *bands[len(read) :]]


def _completed(band: BandFields, read: BandFields) -> BandFields:
    """What the catalogue says, with dtype and nodata from the file where it does not."""
    nodata = read.nodata if band.nodata is None else band.nodata
    return replace(band, data_type=band.data_type or read.data_type, nodata=nodata)


def _resolution(asset: Mapping[str, Any], properties: Mapping[str, Any]) -> float | None:
    """Metres per pixel: from the lattice, else the item's ``gsd``."""
    extent = asset_extent(asset, properties)
    if extent is not None:
        return extent_metres(extent)
    gsd = properties.get("gsd")
    return float(gsd) if isinstance(gsd, (int, float)) else None


def _merged(name: str, seen: Sequence[_Seen]) -> tuple[BandFields, float | None, bool]:
    """The first thing that anyone says of each property; scale and offset belong together, as do dtype and nodata."""
    every = [one.fields for one in seen]
    scaled = next((f for f in every if f.scale != 1.0 or f.offset != 0.0), every[0])
    stored = next((f for f in every if f.data_type), every[0])
    fields = BandFields(
        name,
        next((f.common_name for f in every if f.common_name), ""),
        next((f.description for f in every if f.description), ""),
        next((f.wavelength_nm for f in every if f.wavelength_nm), None),
        stored.data_type,
        stored.nodata if stored.nodata is not None else next((f.nodata for f in every if f.nodata is not None), None),
        scaled.scale,
        scaled.offset,
        next((f.unit for f in every if f.unit), ""),
    )
    resolution = next((one.resolution_m for one in seen if one.resolution_m), None)
    return fields, resolution, any(one.cube for one in seen)


def _plain_info(document: Mapping[str, Any]) -> CollectionInfo:
    extent = document.get("extent") or {}
    providers = [p.get("name") for p in document.get("providers") or () if isinstance(p, Mapping)]
    return CollectionInfo(
        str(document["id"]),
        (),
        str(document.get("title") or ""),
        str(document.get("description") or ""),
        str(document.get("license") or ""),
        tuple(str(name) for name in providers if name),
        tuple(map(str, document.get("keywords") or ())),
        _boxes(extent),
        _interval(extent),
    )


def _boxes(extent: Mapping[str, Any]) -> tuple[Bounds, ...]:
    """The first bbox holds all others."""
    try:
        return bbox_boxes(extent["spatial"]["bbox"][0])
    except (OgcServerError, KeyError, IndexError, TypeError, ValueError):
        return _WHOLE_WORLD


def _interval(extent: Mapping[str, Any]) -> tuple[str, str]:
    try:
        start, end = (format_instant(parse_instant(str(t))) if t else "" for t in extent["temporal"]["interval"][0])
        return start, end
    except (OgcServerError, KeyError, IndexError, TypeError, ValueError):
        return "", ""
