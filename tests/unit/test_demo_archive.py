"""The synthetic demo archive: its STAC, its files, its pixels, and that it is written once or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.warp

from ogcserver.demo import archive, catalogue, scene
from ogcserver.demo.archive import write_archive
from ogcserver.demo.landscape import Landscape, alpine
from ogcserver.demo.layout import FULL, SEED, SMALL, Size, alpine_dates, alpine_raster, lowland_raster

Json = dict[str, Any]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``catalog.json`` of a small archive, shared by the tests that only read it."""
    return write_archive(tmp_path_factory.mktemp("demo") / "archive", progress=False, scale=SMALL)


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    """The alpine landscape of the small archive."""
    raster = alpine_raster(SMALL)
    return alpine(SEED, raster.shape, raster.cell, nodes=SMALL.nodes, steps=SMALL.steps)


def load(path: Path) -> Json:
    content: Json = json.loads(path.read_text())
    return content


def linked(path: Path, rel: str) -> Iterator[Path]:
    for link in load(path)["links"]:
        if link["rel"] == rel:
            yield (path.parent / link["href"]).resolve()


def items(catalog: Path) -> list[Path]:
    return [item for collection in linked(catalog, "child") for item in linked(collection, "item")]


def band(catalog: Path, collection: str, item: str, name: str) -> Any:
    (path,) = (catalog.parent / collection / item).glob(f"*_{name}.tif")
    with rasterio.open(path) as image:
        return image.read(1)


def test_collections_items_and_bands_are_those_of_the_api_text(catalog: Path) -> None:
    found = {}
    for path in linked(catalog, "child"):
        first = load(next(linked(path, "item")))
        found[load(path)["id"]] = (len(list(linked(path, "item"))), list(first["assets"]))
    optical = ["1", "2", "3", "4", "5", "6", "7", "8", "8a", "9", "10", "11", "12"]
    assert found == {
        "S2_L2A_T32TPS_20M": (12, ["B02", "B03", "B04", "B8A", "SCL"]),
        "Sentinel2-L1C": (4, optical),
        "Sentinel1-L1-IW-GRD": (6, ["VV", "VH"]),
    }


def test_every_link_is_relative_and_resolves(catalog: Path) -> None:
    for path in [catalog, *linked(catalog, "child"), *items(catalog)]:
        for link in load(path)["links"]:
            assert not Path(link["href"]).is_absolute() and "://" not in link["href"]
            assert (path.parent / link["href"]).is_file()


def test_metadata_says_that_the_data_is_synthetic(catalog: Path) -> None:
    for path in linked(catalog, "child"):
        collection = load(path)
        assert "synthetic" in collection["title"].lower() and "SYNTHETIC" in collection["description"]
        assert "synthetic" in collection["keywords"] and collection["license"] == "CC0-1.0"
    assert all(load(path)["properties"]["ogcserver:synthetic"] is True for path in items(catalog))


def test_headers_equal_stac(catalog: Path) -> None:
    for path in items(catalog):
        item = load(path)
        for asset in item["assets"].values():
            raster = asset["raster:bands"][0]
            with rasterio.open(path.parent / asset["href"]) as image:
                assert image.crs.to_epsg() == asset["proj:epsg"] == item["properties"]["proj:epsg"]
                assert list(image.shape) == asset["proj:shape"]
                assert list(image.transform)[:6] == asset["proj:transform"]
                assert (image.dtypes[0], image.nodata) == (raster["data_type"], raster["nodata"])
                assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_optical_bands_state_wavelength_and_scale(catalog: Path) -> None:
    asset = load(items(catalog)[0])["assets"]["B04"]
    expected = {"name": "B04", "common_name": "red", "center_wavelength": 0.665, "full_width_half_max": 0.038}
    assert asset["eo:bands"] == [expected]
    assert asset["raster:bands"][0] | {"scale": 0.0001, "offset": 0, "unit": "1"} == asset["raster:bands"][0]


@pytest.mark.parametrize("size", [FULL, SMALL])
def test_alpine_grid_lies_on_the_tile_and_holds_the_box_of_the_api_text(size: Size) -> None:
    raster = alpine_raster(size)
    assert (raster.left - 600000) % raster.cell == 0 and (5200020 - raster.top) % raster.cell == 0
    assert (raster.left - 600000) % (512 * 20) == 0 and (5200020 - raster.top) % (512 * 20) == 0
    left, bottom, right, top = raster.bounds
    assert left <= 652000 and bottom <= 5161000 and right >= 672000 and top >= 5181000
    assert left >= 600000 and bottom >= 5200020 - 109800 and right <= 600000 + 109800 and top <= 5200020


@pytest.mark.parametrize("size", [FULL, SMALL])
def test_lowland_grid_holds_the_box_of_the_api_text(size: Size) -> None:
    raster = lowland_raster(size)
    xmin, ymin, xmax, ymax = rasterio.warp.transform_bounds("EPSG:4326", "EPSG:32633", 16.1, 47.2, 16.6, 48.6)
    left, bottom, right, top = raster.bounds
    assert left <= xmin and bottom <= ymin and right >= xmax and top >= ymax


