from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.documents import DocumentReader
from ogcserver.sources.stac_static import StaticCatalog
from ogcserver.timeline import Interval

WORLD = ((-180.0, -90.0, 180.0, 90.0),)
Make = Callable[..., dict[str, Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def links(rel: str, *hrefs: str) -> list[dict[str, str]]:
    return [{"rel": rel, "href": href} for href in hrefs]


def folder(kind: str, identifier: str, *found: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {"type": kind, "stac_version": "1.0.0", "id": identifier, "links": list(found), **fields}


EXTENT = {"spatial": {"bbox": [[10, 46, 11, 47]]}, "temporal": {"interval": [["2017-01-01T00:00:00Z", None]]}}


@pytest.fixture
def tree(tmp_path: Path, stac_item: Make) -> Path:
    """Catalogue -> folder -> collection -> year -> items; and an item beside the folder."""
    root = folder("Catalog", "root", *links("child", "./sub/catalog.json"), *links("item", "loose.json"), title="Root")
    write(tmp_path / "catalog.json", root)
    write(tmp_path / "loose.json", stac_item("loose"))
    back = links("child", "../catalog.json")
    write(tmp_path / "sub/catalog.json", folder("Catalog", "sub", *links("child", "c/collection.json"), *back))
    collection = folder("Collection", "c", *links("child", "2017/catalog.json"), extent=EXTENT, license="CC0-1.0")
    write(tmp_path / "sub/c/collection.json", collection)
    year = folder("Catalog", "2017", *links("item", "a.json", "b.json", "../2017/a.json"))
    write(tmp_path / "sub/c/2017/catalog.json", year)
    for name in ("a", "b"):
        write(tmp_path / f"sub/c/2017/{name}.json", stac_item(name))
    (tmp_path / "sub/c/2017/b1.tif").write_bytes(b"pixels")
    return tmp_path


def ids(catalog: StaticCatalog, name: str) -> list[str]:
    return [item.id for item in catalog.collections()[name].search(WORLD, Interval())]


def test_items_belong_to_the_nearest_collection_or_to_one_named_after_their_catalogue(tree: Path) -> None:
    catalog = StaticCatalog(str(tree / "catalog.json"))
    assert {name: ids(catalog, name) for name in catalog.collections()} == {"root": ["loose"], "c": ["a", "b"]}
    info = catalog.collections()["root"].info
    assert (info.title, info.boxes) == ("Root", ((10, 46, 11, 47),))
    assert info.interval == ("2017-01-05T10:20:31Z", "2017-01-05T10:20:31Z")
    assert catalog.collections()["c"].info.interval == ("2017-01-01T00:00:00Z", "")


def test_a_collection_or_an_item_alone_is_a_catalogue(tree: Path) -> None:
    assert list(StaticCatalog(str(tree / "sub/c/collection.json")).collections()) == ["c"]
    item = StaticCatalog(str(tree / "loose.json"))
    assert ids(item, "loose") == ["loose"]


def test_a_feature_collection_is_a_catalogue(tmp_path: Path, stac_item: Make) -> None:
    document = {"type": "FeatureCollection", "features": [stac_item("a"), stac_item("b"), 5]}
    path = write(tmp_path / "found.json", document)
    assert ids(StaticCatalog(str(path)), "found") == ["a", "b"]


def test_the_version_follows_items_and_pixels(tree: Path) -> None:
    collection = StaticCatalog(str(tree / "catalog.json"), refresh_s=0).collections()["c"]
    first = collection.version()
    assert collection.version() == first
    pixels = tree / "sub/c/2017/b1.tif"
    os.utime(pixels, ns=(1, 1))
    second = collection.version()
    item = tree / "sub/c/2017/a.json"
    document = json.loads(item.read_text())
    write(item, {**document, "bbox": [20, 46, 21, 47]})
    third = collection.version()
    assert len({first, second, third}) == 3
    assert [i.id for i in collection.search(((20.5, 46, 20.6, 47),), Interval())] == ["a"]


def test_equal_catalogues_have_equal_versions_also_in_another_process(tree: Path) -> None:
    versions = {StaticCatalog(str(tree / "catalog.json")).collections()["c"].version() for _ in range(2)}
    assert len(versions) == 1 and "unavailable" not in versions


def test_a_change_is_seen_after_the_refresh_time_and_not_before(tree: Path, stac_item: Make) -> None:
    clock = Clock()
    catalog = StaticCatalog(str(tree / "catalog.json"), refresh_s=300, clock=clock)
    collection = catalog.collections()["c"]
    assert len(collection.search(WORLD, Interval())) == 2
    write(tree / "sub/c/2017/new.json", stac_item("new"))
    write(tree / "sub/c/2017/catalog.json", folder("Catalog", "2017", *links("item", "a.json", "new.json")))
    clock.now += 299
    assert ids(catalog, "c") == ["a", "b"]
    clock.now += 2
    assert ids(catalog, "c") == ["a", "new"]
    assert [item.id for item in collection.search(WORLD, Interval())] == ["a", "new"]


def test_a_catalogue_that_comes_later_is_found(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    clock, place = Clock(), tmp_path_factory.mktemp("later") / "cat"
    catalog = StaticCatalog(str(place / "catalog.json"), clock=clock)
    with pytest.raises(SourceUnavailable, match=r"later.*catalog\.json"):
        catalog.collections()
    shutil.copytree(tree, place)
    with pytest.raises(SourceUnavailable):
        catalog.collections()
    clock.now += 11
    assert ids(catalog, "c") == ["a", "b"]


def test_what_is_known_stays_in_use_while_the_catalogue_is_away(tree: Path) -> None:
    clock = Clock()
    catalog = StaticCatalog(str(tree / "catalog.json"), clock=clock)
    assert ids(catalog, "c") == ["a", "b"]
    (tree / "catalog.json").rename(tree / "away.json")
    clock.now += 301
    assert ids(catalog, "c") == ["a", "b"]


def test_a_collection_that_is_gone_says_so(tree: Path) -> None:
    clock = Clock()
    catalog = StaticCatalog(str(tree / "catalog.json"), clock=clock)
    collection = catalog.collections()["c"]
    write(tree / "catalog.json", folder("Catalog", "root"))
    clock.now += 301
    assert list(catalog.collections()) == []
    with pytest.raises(SourceUnavailable, match="has no collection c any more"):
        collection.search(WORLD, Interval())
    assert collection.version() == "unavailable"


def test_broken_parts_are_left_out(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tree / "sub/c/2017/a.json").write_text("{")
    (tree / "loose.json").write_text("[" * 100_000)
    children = links("child", "sub/catalog.json", "absent.json", "/vsicurl/http://x/catalog.json", "vrt://x")
    write(tree / "catalog.json", folder("Catalog", "root", *children))
    catalog = StaticCatalog(str(tree / "catalog.json"))
    assert ids(catalog, "c") == ["b"]
    assert caplog.text.count("refused") == 2


def test_a_collection_of_which_nothing_can_be_read_says_so(tree: Path) -> None:
    for name in ("a", "b"):
        (tree / f"sub/c/2017/{name}.json").unlink()
    collection = StaticCatalog(str(tree / "catalog.json")).collections()["c"]
    with pytest.raises(SourceUnavailable, match=r"a\.json"):
        collection.search(WORLD, Interval())


def test_many_threads_load_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(DocumentReader):
        def __init__(self) -> None:
            super().__init__()
            self.read_locations: list[str] = []

        def read(self, location: str) -> Any:
            self.read_locations.append(location)
            return super().read(location)

    reader = Counting()
    catalog = StaticCatalog(str(tree / "catalog.json"), reader=reader)
    threads = [threading.Thread(target=ids, args=(catalog, "c")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reader.read_locations) == len(set(reader.read_locations))


@pytest.mark.parametrize(
    ("wanted", "template"),
    [
        (("uint16", 0.0), {"raster:bands": [{"data_type": "uint16", "nodata": 0}]}),
        (("uint16", None), {"raster:bands": [{"data_type": "uint16", "nodata": -1}]}),
        (("float32", None), {"raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 0.1}]}),
        (("float64", None), {"raster:bands": [{"data_type": "uint32", "nodata": 0, "scale": 0.1}]}),
        (("float64", None), {"raster:bands": [{"data_type": "float64", "offset": 1}]}),
        (("float32", None), {"raster:bands": [{"data_type": "cint16"}]}),
        (("float32", None), {"raster:bands": [{"data_type": "float32", "nodata": "nan"}]}),
    ],
)
def test_logical_dtypes(tmp_path: Path, stac_item: Make, wanted: Any, template: dict[str, Any]) -> None:
    assets = {"B1": {"type": "image/tiff", "roles": ["data"], "eo:bands": [{"name": "red"}], **template}}
    document = folder("Collection", "c", *links("item", "a.json"), extent=EXTENT, item_assets=assets)
    write(tmp_path / "collection.json", document)
    write(tmp_path / "a.json", stac_item("a"))
    (band,) = StaticCatalog(str(tmp_path / "collection.json")).collections()["c"].info.bands
    assert (band.band.dtype, band.band.nodata) == wanted
    assert band.band.name == "red"


@pytest.fixture
def web(tree: Path, serve: Callable[[Any], Any]) -> Any:
    routes = [
        Route("/moved.json", lambda request: RedirectResponse("/files/catalog.json")),
        Mount("/files", StaticFiles(directory=tree)),
    ]
    return serve(Starlette(routes=routes))


def test_a_catalogue_on_the_web(web: Any, tree: Path) -> None:
    reader = DocumentReader()
    catalog = StaticCatalog(f"{web.url}/moved.json", refresh_s=0, reader=reader)
    assert {name: ids(catalog, name) for name in catalog.collections()} == {"root": ["loose"], "c": ["a", "b"]}
    (item, _) = catalog.collections()["c"].search(WORLD, Interval())
    assert item.bands["B1"].place.href == f"{web.url}/files/sub/c/2017/b1.tif"  # type: ignore[union-attr]
    before = catalog.collections()["c"].version()
    assert before == catalog.collections()["c"].version()
    write(tree / "sub/c/2017/catalog.json", folder("Catalog", "2017", *links("item", "b.json")))
    assert ids(catalog, "c") == ["b"]
    reader.close()


def test_a_server_that_is_away(web: Any) -> None:
    web.stop()
    with (
        contextlib.closing(StaticCatalog(f"{web.url}/files/catalog.json")) as catalog,
        pytest.raises(SourceUnavailable, match=web.url),
    ):
        catalog.collections()


def test_a_document_over_the_limit_is_refused(web: Any, tree: Path) -> None:
    reader = DocumentReader(max_bytes=1000)
    write(tree / "catalog.json", folder("Catalog", "root", title="x" * 2000))
    for location in (f"{web.url}/files/catalog.json", str(tree / "catalog.json")):
        with pytest.raises(SourceUnavailable, match="larger than 1000"):
            reader.read(location)
    reader.close()


def test_a_catalogue_on_the_web_cannot_name_local_files(web: Any, tree: Path, stac_item: Make) -> None:
    asset = {"href": "file:///etc/hostname", "type": "image/tiff"}
    write(tree / "loose.json", stac_item("loose", assets={"x": asset}))
    write(tree / "catalog.json", folder("Catalog", "root", *links("child", f"file://{tree}/sub/catalog.json"),
                                        *links("item", "loose.json")))  # fmt: skip
    reader = DocumentReader()
    catalog = StaticCatalog(f"{web.url}/files/catalog.json", reader=reader)
    assert {name: ids(catalog, name) for name in catalog.collections()} == {"root": []}
    reader.close()
