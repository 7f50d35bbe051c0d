"""A light load generator: asks for one address over kept connections, from a process of its own.

``wrk`` does it where it is installed, for it takes the least from the processors that the server runs on; else
``python -m benchmarks.load PORT PATH CLIENTS SECONDS [ETAG]``.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time

import uvloop

from benchmarks.server import ROOT

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def rate(port: int, path: str, clients: int, seconds: float, etag: str = "") -> float:
    """Answers a second.

    Raises:
        RuntimeError: there were none, or errors.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        command = [sys.executable, "-m", "benchmarks.load", str(port), path, str(clients), str(seconds), etag]
        return float(_output(command))
    command = [wrk, "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", f"http://127.0.0.1:{port}{path}"]
    text = _output([*command, *(["-H", f"If-None-Match: {etag}"] if etag else [])])
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{path}: {text}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if found is None:
        raise RuntimeError(f"{path}: {text}")
    return float(found.group(1))


def _output(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-500:]}")
    return done.stdout


class _Client(asyncio.Protocol):
    """Asks again as soon as an answer is complete."""

    def __init__(self, request: bytes, end: float) -> None:
        self._request, self._end = request, end
        self._buffer = b""
        self.answers = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head)
        if len(self._buffer) < head + 4 + (int(length.group(1)) if length else 0):
            return
        self._buffer = b""
        self.answers += 1
        if time.monotonic() > self._end:
            self._transport.close()
        else:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(port: int, path: str, clients: int, seconds: float, etag: str) -> float:
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{condition}\r\n".encode()
    loop, start = asyncio.get_running_loop(), time.monotonic()
    made = [_Client(request, start + seconds) for _ in range(clients)]
    for client in made:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in made))
    return sum(client.answers for client in made) / (time.monotonic() - start)


if __name__ == "__main__":
    print(uvloop.run(_run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])))
