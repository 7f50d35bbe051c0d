"""Statistics of 80,000 polygons over twelve dates, beside a loop over rasterio and exactextract.

    python benchmarks/zonal.py [--cache DIR] [--polygons N] [--dates N] [FUNCTION ...]

Each way runs in a process of its own, whose time and largest memory are told. The polygons are quadrilaterals that
share their edges and cover the archive; the values of the first statistic are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.archive import COLLECTION, Archive, Size, write
from ogcserver.batch.zonal import ZonalProduct
from ogcserver.crew import worker_settings
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import Context
from ogcserver.parts import open_parts
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.settings import Catalog, Server, Settings
from ogcserver.sources.region_files import RegionFolder
from ogcserver.zonal.survey import survey

_BAND = "B8A"
_THEIRS = {"avg": "mean", "sd": "stdev", "q25": "quantile(q=0.25)", "q75": "quantile(q=0.75)"}


def polygons(archive: Archive, count: int) -> Any:
    """Quadrilaterals with shared, shaken corners, row by row, in EPSG:32632."""
    xmin, ymin, xmax, ymax = archive.bounds
    across = int(np.ceil(np.sqrt(count)))
    random = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(xmin, xmax, across + 1), np.linspace(ymax, ymin, across + 1))
    shake = 0.3 * (xmax - xmin) / across
    x[1:-1, 1:-1] += random.uniform(-shake, shake, x[1:-1, 1:-1].shape)
    y[1:-1, 1:-1] += random.uniform(-shake, shake, y[1:-1, 1:-1].shape)
    points = np.stack([x, y], axis=-1)
    corners = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    return shapely.polygons(corners.reshape(-1, 4, 2)[:count])


def ours(archive: Archive, regions: Path, folder: Path, dates: int, functions: list[str]) -> None:
    """What a worker of a batch does, chunk after chunk, and the GeoPackage."""
    settings = Settings(server=Server(data_dir=folder / "data"), catalogs=(Catalog(str(archive.catalog)),))
    parts = open_parts(worker_settings(settings), "sqlite://")
    ranged = {"imagery": {"product_id": COLLECTION}, "from": archive.days[0], "to": archive.days[dates - 1]}
    bands = {"imagery": {"process_id": "filter_daterange", "args": ranged}, "bands": _BAND}
    args = {"imagery": {"process_id": "filter_bands", "args": bands}, "regions": "regions", "func": functions}
    compiler = parts.compiler
    context = Context(
        compiler.processes, compiler.collections, None, regions=RegionFolder(lambda address: regions)  # type: ignore[arg-type]
    )  # fmt: skip
    plan = compile_graph({"process_id": "zonal_statistics", "args": args}, context)
    assert isinstance(plan, AggregateSpatial)

    async def make() -> None:
        found = await parts.engine.describe(plan.data)
        product = ZonalProduct.of(survey(plan, found, "nearest"), found, "GPKG", {})
        (folder / "chunks").mkdir()
        for number in range(product.total):
            await product.compute(number, parts.engine, plan, folder / "chunks")
        product.finish(folder / "chunks", folder / "ours.gpkg", plan)
        table = product.survey.table(folder / "chunks", plan)
        np.save(folder / "ours.npy", table.values[:, :, 0, 0])

    asyncio.run(make())
    parts.close()


def by_hand(archive: Archive, regions: Path, folder: Path, dates: int, functions: list[str]) -> None:
    """Each date read whole, then exactextract over all polygons; no table is written."""
    import rasterio
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    content = json.loads(regions.read_text())
    features = content["features"]
    made, first = [], {"q25": "quantile_25", "q75": "quantile_75"}.get(functions[0], "")
    first = first or _THEIRS.get(functions[0], functions[0])
    for date in range(dates):
        with rasterio.open(archive.path(date, _BAND)) as file:
            stored = file.read(1, out_dtype="float32")
            stored[stored == file.nodata] = np.nan
            bounds = file.bounds
        source = NumPyRasterSource(stored, bounds.left, bounds.bottom, bounds.right, bounds.top)
        found = exact_extract(source, features, [_THEIRS.get(name, name) for name in functions])
        made.append([one["properties"][first] for one in found])
    np.save(folder / "hand.npy", np.array(made, float).T)


def _run(way: str, arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder), *sys.argv[1:]]
    start = time.monotonic()
    subprocess.run(command, check=True)
    seconds = time.monotonic() - start
    return {"seconds": round(seconds, 1), **json.loads((folder / f"{way}.json").read_text())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=["avg"])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ogcserver-benchmarks")
    parser.add_argument("--polygons", type=int, default=80_000)
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--way", choices=("ours", "hand"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    functions = arguments.functions or ["avg"]
    archive = write(arguments.cache, Size())
    if arguments.way:
        work = {"ours": ours, "hand": by_hand}[arguments.way]
        begin = time.process_time()
        work(archive, arguments.folder / "regions.geojson", arguments.folder, arguments.dates, functions)
        used = {
            "cpu_seconds": round(time.process_time() - begin, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }
        (arguments.folder / f"{arguments.way}.json").write_text(json.dumps(used))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shapes = shapely.to_geojson(polygons(archive, arguments.polygons))
        features = ",\n".join(f'{{"type": "Feature", "properties": {{}}, "geometry": {shape}}}' for shape in shapes)
        crs = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}'
        (folder / "regions.geojson").write_text(f'{{"type": "FeatureCollection", {crs}, "features": [{features}]}}')
        print(f"{arguments.polygons} polygons, {arguments.dates} dates, {', '.join(functions)}; load {os.getloadavg()}")
        for way in ("ours", "hand"):
            print(way, _run(way, arguments, folder), f"load {os.getloadavg()[0]:.1f}", flush=True)
        ours_made, theirs = np.load(folder / "ours.npy"), np.load(folder / "hand.npy")
        # values of ours are physical: digital numbers x 0.0001
        scale = np.nanmedian(ours_made / theirs)
        away = np.nanmax(np.abs(ours_made - theirs * scale) / np.abs(ours_made))
        print(f"largest relative difference {away:.1e}; missing {np.isnan(ours_made).sum()} {np.isnan(theirs).sum()}")


if __name__ == "__main__":
    main()
