from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
from pyproj import CRS

from ogcserver.sources.base import CubeBand, FileBand, Item
from ogcserver.sources.stac_cube import CubeLayout
from ogcserver.sources.stac_item import ItemError, ItemRules, items_of, usable_items

BASE = "/cat/scene.json"
Make = Callable[..., dict[str, Any]]


def one(document: dict[str, Any], base: str = BASE, rules: ItemRules | None = None) -> Item:
    (item,) = items_of(document, base, rules or ItemRules())
    return item


def tif(**fields: Any) -> dict[str, Any]:
    return {"href": "./b.tif", "type": "image/tiff; application=geotiff; profile=cloud-optimized", **fields}


def test_the_label_is_the_datetime_also_where_there_is_a_span(stac_item: Make) -> None:
    span = {"start_datetime": "2017-01-01T00:00:00Z", "end_datetime": "2017-01-16T00:00:00Z"}
    assert one(stac_item(properties=span)).time == "2017-01-05T10:20:31Z"


def test_without_datetime_the_label_is_the_span(stac_item: Make) -> None:
    times = {"datetime": None, "start_datetime": "2017-01-01T00:00:00Z", "end_datetime": "2017-01-16T02:00:00+02:00"}
    assert one(stac_item(properties=times)).time == "2017-01-01T00:00:00Z/2017-01-16T00:00:00Z"


@pytest.mark.parametrize("times", [{"datetime": None}, {"datetime": "yesterday"}, {"datetime": 5}])
def test_without_any_time_it_is_no_item(stac_item: Make, times: dict[str, Any]) -> None:
    with pytest.raises(ItemError):
        one(stac_item(properties=times))


PROJECTED = {"proj:shape": [50, 100], "proj:transform": [10, 0, 600000, 0, -20, 5200000]}


@pytest.mark.parametrize(
    "crs",
    [
        {"proj:code": "EPSG:32632"},
        {"proj:epsg": 32632},
        {"proj:epsg": None, "proj:wkt2": CRS.from_epsg(32632).to_wkt()},
        {"proj:projjson": CRS.from_epsg(32632).to_json_dict()},
    ],
)
def test_crs_and_extent_of_the_item_or_of_the_asset(stac_item: Make, crs: dict[str, Any]) -> None:
    of_item = one(stac_item(properties={**crs, **PROJECTED}))
    of_asset = one(stac_item(assets={"B1": tif(**crs, **PROJECTED)}))
    for item in (of_item, of_asset):
        extent = item.bands["B1"].extent
        assert extent is not None
        assert (extent.width, extent.height) == (100, 50)
        assert extent.lattice.crs == "EPSG:32632"
        assert (extent.lattice.x0, extent.lattice.y0, extent.lattice.dx, extent.lattice.dy) == (600000, 5200000, 10, 20)


def test_the_lattice_of_an_asset_goes_before_that_of_its_item(stac_item: Make) -> None:
    fine = tif(**{"proj:shape": [100, 200], "proj:transform": [5, 0, 600000, 0, -10, 5200000, 0, 0, 1]})
    properties = {"proj:epsg": 32632, **PROJECTED}
    item = one(stac_item(assets={"B1": fine, "B2": tif()}, properties=properties))
    assert [item.bands[b].extent.width for b in ("B1", "B2")] == [200, 100]  # type: ignore[union-attr]


def test_an_extent_from_shape_and_bbox_and_from_transform_and_bbox(stac_item: Make) -> None:
    bbox = {"proj:epsg": 32632, "proj:bbox": [600000, 5199000, 601000, 5200000]}
    by_shape = one(stac_item(properties={**bbox, "proj:shape": [50, 100]})).bands["B1"].extent
    by_transform = one(stac_item(properties={**bbox, "proj:transform": PROJECTED["proj:transform"]})).bands["B1"].extent
    assert by_shape == by_transform is not None


