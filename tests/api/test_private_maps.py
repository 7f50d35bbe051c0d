"""Private jobs on the whole server: every protocol shows a caller what is theirs, however warm the caches are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from affine import Affine

from ogcserver.app import create_app
from ogcserver.settings import Auth, Catalog, Server, Settings

BOX = {"left": 600000, "bottom": 5199000, "right": 601000, "top": 5200000, "srs": "EPSG:32632"}
GRAPH = {"process_id": "filter_bbox", "args": {"imagery": {"product_id": "dem"}, **BOX}}
TILE = "default/WebMercatorQuad/12/1440/2178.png"


class World:
    def __init__(self, folder: Path) -> None:
        profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint16", "crs": "EPSG:32632"}
        transform = Affine(20, 0, 600000, 0, -20, 5200000)
        with rasterio.open(folder / "dem.tif", "w", **profile, transform=transform) as file:
            file.write(np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64))
        catalogs = (Catalog(str(folder / "dem.tif")),)
        self.app = create_app(Settings(Server(data_dir=folder), auth=Auth("basic"), catalogs=catalogs))
        self.runner = asyncio.Runner()
        self.lifespan = self.app.router.lifespan_context(self.app)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")

        async def enter() -> None:
            await self.lifespan.__aenter__()

        self.runner.run(enter())

    def close(self) -> None:
        async def leave() -> None:
            await self.client.aclose()
            await self.lifespan.__aexit__(None, None, None)

        self.runner.run(leave())
        self.runner.close()

    def person(self) -> Person:
        answer = self.runner.run(self.client.post("/auth/register", json="correct horse")).json()
        return Person(self, answer["token"])


@dataclass(frozen=True)
class Person:
    world: World
    token: str = ""

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.world.runner.run(self.world.client.request(method, path, headers=headers, **more))

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def job(self) -> str:
        made = self.ask("POST", "/jobs", json={"process_graph": GRAPH}).json()
        assert self.ask("POST", f"/jobs/{made['job_id']}/on_demand").status_code == 204
        return str(made["job_id"])

    def service(self, job_id: str, kind: str, **more: Any) -> str:
        answer = self.ask("POST", "/services", json={"job_id": job_id, "service_type": kind, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["service_url"]).removeprefix("http://test")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_tiles_of_every_protocol_are_their_owner_s(world: World) -> None:
    ann, bob, nobody = world.person(), world.person(), Person(world)
    job_id = ann.job()
    paths = [
        f"/wmts/{job_id}/{TILE}",
        f"{ann.service(job_id, 'wmts')}/{job_id}/{TILE}",
        f"{ann.service(job_id, 'xyz')}/12/2178/1440.png",
    ]
    for path in paths:
        first, again = ann.get(path), ann.get(path)
        assert first.status_code == 200 and again.content == first.content
        for who, statuses in ((bob, {400, 404}), (nobody, {401})):
            assert who.get(path).status_code in statuses, path
    for path in (paths[1], paths[2]):
        with_token = nobody.get(f"/token/{ann.token}{path}")
        assert with_token.status_code == 200


def test_documents_of_the_root_are_each_caller_s_own(world: World) -> None:
    ann, bob, nobody = world.person(), world.person(), Person(world)
    mine, other = ann.job(), bob.job()
    for path in (
        "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
        "/wcs?SERVICE=WCS&REQUEST=GetCapabilities",
        "/wms?SERVICE=WMS&REQUEST=GetCapabilities",
        "/map/layers.json",
    ):
        if (found := ann.get(path)).status_code == 404:
            continue  # this server does not have it
        for _ in range(2):
            assert mine in ann.get(path).text and other not in ann.get(path).text, path
            assert other in bob.get(path).text and mine not in bob.get(path).text, path
            assert mine not in nobody.get(path).text and other not in nobody.get(path).text, path
        assert found.status_code == 200


def test_a_public_service_needs_no_token_and_the_rest_stays_private(world: World) -> None:
    ann, nobody = world.person(), Person(world)
    job_id = ann.job()
    address = ann.service(job_id, "xyz", public=True)
    assert nobody.get(f"{address}/12/2178/1440.png").status_code == 200
    assert nobody.get(f"/wmts/{job_id}/{TILE}").status_code == 401
    assert nobody.get(f"/jobs/{job_id}").status_code == 401


def test_no_cache_between_keeps_what_a_user_sees(world: World) -> None:
    ann, nobody = world.person(), Person(world)
    job_id = ann.job()
    shown, hidden = ann.service(job_id, "xyz", public=True), ann.service(job_id, "xyz")
    for path in (f"{hidden}/12/2178/1440.png", f"/wmts/{job_id}/{TILE}", "/jobs", f"/jobs/{job_id}"):
        for _ in range(2):
            assert "private" in ann.get(path).headers["cache-control"], path
    assert "private" in nobody.get(f"/token/{ann.token}{hidden}/12/2178/1440.png").headers["cache-control"]
    tile = nobody.get(f"{shown}/12/2178/1440.png")
    assert tile.status_code == 200 and "private" not in tile.headers["cache-control"]


def test_links_in_a_document_hold_the_token_of_its_address(world: World) -> None:
    ann, nobody = world.person(), Person(world)
    address = ann.service(ann.job(), "wmts")
    document = nobody.get(f"{address}?SERVICE=WMTS&REQUEST=GetCapabilities&token={ann.token}").text
    assert f"http://test/token/{ann.token}{address}/" in document
    assert f'"http://test{address}' not in document


def test_unknown_paths_answer_in_json(world: World) -> None:
    for path in ("/map/layers.json?token=wrong", "/nothing", "/jobs/%0A/on_demand"):
        answer = Person(world).get(path)
        assert answer.status_code in (403, 404) and set(answer.json()) == {"code", "message"}, path
