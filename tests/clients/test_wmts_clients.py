"""GDAL and OWSLib on a server of the loopback interface: every pixel that they see must be where it is."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import uvicorn
from pyproj import Transformer
from rasterio.coords import BoundingBox

from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.geo.tiles import MatrixSet, native_set
from tests.unit.wmts.fakes import LAYERS, LONLAT, TIMES, UTM, FakeEngine, decoded, server

pytestmark = [
    pytest.mark.client,
    pytest.mark.filterwarnings("ignore:Truth-testing of elements:FutureWarning"),  # inside of OWSLib
]
ENGINE = FakeEngine()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The root of a running server."""
    config = uvicorn.Config(server(ENGINE), host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


def _set_of(name: str) -> MatrixSet:
    grid = {"utm": UTM, "lonlat": LONLAT}.get(name)
    found = native_set(grid) if grid else standard_sets()[name]
    assert found
    return found


def _gdal(tool: str, *arguments: str) -> str:
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("entry", ["/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"])
@pytest.mark.parametrize(
    ("layer", "set_name", "corner"),
    [
        ("j-utm", "utm", (610000.0, 5190000.0)),
        ("j-lonlat", "lonlat", (10.3, 46.8)),
        ("j-utm", "WebMercatorQuad", (1160000.0, 5920000.0)),
        ("j-lonlat", "WorldCRS84Quad", (10.3, 46.8)),
        ("j-time", "utm", (601000.0, 5190000.0)),
    ],
)
def test_gdal_finds_each_pixel_at_its_place(
    address: str, entry: str, layer: str, set_name: str, corner: tuple[float, float], tmp_path: Path
) -> None:
    chosen = _set_of(set_name)
    matrix = chosen.matrices[min(14, len(chosen.matrices) - 1)]
    lattice = matrix.lattice
    name = f"WMTS:{address}{entry},layer={layer},tilematrixset={chosen.id},tilematrix={matrix.id}"
    left, top = lattice.x(round(lattice.column(corner[0]))), lattice.y(round(lattice.row(corner[1])))
    box = (left, top, left + 80 * lattice.dx, top - 60 * lattice.dy)
    out = tmp_path / "out.tif"
    settings = ("--config", "GDAL_DEFAULT_WMS_CACHE_PATH", str(tmp_path / "cache"))
    _gdal("gdal_translate", *settings, "-q", "-projwin", *map(repr, box), name, str(out))
    with rasterio.open(out) as file:
        assert file.shape == (60, 80)
        _assert_at(file.bounds, box, lattice.dx)
        assert file.crs.to_epsg() == int(chosen.crs.partition(":")[2])
        red, green = file.read((1, 2))
    cols = round(lattice.column(left)) + np.arange(80)
    rows = round(lattice.row(top)) + np.arange(60)
    assert np.array_equal(red, np.broadcast_to(cols % 256, (60, 80)))
    assert np.array_equal(green, np.broadcast_to((rows % 256)[:, None], (60, 80)))


def _assert_at(bounds: BoundingBox, box: tuple[float, ...], pixel: float) -> None:
    """Corners meet to a hundredth of a pixel."""
    got = (bounds.left, bounds.top, bounds.right, bounds.bottom)
    assert got == pytest.approx(box, rel=0, abs=0.01 * pixel)


def test_gdalinfo_lists_every_layer_and_set(address: str) -> None:
    text = _gdal("gdalinfo", f"WMTS:{address}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    for layer in LAYERS:
        assert f"layer={layer.id}" in text
    for name in ("utm", "WebMercatorQuad", "WorldCRS84Quad"):
        assert f"tilematrixset={_set_of(name).id}" in text


def test_gdal_sees_the_native_extent_exactly(address: str, tmp_path: Path) -> None:
    name = f"WMTS:{address}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities,layer=j-utm,tilematrixset={_set_of('utm').id}"
    text = _gdal("gdalinfo", "--config", "GDAL_DEFAULT_WMS_CACHE_PATH", str(tmp_path), name)
    assert "Size is 1000, 700" in text
    assert "Origin = (600060.0" in text and "Pixel Size = (20.000" in text


@pytest.mark.parametrize("native", [True, False])
def test_owslib_reads_the_document_and_the_tile_it_asks_for(address: str, native: bool) -> None:
    wmts = pytest.importorskip("owslib.wmts")
    service = wmts.WebMapTileService(f"{address}/wmts")
    assert list(service.contents) == [layer.id for layer in LAYERS]
    chosen = _set_of("utm" if native else "WebMercatorQuad")
    layer = service["j-utm"]
    assert {"WebMercatorQuad", "WorldCRS84Quad", _set_of("utm").id} <= set(layer.tilematrixsetlinks)
    matrix = service.tilematrixsets[chosen.id].tilematrix[chosen.matrices[-1].id]
    x, y = (
        (610010.0, 5190010.0)
        if native
        else Transformer.from_crs(32632, 3857, always_xy=True).transform(610010, 5190010)
    )
    pixel = matrix.scaledenominator * 0.00028
    col, row = int((x - matrix.topleftcorner[0]) / pixel), int((matrix.topleftcorner[1] - y) / pixel)
    body = service.gettile(
        layer="j-utm", tilematrixset=chosen.id, tilematrix=matrix.identifier, row=row // 256, column=col // 256,
        format="image/png", style="default",
    ).read()  # fmt: skip
    lattice = chosen.matrices[-1].lattice
    red, green = decoded(body)[:2]
    assert red[row % 256, col % 256] == int(lattice.column(x)) % 256
    assert green[row % 256, col % 256] == int(lattice.row(y)) % 256


def test_owslib_asks_for_a_time_and_shows_our_exceptions(address: str) -> None:
    wmts = pytest.importorskip("owslib.wmts")
    from owslib.util import ServiceException

    service = wmts.WebMapTileService(f"{address}/wmts")
    dimension = service["j-time"].dimensions["TIME"]
    assert dimension["default"] == TIMES[-1] and dimension["values"] == list(TIMES)
    ask = {"layer": "j-time", "tilematrixset": "WebMercatorQuad", "tilematrix": "3", "column": 4, "format": "image/png"}
    service.gettile(**ask, row=2, TIME=TIMES[0])
    assert ENGINE.views[-1].times == (TIMES[0],)
    with pytest.raises(ServiceException, match="TileRow"):
        service.gettile(**ask, row=8)
