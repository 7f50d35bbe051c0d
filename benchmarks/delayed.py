"""A web server of one folder, far away: it answers ranges, each after a delay, and counts what it is asked.

``python -m benchmarks.delayed FOLDER PORT MILLISECONDS``; ``/counts`` gives requests and bytes since it was last asked.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

COUNTS = "/counts"


@dataclass
class Host:
    """Answers requests on kept connections, many at a time."""

    folder: Path
    delay_s: float
    requests: int = 0
    sent: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                writer.write(self._counts() if path == COUNTS else await self._part(path, head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _part(self, path: str, head: str) -> bytes:
        self.requests += 1
        await asyncio.sleep(self.delay_s)
        wanted = re.search(r"^range: bytes=(\d+)-(\d+)", head, re.IGNORECASE | re.MULTILINE)
        file = (self.folder / path.lstrip("/")).resolve()
        if wanted is None or not file.is_file() or self.folder not in file.parents:
            return _answer("404 Not Found", b"")
        first, last = int(wanted[1]), int(wanted[2])
        with file.open("rb") as opened:
            opened.seek(first)
            part = opened.read(last - first + 1)
        self.sent += len(part)
        size = file.stat().st_size
        facts = f'content-range: bytes {first}-{first + len(part) - 1}/{size}\r\netag: "{size}"\r\n'
        return _answer("206 Partial Content", part, facts)

    def _counts(self) -> bytes:
        body = json.dumps({"requests": self.requests, "bytes": self.sent}).encode()
        self.requests = self.sent = 0
        return _answer("200 OK", body)


def _answer(status: str, body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body


async def serve(folder: Path, port: int, delay_s: float) -> None:
    server = await asyncio.start_server(Host(folder.resolve(), delay_s).talk, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
