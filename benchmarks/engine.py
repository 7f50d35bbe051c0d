"""The engine in this process, and the tasks that it and the floor are given."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import uvloop

from benchmarks.archive import COLLECTION, Archive
from ogcserver.app import Parts, open_parts
from ogcserver.cube import View
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.style import Style
from ogcserver.encode.style_args import parse_style
from ogcserver.engine.service import Encoder
from ogcserver.geo.crs import project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.matrix_sets import WEB_MERCATOR, standard_sets
from ogcserver.geo.tiles import TileMatrix
from ogcserver.maps.picture import Painter
from ogcserver.plan.expr import Expr
from ogcserver.settings import Cache, Catalog, Settings

NDVI_LOOK: Mapping[str, Any] = {"colormap": "rdylgn", "rescale": [-0.2, 0.8]}
RGB_LOOK: Mapping[str, Any] = {"bands": ["B04", "B03", "B02"], "rescale": [0, 0.25], "gamma": 1.2}
ZOOMS = range(8, 15)


def ndvi_graph(days: tuple[str, ...]) -> dict[str, Any]:
    """Minimum NDVI over consecutive days of the archive."""
    ranged = {
        "process_id": "filter_daterange",
        "args": {"imagery": {"product_id": COLLECTION}, "from": days[0], "to": days[-1]},
    }
    ndvi = {"process_id": "NDVI", "args": {"imagery": ranged, "red": "B04", "nir": "B8A"}}
    return {"process_id": "min_time", "args": {"imagery": ndvi}}


def colour_graph(day: str) -> dict[str, Any]:
    """Red, green and blue of one day."""
    ranged = {
        "process_id": "filter_daterange",
        "args": {"imagery": {"product_id": COLLECTION}, "from": day, "to": day},
    }
    bands = {"process_id": "filter_bands", "args": {"imagery": ranged, "bands": ["B04", "B03", "B02"]}}
    return {"process_id": "first_time", "args": {"imagery": bands}}


@dataclass(frozen=True)
class Geotiff:
    """Encodes coverages as WCS does by default."""

    token: str = "geotiff"

    def __call__(self, block: Any) -> bytes:
        return encode_geotiff(block)


@dataclass(frozen=True)
class Tile:
    """A web-mercator tile."""

    zoom: int
    row: int
    col: int

    @property
    def grid(self) -> Grid:
        return _matrices()[self.zoom].tile(self.row, self.col)


@lru_cache(maxsize=1)
def _matrices() -> tuple[TileMatrix, ...]:
    """The matrices of WebMercatorQuad."""
    return standard_sets()[WEB_MERCATOR].matrices


def tiles(archive: Archive, count: int, seed: int, zooms: range = ZOOMS) -> Iterator[Tile]:
    """Random tiles whose middle lies inside the archive, all zooms equally often."""
    pick = random.Random(seed)
    west, south, east, north = archive.bounds
    for number in range(count):
        zoom = zooms[number % len(zooms)]
        x, y = pick.uniform(west, east), pick.uniform(south, north)
        mx, my = project("EPSG:32632", "EPSG:3857", np.array([x]), np.array([y]))
        matrix = _matrices()[zoom]
        span = matrix.lattice.dx * matrix.tile_width
        col, row = int((mx[0] - matrix.lattice.x0) // span), int((matrix.lattice.y0 - my[0]) // span)
        yield Tile(zoom, row, col)


def windows(archive: Archive, count: int, edge: int, seed: int) -> Iterator[Grid]:
    """Random windows of native pixels."""
    pick = random.Random(seed)
    west, _, _, north = archive.bounds
    lattice = Lattice("EPSG:32632", west, north, 20.0, 20.0)
    room = archive.size.edge - edge
    for _ in range(count):
        yield Grid(lattice, pick.randint(0, room), pick.randint(0, room), edge, edge)


class Local:
    """The server's parts in this process, wired as the server wires them, without caches of results."""

    def __init__(self, archive: Archive, block_mb: int = 1024) -> None:
        cache = Cache(response_mb=0, array_mb=0, block_mb=block_mb)
        settings = replace(Settings(), cache=cache, catalogs=(Catalog(str(archive.catalog)),))
        self.parts: Parts = open_parts(settings, "sqlite://")
        self._loop = uvloop.new_event_loop()  # as under uvicorn

    def close(self) -> None:
        self.parts.close()
        self._loop.close()

    def compile(self, graph: Mapping[str, Any]) -> Expr:
        return self.parts.compiler(graph, "benchmark")

    def render(self, plan: Expr, view: View, encoder: Encoder) -> bytes:
        return self._loop.run_until_complete(self.parts.engine.render(plan, view, encoder)).body


def styles(local: Local, archive: Archive) -> tuple[Style, Style]:
    """The looks of NDVI and of true colour."""
    ndvi = local.compile(ndvi_graph(archive.days[:1]))
    rgb = local.compile(colour_graph(archive.days[0]))
    return parse_style(NDVI_LOOK, ndvi.type.bands), parse_style(RGB_LOOK, rgb.type.bands)


def painter(style: Style) -> Painter:
    return Painter("image/png", style)
