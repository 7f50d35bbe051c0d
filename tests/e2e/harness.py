"""A whole server in this process, and what tests need to ask it and to understand its answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import imagecodecs
import numpy as np
import pytest
import uvicorn
from lxml import etree
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from starlette.types import ASGIApp

import ogcserver.app
from ogcserver.app import Parts
from ogcserver.settings import Catalog, Server, Settings
from tests.xsd import assert_valid

T = TypeVar("T")
Json = dict[str, Any]
Pixels = NDArray[Any]

SHARED = Path(__file__).resolve().parents[3] / "shared"
SCHEMAS = SHARED / "ogc-schemas"
QUICK_S = 2.0
"""The longest that a bad request may take."""
OWS = {"1.1": "{http://www.opengis.net/ows/1.1}", "2.0": "{http://www.opengis.net/ows/2.0}"}
WMTS = "{http://www.opengis.net/wmts/1.0}"


def settings(data_dir: Path, *catalogs: Path | str, **sections: Any) -> Settings:
    return Settings(server=Server(data_dir=data_dir), catalogs=tuple(Catalog(str(one)) for one in catalogs), **sections)


class TestServer:
    """A server that is asked through its ASGI interface, all requests in one event loop."""

    __test__ = False

    def __init__(self, wanted: Settings) -> None:
        self.settings = wanted
        opened: list[Parts] = []

        def spy(settings: Settings) -> Parts:
            opened.append(real(settings))
            return opened[-1]

        real = ogcserver.app.open_parts
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ogcserver.app, "open_parts", spy)
            self.app = ogcserver.app.create_app(wanted)
        (self.parts,) = opened
        self.seconds = 0.0
        """That the last request took."""
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")

    def close(self) -> None:
        self.run(self._http.aclose())
        self._runner.close()
        self.parts.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def ask(self, method: str, path: str, **more: Any) -> Coroutine[Any, Any, httpx.Response]:
        """For several requests at the same time."""
        return self._http.request(method, path, **more)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        start = time.perf_counter()
        response = self.run(self.ask(method, path, **more))
        self.seconds = time.perf_counter() - start
        return response

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **more)

    def delete(self, path: str) -> httpx.Response:
        return self.request("DELETE", path)

    def under_way(self) -> int:
        return self.parts.engine.statistics().under_way

    def add(self, graph: Json, args: Json | None = None, output: Json | None = None) -> Job:
        """A job in on-demand mode, with a service of each kind that looks like ``args``."""
        created = self.post("/jobs", {"process_graph": graph, "output": output})
        assert created.status_code == 200, created.text
        job_id = created.json()["job_id"]
        assert self.post(f"/jobs/{job_id}/on_demand").status_code == 204
        services = {}
        for kind in ("wcs", "wmts"):
            made = self.post("/services", {"job_id": job_id, "service_type": kind, "service_args": args or {}})
            assert made.status_code == 200, made.text
            services[kind] = made.json()["service_url"].removeprefix("http://test")
        return Job(self, job_id, services)


@dataclass(frozen=True)
class Raster:
    """A file as rasterio reads it."""

    values: Pixels
    """(band, y, x) as stored."""
    transform: Any
    crs: Any
    nodata: float | None
    tags: Mapping[str, Any]
    mask: Pixels
    """(y, x): where any band has a value."""

    @property
    def origin(self) -> tuple[float, float]:
        return self.transform.c, self.transform.f

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[1], self.values.shape[2]


def raster(response: httpx.Response) -> Raster:
    assert response.status_code == 200, response.text
    with MemoryFile(response.content) as memory, memory.open() as file:
        facts = {
            "scales": file.scales, "offsets": file.offsets, "photometric": file.photometric,
            "blocks": file.block_shapes, "compression": file.compression, "descriptions": file.descriptions,
        }  # fmt: skip
        return Raster(file.read(), file.transform, file.crs, file.nodata, facts, file.dataset_mask())


def bits(array: Pixels) -> bytes:
    """Everything that makes arrays equal, NaNs included."""
    return repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes()


def picture(response: httpx.Response) -> Pixels:
    """(y, x, 4) of a PNG."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    pixels = imagecodecs.png_decode(response.content)
    if pixels.shape[2] == 3:
        pixels = np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
    return pixels


@dataclass(frozen=True)
class NativeGrid:
    """The domain of a coverage, from its description. Coordinates are x, y."""

    west: float
    north: float
    dx: float
    dy: float
    width: int
    height: int

    def x(self, col: int) -> float:
        return self.west + col * self.dx

    def y(self, row: int) -> float:
        return self.north - row * self.dy


def native_grid(root: Any) -> NativeGrid:
    domain = root.find(".//{*}domainSet")[0]
    high = [int(v) for v in domain.findtext(".//{*}high").split()]
    low = [int(v) for v in domain.findtext(".//{*}low").split()]
    first = [float(v) for v in domain.findtext(".//{*}pos").split()][:2]
    steps = [[float(v) for v in vector.text.split()] for vector in domain.iter("{*}offsetVector")]
    swapped = steps[0][0] == 0.0  # the first grid axis runs along the second axis of the CRS
    dx, dy = (steps[0][1], -steps[1][0]) if swapped else (steps[0][0], -steps[1][1])
    x, y = reversed(first) if swapped else first
    assert dx > 0 and dy > 0 and not any(low)
    return NativeGrid(x - dx / 2, y + dy / 2, dx, dy, high[0] + 1, high[1] + 1)