@pytest.mark.parametrize(
    "proj",
    [
        {"proj:epsg": 32632, "proj:shape": [0, 0], "proj:transform": [10, 0, 0, 0, -10, 0]},
        {"proj:epsg": 32632, "proj:shape": [5, 5], "proj:transform": [10, 3, 0, 3, -10, 0]},
        {"proj:epsg": 32632, "proj:shape": "x", "proj:transform": [1]},
        {"proj:epsg": 999999, **PROJECTED},
        {"proj:code": "what", **PROJECTED},
        {"proj:projjson": {"type": "nothing"}, **PROJECTED},
    ],
)
def test_nonsense_about_the_grid_leaves_it_open(stac_item: Make, proj: dict[str, Any]) -> None:
    assert one(stac_item(properties=proj)).bands["B1"].extent is None


def test_scale_offset_and_nodata_of_raster_bands(stac_item: Make) -> None:
    asset = tif(**{"raster:bands": [{"data_type": "uint16", "scale": 0.0001, "offset": -0.1, "nodata": 0}]})
    band = one(stac_item(assets={"B1": asset})).bands["B1"]
    assert (band.scale, band.offset, band.nodata) == (0.0001, -0.1, 0.0)


def test_scale_may_be_turned_off(stac_item: Make) -> None:
    asset = tif(**{"raster:bands": [{"scale": 0.0001, "offset": -0.1}]})
    band = one(stac_item(assets={"B1": asset}), rules=ItemRules(apply_scale=False)).bands["B1"]
    assert (band.scale, band.offset) == (1.0, 0.0)


def test_bands_of_stac_1_1_inherit_from_asset_and_item(stac_item: Make) -> None:
    bands = [{"name": "red", "raster:scale": 0.5, "raster:offset": 2}, {"name": "nir", "nodata": 7}]
    asset = tif(bands=bands, nodata=0)
    item = one(stac_item(assets={"a": asset}, properties={"data_type": "uint16"}, stac_version="1.1.0"))
    assert {name: (b.place, b.scale, b.offset, b.nodata) for name, b in item.bands.items()} == {
        "red": (FileBand("/cat/b.tif", 1), 0.5, 2.0, 0.0),
        "nir": (FileBand("/cat/b.tif", 2), 1.0, 0.0, 7.0),
    }


@pytest.mark.parametrize(
    ("nodata", "value"),
    [("inf", math.inf), ("-inf", -math.inf), (None, None), (True, None), ("x", None), ("-99", -99.0)],
)
def test_nodata_in_all_its_forms(stac_item: Make, nodata: object, value: float | None) -> None:
    item = one(stac_item(assets={"B1": tif(**{"raster:bands": [{"nodata": nodata}]})}))
    assert item.bands["B1"].nodata == value


def test_nodata_nan(stac_item: Make) -> None:
    nodata = one(stac_item(assets={"B1": tif(**{"raster:bands": [{"nodata": "nan"}]})})).bands["B1"].nodata
    assert nodata is not None and math.isnan(nodata)


def test_a_file_of_several_bands_and_names_of_bands(stac_item: Make) -> None:
    assets = {
        "image": tif(**{"eo:bands": [{"name": "R"}, {"name": "G"}]}),
        "key": tif(**{"eo:bands": [{"common_name": "nir"}]}),
        "plain": tif(),
        "two": tif(**{"raster:bands": [{}, {}]}),
    }
    places = {name: band.place for name, band in one(stac_item(assets=assets)).bands.items()}
    assert list(places) == ["R", "G", "key", "plain", "two_1", "two_2"]
    assert places["G"] == FileBand("/cat/b.tif", 2)
    assert places["two_2"] == FileBand("/cat/b.tif", 2)


def test_of_assets_with_the_same_band_that_with_fewer_bands_is_read(stac_item: Make) -> None:
    visual = tif(href="v.tif", **{"eo:bands": [{"name": "B04"}, {"name": "B03"}]})
    single = tif(href="b04.tif", **{"eo:bands": [{"name": "B04"}]})
    bands = one(stac_item(assets={"all": visual, "B04": single, "B04-again": {**single, "href": "c.tif"}})).bands
    assert bands["B04"].place == FileBand("/cat/b04.tif", 1)
    assert bands["B03"].place == FileBand("/cat/v.tif", 2)


