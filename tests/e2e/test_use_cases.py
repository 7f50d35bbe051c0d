"""The lines of docs/use-cases.md, run in a shell as a reader would, against a server of the small demo archive."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]

from tests.e2e.harness import TestServer

pytestmark = pytest.mark.client
TEXT = Path(__file__).parents[2] / "docs" / "use-cases.md"


def run_section(number: int, url: str, folder: Path, *programs: str) -> str:
    """What the lines of a section print; their files are in ``folder``."""
    for program in ("bash", "curl", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    section = re.split(r"^## ", TEXT.read_text(), flags=re.MULTILINE)[number]
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE))
    assert "http://127.0.0.1:8080" in lines
    script = "set -eu\n" + lines.replace("http://127.0.0.1:8080", url)
    environ = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),  # GDAL keeps answers of coverage services there
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_minimum_ndvi_on_demand_through_wcs(live_demo: tuple[TestServer, str], tmp_path: Path) -> None:
    said = run_section(1, live_demo[1], tmp_path, "gdalinfo", "gdal_translate")
    assert '"product_id":"Sentinel2-L1C"' in said.replace(" ", "") and "GetCoverage" in said
    assert re.search(r"^Size is \d+, \d+$", said, re.MULTILINE)
    assert said.rstrip().endswith("404")
    for name, shape in (("window.tif", (200, 200)), ("small.tif", None)):
        with rasterio.open(tmp_path / name) as file:
            assert shape in (None, file.shape)
            values = file.read(1)
            assert np.isfinite(values).mean() > 0.5 and -1 <= np.nanmin(values) <= np.nanmax(values) <= 1


def test_monthly_radar_product_of_a_script_through_tms(live_demo: tuple[TestServer, str], tmp_path: Path) -> None:
    server, url = live_demo
    if not server.get("/udf_runtimes").json():
        pytest.skip(server.get("/udf_runtimes/Python/aggregate_time").json()["message"])
    (tmp_path / "docs").symlink_to(TEXT.parent)
    said = run_section(2, url, tmp_path)
    assert '"process_id":"/udf/Python/aggregate_time"' in said.replace(" ", "")
    months = [imagecodecs.png_decode((tmp_path / f"{month}.png").read_bytes()) for month in ("january", "february")]
    for shown in months:
        assert shown.shape == (256, 256, 4) and 0.3 < (shown[..., 3] == 255).mean() < 1
        assert len(np.unique(shown[..., 0])) > 20
    assert not np.array_equal(*months)
