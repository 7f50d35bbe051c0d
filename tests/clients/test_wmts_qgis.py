"""QGIS itself, headless, adds WMTS layers whose pixels hold their own place.

Needs Debian's qgis and python3-qgis; skipped where they are not installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ogcserver.geo.tiles import native_set
from tests.clients.headless_qgis import ask
from tests.e2e.harness import running
from tests.unit.wmts.fakes import SETS, TIMES, UTM, FakeEngine, server

pytestmark = [
    pytest.mark.client,
    # of the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ENGINE = FakeEngine()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(server(ENGINE)) as address:
        yield f"{address}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"


def seen(folder: Path, url: str, layer: str, crs: str, matrix_set: str, place: tuple[float, ...], **more: str) -> Any:
    """What QGIS makes of a layer."""
    parts = {"url": url, "layers": layer, "crs": crs, "tileMatrixSet": matrix_set, "styles": "default",
             "format": "image/png", **more}  # fmt: skip
    uri = "&".join(f"{key}={quote(value, safe='/:;=')}" for key, value in parts.items())
    found = ask(folder, "qgis_wmts.py", uri, *map(repr, place))
    assert found["valid"]
    return found


@pytest.mark.parametrize("native", [True, False])
def test_qgis_shows_each_pixel_in_its_place_and_identifies_it(url: str, qgis: Path, native: bool) -> None:
    chosen = native_set(UTM) if native else SETS["WebMercatorQuad"]
    assert chosen
    matrix = chosen.matrices[-1] if native else chosen.matrix("12")
    tile = matrix.tile(1, 1) if native else matrix.tile(1442, 2167)
    west, _, _, north = tile.bounds
    place = (west, north, tile.lattice.dx)
    found = seen(qgis, url, "j-utm", chosen.crs, chosen.id, place, infoFormat="text/plain")
    assert found["crs"] == chosen.crs
    for colour, (col, row) in zip(found["drawn"], ((10, 20), (40, 50)), strict=True):
        assert colour[:2] == [(tile.col + col) % 256, (tile.row + row) % 256]
        assert colour[3] == 255
    (text,) = found["identified"]["text"]
    assert f"red = {(tile.col + 10) % 256}, green = {(tile.row + 20) % 256}" in text


@pytest.mark.parametrize("time", TIMES)
def test_qgis_steps_through_time(url: str, qgis: Path, time: str) -> None:
    tile = SETS["WebMercatorQuad"].matrix("12").tile(1442, 2167)
    west, _, _, north = tile.bounds
    before = len(ENGINE.views)
    found = seen(
        qgis, url, "j-time", "EPSG:3857", "WebMercatorQuad", (west, north, tile.lattice.dx),
        tileDimensions=f"TIME={time}", infoFormat="text/plain",
    )  # fmt: skip
    assert {view.times for view in ENGINE.views[before:]} == {(time,)}
    (text,) = found["identified"]["text"]
    assert text.count("red =") == 1 and time in text
