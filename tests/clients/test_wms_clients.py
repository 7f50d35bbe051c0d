"""OWSLib, GDAL and QGIS on a server of the loopback interface: every pixel that they see must be where it is.

QGIS needs Debian's qgis and python3-qgis; a client that is not installed is skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from owslib.util import ServiceException
from owslib.wms import WebMapService

from tests.clients.headless_qgis import ask
from tests.e2e.harness import running
from tests.fakes import DAYS
from tests.unit.wms.fakes import Service, rgba

pytestmark = [
    pytest.mark.client,
    # of the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
EXTENT = (600000.0, 5188000.0, 614000.0, 5200000.0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Service().app) as address:
        yield f"{address}/wms"


def assert_places(pixels: Any, west: float, north: float, step: float) -> None:
    """Whether each pixel of layer j-place shows where it is."""
    height, width = pixels.shape[:2]
    x, y = west + (np.arange(width) + 0.5) * step, north - (np.arange(height) + 0.5) * step
    off = 0.6 + step / 2 / 12000 * 255
    assert np.abs(pixels[..., 0] - ((x - 600000) / 14000 * 255)[None, :]).max() <= off
    assert np.abs(pixels[..., 1] - ((y - 5188000) / 12000 * 255)[:, None]).max() <= off


# OWSLib


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_owslib_reads_the_capabilities(url: str, version: str) -> None:
    wms = WebMapService(url, version=version)
    assert list(wms.contents) == ["j-place", "j-x", "j-time", "j-v"]
    layer = wms["j-time"]
    assert layer.timepositions == list(DAYS)
    assert layer.queryable == 1
    assert layer.boundingBoxWGS84[0] == pytest.approx(10.31, abs=0.01)
    assert {"CRS:84", "EPSG:4326", "EPSG:32632"} <= set(layer.crsOptions)
    assert list(wms["j-x"].styles) == ["default", "green"]
    assert "image/png" in wms.getOperationByName("GetMap").formatOptions


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326"])
def test_owslib_gets_maps_and_values(url: str, version: str, crs: str) -> None:
    wms = WebMapService(url, version=version)
    box = EXTENT if crs == "EPSG:32632" else (10.35, 46.85, 10.45, 46.94)
    ask = {"layers": ["j-place"], "srs": crs, "bbox": box, "size": (140, 120), "format": "image/png"}
    pixels = rgba(wms.getmap(**ask, transparent=True).read()).astype(int)
    if crs == "EPSG:32632":
        assert_places(pixels, 600000, 5200000, 100)
    point = {"query_layers": ["j-place"], "info_format": "application/json", "xy": (70, 60)}
    values = json.loads(wms.getfeatureinfo(**ask, **point).read())["features"][0]["properties"]
    assert pixels[60, 70, 0] == pytest.approx((values["x"] - 600000) / 14000 * 255, abs=0.6)
    assert pixels[60, 70, 1] == pytest.approx((values["y"] - 5188000) / 12000 * 255, abs=0.6)


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_owslib_raises_what_the_server_says(url: str, version: str) -> None:
    wms = WebMapService(url, version=version)
    with pytest.raises(ServiceException, match="no layer"):
        wms.getmap(layers=["j-none"], srs="EPSG:4326", bbox=(1, 2, 3, 4), size=(9, 9), format="image/png")


# GDAL


def _gdal(*arguments: str) -> str:
    if not shutil.which("gdal_translate"):
        pytest.skip("no gdal_translate")
    done = subprocess.run(["gdal_translate", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("version", "crs"), [("1.3.0", "CRS"), ("1.1.1", "SRS")])
def test_gdal_sees_each_pixel_at_its_place(url: str, version: str, crs: str, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    name = (
        f"WMS:{url}?SERVICE=WMS&VERSION={version}&REQUEST=GetMap&LAYERS=j-place&STYLES=&{crs}=EPSG:32632"
        f"&BBOX={','.join(map(str, EXTENT))}&FORMAT=image/png&TRANSPARENT=TRUE"
    )
    window = ("-projwin", "601000", "5199000", "607000", "5195000", "-outsize", "300", "200")
    _gdal("-q", *window, "--config", "GDAL_DEFAULT_WMS_CACHE_PATH", str(tmp_path / "cache"), name, str(out))
    with rasterio.open(out) as file:
        pixels = np.moveaxis(file.read(), 0, -1).astype(int)
    assert_places(pixels, 601000, 5199000, 20)


# QGIS


def seen(folder: Path, url: str, layer: str, *times: str, style: str = "", crs: str = "EPSG:32632") -> dict[str, Any]:
    """What QGIS makes of a layer; it identifies the pixel at column 100, row 50 of the layer."""
    uri = f"crs={crs}&dpiMode=7&format=image/png&layers={layer}&styles={style}&url={url}"
    if times:
        uri += "&type=wmst&timeDimensionExtent=" + ",".join(DAYS) + "&allowTemporalUpdates=true&temporalSource=provider"
    place = ("602010", "5198990")
    return ask(folder, "qgis_wms.py", uri, str(folder / "drawn.png"), *place, *times)


def drawn(path: Path) -> Any:
    """The picture that QGIS saved, (y, x, 4)."""
    return rgba(path.read_bytes()).astype(int)


def test_qgis_draws_each_pixel_at_its_place_and_identifies_it(url: str, qgis: Path) -> None:
    found = seen(qgis, url, "j-place")
    assert (found["valid"], found["errors"]) == (True, [])
    assert found["extent"] == pytest.approx(EXTENT)
    assert_places(drawn(qgis / "drawn.png"), 600000, 5200000, 40)
    (values,) = found["identified"]["feature"]
    assert float(values["x"]) == pytest.approx(602010, abs=20)
    assert float(values["y"]) == pytest.approx(5198990, abs=20)
    assert "Layer j-place" in found["identified"]["text"][0]


def test_qgis_shows_the_chosen_style(url: str, qgis: Path) -> None:
    found = seen(qgis, url, "j-x", style="green")
    assert found["errors"] == []
    pixels = drawn(qgis / "drawn.png")
    assert (pixels[150, 50:300, 1] > pixels[150, 50:300, 0]).all()


def test_qgis_steps_through_time(url: str, qgis: Path) -> None:
    found = seen(qgis, url, "j-time", *(f"{day}T00:00:00Z" for day in DAYS))
    assert (found["valid"], found["temporal"], found["errors"]) == (True, True, [])
    frames = [drawn(qgis / f"drawn-{number}.png") for number in range(len(DAYS))]
    assert all(frame[..., 3].any() for frame in frames)
    assert not np.array_equal(frames[0], frames[1]) and not np.array_equal(frames[1], frames[2])
