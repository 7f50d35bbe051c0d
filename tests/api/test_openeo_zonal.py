"""Statistics of regions over the job API: at once, on demand, as a batch, and where they are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

import ogcserver.zonal.survey
from ogcserver.batch.worker import Station
from ogcserver.encode.table_formats import table_formats
from ogcserver.errors import UnsupportedOperation
from ogcserver.jobs.access import Caller
from tests.fakes import DAYS, node, product, run
from tests.unit.batch.stations import Threads, wait_for
from tests.unit.jobs import servers
from tests.unit.jobs.servers import Server
from tests.unit.zonal.regions import write_geojson

BOXES = [shapely.box(601000, 5198000, 602000, 5198500), shapely.box(604010, 5192010, 608010, 5196010)]
X = node("filter_bands", imagery=product(), bands="x")
ONE_FILE = "/users/me/files/areas/boxes.json"


def graph(regions: str = ONE_FILE, **more: Any) -> dict[str, Any]:
    return node("zonal_statistics", imagery=X, regions=regions, **more)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server whose batches run in threads, with a file of two boxes."""
    monkeypatch.setattr(servers, "NoWorkers", Threads)
    monkeypatch.setattr(servers, "no_station", lambda: station)
    started = Server(tmp_path)
    station = Station(started.engine, started.backend.compile_graph)
    started.batches.start()
    content = write_geojson(tmp_path / "boxes.json", BOXES, name=["a", "b"]).read_bytes()
    assert started.ask("PUT", "/files/me/areas/boxes.json", content).status_code == 204
    yield started
    started.batches.close()


def executed(server: Server, body: Any, **output: Any) -> Any:
    answer = server.ask("POST", "/execute", {"process_graph": body, "output": output})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    "regions", [ONE_FILE, "/files/me/areas/boxes.json", "/users/me/files/areas/", "/users/me/files/areas"]
)
def test_a_table_at_once(server: Server, regions: str) -> None:
    answer = executed(server, graph(regions, func=["avg", "count"]), format="JSON")
    first, second = answer.json()
    assert list(first) == ["name", *(f"x_{day.replace('-', '')}_{name}" for day in DAYS for name in ("avg", "count"))]
    assert first["name"] == "a" and first["x_20170105_avg"] == pytest.approx(601500.0, abs=1e-6)
    assert second["x_20170204_avg"] == pytest.approx(606010.0, abs=1e-6)
    assert second["x_20170204_count"] == pytest.approx(200 * 200)


def test_a_geopackage_is_answered_as_in_the_text_of_the_api(server: Server, tmp_path: Path) -> None:
    for output in ({"format": "GPKG"}, {}):
        answer = executed(server, graph(), **output)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert 'filename="result.gpkg"' in answer.headers["content-disposition"]
        path = tmp_path / "made.gpkg"
        path.write_bytes(answer.content)
        _, _, geometry, columns = pyogrio.raw.read(path)
        assert shapely.equals(shapely.from_wkb(geometry), BOXES).all()
        np.testing.assert_allclose(columns[1], [601500.0, 606010.0])


def test_the_computing_is_charged(server: Server) -> None:
    executed(server, graph(), format="CSV")
    assert server.ask("GET", "/credits").json() > 0


