"""Real servers, and the programs around them, as processes that tests may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import rasterio  # type: ignore[import-untyped]
from affine import Affine

from tests.unit.batch.stations import wait_for

EDGE = 3000


def write_scene(folder: Path, edge: int = EDGE) -> Path:
    """A GeoTIFF of noise that takes a while to decode."""
    path = folder / "scene.tif"
    values = np.random.default_rng(3).integers(1, 9000, (2, edge, edge), np.uint16)
    profile = {"driver": "GTiff", "count": 2, "height": edge, "width": edge, "dtype": "uint16", "nodata": 0}
    layout = {"tiled": True, "compress": "deflate", "zlevel": 1, "interleave": "band"}
    with rasterio.open(
        path, "w", crs="EPSG:32632", transform=Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5200000.0), **profile, **layout
    ) as file:
        file.descriptions = ("b1", "b2")
        file.write(values)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(eq=False)
class Process:
    """``ogcserver serve`` as its users start it."""

    folder: Path
    scene: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Process:
        self.port = free_port()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("OGCSERVER_")} | {
            "OGCSERVER_SERVER_DATA_DIR": str(self.folder / "data"),
            "OGCSERVER_CATALOGS_STAC": str(self.scene),
            "OGCSERVER_BATCH_WORKERS": "2",
            "OGCSERVER_BATCH_LEASE_S": "1",
            **self.variables,
        }
        command = [sys.executable, "-m", "ogcserver", "serve", "--port", str(self.port)]
        self.log = (self.folder / f"server-{self.port}.log").open("wb")
        self.process = subprocess.Popen(command, env=environ, stdout=self.log, stderr=self.log)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        wait_for(self.answers)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)
        self.log.close()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return self.http.get("/jobs").is_success
        except httpx.TransportError:
            return False

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def add(self, graph: Any, **output: Any) -> str:
        body = {"process_graph": graph} | ({"output": output} if output else {})
        answer = self.http.post("/jobs", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["job_id"])

    def queue(self, job_id: str) -> None:
        assert self.http.post(f"/jobs/{job_id}/batch").status_code == 204

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/jobs/{job_id}").json()
        return found

    def finished(self, job_id: str) -> int:
        """Chunks."""
        return int(self.job(job_id).get("progress", {}).get("finished", 0))

    def result(self, job_id: str) -> bytes:
        """The file, once it is there."""
        wait_for(lambda: self.job(job_id)["status"] in ("finished", "error"), 120)
        assert self.job(job_id)["status"] == "finished", self.job(job_id)
        return self.http.get(self.http.get(f"/jobs/{job_id}/batch/download").json()[0]).content


def children(pid: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
