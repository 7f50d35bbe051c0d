"""The pool of open files: bounded, and safe for many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from ogcserver.errors import SourceUnavailable
from ogcserver.sources import gdal
from ogcserver.sources.base import CubeBand, FileBand
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.raster import Window


def write(path: Path, value: int, size: int = 96) -> str:
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "count": 1,
        "height": size,
        "width": size,
        "dtype": "uint16",
        "crs": "EPSG:32632",
        "transform": Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5200000.0),
        "tiled": True,
        "blockxsize": 32,
        "blockysize": 32,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.arange(size * size, dtype=np.uint16).reshape(1, size, size) + np.uint16(value))
    return str(path)


class Opened:
    """Counts the datasets that are open, and the most at once."""

    def __init__(self, open_: Any) -> None:
        self._open = open_
        self._lock = threading.Lock()
        self.handles: list[Any] = []
        self.count = 0

    def __call__(self, href: str, level: int) -> Any:
        handle = self._open(href, level)
        with self._lock:
            self.count += 1
            self.handles.append(handle)
        return handle

    def alive(self) -> int:
        return sum(not handle.closed for handle in self.handles)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    made = Opened(gdal._open)
    monkeypatch.setattr(gdal, "_open", made)
    return made


@pytest.fixture
def reader() -> Iterator[GdalReader]:
    made = GdalReader(max_handles=6, block_mb=8)
    yield made
    made.close()


def test_a_handle_is_used_again(tmp_path: Path, reader: GdalReader, opened: Opened) -> None:
    place = FileBand(write(tmp_path / "a.tif", 0))
    reader.header(place)
    for _ in range(5):
        reader.read(place, 0, Window(0, 0, 10, 10))
    assert opened.count == 1


def test_idle_handles_are_bounded_and_closed(tmp_path: Path, reader: GdalReader, opened: Opened) -> None:
    for number in range(20):
        reader.header(FileBand(write(tmp_path / f"{number}.tif", number)))
    assert opened.count == 20 and opened.alive() == 6
    reader.close()
    assert opened.alive() == 0


@pytest.mark.parametrize("kind", ["gdal", "cog"])
def test_eight_threads_read_twenty_files_right(kind: str, tmp_path: Path, reader: GdalReader, opened: Opened) -> None:
    rasters = CogReader(reader, 1 << 16, 5) if kind == "cog" else reader
    places = [FileBand(write(tmp_path / f"{number}.tif", 1000 * number)) for number in range(20)]
    whole = np.arange(96 * 96, dtype=np.uint16).reshape(96, 96)

    def hammer(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(60):
            number, col, row = int(rng.integers(20)), int(rng.integers(80)), int(rng.integers(80))
            values, _ = rasters.read(places[number], 0, Window(col, row, 16, 16)).window(16, 16)
            np.testing.assert_array_equal(values, whole[row : row + 16, col : col + 16] + np.uint16(1000 * number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hammer, range(8)))
    assert opened.alive() <= 6
    if kind == "cog":
        assert opened.count == 0  # plain files need no GDAL


def test_a_handle_that_failed_is_not_kept(tmp_path: Path, reader: GdalReader, opened: Opened) -> None:
    place = FileBand(write(tmp_path / "a.tif", 0))
    content = Path(place.href).read_bytes()
    Path(place.href).write_bytes(content[:2000])
    reader.header(place)
    assert opened.alive() == 1
    with pytest.raises(SourceUnavailable):
        reader.read(place, 0, Window(0, 0, 96, 96))
    assert opened.alive() == 0


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path, reader: GdalReader) -> None:
    for rasters in (reader, CogReader(reader, local_trust_s=0)):
        place = FileBand(write(tmp_path / "a.tif", 0))
        assert rasters.read(place, 0, Window(0, 0, 1, 1)).pieces[0].values[0] == 0
        write(tmp_path / "b.tif", 7, 128)
        (tmp_path / "b.tif").rename(tmp_path / "a.tif")
        assert rasters.header(place).extent.width == 128
        assert rasters.read(place, 0, Window(0, 0, 1, 1)).pieces[0].values[0] == 7


def test_other_places_are_a_mistake_of_the_program(reader: GdalReader) -> None:
    with pytest.raises(TypeError):
        reader.header(CubeBand("a.nc", "v"))


def test_failures_name_the_file_and_not_its_folder(reader: GdalReader) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        reader.header(FileBand("/nowhere/a.tif"))
    assert "a.tif" in caught.value.message and "/nowhere" not in caught.value.message
