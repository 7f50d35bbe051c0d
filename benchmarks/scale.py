"""W8, second part: a server with 10, 1,000 and 10,000 jobs: capabilities and tiles."""

from __future__ import annotations

import json
import statistics
import time
from functools import partial

from benchmarks.archive import Archive
from benchmarks.engine import NDVI_LOOK, ndvi_graph, tiles
from benchmarks.server import Server, path
from benchmarks.stats import timed
from ogcserver.jobs.tables import JOBS, open_database


def run(archive: Archive, quick: bool) -> None:
    print("\nW8 a server with many jobs: medians in ms; listed: all of them are on demand, saved: 10 of them are")
    for jobs in (10, 1000) if quick else (10, 1000, 10_000):
        for kind in ("saved", "listed"):
            if jobs > 10 or kind == "saved":
                _measure(archive, jobs, kind)


def _measure(archive: Archive, jobs: int, kind: str) -> None:
    with Server(archive) as server:
        graph = ndvi_graph(archive.days[:12])
        layer = server.layer(graph, NDVI_LOOK)
        own = server.http.send("/services", {"job_id": _job(server), "service_type": "wmts", "service_args": {}})
        own_path = "/" + str(own["service_url"]).split("/", 3)[3]
        _fill(server, jobs - 1, jobs if kind == "listed" else 9)
        found = list(tiles(archive, 20, 9, range(11, 15)))
        addresses = [path(layer, tile) for tile in found]
        for address in addresses:
            server.http.get(address)
        cached = statistics.median(timed(partial(server.http.get, address)) for address in addresses * 5)
        documents = f"{own_path}?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
        own_first, root_first = (timed(partial(server.http.get, document)) for document in documents)
        own_ms, root_ms = (
            statistics.median(timed(partial(server.http.get, document)) for _ in range(5 if first < 1000 else 1))
            for document, first in zip(documents, (own_first, root_first), strict=True)
        )
        size = len(server.http.get(documents[1]))
        print(
            f"  {jobs:6} {kind:6}   cached tile {cached:6.2f}   capabilities of a service {own_ms:7.2f} "
            f"(first {own_first:.1f})   of all {root_ms:8.1f} (first {root_first:.0f}, {size >> 10} KiB)",
            flush=True,
        )


def _job(server: Server) -> str:
    return str(json.loads(server.http.get("/jobs"))[0]["job_id"])


def _fill(server: Server, count: int, on_demand: int) -> None:
    """Writes jobs into the server's database; all have different graphs."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    engine = open_database(f"sqlite:///{server.folder / 'data' / 'ogcserver.db'}")
    rows = []
    with engine.begin() as connection:
        sample = connection.execute(JOBS.select()).mappings().first()
        assert sample is not None
        for number in range(count):
            row = {key: value for key, value in sample.items() if key != "position"}
            mode = "on_demand" if number < on_demand else "none"
            rows.append(row | {"id": f"j-{number:06x}", "mode": mode, "title": f"Job {number}", "updated": moment})
        connection.execute(JOBS.insert(), rows)
    engine.dispose()
