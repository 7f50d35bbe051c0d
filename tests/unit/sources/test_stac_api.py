"""Against a small STAC API on the loopback interface that serves the real samples."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ogcserver.errors import SourceUnavailable, TooLarge
from ogcserver.sources.catalogs import Catalogs, CatalogSpec, open_catalog
from ogcserver.sources.stac_api import ApiCatalog, whole_degrees
from ogcserver.timeline import Interval, parse_instant, whole_days

WORLD = ((-180.0, -90.0, 180.0, 90.0),)
CONFORMANCE = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class StacApi:
    """Landing page, collections, and item search by GET and POST with pages."""

    def __init__(
        self, collections: list[dict[str, Any]], items: list[dict[str, Any]], methods: tuple[str, ...]
    ) -> None:
        self.collections, self.items, self.methods = collections, items, methods
        self.searches: list[dict[str, Any]] = []
        self.next_href = ""
        self.status = 200

    def app(self) -> Starlette:
        return Starlette(routes=[
            Route("/", self.landing),
            Route("/collections", self.list_collections),
            Route("/search", self.search, methods=["GET", "POST"]),
        ])  # fmt: skip

    async def landing(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        links = [{"rel": "self", "href": base}, {"rel": "root", "href": base},
                 {"rel": "data", "href": f"{base}/collections"}]  # fmt: skip
        links += [
            {"rel": "search", "href": f"{base}/search", "method": method, "type": "application/geo+json"}
            for method in self.methods
        ]
        return JSONResponse({"type": "Catalog", "stac_version": "1.0.0", "id": "api", "description": "test",
                             "conformsTo": CONFORMANCE, "links": links})  # fmt: skip

    async def list_collections(self, request: Request) -> Response:
        return JSONResponse({"collections": self.collections, "links": []})

    async def search(self, request: Request) -> Response:
        if request.method not in self.methods:
            return JSONResponse({"code": "no"}, status_code=405)
        ask = await request.json() if request.method == "POST" else dict(request.query_params)
        if isinstance(ask.get("bbox"), str):
            ask["bbox"] = [float(v) for v in ask["bbox"].split(",")]
        if isinstance(ask.get("collections"), str):
            ask["collections"] = ask["collections"].split(",")
        self.searches.append(ask)
        if self.status != 200:
            return JSONResponse({"code": "broken"}, status_code=self.status)
        found = [item for item in self.items if matches(item, ask)]
        start, count = int(ask.get("token", 0)), min(int(ask.get("limit", 10)), 5)
        links = self.next_links(request, ask, start + count) if start + count < len(found) else []
        return JSONResponse({"type": "FeatureCollection", "features": found[start : start + count], "links": links})

    def next_links(self, request: Request, ask: dict[str, Any], token: int) -> list[dict[str, Any]]:
        if request.method == "POST":
            href = self.next_href or str(request.url)
            return [{"rel": "next", "href": href, "method": "POST", "body": {"token": token}, "merge": True}]
        return [{"rel": "next", "href": self.next_href or str(request.url.include_query_params(token=token))}]


def matches(item: dict[str, Any], ask: dict[str, Any]) -> bool:
    if ask.get("collections") and item["collection"] not in ask["collections"]:
        return False
    west, south, east, north = ask.get("bbox") or WORLD[0]
    w, s, e, n = item["bbox"]
    if not (w <= east and e >= west and s <= north and n >= south):
        return False
    properties = item["properties"]
    times = [properties.get("start_datetime") or properties["datetime"]]
    times.append(properties.get("end_datetime") or times[0])
    if properties["datetime"]:
        times = [properties["datetime"]] * 2
    first, last = map(parse_instant, times)
    start, _, end = ask.get("datetime", "../..").partition("/")
    return (start == ".." or last >= parse_instant(start)) and (end == ".." or first <= parse_instant(end))


@pytest.fixture(params=["POST", "GET"])
def api(request: pytest.FixtureRequest, shared_data: Path) -> StacApi:
    collections = [json.loads(path.read_text()) for path in sorted(shared_data.glob("*/collection.json"))]
    items = [json.loads(path.read_text()) for path in sorted(shared_data.glob("*/*/*.json"))]
    return StacApi(collections, items, (request.param,))


@pytest.fixture
def server(api: StacApi, serve: Callable[[Any], Any]) -> Any:
    return serve(api.app())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(server: Any, clock: Clock) -> Iterator[ApiCatalog]:
    with contextlib.closing(ApiCatalog(server.url, clock=clock)) as found:
        yield found


def test_collections_are_described(catalog: ApiCatalog, api: StacApi) -> None:
    assert list(catalog.collections()) == [document["id"] for document in api.collections]
    info = catalog.collections()["landsat8-l1tp-nyc"].info
    assert [band.band.name for band in info.bands] == [f"B{n}" for n in range(1, 12)] + ["BQA"]
    assert (info.bands[3].common_name, info.bands[3].stored_dtype, info.bands[3].scale) == ("red", "uint16", 2e-5)


def test_all_pages_are_read(catalog: ApiCatalog, api: StacApi, server: Any) -> None:
    found = catalog.collections()["sentinel2-ndvi-slovenia"].search(WORLD, Interval())
    assert len(found) == len({item.id for item in found}) == 68
    assert [item.time for item in found] == sorted(item.time for item in found)
    assert len(api.searches) == 14
    href = found[0].bands["NDVI"].place.href  # type: ignore[union-attr]
    assert href.startswith(f"{server.url}/collections/sentinel2-ndvi-slovenia/items/") and href.endswith("_NDVI.tif")


def test_times_and_places_are_exact(catalog: ApiCatalog) -> None:
    collection = catalog.collections()["landsat8-l1tp-nyc"]
    found = collection.search(((-74.5, 41.0, -74.4, 41.1),), whole_days("2018-04-01", "2018-04-30"))
    assert [item.time[:10] for item in found] == ["2018-04-05", "2018-04-21", "2018-04-28", "2018-04-28"]
    before = collection.search(WORLD, Interval("2018-04-01T00:00:00Z", "2018-04-21T00:00:00Z"))
    assert [item.time[:10] for item in before] == ["2018-04-05"]


def test_netcdf_steps_are_filtered_after_the_search(catalog: ApiCatalog) -> None:
    found = catalog.collections()["bcsd-obs-1999"].search(WORLD, whole_days("1999-03-01", "1999-04-30"))
    assert [item.time for item in found] == ["1999-03-31T00:00:00Z", "1999-04-30T00:00:00Z"]


def test_panning_does_not_search_again_until_the_version_changes(
    catalog: ApiCatalog, api: StacApi, clock: Clock
) -> None:
    collection = catalog.collections()["landsat8-l1tp-nyc"]
    version = collection.version()
    for west in (-74.9, -74.8, -74.7):
        collection.search(((west, 40.5, west + 0.1, 40.6),), Interval())
    searches = len(api.searches)
    assert {tuple(ask["bbox"]) for ask in api.searches} == {(-75.0, 40.0, -74.0, 41.0)}
    clock.now += 300
    assert collection.version() != version
    collection.search(((-74.9, 40.5, -74.8, 40.6),), Interval())
    assert len(api.searches) == 2 * searches


def test_callers_at_the_same_time_share_a_search(catalog: ApiCatalog, api: StacApi) -> None:
    collection = catalog.collections()["naip-prairie-nd"]
    threads = [threading.Thread(target=collection.search, args=(WORLD, Interval())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(api.searches) == 2  # 8 items, 5 a page


def test_boxes_on_both_sides_of_180_degrees_are_two_searches(catalog: ApiCatalog, api: StacApi) -> None:
    boxes = ((179.5, -1.0, 180.0, 1.0), (-180.0, -1.0, -179.5, 1.0))
    assert len(catalog.collections()["oisst-1981-12-31"].search(boxes, Interval())) == 1
    assert [tuple(ask["bbox"]) for ask in api.searches] == [(-180, -1, -179, 1), (179, -1, 180, 1)]


def test_a_search_with_too_many_items_is_refused(server: Any, api: StacApi) -> None:
    with contextlib.closing(ApiCatalog(server.url, max_items=7)) as catalog:
        collection = catalog.collections()["naip-prairie-nd"]
        with pytest.raises(TooLarge, match="more than 7 items"):
            collection.search(WORLD, Interval())
        assert len(collection.search(WORLD, whole_days("2010-01-01", "2014-12-31"))) == 3


def test_too_many_items_around_a_small_box_are_no_hindrance(server: Any, api: StacApi) -> None:
    with contextlib.closing(ApiCatalog(server.url, max_items=12)) as catalog:
        collection = catalog.collections()["landsat8-l1tp-nyc"]
        assert len(collection.search(((-76.2, 41.4, -76.1, 41.5),), Interval())) <= 12


def test_a_server_that_goes_away_is_named(catalog: ApiCatalog, server: Any) -> None:
    collection = catalog.collections()["landsat8-l1tp-nyc"]
    collection.search(WORLD, Interval())
    server.stop()
    assert len(collection.search(WORLD, Interval())) == 19  # remembered
    with pytest.raises(SourceUnavailable, match=server.url):
        collection.search(WORLD, whole_days("2018-01-01", "2018-01-31"))


def test_a_failure_is_not_remembered(catalog: ApiCatalog, api: StacApi) -> None:
    collection = catalog.collections()["naip-prairie-nd"]
    api.status = 500
    with pytest.raises(SourceUnavailable):
        collection.search(WORLD, Interval())
    api.status = 200
    assert len(collection.search(WORLD, Interval())) == 8


def test_a_next_link_to_a_local_file_is_not_followed(catalog: ApiCatalog, api: StacApi, tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"type": "FeatureCollection", "features": api.items[:1], "links": []}))
    api.next_href = str(page)
    with pytest.raises(SourceUnavailable, match="links to"):
        catalog.collections()["naip-prairie-nd"].search(WORLD, Interval())


def test_an_api_is_recognised_and_retried(server: Any, api: StacApi) -> None:
    with contextlib.closing(Catalogs([open_catalog(CatalogSpec(server.url))])) as catalogs:
        assert len(catalogs.get("landsat8-l1tp-nyc").search(WORLD, Interval())) == 19
        assert [info.id for info in catalogs.list()] == [document["id"] for document in api.collections]
    server.stop()
    with (
        contextlib.closing(Catalogs([open_catalog(CatalogSpec(server.url))])) as catalogs,
        pytest.raises(SourceUnavailable, match=server.url),
    ):
        catalogs.get("landsat8-l1tp-nyc")


@pytest.mark.parametrize(
    ("box", "wide"),
    [
        ((10.2, 46.1, 10.3, 46.2), (10, 46, 11, 47)),
        ((10.0, 46.0, 11.0, 47.0), (10, 46, 11, 47)),
        ((179.5, 89.5, 180.0, 90.0), (179, 89, 180, 90)),
        ((-180.0, -90.0, -180.0, -90.0), (-180, -90, -179, -89)),
        ((180.0, 90.0, 180.0, 90.0), (179, 89, 180, 90)),
    ],
)
def test_boxes_are_widened_to_whole_degrees(box: Any, wide: Any) -> None:
    assert whole_degrees(box) == wide
