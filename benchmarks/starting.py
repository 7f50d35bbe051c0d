"""W11: from the start of the process to the first answer, and the first tiles: with no compiled code, and with it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from statistics import median

from benchmarks.archive import Archive
from benchmarks.engine import NDVI_LOOK, Tile, ndvi_graph, tiles
from benchmarks.server import Server, path
from benchmarks.stats import timed

FIRST_ANSWER_S = 3.0
_DATES = 12


@dataclass(frozen=True)
class Start:
    """Seconds, and milliseconds of tiles."""

    ready_s: float
    first_ms: float
    compiled: int
    """Kernels compiled, not loaded from the disk, by the end of the first tile."""
    opened_ms: float
    """Files and index grids forgotten, kernels loaded."""


def run(archive: Archive, quick: bool) -> None:
    print(f"\nW11 the start of a server, minimum NDVI of {_DATES} dates, zoom 13; each tile at another place")
    later: list[Start] = []
    with tempfile.TemporaryDirectory(prefix="ogcserver-kernels-") as kernels:
        variables = {"NUMBA_CACHE_DIR": kernels}
        report("the very first, no compiled code", [_start(archive, variables, 0.0)])
        for _ in range(3 if quick else 5):
            later.append(_start(archive, variables, 0.0))
        report("compiled code on the disk, asked at once", later)
        report("  asked after 2 s", [_start(archive, variables, 2.0)])
    ready = median(one.ready_s for one in later)
    compiled = max(one.compiled for one in later)
    print(f"  first answer after {ready:.2f} s   at most {FIRST_ANSWER_S:g}: {_verdict(ready <= FIRST_ANSWER_S)}")
    print(
        f"  kernels compiled before the end of the first tile {compiled}   none: {_verdict(compiled == 0)}", flush=True
    )


def _verdict(holds: bool) -> str:
    return "holds" if holds else "MISSED"


def _start(archive: Archive, variables: dict[str, str], pause_s: float) -> Start:
    first, *others = tiles(archive, 8, 11, range(13, 14))
    with Server(archive, {"response_mb": 0, "array_mb": 0}, variables=variables) as server:
        layer = server.layer(ndvi_graph(archive.days[:_DATES]), NDVI_LOOK)
        time.sleep(pause_s)
        first_ms = _tile(server, layer, first)
        compiled = int(server.http.get("/bench/compiled"))
        for tile in others[:3]:
            _tile(server, layer, tile)
        unopened = []
        for tile in others[3:]:
            server.forget("files")
            unopened.append(_tile(server, layer, tile))
        _settle(server)
        return Start(server.ready_s, first_ms, compiled, median(unopened))


def _settle(server: Server, quiet_s: float = 3.0) -> None:
    """Waits until the server compiles no more: what it has not finished, the next one would do again."""
    known = -1
    while (now := int(server.http.get("/bench/compiled"))) != known:
        known = now
        time.sleep(quiet_s)


def _tile(server: Server, layer: str, tile: Tile) -> float:
    return timed(lambda: server.http.get(path(layer, tile)))


def report(title: str, starts: list[Start]) -> None:
    names = ("ready_s", "first_ms", "opened_ms", "compiled")
    ready, first, opened, compiled = (median(getattr(one, name) for one in starts) for name in names)
    print(
        f"  {title:42} first answer {ready:6.2f} s   first tile {first:8.1f} ms, {compiled:2.0f} kernels compiled   "
        f"later tile, its files unopened {opened:7.1f} ms",
        flush=True,
    )
