"""W10: tiles of 12 dates from files behind a web server that takes 30 ms for every answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from benchmarks.archive import Archive
from benchmarks.engine import Local, Tile, ndvi_graph, painter, styles, tiles
from benchmarks.forget import Caches
from benchmarks.pixels import check_same
from benchmarks.server import ROOT, Http, free_port
from benchmarks.stats import Series, timed
from ogcserver.cube import View
from ogcserver.geo.crs import project

DELAY_MS = 30.0
ROUND_TRIPS = 4
"""The most that the first tile may take, from files that nobody has opened."""
_ZOOMS = range(11, 15)


class Far:
    """The archive's files behind a web server, and a catalogue here that leads to them."""

    def __init__(self, archive: Archive, delay_ms: float = DELAY_MS) -> None:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.delayed", str(archive.folder), str(port), str(delay_ms)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        self._http = Http(port)
        self._folder = Path(tempfile.mkdtemp(prefix="ogcserver-bench-"))
        self.archive = Archive(self._folder, archive.size)
        _rewritten(archive.folder, self._folder, f"http://127.0.0.1:{port}")
        self._wait()

    def _wait(self) -> None:
        for _ in range(500):
            try:
                self.counts()
                return
            except OSError:
                self._http.close()
                time.sleep(0.02)
        raise RuntimeError("the web server does not start")

    def counts(self) -> Mapping[str, int]:
        """``requests`` and ``bytes`` since the last call."""
        found: Mapping[str, int] = json.loads(self._http.get("/counts"))
        return found

    def __enter__(self) -> Far:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)


def _rewritten(source: Path, target: Path, address: str) -> None:
    """The documents of a catalogue, with addresses of the files in place of paths."""
    for path in source.rglob("*.json"):
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        place = path.parent.relative_to(source)
        for asset in document.get("assets", {}).values() if document.get("type") == "Feature" else ():
            asset["href"] = f"{address}/{(place / asset['href']).as_posix()}"
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(json.dumps(document), encoding="utf-8")


def run(archive: Archive, quick: bool, delay_ms: float = DELAY_MS) -> None:
    dates = min(12, archive.size.dates)
    rounds = 8 if quick else 16
    series = Series(f"W10 minimum NDVI, {dates} dates, files behind {delay_ms:g} ms, engine in process")
    counts: dict[str, list[Mapping[str, int]]] = {}
    with Far(archive, delay_ms) as far:
        here, there = Local(archive), Local(far.archive)
        caches = Caches()
        renderers = {"there": _renderer(there, archive, dates), "here": _renderer(here, archive, dates)}
        for tile in tiles(archive, rounds, 10, _ZOOMS):
            caches.forget_files()
            measure(series, counts, renderers, far, tile)
        here.close()
        there.close()
    series.print("first, files here")
    for name, found in counts.items():
        requests, size = (sum(one[key] for one in found) / len(found) for key in ("requests", "bytes"))
        print(f"  {name:28} {requests:6.1f} requests, {size / 1e6:6.2f} MB")
    first, here = series.median("first"), series.median("first, files here")
    if delay_ms:
        verdict = "holds" if first <= ROUND_TRIPS * delay_ms else "MISSED"
        print(
            f"  first: {first / delay_ms:.2f} round trips, {(first - here) / delay_ms:.2f} more than with files here, "
            f"the fastest {min(series.times['first']) / delay_ms:.2f}   at most {ROUND_TRIPS}: {verdict}",
            flush=True,
        )


def measure(
    series: Series,
    counts: dict[str, list[Mapping[str, int]]],
    renderers: Mapping[str, Callable[[Tile], bytes]],
    far: Far,
    tile: Tile,
) -> None:
    """One tile of files that nobody has opened, one a block further, and again; beside files here, pixels compared."""
    for name, wanted in (("first", tile), ("a block further", beside(tile, far.archive)), ("again", tile)):
        answers: dict[str, bytes] = {}
        far.counts()
        series.add(name, timed(partial(_keep, answers, "there", renderers["there"], wanted)))
        counts.setdefault(name, []).append(far.counts())
        series.add(f"{name}, files here", timed(partial(_keep, answers, "here", renderers["here"], wanted)))
        check_same(answers)


def beside(tile: Tile, archive: Archive) -> Tile:
    """A tile as far away as a block is wide, on the side where there is more of the archive."""
    tiles_of_a_block = 2 ** (tile.zoom - _ZOOMS.start)
    west, _, east, _ = tile.grid.bounds
    middle, _ = project("EPSG:32632", "EPSG:3857", *(np.array([sum(archive.bounds[n::2]) / 2]) for n in (0, 1)))
    return Tile(
        tile.zoom, tile.row, tile.col + (tiles_of_a_block if (west + east) / 2 < middle[0] else -tiles_of_a_block)
    )


def _keep(answers: dict[str, bytes], name: str, render: Callable[[Tile], bytes], tile: Tile) -> None:
    answers[name] = render(tile)


def _renderer(local: Local, archive: Archive, dates: int) -> Callable[[Tile], bytes]:
    """Makes tiles, after the first of them: the catalogue is read, kernels are compiled, connections are made."""
    plan = local.compile(ndvi_graph(archive.days[:dates]))
    paint = painter(styles(local, archive)[0])

    def render(tile: Tile) -> bytes:
        return local.render(plan, View(tile.grid, plan.type.names), paint)

    for tile in tiles(archive, 2 * len(_ZOOMS), 1, _ZOOMS):
        render(tile)
    return render
