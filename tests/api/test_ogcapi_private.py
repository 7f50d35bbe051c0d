"""OGC API on the whole server: jobs of others do not exist, and what hangs on Accept is not remembered by address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_private_maps import Person, World

TILE = "map/tiles/WebMercatorQuad/12/1441/2165"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_collections_are_those_of_the_caller(world: World) -> None:
    ann, bob, nobody = world.person(), world.person(), Person(world)
    job = ann.job()
    assert [one["id"] for one in ann.get("/ogc/collections").json()["collections"]] == [job]
    paths = ("", "/schema", "/map?f=png", f"/{TILE}?f=png", "/coverage?f=geotiff", "/map/tiles", "/styles")
    for path in paths:
        assert ann.get(f"/ogc/collections/{job}{path}").status_code == 200
    for other, status in ((bob, 404), (nobody, 401)):
        assert other.get("/ogc/collections").json()["numberMatched"] == 0
        for path in paths:  # also what the caches hold
            refused = other.get(f"/ogc/collections/{job}{path}")
            assert refused.status_code == status and refused.headers["content-type"] == "application/problem+json"
    ann.ask("DELETE", f"/jobs/{job}/on_demand")
    assert ann.get(f"/ogc/collections/{job}").status_code == 404
    assert ann.get(f"/ogc/collections/{job}/{TILE}?f=png").status_code == 404


def test_each_client_gets_the_type_that_it_accepts(world: World) -> None:
    ann = world.person()
    here = f"/ogc/collections/{ann.job()}/{TILE}"
    for media_type in ("image/png", "image/jpeg", "image/png", "image/webp"):
        headers = {"authorization": f"Bearer {ann.token}", "accept": media_type}
        answer = world.runner.run(world.client.get(here, headers=headers))
        assert answer.headers["content-type"] == media_type


def test_a_remembered_map_says_where_it_lies(world: World) -> None:
    ann = world.person()
    here = f"/ogc/collections/{ann.job()}/map?f=png&width=20"
    first, again = ann.get(here), ann.get(here)
    assert first.content == again.content
    for name in ("content-bbox", "content-crs", "content-datetime", "etag", "vary", "content-type"):
        assert first.headers.get(name) == again.headers.get(name), name
    assert first.headers["content-bbox"]


def test_the_root_of_the_server_names_it(world: World) -> None:
    links = Person(world).get("/").json()["links"]
    (found,) = [one for one in links if one["href"].endswith("/ogc")]
    assert found["type"] == "application/json" and Person(world).get("/ogc").status_code == 200
