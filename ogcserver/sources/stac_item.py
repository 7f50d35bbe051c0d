"""STAC Items as :class:`Item` values.  Source: STAC 1.0 and 1.1; nothing here reads, except through what is passed in.

An item becomes one :class:`Item` for its rasters, and one for each time step of its netCDF files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ogcserver.errors import OgcServerError
from ogcserver.geo.crs import bounds_lonlat_boxes
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import BandSource, FileBand, Item
from ogcserver.sources.footprint import bbox_boxes, geometry_boxes, hull, jumps
from ogcserver.sources.hrefs import HrefError, resolve
from ogcserver.sources.stac_assets import asset_bands, is_data, is_netcdf, with_template
from ogcserver.sources.stac_cube import LayoutReader, cube_bands
from ogcserver.sources.stac_proj import asset_crs, asset_extent, extent_bounds
from ogcserver.timeline import label, parse_instant

_LOG = logging.getLogger(__name__)


class ItemError(OgcServerError):
    """An item that cannot be used: it lacks a time, a place or a readable asset."""


@dataclass(frozen=True, eq=False)
class ItemRules:
    """How the items of a collection are read."""

    apply_scale: bool = True
    """False: values stay as stored, whatever scale and offset the catalogue names."""
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``item_assets`` of the collection: what its assets have in common."""
    cube: Mapping[str, Any] = field(default_factory=dict)
    """``cube:dimensions`` and ``cube:variables`` of the collection, for items that do not repeat them."""
    read_layout: LayoutReader | None = None
    """Reads what the catalogue does not say of a netCDF file; None: such files are left out."""


def items_of(document: Mapping[str, Any], location: str, rules: ItemRules) -> tuple[Item, ...]:
    """The items that one STAC Item means.

    Args:
        location: of the document; its relative addresses start there.
    Raises:
        ItemError: the item is malformed or holds nothing that can be read.
    """
    try:
        return _items_of(document, location, rules)
    except ItemError:
        raise
    except (OgcServerError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise ItemError(f"the item is malformed: {type(error).__name__}: {error}") from error


def usable_items(documents: Iterable[tuple[Mapping[str, Any], str]], rules: ItemRules) -> list[Item]:
    """The items of (document, location) pairs; a malformed one is logged and left out."""
    found: list[Item] = []
    for document, location in documents:
        try:
            found.extend(items_of(document, location, rules))
        except ItemError as error:
            name = document.get("id") if isinstance(document, Mapping) else None
            _LOG.warning("item %.200s of %s is left out: %s", name, location, error.message)
    return found


def data_assets(
    document: Mapping[str, Any], location: str, templates: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and fields of an item's assets that are data, with absolute ``href``. Refused addresses are logged."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for key, plain in (document.get("assets") or {}).items():
        asset = with_template(plain, templates.get(key))
        if not is_data(key, asset):
            continue
        try:
            found.append((key, {**asset, "href": resolve(asset.get("href"), location)}))
        except HrefError as error:
            _LOG.warning("asset %.100s of item %.200s is refused: %s", key, document.get("id"), error.message)
    return found


def _items_of(document: Mapping[str, Any], location: str, rules: ItemRules) -> tuple[Item, ...]:
    identifier = document["id"]
    if not isinstance(identifier, str) or not identifier:
        raise ItemError("the item has no id")
    properties = document.get("properties") or {}
    assets = data_assets(document, location, rules.templates)
    rasters = _raster_bands([(key, asset) for key, asset in assets if not is_netcdf(asset)], properties, rules)
    cubes = cube_bands([asset for _, asset in assets if is_netcdf(asset)], properties, rules.cube, rules.read_layout)
    if not rasters and not cubes:
        raise ItemError("the item has no asset that is raster data")
    boxes = _footprint(document, [*rasters.values(), *(band for step in cubes for band in step.bands.values())])
    found = [Item(identifier, item_time(properties), rasters, boxes)] if rasters else []
    for step in cubes:
        time = step.time or item_time(properties)
        found.append(Item(identifier if len(cubes) == 1 and not rasters else _step_id(identifier, step.step),
                          time, step.bands, boxes))  # fmt: skip
    return tuple(found)


def _step_id(identifier: str, step: int | None) -> str:
    return f"{identifier}_static" if step is None else f"{identifier}_{step:04d}"


def item_time(properties: Mapping[str, Any]) -> str:
    """The label of an item: its ``datetime``, else the span from ``start_datetime`` to ``end_datetime``.

    Raises:
        ItemError: there is none of them.
    """
    moment = properties.get("datetime")
    if moment:
        return label(parse_instant(str(moment)))
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    if not start and not end:
        raise ItemError("the item has neither datetime nor start_datetime and end_datetime")
    first = parse_instant(str(start or end))
    return label(first, parse_instant(str(end or start)))


def _raster_bands(
    assets: list[tuple[str, Mapping[str, Any]]], properties: Mapping[str, Any], rules: ItemRules
) -> dict[str, BandSource]:
    """Where each band lies. Of assets with the same band the one with fewer bands wins, then the first."""
    found: dict[str, BandSource] = {}
    sizes: dict[str, int] = {}
    for key, asset in assets:
        bands = asset_bands(key, asset, properties)
        extent, crs = asset_extent(asset, properties), asset_crs(asset, properties)
        for index, band in enumerate(bands, start=1):
            if band.name in found and sizes[band.name] <= len(bands):
                continue
            scale, offset = (band.scale, band.offset) if rules.apply_scale else (1.0, 0.0)
            place = FileBand(str(asset["href"]), index, crs)
            found[band.name] = BandSource(place, scale, offset, band.nodata, extent)
            sizes[band.name] = len(bands)
    return found


def _footprint(document: Mapping[str, Any], bands: Iterable[BandSource]) -> tuple[Bounds, ...]:
    """From the geometry, else the bbox, else the bands' extents.

    A geometry that could mean either way around the globe gives way to a bbox that says it crosses 180 degrees, and to
    extents.
    """
    extents = {band.extent for band in bands if band.extent is not None}
    geometry = _understood(geometry_boxes, document.get("geometry"))
    bbox = _understood(bbox_boxes, document.get("bbox"))
    found = geometry or bbox
    if geometry and jumps(document["geometry"]):
        found = bbox if bbox and len(bbox) == 2 else None if extents else geometry
    if found:
        return found
    if not extents:
        raise ItemError("the item has neither a usable geometry nor bbox nor proj:* fields")
    return hull(box for e in extents for box in bounds_lonlat_boxes(e.lattice.crs, extent_bounds(e)))


def _understood(boxes: Callable[[Any], tuple[Bounds, ...]], source: Any) -> tuple[Bounds, ...] | None:
    """The boxes of a geometry or bbox; None where it is absent or malformed."""
    try:
        return boxes(source) if source else None
    except (OgcServerError, TypeError, ValueError, KeyError, IndexError, AttributeError):
        return None
