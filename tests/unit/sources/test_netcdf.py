"""netCDF cubes: packed numbers, axes that run either way, longitudes of 0..360, steps of time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from pyproj import CRS

from ogcserver.cube import Band
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.base import BandSource, CubeBand, Item, Observation
from ogcserver.sources.netcdf import NetcdfReader
from ogcserver.sources.raster import Window
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings

DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
EVERYWHERE = ((-180.0, -90.0, 180.0, 90.0),)
RNG = np.random.default_rng(2)
VALUES = np.round(RNG.normal(10, 5, (3, 18, 36)), 2)
VALUES[:, 4:6, 7:9] = np.nan
NORTH_UP = Lattice("EPSG:4326", 0.0, 90.0, 10.0, 10.0)


def dataset(values: np.ndarray[Any, Any] = VALUES, ascending: bool = False) -> xarray.Dataset:
    """A globe of 10 degree cells with longitudes 0..360; ``values`` from north to south."""
    lat = np.arange(85.0, -90.0, -10.0)
    cube = xarray.DataArray(
        values,
        dims=("time", "lat", "lon"),
        coords={
            "time": np.array(["2017-01-01", "2017-02-01", "2017-03-01"], "datetime64[ns]"),
            "lat": lat,
            "lon": np.arange(5.0, 360.0, 10.0),
        },
    )
    return (cube.isel(lat=slice(None, None, -1)) if ascending else cube).to_dataset(name="v")


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    def saver(cube: xarray.Dataset, **encoding: Any) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.nc"
        cube.to_netcdf(path, engine="h5netcdf", encoding={"v": encoding} if encoding else None)
        return str(path)

    return saver


def read(
    href: str, grid: Grid, step: int | None = 0, variable: str = "v", dtype: str = "float64"
) -> np.ndarray[Any, Any]:
    reader = Reader({CubeBand: NetcdfReader()}, Samplings(1 << 22), skip_unreadable=False)
    item = Item("i", "2017-01-01T00:00:00Z", {"v": BandSource(CubeBand(href, variable, step))}, EVERYWHERE)
    return reader.onto(grid, "nearest").read(Observation(item.time, (item,)), [Band("v", dtype)], lambda: None)[0][0, 0]


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("step", [0, 2])
def test_rows_come_from_the_north_however_they_are_stored(ascending: bool, step: int, save: Any) -> None:
    href = save(dataset(ascending=ascending))
    np.testing.assert_array_equal(read(href, Grid(NORTH_UP, 0, 0, 36, 18), step), VALUES[step])
    np.testing.assert_array_equal(read(href, Grid(NORTH_UP, 5, 3, 7, 9), step), VALUES[step, 3:12, 5:12])


def test_columns_that_run_westward(save: Any) -> None:
    href = save(dataset().isel(lon=slice(None, None, -1)))
    np.testing.assert_array_equal(read(href, Grid(NORTH_UP, 5, 3, 7, 9)), VALUES[0, 3:12, 5:12])


def test_longitudes_of_0_to_360_meet_those_of_180_west_to_180_east(save: Any) -> None:
    href = save(dataset())
    found = read(href, Grid(Lattice("EPSG:4326", -180.0, 90.0, 10.0, 10.0), 0, 0, 36, 18))
    np.testing.assert_array_equal(found, np.roll(VALUES[0], 18, axis=1))


@pytest.mark.parametrize("ascending", [False, True])
def test_packed_integers_are_unpacked_and_masked(ascending: bool, save: Any) -> None:
    href = save(dataset(ascending=ascending), dtype="int16", scale_factor=0.01, add_offset=5.0, _FillValue=-999)
    np.testing.assert_allclose(read(href, Grid(NORTH_UP, 0, 0, 36, 18), 1), VALUES[1], atol=1e-6)


def test_a_further_axis_is_read_at_its_first_place(save: Any) -> None:
    cube = dataset()["v"].expand_dims(depth=[0.0, 10.0], axis=1).copy()
    cube[:, 1] = -1.0
    np.testing.assert_array_equal(read(save(cube.to_dataset(name="v")), Grid(NORTH_UP, 0, 0, 36, 18), 2), VALUES[2])


def test_a_variable_without_time(save: Any) -> None:
    href = save(dataset().isel(time=0, drop=True))
    np.testing.assert_array_equal(read(href, Grid(NORTH_UP, 0, 0, 36, 18), None), VALUES[0])
    with pytest.raises(SourceUnavailable, match="time step"):
        read(href, Grid(NORTH_UP, 0, 0, 36, 18), 1)


@pytest.mark.parametrize("step", [-1, 3])
def test_a_step_beyond_the_file_is_refused(step: int, save: Any) -> None:
    with pytest.raises(SourceUnavailable, match="time step"):
        read(save(dataset()), Grid(NORTH_UP, 0, 0, 2, 2), step)


def test_projected_axes_and_their_grid_mapping(save: Any) -> None:
    from_wkt = xarray.DataArray(0, attrs={"crs_wkt": CRS.from_epsg(32632).to_wkt()})
    values = np.arange(20.0).reshape(4, 5)
    cube = xarray.Dataset(
        {"v": (("y", "x"), values, {"grid_mapping": "crs"}), "crs": from_wkt},
        {"y": 5199990.0 - 20 * np.arange(4), "x": 600010.0 + 20 * np.arange(5)},
    )
    href = save(cube)
    lattice = Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0)
    assert NetcdfReader().header(CubeBand(href, "v")).extent.lattice == lattice
    np.testing.assert_array_equal(read(href, Grid(lattice, 1, 1, 3, 2), None), values[1:3, 1:4])


def test_irregular_axes_are_refused(save: Any) -> None:
    cube = dataset()
    lat = cube["lat"].to_numpy().copy()
    lat[3] += 1.0
    with pytest.raises(SourceUnavailable, match="regular"):
        read(save(cube.assign_coords(lat=lat)), Grid(NORTH_UP, 0, 0, 2, 2))


@pytest.mark.parametrize("variable", ["w", "lat", "time"])
def test_what_is_no_variable_of_the_file_is_refused(variable: str, save: Any) -> None:
    with pytest.raises(SourceUnavailable):
        read(save(dataset()), Grid(NORTH_UP, 0, 0, 2, 2), variable=variable)


@pytest.mark.parametrize("content", [b"", b"no netCDF", b"\x89HDF\r\n\x1a\n" + b"x" * 500, b"CDF\x01" + b"\x00" * 20])
def test_broken_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(content)
    with pytest.raises(SourceUnavailable) as caught:
        NetcdfReader().header(CubeBand(str(path), "v"))
    assert path.name in caught.value.message and str(tmp_path) not in caught.value.message
    with pytest.raises(SourceUnavailable):
        NetcdfReader().header(CubeBand(str(tmp_path / "gone.nc"), "v"))


def test_many_threads_read_one_file(save: Any) -> None:
    reader, href = NetcdfReader(), save(dataset(), dtype="int16", scale_factor=0.01, _FillValue=-9999)

    def one(number: int) -> None:
        values, _ = reader.read(CubeBand(href, "v", number % 3), 0, Window(number % 20, number % 10, 5, 5)).window(5, 5)
        expected = VALUES[number % 3, number % 10 : number % 10 + 5, number % 20 : number % 20 + 5]
        np.testing.assert_allclose(values, expected, atol=1e-6)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(200)))


@pytest.mark.skipif(not DATA.exists(), reason=f"the shared data are not at {DATA}")
@pytest.mark.parametrize(
    ("name", "variable", "step"),
    [("bcsd-obs-1999/bcsd_obs_1999/bcsd_obs_1999.nc", "tas", 5), ("oisst-1981-12-31/reduced/reduced.nc", "sst", 0)],
)
def test_real_files_equal_xarray(name: str, variable: str, step: int) -> None:
    href = str(DATA / name)
    extent = NetcdfReader().header(CubeBand(href, variable, step)).extent
    found = read(href, extent.grid, step, variable)
    with xarray.open_dataset(href, decode_timedelta=False) as cube:
        values = cube[variable].isel(time=step)
        y = next(str(axis) for axis in values.dims if str(axis).startswith("lat"))
        extra = {str(axis): 0 for axis in values.dims[:-2]}
        expected = values.isel(extra).sortby(y, ascending=False).to_numpy().astype(np.float64)
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(found).any()
