from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ogcserver.errors import CollectionNotFound, SourceUnavailable
from ogcserver.sources.catalogs import Catalogs, CatalogSpec, open_catalog
from ogcserver.sources.single import SingleFile
from ogcserver.sources.stac_static import StaticCatalog

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def archive(tmp_path: Path, stac_item: Make) -> Callable[..., Path]:
    """Makes a folder with a catalogue of collections that have an item each."""

    def make(name: str, *collections: str, title: str = "") -> Path:
        place = tmp_path / name
        place.mkdir()
        children = [{"rel": "child", "href": f"{c}.json"} for c in collections]
        (place / "catalog.json").write_text(json.dumps({"type": "Catalog", "id": name, "links": children}))
        (place / "item.json").write_text(json.dumps(stac_item("scene")))
        for c in collections:
            links = [{"rel": "item", "href": "item.json"}]
            (place / f"{c}.json").write_text(
                json.dumps({"type": "Collection", "id": c, "links": links, "title": title})
            )
        return place

    return make


def test_the_first_of_two_collections_with_one_id_is_used(archive: Any, caplog: pytest.LogCaptureFixture) -> None:
    places = archive("one", "a", "b", title="1"), archive("two", "b", "c", title="2")
    catalogs = Catalogs([open_catalog(CatalogSpec(str(place))) for place in places])
    assert [(info.id, info.title) for info in catalogs.list()] == [("a", "1"), ("b", "1"), ("c", "2")]
    assert catalogs.get("b").info.title == "1"
    assert caplog.text.count("hidden") == 1


def test_an_unknown_collection_is_not_found_and_close_names_are_told(archive: Any) -> None:
    catalogs = Catalogs([open_catalog(CatalogSpec(str(archive("one", "Sentinel2-L1C"))))])
    with pytest.raises(CollectionNotFound, match="did you mean Sentinel2-L1C"):
        catalogs.get("Sentinel2-L1B")


def test_a_catalogue_that_is_away_leaves_the_others(archive: Any, tmp_path: Path) -> None:
    specs = CatalogSpec(str(tmp_path / "absent")), CatalogSpec(str(archive("one", "a")))
    catalogs = Catalogs([open_catalog(spec) for spec in specs])
    assert catalogs.get("a").info.id == "a"
    assert [info.id for info in catalogs.list()] == ["a"]
    with pytest.raises(SourceUnavailable, match="absent"):
        catalogs.get("b")


def test_the_kind_of_catalogue_follows_from_its_location(archive: Any, tmp_path: Path) -> None:
    place = archive("one", "a")
    assert isinstance(open_catalog(CatalogSpec(str(tmp_path / "x.TIF"))), SingleFile)
    for location in (place, place / "catalog.json", place / "a.json", place / "item.json"):
        catalog = open_catalog(CatalogSpec(str(location)))
        assert isinstance(catalog, StaticCatalog)
        assert len(catalog.collections()) == 1
    assert list(open_catalog(CatalogSpec(f"file://{place}/catalog.json")).collections()) == ["a"]


def test_settings_reach_the_collections(archive: Any) -> None:
    spec = CatalogSpec(str(archive("one", "a")), mosaic="time", apply_scale=False)
    assert Catalogs([open_catalog(spec)]).get("a").mosaic == "time"


def test_a_static_catalogue_on_the_web_is_told_from_an_api(serve: Callable[[Any], Any]) -> None:
    links = [{"rel": "item", "href": "item.json"}]
    document = {"type": "Collection", "id": "c", "extent": {}, "links": links}
    server = serve(Starlette(routes=[Route("/c.json", lambda request: JSONResponse(document))]))
    with contextlib.closing(open_catalog(CatalogSpec(f"{server.url}/c.json"))) as catalog:
        assert list(catalog.collections()) == ["c"]
