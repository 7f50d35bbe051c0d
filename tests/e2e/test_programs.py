"""GDAL, OWSLib and a browser on running servers: they find every pixel where the source has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from tests.e2e.harness import SHARED, Job, TestServer, ndvi, node

pytestmark = [
    pytest.mark.client,
    # of the client's or the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

BOLZANO = SHARED / "data" / "sentinel2-l2a-bolzano" / "S2_L2A_bolzano_2022-06-12"


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


@pytest.fixture(scope="module")
def red(real: TestServer) -> Job:
    """One band of a real scene, as it is; in tiles grey, a step for each 1/255 of 0.3."""
    graph = node("first_time", node("filter_bands", "sentinel2-l2a-bolzano", bands=["B04"]))
    return real.add(graph, {"bands": ["B04", "B04", "B04"], "rescale": [0, 0.3]})


def source_window(col: int, row: int, width: int, height: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Reflectances, and the upper left corner."""
    with rasterio.open(BOLZANO / "S2_L2A_bolzano_2022-06-12_B04.tif") as file:
        window = rasterio.windows.Window(col, row, width, height)
        stored = file.read(1, window=window)
        corner = file.transform.c + 10 * col, file.transform.f - 10 * row
    return np.where(stored > 0, stored.astype(np.float32) * np.float32(1e-4), np.nan), corner


def test_gdal_reads_a_real_coverage_without_a_shift(live_real: str, red: Job, tmp_path: Path) -> None:
    name = f"WCS:{live_real}{red.services['wcs']}?version=2.0.1&coverage={red.id}"
    text = gdal(tmp_path, "gdalinfo", name)
    assert "Size is 935, 705" in text and 'ID["EPSG",32632]' in text
    assert re.search(r"Origin = \(674990\.0+,5154960\.0+\)", text)
    for box in ((0, 0, 935, 705), (300, 200, 57, 91)):
        out = tmp_path / "out.tif"
        gdal(tmp_path, "gdal_translate", "-q", "-srcwin", *map(str, box), name, str(out))
        expected, corner = source_window(*box)
        with rasterio.open(out) as file:
            np.testing.assert_array_equal(file.read(1), expected)
            assert (file.transform.c, file.transform.f) == pytest.approx(corner, abs=1e-6)


@pytest.mark.parametrize("encoding", ["?SERVICE=WMTS&REQUEST=GetCapabilities", "/1.0.0/WMTSCapabilities.xml"])
def test_gdal_reads_real_native_tiles_without_a_shift(live_real: str, red: Job, tmp_path: Path, encoding: str) -> None:
    matrix = red.native_matrix()
    name = f"WMTS:{live_real}{red.services['wmts']}{encoding},layer={red.id},tilematrixset={matrix.set_id}"
    box = (200, 230, 120, 70)  # over the corner of four tiles
    out = tmp_path / "out.tif"
    gdal(tmp_path, "gdal_translate", "-q", "-srcwin", *map(str, box), name, str(out))
    expected, corner = source_window(*box)
    with rasterio.open(out) as file:
        assert (file.transform.c, file.transform.f) == pytest.approx(corner, abs=0.01)
        shown = file.read(1).astype(int)
    assert np.abs(shown - np.nan_to_num(np.clip(expected / 0.3, 0, 1) * 255)).max() <= 1


def test_owslib_reads_a_real_job(live_real: str, red: Job) -> None:
    wcs = pytest.importorskip("owslib.wcs").WebCoverageService(f"{live_real}{red.services['wcs']}", version="2.0.1")
    assert list(wcs.contents) == [red.id]
    body = wcs.getCoverage(
        identifier=red.id, format="image/tiff", subsets=[("E", 676000, 677000), ("N", 5150000, 5150500)]
    ).read()
    expected, corner = source_window(101, 446, 100, 50)
    with MemoryFile(body) as memory, memory.open() as file:
        np.testing.assert_array_equal(file.read(1), expected)
        assert (file.transform.c, file.transform.f) == pytest.approx(corner)
    wmts = pytest.importorskip("owslib.wmts").WebMapTileService(f"{live_real}{red.services['wmts']}")
    matrix = red.native_matrix()
    tile = wmts.gettile(
        layer=red.id, tilematrixset=matrix.set_id, tilematrix=matrix.matrix, row=1, column=2, format="image/png"
    ).read()
    shown = imagecodecs.png_decode(tile)[..., 0].astype(int)
    expected, _ = source_window(512, 256, 256, 256)
    assert np.abs(shown - np.nan_to_num(np.clip(expected / 0.3, 0, 1) * 255)).max() <= 1


def browse(folder: Path, url: str, *arguments: str) -> tuple[str, str]:
    """Standard output and the log of a headless Chromium that shows a page for a while."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed")
    profile = folder / "profile"
    profile.mkdir()
    done = subprocess.run(
        [
            found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
            f"--user-data-dir={profile}", "--enable-logging=stderr", "--window-size=1000,700",
            "--virtual-time-budget=10000", *arguments, url,
        ],
        capture_output=True, text=True, timeout=90, check=False, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    return done.stdout, done.stderr


def test_the_map_page_shows_tiles_in_a_browser(
    demo: TestServer, live_demo: tuple[TestServer, str], tmp_path: Path
) -> None:
    graph = node("max_time", ndvi())
    args = {"colormap": "viridis", "rescale": [0, 1]}
    created = demo.post("/jobs", {"process_graph": graph, "output": {"format": "GTiff"}, "title": "Shown in a browser"})
    job_id = created.json()["job_id"]
    assert demo.post(f"/jobs/{job_id}/on_demand").status_code == 204
    assert demo.post("/services", {"job_id": job_id, "service_type": "wmts", "service_args": args}).status_code == 200
    picture = tmp_path / "page.png"
    page, log = browse(tmp_path, f"{live_demo[1]}/map#{job_id}", f"--screenshot={picture}", "--dump-dom")
    complaints = [line for line in log.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    if page:
        assert "Shown in a browser" in page
        assert f"wmts/{job_id}/default/WebMercatorQuad/" in page and "leaflet-tile-loaded" in page
    pixels = imagecodecs.png_decode(picture.read_bytes())
    assert pixels.shape[:2] == (700, 1000)
    right = pixels[60:640, 400:960, :3].astype(int)
    # the page's own background is a pale blue; tiles of an index are coloured
    coloured = (np.ptp(right, axis=2) > 40).mean()
    assert coloured > 0.1, f"{coloured:.1%} of the map are coloured"
