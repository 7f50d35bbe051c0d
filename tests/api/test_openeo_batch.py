"""Batch jobs over HTTP and WebSocket: states, progress, downloads, and what other requests do to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
from lxml import etree
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.io import MemoryFile  # type: ignore[import-untyped]
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

import ogcserver.batch.products
from ogcserver.errors import SourceUnavailable
from ogcserver.graph.model import Argument, Process
from ogcserver.processes.filters import IMAGERY
from ogcserver.processes.registry import processes
from tests.fakes import compiled, node, product, utm_archive
from tests.unit.batch import stations
from tests.unit.batch.stations import GRAPH, Gate, Threads, wait_for, whole
from tests.unit.jobs import servers
from tests.unit.jobs.servers import Server

METALINK = {"accept": "application/metalink4+xml"}
NAMES = {"m": "urn:ietf:params:xml:ns:metalink"}


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def server(tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(ogcserver.batch.products, "_EDGE", 128)
    monkeypatch.setattr(servers, "NoWorkers", Threads)
    monkeypatch.setattr(servers, "no_station", gate)
    started = Server(tmp_path)
    started.batches.start()
    yield started
    started.batches.close()


def status(server: Server, job_id: str) -> str:
    return str(server.ask("GET", f"/jobs/{job_id}").json()["status"])


def finished(server: Server, **more: Any) -> str:
    """A job whose batch is finished."""
    job_id = server.job(GRAPH, title="Least values", **more)
    assert server.ask("POST", f"/jobs/{job_id}/batch").status_code == 204
    wait_for(lambda: status(server, job_id) == "finished")
    return job_id


def chunks(server: Server, job_id: str) -> int:
    return int(server.ask("GET", f"/jobs/{job_id}").json()["progress"]["finished"])


def test_the_job_tells_how_far_it_is(server: Server, gate: Gate) -> None:
    gate.free = 5
    job_id = server.job(GRAPH)
    assert "progress" not in server.ask("GET", f"/jobs/{job_id}").json()
    assert server.ask("POST", f"/jobs/{job_id}/batch").status_code == 204
    wait_for(lambda: chunks(server, job_id) == 5)
    told = server.ask("GET", f"/jobs/{job_id}").json()
    assert (told["mode"], told["status"]) == ("batch", "running")
    assert told["progress"]["total"] == 30 and told["progress"]["seconds_left"] > 0
    assert server.ask("POST", f"/jobs/{job_id}/batch").status_code == 204  # no effect
    refused = server.ask("GET", f"/jobs/{job_id}/batch/download")
    assert (refused.status_code, refused.json()["code"]) == (400, 428)
    gate.free = 1000
    wait_for(lambda: status(server, job_id) == "finished")
    assert len(gate.computed) == 30
    assert server.ask("GET", f"/jobs/{job_id}").json()["consumed_credits"] == pytest.approx(0.84)  # 700 x 600 x 2


READS = Process(
    "reads", "Passes the image on.", (IMAGERY, Argument("file", "text", "")), lambda scope: scope.cube("imagery")
)


@pytest.mark.parametrize("end", ["finished", "error", "stopped", "deleted", "changed"])
def test_the_files_that_a_batch_reads_are_locked_until_it_ends(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(servers, "processes", lambda: {**processes(), "reads": READS})
    monkeypatch.setattr(stations, "compile_utm", lambda graph, user: compiled(utm_archive(), graph["args"]["imagery"]))
    monkeypatch.setattr(servers, "NoWorkers", Threads)
    monkeypatch.setattr(servers, "no_station", gate)
    server = Server(tmp_path)
    server.batches.start()
    try:
        gate.free = 0
        assert server.ask("PUT", "/files/me/regions/a.json", b"{}").status_code == 204
        job_id = server.job(node("reads", imagery=GRAPH, file="/users/me/files/regions"))
        assert server.ask("PUT", "/files/me/regions/a.json", b"{}").status_code == 204  # not before it is queued
        assert server.ask("POST", f"/jobs/{job_id}/batch").status_code == 204
        for method, body in (("PUT", b"[]"), ("DELETE", None)):
            refused = server.ask(method, "/files/me/regions/a.json", body)
            assert (refused.status_code, refused.json()["code"]) == (400, 1413)
            assert job_id in refused.json()["message"]
        assert server.ask("PUT", "/files/me/other.json", b"{}").status_code == 204
        if end in ("finished", "error"):
            gate.failure = SourceUnavailable("away") if end == "error" else None
            gate.free = 1000
            wait_for(lambda: status(server, job_id) == end)
        elif end == "stopped":
            assert server.ask("DELETE", f"/jobs/{job_id}/batch").status_code == 204
        elif end == "deleted":
            assert server.ask("DELETE", f"/jobs/{job_id}").status_code == 204
        else:
            assert server.ask("PATCH", f"/jobs/{job_id}", {"process_graph": GRAPH}).status_code == 204
        assert server.ask("PUT", "/files/me/regions/a.json", b"[]").status_code == 204
    finally:
        gate.free = 1000
        server.batches.close()


def test_a_failed_job_says_why(server: Server, gate: Gate) -> None:
    gate.failure = SourceUnavailable("the archive is away")
    job_id = server.job(GRAPH)
    server.ask("POST", f"/jobs/{job_id}/batch")
    wait_for(lambda: status(server, job_id) == "error")
    assert server.ask("GET", f"/jobs/{job_id}").json()["error"] == {"code": 502, "message": "the archive is away"}


def test_what_cannot_be_computed_is_refused_at_once(server: Server) -> None:
    nothing = node("filter_daterange", imagery=product(), **{"from": "1990-01-01", "to": "1990-01-02"})
    job_id = server.job(node("min_time", imagery=nothing))
    refused = server.ask("POST", f"/jobs/{job_id}/batch")
    assert (refused.status_code, refused.json()["code"]) == (400, 10001)
    assert server.ask("GET", f"/jobs/{job_id}").json()["mode"] == "none"
    assert server.ask("POST", "/jobs/j-0/batch").status_code == 404


def test_the_links_lead_to_the_pixels_and_their_stac_item(server: Server) -> None:
    job_id = finished(server, output={"format": "GTiff"})
    links = server.ask("GET", f"/jobs/{job_id}/batch/download").json()
    assert links == [f"http://test/jobs/{job_id}/batch/results/{name}" for name in ("result.tif", "item.json")]
    file = server.ask("GET", links[0])
    assert file.headers["content-type"].startswith("image/tiff")
    assert file.headers["content-disposition"] == f'attachment; filename="{job_id}.tif"'
    with MemoryFile(file.content) as memory, memory.open() as raster:
        assert np.array_equal(raster.read(), whole(GRAPH).data[0], equal_nan=True)
        found = server.ask("GET", links[1])
        assert found.headers["content-type"] == "application/geo+json"
        item = pystac.Item.from_dict(found.json())
        JsonSchemaSTACValidator().validate_core(found.json(), pystac.STACObjectType.ITEM, "1.1.0")
        assert item.id == job_id and item.properties["title"] == "Least values"
        asset = item.assets["result"]
        assert asset.href == links[0] and asset.media_type == file.headers["content-type"]
        assert asset.extra_fields["file:size"] == len(file.content)
        assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(file.content).hexdigest()
        assert tuple(item.properties["proj:transform"]) == tuple(raster.transform)[:6]
        assert item.properties["proj:shape"] == [raster.height, raster.width]
        assert item.properties["proj:code"] == "EPSG:32632"
        west, south, east, north = item.bbox or ()
        assert 10 < west < east < 11 and 46 < south < north < 47
        assert item.properties["start_datetime"] < item.properties["end_datetime"] and item.datetime is None
    assert server.ask("GET", f"/jobs/{job_id}/batch/results/other.tif").status_code == 404
    assert server.ask("GET", f"/jobs/{job_id}/batch/results/..%2f..%2fjobs.db").status_code == 404


def test_a_metalink_tells_sizes_and_hashes(server: Server) -> None:
    job_id = finished(server)
    answer = server.ask("GET", f"/jobs/{job_id}/batch/download", headers=METALINK)
    assert answer.headers["content-type"].startswith("application/metalink4+xml")
    _check_metalink(server, answer.content, ["result.tif", "item.json"])


def test_a_metalink_of_an_on_demand_job_tells_them_too(server: Server) -> None:
    job_id = server.job(GRAPH)
    server.ask("POST", f"/jobs/{job_id}/on_demand")
    links = server.ask("GET", f"/jobs/{job_id}/on_demand/download").json()
    assert links == [f"http://test/jobs/{job_id}/on_demand/result.tif"]
    answer = server.ask("GET", f"/jobs/{job_id}/on_demand/download", headers=METALINK)
    _check_metalink(server, answer.content, ["result.tif"])


def _check_metalink(server: Server, content: bytes, names: list[str]) -> None:
    files = etree.fromstring(content).findall("m:file", NAMES)
    assert [file.get("name") for file in files] == names
    for file in files:
        fetched = server.ask("GET", str(file.findtext("m:url", None, NAMES))).content
        assert file.findtext("m:size", None, NAMES) == str(len(fetched))
        (digest,) = file.findall("m:hash", NAMES)
        assert (digest.get("type"), digest.text) == ("sha-256", hashlib.sha256(fetched).hexdigest())


def test_a_result_is_served_in_ranges_and_revalidated(server: Server) -> None:
    url = f"/jobs/{finished(server)}/batch/results/result.tif"
    whole_file = server.ask("GET", url)
    assert whole_file.headers["accept-ranges"] == "bytes" and "last-modified" in whole_file.headers
    etag = whole_file.headers["etag"]
    part = server.ask("GET", url, headers={"range": "bytes=100-199", "if-range": etag})
    assert (part.status_code, part.content) == (206, whole_file.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole_file.content)}"
    assert server.ask("GET", url, headers={"range": "bytes=100-199", "if-range": '"other"'}).status_code == 200
    assert server.ask("GET", url, headers={"range": "bytes=99999999-"}).status_code == 416
    for known in (etag, f'"other", W/{etag}', "*"):
        assert server.ask("GET", url, headers={"if-none-match": known}).status_code == 304
    assert server.ask("HEAD", url).content == b""


def test_changing_the_graph_stops_the_work_and_drops_results(server: Server, gate: Gate, tmp_path: Path) -> None:
    gate.free = 3
    job_id = server.job(GRAPH)
    server.ask("POST", f"/jobs/{job_id}/batch")
    wait_for(lambda: chunks(server, job_id) == 3)
    assert server.ask("PATCH", f"/jobs/{job_id}", {"title": "Only another title"}).status_code == 204
    assert status(server, job_id) == "running"
    other = node("max_time", imagery=node("filter_bands", imagery=product(), bands="v"))
    assert server.ask("PATCH", f"/jobs/{job_id}", {"process_graph": other}).status_code == 204
    told = server.ask("GET", f"/jobs/{job_id}").json()
    assert (told["mode"], told["status"]) == ("none", "submitted") and "progress" not in told
    wait_for(lambda: not list((tmp_path / "results").iterdir()))
    gate.free = 1000
    server.ask("POST", f"/jobs/{job_id}/batch")
    wait_for(lambda: status(server, job_id) == "finished")
    content = server.ask("GET", f"/jobs/{job_id}/batch/results/result.tif").content
    with MemoryFile(content) as memory, memory.open() as raster:
        assert np.array_equal(raster.read(), whole(other).data[0], equal_nan=True)


@pytest.mark.parametrize("path", ["", "/batch"])
def test_deleting_a_job_or_its_batch_removes_the_results(server: Server, tmp_path: Path, path: str) -> None:
    job_id = finished(server)
    assert server.ask("DELETE", f"/jobs/{job_id}{path}").status_code == 204
    assert list((tmp_path / "results").iterdir()) == []
    assert server.ask("GET", f"/jobs/{job_id}/batch/results/result.tif").status_code == (400 if path else 404)


def test_a_subscriber_is_told_each_state(server: Server, gate: Gate) -> None:
    gate.free = 4
    job_id = server.job(GRAPH)
    with TestClient(server.app) as client, client.websocket_connect(f"/jobs/{job_id}/subscribe") as socket:
        first = socket.receive_json()
        assert (first["job_id"], first["mode"], first["status"]) == (job_id, "none", "submitted")
        server.ask("POST", f"/jobs/{job_id}/batch")
        while (told := socket.receive_json()).get("progress", {}).get("finished") != 4:
            assert told["status"] in ("queued", "running")
        gate.free = 1000
        while (told := socket.receive_json())["status"] != "finished":
            assert told["status"] == "running"
        assert told["progress"] == {"finished": 30, "total": 30, "seconds_left": 0.0}
        server.ask("DELETE", f"/jobs/{job_id}")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1000


def test_nobody_can_subscribe_to_a_job_that_is_not_there(server: Server) -> None:
    with TestClient(server.app) as client, pytest.raises(WebSocketDenialResponse) as refused:
        client.websocket_connect("/jobs/j-0/subscribe").__enter__()
    assert refused.value.status_code == 404 and refused.value.json()["code"] == 404


def test_the_batch_of_somebody_else_does_not_exist(server: Server) -> None:
    job_id = server.store.add_job("somebody else", GRAPH).id
    for method, path in (
        ("POST", "batch"), ("DELETE", "batch"), ("GET", "batch/download"), ("GET", "batch/results/result.tif"),
        ("GET", "batch/results/item.json"),
    ):  # fmt: skip
        assert server.ask(method, f"/jobs/{job_id}/{path}").status_code == 404
    with TestClient(server.app) as client, pytest.raises(WebSocketDenialResponse) as refused:
        client.websocket_connect(f"/jobs/{job_id}/subscribe").__enter__()
    assert refused.value.status_code == 404
