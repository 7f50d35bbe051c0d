"""The whole server over a STAC API: one that stac-fastapi runs, over the real collections, on the loopback interface.

stac-fastapi parses the requests, checks its own answers against the STAC API's models and writes the landing page; the
items in memory that it asks for are here. Their files are served beside it.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from pystac_client import Client
from shapely.geometry import box, shape
from starlette.datastructures import URL
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ogcserver.settings import Catalog, Sources
from ogcserver.timeline import parse_instant
from tests.e2e.harness import QUICK_S, SHARED, Job, Json, TestServer, node, picture, raster, running, settings

_WHY = "stac-fastapi is not installed (the extra `test` has it)"
core = pytest.importorskip("stac_fastapi.types.core", reason=_WHY)
models = pytest.importorskip("stac_fastapi.api.models", reason=_WHY)
StacApi = pytest.importorskip("stac_fastapi.api.app", reason=_WHY).StacApi
TokenPaginationExtension = pytest.importorskip("stac_fastapi.extensions", reason=_WHY).TokenPaginationExtension
from fastapi import APIRouter  # noqa: E402
from stac_fastapi.types import errors, links  # noqa: E402
from stac_fastapi.types.config import ApiSettings  # noqa: E402
from stac_fastapi.types.requests import get_base_url  # noqa: E402
from stac_fastapi.types.rfc3339 import str_to_interval  # noqa: E402

DATA = SHARED / "data"
LANDSAT, SLOVENIA = "landsat8-l1tp-nyc", "sentinel2-ndvi-slovenia"
COUNTS = {LANDSAT: 19, SLOVENIA: 68}
PAGE = 10
"""The most items of a page, however many a search wants."""
NEW_YORK = {"left": -74.8, "right": -73.2, "top": 41.6, "bottom": 40.1, "srs": "EPSG:4326"}


@cache
def stored() -> dict[str, tuple[Json, list[Json]]]:
    """Collection id -> the collection, and its items with assets named from the folder of all data."""
    found = {}
    for name in COUNTS:
        collection = json.loads((DATA / name / "collection.json").read_text())
        items = []
        for path in sorted((DATA / name).glob("*/*.json")):
            item = json.loads(path.read_text())
            for asset in item["assets"].values():
                asset["href"] = f"files/{name}/{path.parent.name}/{asset['href'].removeprefix('./')}"
            items.append(item)
        found[name] = collection, items
    return found


class InMemory(core.BaseCoreClient):
    """What stac-fastapi asks for."""

    methods: tuple[str, ...] = ("GET", "POST")

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[tuple[str, str | None]] = []
        """Method and token of each page that was asked for."""

    def _landing_page(self, *args: Any, **more: Any) -> Any:
        page = super()._landing_page(*args, **more)
        page["links"] = [link for link in page["links"] if link["rel"] != "search" or link["method"] in self.methods]
        return page

    def all_collections(self, **more: Any) -> Json:
        base = _base(more)
        addresses = {"self": f"{base}collections", "root": base}
        return {
            "collections": [_collection(base, name) for name in stored()],
            "links": [{"rel": rel, "type": "application/json", "href": href} for rel, href in addresses.items()],
        }

    def get_collection(self, collection_id: str, **more: Any) -> Json:
        return _collection(_base(more), collection_id)

    def get_item(self, item_id: str, collection_id: str, **more: Any) -> Json:
        for item in self._matching(collections=[collection_id], ids=[item_id]):
            return _item(_base(more), item)
        raise errors.NotFoundError(f"no item {item_id} in {collection_id}")

    def item_collection(self, collection_id: str, **ask: Any) -> Json:
        return self._page(collections=[collection_id], **ask)

    def get_search(self, **ask: Any) -> Json:
        return self._page(**ask)

    def post_search(self, search_request: Any, **more: Any) -> Json:
        body = search_request.model_dump(mode="json", exclude_none=True)
        return self._page(body=body, **{**search_request.model_dump(), "datetime": search_request.datetime}, **more)

    def _page(
        self, *, request: Any, limit: int | None, token: str | None, body: Json | None = None, **ask: Any
    ) -> Json:
        self.pages.append((request.method, token))
        found = self._matching(**ask)
        if token is not None and not token.removeprefix("next:").isdigit():
            raise errors.InvalidQueryParameter(f"token {token!r}")
        start = int(token.removeprefix("next:")) if token else 0
        end = start + min(limit or PAGE, PAGE)
        base, own = _base({"request": request}), URL(str(request.url))
        page_links = [{"rel": "root", "type": "application/json", "href": base}]
        if end < len(found):
            after: Json = {"rel": "next", "type": "application/geo+json", "method": request.method}
            if body is None:
                after["href"] = str(own.include_query_params(token=f"next:{end}"))
            else:
                after |= {"href": str(own), "body": {**body, "token": f"next:{end}"}}
            page_links.append(after)
        features = [_item(base, item) for item in found[start:end]]
        return {
            "type": "FeatureCollection", "features": features, "links": page_links,
            "numberMatched": len(found), "numberReturned": len(features),
        }  # fmt: skip

    @staticmethod
    def _matching(
        collections: list[str] | None = None,
        ids: list[str] | None = None,
        bbox: Any = None,
        datetime: str | None = None,
        **other: Any,
    ) -> list[Json]:
        if other.get("intersects"):
            raise errors.InvalidQueryParameter("intersects")
        moments = str_to_interval(datetime)
        start, end = moments if isinstance(moments, tuple) else (moments, moments)
        place = box(*bbox) if bbox else None
        return [
            item
            for name in collections or stored()
            for item in (stored()[name][1] if name in stored() else ())
            if (not ids or item["id"] in ids)
            and (place is None or shape(item["geometry"]).intersects(place))
            and (start is None or parse_instant(item["properties"]["datetime"]) >= parse_instant(start.isoformat()))
            and (end is None or parse_instant(item["properties"]["datetime"]) <= parse_instant(end.isoformat()))
        ]


class GetOnly(InMemory):
    """Does not offer searches by POST."""

    methods = ("GET",)


def _base(given: Mapping[str, Any]) -> str:
    return str(get_base_url(given["request"]))


def _collection(base: str, name: str) -> Json:
    if name not in stored():
        raise errors.NotFoundError(f"no collection {name}")
    document = copy.deepcopy(stored()[name][0])
    return document | {"links": links.CollectionLinks(collection_id=name, base_url=base).create_links()}


def _item(base: str, item: Json) -> Json:
    """With complete addresses, as a document from the network has to have them."""
    found = copy.deepcopy(item)
    for asset in found["assets"].values():
        asset["href"] = urljoin(base, f"/{asset['href']}")
    made = links.ItemLinks(collection_id=item["collection"], item_id=item["id"], base_url=base)
    return found | {"links": made.create_links()}


class Recorded:
    """The server, and what was asked of it."""

    def __init__(self, client: Any, prefix: str = "") -> None:
        self.client = client
        extensions = [TokenPaginationExtension()]
        api = StacApi(
            settings=ApiSettings(
                enable_response_models=True,
                stac_fastapi_title="Samples",
                stac_fastapi_description="Two small collections",
                stac_fastapi_landing_id="samples",
                stac_fastapi_version="1",
            ),
            client=client,
            router=APIRouter(prefix=prefix),
            extensions=extensions,
            search_get_request_model=models.create_get_request_model(extensions),
            search_post_request_model=models.create_post_request_model(extensions),
            items_get_request_model=models.create_request_model(
                "Items", models.ItemCollectionUri, extensions=extensions
            ),
        )
        api.app.mount("/files", StaticFiles(directory=DATA))
        self._app: ASGIApp = api.app
        self.asked: list[tuple[str, str]] = []
        """(method, path)."""
        self.ranges = 0
        """Requests for parts of files."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.append((scope["method"], scope["path"]))
            self.ranges += scope["path"].startswith("/files/") and any(name == b"range" for name, _ in scope["headers"])
        await self._app(scope, receive, send)


