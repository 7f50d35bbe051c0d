"""Batch jobs of real servers that are killed, watched, and helped by Dask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.io import MemoryFile  # type: ignore[import-untyped]

from tests.e2e.harness import Job, bits, raster
from tests.fakes import node, product
from tests.unit.batch.processes import Process, alive, children, free_port, write_scene
from tests.unit.batch.stations import wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene"))


def slow_graph() -> dict[str, Any]:
    """Long arithmetic over both bands."""
    term = "+".join(f"sqrt(b1*{number}+b2)" for number in range(1, 12))
    return node("min_time", imagery=node("band_arithmetic", imagery=product("scene"), expr=[term]))


def pixels(content: bytes) -> bytes:
    with MemoryFile(content) as memory, memory.open() as file:
        values: bytes = file.read().tobytes()
        return values


@pytest.fixture(scope="module")
def undisturbed(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The result of the slow graph as a batch, and its pixels through POST /execute."""
    with Process(tmp_path_factory.mktemp("undisturbed"), scene) as server:
        job_id = server.add(slow_graph())
        server.queue(job_id)
        executed = server.http.post("/execute", json={"process_graph": slow_graph()})
        assert executed.is_success, executed.text
        return server.result(job_id), pixels(executed.content)


def test_a_batch_has_the_pixels_of_a_synchronous_request(undisturbed: tuple[bytes, bytes]) -> None:
    assert pixels(undisturbed[0]) == undisturbed[1]


def test_a_batch_has_the_pixels_of_the_joined_tiles_of_wmts(tmp_path: Path) -> None:
    edge, size = 700, 256
    graph = node("min_time", imagery=node("NDVI", imagery=product("scene"), red="b1", nir="b2"))
    with Process(tmp_path, write_scene(tmp_path, edge)) as server:
        queued, shown = server.add(graph), server.add(graph)
        server.queue(queued)
        assert server.http.post(f"/jobs/{shown}/on_demand").status_code == 204
        layer = Job(server.http, shown, {"wmts": "/wmts"})  # type: ignore[arg-type]  # asks like a TestServer
        matrix = layer.native_matrix()
        count = -(-edge // size)
        joined = np.full((1, count * size, count * size), np.nan, np.float32)
        for row in range(count):
            for col in range(count):
                answer = layer.tile(matrix.set_id, matrix.matrix, row, col, FORMAT="image/tiff; application=geotiff")
                there = np.s_[:, row * size : (row + 1) * size, col * size : (col + 1) * size]
                joined[there] = raster(answer).values
        executed = raster(server.http.post("/execute", json={"process_graph": graph}))
        with MemoryFile(server.result(queued)) as memory, memory.open() as file:
            batch = file.read()
    assert batch.dtype == np.float32 and np.isfinite(batch).all()
    assert bits(batch) == bits(executed.values) == bits(joined[:, :edge, :edge])
    assert np.isnan(joined[:, edge:]).all() and np.isnan(joined[:, :, edge:]).all()


def test_a_killed_server_loses_no_chunk_and_the_result_is_the_same(
    tmp_path: Path, scene: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    with Process(tmp_path, scene) as server:
        job_id = server.add(slow_graph())
        server.queue(job_id)
        wait_for(lambda: server.finished(job_id) >= 2)
        workers = children(server.process.pid)
        server.kill()
        wait_for(lambda: not any(map(alive, workers)))
    pieces = {path: path.stat().st_mtime_ns for path in (tmp_path / "data/results").glob("*/chunks/*.npy")}
    with Process(tmp_path, scene) as server:
        found = server.job(job_id)
        assert found["status"] == "running" and 2 <= found["progress"]["finished"] < found["progress"]["total"]
        wait_for(lambda: server.finished(job_id) > found["progress"]["finished"])
        recorded = [path for path in pieces if path.exists() and path.stat().st_mtime_ns == pieces[path]]
        assert len(recorded) >= 2
        assert server.result(job_id) == undisturbed[0]


def test_two_servers_share_the_work_and_one_takes_over_from_the_other(
    tmp_path: Path, scene: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    with Process(tmp_path, scene) as first:
        job_id = first.add(slow_graph())
        first.queue(job_id)
        wait_for(lambda: first.finished(job_id) >= 1)
        with Process(tmp_path, scene) as second:
            first.kill()
            assert second.result(job_id) == undisturbed[0]


def test_stopping_ends_the_work_and_removes_the_results(tmp_path: Path, scene: Path) -> None:
    with Process(tmp_path, scene) as server:
        job_id = server.add(slow_graph())
        server.queue(job_id)
        wait_for(lambda: server.finished(job_id) >= 1)
        assert server.http.delete(f"/jobs/{job_id}/batch").status_code == 204
        assert (server.job(job_id)["mode"], server.job(job_id)["status"]) == ("none", "submitted")
        wait_for(lambda: not list((tmp_path / "data/results").iterdir()))
        workers = children(server.process.pid)
    wait_for(lambda: not any(map(alive, workers)))


def test_watching_shows_where_the_result_is(tmp_path: Path, scene: Path) -> None:
    with Process(tmp_path, scene) as server:
        job_id = server.add(node("min_time", imagery=product("scene")))
        url = ["--url", f"http://127.0.0.1:{server.port}"]
        command = [sys.executable, "-m", "ogcserver", "jobs"]
        refused = subprocess.run([*command, "watch", job_id, *url], capture_output=True, text=True)
        assert refused.returncode == 1 and "is not a batch job" in refused.stderr
        subprocess.run([*command, "batch", job_id, *url], check=True)
        watched = subprocess.run([*command, "watch", job_id, *url], capture_output=True, text=True)
        assert watched.returncode == 0, watched.stderr
        assert watched.stdout.splitlines()[0].endswith(f"/jobs/{job_id}/batch/results/result.tif")


def test_dask_workers_compute_and_one_may_die(tmp_path: Path, scene: Path, undisturbed: tuple[bytes, bytes]) -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    port, folder = free_port(), str(tmp_path / "dask")
    address = f"tcp://127.0.0.1:{port}"
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    programs = [subprocess.Popen([*start, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    try:
        for number in range(2):
            own = [*worker, "--no-dashboard", "--local-directory", f"{folder}-{number}"]
            programs.append(subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        variables = {"OGCSERVER_BATCH_EXECUTOR": "dask", "OGCSERVER_BATCH_SCHEDULER": address}
        with Process(tmp_path, scene, variables) as server:
            job_id = server.add(slow_graph())
            server.queue(job_id)
            wait_for(lambda: server.finished(job_id) >= 2, 120)
            os.kill(programs[1].pid, signal.SIGKILL)
            assert server.result(job_id) == undisturbed[0]
            assert not [pid for pid in children(server.process.pid) if alive(pid)]
    finally:
        for program in reversed(programs):
            program.kill()
            program.wait(60)
