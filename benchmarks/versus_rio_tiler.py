"""A 256 px web-mercator tile of the minimum NDVI over 12 dates: the engine, and rio-tiler's ``Reader.tile`` per asset.

Both read the demo archive (local COGs, written to a temporary folder), or one with the same collection whose folder is
given, and take turns on the same random tiles. *first* is a tile whose files nobody has opened yet in this process;
*again* repeats it with the caches of results off; *cached* is the encoded answer from the LRU.
"""

from __future__ import annotations

import asyncio
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import morecantile
import numpy as np
from rio_tiler.io import Reader as TilerReader

from ogcserver.cube import View
from ogcserver.demo.archive import write_archive
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import Style
from ogcserver.encode.style_args import parse_style
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.geo.crs import project
from ogcserver.geo.matrix_sets import WEB_MERCATOR, standard_sets
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import BandName, Context
from ogcserver.plan.expr import Expr
from ogcserver.processes.registry import processes
from ogcserver.sources.base import Collection, FileBand
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings
from ogcserver.sources.stac_static import StaticCatalog
from ogcserver.timeline import ALWAYS

COLLECTION = "S2_L2A_T32TPS_20M"
DATES = 12


def graph(last: str) -> dict[str, object]:
    """The minimum NDVI until a day."""
    dated = {"process_id": "filter_daterange", "args": {"imagery": {"product_id": COLLECTION}, "to": last}}
    ndvi = {"process_id": "NDVI", "args": {"imagery": dated, "red": "B04", "nir": "B8A"}}
    return {"process_id": "min_time", "args": {"imagery": ndvi}}


class Stored:
    def graph(self, name: str) -> dict[str, object]:
        raise KeyError(name)


class Sources:
    def __init__(self, location: Path) -> None:
        self.collections = StaticCatalog(str(location)).collections()

    def get(self, name: str) -> Collection:
        return self.collections[name]

    def bands(self, name: str) -> tuple[BandName, ...]:
        return tuple(BandName(info.band, info.common_name) for info in self.get(name).info.bands)


def engine(sources: Sources, array_bytes: int, response_bytes: int) -> Engine:
    reader = Reader({FileBand: CogReader(GdalReader())}, Samplings(64 << 20))
    return Engine(sources.get, reader, Limits(), response_bytes, array_bytes)


class PngEncoder:
    def __init__(self, style: Style) -> None:
        self.style = style
        self.token = f"png {style.token}"

    def __call__(self, block: object) -> bytes:
        return encode_png(block, self.style)  # type: ignore[arg-type]


def tiler(files: list[tuple[str, str]], tile: morecantile.Tile) -> np.ndarray:
    """What a script with rio-tiler does: every asset opened and warped, then numpy."""
    lowest = None
    for red, nir in files:
        planes = []
        for path in (red, nir):
            with TilerReader(path) as source:
                planes.append(source.tile(tile.x, tile.y, tile.z).array[0].astype(np.float32) * np.float32(0.0001))
        with np.errstate(all="ignore"):
            ndvi = (planes[1] - planes[0]) / (planes[1] + planes[0])
        lowest = ndvi if lowest is None else np.ma.minimum(lowest, ndvi)
    return lowest


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def tiles(plan: Expr, runner: asyncio.Runner, served: Engine, count: int) -> list[morecantile.Tile]:
    grid = runner.run(served.describe(plan)).grid
    west, south, east, north = grid.bounds
    chosen = []
    pick, quad = random.Random(1), morecantile.tms.get("WebMercatorQuad")
    for number in range(count):
        x, y = pick.uniform(west, east), pick.uniform(south, north)
        lon, lat = project(grid.crs, "EPSG:4326", np.array([x]), np.array([y]))
        chosen.append(quad.tile(float(lon[0]), float(lat[0]), 11 + number % 4))
    return chosen


def main(catalog: Path, count: int = 24) -> None:
    sources = Sources(catalog)
    context = Context(processes(), sources, Stored())  # type: ignore[arg-type]
    items = sources.get(COLLECTION).search([(-180.0, -90.0, 180.0, 90.0)], ALWAYS)[:DATES]
    plan = compile_graph(graph(items[-1].time[:10]), context)
    files = [(item.bands["B04"].place.href, item.bands["B8A"].place.href) for item in items]  # type: ignore[union-attr]
    style = parse_style({"colormap": "rdylgn", "rescale": [-0.2, 0.8]}, plan.type.bands)
    encoder = PngEncoder(style)
    results: dict[str, list[float]] = {"engine first": [], "engine again": [], "engine cached": [], "rio-tiler": []}
    with asyncio.Runner() as runner:
        warm = engine(sources, 0, 0)
        for tile in tiles(plan, runner, warm, count):
            grid = standard_sets()[WEB_MERCATOR].matrices[tile.z].tile(tile.y, tile.x)
            view = View(grid, ("NDVI",))
            runner.run(engine(sources, 0, 0).evaluate(plan, view))  # compiled kernels, and the system's page cache
            cold = engine(sources, 0, 0)
            cached = engine(sources, 64 << 20, 64 << 20)
            runner.run(cached.render(plan, view, encoder))
            results["engine first"].append(timed(lambda e=cold, v=view: runner.run(e.render(plan, v, encoder))))
            results["rio-tiler"].append(timed(lambda t=tile: tiler(files, t)))
            results["engine again"].append(timed(lambda e=cold, v=view: runner.run(e.render(plan, v, encoder))))
            results["engine cached"].append(timed(lambda e=cached, v=view: runner.run(e.render(plan, v, encoder))))
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {count} tiles")
    reference = statistics.median(results["rio-tiler"])
    for name, times in results.items():
        middle = statistics.median(times)
        print(
            f"{name:14} median {middle:8.2f} ms   p95 {sorted(times)[int(len(times) * 0.95)]:8.2f} ms   "
            f"rio-tiler / this {reference / middle:7.1f}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]) / "catalog.json")
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(write_archive(Path(folder) / "archive", progress=False))
