"""Coverages whose pixels hold their own coordinates, so that every answer can be checked by arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from starlette.applications import Starlette

from ogcserver.cube import Band, Block, CubeType, View
from ogcserver.engine.describe import Description
from ogcserver.engine.service import Encoder, Rendered
from ogcserver.errors import JobNotFound, ServiceNotFound
from ogcserver.geo.crs import lonlat_boxes
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.warp import centres
from ogcserver.jobs.access import Caller
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.plan.expr import Expr
from ogcserver.wcs.api import WcsApi
from ogcserver.wcs.eo import Scenes, no_scenes

XY = (Band("x", "float64"), Band("y", "float64"))
TIMES = ("2017-01-05T10:20:31Z", "2017-01-15T10:20:31Z", "2017-01-15T16:00:00Z", "2017-02-04T10:20:31Z")
ALBERS = (
    'PROJCRS["Brazil Albers",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,'
    '298.257223563,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]]],'
    'CONVERSION["unnamed",METHOD["Albers Equal Area",ID["EPSG",9822]],PARAMETER["Latitude of false origin",-12],'
    'PARAMETER["Longitude of false origin",-54],PARAMETER["Latitude of 1st standard parallel",-2],'
    'PARAMETER["Latitude of 2nd standard parallel",-22],PARAMETER["Easting at false origin",5000000],'
    'PARAMETER["Northing at false origin",10000000]],CS[Cartesian,2],AXIS["easting",east],AXIS["northing",north],'
    'LENGTHUNIT["metre",1]]'
)


def description(
    crs: str, x0: float, y0: float, pixel: float, width: int, height: int, col: int = 0, row: int = 0,
    bands: tuple[Band, ...] = XY, times: tuple[str, ...] = (),
) -> Description:  # fmt: skip
    """A coverage whose first pixel is (col, row) of the lattice with its corner at x0, y0."""
    grid = Grid(Lattice(crs, x0, y0, pixel, pixel), col, row, width, height)
    return Description(grid, bands, times, lonlat_boxes(grid), ("", ""))


def utm(**more: Any) -> Description:
    """Edges 600000, 5198000, 603000, 5200000."""
    return description("EPSG:32632", 599900.0, 5200060.0, 10.0, 300, 200, 10, 6, **more)


def lonlat(**more: Any) -> Description:
    """Edges 9.5, 46.6, 10.7, 47.5."""
    return description("EPSG:4326", 9.0, 48.0, 0.01, 120, 90, 50, 50, **more)


@dataclass(frozen=True, eq=False)
class Coordinates(Expr):
    name: str
    temporal: bool = False
    bands: tuple[Band, ...] = XY

    @cached_property
    def type(self) -> CubeType:
        return CubeType(self.bands, self.temporal)


def layer(identifier: str, coverage: Description, args: Mapping[str, object] | None = None) -> Layer:
    plan = Coordinates(identifier, bool(coverage.times), coverage.bands)
    return Layer(identifier, f"Title of {identifier} <&>", "An abstract", plan, coverage, args or {})


def block(coverage: Description, view: View) -> Block:
    """Band x holds the x of each pixel centre, y its y, t the number of the time, others 100 times their number."""
    points = centres(view.grid)
    times = (view.times or coverage.times) if coverage.times else ()
    names = [band.name for band in coverage.bands]
    data = np.empty((max(1, len(times)), len(view.bands), *view.grid.shape))
    for index, name in enumerate(view.bands):
        values: Mapping[str, Any] = {"x": points.x, "y": points.y}
        data[:, index] = values.get(name, 100.0 * names.index(name))
        if name == "t":
            data[:, index] = np.array([coverage.times.index(time) for time in times])[:, None, None]
    bands = tuple(coverage.bands[names.index(name)] for name in view.bands)
    return Block(data, view.grid, bands, times)


@dataclass
class FakeEngine:
    layers: tuple[Layer, ...]
    views: list[View] = field(default_factory=list)
    failure: Callable[[], Exception] | None = None

    async def render(self, plan: Expr, view: View, encoder: Encoder) -> Rendered:
        if self.failure:
            raise self.failure()
        self.views.append(view)
        coverage = next(known.description for known in self.layers if known.plan.token == plan.token)
        return Rendered(encoder(block(coverage, view)), await self.etag(plan, view, encoder))

    async def etag(self, plan: Expr, view: View, encoder: Encoder) -> str:
        return f"{plan.token[:8]}-{abs(hash((view, encoder.token)))}"


@dataclass(frozen=True)
class FakeLayers:
    layers: tuple[Layer, ...]

    async def all(self) -> tuple[Layer, ...]:
        return self.layers

    async def revision(self) -> int:
        return 7

    async def get(self, identifier: str) -> Layer:
        for known in self.layers:
            if known.id == identifier:
                return known
        raise JobNotFound(f"there is no job {identifier!r}", locator=identifier)


@dataclass(frozen=True)
class FakeEndpoints:
    layers: tuple[Layer, ...]

    def root(self, caller: Caller) -> FakeLayers:
        return FakeLayers(self.layers)

    async def of_service(self, service_id: str, service_type: str, caller: Caller) -> FakeLayers:
        if (service_id, service_type) != ("s-1", "wcs"):
            raise ServiceNotFound(f"there is no service {service_id!r}")
        return FakeLayers(self.layers[:1])


def fake_layers() -> tuple[Layer, ...]:
    odd = (Band("B04", "uint16", 0, "1"), Band("nd vi:1", "float32", -9999.0, "kg m-2"), Band("8A", "int16", -32768))
    timed = (Band("t", "uint8", 255), Band("x", "float64"))
    return (
        layer("j-utm", utm()),
        layer("j-ll", lonlat()),
        layer("j-bands", utm(bands=odd), {"bands": "B04", "rescale": [0, 100]}),
        layer("j-times", utm(bands=timed, times=TIMES)),
        layer("j-timesll", lonlat(bands=timed, times=TIMES)),
        layer("j-albers", description(ALBERS, 5000000.0, 10000000.0, 64.0, 50, 40)),
        layer("j-north", description("EPSG:3035", 4400000.0, 2700000.0, 100.0, 30, 20)),
        layer("j-pacific", description("EPSG:32601", 200000.0, 8000000.0, 1000.0, 60, 40)),
    )


def fake_app(
    engine: FakeEngine | None = None, public_url: str = "", max_pixels: int = 1_000_000, scenes: Scenes = no_scenes
) -> Starlette:
    engine = engine or FakeEngine(fake_layers())
    who = Identification(title="Test & Co", keywords=("a", "b"), email="x@example.org", provider_site="http://p/")
    api = WcsApi(engine, FakeEndpoints(engine.layers), who, public_url, max_pixels, scenes=scenes)
    return Starlette(routes=api.routes())