@pytest.mark.parametrize(
    "asset",
    [
        tif(roles=["thumbnail"]),
        tif(roles=["overview"]),
        tif(roles=["metadata"]),
        tif(roles=["visual"]),
        tif(type="image/png"),
        tif(type="application/json"),
        {"href": "x.xml"},
        {"href": "x"},
        {"href": "x.tif.aux.xml", "roles": ["data"]},
    ],
)
def test_what_is_no_raster_data_is_skipped(stac_item: Make, asset: dict[str, Any]) -> None:
    item = stac_item()
    item["assets"]["other"] = asset
    assert list(one(item).bands) == ["B1"]


@pytest.mark.parametrize(
    "asset",
    [
        {"href": "x.TIF"},
        {"href": "x.tif?token=1"},
        {"href": "x.jp2", "type": "image/jp2"},
        {"href": "x", "type": "image/tiff"},
        {"href": "x.tif", "type": "application/octet-stream"},
        tif(roles=["data", "overview"]),
    ],
)
def test_what_is_raster_data_is_kept(stac_item: Make, asset: dict[str, Any]) -> None:
    base = "https://h.org/cat/scene.json"
    assert list(one(stac_item(assets={"kept": asset}), base).bands) == ["kept"]


def test_what_the_collection_says_of_all_assets_completes_them(stac_item: Make) -> None:
    template = {"type": "image/tiff", "roles": ["data"], "raster:bands": [{"scale": 0.5, "nodata": 3}]}
    item = one(stac_item(assets={"B1": {"href": "x"}}), rules=ItemRules(templates={"B1": template}))
    assert (item.bands["B1"].scale, item.bands["B1"].nodata) == (0.5, 3.0)


def test_a_footprint_from_geometry_else_bbox_else_grid(stac_item: Make) -> None:
    polygon = {"type": "Polygon", "coordinates": [[[1, 2], [3, 2], [3, 4], [1, 2]]]}
    assert one(stac_item(geometry=polygon)).boxes == ((1, 2, 3, 4),)
    assert one(stac_item()).boxes == ((10, 46, 11, 47),)
    assert one(stac_item(geometry={"type": "Polygon", "coordinates": "?"})).boxes == ((10, 46, 11, 47),)
    (box,) = one(stac_item(bbox=None, properties={"proj:epsg": 32632, **PROJECTED})).boxes
    assert box == pytest.approx((10.307, 46.934, 10.321, 46.944), abs=0.01)
    with pytest.raises(ItemError):
        one(stac_item(bbox=None))


