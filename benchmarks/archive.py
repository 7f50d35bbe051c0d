"""The archive that everything here reads: one Sentinel-2 tile at 20 m on the grid of MGRS tile 32TPS, made once.

Values are synthetic but weigh like real ones: reflectance of a relief with plants, seasons, drifting clouds, noise and,
on every fourth date, a swath edge. Files are COGs, deflate with predictor 2, blocks of 512 pixels, overviews.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogcserver.demo import catalogue
from ogcserver.demo.archive import write_cog
from ogcserver.demo.fields import fractal
from ogcserver.demo.layout import Band, Observation, Raster, surface_bands

COLLECTION = "S2_L2A_T32TPS_20M"
_TEXTURE = 2048
_VERSION = "benchmark-archive-1"
_MATERIALS = {"B02": (450, -250, 120), "B03": (650, -150, 170), "B04": (800, -550, 220), "B8A": (1500, 2100, 350)}
"""Of each band: digital number of bare flat ground, what vegetation adds, and how much the relief changes."""


@dataclass(frozen=True)
class Size:
    """How large an archive: ``dates`` scenes of ``edge`` x ``edge`` pixels."""

    dates: int = 36
    edge: int = 5490
    block: int = 512

    @property
    def name(self) -> str:
        return f"archive-{self.dates}x{self.edge}"


@dataclass(frozen=True)
class Archive:
    """What was written: ``files[date][band]``, oldest first."""

    folder: Path
    size: Size

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.json"

    @property
    def layout(self) -> catalogue.Collection:
        return _collection(self.size)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax) in EPSG:32632."""
        return self.layout.raster.bounds

    @property
    def days(self) -> tuple[str, ...]:
        """The days of the scenes, such as 2017-01-03."""
        return tuple(f"{date.time:%Y-%m-%d}" for date in self.layout.dates)

    def path(self, date: int, band: str) -> str:
        layout = self.layout
        found = next(one for one in layout.bands if one.name == band)
        return str(self.folder / layout.asset_path(layout.dates[date], found))


def write(cache: Path, size: Size) -> Archive:
    """The archive in a folder of ``cache``, written unless it is there."""
    archive = Archive(cache / size.name, size)
    if archive.catalog.exists() and json.loads(archive.catalog.read_text())["title"] == _VERSION:
        return archive
    shutil.rmtree(archive.folder, ignore_errors=True)
    archive.folder.mkdir(parents=True)
    start = time.monotonic()
    print(f"writing {archive.folder} ({size.dates} dates of {size.edge} x {size.edge} pixels)", file=sys.stderr)
    textures = tuple(fractal(seed, (_TEXTURE, _TEXTURE), slope, 512) for seed, slope in ((1, 1.9), (2, 1.6), (3, 1.9)))
    with ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(pool.map(lambda date: _write_date(archive, date, textures), range(size.dates)), 1):
            print(f"\r{done}/{size.dates}", end="", file=sys.stderr, flush=True)
    print(f"\nwritten in {time.monotonic() - start:.0f} s", file=sys.stderr)
    _write_json(archive.folder / COLLECTION / "collection.json", catalogue.collection_json(archive.layout))
    _write_json(archive.catalog, _root())
    return archive


def _collection(size: Size) -> catalogue.Collection:
    first = datetime(2017, 1, 3, 10, 15, 12, tzinfo=UTC)
    dates = tuple(Observation(first + timedelta(days=10 * number)) for number in range(size.dates))
    raster = Raster(32632, 600000.0, 5200020.0, 20.0, (size.edge, size.edge), size.block)
    return catalogue.Collection(
        COLLECTION, "Synthetic Sentinel-2 L2A for benchmarks", "Values that weigh like real ones.", "S2A_T32TPS",
        "sentinel-2a", "msi", raster, surface_bands(), dates,
    )  # fmt: skip


def _root() -> dict[str, Any]:
    child = {"rel": "child", "href": f"./{COLLECTION}/collection.json", "type": "application/json"}
    return {
        "type": "Catalog", "stac_version": "1.0.0", "id": "ogcserver-benchmarks", "title": _VERSION,
        "description": catalogue.NOTICE, "links": [child],
    }  # fmt: skip


def _write_date(archive: Archive, number: int, textures: Sequence[NDArray[np.float32]]) -> None:
    layout = archive.layout
    date = layout.dates[number]
    season = 0.55 - 0.45 * np.cos(2 * np.pi * date.day / 365.25)
    for order, band in enumerate(layout.bands):
        edge = archive.size.edge if number % 4 == 3 else 0
        pixels = _pixels(band, archive.size.edge, textures, number, order, season, edge)
        write_cog(archive.folder / layout.asset_path(date, band), pixels, layout.raster, band)
    item = layout.item_id(date)
    _write_json(archive.folder / COLLECTION / item / f"{item}.json", catalogue.item_json(layout, date, 20.0))


def _pixels(
    band: Band, edge: int, textures: Sequence[NDArray[np.float32]], number: int, order: int, season: float, swath: int
) -> NDArray[Any]:
    base, green, relief = _MATERIALS.get(band.name, (0, 0, 0))
    if band.name == "SCL":
        out = np.empty((edge, edge), np.uint8)
        _classes(*textures, 137 * number, 211 * number, swath, out)
    else:
        out = np.empty((edge, edge), np.uint16)
        _reflectance(
            *textures, 137 * number, 211 * number, swath, base, green * season, relief, number * 8 + order, out
        )
    return out


@njit(nogil=True, cache=True)
def _missing(row, col, swath):  # type: ignore[no-untyped-def]
    return swath > 0 and col > 0.72 * swath + 0.2 * row


@njit(nogil=True, cache=True)
def _reflectance(land, plants, sky, down, right, swath, base, green, relief, salt, out):  # type: ignore[no-untyped-def]
    mask = land.shape[0] - 1
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            if _missing(row, col, swath):
                out[row, col] = 0
                continue
            cover = min(max(0.5 + 0.4 * plants[row & mask, col & mask], 0.0), 1.0)
            ground = base + green * cover + relief * land[row & mask, col & mask]
            cloud = min(max(1.6 * sky[(row + down) & mask, (col + right) & mask] - 1.2, 0.0), 1.0)
            mixed = (row * 73856093) ^ (col * 19349663) ^ (salt * 83492791)
            mixed = (mixed ^ (mixed >> 13)) * 1274126177
            noise = ((mixed >> 8) & 7) + ((mixed >> 16) & 7) - 7
            out[row, col] = min(max(ground + cloud * (6500.0 - ground) + noise, 1.0), 12000.0)


@njit(nogil=True, cache=True)
def _classes(land, plants, sky, down, right, swath, out):  # type: ignore[no-untyped-def]
    mask = land.shape[0] - 1
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            cloud = 1.6 * sky[(row + down) & mask, (col + right) & mask] - 1.2
            kind = 9 if cloud > 0.6 else 8 if cloud > 0.0 else 4 if plants[row & mask, col & mask] > 0.0 else 5
            out[row, col] = 0 if _missing(row, col, swath) else kind


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
