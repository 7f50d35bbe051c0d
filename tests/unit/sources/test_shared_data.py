"""The real samples beside the repository, through a static catalogue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ogcserver.sources.base import BandSource, CubeBand, FileBand, Item, group
from ogcserver.sources.stac_static import StaticCatalog, StaticCollection
from ogcserver.timeline import Interval, whole_days

WORLD = ((-180.0, -90.0, 180.0, 90.0),)


@pytest.fixture(scope="module")
def catalog(shared_data: Path) -> StaticCatalog:
    return StaticCatalog(str(shared_data / "catalog.json"))


def everything(collection: StaticCollection) -> tuple[Item, ...]:
    return collection.search(WORLD, Interval())


def test_every_collection_describes_itself_and_finds_its_items(catalog: StaticCatalog, shared_data: Path) -> None:
    links = json.loads((shared_data / "catalog.json").read_text())["links"]
    assert list(catalog.collections()) == [Path(k["href"]).parent.name for k in links if k["rel"] == "child"]
    for name, collection in catalog.collections().items():
        items, info = everything(collection), collection.info
        assert items and info.bands and info.licence and info.interval[0] and info.title, name
        assert {band.band.name for band in info.bands} == {band for item in items for band in item.bands}, name
        for band in (band for item in items for band in item.bands.values()):
            assert isinstance(band.place, (FileBand, CubeBand)) and Path(band.place.href).is_file()
            assert band.extent is not None
        assert collection.search(info.boxes, Interval()) == items
        assert len(collection.version()) == 64


@pytest.mark.parametrize(
    ("name", "items", "observations"),
    [
        ("landsat8-l1tp-nyc", 19, 17),
        ("cbers4-awfi-brazil", 24, 24),
        ("sentinel2-ndvi-slovenia", 68, 67),
        ("naip-prairie-nd", 8, 8),
        ("bcsd-obs-1999", 12, 12),
        ("oisst-1981-12-31", 1, 1),
    ],
)
def test_items_and_days(catalog: StaticCatalog, name: str, items: int, observations: int) -> None:
    found = everything(catalog.collections()[name])
    assert (len(found), len(group(found, "day"))) == (items, observations)


def test_landsat_bands(catalog: StaticCatalog) -> None:
    bands = {band.band.name: band for band in catalog.collections()["landsat8-l1tp-nyc"].info.bands}
    assert list(bands) == [f"B{n}" for n in range(1, 12)] + ["BQA"]
    red, quality = bands["B4"], bands["BQA"]
    assert (red.common_name, red.wavelength_nm, red.stored_dtype, red.scale, red.offset) == (
        "red",
        650,
        "uint16",
        2e-5,
        -0.1,
    )
    assert (red.band.dtype, red.band.nodata, red.nodata) == ("float32", None, 0.0)
    assert (quality.band.dtype, quality.band.nodata) == ("uint16", 1.0)
    assert bands["B8"].resolution_m == pytest.approx(1503, abs=1)


def test_scale_turned_off_keeps_stored_dtypes(shared_data: Path) -> None:
    off = StaticCatalog(str(shared_data / "landsat8-l1tp-nyc" / "collection.json"), apply_scale=False)
    on = StaticCatalog(str(shared_data / "landsat8-l1tp-nyc" / "collection.json"))
    (collection,) = off.collections().values()
    (scaled,) = on.collections().values()
    assert {band.band.dtype for band in collection.info.bands} == {"uint16"}
    assert collection.info.bands[0].band.nodata == 0.0
    assert everything(collection)[0].bands["B4"].scale == 1.0
    assert collection.version() != scaled.version()


def test_a_crs_without_code_is_its_wkt(catalog: StaticCatalog) -> None:
    item = everything(catalog.collections()["cbers4-awfi-brazil"])[0]
    assert item.time == "2017-08-29T00:00:00Z"
    extent = item.bands["B15"].extent
    assert extent is not None and extent.lattice.crs.startswith("PROJCRS[") and extent.width == 50


def test_undated_layers_are_labelled_with_their_span(catalog: StaticCatalog) -> None:
    (item,) = everything(catalog.collections()["dem-luxembourg"])
    assert item.time == "2000-02-11T00:00:00Z/2000-02-22T23:59:59Z"
    assert catalog.collections()["dem-luxembourg"].search(WORLD, whole_days("2000-02-20", "2000-03-01")) == (item,)


def test_a_netcdf_file_of_longitudes_0_to_360_with_one_step(catalog: StaticCatalog) -> None:
    collection = catalog.collections()["oisst-1981-12-31"]
    (item,) = everything(collection)
    assert item.time == "1981-12-31T00:00:00Z"
    assert item.boxes == WORLD
    source = item.bands["sst"]
    assert isinstance(source, BandSource) and isinstance(source.place, CubeBand)
    assert (source.place.variable, source.place.step) == ("sst", 0)
    assert source.extent is not None and source.extent.lattice.x0 == -1.0
    assert [(b.band.name, b.band.dtype, b.band.unit) for b in collection.info.bands][:2] == [
        ("sst", "float32", "degree_C"), ("anom", "float32", "degree_C"),
    ]  # fmt: skip


def test_a_netcdf_file_of_twelve_months(catalog: StaticCatalog) -> None:
    found = catalog.collections()["bcsd-obs-1999"].search(WORLD, whole_days("1999-02-01", "1999-03-31"))
    assert [item.time for item in found] == ["1999-02-28T00:00:00Z", "1999-03-31T00:00:00Z"]
    assert [item.bands["tas"].place.step for item in found] == [1, 2]  # type: ignore[union-attr]


def test_places_narrow_a_search(catalog: StaticCatalog) -> None:
    collection = catalog.collections()["landsat8-l1tp-nyc"]
    west = collection.search(((-76.2, 40.0, -76.1, 40.1),), Interval())
    assert 0 < len(west) < 19
    assert collection.search(((10.0, 40.0, 11.0, 41.0),), Interval()) == ()
