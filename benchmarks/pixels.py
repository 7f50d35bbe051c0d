"""W1 to W4 in this process: the engine's share of an answer (bind, read, compute, encode) beside the floor."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial

import imagecodecs
import numpy as np
import rasterio

from benchmarks.archive import Archive
from benchmarks.engine import Geotiff, Local, colour_graph, ndvi_graph, painter, styles, tiles, windows
from benchmarks.floor import Floor
from benchmarks.forget import Caches
from benchmarks.stats import Series
from ogcserver.cube import View
from ogcserver.geo.grid import Grid

SHARE = 1.25
"""The engine may take this many times the floor."""
_RGB = ("B04", "B03", "B02")
Work = Callable[[Grid], bytes]


class Pair:
    """The engine and two floors, one of which decodes in as many threads as the engine, on one archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.local = Local(archive)
        self.caches = Caches()
        self.looks = styles(self.local, archive)
        self.single, self.double = Floor(archive, *self.looks), Floor(archive, *self.looks, threads=2)

    def close(self) -> None:
        self.local.close()
        self.single.close()
        self.double.close()

    def ndvi(self, dates: range) -> Mapping[str, Work]:
        plan = self.local.compile(ndvi_graph(self.archive.days[dates.start : dates.stop]))
        paint = painter(self.looks[0])
        return {
            "engine": lambda grid: self.local.render(plan, View(grid, ("NDVI",)), paint),
            "floor": lambda grid: self.single.ndvi(grid, dates),
            "floor, 2 threads": lambda grid: self.double.ndvi(grid, dates),
        }

    def colour(self, date: int) -> Mapping[str, Work]:
        plan = self.local.compile(colour_graph(self.archive.days[date]))
        paint = painter(self.looks[1])
        return {
            "engine": lambda grid: self.local.render(plan, View(grid, _RGB), paint),
            "floor": lambda grid: self.single.true_colour(grid, date),
            "floor, 2 threads": lambda grid: self.double.true_colour(grid, date),
        }

    def coverage(self, dates: range) -> Mapping[str, Work]:
        plan = self.local.compile(ndvi_graph(self.archive.days[dates.start : dates.stop]))
        return {
            "engine": lambda grid: self.local.render(plan, View(grid, ("NDVI",)), Geotiff()),
            "floor": lambda grid: self.single.coverage(grid, dates),
            "floor, 2 threads": lambda grid: self.double.coverage(grid, dates),
        }

    def forget_blocks(self) -> None:
        self.caches.forget_blocks()
        self.single.forget()
        self.double.forget()


def compare(pair: Pair, title: str, work: Mapping[str, Work], grids: list[Grid]) -> tuple[Series, Series]:
    """Each task on its first visit, then again with decoded blocks; after all answers were found to be the same."""
    first, again = Series(f"{title}, first visit"), Series(f"{title}, again")
    for turn, grid in enumerate(grids):
        answers = {name: call(grid) for name, call in work.items()}  # the system's pages, compiled loops, open files
        check_same(answers)
        pair.forget_blocks()
        tasks = {name: partial(call, grid) for name, call in work.items()}
        first.take_turns(tasks, turn)
        pair.caches.forget_places()
        again.take_turns(tasks, turn)
    return first, again


def check_same(answers: Mapping[str, bytes]) -> None:
    """
    Raises:
        ValueError: the pixels of two answers differ.
    """
    pixels = {name: decode(body) for name, body in answers.items()}
    reference = next(iter(pixels.values()))
    for name, found in pixels.items():
        if not np.array_equal(found, reference, equal_nan=True):
            raise ValueError(f"{name} gives other pixels than {next(iter(pixels))}")


def decode(body: bytes) -> np.ndarray:
    """Pixels of a PNG as R, G, B, A (missing ones black), or of a GeoTIFF as floats."""
    if body[:4] != b"\x89PNG":
        with rasterio.open(io.BytesIO(body)) as file:
            return np.asarray(file.read(1), np.float64)
    image = imagecodecs.png_decode(body).astype(np.float64)
    if image.shape[2] == 3:
        image = np.dstack([image, np.full(image.shape[:2], 255.0)])
    image[image[..., 3] == 0] = 0.0
    return image


def report(results: tuple[Series, Series]) -> None:
    for series in results:
        series.print(reference(series), {"engine": SHARE})


def reference(series: Series) -> str:
    """The faster of the floors."""
    return min(("floor", "floor, 2 threads"), key=series.median)


def w1(pair: Pair, count: int) -> tuple[Series, Series]:
    grids = [tile.grid for tile in tiles(pair.archive, count, 1)]
    return compare(pair, "W1 true colour, one date", pair.colour(0), grids)


def w2(pair: Pair, count: int) -> tuple[Series, Series]:
    grids = [tile.grid for tile in tiles(pair.archive, count, 2)]
    return compare(pair, "W2 NDVI, one date", pair.ndvi(range(1)), grids)


def w3(pair: Pair, count: int, dates: int) -> tuple[Series, Series]:
    grids = [tile.grid for tile in tiles(pair.archive, count, 3)]
    return compare(pair, f"W3 minimum NDVI, {dates} dates", pair.ndvi(range(dates)), grids)


def w4(pair: Pair, count: int, dates: int = 12, edge: int = 1000) -> tuple[Series, Series]:
    grids = list(windows(pair.archive, count, edge, 4))
    return compare(
        pair, f"W4 coverage {edge} x {edge}, minimum NDVI, {dates} dates", pair.coverage(range(dates)), grids
    )
