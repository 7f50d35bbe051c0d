"""Writing the demo archive: cloud optimised GeoTIFFs and their STAC catalogue, once, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rich.console import Console
from rich.progress import Progress

from ogcserver.demo import catalogue, scene
from ogcserver.demo.catalogue import Collection
from ogcserver.demo.landscape import Landscape, alpine, lowland
from ogcserver.demo.layout import FULL, SEED, Band, Observation, Raster, Size

Pixels = NDArray[Any]
Done = Callable[[], None]
"""Called after each file; may be called from any thread."""

STALE_AFTER = 3600.0
"""Seconds after which a half-written archive beside the folder is taken for abandoned and removed."""


def write_archive(folder: Path, *, progress: bool = True, scale: Size = FULL) -> Path:
    """Write the archive into ``folder`` unless it is there, and return the path of its ``catalog.json``.

    The archive appears at once or not at all. One that another version wrote is replaced.

    Args:
        progress: show a bar on standard error.
        scale: ``FULL``, or ``SMALL`` for tests: the same area in pixels eight times as wide.
    Raises:
        FileExistsError: ``folder`` holds something that is not a demo archive.
    """
    catalog = folder / "catalog.json"
    if _is_current(folder, scale):
        return catalog
    _refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    draft = _sibling(folder)
    try:
        draft.mkdir()
        with _bar(progress, scale) as done:
            _fill(draft, scale, done)
        _put_in_place(draft, folder, scale)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return catalog


def _fill(draft: Path, size: Size, done: Done) -> None:
    """Write every file of the archive, items first and the root last."""
    level2, level1, radar = catalogue.collections(size)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        plain = pool.submit(lowland, SEED + 1, level1.raster.shape, level1.raster.cell)
        grid = level2.raster
        alps = pool.submit(alpine, SEED, grid.shape, grid.cell, nodes=size.nodes, steps=size.steps)
        parts = ((_optical, level2, alps), (_optical, level1, plain), (_radar, radar, plain))
        tasks = [
            pool.submit(write, draft, collection, date, landscape.result(), done)
            for write, collection, landscape in parts
            for date in collection.dates
        ]
        try:
            for task in as_completed(tasks):
                task.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for collection in (level2, level1, radar):
        _write_json(draft / collection.id / "collection.json", catalogue.collection_json(collection))
    _write_json(draft / "catalog.json", catalogue.catalog_json(size))


def _optical(draft: Path, collection: Collection, date: Observation, landscape: Landscape, done: Done) -> None:
    """One date of a Sentinel-2 collection; the level is that of its bands (only 2A has SCL)."""
    top = all(band.name != "SCL" for band in collection.bands)
    moment = scene.observe(landscape, date, SEED, latitude=47.9 if top else 46.6)
    for band in collection.bands:
        if band.name == "SCL":
            pixels: Pixels = scene.classify(moment)
        else:
            pixels = scene.encode(scene.reflectance(moment, band.column, top=top), moment.covered)
        write_cog(draft / collection.asset_path(date, band), pixels, collection.raster, band)
        done()
    cloudy = 100 * float(np.mean(moment.opacity[moment.covered] > scene.CLOUDY))
    _write_item(draft, collection, date, cloudy)


def _radar(draft: Path, collection: Collection, date: Observation, landscape: Landscape, done: Done) -> None:
    for band in collection.bands:
        pixels = scene.backscatter(landscape, date, SEED, band.name)
        write_cog(draft / collection.asset_path(date, band), pixels, collection.raster, band)
        done()
    _write_item(draft, collection, date, None)


def write_cog(path: Path, pixels: Pixels, raster: Raster, band: Band) -> None:
    """One band ``(y, x)`` as a cloud optimised GeoTIFF: deflate, predictor, internal overviews, nodata tag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "height": raster.shape[0], "width": raster.shape[1], "count": 1, "dtype": band.dtype,
        "crs": f"EPSG:{raster.epsg}", "transform": raster.transform, "nodata": band.nodata,
    }  # fmt: skip
    options = {
        "blocksize": raster.block, "compress": "DEFLATE", "level": 5, "overviews": "IGNORE_EXISTING",
        "predictor": "FLOATING_POINT" if band.dtype == "float32" else "STANDARD",
        "overview_resampling": "NEAREST" if band.name == "SCL" else "AVERAGE",
    }  # fmt: skip
    with MemoryFile() as memory, memory.open(**profile) as image:
        image.write(pixels, 1)
        image.set_band_description(1, band.name)
        # copy() lets other threads run; closing a dataset of the COG driver does not
        rasterio.shutil.copy(image, path, driver="COG", **options)


def _write_item(draft: Path, collection: Collection, date: Observation, cloudy: float | None) -> None:
    item = collection.item_id(date)
    _write_json(draft / collection.id / item / f"{item}.json", catalogue.item_json(collection, date, cloudy))


def _write_json(path: Path, content: catalogue.Json) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _generator(folder: Path) -> str | None:
    """What made the archive in ``folder``; None if there is none."""
    try:
        made = json.loads((folder / "catalog.json").read_text(encoding="utf-8")).get("ogcserver:generator")
    except (OSError, ValueError, AttributeError):
        return None
    return made if isinstance(made, str) else None


def _is_current(folder: Path, size: Size) -> bool:
    return _generator(folder) == catalogue.generator(size)


def _refuse_foreign(folder: Path) -> None:
    """Never delete what we did not write."""
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not empty and _generator(folder) is None:
        raise FileExistsError(f"{folder} exists and is not a demo archive; remove it or name another folder")


def _sibling(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.{uuid.uuid4().hex}.part"


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes left behind, but not the draft of one that is still writing."""
    for old in folder.parent.glob(f".{folder.name}.*.part"):
        if time.time() - old.stat().st_mtime > STALE_AFTER:
            shutil.rmtree(old, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path, size: Size) -> None:
    """Rename ``draft`` to ``folder``; if another process was faster, keep what it wrote."""
    retired = _sibling(folder)
    try:
        if _generator(folder) is not None and not _is_current(folder, size):
            folder.rename(retired)
        draft.rename(folder)
    except OSError:
        if not _is_current(folder, size):
            raise
    finally:
        shutil.rmtree(retired, ignore_errors=True)


@contextmanager
def _bar(show: bool, size: Size) -> Iterator[Done]:
    """A progress bar over all files of the archive; yields the function that moves it on by one."""
    files = sum(len(one.dates) * len(one.bands) for one in catalogue.collections(size))
    with Progress(console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task("Writing the demo archive", total=files)
        yield lambda: bar.advance(task)
