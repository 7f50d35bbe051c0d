import io
import json
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

from ogcserver.cube import Band
from ogcserver.encode.netcdf import encode_netcdf
from ogcserver.errors import NoTimeInRange
from ogcserver.geo.crs import canonical, crs_object
from ogcserver.geo.grid import Grid, Lattice

from .blocks import NAN, UTM, block, f32

VALUES = f32([1, NAN, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12])
LAEA = "+proj=laea +lat_0=12.5 +lon_0=33.25 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m +no_defs"


def opened(data: bytes, **kwargs) -> xr.Dataset:
    return xr.load_dataset(io.BytesIO(data), engine="h5netcdf", **kwargs)


def test_values_and_pixel_centres():
    dataset = opened(encode_netcdf(block(VALUES, Band("NDVI", unit="1"), on=UTM)))
    np.testing.assert_array_equal(dataset.NDVI, VALUES)
    assert dataset.NDVI.dtype == np.float32
    assert dataset.NDVI.dims == ("y", "x")
    assert dataset.x.values.tolist() == [600035.0, 600045.0, 600055.0, 600065.0]
    assert dataset.y.values.tolist() == [5199890.0, 5199870.0, 5199850.0]
    assert dataset.x.attrs["standard_name"] == "projection_x_coordinate"
    assert dataset.x.attrs["units"] == "m"
    assert dataset.NDVI.attrs["units"] == "1"
    assert dataset.attrs["Conventions"] == "CF-1.8"


def test_the_grid_mapping_tells_crs_and_transform():
    raw = opened(encode_netcdf(block(VALUES, on=UTM)), decode_cf=False)
    assert raw.b0.attrs["grid_mapping"] == "crs"
    mapping = raw["crs"].attrs
    assert mapping["grid_mapping_name"] == "transverse_mercator"
    assert crs_object(mapping["crs_wkt"]).to_epsg() == 32632
    assert tuple(map(float, mapping["GeoTransform"].split())) == UTM.transform.to_gdal()
    assert np.isnan(raw.b0.attrs["_FillValue"])
    assert "_FillValue" not in raw.x.attrs


def test_a_geographic_crs_has_lat_and_lon():
    on = Grid(Lattice("EPSG:4326", 10.0, 47.0, 0.25, 0.5), 0, 0, 4, 3)
    dataset = opened(encode_netcdf(block(VALUES, on=on)))
    assert dataset.b0.dims == ("lat", "lon")
    assert dataset.lon.values.tolist() == [10.125, 10.375, 10.625, 10.875]
    assert dataset.lat.values.tolist() == [46.75, 46.25, 45.75]
    assert dataset.lat.attrs["units"] == "degrees_north"
    assert dataset.lon.attrs["standard_name"] == "longitude"


def test_bands_keep_their_own_dtype_and_nodata():
    bands = (Band("SCL", "uint8", 0.0), Band("B04", "uint16", 65535.0), Band("n", "int16"), Band("whole", "int16"))
    data = np.array([[[4, NAN]], [[300, NAN]], [[-7, NAN]], [[1, 2]]], np.float32)
    raw = opened(encode_netcdf(block(data, *bands)), decode_cf=False)
    assert (raw.SCL.dtype, raw.SCL.values.tolist(), raw.SCL.attrs["_FillValue"]) == (np.uint8, [[4, 0]], 0)
    assert (raw.B04.dtype, raw.B04.values.tolist(), raw.B04.attrs["_FillValue"]) == (np.uint16, [[300, 65535]], 65535)
    assert raw.n.dtype == np.float32
    np.testing.assert_array_equal(raw.n, [[-7, NAN]])
    assert raw.whole.dtype == np.int16
    assert "_FillValue" not in raw.whole.attrs


def test_instants_on_the_time_axis():
    data = np.arange(8, dtype=np.float32).reshape(2, 2, 1, 2)
    labels = ("2017-01-05T10:20:31Z", "2017-01-15T10:20:31.500000Z")
    dataset = opened(encode_netcdf(block(data, times=labels)))
    assert dataset.b1.dims == ("time", "y", "x")
    np.testing.assert_array_equal(dataset.b1, data[:, 1])
    assert (
        dataset.time.values.astype("M8[ms]").tolist()
        == np.array(["2017-01-05T10:20:31", "2017-01-15T10:20:31.500"], "M8[ms]").tolist()
    )
    assert "time_bnds" not in dataset


def test_intervals_have_bounds():
    labels = ("2017-01-01T00:00:00Z/2017-02-01T00:00:00Z", "2017-02-01T00:00:00Z/2017-03-01T00:00:00Z")
    dataset = opened(encode_netcdf(block(np.zeros((2, 1, 1, 2), np.float32), times=labels)))
    assert dataset.time.attrs["bounds"] == "time_bnds"
    assert dataset.time.values.astype("M8[D]").astype(str).tolist() == ["2017-01-01", "2017-02-01"]
    assert dataset.time_bnds.values.astype("M8[D]").astype(str).tolist() == [
        ["2017-01-01", "2017-02-01"],
        ["2017-02-01", "2017-03-01"],
    ]


def test_labels_that_are_no_times_are_kept_as_text():
    dataset = opened(encode_netcdf(block(np.zeros((2, 1, 1, 2), np.float32), times=("winter", "spring"))))
    assert dataset.time.values.tolist() == ["winter", "spring"]


def test_names_become_valid_and_stay_apart():
    bands = tuple(Band(name) for name in ("4", "a b", "a-b", "time", "x", "crs", "_q", "é"))
    dataset = opened(encode_netcdf(block(np.zeros((8, 1, 2), np.float32), *bands)), decode_coords=False)
    names = [name for name in dataset.data_vars if name != "crs"]
    assert names == ["band_4", "a_b", "a_b_2", "time_2", "x_2", "crs_2", "band__q", "band__"]
    assert [dataset[name].attrs["long_name"] for name in names] == [band.name for band in bands]


def test_no_time_is_an_error():
    with pytest.raises(NoTimeInRange):
        encode_netcdf(block(np.empty((0, 1, 2, 2), np.float32)))


def test_compression_is_optional():
    flat = block(np.zeros((100, 100), np.float32))
    assert len(encode_netcdf(flat)) < 40_000 < len(encode_netcdf(flat, 0))


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="needs gdalinfo")
@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326", "EPSG:3857", "EPSG:3035", "ESRI:54009", LAEA])
@pytest.mark.parametrize("shape", [(3, 4), (1, 1)])
def test_gdal_finds_the_place(tmp_path, crs, shape):
    name = canonical(crs_object(crs).to_wkt()) if crs == LAEA else crs
    corner = (10.0, 47.0, 0.1, 0.2) if crs == "EPSG:4326" else (600000.0, 5200000.0, 10.0, 20.0)
    on = Grid(Lattice(name, *corner), 3, 5, shape[1], shape[0])
    path = tmp_path / "file.nc"
    path.write_bytes(encode_netcdf(block(VALUES[: shape[0], : shape[1]], Band("NDVI"), on=on)))
    run = subprocess.run(["gdalinfo", "-json", f'NETCDF:"{path}":NDVI'], capture_output=True, text=True, check=True)
    info = json.loads(run.stdout)
    assert info["size"] == [shape[1], shape[0]]
    np.testing.assert_allclose(info["geoTransform"], on.transform.to_gdal(), rtol=1e-12)
    assert crs_object(info["coordinateSystem"]["wkt"]).equals(crs_object(name), ignore_axis_order=True)