def test_the_box_of_the_api_text_has_data_on_every_date(catalog: Path) -> None:
    for path in (catalog.parent / "S2_L2A_T32TPS_20M").glob("*/*_B04.tif"):
        with rasterio.open(path) as image:
            window = image.window(652000, 5161000, 672000, 5181000).round_lengths().round_offsets()
            assert image.read(1, window=window).min() > 0


def test_six_dates_are_in_january_and_cloud_cover_differs(catalog: Path) -> None:
    found = [load(path)["properties"] for path in items(catalog) if "T32TPS" in path.name]
    assert sum(one["datetime"].startswith("2017-01") for one in found) == 6
    covers = [one["eo:cloud_cover"] for one in found]
    assert len(set(covers)) == 12 and min(covers) < 3 and max(covers) > 85


def test_pixels_that_scl_calls_cloud_are_brighter(catalog: Path) -> None:
    item = "S2A_T32TPS_20170604"
    blue, classes = (band(catalog, "S2_L2A_T32TPS_20M", item, name) for name in ("B02", "SCL"))
    cloud, clear = blue[np.isin(classes, (8, 9))], blue[np.isin(classes, (4, 5))]
    assert np.percentile(cloud, 5) > np.percentile(clear, 95)
    assert blue[classes == 3].mean() < clear.mean()


def test_nodata_marks_the_missing_edge_of_the_swath_in_all_bands(catalog: Path) -> None:
    names = ("B02", "B03", "B04", "B8A", "SCL")
    missing = [band(catalog, "S2_L2A_T32TPS_20M", "S2A_T32TPS_20170311", name) == 0 for name in names]
    assert 0.01 < missing[0].mean() < 0.2
    assert all(np.array_equal(one, missing[0]) for one in missing)


def test_vegetation_is_greener_in_summer(catalog: Path) -> None:
    def ndvi(item: str) -> float:
        red, infrared, classes = (band(catalog, "S2_L2A_T32TPS_20M", item, name) for name in ("B04", "B8A", "SCL"))
        clear = np.isin(classes, (4, 5, 11))
        red, infrared = red[clear].astype(float), infrared[clear].astype(float)
        return float(np.mean((infrared - red) / (infrared + red)))

    assert ndvi("S2A_T32TPS_20170714") > ndvi("S2A_T32TPS_20170120") + 0.2


def test_backscatter_is_finite_decibels_without_missing(catalog: Path) -> None:
    vv, vh = (band(catalog, "Sentinel1-L1-IW-GRD", "S1A_IW_GRDH_20170117", name) for name in ("VV", "VH"))
    assert vv.dtype == np.float32 and -35 < vh.min() < vv.mean() < 10
    assert vh.mean() < vv.mean() - 4


def test_equal_seeds_give_equal_pixels(catalog: Path, landscape: Landscape) -> None:
    raster = alpine_raster(SMALL)
    again = alpine(SEED, raster.shape, raster.cell, nodes=SMALL.nodes, steps=SMALL.steps)
    for name in ("surface", "row", "tone", "patchiness"):
        assert getattr(again, name).tobytes() == getattr(landscape, name).tobytes()
    moment = scene.observe(again, alpine_dates()[0], SEED, 46.6)
    pixels = scene.encode(scene.reflectance(moment, 3, top=False), moment.covered)
    assert np.array_equal(pixels, band(catalog, "S2_L2A_T32TPS_20M", "S2A_T32TPS_20170105", "B04"))


def test_another_seed_gives_other_clouds(landscape: Landscape) -> None:
    date = alpine_dates()[0]
    first, second = (scene.observe(landscape, date, seed, 46.6).opacity for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_second_call_rewrites_nothing(catalog: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in catalog.parent.rglob("*")}
    assert write_archive(catalog.parent, progress=False, scale=SMALL) == catalog
    assert before == {path: path.stat().st_mtime_ns for path in catalog.parent.rglob("*")}


def write_nothing(draft: Path, size: Size, done: archive.Done) -> None:
    (draft / "catalog.json").write_text(json.dumps({"ogcserver:generator": catalogue.generator(size)}))


def test_older_version_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_fill", write_nothing)
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "catalog.json").write_text('{"ogcserver:generator": "demo-archive-0/1"}')
    (folder / "old.tif").touch()
    written = write_archive(folder, progress=False, scale=SMALL)
    assert load(written)["ogcserver:generator"] == catalogue.generator(SMALL)
    assert [path.name for path in folder.iterdir()] == ["catalog.json"] and list(tmp_path.iterdir()) == [folder]


def test_folder_that_is_not_an_archive_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(FileExistsError, match="not a demo archive"):
        write_archive(tmp_path, progress=False, scale=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(archive, "write_cog", fail)
    with pytest.raises(type(failure)):
        write_archive(tmp_path / "demo", progress=False, scale=SMALL)
    assert list(tmp_path.iterdir()) == []
