"""Servers of this program in processes of their own, on loopback, with the graphs of the benchmarks as layers."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.archive import Archive
from benchmarks.engine import Tile

ROOT = Path(__file__).resolve().parent.parent


class Http:
    """One kept connection; answers are read whole."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        """
        Raises:
            RuntimeError: the answer is no success.
        """
        try:
            answer = self._asked(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):  # closed while it was idle
            self._connection.close()
            answer = self._asked(method, path, body, headers)
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def _asked(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> http.client.HTTPResponse:
        self._connection.request(method, path, body, dict(headers or {}))
        return self._connection.getresponse()

    def get(self, path: str) -> bytes:
        return self.ask("GET", path)

    def send(self, path: str, content: object) -> Any:
        answer = self.ask("POST", path, json.dumps(content).encode(), {"content-type": "application/json"})
        return json.loads(answer) if answer else None

    def close(self) -> None:
        self._connection.close()


class Server:
    """A running server.

    Args:
        cache: of ``[cache]``, over the defaults.
        workers: more than one are started by ``ogcserver serve --workers``, without the extra addresses.
        variables: of the process's environment, over those of this one.
    """

    def __init__(
        self,
        archive: Archive,
        cache: Mapping[str, int] | None = None,
        workers: int = 1,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ogcserver-bench-"))
        self.port = free_port()
        lines = ["[server]", 'data_dir = "data"', "[cache]"]
        lines += [f"{key} = {value}" for key, value in (cache or {}).items()]
        config = self.folder / "config.toml"
        config.write_text("\n".join([*lines, "[[catalogs]]", f'stac = "{archive.catalog}"', ""]), encoding="utf-8")
        if workers == 1:
            command = [sys.executable, "-m", "benchmarks.app", str(config), str(self.port)]
        else:
            command = [sys.executable, "-m", "ogcserver", "serve", "--config", str(config)]
            command += ["--port", str(self.port), "--workers", str(workers)]
        self._log = (self.folder / "log").open("wb")
        start = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(variables or {})}, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.http = Http(self.port)
        self._wait()
        self.ready_s = time.monotonic() - start
        """From the start of the process to the first answer."""

    def _wait(self) -> None:
        for _ in range(3000):
            try:
                self.http.get("/jobs")
                return
            except (OSError, http.client.HTTPException):
                self.http.close()
                if self.process.poll() is not None:
                    break
                time.sleep(0.01)
        raise RuntimeError(f"the server does not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(20)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def layer(self, graph: Mapping[str, Any], look: Mapping[str, Any]) -> str:
        """The path of a new service's tiles, with {z}, {x} and {y}."""
        job = self.job(graph)
        answer = self.http.send("/services", {"job_id": job, "service_type": "xyz", "service_args": look})
        address = "/" + str(answer["service_url"]).split("/", 3)[3]
        return address.split("/xyz")[0] + "/xyz/{z}/{x}/{y}.png"

    def job(self, graph: Mapping[str, Any]) -> str:
        """A new on-demand job."""
        job = str(self.http.send("/jobs", {"process_graph": graph})["job_id"])
        self.http.send(f"/jobs/{job}/on_demand", {})
        return job

    def forget(self, what: str) -> None:
        """Closes ``files`` and empties all caches, empties those of ``blocks`` and places, or of ``places`` only."""
        self.http.ask("POST", f"/bench/forget/{what}")

    def peak_mib(self) -> list[float]:
        """The most memory that each process that computes has had."""
        ids = [self.process.pid, *children(self.process.pid)]
        peaks = [_peak(pid) for pid in ids]
        return [peak for peak in peaks if peak > 150] or peaks


def path(template: str, tile: Tile) -> str:
    return template.format(z=tile.zoom, x=tile.col, y=tile.row)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    direct = [int(part) for part in text.split()]
    return [*direct, *(deeper for child in direct for deeper in children(child))]


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