@dataclass(frozen=True)
class MatrixView:
    """The deepest matrix of a layer's native set, from the capabilities document."""

    set_id: str
    matrix: str
    left: float
    top: float
    pixel: float


@dataclass(frozen=True)
class Job:
    """A registered job."""

    server: TestServer
    id: str
    services: Mapping[str, str]

    def stop(self) -> None:
        assert self.server.delete(f"/jobs/{self.id}/on_demand").status_code == 204

    def grid(self) -> NativeGrid:
        ask = {"SERVICE": "WCS", "VERSION": "2.0.1", "REQUEST": "DescribeCoverage", "COVERAGEID": self.id}
        response = self.server.get(self.services["wcs"], params=ask)
        assert response.status_code == 200, response.text
        return native_grid(etree.fromstring(response.content))

    def coverage(self, *subsets: str, root: bool = False, **more: Any) -> httpx.Response:
        ask = {"SERVICE": "WCS", "VERSION": "2.0.1", "REQUEST": "GetCoverage", "COVERAGEID": self.id, **more}
        pairs = [*ask.items(), *(("SUBSET", one) for one in subsets)]
        return self.server.get("/wcs" if root else self.services["wcs"], params=pairs)

    def window(self, grid: NativeGrid, col: int, row: int, width: int, height: int) -> Raster:
        """Native pixels through WCS."""
        x = f"x({grid.x(col)!r},{grid.x(col + width)!r})"
        return raster(self.coverage(x, f"y({grid.y(row + height)!r},{grid.y(row)!r})"))

    def native_matrix(self) -> MatrixView:
        response = self.server.get(self.services["wmts"], params={"SERVICE": "WMTS", "REQUEST": "GetCapabilities"})
        root = etree.fromstring(response.content)
        for one in root.iter(f"{WMTS}TileMatrixSet"):
            name = one.findtext(f"{OWS['1.1']}Identifier")
            if name and name.startswith("native-"):
                deepest = one.findall(f"{WMTS}TileMatrix")[-1]
                left, top = map(float, deepest.findtext(f"{WMTS}TopLeftCorner").split())
                pixel = float(deepest.findtext(f"{WMTS}ScaleDenominator")) * 0.00028
                return MatrixView(name, deepest.findtext(f"{OWS['1.1']}Identifier"), left, top, pixel)
        raise AssertionError("no native set")

    def tile(self, set_id: str, matrix: str, row: int, col: int, root: bool = False, **more: Any) -> httpx.Response:
        ask = {
            "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": self.id, "STYLE": "default",
            "FORMAT": "image/png", "TILEMATRIXSET": set_id, "TILEMATRIX": matrix, "TILEROW": row, "TILECOL": col,
        }  # fmt: skip
        headers = more.pop("headers", None)
        path = "/wmts" if root else self.services["wmts"]
        return self.server.get(path, params=ask | more, headers=headers)


@contextlib.contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serves an application on the loopback interface; its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)


def node(process: str, imagery: Any = None, **args: Any) -> Json:
    """A graph node; a trailing underscore keeps argument names that are Python words usable."""
    given = {"imagery": {"product_id": imagery} if isinstance(imagery, str) else imagery} if imagery else {}
    return {"process_id": process, "args": given | {name.rstrip("_"): value for name, value in args.items()}}


def ndvi(collection: str = "S2_L2A_T32TPS_20M", red: str = "B04", nir: str = "B8A") -> Json:
    return node("NDVI", collection, red=red, nir=nir)


def _clean(response: httpx.Response) -> None:
    assert "Traceback" not in response.text and 'File "' not in response.text
    assert not {"Error:", "Exception:"} & set(response.text.split())


def assert_json_error(server: TestServer, response: httpx.Response, status: int, code: int, message: str = "") -> None:
    """A refusal in the form of the job API, in good time."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text
    body = json.loads(response.content)
    assert body["code"] == code and message in body["message"], body
    _clean(response)
    assert server.seconds < QUICK_S


def assert_report(
    server: TestServer, response: httpx.Response, version: str, status: int, code: str, locator: Any = None
) -> str:
    """A refusal as an ExceptionReport that is valid, in good time; its text."""
    assert (response.status_code, response.headers["content-type"]) == (status, "text/xml"), response.text
    schema = "ows/1.1.0/owsExceptionReport.xsd" if version == "1.1" else "ows/2.0/owsExceptionReport.xsd"
    root = assert_valid(response.content, schema) if SCHEMAS.is_dir() else etree.fromstring(response.content)
    (exception,) = root.iter(f"{OWS[version]}Exception")
    assert (exception.get("exceptionCode"), exception.get("locator")) == (code, locator), response.text
    _clean(response)
    assert server.seconds < QUICK_S
    return str(exception.findtext(f"{OWS[version]}ExceptionText"))
