"""GDAL and a service that is not public: nothing without credentials, everything with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from affine import Affine

from ogcserver.app import create_app
from ogcserver.settings import Auth, Catalog, Server, Settings
from tests.e2e.harness import running

pytestmark = [pytest.mark.client, pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="no gdalinfo")]
VERSIONS = ("1.0.0", "1.1.1", "2.0.1")


@dataclass(frozen=True)
class Private:
    coverage: str
    """Address of the service, and what names its coverage."""
    credentials: str


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Private]:
    folder = tmp_path_factory.mktemp("private")
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint16", "crs": "EPSG:32632"}
    with rasterio.open(folder / "dem.tif", "w", **profile, transform=Affine(20, 0, 6e5, 0, -20, 52e5)) as file:
        file.write(np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64))
    settings = Settings(Server(data_dir=folder), auth=Auth("basic"), catalogs=(Catalog(str(folder / "dem.tif")),))
    with running(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        registered = client.post("/auth/register", json="correct horse").json()
        client.headers["authorization"] = f"Bearer {registered['token']}"
        job_id = client.post("/jobs", json={"process_graph": {"product_id": "dem"}}).json()["job_id"]
        assert client.post(f"/jobs/{job_id}/on_demand").status_code == 204
        service = client.post("/services", json={"job_id": job_id, "service_type": "wcs"}).json()["service_url"]
        yield Private(f"{service}?coverage={job_id}", f"{registered['user_id']}:correct horse")


def gdalinfo(private: Private, version: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """With all its caches in ``home``, where an answer of another run would else be found."""
    home.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GDAL_", "PROJ_"))}
    env = {**clean, "HOME": str(home), "no_proxy": "127.0.0.1", **variables}
    command = ["gdalinfo", f"WCS:{private.coverage}&version={version}"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_gdal_sees_nothing_without_credentials(private: Private, version: str, tmp_path: Path) -> None:
    refused = gdalinfo(private, version, tmp_path / "empty")
    assert refused.returncode != 0 and "Size is" not in refused.stdout
    wrong = gdalinfo(private, version, tmp_path / "wrong", GDAL_HTTP_USERPWD=f"{private.credentials}r")
    assert wrong.returncode != 0 and "Size is" not in wrong.stdout
    seen = gdalinfo(private, version, tmp_path / "own", GDAL_HTTP_USERPWD=private.credentials)
    assert "Size is 64, 64" in seen.stdout, seen.stderr
