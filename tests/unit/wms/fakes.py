"""A map service over the coordinates of a real engine's pixels."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette

from ogcserver.engine.service import Engine
from ogcserver.graph.compile import compile_graph
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.wms.api import WmsApi
from tests.fakes import node, product, utm_archive
from tests.unit.wmts.fakes import FakeEndpoints

_EASTING = {"bands": "x", "rescale": [600000, 614000]}
X = {**_EASTING, "colormap": "greys_r", "styles": {"green": {**_EASTING, "colormap": "greens"}}}
"""Grey by easting; another style in greens."""
PLACE = {"bands": ["x", "y", "x"], "rescale": [[600000, 614000], [5188000, 5200000], [600000, 614000]]}
FIRST = node("filter_daterange", imagery=product(), from_="2017-01-05", to="2017-01-05")


class Service:
    """A WMS with four layers, asked in process.

    ``j-place`` and ``j-x`` have no time and all of their pixels, ``j-time`` the archive's three days and missing
    pixels, ``j-v`` the first of them.
    """

    def __init__(self, **options: Any) -> None:
        archive = utm_archive()
        self.engine: Engine = archive.engine()
        self.layers = tuple(
            self._layer(archive, *one)
            for one in (
                ("j-place", "Places <in> UTM & more", node("min_time", imagery=product()), PLACE),
                ("j-x", "", node("min_time", imagery=product()), X),
                ("j-time", "Dates", product(), {"bands": "v", "rescale": [-100, 100]}),
                ("j-v", "First", node("min_time", imagery=FIRST), {"bands": "v", "rescale": [-100, 100]}),
            )
        )
        wms = WmsApi(self.engine, FakeEndpoints(self.layers), Identification(), **options)
        self.app = Starlette(routes=wms.routes())

    def _layer(self, archive: Any, name: str, title: str, graph: Any, args: Mapping[str, Any]) -> Layer:
        plan = compile_graph(graph, archive.context())
        return Layer(name, title, "", plan, asyncio.run(self.engine.describe(plan)), args)

    def get(self, path: str = "/wms", method: str = "GET", **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


def rgba(body: bytes) -> NDArray[np.uint8]:
    """(y, x, 4) of a PNG."""
    pixels: NDArray[np.uint8] = imagecodecs.png_decode(body)
    if pixels.shape[2] == 4:
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
