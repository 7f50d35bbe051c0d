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

JSON = {"content-type": "application/json"}
DOCUMENTS = {
    "WCS 2.0": "/wcs?SERVICE=WCS&REQUEST=GetCapabilities",
    "WCS 1.1": "/wcs?SERVICE=WCS&REQUEST=GetCapabilities&VERSION=1.1.1",
    "WCS 1.0": "/wcs?SERVICE=WCS&REQUEST=GetCapabilities&VERSION=1.0.0",
    "WMTS": "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
}


def run(archive: Archive, quick: bool) -> None:
    print("\nW8 a server with many jobs: medians in ms; listed: all of them are on demand, saved: 10 of them are")
    print(
        "  first: nothing was asked before; changed: the first answer after one job was changed; again: the next ones"
    )
    for jobs in (10, 1000) if quick else (10, 1000, 10_000):
        for kind in ("saved", "listed"):
            if jobs > 10 or kind == "saved":
                _measure(archive, jobs, kind)


def _measure(archive: Archive, jobs: int, kind: str) -> None:
    with Server(archive) as server:
        layer = server.layer(ndvi_graph(archive.days[:12]), NDVI_LOOK)
        own = server.http.send("/services", {"job_id": _job(server), "service_type": "wmts", "service_args": {}})
        own_path = "/" + str(own["service_url"]).split("/", 3)[3]
        _fill(server, archive, jobs - 1, jobs if kind == "listed" else 9)
        found = list(tiles(archive, 20, 9, range(11, 15)))
        addresses = [path(layer, tile) for tile in found]
        for address in addresses:
            server.http.get(address)
        cached = statistics.median(timed(partial(server.http.get, address)) for address in addresses * 5)
        one = f"{own_path}?SERVICE=WMTS&REQUEST=GetCapabilities"
        first, again = _first_and_again(server, one)
        own_ms = f"a service's WMTS {again:6.2f} (first {first:.1f})"
        print(f"  {jobs:6} {kind:6}   cached tile {cached:6.2f}   {own_ms}", flush=True)
        for name, address in DOCUMENTS.items():
            first, again = _first_and_again(server, address)
            server.http.ask("PATCH", f"/jobs/{_job(server)}", json.dumps({"title": f"Now {name}"}).encode(), JSON)
            changed = timed(partial(server.http.get, address))
            size = len(server.http.get(address))
            packed = len(server.http.ask("GET", address, headers={"accept-encoding": "gzip"}))
            print(
                f"                  {name}: first {first:7.0f}   changed {changed:7.1f}   again {again:6.2f}   "
                f"{size >> 10} KiB, {packed >> 10} KiB in gzip",
                flush=True,
            )


def _first_and_again(server: Server, address: str) -> tuple[float, float]:
    first = timed(partial(server.http.get, address))
    return first, statistics.median(timed(partial(server.http.get, address)) for _ in range(5))


def _job(server: Server) -> str:
    return str(json.loads(server.http.get("/jobs"))[0]["job_id"])


def _fill(server: Server, archive: Archive, count: int, on_demand: int) -> None:
    """Writes jobs into the server's database, over one date or more of the archive."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    engine = open_database(f"sqlite:///{server.folder / 'data' / 'ogcserver.db'}")
    rows = []
    with engine.begin() as connection:
        sample = connection.execute(JOBS.select()).mappings().first()
        assert sample is not None
        for number in range(count):
            row = {key: value for key, value in sample.items() if key != "position"}
            mode = "on_demand" if number < on_demand else "none"
            row["process_graph"] = ndvi_graph(archive.days[: 1 + number % 12])
            rows.append(row | {"id": f"j-{number:06x}", "mode": mode, "title": f"Job {number}", "updated": moment})
        connection.execute(JOBS.insert(), rows)
    engine.dispose()
