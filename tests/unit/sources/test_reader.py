"""Real files through the readers of files: right overview, right pixels, right missing values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter
from rasterio.transform import Affine

from ogcserver.cube import Band
from ogcserver.errors import SourceUnavailable
from ogcserver.geo.crs import project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.warp import centres
from ogcserver.sources.base import BandSource, FileBand, Item, Observation
from ogcserver.sources.cells import choose_level
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings

EVERYWHERE = ((-180.0, -90.0, 180.0, 90.0),)
UTM = Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5200000.0)
LATTICE = Lattice("EPSG:32632", 600000.0, 5200000.0, 10.0, 10.0)
Write = Callable[..., str]


@pytest.fixture(params=["gdal", "cog"])
def rasters(request: pytest.FixtureRequest) -> Iterator[Any]:
    gdal = GdalReader(8, 16)
    yield CogReader(gdal) if request.param == "cog" else gdal
    gdal.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(
        array: np.ndarray[Any, Any], transform: Affine = UTM, crs: str = "EPSG:32632", overviews: tuple[int, ...] = (),
        edit: Callable[[DatasetWriter], None] = lambda dataset: None, **profile: Any,
    ) -> str:  # fmt: skip
        bands = array if array.ndim == 3 else array[None]
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tif"
        settings = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate", **profile}
        with rasterio.open(
            path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2], dtype=bands.dtype,
            crs=crs, transform=transform, **settings,
        ) as dataset:  # fmt: skip
            dataset.write(bands)
            edit(dataset)
        if overviews:
            with rasterio.open(path, "r+") as dataset:
                dataset.build_overviews(list(overviews), Resampling.nearest)
        return str(path)

    return writer


def observation(href: str, index: int = 1, **source: Any) -> Observation:
    return Observation(
        "2017-01-01T00:00:00Z",
        (Item("i", "2017-01-01T00:00:00Z", {"v": BandSource(FileBand(href, index), **source)}, EVERYWHERE),),
    )


def read(
    rasters: Any, href: str, grid: Grid, resampling: Any = "nearest", dtype: str = "float32", **source: Any
) -> np.ndarray[Any, Any]:
    reader = Reader({FileBand: rasters}, Samplings(1 << 24), skip_unreadable=False)
    data, complete = reader.onto(grid, resampling).read(observation(href, **source), [Band("v", dtype)], lambda: None)
    assert complete
    return data[0, 0]


RNG = np.random.default_rng(11)
BYTES = RNG.integers(1, 255, (150, 200), np.uint8)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize(
    "profile", [{}, {"predictor": 2}, {"tiled": False}, {"compress": "lzw"}, {"compress": None}, {"BIGTIFF": "YES"}]
)
def test_native_windows_come_bit_for_bit(dtype: str, profile: dict[str, Any], write: Write, rasters: Any) -> None:
    if profile.get("predictor") and dtype.startswith("float"):
        profile = {"predictor": 3}
    if profile == {"tiled": False}:
        profile = {"tiled": False, "blockxsize": None, "blockysize": 7}
    if np.dtype(dtype).kind in "iu":
        bounds = np.iinfo(dtype)
        values = RNG.integers(bounds.min, bounds.max, (150, 200), dtype, endpoint=True)
    else:
        values = RNG.normal(0, 1e5, (150, 200)).astype(dtype)
    href = write(values, **{key: value for key, value in profile.items() if value is not None})
    grid = Grid(LATTICE, 33, 21, 140, 100)
    np.testing.assert_array_equal(read(rasters, href, grid, dtype=dtype), values[21:121, 33:173])


def test_pixels_outside_of_the_file_are_missing(write: Write, rasters: Any) -> None:
    found = read(rasters, write(BYTES), Grid(LATTICE, -5, -4, 10, 10))
    assert np.isnan(found[:4]).all() and np.isnan(found[:, :5]).all()
    np.testing.assert_array_equal(found[4:, 5:], BYTES[:6, :5])
    assert np.isnan(read(rasters, write(BYTES), Grid(LATTICE, 500, 500, 5, 5))).all()


def test_a_file_of_one_pixel(write: Write, rasters: Any) -> None:
    found = read(rasters, write(np.array([[7]], np.uint8)), Grid(LATTICE, -1, -1, 3, 3), "bilinear")
    assert found[1, 1] == 7 and np.isnan(found).sum() == 8


def test_scale_and_offset_give_physical_values(write: Write, rasters: Any) -> None:
    found = read(rasters, write(BYTES), Grid(LATTICE, 0, 0, 200, 150), scale=0.25, offset=-10.0)
    np.testing.assert_array_equal(found, BYTES.astype(np.float32) * np.float32(0.25) - np.float32(10))


def test_nodata_is_a_stored_value_not_a_physical_one(write: Write, rasters: Any) -> None:
    values = np.tile(np.array([[0, 1, 2, 10, 20]], np.int16), (4, 1))
    found = read(rasters, write(values, nodata=0), Grid(LATTICE, 0, 0, 5, 4), scale=1.0, offset=-10.0)
    np.testing.assert_array_equal(found[0], [np.nan, -9, -8, 0, 10])  # 10 - 10 is 0 and yet no nodata


def test_the_catalogues_nodata_wins_over_the_files(write: Write, rasters: Any) -> None:
    values = np.tile(np.array([[0, 1, 2, 3]], np.int16), (4, 1))
    found = read(rasters, write(values, nodata=0), Grid(LATTICE, 0, 0, 4, 4), nodata=2.0)
    np.testing.assert_array_equal(found[0], [0, 1, np.nan, 3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("nodata", [None, float("nan"), -9999.0, -3.4028234663852886e38])
def test_nodata_of_floats(dtype: str, nodata: float | None, write: Write, rasters: Any) -> None:
    values = np.array([[1.5, np.nan, -9999.0, -3.4028234663852886e38]], dtype)
    found = read(rasters, write(np.repeat(values, 3, axis=0), nodata=nodata), Grid(LATTICE, 0, 0, 4, 3), dtype=dtype)
    expected = values[0].astype(dtype)
    if nodata is not None:
        expected = np.where(expected == nodata, np.nan, expected)
    np.testing.assert_array_equal(found[1], expected)


def test_an_internal_mask_marks_missing_pixels(write: Write, rasters: Any) -> None:
    valid = np.ones(BYTES.shape, bool)
    valid[40:60, 30:90] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        href = write(BYTES, edit=lambda dataset: dataset.write_mask(valid))
    found = read(rasters, href, Grid(LATTICE, 0, 0, 200, 150))
    np.testing.assert_array_equal(found, np.where(valid, BYTES, np.nan))


def test_alpha_marks_missing_pixels(write: Write, rasters: Any) -> None:
    alpha = np.where(np.indices(BYTES.shape)[0] < 20, 0, 255).astype(np.uint8)

    href = write(np.stack([BYTES, alpha]), ALPHA="YES")
    found = read(rasters, href, Grid(LATTICE, 0, 0, 200, 150))
    np.testing.assert_array_equal(found, np.where(alpha > 0, BYTES, np.nan))


@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_bands_of_one_file_are_told_apart(interleave: str, write: Write, rasters: Any) -> None:
    stack = np.stack([BYTES, BYTES // 2, 255 - BYTES])
    href = write(stack, interleave=interleave)
    for index in (1, 2, 3):
        np.testing.assert_array_equal(read(rasters, href, Grid(LATTICE, 0, 0, 200, 150), index=index), stack[index - 1])
    with pytest.raises(SourceUnavailable):
        read(rasters, href, Grid(LATTICE, 0, 0, 2, 2), index=4)


def test_pixels_that_are_not_square(write: Write, rasters: Any) -> None:
    transform = Affine(30.0, 0.0, 600000.0, 0.0, -7.5, 5200000.0)
    lattice = Lattice("EPSG:32632", 600000.0, 5200000.0, 30.0, 7.5)
    href = write(BYTES, transform)
    np.testing.assert_array_equal(read(rasters, href, Grid(lattice, 5, 6, 50, 60)), BYTES[6:66, 5:55])
    finer = read(rasters, href, Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 15.0, 7.5), 10, 6, 20, 5))
    np.testing.assert_array_equal(finer, np.repeat(BYTES[6:11, 5:15], 2, axis=1))


def test_files_stored_from_south_to_north(write: Write, rasters: Any) -> None:
    transform = Affine(10.0, 0.0, 600000.0, 0.0, 10.0, 5200000.0 - 1500.0)
    href = write(BYTES[::-1].copy(), transform, overviews=(2,))
    np.testing.assert_array_equal(read(rasters, href, Grid(LATTICE, 33, 21, 140, 100)), BYTES[21:121, 33:173])
    coarse = read(rasters, href, Grid(LATTICE.scaled(2, 2), 0, 0, 100, 75))
    assert not np.isnan(coarse).any()


@pytest.mark.parametrize("west", [10.0, 350.0, 179.0, -181.0])
def test_geographic_files_in_web_mercator(west: float, write: Write, rasters: Any) -> None:
    """A file of longitudes in whatever range of 360 degrees, whose pixels hold their own coordinates."""
    lon = (west + (np.arange(200) + 0.5) * 0.01).astype(np.float64)
    lat = (50.0 - (np.arange(150) + 0.5) * 0.01).astype(np.float64)
    transform = Affine(0.01, 0.0, west, 0.0, -0.01, 50.0)
    href = write(np.stack(np.meshgrid(lon, lat)), transform, "EPSG:4326")
    middle = (west + 0.5 + 180.0) % 360.0 - 180.0
    x, y = project("EPSG:4326", "EPSG:3857", np.array([middle]), np.array([49.25]))
    grid = Grid(Lattice("EPSG:3857", float(x[0]), float(y[0]), 700.0, 700.0), -30, -30, 60, 60)
    xs, ys = np.broadcast_arrays(centres(grid).x, centres(grid).y)
    true_lon, true_lat = project("EPSG:3857", "EPSG:4326", xs, ys)
    found_lon = read(rasters, href, grid, dtype="float64")
    found_lat = read(rasters, href, grid, dtype="float64", index=2)
    assert not np.isnan(found_lon).any()
    difference = (found_lon - true_lon + 180.0) % 360.0 - 180.0
    assert np.abs(difference).max() <= 0.005 + 1e-4 and np.abs(found_lat - true_lat).max() <= 0.005 + 1e-4


OVERVIEWS = (2, 4, 8)


@pytest.mark.parametrize(
    ("factor", "level"), [(0.3, 0), (1, 0), (1.9, 0), (2, 1), (3.9, 1), (4, 2), (7.99, 2), (8, 3), (100, 3)]
)
def test_the_overview_is_the_finest_that_is_not_finer_than_needed(
    factor: float, level: int, write: Write, rasters: Any
) -> None:
    values = RNG.integers(0, 60000, (512, 512), np.uint16)
    href = write(values, overviews=OVERVIEWS)
    header = rasters.header(FileBand(href))
    assert header.factors == (1.0, 2.0, 4.0, 8.0)
    grid = Grid(LATTICE.scaled(factor, factor), 0, 0, 4, 4)
    assert choose_level(header, grid) == level
    planned = list(
        Reader({FileBand: rasters}, Samplings(1 << 20)).onto(grid, "nearest").planned(observation(href), [Band("v")])
    )
    assert [read.level for read in planned] == [level]


def test_overview_pixels_come_from_the_file(write: Write, rasters: Any) -> None:
    values = RNG.integers(0, 60000, (300, 500), np.uint16)
    href = write(values, overviews=(2, 4))
    with rasterio.open(href, overview_level=1) as dataset:
        expected = dataset.read(1)
    grid = Grid(LATTICE.scaled(4, 4), 0, 0, 125, 75)
    np.testing.assert_array_equal(read(rasters, href, grid), expected)


def test_the_narrower_side_of_a_pixel_decides(write: Write, rasters: Any) -> None:
    href = write(RNG.integers(0, 9, (512, 512), np.uint8), overviews=OVERVIEWS)
    assert choose_level(rasters.header(FileBand(href)), Grid(LATTICE.scaled(8, 2), 0, 0, 4, 4)) == 1


@pytest.mark.parametrize("zoom", range(13))
def test_small_scale_tiles_read_no_more_than_the_overview_needed(zoom: int, write: Write, rasters: Any) -> None:
    href = write(RNG.integers(0, 9, (1024, 1024), np.uint8), overviews=(2, 4, 8, 16))
    size = 20037508.342789244 * 2 / 256 / 2**zoom
    lattice = Lattice("EPSG:3857", -20037508.342789244, 20037508.342789244, size, size)
    x, y = project("EPSG:32632", "EPSG:3857", np.array([605000.0]), np.array([5195000.0]))
    tile = Grid(
        lattice, int(lattice.column(float(x[0]))) // 256 * 256, int(lattice.row(float(y[0]))) // 256 * 256, 256, 256
    )
    ground = size * np.cos(np.radians(46.9)) / 10.0
    level = choose_level(rasters.header(FileBand(href)), tile)
    assert 2**level <= ground * 1.02 or level == 0
    assert 2 ** (level + 1) > ground * 0.98 or level == 4


def test_large_windows_without_overviews_are_read_in_strips(
    write: Write, rasters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    href = write(BYTES)
    grid = Grid(LATTICE.scaled(3, 3), -2, -2, 80, 60)
    whole = read(rasters, href, grid)
    monkeypatch.setattr("ogcserver.sources.cells._MOST_PIXELS", 1000)
    sizes = []
    original = rasters.read
    monkeypatch.setattr(
        rasters, "read", lambda place, level, window: (sizes.append(window.size), original(place, level, window))[1]
    )
    np.testing.assert_array_equal(read(rasters, href, grid), whole)
    assert len(sizes) > 10 and max(sizes) <= 1000


def test_bilinear_is_exact_on_a_plane(write: Write, rasters: Any) -> None:
    rows, cols = np.indices((80, 90))
    href = write((3.0 * cols - 2.0 * rows + 7.0).astype(np.float64))
    grid = Grid(Lattice("EPSG:32632", 600003.0, 5199996.0, 3.7, 4.1), 10, 10, 200, 150)
    xs, ys = np.broadcast_arrays(centres(grid).x, centres(grid).y)
    expected = 3.0 * ((xs - 600000) / 10 - 0.5) - 2.0 * ((5200000 - ys) / 10 - 0.5) + 7.0
    found = read(rasters, href, grid, "bilinear", "float64")
    inner = (xs > 600010) & (xs < 600890) & (ys < 5199990) & (ys > 5199210)
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-9)


def test_cubic_follows_a_smooth_surface(write: Write, rasters: Any) -> None:
    rows, cols = np.indices((80, 90))
    href = write(np.sin(cols / 8.0) * np.cos(rows / 9.0))
    grid = Grid(Lattice("EPSG:32632", 600003.0, 5199996.0, 3.7, 4.1), 20, 20, 180, 150)
    xs, ys = np.broadcast_arrays(centres(grid).x, centres(grid).y)
    expected = np.sin(((xs - 600000) / 10 - 0.5) / 8.0) * np.cos(((5200000 - ys) / 10 - 0.5) / 9.0)
    cubic = np.abs(read(rasters, href, grid, "cubic", "float64") - expected).max()
    linear = np.abs(read(rasters, href, grid, "bilinear", "float64") - expected).max()
    assert cubic < 1e-3 and cubic < linear / 3


@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
def test_interpolation_on_the_native_grid_keeps_the_pixels(resampling: Any, write: Write, rasters: Any) -> None:
    np.testing.assert_array_equal(read(rasters, write(BYTES), Grid(LATTICE, 0, 0, 200, 150), resampling), BYTES)


@pytest.mark.parametrize(("across", "down"), [(2, 2), (5, 3), (4, 1), (1, 1)])
def test_average_is_the_mean_of_the_blocks(across: int, down: int, write: Write, rasters: Any) -> None:
    values = RNG.normal(0, 10, (150, 200))
    values[RNG.random(values.shape) < 0.2] = np.nan
    values[30:36, 40:50] = np.nan
    blocks = values.reshape(150 // down, down, 200 // across, across)
    count = (~np.isnan(blocks)).sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        expected = np.nansum(blocks, axis=(1, 3)) / np.where(count, count, np.nan)
    grid = Grid(LATTICE.scaled(across, down), 0, 0, 200 // across, 150 // down)
    np.testing.assert_allclose(read(rasters, write(values), grid, "average", "float64"), expected, rtol=1e-12)


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
def test_missing_pixels_spoil_no_neighbour(resampling: Any, write: Write, rasters: Any) -> None:
    values = np.full((40, 40), 5, np.int16)
    values[10:14, 10:14] = -1
    found = read(
        rasters,
        write(values, nodata=-1),
        Grid(Lattice("EPSG:32632", 600001.0, 5199999.0, 7.0, 7.0), 0, 0, 50, 50),
        resampling,
    )
    assert np.isnan(found).any()
    np.testing.assert_allclose(found[~np.isnan(found)], 5.0, rtol=1e-6)


def damaged(href: str, how: str) -> str:
    path = Path(href)
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "garbage":
        path.write_bytes(b"this is no raster" * 100)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:2000] + b"\xff" * (len(content) - 4000) + content[-2000:])
    return href


@pytest.mark.parametrize("how", ["truncated", "garbage", "empty", "gone", "overwritten"])
def test_a_file_that_cannot_be_read_is_skipped_and_counted_or_fails(
    how: str, write: Write, rasters: Any, caplog: pytest.LogCaptureFixture
) -> None:
    href = damaged(write(RNG.integers(0, 60000, (400, 400), np.uint16), copy_src_overviews=None), how)
    with pytest.raises(SourceUnavailable):
        read(rasters, href, Grid(LATTICE, 0, 0, 400, 400))
    reader = Reader({FileBand: rasters}, Samplings(1 << 20))
    with caplog.at_level(logging.WARNING):
        data, complete = reader.onto(Grid(LATTICE, 0, 0, 400, 400), "nearest").read(
            observation(href), [Band("v")], lambda: None
        )
    assert not complete and reader.unreadable == 1 and "cannot be read" in caplog.text
    assert data.shape == (1, 1, 400, 400)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(10, 2, 600000, 0, -10, 5200000),
        Affine(-10, 0, 600000, 0, -10, 5200000),
        Affine(0, 10, 600000, 10, 0, 5200000),
    ],
)
def test_rotated_and_mirrored_files_are_refused(transform: Affine, write: Write, rasters: Any) -> None:
    with pytest.raises(SourceUnavailable, match="north-up"):
        read(rasters, write(BYTES, transform), Grid(LATTICE, 0, 0, 5, 5))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_without_crs_uses_the_catalogues(write: Write, rasters: Any) -> None:
    href = write(BYTES, crs=None)  # type: ignore[arg-type]
    with pytest.raises(SourceUnavailable, match="reference system"):
        read(rasters, href, Grid(LATTICE, 0, 0, 5, 5))
    item = Item("i", "2017-01-01T00:00:00Z", {"v": BandSource(FileBand(href, 1, "EPSG:32632"))}, EVERYWHERE)
    reader = Reader({FileBand: rasters}, Samplings(1 << 20), skip_unreadable=False)
    found, _ = reader.onto(Grid(LATTICE, 0, 0, 5, 5), "nearest").read(
        Observation(item.time, (item,)), [Band("v")], lambda: None
    )
    np.testing.assert_array_equal(found[0, 0], BYTES[:5, :5])


def test_formats_that_can_name_other_files_are_not_opened(tmp_path: Path, rasters: Any) -> None:
    path = tmp_path / "a.tif"
    path.write_text('<VRTDataset rasterXSize="5" rasterYSize="5"></VRTDataset>')
    with pytest.raises(SourceUnavailable):
        rasters.header(FileBand(str(path)))


def test_the_first_item_of_an_observation_wins_unless_it_is_missing(write: Write, rasters: Any) -> None:
    one, two = np.full((10, 10), 1, np.uint8), np.full((10, 20), 2, np.uint8)
    one[:, :4] = 0
    items = tuple(
        Item(str(number), "2017-01-01T00:00:00Z", {"v": BandSource(FileBand(href))}, EVERYWHERE)
        for number, href in enumerate([write(one, nodata=0), write(two)])
    )
    reader = Reader({FileBand: rasters}, Samplings(1 << 20))
    found, _ = reader.onto(Grid(LATTICE, 0, 0, 20, 10), "nearest").read(
        Observation("t", items), [Band("v")], lambda: None
    )
    np.testing.assert_array_equal(found[0, 0, 3], np.repeat([2, 1, 2], [4, 6, 10]))