def test_a_footprint_across_180_degrees(stac_item: Make) -> None:
    two = ((179.0, 0.0, 180.0, 1.0), (-180.0, 0.0, -179.0, 1.0))
    polygon = {"type": "Polygon", "coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]]}
    assert one(stac_item(bbox=[179, 0, -179, 1])).boxes == two
    assert one(stac_item(geometry=polygon)).boxes == two
    assert one(stac_item(geometry=polygon, bbox=[179, 0, -179, 1])).boxes == two


def test_a_polygon_that_may_mean_either_way_around_gives_way_to_the_grid(stac_item: Make) -> None:
    lon = 179.875
    polygon = {"type": "Polygon", "coordinates": [[[-lon, -60], [lon, -60], [lon, 60], [-lon, 60], [-lon, -60]]]}
    globe = {"proj:epsg": 4326, "proj:shape": [480, 1439], "proj:transform": [0.25, 0, -lon, 0, -0.25, 60]}
    (box,) = one(stac_item(geometry=polygon, bbox=[-lon, -60, lon, 60], properties=globe)).boxes
    assert box == pytest.approx((-lon, -60, lon, 60))


CUBE = {
    "cube:dimensions": {
        "time": {"type": "temporal", "values": ["2017-01-01T00:00:00Z", "2017-02-01T00:00:00Z"]},
        "lat": {"type": "spatial", "axis": "y", "extent": [46.5, 47.5], "step": 1.0},
        "lon": {"type": "spatial", "axis": "x", "extent": [10.5, 12.5], "step": 1.0},
    },
    "cube:variables": {
        "pr": {"type": "data", "dimensions": ["time", "lat", "lon"]},
        "height": {"type": "data", "dimensions": ["lat", "lon"]},
        "crs": {"type": "auxiliary", "dimensions": []},
        "bounds": {"type": "data", "dimensions": ["time", "bnds"]},
    },
}
NETCDF = {"href": "x.nc", "type": "application/x-netcdf"}


def test_a_netcdf_file_is_an_item_for_each_time_step(stac_item: Make) -> None:
    items = items_of(stac_item("cube", assets={"data": NETCDF}, properties=CUBE), BASE, ItemRules())
    found = {item.id: (item.time, {name: band.place for name, band in item.bands.items()}) for item in items}
    crs = "EPSG:4326"
    assert found == {
        "cube_static": ("2017-01-05T10:20:31Z", {"height": CubeBand("/cat/x.nc", "height", None, crs)}),
        "cube_0000": ("2017-01-01T00:00:00Z", {"pr": CubeBand("/cat/x.nc", "pr", 0, crs)}),
        "cube_0001": ("2017-02-01T00:00:00Z", {"pr": CubeBand("/cat/x.nc", "pr", 1, crs)}),
    }
    extent = items[-1].bands["pr"].extent
    assert extent is not None and (extent.width, extent.height, extent.lattice.x0) == (3, 2, 10.0)


def test_times_and_variables_that_the_catalogue_leaves_out_are_read(stac_item: Make) -> None:
    def layout(href: str) -> CubeLayout:
        assert href == "/cat/x.nc"
        return CubeLayout({"pr": ("time", "lat", "lon")}, ("2017-03-01T00:00:00Z",), {})

    items = items_of(stac_item("c", assets={"d": {"href": "x.nc"}}), BASE, ItemRules(read_layout=layout))
    assert [(item.id, item.time, list(item.bands)) for item in items] == [("c", "2017-03-01T00:00:00Z", ["pr"])]


def test_files_of_one_variable_each_share_time_steps(stac_item: Make) -> None:
    assets = {
        name: {"href": f"{name}.nc", "cube:variables": {name: {"type": "data", "dimensions": ["time", "lat", "lon"]}}}
        for name in ("pr", "tas")
    }
    dimensions = {"cube:dimensions": CUBE["cube:dimensions"]}
    items = items_of(stac_item(assets=assets, properties=dimensions), BASE, ItemRules())
    assert [sorted(item.bands) for item in items] == [["pr", "tas"], ["pr", "tas"]]


@pytest.mark.parametrize("href", ["/vsicurl/http://internal/x.tif", "file:///etc/x.tif", "NETCDF:/x.nc:v", 5, None])
def test_a_refused_asset_is_left_out_and_logged(
    stac_item: Make, href: object, caplog: pytest.LogCaptureFixture
) -> None:
    item = stac_item(assets={"bad": tif(href=href), "good": tif()})
    assert list(one(item, "https://h.org/scene.json").bands) == ["good"]
    assert "refused" in caplog.text


def test_malformed_items_are_left_out_and_logged(stac_item: Make, caplog: pytest.LogCaptureFixture) -> None:
    bad: list[Any] = [
        {},
        {"id": 5},
        {"id": "a", "assets": []},
        {"id": "b", "assets": {"x": None}},
        stac_item("c", bbox="?", assets={"x": None}),
        stac_item("d", assets={}),
        stac_item("g", bbox="?"),
        stac_item("e", assets={"x": tif(**{"eo:bands": 7})}),
        {"id": "f", "properties": []},
        "text",
    ]
    with caplog.at_level(logging.WARNING):
        found = usable_items([(document, BASE) for document in [*bad, stac_item("good")]], ItemRules())
    assert [item.id for item in found] == ["good"]
    assert len(caplog.records) == len(bad)
