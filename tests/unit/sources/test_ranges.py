"""Files behind an http server: merged ranges, few requests, and what happens when a server does not play along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from ogcserver.cube import Band
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.base import BandSource, FileBand, Item, Observation
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.ranges import merged
from ogcserver.sources.raster import Window
from ogcserver.sources.reader import Reader, Wanted
from ogcserver.sources.sampling import Samplings


class Host:
    """A server of one folder that notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ranges, self.status = folder, True, 206
        self.asked: list[tuple[str, str]] = []
        self.together: threading.Barrier | None = None
        """Answers are held back until so many requests have come."""
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None: ...

            def do_GET(self) -> None:
                wanted = self.headers.get("range", "")
                host.asked.append((self.path, wanted))
                if host.together is not None:
                    host.together.wait(10)
                content = (host.folder / self.path[1:]).read_bytes()
                if not host.ranges or not wanted:
                    self._answer(200, content, {})
                    return
                first, last = map(int, wanted.removeprefix("bytes=").split("-"))
                part = content[first : last + 1]
                facts = {"content-range": f"bytes {first}-{first + len(part) - 1}/{len(content)}", "etag": '"1"'}
                self._answer(host.status, part if host.status == 206 else b"", facts)

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    running = Host(tmp_path)
    yield running
    running.server.shutdown()
    running.server.server_close()


def write(path: Path, seed: int, size: int = 512) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(seed).integers(1, 9000, (size, size), dtype=np.uint16)
    profile = {"driver": "GTiff", "count": 1, "height": size, "width": size, "dtype": "uint16", "crs": "EPSG:32632"}
    blocks = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate", "predictor": 2}
    with rasterio.open(path, "w", transform=Affine(10, 0, 6e5, 0, -10, 52e5), **profile, **blocks) as file:
        file.write(values, 1)
    return values


def test_windows_equal_those_of_the_local_file(host: Host, tmp_path: Path) -> None:
    values = write(tmp_path / "a.tif", 1)
    reader = CogReader(GdalReader())
    place = FileBand(f"{host.address}/a.tif")
    for window in (Window(0, 0, 512, 512), Window(100, 37, 300, 1), Window(511, 511, 1, 1)):
        rows, cols = slice(window.row, window.row + window.height), slice(window.col, window.col + window.width)
        np.testing.assert_array_equal(
            reader.read(place, 0, window).window(window.height, window.width)[0], values[rows, cols]
        )


def test_a_file_costs_a_request_for_its_header_and_one_for_neighbouring_blocks(host: Host, tmp_path: Path) -> None:
    write(tmp_path / "a.tif", 1)
    reader = CogReader(GdalReader())
    place = FileBand(f"{host.address}/a.tif")
    reader.read(place, 0, Window(0, 256, 512, 128))
    assert len(host.asked) == 2
    reader.read(place, 0, Window(10, 260, 300, 50))
    assert len(host.asked) == 2


def test_ranges_far_apart_in_a_file_are_asked_for_at_the_same_time(host: Host, tmp_path: Path) -> None:
    values = write(tmp_path / "a.tif", 1)
    reader, place, window = CogReader(GdalReader()), FileBand(f"{host.address}/a.tif"), Window(10, 0, 50, 400)
    reader.header(place)
    host.asked.clear()
    host.together = threading.Barrier(4)  # one for each row of blocks; broken if they came one after the other
    raw = reader.read(place, 0, window)
    np.testing.assert_array_equal(raw.window(400, 50)[0], values[:400, 10:60])
    assert len(host.asked) == 4


def test_prefetch_leaves_nothing_to_fetch(host: Host, tmp_path: Path) -> None:
    write(tmp_path / "a.tif", 1)
    reader = Reader({FileBand: CogReader(GdalReader())}, Samplings(1 << 20))
    item = Item("a", "2017-01-01T00:00:00Z", {"v": BandSource(FileBand(f"{host.address}/a.tif"))}, ())
    observation = Observation("2017-01-01", (item,))
    bands, grid = (Band("v", "uint16"),), Grid(Lattice("EPSG:32632", 6e5, 52e5, 10, 10), 100, 100, 200, 200)
    with ThreadPoolExecutor(4) as executor:
        reader.prefetch([Wanted(observation, bands, grid, "nearest")], executor, lambda: None)
    fetched = len(host.asked)
    _, complete = reader.onto(grid, "nearest").read(observation, bands, lambda: None)
    assert complete and len(host.asked) == fetched


@pytest.mark.parametrize("fault", ["no ranges", "gone"])
def test_a_server_that_does_not_play_along_is_said(host: Host, tmp_path: Path, fault: str) -> None:
    write(tmp_path / "a.tif", 1)
    host.ranges, host.status = fault != "no ranges", 404 if fault == "gone" else 206
    with pytest.raises(SourceUnavailable, match="status"):
        CogReader(GdalReader()).header(FileBand(f"{host.address}/a.tif"))


def test_ranges_that_nearly_touch_are_one() -> None:
    assert merged([(1000, 10), (0, 100), (100, 50), (90000, 5)]) == [(0, 1010), (90000, 5)]
    assert merged([]) == []
