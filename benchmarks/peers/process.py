"""A peer: a server process on loopback, and its private Python environment where it needs one."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.server import Http


class PeerError(Exception):
    """The peer cannot be made to run here."""


class Peer:
    """A running program that listens at ``port``.

    Args:
        folder: for its log.
        directory: that it starts in; ``folder`` by default.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.port = port
        self._path = folder / "log"
        self._log = self._path.open("wb")
        surroundings = {**os.environ, **(environ or {})}
        surroundings.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            command,
            cwd=directory or folder,
            env=surroundings,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.http = Http(port)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.http.get("/")
                return
            except RuntimeError:  # it answers, if only with an error
                return
            except (OSError, http.client.HTTPException):
                self.http.close()
                time.sleep(0.05)
        self.stop()
        raise PeerError(f"does not start: {self._path.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)  # and what it started
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._log.close()


def environment(cache: Path, name: str, packages: Sequence[str]) -> Path:
    """The ``bin`` folder of an environment that has the packages; made once.

    Raises:
        PeerError: they cannot be installed.
    """
    folder = cache / "peers" / name
    programs = folder / "bin"
    if not (folder / "complete").exists():
        print(f"installing {name} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        command = [str(programs / "python"), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=480)
        if done.returncode:
            raise PeerError(f"pip cannot install {name}: {done.stderr[-300:]}")
        (folder / "complete").touch()
    return programs
