"""OpenLayers, Leaflet and MapLibre in Chromium show a job on a page of another origin, each pixel in its place.

Needs Debian's chromium; OpenLayers and MapLibre come out of the packages pyopenlayersqt and maplibre, of which nothing
else is used (``pip install --no-deps``). Skipped where they are absent.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ogcserver.cors import Cors
from tests.e2e.harness import running
from tests.unit.wmts.fakes import FakeEngine, server

pytestmark = [
    pytest.mark.client,
    # of the HTTP stack's own, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ZOOM, COL, ROW = 12, 2167, 1442
"""A tile in the middle of the layer j-utm; its upper left corner is the centre of every map."""
LON = COL / 2**ZOOM * 360 - 180
LAT = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * ROW / 2**ZOOM))))
EDGE = 512
LIBRARIES = {
    "ol": ("pyopenlayersqt", "vendor/ol"),
    "maplibre": ("maplibre", "srcjs"),
    "leaflet": ("xstatic.pkg.leaflet", "data"),
}
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/{library}/{style}">
<style>body {{ margin: 0 }} #map {{ width: 512px; height: 512px }}</style>
<div id="map"></div><script src="/{library}/{script}"></script><script>'use strict';
const server = '{server}', zoom = {zoom}, lon = {lon!r}, lat = {lat!r};
{code}</script>"""
FILES = {
    "ol": ("ol.css", "ol.js"), "leaflet": ("leaflet.css", "leaflet.js"),
    "maplibre": ("maplibre-gl.css", "maplibre-gl.js"),
}  # fmt: skip

OPENLAYERS = """
fetch(server + '/wmts?SERVICE=WMTS&REQUEST=GetCapabilities').then(answer => answer.text()).then(text => {
  const document = new ol.format.WMTSCapabilities().read(text);
  const options = ol.source.WMTS.optionsFromCapabilities(document,
    { layer: 'j-utm', matrixSet: 'MATRIX_SET', requestEncoding: 'ENCODING', crossOrigin: 'anonymous' });
  const view = new ol.View({ center: ol.proj.fromLonLat([lon, lat]), zoom: zoom });
  new ol.Map({ target: 'map', controls: [], view: view,
    layers: [new ol.layer.Tile({ source: new ol.source.WMTS({ ...options, transition: 0 }) })] });
});"""
LEAFLET = """
const map = L.map('map', { zoomControl: false, attributionControl: false, fadeAnimation: false });
map.setView([lat, lon], zoom);
L.tileLayer(server + '/services/s-xyz-j-utm/xyz/{z}/{x}/{y}.png', { crossOrigin: true }).addTo(map);"""
LEAFLET_TMS = LEAFLET.replace("/services/s-xyz-j-utm/xyz/", "/services/s-tms-j-utm/tms/1.0.0/j-utm/").replace(
    "crossOrigin", "tms: true, crossOrigin"
)
MAPLIBRE = """
new maplibregl.Map({ container: 'map', center: [lon, lat], zoom: zoom - 1, attributionControl: false, fadeDuration: 0,
  style: { version: 8, layers: [{ id: 'a', type: 'raster', source: 'a', paint: { 'raster-fade-duration': 0 } }],
    sources: { a: { type: 'raster', tileSize: 256, url: server + '/services/s-xyz-j-utm/xyz/tile.json' } } } });"""


def _openlayers(encoding: str, matrix_set: str = "WebMercatorQuad") -> str:
    return OPENLAYERS.replace("ENCODING", encoding).replace("MATRIX_SET", matrix_set)


CASES = {
    "openlayers-kvp": ("ol", _openlayers("KVP")),
    "openlayers-rest": ("ol", _openlayers("REST")),
    "leaflet-xyz": ("leaflet", LEAFLET),
    "leaflet-tms": ("leaflet", LEAFLET_TMS),
    "maplibre-tilejson": ("maplibre", MAPLIBRE),
}


def _folder(package: str, path: str) -> Path | None:
    """A folder of an installed package, which is not imported: it may want more than is installed."""
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return None
    roots = [Path(root) / path for root in (found.submodule_search_locations or ())] if found else []
    return next((root for root in roots if root.is_dir()), None)


@pytest.fixture(scope="module")
def maps() -> Iterator[str]:
    with running(Starlette(routes=[Mount("/", server(FakeEngine()))], middleware=[Middleware(Cors)])) as address:
        yield address


def _screenshot(folder: Path, url: str) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], list[str]]:
    """(y, x, band) of a page in a headless Chromium, and what it complains about."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("chromium is not installed")
    picture = folder / "page.png"
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
            "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-proxy-server", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
            "--force-device-scale-factor=1", f"--window-size={EDGE},{EDGE}", "--virtual-time-budget=10000",
            f"--screenshot={picture}", url,
        ],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "GPU stall" not in line]
    return imagecodecs.png_decode(picture.read_bytes()), complaints


@pytest.mark.parametrize("case", CASES)
def test_a_page_of_another_origin_shows_each_pixel_in_its_place(maps: str, case: str, tmp_path: Path) -> None:
    library, code = CASES[case]
    folder = _folder(*LIBRARIES[library])
    if folder is None:
        pytest.skip(f"the package {LIBRARIES[library][0]}, which has {library}, is not installed")
    style, script = FILES[library]
    html = PAGE.format(library=library, style=style, script=script, server=maps, zoom=ZOOM, lon=LON, lat=LAT, code=code)

    async def page(request: Request) -> Response:
        return HTMLResponse(html)

    site = Starlette(routes=[Route("/", page), Mount(f"/{library}", StaticFiles(directory=folder))])
    with running(site) as address:
        pixels, complaints = _screenshot(tmp_path, f"{address}/")
    assert not complaints, complaints
    middle = EDGE // 2
    for right, down in ((20, 30), (100, 60), (200, 210)):
        colour = pixels[middle + down, middle + right, :3].astype(int)
        # red and green count the tile's columns and rows, blue names the tile
        assert np.abs(colour - (right, down, (COL + 7 * ROW) % 256)).max() <= 2, (right, down, colour)
