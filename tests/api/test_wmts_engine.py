"""Tiles from graphs through the real engine, on an archive whose pixels hold their coordinates."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
from starlette.applications import Starlette

from ogcserver.engine.service import Engine
from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.geo.tiles import native_set
from ogcserver.graph.compile import compile_graph
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.sources.memory import MemoryReader
from ogcserver.wmts.api import WmtsApi
from tests.fakes import DAYS, UTM, CountingReader, node, product, utm_archive
from tests.unit.wmts.fakes import FakeEndpoints, decoded

SETS = ("WebMercatorQuad", "WorldCRS84Quad", "EuropeanETRS89_LAEAQuad")
ARGS = {"bands": ["x", "y", "x"], "rescale": [[600000, 614000], [5188000, 5200000], [600000, 614000]]}


def fetch(engine: Engine, layer: Layer, *paths: str) -> list[httpx.Response]:
    wmts = WmtsApi(engine, FakeEndpoints((layer,)), Identification(), standard_sets())
    transport = httpx.ASGITransport(Starlette(routes=wmts.routes()))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return list(await asyncio.gather(*(client.get(path) for path in paths)))

    return asyncio.run(ask())


def make(graph: dict[str, Any]) -> tuple[Engine, Layer]:
    archive = utm_archive()
    engine, plan = archive.engine(), compile_graph(graph, archive.context())
    return engine, Layer("j-1", "", "", plan, asyncio.run(engine.describe(plan)), ARGS)


def test_a_native_tile_shows_the_coordinates_of_its_pixels() -> None:
    engine, layer = make(node("min_time", imagery=product()))
    native = native_set(layer.description.grid)
    assert native and native.matrices[-1].tile(0, 0).bounds[0] == UTM.lattice.x0
    picture = decoded(
        fetch(engine, layer, f"/wmts/j-1/default/{native.id}/{native.matrices[-1].id}/1/1.png")[0].content
    )
    x = 600000 + (np.arange(256, 512) + 0.5) * 20
    y = 5200000 - (np.arange(256, 512) + 0.5) * 20
    assert np.abs(picture[0] - ((x - 600000) / 14000 * 255)[None, :]).max() <= 0.6
    assert np.abs(picture[1] - ((y - 5188000) / 12000 * 255)[:, None]).max() <= 0.6


def test_tiles_without_data_are_transparent_pictures() -> None:
    engine, layer = make(node("min_time", imagery=product()))
    far = [f"/wmts/j-1/default/{name}/{tile}.png" for name in SETS for tile in ("3/0/0", "0/0/0", "9/255/511")]
    for response in fetch(engine, layer, *far):
        assert response.status_code == 200, response.text
        assert decoded(response.content).shape == (4, 256, 256)
    beyond = fetch(engine, layer, far[0])[0]
    assert not decoded(beyond.content)[3].any()


def test_a_layer_with_time_shows_one_of_them() -> None:
    engine, layer = make(product())
    assert layer.description.times == DAYS
    native = native_set(layer.description.grid)
    assert native
    tile = f"{native.id}/0/0/0.png"
    latest, first = fetch(engine, layer, f"/wmts/j-1/default/{tile}", f"/wmts/j-1/default/2017-01-05/{tile}")
    assert (latest.status_code, first.status_code) == (200, 200), latest.text + first.text
    assert latest.headers["etag"] != first.headers["etag"]


def test_many_requests_for_one_missing_tile_compute_it_once() -> None:
    archive = utm_archive()
    reader = CountingReader(MemoryReader(archive.arrays))
    engine = archive.engine(reader)
    plan = compile_graph(node("min_time", imagery=product()), archive.context())
    layer = Layer("j-1", "", "", plan, asyncio.run(engine.describe(plan)), ARGS)
    native = native_set(layer.description.grid)
    assert native
    tile = f"/wmts/j-1/default/{native.id}/{native.matrices[-1].id}/0/0.png"
    once = fetch(engine, layer, tile)[0]
    reads = len(reader.reads)
    answers = fetch(archive.engine(reader), layer, *[tile] * 20)
    assert {answer.content for answer in answers} == {once.content}
    assert len(reader.reads) == 2 * reads


def test_the_colour_under_a_pixel_and_its_values_agree() -> None:
    engine, layer = make(product())
    native = native_set(layer.description.grid)
    assert native
    tile = f"/wmts/j-1/default/2017-01-05/{native.id}/{native.matrices[-1].id}/0/1"
    picture, values = fetch(engine, layer, f"{tile}.png", f"{tile}/20/30.json")
    (found,) = values.json()["features"]
    x, y = found["properties"]["x"], found["properties"]["y"]
    assert found["properties"]["time"] == DAYS[0]
    assert (x, y) == (600000 + (256 + 30 + 0.5) * 20, 5200000 - (20 + 0.5) * 20)
    colour = decoded(picture.content)[:, 20, 30]
    assert abs(colour[0] - (x - 600000) / 14000 * 255) <= 0.6
    assert abs(colour[1] - (y - 5188000) / 12000 * 255) <= 0.6


def test_values_of_every_date_where_none_is_named() -> None:
    engine, layer = make(product())
    native = native_set(layer.description.grid)
    assert native
    (answer,) = fetch(engine, layer, f"/wmts/j-1/default/{native.id}/{native.matrices[-1].id}/0/0/3/4.json")
    found = [one["properties"] for one in answer.json()["features"]]
    assert [one["time"] for one in found] == list(DAYS)
    assert all({"x", "y", "v", "w"} <= set(one) for one in found)
