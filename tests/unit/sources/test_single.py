from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.base import FileBand
from ogcserver.sources.single import UNDATED, SingleFile, file_id
from ogcserver.timeline import Interval, whole_days

WORLD = ((-180.0, -90.0, 180.0, 90.0),)


@pytest.fixture
def tif(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "dem.tif", dtype: str = "int16", tags: dict[str, str] | None = None, **profile: Any) -> Path:
        path = tmp_path / name
        fields = {
            "driver": "GTiff", "width": 4, "height": 3, "count": 2, "dtype": dtype, "nodata": -9999,
            "crs": "EPSG:32632", "transform": Affine(10, 0, 600000, 0, -10, 5200000), **profile,
        }  # fmt: skip
        with rasterio.open(path, "w", **fields) as file:
            file.write(np.ones((fields["count"], 3, 4), dtype))
            file.update_tags(**(tags or {}))
            file.set_band_description(1, "elevation")
        return path

    return make


def test_a_file_is_a_collection_of_one_item(tif: Callable[..., Path]) -> None:
    path = tif(tags={"TIFFTAG_DATETIME": "2017:01:05 10:20:31"})
    ((name, collection),) = SingleFile(str(path)).collections().items()
    (item,) = collection.search(WORLD, whole_days("2017-01-05", "2017-01-05"))
    assert (name, item.id, item.time) == ("dem", "dem", "2017-01-05T10:20:31Z")
    assert {name: band.place for name, band in item.bands.items()} == {
        "elevation": FileBand(str(path), 1, "EPSG:32632"),
        "2": FileBand(str(path), 2, "EPSG:32632"),
    }
    info = collection.info
    assert [(b.band.name, b.band.dtype, b.band.nodata) for b in info.bands] == [
        ("elevation", "int16", -9999.0), ("2", "int16", -9999.0),
    ]  # fmt: skip
    assert info.interval == ("2017-01-05T10:20:31Z", "2017-01-05T10:20:31Z")
    assert info.bands[0].resolution_m == 10.0
    assert collection.search(WORLD, whole_days("2017-01-06", "2017-01-07")) == ()
    assert collection.search(((0.0, 0.0, 1.0, 1.0),), Interval()) == ()


@pytest.mark.parametrize("date", [None, "soon", "0000:00:00 00:00:00"])
def test_an_undated_file_says_so_and_lies_in_every_interval(tif: Callable[..., Path], date: str | None) -> None:
    file = SingleFile(str(tif(tags={"TIFFTAG_DATETIME": date} if date else {})))
    (item,) = file.search(WORLD, whole_days("2017-01-01", "2017-01-31"))
    assert item.time == UNDATED
    assert file.info.interval == ("", "")


def test_scale_and_offset_of_the_file(tif: Callable[..., Path]) -> None:
    path = tif(dtype="uint16", nodata=0)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.1, 1.0), (5.0, 0.0)
    scaled, stored = SingleFile(str(path)), SingleFile(str(path), apply_scale=False)
    assert [band.band.dtype for band in scaled.info.bands] == ["float32", "uint16"]
    assert [band.band.dtype for band in stored.info.bands] == ["uint16", "uint16"]
    (item,) = scaled.search(WORLD, Interval())
    assert (item.bands["elevation"].scale, item.bands["elevation"].offset) == (0.1, 5.0)
    assert scaled.version() != stored.version()


def test_the_version_follows_the_file(tif: Callable[..., Path]) -> None:
    path = tif()
    file = SingleFile(str(path), refresh_s=0)
    before = file.version()
    assert file.version() == before
    os.utime(path, ns=(1, 1))
    assert file.version() != before


def test_a_file_that_is_away_or_no_raster_says_so(tmp_path: Path) -> None:
    (tmp_path / "fake.tif").write_text("<VRTDataset></VRTDataset>")
    for name in ("absent.tif", "fake.tif"):
        file = SingleFile(str(tmp_path / name))
        assert list(file.collections()) == [name[:-4]]
        assert file.version() == "unavailable"
        with pytest.raises(SourceUnavailable, match=name):
            file.search(WORLD, Interval())


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_without_crs_says_so(tif: Callable[..., Path]) -> None:
    with pytest.raises(SourceUnavailable, match="no CRS"):
        SingleFile(str(tif(crs=None))).search(WORLD, Interval())


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/a/my dem (1).tif", "my_dem__1_"),
        ("/a/2017.tif", "_2017"),
        ("https://h.org/a%20b.tif?x=/y.tif", "a_b"),
        ("/a/S2_L2A-x.y.tif", "S2_L2A-x.y"),
    ],
)
def test_ids_are_xml_names(location: str, name: str) -> None:
    assert file_id(location) == name
