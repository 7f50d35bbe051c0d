"""W6: one cached tile at concurrency 1, 8 and 32, beside the same bytes from memory and beside an answer 304."""

from __future__ import annotations

import http.client
import statistics

from benchmarks.archive import Archive
from benchmarks.engine import NDVI_LOOK, ndvi_graph, tiles
from benchmarks.load import rate
from benchmarks.server import Server, path

CLIENTS = (1, 8, 32)
SHARE = 0.8
"""At least this part of what the server reaches with bytes from memory."""


def run(archive: Archive, quick: bool) -> None:
    rounds, seconds = (2, 1.0) if quick else (5, 2.0)
    with Server(archive) as server:
        layer = server.layer(ndvi_graph(archive.days[:12]), NDVI_LOOK)
        address = path(layer, next(iter(tiles(archive, 1, 6, range(11, 12)))))
        body = server.http.get(address)
        server.http.ask("PUT", "/bench/constant", body)
        etag = _etag(server.port, address)
        print(f"\nW6 a cached tile of {len(body)} bytes, answers a second, median of {rounds} turns of {seconds:g} s")
        for clients in CLIENTS:
            candidates = {"constant": ("/bench/constant", ""), "tile": (address, ""), "304": (address, etag)}
            found: dict[str, list[float]] = {name: [] for name in candidates}
            for turn in range(rounds):
                for name in list(candidates)[turn % 3 :] + list(candidates)[: turn % 3]:
                    found[name].append(rate(server.port, candidates[name][0], clients, seconds, candidates[name][1]))
            middle = {name: statistics.median(rates) for name, rates in found.items()}
            share = middle["tile"] / middle["constant"]
            print(
                f"  {clients:2} clients   constant {middle['constant']:7.0f}   tile {middle['tile']:7.0f}   "
                f"ETag match {middle['304']:7.0f}   tile / constant {share:.2f}   at least {SHARE:g}: "
                f"{'holds' if share >= SHARE else 'MISSED'}",
                flush=True,
            )


def _etag(port: int, address: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", address)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["etag"]
