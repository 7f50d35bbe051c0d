"""STAC of the demo archive: catalogue, collections and items as plain dictionaries with relative links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from rasterio.warp import transform

from ogcserver.demo.layout import (
    VERSION,
    Band,
    Observation,
    Raster,
    Size,
    alpine_dates,
    alpine_raster,
    lowland_dates,
    lowland_raster,
    radar_bands,
    radar_dates,
    sentinel2_bands,
    surface_bands,
)

Json = dict[str, object]

EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "classification": "https://stac-extensions.github.io/classification/v1.1.0/schema.json",
    "sar": "https://stac-extensions.github.io/sar/v1.0.0/schema.json",
}
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
NOTICE = "SYNTHETIC data, computed from a random seed for demonstrations; not an observation of the Earth."


@dataclass(frozen=True)
class Collection:
    """One collection: its name, grid, bands and dates."""

    id: str
    title: str
    summary: str
    prefix: str
    """Ids of items are this and the date."""
    platform: str
    instrument: str
    raster: Raster
    bands: tuple[Band, ...]
    dates: tuple[Observation, ...]

    def item_id(self, date: Observation) -> str:
        """Identifier of the item of one date."""
        return f"{self.prefix}_{date.time:%Y%m%d}"

    def asset_path(self, date: Observation, band: Band) -> str:
        """Where the band's file is, relative to the archive."""
        return f"{self.id}/{self.item_id(date)}/{self.asset_name(date, band)}"

    def asset_name(self, date: Observation, band: Band) -> str:
        """File name of a band of one date."""
        return f"{self.item_id(date)}_{band.name if band.name[0].isalpha() else 'B' + band.name}.tif"


def collections(size: Size) -> tuple[Collection, Collection, Collection]:
    """The three collections: Sentinel-2 level 2A, Sentinel-2 level 1C, Sentinel-1."""
    return (
        Collection(
            "S2_L2A_T32TPS_20M", "Synthetic Sentinel-2 L2A, tile 32TPS at 20 m",
            "Surface reflectance and scene classification of an alpine landscape, on the grid of MGRS tile 32TPS.",
            "S2A_T32TPS", "sentinel-2a", "msi", alpine_raster(size), surface_bands(), alpine_dates(),
        ),
        Collection(
            "Sentinel2-L1C", "Synthetic Sentinel-2 L1C, Pannonian lowland",
            "Top of atmosphere reflectance of a lowland with fields, a river, a city and a lake.",
            "S2A_L1C", "sentinel-2a", "msi", lowland_raster(size), sentinel2_bands(), lowland_dates(),
        ),
        Collection(
            "Sentinel1-L1-IW-GRD", "Synthetic Sentinel-1 IW GRD, Pannonian lowland",
            "Backscatter in decibels of the lowland of Sentinel2-L1C, on the same grid.",
            "S1A_IW_GRDH", "sentinel-1a", "c-sar", lowland_raster(size), radar_bands(), radar_dates(),
        ),
    )  # fmt: skip


def generator(size: Size) -> str:
    """What the catalogue says made it; an archive made by another is replaced."""
    return f"{VERSION}/{size.factor}.{size.nodes}.{size.steps}"


def catalog_json(size: Size) -> Json:
    """The root, ``catalog.json``."""
    links = [_link("root", "./catalog.json")]
    links += [_link("child", f"./{one.id}/collection.json", title=one.title) for one in collections(size)]
    return {
        "type": "Catalog", "stac_version": "1.0.0", "id": "ogcserver-demo",
        "title": "Demo archive (synthetic)", "description": NOTICE,
        "ogcserver:generator": generator(size), "links": links,
    }  # fmt: skip


def collection_json(collection: Collection) -> Json:
    """``collection.json``; its items lie in folders beside it."""
    bbox, _ = footprint(collection.raster)
    items = [collection.item_id(date) for date in collection.dates]
    links = [_link("root", "../catalog.json"), _link("parent", "../catalog.json")]
    links += [_link("item", f"./{item}/{item}.json", "application/geo+json") for item in items]
    times = [_stamp(date.time) for date in collection.dates]
    optical = [_eo(band) for band in collection.bands if band.column >= 0]
    summaries: Json = {"platform": [collection.platform], "instruments": [collection.instrument]}
    summaries |= {"proj:epsg": [collection.raster.epsg], "gsd": [collection.raster.cell]}
    if optical:
        summaries["eo:bands"] = optical
    return {
        "type": "Collection", "stac_version": "1.0.0", "stac_extensions": _extensions(collection),
        "id": collection.id, "title": collection.title, "description": f"{collection.summary} {NOTICE}",
        "keywords": ["synthetic", "demo", collection.platform], "license": "CC0-1.0",
        "providers": [{"name": "ogcserver demo", "roles": ["producer", "host"]}],
        "extent": {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [[min(times), max(times)]]}},
        "summaries": summaries,
        "item_assets": {band.name: _asset_fields(collection, band) for band in collection.bands},
        "links": links,
    }  # fmt: skip


