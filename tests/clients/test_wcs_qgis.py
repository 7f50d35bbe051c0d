"""QGIS itself, headless, adds coverages whose pixels hold their own coordinates: WCS 1.0 and 1.1.

Needs Debian's qgis and python3-qgis; skipped where they are not installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.clients.headless_qgis import ask
from tests.e2e.harness import running
from tests.unit.wcs.fakes import fake_app, fake_layers

pytestmark = [
    pytest.mark.client,
    # of the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(fake_app(max_pixels=4_000_000)) as address:
        yield f"{address}/wcs"


def seen(folder: Path, uri: str) -> dict[str, Any]:
    """What QGIS makes of a coverage."""
    return ask(folder, "qgis_wcs.py", uri, str(folder / "exported.tif"))


@pytest.mark.parametrize(
    ("identifier", "version"),
    [*((known, version) for known in ("j-utm", "j-ll", "j-north") for version in ("", "1.1.1")),
     ("j-ll", "1.1.0"), ("j-ll", "1.1.2")],
)  # fmt: skip
def test_qgis_sees_every_pixel_where_it_belongs(url: str, qgis: Path, identifier: str, version: str) -> None:
    grid = next(layer.description.grid for layer in fake_layers() if layer.id == identifier)
    found = seen(qgis, f"url={url}&identifier={identifier}" + (f"&version={version}" if version else ""))
    assert found["valid"]
    assert found["extent"] == pytest.approx(list(grid.bounds), rel=1e-12)
    assert (found["size"], found["crs"], found["bands"]) == ([grid.width, grid.height], grid.crs, 2)
    for x, y, first, second in found["identified"]:
        assert (first, second) == pytest.approx((x, y), rel=1e-12)
    block = found["block"]
    x, y = np.array(block["values"])
    assert np.abs(x - (block["west"] + (np.arange(20) + 0.5) * block["dx"])[None, :]).max() < 1e-8
    assert np.abs(y - (block["north"] - (np.arange(10) + 0.5) * block["dy"])[:, None]).max() < 1e-8
    assert found["drawn"][grid.crs] > 5000  # of 10000, since the coverage is not square
    assert found["drawn"]["EPSG:3857"] > 5000
    assert found["exported"] == 0
    with rasterio.open(qgis / "exported.tif") as file:
        assert file.shape == grid.shape
        assert tuple(file.bounds) == pytest.approx(grid.bounds, rel=1e-12)
        columns = file.transform.c + file.transform.a * (np.arange(file.width) + 0.5)
        assert np.abs(file.read(1) - columns[None, :]).max() < 1e-8


def test_qgis_takes_a_time(url: str, qgis: Path) -> None:
    found = seen(qgis, f"url={url}&identifier=j-times&time=2017-01-15T10:20:31Z")
    assert [values[2] for values in found["identified"]] == [1] * 5
    found = seen(qgis, f"url={url}&identifier=j-times")
    assert [values[2] for values in found["identified"]] == [3] * 5


@pytest.mark.parametrize("version", ["", "1.1.1"])
def test_qgis_tells_why_there_is_no_coverage(url: str, qgis: Path, version: str) -> None:
    """The text of an exception with status 200, in the media type of either version."""
    found = seen(qgis, f"url={url}&identifier=j-times&time=1900-01-01" + (f"&version={version}" if version else ""))
    assert not found["valid"]
    assert any("no observation at '1900-01-01'" in message for message in found["messages"])
