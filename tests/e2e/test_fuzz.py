"""Random requests: whatever the parameters are, the answer is a file, a picture or a well-formed report, and soon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ogcserver.settings import Limits
from tests.e2e.harness import Job, TestServer, ndvi, node
from tests.e2e.harness import settings as settings_of

S2 = "S2_L2A_T32TPS_20M"
often = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
SOON_S = 5.0
"""On a busy machine one of very many requests may be slower than a bad request should be."""
FILES = ("image/", "application/x-netcdf", "application/netcdf")


@pytest.fixture(scope="module")
def fuzzed(demo: TestServer, demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """Limits small enough that nothing which is allowed takes long."""
    limits = Limits(max_pixels=300_000, max_request_mb=64)
    server = TestServer(settings_of(tmp_path_factory.mktemp("fuzz"), demo_catalog, limits=limits))
    yield server
    server.close()


@pytest.fixture(scope="module")
def jobs(fuzzed: TestServer) -> list[Job]:
    """With and without a time axis."""
    return [fuzzed.add(node("min_time", ndvi())), fuzzed.add(node("filter_bands", S2, bands=["B04", "SCL"]))]


def check_answer(server: TestServer, response: httpx.Response) -> None:
    assert response.status_code < 500 or response.status_code == 501, response.text
    kind = response.headers["content-type"]
    if response.status_code == 200 and kind.startswith(FILES):
        assert response.content
    else:
        assert kind == "text/xml", kind
        etree.fromstring(response.content)
        assert "Traceback" not in response.text
    assert server.seconds < SOON_S


junk = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ("", "None", "NaN", "-0", "1e999", "*", "(", "%", "\0", "é", "../..", "0x10", "٣", " 1 ", "1_0", "++1")
    ),
    st.integers().map(str),
    st.floats().map(repr),
)


def mostly(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(range(20)).flatmap(lambda dice: st.sampled_from(values) if dice else junk)


def mangled(draw: st.DrawFn, values: dict[str, st.SearchStrategy[str]], most: int) -> list[tuple[str, str]]:
    """Parameters of a request: some left out, some twice, names in any case."""
    pairs = []
    for name, value in values.items():
        times = draw(st.sampled_from((1,) * 48 + (0, 2)))
        pairs += [(draw(st.sampled_from((name, name.lower(), name.title()))), draw(value)) for _ in range(times)]
    pairs += draw(st.lists(st.tuples(st.text(max_size=6), junk), max_size=most))
    return pairs


number = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats().map(repr),
    st.sampled_from(("660000", "670000", "*", "NaN", "10.7")),
)  # fmt: skip
axis = st.sampled_from(("x", "y", "E", "N", "Long", "Lat", "ansi", "i", "j", "t", "", "q"))
crs = st.sampled_from(
    (
        "EPSG:4326", "EPSG:32632", "EPSG:3857", "urn:ogc:def:crs:EPSG::4326", "EPSG:0", "EPSG:5714", "EPSG:4978",
        "http://www.opengis.net/def/crs/EPSG/0/4326", "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "EPSG:32661",
        "EPSG:3031", "EPSG:54009", "ESRI:54009", "GEOGCS[", "EPSG:2193", "IAU:1000",
    )
)  # fmt: skip
good_subset = st.sampled_from(
    (
        "x(660000,670000)",
        "y(5170000,5180000)",
        'ansi("2017-01-20")',
        "E(660000,*)",
        "N(*,5180000)",
        "x,EPSG:4326(11,11.2)",
    )
)
subset = st.one_of(
    good_subset,
    good_subset,
    st.builds("{}({},{})".format, axis, number, number),
    st.builds("{}({})".format, axis, number),
    st.builds("{},{}({},{})".format, axis, crs, number, number),
    st.sampled_from(
        ("x(660000,670000)", "y(5170000,5180000)", 'ansi("2017-01-20")', "Lat(46.6,46.7)", "Long(11,11.2)")
    ),
    st.builds('ansi("{}","{}")'.format, st.text(max_size=8), st.sampled_from(("2017", "2017-01-20", "*"))),
    junk,
)
size = st.one_of(st.builds("{}({})".format, axis, number), st.sampled_from(("x(20)", "i(30),j(30)", "y(1)")), junk)


@st.composite
def coverages(draw: st.DrawFn, identifiers: tuple[str, ...]) -> list[tuple[str, str]]:
    fixed = {
        "SERVICE": mostly("WCS"), "VERSION": mostly("2.0.1"), "COVERAGEID": mostly(*identifiers),
        "REQUEST": mostly("GetCoverage", "GetCoverage", "GetCoverage", "GetCapabilities", "DescribeCoverage"),
    }  # fmt: skip
    extras: dict[str, st.SearchStrategy[Any]] = {
        "SUBSETTINGCRS": crs, "OUTPUTCRS": crs, "SCALEFACTOR": st.one_of(number, st.just("0.1")), "SCALESIZE": size,
        "SCALEAXES": size, "SCALEEXTENT": st.builds("{}({}:{})".format, axis, number, number), "SIZE": size,
        "FORMAT": mostly("image/tiff", "image/png", "image/jpeg", "application/x-netcdf", "GTiff", "COG"),
        "RANGESUBSET": mostly("NDVI", "B04", "B04,SCL", "B04:SCL"), "sections": junk, "geotiff:tiling": junk,
        "INTERPOLATION": mostly("linear", "average", "cubic"), "geotiff:interleave": mostly("pixel", "band"),
        "geotiff:compression": mostly("deflate", "jpeg", "LZW", "none"), "geotiff:tilewidth": number,
        "geotiff:jpeg_quality": number, "geotiff:predictor": mostly("horizontal", "floatingpoint"), "mediaType": junk,
        "acceptVersions": mostly("2.0.1", "1.0.0"),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(sorted(extras)), max_size=3, unique=True))
    pairs = mangled(draw, fixed | {name: extras[name] for name in names}, 1)
    return pairs + [("SUBSET", text) for text in draw(st.lists(subset, max_size=2))]


def test_any_coverage_request(fuzzed: TestServer, jobs: list[Job]) -> None:
    @often
    @given(coverages(tuple(job.id for job in jobs)), st.integers(0, 2))
    def check(pairs: list[tuple[str, str]], place: int) -> None:
        path = "/wcs" if place == 2 else jobs[place].services["wcs"]
        check_answer(fuzzed, fuzzed.get(path, params=pairs))

    check()


@st.composite
def tiles(draw: st.DrawFn, identifiers: tuple[str, ...], sets: tuple[str, ...]) -> list[tuple[str, str]]:
    index = mostly("0", "1", "180", "272", "-1", "511", "512")
    values = {
        "SERVICE": mostly("WMTS"), "VERSION": mostly("1.0.0"), "LAYER": mostly(*identifiers),
        "REQUEST": mostly("GetTile", "GetTile", "GetTile", "GetCapabilities"), "STYLE": mostly("default", ""),
        "FORMAT": mostly("image/png", "image/jpeg", "png"),
        "TILEMATRIXSET": mostly("WebMercatorQuad", "WorldCRS84Quad", *sets),
        "TILEMATRIX": mostly("0", "1", "9", "12", "24", "25"), "TILEROW": index, "TILECOL": index,
        "TIME": mostly("2017-01-20", "default", "2017-01-20/2017-01-21", "2017", "2017-01-20T10:13:51Z", "current"),
    }  # fmt: skip
    return mangled(draw, values, 2)


def test_any_tile_request(fuzzed: TestServer, jobs: list[Job]) -> None:
    sets = tuple(job.native_matrix().set_id for job in jobs)

    @often
    @given(tiles(tuple(job.id for job in jobs), sets), st.integers(0, 2))
    def check(pairs: list[tuple[str, str]], place: int) -> None:
        path = "/wmts" if place == 2 else jobs[place].services["wmts"]
        check_answer(fuzzed, fuzzed.get(path, params=pairs))

    check()


@settings(often, max_examples=60)
@given(data=st.data())
def test_any_tile_address(fuzzed: TestServer, jobs: list[Job], data: st.DataObject) -> None:
    part = st.one_of(
        st.sampled_from(("default", "WebMercatorQuad", "9", "180", "272.png", "2017-01-20", jobs[1].id)), junk
    )
    parts = data.draw(st.lists(part, max_size=8))
    path = "/".join(httpx.QueryParams({"p": one})["p"].replace("/", "%2F") for one in parts)
    try:
        response = fuzzed.get(f"/wmts/{path}")
    except httpx.InvalidURL:
        return
    if response.is_redirect or response.headers["content-type"] == "application/json":
        assert response.status_code < 500, response.text  # dots in the address lead to other parts of the server
        return
    check_answer(fuzzed, response)


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
        st.sampled_from((S2, "B04", "B8A", "2017-01-20", "EPSG:4326", "EPSG:32632", "B04 / B8A", "NDVI", "/user/x")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(("process_id", "args", "product_id", "imagery", "x")), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
processes = st.sampled_from(
    (
        "min_time", "NDVI", "filter_bbox", "filter_bands", "filter_daterange", "band_arithmetic", "union",
        "median_time", "process_graph", "zonal_statistics", "first_time", "/user/x", "/udf/Python/apply_pixel",
    )
)  # fmt: skip
names = st.sampled_from(
    (
        "imagery", "red", "nir", "left", "right", "top", "bottom", "srs", "bands", "names", "wavelengths", "from", "to",
        "expr", "collection", "uri", "regions", "func",
    )
)  # fmt: skip
random_graphs = st.recursive(
    st.one_of(st.just({"product_id": S2}), json_values),
    lambda inner: st.builds(
        lambda process, args, imagery: {"process_id": process, "args": {**args, "imagery": imagery}},
        processes,
        st.dictionaries(names, json_values, max_size=4),
        inner,
    ),
    max_leaves=3,
)


@settings(often, max_examples=300)
@given(graph=random_graphs, output=st.one_of(st.none(), json_values, st.dictionaries(st.text(max_size=9), json_values)))
def test_any_graph(fuzzed: TestServer, graph: Any, output: Any) -> None:
    body = {"process_graph": graph, "output": output}
    for path in ("/execute", "/process_graphs/validate"):
        response = fuzzed.request("POST", path, content=json.dumps(body))
        assert response.status_code < 500 or response.status_code == 501, response.text
        if response.status_code >= 400:
            assert {"code", "message"} <= response.json().keys()
        assert fuzzed.seconds < SOON_S
