"""W7: first-visit tiles at concurrency 8 from one and from two server processes: tiles a second, and memory."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.archive import Archive
from benchmarks.engine import NDVI_LOOK, Tile, ndvi_graph, tiles
from benchmarks.server import Http, Server, path

CLIENTS = 8
GAIN = 1.6
MEMORY_MIB = 700


def run(archive: Archive, quick: bool) -> None:
    batch, total = (40, 400) if quick else (100, 10_000)
    fresh = _fresh(archive)
    with Server(archive) as one, Server(archive, workers=2) as two:
        graph = ndvi_graph(archive.days[:12])
        layers = {server.port: server.layer(graph, NDVI_LOOK) for server in (one, two)}
        seconds = {one.port: 0.0, two.port: 0.0}
        for server in (one, two):  # both of two processes have to open files
            ask(server.port, [path(layers[server.port], tile) for tile in itertools.islice(fresh, 40)])
        for _ in range(3):
            for server in (one, two):
                addresses = [path(layers[server.port], tile) for tile in itertools.islice(fresh, batch)]
                seconds[server.port] += ask(server.port, addresses)
        single, double = (3 * batch / seconds[server.port] for server in (one, two))
        print(f"\nW7 first-visit tiles, minimum NDVI of 12 dates, {CLIENTS} clients")
        print(
            f"  one process {single:.1f} tiles/s   two {double:.1f} tiles/s   ratio {double / single:.2f}   "
            f"at least {GAIN:g}: {'holds' if double / single >= GAIN else 'MISSED'}",
            flush=True,
        )
        _memory(two, layers[two.port], fresh, total)


def _memory(server: Server, layer: str, fresh: Iterator[Tile], total: int) -> None:
    """Peak memory of each process while it answers ``total`` more tiles."""
    done = 0
    for part in (total // 10, total // 4, total // 2, total):
        ask(server.port, [path(layer, tile) for tile in itertools.islice(fresh, part - done)])
        done = part
        peaks = server.peak_mib()
        print(
            f"  after {part:6} more tiles: peak memory of each process {', '.join(f'{peak:.0f}' for peak in peaks)} MiB"
            f"   under {MEMORY_MIB}: {'holds' if max(peaks) < MEMORY_MIB else 'MISSED'}",
            flush=True,
        )


def _fresh(archive: Archive) -> Iterator[Tile]:
    """Random tiles, none twice."""
    seen: set[Tile] = set()
    for seed in itertools.count(700):
        for tile in tiles(archive, 1000, seed, range(12, 16)):
            if tile not in seen:
                seen.add(tile)
                yield tile


def ask(port: int, addresses: list[str]) -> float:
    """Seconds until all answers are there, with :data:`CLIENTS` at a time, each over a connection of its own."""
    local = threading.local()
    opened: list[Http] = []

    def get(address: str) -> None:
        if not hasattr(local, "http"):
            local.http = Http(port)
            opened.append(local.http)
        local.http.get(address)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(get, addresses))
    for http in opened:
        http.close()
    return time.perf_counter() - start
