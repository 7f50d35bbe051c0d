"""GDAL and OWSLib against a running coverage service whose pixels hold their own coordinates."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from lxml import etree
from rasterio.io import MemoryFile

from tests.e2e.harness import running
from tests.unit.wcs.fakes import TIMES, FakeEngine, description, fake_app, fake_layers, layer

pytestmark = [
    pytest.mark.client,
    # of the client's or the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Truth-testing of elements:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Address of a coverage service on a free loopback port."""
    with running(fake_app()) as address:
        yield f"{address}/wcs"


def gdal(folder: Path, program: str, *arguments: str) -> str:
    """Runs a program of GDAL with all its caches in ``folder``; its output. Skips the test where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GDAL_", "PROJ_"))}
    env = {**clean, "HOME": str(folder), "GDAL_DEFAULT_WMS_CACHE_PATH": str(folder), "no_proxy": "127.0.0.1"}
    done = subprocess.run([found, *arguments], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    return done.stdout


def check(path: Path) -> tuple[int, int]:
    """Every pixel holds the coordinates of the place where the file says it is; the shape."""
    with rasterio.open(path) as file:
        x, y = file.read()
        t = file.transform
        assert np.abs(x - (t.c + t.a * (np.arange(file.width) + 0.5))[None, :]).max() < 1e-9
        assert np.abs(y - (t.f + t.e * (np.arange(file.height) + 0.5))[:, None]).max() < 1e-9
        return int(file.height), int(file.width)


@pytest.mark.parametrize("identifier", ["j-utm", "j-ll", "j-north", "j-albers"])
def test_gdal_gets_every_pixel_where_it_belongs(url: str, tmp_path: Path, identifier: str) -> None:
    name = f"WCS:{url}?version=2.0.1&coverage={identifier}"
    grid = next(layer.description.grid for layer in fake_layers() if layer.id == identifier)
    out = tmp_path / "out.tif"
    gdal(tmp_path, "gdal_translate", "-q", name, str(out))
    assert check(out) == grid.shape
    with rasterio.open(out) as file:
        assert file.bounds == pytest.approx(grid.bounds, abs=1e-9)
    gdal(tmp_path, "gdal_translate", "-q", "-srcwin", "7", "5", "20", "10", name, str(out))
    assert check(out) == (10, 20)
    with rasterio.open(out) as file:
        assert file.bounds == pytest.approx(grid.window(7, 5, 20, 10).bounds, abs=1e-9)
    gdal(tmp_path, "gdal_translate", "-q", "-outsize", "50%", "50%", name, str(out))
    assert check(out) == (grid.height / 2, grid.width / 2)


@pytest.mark.parametrize(("identifier", "code"), [("j-utm", 32632), ("j-ll", 4326), ("j-north", 3035)])
def test_gdal_knows_grid_and_crs_from_the_description(url: str, tmp_path: Path, identifier: str, code: int) -> None:
    text = gdal(tmp_path, "gdalinfo", f"WCS:{url}?version=2.0.1&coverage={identifier}")
    grid = next(layer.description.grid for layer in fake_layers() if layer.id == identifier)
    assert f"Size is {grid.width}, {grid.height}" in text
    assert f'ID["EPSG",{code}]' in text
    origin = text.partition("Origin = (")[2].partition(")")[0].split(",")
    assert [float(v) for v in origin] == pytest.approx([grid.bounds[0], grid.bounds[3]], abs=1e-9)


@pytest.mark.parametrize("identifier", ["j-times", "j-timesll"])
def test_gdal_slices_time(url: str, tmp_path: Path, identifier: str) -> None:
    out = tmp_path / "out.tif"
    name = f"WCS:{url}?version=2.0.1&coverage={identifier}"
    gdal(tmp_path, "gdal_translate", "-q", "-oo", f"Subset=ansi({TIMES[3]})", name, str(out))
    with rasterio.open(out) as file:
        assert file.count == 2
        assert (file.read(1) == 3).all()


def test_owslib_reads_windows_and_times(url: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version="2.0.1")
    assert set(wcs.contents) == {layer.id for layer in fake_layers()}
    lonlat = wcs.contents["j-ll"]
    assert lonlat.boundingboxes[0]["bbox"] == (46.6, 9.5, 47.5, 10.7)
    assert lonlat.grid.highlimits == ["119", "89"]
    assert [time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in wcs.contents["j-times"].timepositions] == list(TIMES)
    window = wcs.getCoverage(identifier="j-ll", subsets=[("Long", 9.9, 10.2), ("Lat", 46.98, 47.2)]).read()
    with MemoryFile(window) as memory, memory.open() as file:
        assert file.shape == (22, 30)
        assert file.bounds == pytest.approx((9.9, 46.98, 10.2, 47.2), abs=1e-9)
    sliced = wcs.getCoverage(
        identifier="j-times", format="image/tiff", subsets=[("ansi", TIMES[2])], sizes=[("i", 5), ("j", 5)]
    ).read()
    with MemoryFile(sliced) as memory, memory.open() as file:
        assert (file.count, file.shape) == (2, (5, 5))
        assert (file.read(1) == 2).all()


def test_owslib_raises_on_an_exception_report(url: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version="2.0.1")
    with pytest.raises(Exception, match=r"404|no job"):
        wcs.getCoverage(identifier="j-none").read()


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.1.1", "1.1.2"])
@pytest.mark.parametrize("identifier", ["j-utm", "j-ll", "j-north"])
def test_gdal_gets_every_pixel_by_older_versions(url: str, tmp_path: Path, identifier: str, version: str) -> None:
    name = f"WCS:{url}?version={version}&coverage={identifier}"
    grid = next(layer.description.grid for layer in fake_layers() if layer.id == identifier)
    text = gdal(tmp_path, "gdalinfo", name)
    assert f"Size is {grid.width}, {grid.height}" in text
    origin = text.partition("Origin = (")[2].partition(")")[0].split(",")
    assert [float(v) for v in origin] == pytest.approx([grid.bounds[0], grid.bounds[3]], abs=1e-9)
    assert "NoData Value=nan" in text
    out = tmp_path / "out.tif"
    gdal(tmp_path, "gdal_translate", "-q", name, str(out))
    assert check(out) == grid.shape
    with rasterio.open(out) as file:
        assert file.bounds == pytest.approx(grid.bounds, abs=1e-9)
    window = grid.window(7, 5, 20, 10)
    west, south, east, north = window.bounds
    gdal(tmp_path, "gdal_translate", "-q", "-projwin", *map(repr, (west, north, east, south)), name, str(out))
    assert check(out) == (10, 20)
    with rasterio.open(out) as file:
        assert file.bounds == pytest.approx(window.bounds, abs=1e-9)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
def test_gdal_warps_by_older_versions(url: str, tmp_path: Path, version: str) -> None:
    out = tmp_path / "out.tif"
    gdal(tmp_path, "gdalwarp", "-q", "-t_srs", "EPSG:3857", f"WCS:{url}?version={version}&coverage=j-utm", str(out))
    with rasterio.open(out) as file:
        x = file.read(1)
        rows, columns = np.nonzero(np.isfinite(x))
        points = rasterio.warp.transform(file.crs, "EPSG:32632", *rasterio.transform.xy(file.transform, rows, columns))
        assert np.abs(x[rows, columns] - np.array(points[0])).max() <= 5.01  # half a pixel: nearest


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
def test_gdal_names_a_time_by_older_versions(url: str, tmp_path: Path, version: str) -> None:
    out = tmp_path / "out.tif"
    parameter = "TIME" if version == "1.0.0" else "TIMESEQUENCE"
    name = f"WCS:{url}?version={version}&coverage=j-times"
    gdal(tmp_path, "gdal_translate", "-q", name, str(out))
    with rasterio.open(out) as file:
        assert (file.read(1) == 3).all()
    gdal(tmp_path, "gdal_translate", "-q", "-oo", f"GetCoverageExtra={parameter}={TIMES[1]}", name, str(out))
    with rasterio.open(out) as file:
        assert (file.read(1) == 1).all()


def test_owslib_reads_windows_and_times_of_1_0(url: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version="1.0.0")
    assert set(wcs.contents) == {layer.id for layer in fake_layers()} - {"j-albers"}
    assert (wcs.identification.fees, wcs.identification.accessConstraints) == ("NONE", "NONE")
    lonlat = wcs.contents["j-ll"]
    assert lonlat.boundingBoxWGS84 == pytest.approx((9.5, 46.6, 10.7, 47.5))
    assert lonlat.boundingboxes[0] == {"nativeSrs": "EPSG:4326", "bbox": (9.5, 46.6, 10.7, 47.5)}
    assert lonlat.grid.highlimits == ["119", "89"]
    assert wcs.contents["j-times"].timepositions == list(TIMES)
    assert "GTiff" in lonlat.supportedFormats[0]
    window = wcs.getCoverage(
        identifier="j-utm", bbox=(601000.0, 5198840.0, 601750.0, 5199340.0), crs="EPSG:32632", width=75, height=50
    ).read()
    with MemoryFile(window) as memory, memory.open() as file:
        assert file.shape == (50, 75)
        assert file.bounds == pytest.approx((601000, 5198840, 601750, 5199340))
    whole = wcs.getCoverage(
        identifier="j-times", crs="EPSG:32632", format="GTiff", resx=100, resy=100, time=[TIMES[2]]
    ).read()
    with MemoryFile(whole) as memory, memory.open() as file:
        assert file.shape == (20, 30)
        assert (file.read(1) == 2).all()


@pytest.mark.parametrize("version", ["1.1.0", "1.1.1"])
def test_owslib_reads_1_1(url: str, version: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version=version)
    assert set(wcs.contents) == {layer.id for layer in fake_layers()} - {"j-albers"}
    assert wcs.contents["j-ll"].boundingBoxWGS84 == pytest.approx((9.5, 46.6, 10.7, 47.5))
    assert wcs.getDescribeCoverage("j-utm").find(".//{*}GridBaseCRS").text == "urn:ogc:def:crs:EPSG::32632"
    answer = wcs.getCoverage(
        identifier="j-utm", bbox=(600005, 5198005, 602995, 5199995, "urn:ogc:def:crs:EPSG::32632"), format="image/tiff"
    )
    assert answer.info()["Content-Type"].startswith("multipart/mixed")
    with MemoryFile(answer.read().split(b"\r\n\r\n", 2)[2]) as memory, memory.open() as file:
        assert file.shape == (200, 300)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
def test_owslib_raises_the_text_of_an_exception(url: str, version: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version=version)
    with pytest.raises(Exception, match="no job 'j-none'"):
        wcs.getCoverage(
            identifier="j-none", bbox=(0, 0, 1, 1), crs="EPSG:4326", width=1, height=1, format="GTiff"
        ).read()


def test_owslib_posts_a_request_of_1_0(url: str) -> None:
    """A form whose type OWSLib does not tell."""
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version="1.0.0")
    methods = wcs.getOperationByName("GetCoverage").methods
    assert {method["type"] for method in methods} == {"Get", "Post"}
    answer = wcs.getCoverage(
        identifier="j-utm", bbox=(601000.0, 5198840.0, 601750.0, 5199340.0), crs="EPSG:32632", width=75, height=50,
        format="GTiff", method="Post",
    )  # fmt: skip
    with MemoryFile(answer.read()) as memory, memory.open() as file:
        assert file.shape == (50, 75)
        assert file.bounds == pytest.approx((601000, 5198840, 601750, 5199340))


@pytest.mark.parametrize("version", ["1.1.0", "1.1.1"])
def test_owslib_chooses_grid_bands_and_time_of_1_1(url: str, version: str) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(url, version=version)
    urn = "urn:ogc:def:crs:EPSG::32632"
    ask = {
        "identifier": "j-times", "bbox": (600050, 5198050, 602950, 5199950, urn), "time": [TIMES[1]],
        "format": "image/tiff", "rangesubset": "contents[bands[t]]", "gridbaseCRS": urn,
        "gridtype": "urn:ogc:def:method:WCS:1.1:2dSimpleGrid", "gridCS": "urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS",
        "gridorigin": "600050,5199950", "gridoffsets": "100,-100",
    }  # fmt: skip
    sent = wcs.getCoverage(**ask).read()
    with MemoryFile(sent.split(b"\r\n\r\n", 2)[2]) as memory, memory.open() as file:
        assert (file.count, file.shape) == (1, (20, 30))
        assert (file.read(1) == 1).all()
    stored = etree.fromstring(wcs.getCoverage(**ask, store="true").read())
    reference = stored.find(".//{*}Reference").get("{http://www.w3.org/1999/xlink}href")
    with urllib.request.urlopen(reference) as answer:
        assert answer.headers["content-type"] == "image/tiff"
        assert answer.read() in sent


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """Address of a service with one coverage that GDAL reads in blocks, for it is wider than 1800 pixels."""
    layers = (layer("j-large", description("EPSG:32632", 600000.0, 5210000.0, 10.0, 2000, 1000)),)
    with running(fake_app(FakeEngine(layers))) as address:
        yield f"{address}/wcs"


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
def test_gdal_reads_blocks_that_hang_over_the_coverage(large: str, tmp_path: Path, version: str) -> None:
    """Blocks of 1024 x 512 pixels, of which those at the right and lower edge are padded."""
    out = tmp_path / "out.tif"
    gdal(tmp_path, "gdalinfo", "-stats", f"WCS:{large}?version={version}&coverage=j-large")
    tiled = ["-co", "TILED=YES", "-co", "BLOCKXSIZE=512", "-co", "BLOCKYSIZE=512"]
    gdal(tmp_path, "gdal_translate", "-q", *tiled, f"WCS:{large}?version={version}&coverage=j-large", str(out))
    assert check(out) == (1000, 2000)
    statistics = gdal(tmp_path, "gdalinfo", f"WCS:{large}?version={version}&coverage=j-large")
    assert "STATISTICS_MINIMUM=600005" in statistics
    assert "STATISTICS_MAXIMUM=619995" in statistics
