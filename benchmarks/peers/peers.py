"""The peers beside this server, over HTTP: W1, W2 and W3 by MapServer and TiTiler, W6 by MapProxy."""

from __future__ import annotations

import contextlib
import http.client
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.archive import Archive
from benchmarks.cached import CLIENTS
from benchmarks.engine import NDVI_LOOK, RGB_LOOK, Tile, colour_graph, ndvi_graph, tiles
from benchmarks.load import rate
from benchmarks.peers.mapproxy import MapProxy
from benchmarks.peers.mapserver import MapServer
from benchmarks.peers.process import PeerError
from benchmarks.peers.titiler import TiTiler
from benchmarks.peers.titiler_openeo import TiTilerOpenEo
from benchmarks.server import Server, path
from benchmarks.stats import Series

_UNCACHED = {"response_mb": 0, "array_mb": 0, "block_mb": 1024}
_ZOOMS = range(11, 15)
"""At coarser ones an overview has so few blocks that there is no second first visit without restarting a peer."""
T = TypeVar("T")
Get = Callable[[Tile], bytes]


def run(archive: Archive, cache: Path, count: int) -> None:
    """Starts what can be started, takes turns, and stops it."""
    dates = min(12, archive.size.dates)
    with Server(archive, _UNCACHED) as server, contextlib.ExitStack() as started:
        works: dict[str, dict[str, Get]] = {
            "W1 true colour, one date": {
                "ogcserver": _own(server, server.layer(colour_graph(archive.days[0]), RGB_LOOK))
            },
            "W2 NDVI, one date": {"ogcserver": _own(server, server.layer(ndvi_graph(archive.days[:1]), NDVI_LOOK))},
            f"W3 minimum NDVI, {dates} dates": {
                "ogcserver": _own(server, server.layer(ndvi_graph(archive.days[:dates]), NDVI_LOOK))
            },
        }
        colour, single, lowest = works.values()
        if mapserver := _started("MapServer", lambda: MapServer(archive, cache, (1, dates))):
            started.callback(mapserver.stop)
            colour["MapServer"] = lambda tile: mapserver.get(mapserver.colour(tile))
            single["MapServer"] = lambda tile: mapserver.get(mapserver.ndvi(tile, 1))
            lowest["MapServer"] = lambda tile: mapserver.get(mapserver.ndvi(tile, dates))
        if titiler := _started("TiTiler", lambda: TiTiler(archive, cache)):
            started.callback(titiler.stop)
            colour["TiTiler"] = lambda tile: titiler.get(titiler.colour(tile))
            single["TiTiler"] = lambda tile: titiler.get(titiler.ndvi(tile))
        if openeo := _started("titiler-openeo", lambda: TiTilerOpenEo(archive, cache, dates)):
            started.callback(openeo.stop)
            lowest["titiler-openeo"] = lambda tile: openeo.get(openeo.ndvi(tile))
        for seed, (title, work) in enumerate(works.items(), 50):
            _compare(server, title, work, list(tiles(archive, count, seed, _ZOOMS)))
    _cached(archive, cache)


def _own(server: Server, layer: str) -> Get:
    return lambda tile: server.http.get(path(layer, tile))


def _started(name: str, start: Callable[[], T]) -> T | None:
    """The peer, or None and a line that says why it is left out."""
    try:
        return start()
    except (PeerError, OSError, subprocess.SubprocessError, RuntimeError) as error:
        print(f"\n{name} is left out: {error}", flush=True)
        return None


def _compare(server: Server, title: str, work: dict[str, Get], chosen: list[Tile]) -> None:
    """Each tile twice: where nobody was, and again with the files' blocks decoded. No peer here keeps results."""
    first, again = Series(f"{title}, peers, first visit"), Series(f"{title}, peers, again")
    for name, get in list(work.items()):  # open files and load libraries, far from the tiles that are measured
        try:
            get(chosen[-1])
        except (PeerError, RuntimeError, OSError, http.client.HTTPException) as error:
            print(f"\n{title}: {name} is left out: {error}", flush=True)
            del work[name]
    for turn, tile in enumerate(chosen[:-1]):
        candidates = {name: partial(get, tile) for name, get in work.items()}
        server.forget("blocks")
        first.take_turns(candidates, turn)
        server.forget("places")
        again.take_turns(candidates, turn)
    for series in (first, again):
        series.print("ogcserver")


def _cached(archive: Archive, cache: Path) -> None:
    with Server(archive) as server:
        layer = server.layer(ndvi_graph(archive.days[:12]), NDVI_LOOK)
        tile = next(iter(tiles(archive, 1, 6, range(11, 12))))
        own = path(layer, tile)
        proxy = _started("MapProxy", lambda: MapProxy(cache, server, layer))
        if proxy is None:
            return
        address = proxy.address(tile.zoom, tile.col, tile.row)
        same = proxy.peer.http.get(address) == server.http.get(own)
        print(f"\nW6 a cached tile, answers a second, beside MapProxy (same bytes: {same})")
        for clients in CLIENTS:
            turns = [(rate(server.port, own, clients, 2), rate(proxy.peer.port, address, clients, 2)) for _ in range(3)]
            ours, theirs = (statistics.median(side) for side in zip(*turns, strict=True))
            print(
                f"  {clients:2} clients   ogcserver {ours:7.0f}   MapProxy {theirs:7.0f}   ratio {ours / theirs:.2f}"
                f"   at least 2.5: {'holds' if ours >= 2.5 * theirs else 'MISSED'}",
                flush=True,
            )
        proxy.stop()
