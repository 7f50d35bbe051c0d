"""The third use case over HTTP against a server with batch workers: its text's body, and the lines of the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from tests.e2e.harness import SHARED
from tests.e2e.test_use_cases import run_section
from tests.unit.batch.processes import Process
from tests.unit.batch.stations import wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
DOCS = Path(__file__).parents[2] / "docs"
REGIONS = DOCS / "zonal" / "polygon1.json"


@pytest.fixture(scope="module")
def server(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("use-case-3"), demo_catalog) as started:
        yield started


def test_the_body_of_the_api_text_makes_a_geopackage(server: Process, tmp_path: Path) -> None:
    text = SHARED / "api-0.3" / "jobs.md"
    if not text.exists():
        pytest.skip(f"the API text ({text}) is not here")
    bodies = re.findall(r"^Body:\n(\{.*?^\})", text.read_text(), re.DOTALL | re.MULTILINE)
    assert server.http.get("/processes/zonal_statistics").json()["process_id"] == "zonal_statistics"
    assert server.http.put("/files/me/polygon1.json", content=REGIONS.read_bytes()).status_code == 204
    created = server.http.post("/jobs", content=bodies[1], headers={"content-type": "application/json"})
    assert created.status_code == 200, created.text
    job_id = created.json()["job_id"]
    server.queue(job_id)
    (tmp_path / "batch.gpkg").write_bytes(server.result(job_id))
    executed = server.http.post("/execute", content=bodies[1], headers={"content-type": "application/json"})
    assert executed.headers["content-type"] == "application/octet-stream"
    assert executed.content == (tmp_path / "batch.gpkg").read_bytes()
    meta, _, geometry, columns = pyogrio.raw.read(tmp_path / "batch.gpkg")
    names = list(meta["fields"])
    assert names[0] == "name" and len(names) > 1
    assert all(re.fullmatch(r"8_201701\d\d_avg", name) for name in names[1:])
    sent = [json.dumps(one["geometry"]) for one in json.loads(REGIONS.read_text())["features"]]
    assert shapely.equals(shapely.from_wkb(geometry), shapely.from_geojson(sent)).all()
    values = np.array(columns[1:], float)
    assert np.isfinite(values).mean() > 0.5 and np.nanmin(values) > 0 and np.nanmax(values) < 2


def test_a_file_in_use_is_locked(server: Process) -> None:
    assert server.http.put("/files/me/locked/regions.json", content=REGIONS.read_bytes()).status_code == 204
    args = {"imagery": {"product_id": "Sentinel2-L1C"}, "regions": "/users/me/files/locked"}
    job_id = server.add({"process_id": "zonal_statistics", "args": args}, format="CSV")
    server.queue(job_id)
    refused = server.http.delete("/files/me/locked/regions.json")
    if refused.status_code == 204:  # it was quicker
        assert server.job(job_id)["status"] in ("finished", "error")
        return
    assert refused.json()["code"] == 1413
    wait_for(lambda: server.job(job_id)["status"] == "finished")
    assert server.http.delete("/files/me/locked/regions.json").status_code == 204


@pytest.mark.client
def test_the_lines_of_the_docs(server: Process, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(DOCS)
    said = run_section(3, f"http://127.0.0.1:{server.port}", tmp_path, "ogrinfo")
    assert '"process_id":"zonal_statistics"' in said.replace(" ", "")
    assert len(re.findall(r"8_201701\d\d_avg \(Real\) = 0\.\d+", said)) >= 4
    assert "Layer name: zonal_statistics" in said and "field 1" in said