def minimum_ndvi(first: str, last: str) -> Json:
    dated = node("filter_daterange", node("filter_bbox", LANDSAT, **NEW_YORK), from_=first, to=last)
    return node("min_time", node("NDVI", dated, red="B4", nir="B5"))


def kept(url: str, folder: Path) -> TestServer:
    """A server that trusts the API for ever: no search becomes old while a test runs."""
    return TestServer(settings(folder, url, sources=Sources(refresh_s=1e9)))


@pytest.fixture(scope="module", autouse=True)
def data() -> None:
    if not (DATA / "catalog.json").exists():
        pytest.skip(f"the real collections ({DATA}) are not here")


@pytest.fixture(scope="module")
def api() -> Recorded:
    return Recorded(InMemory())


@pytest.fixture(scope="module")
def url(data: None, api: Recorded) -> Iterator[str]:
    with running(api) as address:
        yield address


@pytest.fixture(scope="module")
def over_api(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    with contextlib.closing(kept(url, tmp_path_factory.mktemp("api-data"))) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[str], TestServer]]:
    """Opens servers that remember nothing."""
    with contextlib.ExitStack() as stack:
        yield lambda url: stack.enter_context(contextlib.closing(kept(url, tmp_path / "data")))


def test_the_other_side_is_a_stac_api(url: str) -> None:
    """pystac-client by itself finds in it what is stored."""
    client = Client.open(url)
    assert client.conforms_to("ITEM_SEARCH") and client.conforms_to("COLLECTIONS")
    for name, count in COUNTS.items():
        assert len(list(client.search(collections=[name], limit=4).items())) == count
        assert len(list(client.get_collection(name).get_items())) == count
    one = stored()[LANDSAT][1][3]
    assert [item.id for item in client.search(ids=[one["id"]]).items()] == [one["id"]]
    assert client.get_collection(LANDSAT).get_item(one["id"]).id == one["id"]
    assert client.get_collection(LANDSAT).get_item("other") is None


