"""An engine whose pixels hold their own place in the lattice, and layers for it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import httpx
import imagecodecs
import numpy as np
from starlette.applications import Starlette

from ogcserver.cube import Band, Block, CubeType, View
from ogcserver.engine.describe import Description
from ogcserver.engine.service import Rendered
from ogcserver.errors import JobNotFound, ServiceNotFound
from ogcserver.geo.crs import lonlat_boxes
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.jobs.access import Caller
from ogcserver.jobs.layers import Layer, Layers
from ogcserver.maps.picture import Painter
from ogcserver.maps.tiles import TileRules
from ogcserver.ows.identification import Identification
from ogcserver.plan.expr import Expr
from ogcserver.tms.api import TmsApi
from ogcserver.wmts.api import WmtsApi
from ogcserver.xyz.api import XyzApi

BANDS = (Band("red", "uint8"), Band("green", "uint8"), Band("blue", "uint8"))
SETS = standard_sets()
UTM = Grid(Lattice("EPSG:32632", 600000.0, 5200020.0, 20.0, 20.0), 3, 7, 1000, 700)
LONLAT = Grid(Lattice("EPSG:4326", 9.5, 47.5, 0.01, 0.01), 0, 0, 300, 200)
ODD = Grid(Lattice('PROJCRS["mine"]', 0.0, 0.0, 1.0, 1.0), 0, 0, 1, 1)
TIMES = ("2017-01-05T10:20:31Z", "2017-01-15T10:20:31Z", "2017-01-15T22:00:00Z")
MONTHS = ("2017-01-01T00:00:00Z/2017-01-31T23:59:59Z", "2017-02-01T00:00:00Z/2017-02-28T23:59:59Z")


@dataclass(frozen=True, eq=False)
class Place(Expr):
    """Stands for a plan that gives each pixel's place."""

    name: str
    times: tuple[str, ...] = ()

    @cached_property
    def type(self) -> CubeType:
        return CubeType(BANDS, temporal=False)


class FakeEngine:
    """Red and green: column and row modulo 256; blue: the tile. Keeps the views it is asked for."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.views: list[View] = []

    async def evaluate(self, plan: Expr, view: View) -> Block:
        self.views.append(view)
        assert isinstance(plan, Place)
        return places(view if view.times else replace(view, times=plan.times))

    def versions(self, plan: Expr) -> tuple[str, ...]:
        return ("1",)

    async def etag(self, plan: Expr, view: View, encoder: Painter) -> str:
        return hashlib.sha256(f"{plan.token}{view}{encoder.token}".encode()).hexdigest()[:16]

    async def render(self, plan: Expr, view: View, encoder: Painter) -> Rendered:
        if self.failure:
            raise self.failure
        self.views.append(view)
        return Rendered(encoder(places(view)), await self.etag(plan, view, encoder))


def places(view: View) -> Block:
    grid = view.grid
    cols, rows = np.meshgrid(np.arange(grid.col, grid.col + grid.width), np.arange(grid.row, grid.row + grid.height))
    blue = (cols // 256 + 7 * (rows // 256)) % 256
    data = np.stack([cols % 256, rows % 256, blue]).astype(np.float32)[np.newaxis]
    bands = [BANDS.index(band) for band in BANDS if band.name in view.bands]
    return Block(
        np.repeat(data[:, bands], max(1, len(view.times)), axis=0), grid, tuple(BANDS[n] for n in bands), view.times
    )


def layer(identifier: str, grid: Grid = UTM, times: tuple[str, ...] = (), title: str = "") -> Layer:
    boxes = ((9.0, 46.0, 10.0, 47.0),) if grid is ODD else lonlat_boxes(grid)
    description = Description(grid, BANDS, times, boxes, ("", ""))
    return Layer(identifier, title, "", Place(identifier, times), description)


LAYERS = (
    layer("j-utm", title="Places <in> UTM & more"),
    layer("j-lonlat", LONLAT),
    layer("j-time", times=TIMES),
    layer("j-months", times=MONTHS),
    layer("j-odd", ODD),
)


class FakeLayers:
    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers

    async def all(self) -> tuple[Layer, ...]:
        return self.layers

    async def revision(self) -> int:
        return 7

    async def get(self, identifier: str) -> Layer:
        for one in self.layers:
            if one.id == identifier:
                return one
        raise JobNotFound(f"no job {identifier}")


class FakeEndpoints:
    """A service ``s-{type}-{layer}`` for every layer."""

    def __init__(self, layers: tuple[Layer, ...] = LAYERS) -> None:
        self.layers = layers

    def root(self, caller: Caller) -> Layers:
        return FakeLayers(self.layers)

    async def of_service(self, service_id: str, service_type: str, caller: Caller) -> Layers:
        found = tuple(one for one in self.layers if service_id == f"s-{service_type}-{one.id}")
        if not found:
            raise ServiceNotFound(f"no service {service_id}")
        return FakeLayers(found)


def server(
    engine: FakeEngine, layers: tuple[Layer, ...] = LAYERS, public_url: str = "", rules: TileRules | None = None
) -> Starlette:
    """An application wired as the real one is."""
    endpoints, sets = FakeEndpoints(layers), SETS
    rules = rules or TileRules(max_times=3)
    wmts = WmtsApi(engine, endpoints, Identification(), sets, public_url, rules)
    xyz = XyzApi(engine, endpoints, sets, "Everybody", public_url, rules)
    tms = TmsApi(engine, endpoints, sets, "ogcserver", public_url, rules)
    return Starlette(routes=[*wmts.routes(), *xyz.routes(), *tms.routes()])


def get(path: str, engine: FakeEngine | None = None, method: str = "GET", **more: Any) -> httpx.Response:
    """The answer of an application of its own; ``public_url`` and ``rules`` are its settings."""
    options = {key: more.pop(key) for key in ("public_url", "rules") if key in more}
    application = server(engine or FakeEngine(), **options)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(ask())


def decoded(body: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """(band, y, x) of a PNG."""
    return np.moveaxis(imagecodecs.png_decode(body), -1, 0)
