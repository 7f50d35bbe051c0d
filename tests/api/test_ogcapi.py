"""OGC API - Tiles, Maps and Coverages over graphs on the real engine: each test names the requirement that it asserts.

``tiles-1`` is OGC 20-057, ``maps-1`` OGC 20-058, ``coverages-1`` the draft OGC 19-087, ``common-1`` OGC 19-072 and
``tms`` OGC 17-083r4.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import imagecodecs  # type: ignore[import-untyped]
import jsonschema
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from ogcserver.geo.matrix_sets import standard_sets
from ogcserver.geo.tiles import native_set
from ogcserver.graph.compile import compile_graph
from ogcserver.jobs.layers import Layer
from ogcserver.maps.tiles import TileRules
from ogcserver.ogcapi.api import OgcApi
from ogcserver.ogcapi.conformance import CONFORMS_TO
from ogcserver.ows.identification import Identification
from ogcserver.wcs.api import WcsApi
from ogcserver.wmts.api import WmtsApi
from tests.fakes import DAYS, UTM, node, product, utm_archive
from tests.unit.wmts.fakes import FakeEndpoints

SCENE = {"bands": ["x", "y", "x"], "rescale": [[600000, 614000], [5188000, 5200000], [600000, 614000]]}
ARGS = {**SCENE, "styles": {"grey": {"bands": ["y"], "rescale": [5188000, 5200000]}}}
OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0/"

LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {name: {"type": "string", "minLength": 1} for name in ("href", "rel", "type", "title")}
    | {"templated": {"const": True}},
}
LINKS = {"type": "array", "minItems": 1, "items": LINK}
NUMBERS = {"type": "array", "items": {"type": "number"}}
BOX = {**NUMBERS, "minItems": 4, "maxItems": 4}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "landing": {"required": ["title", "description", "links"], "properties": {"links": LINKS}},
    "conformance": {
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": {"type": "string", "format": "uri"}}},
    },
    "collections": {"required": ["collections", "links"], "properties": {"links": LINKS}},
    "collection": {
        "required": ["id", "links", "extent", "crs", "storageCrs"],
        "properties": {
            "links": LINKS,
            "crs": {"type": "array", "items": {"type": "string"}},
            "extent": {
                "required": ["spatial"],
                "properties": {
                    "spatial": {
                        "required": ["bbox", "grid"],
                        "properties": {
                            "bbox": {"type": "array", "minItems": 1, "items": BOX},
                            "grid": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 2,
                                "items": {"required": ["cellsCount", "firstCoordinate", "resolution"]},
                            },
                        },
                    },
                    "temporal": {"required": ["interval"]},
                },
            },
        },
    },
    "tilesets": {
        "required": ["tilesets"],
        "properties": {"tilesets": {"type": "array", "items": {"required": ["dataType", "links", "crs"]}}},
    },
    "tileset": {
        "required": ["dataType", "crs", "links", "tileMatrixSetLimits"],
        "properties": {
            "links": LINKS,
            "dataType": {"enum": ["map", "vector", "coverage"]},
            "tileMatrixSetLimits": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "required": ["tileMatrix", "minTileRow", "maxTileRow", "minTileCol", "maxTileCol"],
                    "properties": {"tileMatrix": {"type": "string"}, "minTileRow": {"type": "integer", "minimum": 0}},
                },
            },
        },
    },
    "tileMatrixSet": {
        "required": ["crs", "tileMatrices"],
        "properties": {
            "tileMatrices": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "required": [
                        "id", "scaleDenominator", "cellSize", "pointOfOrigin", "tileWidth", "tileHeight",
                        "matrixWidth", "matrixHeight",
                    ],
                    "properties": {
                        "id": {"type": "string"},
                        "pointOfOrigin": {**NUMBERS, "minItems": 2, "maxItems": 2},
                        "cornerOfOrigin": {"enum": ["topLeft", "bottomLeft"]},
                        "tileWidth": {"type": "integer", "minimum": 1},
                    },
                },
            }
        },
    },
    "problem": {"required": ["type", "title", "status", "detail"]},
}  # fmt: skip
"""What the standards require of documents, in the words of JSON Schema."""


class Server:
    """All protocols in question over the same jobs."""

    def __init__(self, count: int = 0) -> None:
        archive = utm_archive()
        self.engine = archive.engine()
        graphs = {"j-time": product(), "j-min": node("min_time", imagery=product())}
        plans = {name: compile_graph(graph, archive.context()) for name, graph in graphs.items()}
        described = {name: asyncio.run(self.engine.describe(plan)) for name, plan in plans.items()}
        self.layers = tuple(
            Layer(name, f"<{name}> & co", "About it", plan, described[name], ARGS) for name, plan in plans.items()
        )
        many = tuple(Layer(f"j-{n:05}", "", "", plans["j-min"], described["j-min"]) for n in range(count))
        endpoints, who, sets = FakeEndpoints((*self.layers, *many)), Identification(), standard_sets()
        api = OgcApi(self.engine, self.engine, endpoints, who, sets, rules=TileRules(), max_pixels=4_000_000)
        self.app = Starlette(
            routes=[
                *api.routes(),
                *WmtsApi(self.engine, endpoints, who, sets).routes(),
                *WcsApi(self.engine, endpoints, who).routes(),
            ]
        )

    def get(self, address: str, accept: str = "", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(address, headers={"accept": accept, **headers})

        return asyncio.run(ask())

    def json(self, address: str, shape: str) -> Any:
        response = self.get(address, "application/json")
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        document = response.json()
        jsonschema.validate(document, SHAPES[shape], format_checker=jsonschema.FormatChecker())
        return document

    def refused(self, address: str, status: int, accept: str = "") -> Any:
        response = self.get(address, accept)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        jsonschema.validate(response.json(), SHAPES["problem"])
        assert response.json()["status"] == status
        return response.json()


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


def hrefs(document: Mapping[str, Any], rel: str) -> list[str]:
    return [one["href"] for one in document["links"] if one["rel"] in (rel, OGC_REL + rel)]


def pixels(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    with rasterio.open(io.BytesIO(response.content)) as file:
        return file.read(), file.bounds, file.crs


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.hrefs: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hrefs += [value for name, value in attrs if name in ("href", "src") and value]


def test_landing_page(server: Server) -> None:  # common-1 /req/landing-page/root-success
    document = server.json("/ogc", "landing")
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data", "tiling-schemes"):
        assert hrefs(document, rel), rel
    assert server.get("/ogc/").json() == document


def test_conformance(server: Server) -> None:  # tiles-1 and maps-1 /req/core/conformance-success
    document = server.json("/ogc/conformance", "conformance")
    assert document["conformsTo"] == list(CONFORMS_TO)
    cores = {uri.partition("://")[2] for uri in document["conformsTo"] if uri.endswith("conf/core")}
    for part in ("common-1", "tiles-1", "maps-1", "coverages-1"):
        assert f"www.opengis.net/spec/ogcapi-{part}/1.0/conf/core" in cores


def test_every_link_leads_somewhere(server: Server) -> None:  # common-1 /req/json/content, links of all resources
    todo, seen = ["http://test/ogc"], set[str]()
    while todo:
        address = todo.pop()
        if address in seen or urlsplit(address).hostname != "test":
            continue
        seen.add(address)
        response = server.get(address, "application/json" if "f=" not in address else "")
        assert response.status_code == 200, f"{address}: {response.text}"
        if response.headers["content-type"] == "application/json":
            todo += [href for href in _all_hrefs(response.json()) if "tileMatrixSets/" not in href or "Web" in href]
    assert len(seen) > 100


def _all_hrefs(document: Any) -> list[str]:
    if isinstance(document, list):
        return [href for item in document for href in _all_hrefs(item)]
    if not isinstance(document, dict):
        return []
    own = [document["href"]] if "href" in document and not document.get("templated") else []
    return own + [href for value in document.values() for href in _all_hrefs(value)]


def test_types_of_links_are_those_of_the_answers(server: Server) -> None:
    for one in server.json("/ogc/collections/j-time", "collection")["links"]:
        answer = server.get(one["href"], one["type"])
        assert answer.headers["content-type"].split("; charset")[0] == one["type"], one["href"]


def test_pages(server: Server) -> None:  # common-1 /req/html/content
    for path in ("", "/conformance", "/api", "/collections", "/collections/j-time", "/collections/j-time/styles",
                 "/collections/j-time/schema", "/collections/j-time/map/tiles", "/tileMatrixSets",
                 "/collections/j-time/map/tiles/WebMercatorQuad", "/tileMatrixSets/WebMercatorQuad"):  # fmt: skip
        answer = server.get("/ogc" + path, "text/html,*/*;q=0.8")
        assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        page = Links(answer.text)
        assert "script" not in page.tags and "j-time>" not in answer.text
        json_of = next(href for href in page.hrefs if href.endswith("f=json"))
        assert server.get(json_of).status_code == 200


def test_a_collection(
    server: Server,
) -> None:  # maps-1 /req/collection-map/desc-crs, coverages-1 collection-description
    document = server.json("/ogc/collections/j-time", "collection")
    assert document["storageCrs"] == "http://www.opengis.net/def/crs/EPSG/0/32632"
    assert document["storageCrs"] in document["crs"]
    spatial, temporal = document["extent"]["spatial"], document["extent"]["temporal"]
    assert spatial["storageCrsBbox"] == [[600000, 5188000, 614000, 5200000]]
    assert spatial["grid"] == [
        {"cellsCount": 700, "firstCoordinate": 600010, "resolution": 20},
        {"cellsCount": 600, "firstCoordinate": 5188010, "resolution": 20},
    ]
    west, south, east, north = spatial["bbox"][0]
    assert 10 < west < east < 11 and 46 < south < north < 47
    assert temporal["interval"] == [["2017-01-05T10:00:00Z", "2017-02-04T10:00:00Z"]]
    assert temporal["grid"] == {"cellsCount": 3, "coordinates": list(DAYS)}
    listed = server.json("/ogc/collections", "collections")["collections"][0]
    assert listed["id"] == "j-time" and listed["links"] == document["links"]
    for rel in ("map", "tilesets-map", "coverage", "schema"):
        assert hrefs(document, rel), rel


def test_the_fields_of_a_coverage(server: Server) -> None:  # coverages-1 /req/core/coverage-fields-schema
    answer = server.get("/ogc/collections/j-time/schema", "application/schema+json")
    assert answer.headers["content-type"] == "application/schema+json"
    jsonschema.Draft202012Validator.check_schema(answer.json())
    fields = answer.json()["properties"]
    assert {name: field["x-ogc-propertySeq"] for name, field in fields.items()} == {"x": 1, "y": 2, "v": 3, "w": 4}


def test_pages_of_many_collections() -> None:  # common-2, parameter limit
    many = Server(count=10_000)
    first = many.json("/ogc/collections?limit=4", "collections")
    assert (first["numberMatched"], first["numberReturned"], len(first["collections"])) == (10_002, 4, 4)
    second = many.json(hrefs(first, "next")[0], "collections")
    assert [one["id"] for one in second["collections"]] == ["j-00002", "j-00003", "j-00004", "j-00005"]
    assert many.json(hrefs(second, "prev")[0], "collections")["collections"] == first["collections"]
    assert len(many.json("/ogc/collections", "collections")["collections"]) == 10
    assert len(many.json("/ogc/collections?limit=5000", "collections")["collections"]) == 1000
    last = many.json("/ogc/collections?offset=10000", "collections")
    assert last["numberReturned"] == 2 and not hrefs(last, "next")
    assert many.json("/ogc/collections?offset=20000", "collections")["numberReturned"] == 0


def test_tile_matrix_sets(server: Server) -> None:  # tms /req/json-tilematrixset
    document = server.get("/ogc/tileMatrixSets").json()
    assert {one["id"] for one in document["tileMatrixSets"]} == set(standard_sets())
    for one in document["tileMatrixSets"]:
        (scheme,) = hrefs(one, "tiling-scheme")
        assert server.json(scheme, "tileMatrixSet")["id"] == one["id"]
    mercator = server.json("/ogc/tileMatrixSets/WebMercatorQuad", "tileMatrixSet")
    assert mercator["uri"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    assert mercator["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.0287178)
    assert mercator["tileMatrices"][0]["pointOfOrigin"] == pytest.approx([-20037508.342789244, 20037508.342789244])
    crs84 = server.json("/ogc/tileMatrixSets/WorldCRS84Quad", "tileMatrixSet")
    assert crs84["crs"].endswith("CRS84") and crs84["tileMatrices"][0]["pointOfOrigin"] == [-180, 90]
    europe = server.json("/ogc/tileMatrixSets/EuropeanETRS89_LAEAQuad", "tileMatrixSet")
    assert europe["tileMatrices"][0]["pointOfOrigin"] == [5500000, 2000000]  # north before east


@pytest.mark.parametrize("at", ["/ogc/collections/j-time", "/ogc/collections/j-time/styles/grey"])
def test_tilesets(server: Server, at: str) -> None:  # tiles-1 /req/tilesets-list, /req/tileset/description
    listed = server.json(f"{at}/map/tiles", "tilesets")["tilesets"]
    assert len(listed) > 3
    for one in listed:
        assert one["dataType"] == "map" and len(hrefs(one, "tiling-scheme")) == 1
        document = server.json(hrefs(one, "self")[0], "tileset")
        assert document["crs"] == one["crs"] and document.get("tileMatrixSetURI") == one.get("tileMatrixSetURI")
        scheme = server.json(hrefs(document, "tiling-scheme")[0], "tileMatrixSet")
        assert scheme["crs"] == document["crs"]
        templates = [link for link in document["links"] if link["rel"] == "item"]
        assert {link["type"] for link in templates} >= {"image/png", "image/jpeg"}
        limits = document["tileMatrixSetLimits"][-1]
        tile = scheme["tileMatrices"][[one["id"] for one in scheme["tileMatrices"]].index(limits["tileMatrix"])]
        for link in templates[:1]:
            assert link["templated"] is True
            names = {"{tileMatrix}": "tileMatrix", "{tileRow}": "minTileRow", "{tileCol}": "minTileCol"}
            address = link["href"]
            for variable, name in names.items():
                address = address.replace(variable, str(limits[name]))
            answer = server.get(address)
            assert answer.status_code == 200 and answer.headers["content-type"] == link["type"]
            if tile["tileWidth"] == 256:  # tiles-1 /req/core/tc-success C
                assert imagecodecs.png_decode(answer.content).shape[:2] == (256, 256)


def test_a_tile_is_that_of_wmts(server: Server) -> None:
    for style, path in (("default", ""), ("grey", "/styles/grey")):
        for tile in ("WebMercatorQuad/11/721/1083", "WebMercatorQuad@2x/11/721/1083", "WorldCRS84Quad/10/245/1083"):
            here = server.get(f"/ogc/collections/j-min{path}/map/tiles/{tile}?f=png")
            there = server.get(f"/wmts/j-min/{style}/{tile}.png")
            assert here.status_code == 200 and here.content == there.content
            assert here.headers["etag"] == there.headers["etag"]


def test_tiles_of_times(server: Server) -> None:  # tiles-1 /req/datetime
    here = "/ogc/collections/j-time/map/tiles/WebMercatorQuad/11/721/1083"
    for query in ("datetime=2017-01-05", 'subset=datetime("2017-01-05")', 'subset=time("2017-01-01":"2017-01-10")'):
        there = server.get("/wmts/j-time/default/2017-01-05/WebMercatorQuad/11/721/1083.png")
        assert server.get(f"{here}?f=png&{query}").content == there.content
    server.refused(f"{here}?datetime=1999", 404)
    server.refused(f"{here}?subset=Lat(46:47)", 400)


def test_formats_of_tiles(server: Server) -> None:  # tiles-1 /req/core/tc-success B
    here = "/ogc/collections/j-min/map/tiles/WebMercatorQuad/11/721/1083"
    for media_type in ("image/png", "image/jpeg", "image/webp"):
        answer = server.get(here, media_type)
        assert answer.headers["content-type"] == media_type and "accept" in answer.headers["vary"].lower()
    server.refused(here, 406, "text/csv")
    server.refused(f"{here}?f=bmp", 400)
    assert server.get(f"{here}?f=tif").headers["content-type"] == "image/tiff; application=geotiff"


@pytest.mark.parametrize(
    "tile", ["WebMercatorQuad/11/0/0", "WebMercatorQuad/11/5000/0", "WebMercatorQuad/77/0/0", "Nowhere/0/0/0",
             "WebMercatorQuad/11/-1/0", "WebMercatorQuad/11/one/0"],
)  # fmt: skip
def test_tiles_that_there_are_not(server: Server, tile: str) -> None:  # tiles-1 /req/core/tc-error A
    server.refused(f"/ogc/collections/j-min/map/tiles/{tile}", 404)


def test_a_tile_without_data_is_blank(server: Server) -> None:  # tiles-1 /req/core/tc-error B
    limits = server.json("/ogc/collections/j-min/map/tiles/WebMercatorQuad", "tileset")["tileMatrixSetLimits"][14]
    corner = f"{limits['tileMatrix']}/{limits['maxTileRow']}/{limits['maxTileCol']}"
    answer = server.get(f"/ogc/collections/j-min/map/tiles/WebMercatorQuad/{corner}?f=png")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"


def test_a_box_beyond_the_earth_is_refused(server: Server) -> None:
    answer = server.get("/ogc/collections/j-time/map?f=png&bbox=-1e300,-1e300,1e300,1e300")
    assert answer.status_code == 400 and "no area" in answer.json()["detail"]


def test_a_map(server: Server) -> None:  # maps-1 /req/core/map-response
    answer = server.get("/ogc/collections/j-time/map?f=png")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32632>"
    assert [float(part) for part in answer.headers["content-bbox"].split(",")] == [600000, 5188000, 614000, 5200000]
    assert answer.headers["content-datetime"] == DAYS[-1]
    assert imagecodecs.png_decode(answer.content).shape == (878, 1024, 3)


def test_where_a_map_lies(server: Server) -> None:  # maps-1 /req/spatial-subsetting/map-success
    box = "bbox=602000,5190000,604000,5192000&bbox-crs=[EPSG:32632]"
    answer = server.get(f"/ogc/collections/j-min/map?f=png&{box}&width=100&height=100")
    picture = imagecodecs.png_decode(answer.content).astype(int)
    x = 602000 + (np.arange(100) + 0.5) * 20
    assert np.abs(picture[50, :, 0] - (x - 600000) / 14000 * 255).max() <= 0.6
    assert picture.shape == (100, 100, 3)


def test_maps_in_other_systems(server: Server) -> None:  # maps-1 /req/crs/crs-definition, map-response D, E
    here = "/ogc/collections/j-min/map?f=png&width=64&height=64&bbox=10.35,46.87,10.37,46.89"
    plain = server.get(f"{here}&crs=http://www.opengis.net/def/crs/OGC/1.3/CRS84")
    assert "content-crs" not in plain.headers and plain.headers["content-bbox"] == "10.35,46.87,10.37,46.89"
    swapped = server.get(f"{here}&crs=[EPSG:4326]")
    assert swapped.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4326>"
    assert swapped.headers["content-bbox"] == "46.87,10.35,46.89,10.37"
    assert plain.content == swapped.content
    subset = server.get("/ogc/collections/j-min/map?f=png&width=64&height=64&crs=[OGC:CRS84]"
                        "&subset=Lat(46.87:46.89)&subset=Lon(10.35:10.37)")  # fmt: skip
    assert subset.content == plain.content


def test_times_of_maps(server: Server) -> None:  # maps-1 /req/datetime
    here = "/ogc/collections/j-time/map?f=png&width=32"
    first = server.get(f"{here}&datetime=2017-01-05")
    assert first.headers["content-datetime"] == DAYS[0]
    assert server.get(f'{here}&subset=time("2017-01-05")').content == first.content
    assert server.get(f"{here}&datetime=../2017-01-10").content == first.content
    assert server.get(f"{here}&datetime=2017-01").headers["content-datetime"] == f"{DAYS[0]}/{DAYS[1]}"
    server.refused(f"{here}&datetime=1999", 404)


def test_backgrounds_of_maps(server: Server) -> None:
    beside = "/ogc/collections/j-min/map?bbox=620000,5190000,630000,5200000&bbox-crs=[EPSG:32632]&width=8&height=8"
    assert not imagecodecs.png_decode(server.get(f"{beside}&f=png").content)[..., 3].any()
    coloured = imagecodecs.png_decode(server.get(f"{beside}&f=png&bgcolor=0xFF8000").content)
    assert (coloured[..., :3] == (255, 128, 0)).all()
    white = imagecodecs.jpeg_decode(server.get(f"{beside}&f=jpg").content)
    assert white.min() > 250


def test_styled_maps(server: Server) -> None:  # maps-1 /req/styled-map/map-operation, desc-links
    document = server.get("/ogc/collections/j-min/styles").json()
    assert [one["id"] for one in document["styles"]] == ["default", "grey"] and document["default"] == "default"
    maps = [server.get(hrefs(one, "map")[0]).content for one in document["styles"]]
    assert maps[0] != maps[1] and maps[0] == server.get("/ogc/collections/j-min/map?f=png").content
    server.refused("/ogc/collections/j-min/styles/none/map", 404)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("", ""),
        ("&bbox=602000,5190000,604000,5192000&bbox-crs=[EPSG:32632]",
         "&SUBSET=E(602000,604000)&SUBSET=N(5190000,5192000)"),
        ("&subset=Lat(46.87:46.89),Lon(10.35:10.37)",
         "&SUBSET=Lat(46.87,46.89)&SUBSET=Long(10.35,10.37)&SUBSETTINGCRS=EPSG:4326&OUTPUTCRS=EPSG:32632"),
        ("&properties=v,x&scale-factor=4", "&RANGESUBSET=v,x&SCALEFACTOR=0.25"),
        ("&crs=[EPSG:3857]&scale-factor=2", "&OUTPUTCRS=EPSG:3857&SCALEFACTOR=0.5"),
        ("&scale-size=E(70),N(60)", "&SCALESIZE=i(70),j(60)"),
    ],
)  # fmt: skip
def test_a_coverage_has_the_pixels_of_wcs(server: Server, here: str, there: str) -> None:
    mine = pixels(server.get(f"/ogc/collections/j-min/coverage?f=geotiff{here}"))
    wcs = f"/wcs?SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID=j-min&FORMAT=image/tiff{there}"
    theirs = pixels(server.get(wcs))
    np.testing.assert_array_equal(mine[0], theirs[0])
    assert mine[1:] == theirs[1:]


def test_a_whole_coverage(server: Server) -> None:  # coverages-1 /req/core, /req/geotiff/coverage
    answer = server.get("/ogc/collections/j-min/coverage", "image/tiff; application=geotiff")
    assert answer.headers["content-type"] == "image/tiff; application=geotiff"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32632>"
    values, bounds, crs = pixels(answer)
    assert values.shape == (4, 600, 700) and tuple(bounds) == (600000, 5188000, 614000, 5200000)
    assert crs.to_epsg() == 32632
    np.testing.assert_array_equal(values[0, 0], 600000 + (np.arange(700) + 0.5) * 20)


def test_times_of_coverages(server: Server) -> None:  # coverages-1 /req/subsetting-temporal
    here = "/ogc/collections/j-time/coverage?f=netcdf&scale-factor=10"
    answer = server.get(f"{here}&datetime=2017-01")
    assert answer.headers["content-type"] == "application/x-netcdf"
    assert answer.headers["content-datetime"] == f"{DAYS[0]}/{DAYS[1]}"
    server.refused(f"{here}&datetime=1999", 404)
    server.refused(f'{here}&datetime=2017&subset=time("2017")', 400)


def test_what_coverages_refuse(server: Server) -> None:  # coverages-1 out-of-bounds, subset-invalid-axis, crs G
    here = "/ogc/collections/j-min/coverage?f=geotiff"
    server.refused(f"{here}&bbox=50,0,51,1", 404)
    server.refused(f"{here}&subset=depth(1:2)", 400)
    server.refused(f"{here}&crs=[EPSG:1]", 400)
    server.refused(f"{here}&properties=none", 400)
    server.refused(f"{here}&bbox=10,46,11,47&subset=Lat(46:47)", 400)
    server.refused(f"{here}&scale-factor=0.001", 413)


def test_what_the_client_has_is_not_sent_again(server: Server) -> None:
    for address in ("/map?f=png&width=16", "/coverage?f=geotiff&scale-factor=8",
                    "/map/tiles/WebMercatorQuad/11/721/1083?f=png"):  # fmt: skip
        first = server.get(f"/ogc/collections/j-min{address}")
        again = server.get(f"/ogc/collections/j-min{address}", **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_where_the_pixels_lie(server: Server) -> None:
    native = server.get("/ogc/collections/j-min/coverage/domainset").json()["generalGrid"]
    assert native["axisLabels"] == ["E", "N"] and native["gridLimits"]["axis"][0]["upperBound"] == 699
    document = server.json("/ogc/collections/j-min", "collection")
    grid = server.get(hrefs(document, "coverage-domainset")[0]).json()["generalGrid"]
    (east, north) = grid["axis"]
    box = f"Lon({east['lowerBound']}:{east['upperBound']}),Lat({north['lowerBound']}:{north['upperBound']})"
    width, height = (axis["upperBound"] + 1 for axis in grid["gridLimits"]["axis"])
    answer = server.get(f"{hrefs(document, 'coverage')[0]}&subset={box}&scaleSize=Lon({width}),Lat({height})")
    values, bounds, crs = pixels(answer)  # as GDAL asks
    assert crs.to_epsg() == 4326 and values.shape[1:] == (height, width)
    assert tuple(bounds) == pytest.approx(
        (east["lowerBound"], north["lowerBound"], east["upperBound"], north["upperBound"])
    )
    fields = server.get("/ogc/collections/j-min/coverage/rangetype").json()["field"]
    assert [(one["name"], one["definition"]) for one in fields][:3] == [
        ("x", "ogcType:float64"), ("y", "ogcType:float64"), ("v", "ogcType:float32"),
    ]  # fmt: skip


def test_unknown_things_are_told_as_problems(server: Server) -> None:  # RFC 7807
    server.refused("/ogc/collections/none", 404)
    server.refused("/ogc/collections/none/map", 404)
    server.refused("/ogc/nowhere", 404)
    server.refused("/ogc/tileMatrixSets/none", 404)
    assert server.refused("/ogc/collections/j-min/map?datetme=2017", 400)["parameter"] == "datetme"
    assert server.refused("/ogc/collections?limit=0", 400)["parameter"] == "limit"
    server.refused("/ogc/collections?limit=many", 400)
    server.refused("/ogc", 406, "application/xml")


def test_the_definition_lists_what_there_is(server: Server) -> None:  # tiles-1 /req/oas30/completeness, operation-id
    answer = server.get("/ogc/api", "application/vnd.oai.openapi+json;version=3.0")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    ids = {one["get"]["operationId"] for one in document["paths"].values()}
    for suffix in ("collection.map.getTileSetsList", "collection.map.getTileSet", "collection.map.getTile",
                   "collection.style.map.getTile", "collection.getMap", "collection.style.getMap",
                   "collection.getCoverage"):  # fmt: skip
        assert suffix in ids
    assert document["servers"] == [{"url": "http://test/ogc"}]
    assert json.dumps(document).count("$ref") > 100


def test_the_native_set_has_native_pixels(server: Server) -> None:
    layer = server.layers[1]
    native = native_set(layer.description.grid)
    assert native is not None
    document = server.json("/ogc/collections/j-min/tileMatrixSet", "tileMatrixSet")
    assert document["id"] == native.id and document["tileMatrices"][-1]["cellSize"] == UTM.lattice.dx
    tile = server.get(f"/ogc/collections/j-min/map/tiles/{native.id}/{native.matrices[-1].id}/1/1?f=tif")
    values, bounds, _ = pixels(tile)
    assert bounds.left == 600000 + 256 * 20
    np.testing.assert_array_equal(values[0, 0], bounds.left + (np.arange(256) + 0.5) * 20)


NUMBER = ("0", "-1", "3", "0.5", "1e300", "-1e-300", "1e999", "", "NaN")
CRS_NAMES = (
    "[OGC:CRS84]", "[EPSG:32632]", "[EPSG:4326]", "[EPSG:3857]", "[EPSG:3035]", "[EPSG:32760]", "[EPSG:5041]", "EPSG:0",
)  # fmt: skip
BOXES = (
    "10.35,46.87,10.37,46.89", "-180,-90,180,90", "179,-5,-179,5", "0,0,0,0", "600000,5190000,601000,5191000",
    "46.87,10.35,46.89,10.37", "-1e300,-1e300,1e300,1e300", "1,2,3", "10.35,46.87,0,10.37,46.89,0", "0,90,1,90",
)  # fmt: skip
SUBSETS = (
    "Lat(46.87:46.89)", "Lon(10.35:10.37)", "Lon(*:10.4),Lat(46.8:*)", "E(600000:600010),N(5190000)", "Lat(46.88)",
    'time("2017")', 'time("2017-01-05":*)', "time(*)", "Lat(-1e308:1e308)", "Lon(170:-170)", "x(1:2)", "Lat()",
)  # fmt: skip
TIMES = ("2017", "2017-01-05", "../..", "2017-01/2017-02", "1999", "9999", "0001/9999-12-31T23:59:59Z", "/", "x")
QUERY: Mapping[str, tuple[str, ...]] = {
    "bbox": BOXES, "bbox-crs": CRS_NAMES, "subset": SUBSETS, "subset-crs": CRS_NAMES, "crs": CRS_NAMES,
    "datetime": TIMES, "width": NUMBER, "height": NUMBER,
}  # fmt: skip
OF_MAPS = {
    "center": ("10.4,46.9", "600000,5190000", "0,90", "1e300,1", "10,46,5"),
    "center-crs": CRS_NAMES,
    "scale-denominator": (*NUMBER, "25000", "1e9"),
    "bgcolor": ("red", "0x00FF00", "#1234567"),
    "transparent": ("true", "false", "1"),
}
OF_COVERAGES = {
    "properties": ("x", "v,x", "x,x", "none"), "exclude-properties": ("x,y,v,w", "x"), "scale-factor": NUMBER,
    "scale-axes": ("E(2)", "Lat(2),Lon(0.1)", "E(1e-300)"), "scale-size": ("E(7),N(5)", "Lon(7)", "E(99999999999)"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "more", "formats"),
    [("map", OF_MAPS, ("png", "jpg", "webp")), ("coverage", OF_COVERAGES, ("geotiff", "netcdf", "png", "npy", "cog"))],
)
def test_any_combination_of_parameters_is_answered(
    server: Server, resource: str, more: Mapping[str, tuple[str, ...]], formats: tuple[str, ...]
) -> None:
    values = {name: st.sampled_from(known) for name, known in {**QUERY, **more}.items()}

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(("j-time", "j-min")), st.sampled_from(formats), st.fixed_dictionaries({}, optional=values))
    def check(collection: str, f: str, query: dict[str, str]) -> None:
        address = httpx.URL(f"/ogc/collections/{collection}/{resource}", params={"f": f, **query})
        answer = server.get(str(address))
        assert answer.status_code in (200, 400, 404, 413), f"{address}: {answer.text}"
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"

    check()