def test_its_collections_are_those_of_the_server(over_api: TestServer, real: TestServer) -> None:
    found = over_api.get("/data").json()
    assert [one["product_id"] for one in found] == list(COUNTS)
    for name in COUNTS:
        assert over_api.get(f"/data/{name}").json() == real.get(f"/data/{name}").json()


@pytest.mark.parametrize(("first", "last"), [("2018-04-01", "2018-09-30"), ("2018-04-28", "2018-04-28")])
def test_a_result_is_that_of_the_static_catalogue(
    over_api: TestServer, real: TestServer, api: Recorded, first: str, last: str
) -> None:
    ask = {"process_graph": minimum_ndvi(first, last)}
    found, expected = over_api.post("/execute", ask), real.post("/execute", ask)
    assert found.status_code == 200, found.text
    assert found.content == expected.content
    assert found.headers["content-type"] == expected.headers["content-type"]
    assert raster(found).mask.any() and api.ranges


@pytest.mark.parametrize(
    ("client", "method", "prefix"), [(InMemory, "POST", ""), (GetOnly, "GET", ""), (InMemory, "POST", "/api/stac/v1")]
)
def test_all_pages_are_read_once(
    fresh: Callable[[str], TestServer], real: TestServer, client: type[Any], method: str, prefix: str
) -> None:
    api = Recorded(client(), prefix)
    pages = api.client.pages
    ask = {"process_graph": node("max_time", node("filter_bands", SLOVENIA, bands=["NDVI"]))}
    with running(api) as url:
        server = fresh(url + prefix)
        assert server.get(f"/data/{SLOVENIA}").status_code == 200
        assert pages == [(method, None)]  # a few items complete the description of a collection
        pages.clear()
        found = server.post("/execute", ask)
        assert found.status_code == 200, found.text
        # 68 items, 10 a page; and once where the items are and once what they are where the result is
        assert Counter(pages) == {(method, token): 2 for token in (None, *(f"next:{n}" for n in range(10, 68, 10)))}
        pages.clear()
        assert server.post("/execute", ask).content == found.content and not pages
        files = {path for _, path in api.asked if path.endswith("_NDVI.tif")}
    assert found.content == real.post("/execute", ask).content
    assert len(files) == COUNTS[SLOVENIA]


def test_a_limit_of_items_counts_all_pages(url: str, tmp_path: Path) -> None:
    few = (Catalog(url, max_items=COUNTS[SLOVENIA] - 1),)
    with contextlib.closing(TestServer(replace(settings(tmp_path), catalogs=few))) as server:
        refused = server.post("/execute", {"process_graph": node("max_time", SLOVENIA)})
    assert refused.status_code == 413 and "more than 67 items" in refused.json()["message"]


def tile_of(job: Job) -> Any:
    return job.tile("WebMercatorQuad", "7", 48, 37)


def test_a_tile_of_a_map_is_that_of_the_static_catalogue(over_api: TestServer, real: TestServer) -> None:
    look = {"colormap": "rdylgn", "rescale": [-0.2, 0.8]}
    graph = minimum_ndvi("2018-04-01", "2018-09-30")
    found, expected = (tile_of(server.add(graph, look)) for server in (over_api, real))
    shown = picture(found)
    assert shown.shape == (256, 256, 4) and shown[..., 3].any()
    assert found.content == expected.content


def test_what_is_known_outlives_the_api_and_the_rest_names_it(
    fresh: Callable[[str], TestServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, other = minimum_ndvi("2018-04-01", "2018-04-30"), minimum_ndvi("2018-07-01", "2018-07-31")
    with running(Recorded(InMemory())) as url:
        server = fresh(url)
        assert len(server.get("/data").json()) == len(COUNTS)
        job = server.add(graph)
        tile, result = tile_of(job), server.post("/execute", {"process_graph": graph})
        assert picture(tile)[..., 3].any() and result.status_code == 200

    assert tile_of(job).content == tile.content
    assert server.post("/execute", {"process_graph": graph}).content == result.content
    assert [one["product_id"] for one in server.get("/data").json()] == list(COUNTS)

    def named(response: Any) -> None:
        assert response.status_code == 502, response.text
        assert response.headers["content-type"].startswith("application/json")
        assert response.json()["code"] == 502 and url in response.json()["message"]

    named(server.post("/execute", {"process_graph": other}))
    assert server.seconds < QUICK_S
    refused = tile_of(server.add(other))
    assert refused.status_code == 502 and url in refused.text

    late = fresh(url)  # has never seen the API
    named(late.post("/execute", {"process_graph": graph}))
    named(late.post("/jobs", {"process_graph": graph}))

    monkeypatch.setattr("ogcserver.sources.refreshed._RETRY_S", 0.0)
    with running(Recorded(InMemory()), urlsplit(url).port or 0) as again:
        assert again == url
        assert server.post("/execute", {"process_graph": other}).status_code == 200
        assert late.post("/execute", {"process_graph": graph}).content == result.content
