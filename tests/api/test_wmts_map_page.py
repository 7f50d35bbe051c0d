"""The map page: complete in itself, and listing layers as data."""

from __future__ import annotations

import asyncio
import re

import httpx
from starlette.applications import Starlette

from ogcserver.web.api import MapPage
from tests.unit.wmts.fakes import LAYERS, MONTHS, FakeEndpoints


def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=MapPage(FakeEndpoints()).routes()))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = get("/map")
    assert page.headers["content-type"].startswith("text/html")
    assert set(re.findall(r"https?://[^\s\"'`<]+", page.text)) == {
        "https://leafletjs.com",  # a link in the corner
        "http://www.w3.org/2000/svg",  # the name of a namespace
    }
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_everything_that_the_page_names_is_there() -> None:
    names = re.findall(r"(?:src|href)=\"(map/[^\"]+)\"|fetch\('(map/[^']+)'\)", get("/map").text)
    assert len(names) == 3
    for name in names:
        assert get("/" + "".join(name)).status_code == 200


def test_layers_are_listed_newest_first_with_times_that_fit_into_an_address() -> None:
    listed = get("/map/layers.json").json()
    assert [one["id"] for one in listed] == [layer.id for layer in reversed(LAYERS)]
    by_id = {one["id"]: one for one in listed}
    assert by_id["j-months"]["times"] == [label.partition("/")[0] for label in MONTHS]
    assert by_id["j-utm"]["title"] == "Places <in> UTM & more"
    assert len(by_id["j-utm"]["boxes"][0]) == 4
