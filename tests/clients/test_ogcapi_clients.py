"""OWSLib and GDAL on OGC API over the loopback interface: every pixel that they see holds its own coordinates.

GDAL takes coverages for ones in longitude and latitude, so it is given these; QGIS knows of OGC API features only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import rasterio
from owslib.ogcapi.coverages import Coverages
from owslib.ogcapi.maps import Maps

from ogcserver.geo.crs import project
from tests.api.test_ogcapi import Server
from tests.e2e.harness import running

pytestmark = [
    pytest.mark.client,
    # of the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Server().app) as address:
        yield f"{address}/ogc"


def test_owslib_reads_collections(url: str) -> None:
    coverages = Coverages(url)
    assert coverages.coverages() == Maps(url).maps() == ["j-time", "j-min"]
    assert any(name.endswith("ogcapi-maps-1/1.0/conf/core") for name in coverages.conformance()["conformsTo"])
    assert coverages.collection("j-min")["extent"]["spatial"]["bbox"][0][0] == pytest.approx(10.31, abs=0.01)
    assert coverages.api()["openapi"] == "3.0.3"


def test_owslib_gets_coverages_and_maps(url: str) -> None:
    found = Coverages(url).coverage("j-min", properties=["x"], subset={"Lat": (46.87, 46.89)}, scale_factor=2)
    with rasterio.open(found) as file:
        across = file.transform.c + (np.arange(file.width) + 0.5) * file.transform.a
        assert np.abs(file.read(1) - across[None, :]).max() <= 20
    picture = Maps(url).map("j-min", bbox=(10.35, 46.87, 10.37, 46.89), width=30, height=20)
    assert imagecodecs.png_decode(picture.read()).shape[:2] == (20, 30)


def gdal(*words: str, home: Path) -> str:
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120, env={"HOME": str(home)})
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def test_gdal_lists_the_collections(url: str, tmp_path: Path) -> None:
    told = json.loads(gdal("gdalinfo", "-json", f"OGCAPI:{url}", home=tmp_path))
    listed = told["metadata"]["SUBDATASETS"]
    assert listed["SUBDATASET_2_NAME"] == f"OGCAPI:{url}/collections/j-min"


def pixels(path: Path) -> tuple[Any, Any, Any]:
    """Bands, and the coordinates of each pixel's centre in UTM."""
    with rasterio.open(path) as file:
        lon = file.transform.c + (np.arange(file.width) + 0.5) * file.transform.a
        lat = file.transform.f + (np.arange(file.height) + 0.5) * file.transform.e
        return file.read(), *project("EPSG:4326", "EPSG:32632", *np.meshgrid(lon, lat))


def test_gdal_reads_coverages_where_they_are(url: str, tmp_path: Path) -> None:
    out, source = tmp_path / "out.tif", f"OGCAPI:{url}/collections/j-min"
    gdal(
        "gdal_translate",
        "-q",
        "-oo",
        "CACHE=NO",
        "-srcwin",
        "200",
        "200",
        "300",
        "200",
        source,
        str(out),
        home=tmp_path,
    )
    bands, x, y = pixels(out)
    inside = np.isfinite(bands[0])
    assert inside.all()
    assert np.abs(bands[0] - x).max() <= 10.2 and np.abs(bands[1] - y).max() <= 10.2


def test_gdal_reads_maps(url: str, tmp_path: Path) -> None:
    out, source = tmp_path / "out.tif", f"OGCAPI:{url}/collections/j-min"
    options = ("-oo", "API=MAP", "-oo", "CACHE=NO", "-srcwin", "200", "200", "300", "200")
    gdal("gdal_translate", "-q", *options, source, str(out), home=tmp_path)
    bands, x, _ = pixels(out)
    assert (bands[3] == 255).all()
    assert np.abs(bands[0] - (x - 600000) / 14000 * 255).max() <= 1
