"""NDVI of real collections computed with rasterio and numpy alone, to compare with."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from ogcserver.geo.grid import Grid

BANDS = {
    "landsat8-l1tp-nyc": ("B4", "B5"),
    "naip-prairie-nd": ("R", "N"),
    "cbers4-awfi-brazil": ("B15", "B16"),
}
"""Red and near infrared of each collection."""


def sampled(folder: Path, asset: dict[str, Any], name: str, grid: Grid) -> np.ndarray[Any, Any]:
    """One band of one item on a grid by nearest pixel, float32, NaN where missing; with rasterio alone."""
    names = [band["name"] for band in asset["eo:bands"]]
    number = names.index(name)
    facts = asset["raster:bands"][number]
    with rasterio.open(folder / asset["href"]) as file:
        stored, inverse = file.read(number + 1), ~file.transform
    west, _, _, north = grid.bounds
    x = west + (np.arange(grid.width) + 0.5) * grid.lattice.dx
    y = north - (np.arange(grid.height) + 0.5) * grid.lattice.dy
    # a pixel centre on the edge between two source pixels belongs to the right and lower one
    cols = np.floor(inverse.a * x + inverse.c + 1e-6).astype(int)
    rows = np.floor(inverse.e * y + inverse.f + 1e-6).astype(int)
    inside = ((rows >= 0) & (rows < stored.shape[0]))[:, None] & ((cols >= 0) & (cols < stored.shape[1]))[None, :]
    picked = stored[np.clip(rows, 0, stored.shape[0] - 1)[:, None], np.clip(cols, 0, stored.shape[1] - 1)[None, :]]
    valid = inside & (picked != facts["nodata"])
    scale, offset = np.float32(facts.get("scale", 1)), np.float32(facts.get("offset", 0))
    return np.where(valid, picked.astype(np.float32) * scale + offset, np.float32(np.nan))


def ndvi_by_day(folder: Path, red: str, nir: str, grid: Grid) -> list[np.ndarray[Any, Any]]:
    days: dict[str, list[tuple[str, str, Path]]] = defaultdict(list)
    for path in folder.glob("*/*.json"):
        item = json.loads(path.read_text())
        days[item["properties"]["datetime"][:10]].append((item["properties"]["datetime"], item["id"], path))
    series = []
    for day in sorted(days):
        mosaic = {name: np.full(grid.shape, np.nan, np.float32) for name in (red, nir)}
        for _, _, path in sorted(days[day]):
            assets = json.loads(path.read_text())["assets"].values()
            for name, plane in mosaic.items():
                asset = next(a for a in assets if name in [band["name"] for band in a["eo:bands"]])
                plane[np.isnan(plane)] = sampled(path.parent, asset, name, grid)[np.isnan(plane)]
        with np.errstate(all="ignore"):
            series.append((mosaic[nir] - mosaic[red]) / (mosaic[nir] + mosaic[red]))
    return series


def reduced(stack: np.ndarray[Any, Any], reducer: str) -> np.ndarray[Any, Any]:
    """The ``min`` or ``mean`` along the first axis of what is not missing, float32."""
    with np.errstate(all="ignore"):
        if reducer == "min":
            return np.asarray(np.fmin.reduce(stack))
        total = np.nansum(stack, axis=0, dtype=np.float64)
        return (total / np.count_nonzero(~np.isnan(stack), axis=0)).astype(np.float32)