def item_json(collection: Collection, date: Observation, cloud_cover: float | None) -> Json:
    """One item.

    Args:
        cloud_cover: percent of the scene; None for radar.
    """
    bbox, geometry = footprint(collection.raster)
    properties: Json = {
        "datetime": _stamp(date.time), "platform": collection.platform, "instruments": [collection.instrument],
        "constellation": collection.platform[:-1], "gsd": collection.raster.cell, "ogcserver:synthetic": True,
        **_projection(collection.raster),
    }  # fmt: skip
    if cloud_cover is not None:
        properties["eo:cloud_cover"] = round(cloud_cover, 2)
    else:
        properties |= {"sar:instrument_mode": "IW", "sar:frequency_band": "C", "sar:product_type": "GRD"}
        properties["sar:polarizations"] = [band.name for band in collection.bands]
    assets = {
        band.name: {"href": f"./{collection.asset_name(date, band)}", **_asset_fields(collection, band)}
        | _projection(collection.raster)
        for band in collection.bands
    }
    return {
        "type": "Feature", "stac_version": "1.0.0", "stac_extensions": _extensions(collection),
        "id": collection.item_id(date), "collection": collection.id, "bbox": bbox, "geometry": geometry,
        "properties": properties, "assets": assets,
        "links": [
            _link("root", "../../catalog.json"), _link("parent", "../collection.json"),
            _link("collection", "../collection.json"),
        ],
    }  # fmt: skip


def footprint(raster: Raster) -> tuple[list[float], Json]:
    """(west, south, east, north) in degrees and the outline as a GeoJSON polygon."""
    left, bottom, right, top = raster.bounds
    corners = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
    steps = np.linspace(0, 1, 8, endpoint=False)
    sides = list(pairwise(corners))
    xs = [float(a[0] + t * (b[0] - a[0])) for a, b in sides for t in steps] + [left]
    ys = [float(a[1] + t * (b[1] - a[1])) for a, b in sides for t in steps] + [bottom]
    projected: Sequence[Sequence[float]] = transform(f"EPSG:{raster.epsg}", "EPSG:4326", xs, ys)
    lon, lat = ([round(float(value), 6) for value in axis] for axis in projected[:2])
    ring = [[x, y] for x, y in zip(lon, lat, strict=True)]
    return [min(lon), min(lat), max(lon), max(lat)], {"type": "Polygon", "coordinates": [ring]}


def _asset_fields(collection: Collection, band: Band) -> Json:
    raster: Json = {
        "data_type": band.dtype, "nodata": band.nodata, "scale": band.scale, "offset": 0,
        "spatial_resolution": collection.raster.cell,
    }  # fmt: skip
    if band.unit:
        raster["unit"] = band.unit
    fields: Json = {"title": band.title, "type": COG, "roles": ["data"], "raster:bands": [raster]}
    if band.column >= 0:
        fields |= {"eo:bands": [_eo(band)], "roles": ["data", "reflectance"]}
    if band.name == "SCL":
        fields |= {"classification:classes": _classes(), "roles": ["data", "cloud", "cloud-shadow", "snow-ice"]}
    return fields


def _classes() -> list[Json]:
    names = (
        "no_data", "saturated", "dark_area", "cloud_shadow", "vegetation", "not_vegetated", "water", "unclassified",
        "cloud_medium_probability", "cloud_high_probability", "thin_cirrus", "snow",
    )  # fmt: skip
    return [
        {"value": value, "name": name, "description": name.replace("_", " ").capitalize()}
        for value, name in enumerate(names)
    ]


def _eo(band: Band) -> Json:
    return {
        "name": band.name, "common_name": band.common_name, "center_wavelength": band.center_wavelength,
        "full_width_half_max": band.full_width_half_max,
    }  # fmt: skip


def _projection(raster: Raster) -> Json:
    transform6 = [float(value) for value in tuple(raster.transform)[:6]]
    return {"proj:epsg": raster.epsg, "proj:shape": list(raster.shape), "proj:transform": transform6}


def _extensions(collection: Collection) -> list[str]:
    used = ["proj", "raster"] + (["eo"] if collection.instrument == "msi" else ["sar"])
    used += ["classification"] if any(band.name == "SCL" for band in collection.bands) else []
    return [EXTENSIONS[name] for name in used]


def _link(rel: str, href: str, media: str = "application/json", title: str = "") -> Json:
    link: Json = {"rel": rel, "href": href, "type": media}
    return link | {"title": title} if title else link


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