def test_an_on_demand_job_offers_the_table(server: Server, tmp_path: Path) -> None:
    job_id = server.job(graph(), output={"format": "GeoJSON", "layout": "long"})
    assert server.ask("POST", f"/jobs/{job_id}/on_demand").status_code == 204
    (link,) = server.ask("GET", f"/jobs/{job_id}/on_demand/download").json()
    assert link.endswith(f"/jobs/{job_id}/on_demand/result.geojson")
    answer = server.ask("GET", link)
    assert answer.headers["content-type"] == "application/geo+json" and len(answer.json()["features"]) == 6
    known = server.ask("GET", link, headers={"if-none-match": answer.headers["etag"]})
    assert known.status_code == 304 and not known.content
    moved = write_geojson(tmp_path / "new.json", BOXES[:1], name=["c"]).read_bytes()
    assert server.ask("PUT", "/files/me/areas/boxes.json", moved).status_code == 204
    again = server.ask("GET", link, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 200 and len(again.json()["features"]) == 3


def test_a_batch_makes_the_same_file(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogcserver.zonal.survey, "CELL", 64)
    monkeypatch.setattr(ogcserver.zonal.survey, "_CHUNK_BYTES", 1)
    asked = graph(func=["avg", "median", "sd"])
    job_id = server.job(asked, output={"format": "GPKG"})
    assert server.ask("POST", f"/jobs/{job_id}/batch").status_code == 204
    wait_for(lambda: server.ask("GET", f"/jobs/{job_id}").json()["status"] in ("finished", "error"))
    told = server.ask("GET", f"/jobs/{job_id}").json()
    assert told["status"] == "finished", told
    assert told["progress"]["finished"] == told["progress"]["total"] > 3
    links = server.ask("GET", f"/jobs/{job_id}/batch/download").json()
    file = server.ask("GET", links[0])
    assert links[0].endswith("result.gpkg") and file.headers["content-type"] == "application/geopackage+sqlite3"
    assert file.content == executed(server, asked, format="GPKG").content
    assert server.ask("GET", links[1]).json()["assets"]["result"]["file:size"] == len(file.content)


def refused(server: Server, method: str, path: str, body: Any = None) -> tuple[int, int, str]:
    answer = server.ask(method, path, body)
    said = answer.json()
    return answer.status_code, said["code"], said["message"]


def test_maps_and_coverages_of_a_table_are_refused(server: Server) -> None:
    job_id = server.job(graph())
    assert server.ask("POST", f"/jobs/{job_id}/on_demand").status_code == 204
    for kind in ("wmts", "wcs"):
        status, code, message = refused(server, "POST", "/services", {"job_id": job_id, "service_type": kind})
        assert (status, code) == (400, 5001) and "table of regions" in message
    layers = server.catalogue.root(Caller())
    assert run(layers.all()) == ()
    with pytest.raises(UnsupportedOperation, match="no map and no coverage"):
        run(layers.get(job_id))


@pytest.mark.parametrize(
    ("body", "output", "code", "message"),
    [
        (graph("/users/me/files/no.json"), {}, 2103, "no file"),
        (graph("/users/other/files/areas/boxes.json"), {}, 2103, "no file"),
        (graph("/etc/passwd"), {}, 2103, "names no file"),
        (graph("/users/me/files/../../../etc/passwd"), {}, 2103, ""),
        (graph(func="mode"), {}, 2103, "no statistic"),
        (graph(), {"format": "GTiff"}, 3001, "makes a table"),
        (graph(), {"format": "GPKG", "layout": "tall"}, 3003, "layout"),
        (graph(), {"format": "GPKG", "tiled": True}, 3002, "tiled"),
        (graph(), {"resampling": "best"}, 3003, "resampling"),
        (X, {"format": "GPKG"}, 3001, "GPKG"),
        (node("min_time", imagery=graph()), {}, 2103, "must be an image"),
    ],
)
def test_bad_requests(server: Server, body: Any, output: Any, code: int, message: str) -> None:
    for path in ("/execute", "/jobs"):
        found = refused(server, "POST", path, {"process_graph": body, "output": output})
        assert found[:2] == (400, code) and message in found[2] and "/tmp" not in found[2]


def test_a_file_that_holds_no_regions(server: Server) -> None:
    assert server.ask("PUT", "/files/me/bad.geojson", b'{"type": "Topology"}').status_code == 204
    found = refused(server, "POST", "/execute", {"process_graph": graph("/users/me/files/bad.geojson")})
    assert found[:2] == (400, 1412) and "bad.geojson is not GeoJSON" in found[2]
    job_id = server.job(graph("/users/me/files/bad.geojson"))
    assert refused(server, "POST", f"/jobs/{job_id}/batch")[1] == 1412


def test_too_many_columns_for_a_geopackage(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {name: replace(one, most_columns=2) for name, one in table_formats().items()}
    monkeypatch.setattr("ogcserver.openeo.backend.table_formats", lambda: small)
    found = refused(server, "POST", "/execute", {"process_graph": graph()})
    assert found[:2] == (400, 3003) and "cannot have 3 columns; write the table with layout long" in found[2]
    assert executed(server, graph(), format="GPKG", layout="long").content.startswith(b"SQLite")


def test_more_pixels_than_a_request_may_have(tmp_path: Path) -> None:
    small = Server(tmp_path, max_pixels=1000)
    content = write_geojson(tmp_path / "boxes.json", BOXES).read_bytes()
    small.ask("PUT", "/files/me/areas/boxes.json", content)
    status, _, message = refused(small, "POST", "/execute", {"process_graph": graph()})
    assert status in (400, 413) and "run the job as a batch" in message


def test_the_process_and_its_formats_are_described(server: Server) -> None:
    described = server.ask("GET", "/processes/zonal_statistics").json()
    assert set(described["args"]) >= {"imagery", "regions", "func"}
    assert {"GPKG", "GeoJSON", "CSV", "JSON", "GTiff"} <= set(
        server.ask("GET", "/capabilities/output_formats").json()["formats"]
    )
    assert json.dumps(described)
