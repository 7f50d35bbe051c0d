"""Collections whose CRS has no code, puts north first, or which lie across 180 degrees."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.ogcapi.api import OgcApi
from ogcserver.ows.identification import Identification
from tests.unit.wcs.fakes import FakeEndpoints, FakeEngine, fake_layers


class Computing(FakeEngine):
    """Also has what pictures need of the engine."""

    async def evaluate(self, plan: Any, view: Any) -> Any:
        raise AssertionError("no style of these layers asks for statistics")

    def versions(self, plan: Any) -> tuple[str, ...]:
        return ("1",)


def get(address: str) -> httpx.Response:
    layers = fake_layers()
    engine = Computing(layers)
    api = OgcApi(engine, engine, FakeEndpoints(layers), Identification(), standard_sets())

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=api.routes()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(f"/ogc/collections/{address}")

    return asyncio.run(ask())


def test_a_crs_without_code_is_written_out() -> None:  # coverages-1 /req/core/collection-description C
    assert get("j-albers").json()["storageCrs"].startswith("PROJCRS[")
    answer = get("j-albers/coverage?f=geotiff")
    assert answer.status_code == 200 and "content-crs" not in answer.headers
    assert get("j-albers/coverage/domainset").status_code == 200
    assert get("j-albers/map/tiles").json()["tilesets"]
    assert get("j-albers/tileMatrixSet").status_code == 404
    assert get("j-albers/coverage?f=geotiff&crs=[OGC:CRS84]").status_code == 200


def test_north_comes_first_where_the_crs_says_so() -> None:  # maps-1 /req/core/map-response E, desc-crs C
    south, west, north, east = get("j-north").json()["extent"]["spatial"]["storageCrsBbox"][0]
    assert (south, west, north, east) == (2698000, 4400000, 2700000, 4403000)
    assert (
        get("j-north/map?f=png&width=30&height=20").headers["content-bbox"] == "2698000.0,4400000.0,2700000.0,4403000.0"
    )
    box = "bbox=2699000,4401000,2700000,4402000&bbox-crs=[EPSG:3035]"
    answer = get(f"j-north/coverage?f=geotiff&{box}")
    assert answer.headers["content-bbox"] == "2699000.0,4401000.0,2700000.0,4402000.0"


def test_a_collection_across_180_degrees() -> None:  # RFC 7946 clause 5.2
    west, south, east, north = get("j-pacific").json()["extent"]["spatial"]["bbox"][0]
    assert south < north
    assert west > 174
    assert -180 <= east <= -175 or west < east
    answer = get(f"j-pacific/coverage?f=geotiff&bbox={west},{south},{east},{north}")
    assert answer.status_code == 200
    box = f"{west},{south},{east},{north}"
    assert get(f"j-pacific/map?f=png&bbox={box}&crs=[OGC:CRS84]&width=60").status_code == 200


@pytest.mark.parametrize("identifier", ["j-ll", "j-timesll", "j-albers", "j-north", "j-pacific"])
def test_every_collection_has_maps_and_tilesets(identifier: str) -> None:
    assert get(f"{identifier}/map?f=png&width=16").status_code == 200
    listed = get(f"{identifier}/map/tiles").json()["tilesets"]
    for one in listed:
        assert get(one["links"][0]["href"].partition("/ogc/collections/")[2]).status_code == 200
