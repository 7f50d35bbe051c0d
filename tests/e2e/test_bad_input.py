"""Bad input of every kind: refused at once, in the words and the form of the protocol that was asked."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
from starlette.staticfiles import StaticFiles

from ogcserver.settings import Limits, Sources
from tests.e2e.harness import (
    QUICK_S,
    Job,
    Json,
    TestServer,
    assert_json_error,
    assert_report,
    bits,
    ndvi,
    node,
    picture,
    raster,
    running,
    settings,
)

S2 = "S2_L2A_T32TPS_20M"
GRAPH_PATHS = ("/jobs", "/execute", "/jobs/execute", "/process_graphs/validate", "/process_graphs")
ALPS = {"left": 652000, "right": 672000, "top": 5161000, "bottom": 5181000, "srs": "EPSG:32632"}


@pytest.fixture(scope="module")
def job(demo: TestServer) -> Job:
    """A plain job: the minimum NDVI."""
    return demo.add(node("min_time", ndvi()))


@pytest.fixture(scope="module")
def timed(demo: TestServer) -> Job:
    """A job with a time axis."""
    return demo.add(ndvi())


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1, 2", b'{"process_graph": NaN}', b"\xff\xfe", b'"text"', b"[]", b"nul", b'{"a": 1e999}', b"{'a': 1}"],
)
@pytest.mark.parametrize("path", [*GRAPH_PATHS, "/services"])
def test_malformed_json(demo: TestServer, path: str, body: bytes) -> None:
    response = demo.request("POST", path, content=body, headers={"content-type": "application/json"})
    assert_json_error(demo, response, 400, 2002)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"process_graph": null}'])
@pytest.mark.parametrize("path", GRAPH_PATHS)
def test_no_graph(demo: TestServer, path: str, body: bytes) -> None:
    response = demo.request("POST", path, content=body)
    assert_json_error(demo, response, 400, 2001, "process_graph")


ARGS = "process_graph.args"
BAD_GRAPHS: list[tuple[Any, int, str]] = [
    (node("min_tmie", S2), 2101, "process_graph.process_id"),
    (node("min_time", node("NDVY", S2)), 2101, f"{ARGS}.imagery.process_id"),
    (node("/user/nothing", S2), 2101, "process_graph"),
    (node("/udf/Fortran/aggregate_time", S2), 1301, "process_graph.process_id"),
    (node("min_time", S2, speed=3), 2102, f"{ARGS}.speed"),
    (node("min_time", node("NDVI", S2, red="B04", nir="B8A", blue="B02")), 2102, f"{ARGS}.imagery.args.blue"),
    (node("min_time"), 2104, f"{ARGS}.imagery"),
    (node("filter_bbox", S2, left=1, right=2, top=3), 2104, f"{ARGS}.bottom"),
    (node("min_time", "S2_L2A_T99ZZZ"), 2103, f"{ARGS}.imagery.product_id"),
    (node("NDVI", S2, red="B99", nir="B8A"), 2103, f"{ARGS}.red"),
    (node("filter_bands", S2, bands=["B02", "B99"]), 2103, f"{ARGS}.bands"),
    (node("filter_bands", S2, bands=8), 2103, f"{ARGS}.bands"),
    (node("filter_bands", S2, bands=["B02", 3]), 2003, f"{ARGS}.bands"),
    (node("band_arithmetic", S2, expr=["B02 +"]), 2103, f"{ARGS}.expr"),
    (node("band_arithmetic", S2, expr=["__import__('os').system('true')"]), 2103, f"{ARGS}.expr"),
    (node("band_arithmetic", S2, expr=[]), 2103, f"{ARGS}.expr"),
    (node("band_arithmetic", S2, expr=["(" * 9000 + "B02" + ")" * 900]), 2103, f"{ARGS}.expr"),
    (node("filter_bbox", S2, **ALPS | {"left": "west"}), 2103, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"left": True}), 2103, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"left": None}), 2104, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"left": 1e300}), 602, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"left": 10**400}), 602, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"left": 672000}), 2103, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"srs": "EPSG:99999"}), 601, f"{ARGS}.srs"),
    (node("filter_bbox", S2, **ALPS | {"srs": "EPSG:4326"}), 602, f"{ARGS}.left"),
    (node("filter_bbox", S2, **ALPS | {"srs": 32632}), 2103, f"{ARGS}.srs"),
    (node("filter_daterange", S2, from_="tomorrow"), 2103, f"{ARGS}.from"),
    (node("filter_daterange", S2, from_="2017-02-30"), 2103, f"{ARGS}.from"),
    (node("filter_daterange", S2, from_=20170101), 2103, f"{ARGS}.from"),
    ({"process_id": "min_time", "args": {"imagery": "S2"}}, 2103, f"{ARGS}.imagery"),
    ({"process_id": "min_time", "args": []}, 2002, "process_graph.args"),
    ({"process_id": 7, "args": {}}, 2002, "process_graph.process_id"),
    ({"process_id": "min_time", "args": {"imagery": {"product_id": 5}}}, 2103, f"{ARGS}.imagery.product_id"),
    ({"process_id": "min_time", "args": {"imagery": {}}}, 2103, f"{ARGS}.imagery"),
    ({"process_id": "min_time", "args": {"imagery": {"product_id": S2}}, "more": 1}, 2002, "process_graph"),
    ([], 2002, "process_graph"),
    ("min_time", 2002, "process_graph"),
    (3, 2002, "process_graph"),
]


@pytest.mark.parametrize(("graph", "code", "locator"), BAD_GRAPHS, ids=range(len(BAD_GRAPHS)))
def test_bad_graphs_are_told_by_number_and_place(demo: TestServer, graph: Any, code: int, locator: str) -> None:
    before = len(demo.get("/jobs").json())
    for path in GRAPH_PATHS:
        response = demo.post(path, {"process_graph": graph})
        assert_json_error(demo, response, 400, code)
        assert response.json()["message"].startswith(f"{locator}: "), response.text
    assert len(demo.get("/jobs").json()) == before


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have(demo: TestServer, value: str) -> None:
    body = json.dumps({"process_graph": node("filter_bbox", S2, **ALPS)}).replace("652000", value)
    for path in GRAPH_PATHS:
        assert_json_error(demo, demo.request("POST", path, content=body), 400, 2002)


@pytest.mark.parametrize("inner", ['{"process_id":"min_time","args":{"imagery":', "[", '{"a":'])
def test_ten_thousand_nodes_inside_of_each_other(demo: TestServer, inner: str) -> None:
    close = {"[": "]", "{": "}"}[inner[0]] * inner.count("{" if inner[0] == "{" else "[")
    body = '{"process_graph":' + inner * 10_000 + f'{{"product_id":"{S2}"}}' + close * 10_000 + "}"
    for path in GRAPH_PATHS:
        response = demo.request("POST", path, content=body)
        assert_json_error(demo, response, 400, 2002, "nests deeper")


def test_a_body_without_end(demo: TestServer) -> None:
    for path in (*GRAPH_PATHS, "/services"):
        assert_json_error(demo, demo.request("POST", path, content=b" " * (1 << 21)), 400, 2002, "bytes")


def test_very_many_nodes(demo: TestServer) -> None:
    union = node("union", collection=[node("filter_daterange", S2, from_=f"2017-01-{day:05}") for day in range(9000)])
    response = demo.post("/execute", {"process_graph": union})
    assert response.status_code == 400 and demo.seconds < QUICK_S


def test_a_circle_of_stored_graphs(demo: TestServer) -> None:
    first = demo.post("/process_graphs", {"process_graph": ndvi()}).json()["process_graph_id"]
    second = demo.post("/process_graphs", {"process_graph": node(f"/user/{first}")}).json()["process_graph_id"]
    job = demo.add(node("min_time", node(f"/user/{second}")))
    assert job.coverage().status_code == 200
    closing = demo.request("PUT", f"/process_graphs/{first}", json={"process_graph": node(f"/user/{second}")})
    if closing.status_code != 204:  # refused at once
        assert_json_error(demo, closing, 400, 2002)
        return
    for path in ("/jobs", "/execute", "/process_graphs/validate"):
        response = demo.post(path, {"process_graph": node("min_time", node(f"/user/{first}"))})
        assert_json_error(demo, response, 400, 2002)
        assert response.json()["message"].startswith("/user/g-"), "the graph in which the circle closes"
    assert "circle" in assert_report(demo, job.coverage(), "2.0", 400, "NoApplicableCode", ANY)
    assert_report(demo, job.tile("WebMercatorQuad", "0", 0, 0), "1.1", 400, "NoApplicableCode", ANY)
    assert_json_error(demo, demo.post(f"/jobs/{job.id}/on_demand"), 400, 2002)
    assert demo.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities").status_code == 200
    job.stop()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/services", {"service_type": "wcs"}, 501),
        ("/services", {"job_id": "j-nothing", "service_type": "wcs"}, 501),
        ("/services", {"job_id": 5, "service_type": "wcs"}, 501),
        ("/jobs", {"process_graph": ndvi(), "output": []}, 501),
        ("/jobs", {"process_graph": ndvi(), "output": {"format": 5}}, 501),
        ("/jobs", {"process_graph": ndvi(), "output": {"format": "HDF5"}}, 3001),
        ("/jobs", {"process_graph": ndvi(), "output": {"format": "GTiff", "speed": 9}}, 3002),
        ("/jobs", {"process_graph": ndvi(), "output": {"format": "GTiff", "compress": "best"}}, 3003),
        ("/jobs", {"process_graph": ndvi(), "output": {"format": "GTiff", "jpeg_quality": "high"}}, 3003),
        ("/execute", {"process_graph": ndvi(), "output": {"format": "PNG"}}, 3001),
    ],
)  # fmt: skip
def test_bad_services_and_outputs(demo: TestServer, path: str, body: Json, code: int) -> None:
    assert_json_error(demo, demo.post(path, body), 400, code)


def test_bad_service_arguments(demo: TestServer, job: Job) -> None:
    for args in (
        {"colormap": "nothing"}, {"rescale": [1, 0]}, {"rescale": [0, "1e999"]}, {"bands": ["B77"]}, {"gamma": 0},
        {"resampling": "magic"}, {"colormap": [[1, "#12"]]}, {"rescale": {}}, {"bands": []},
        {"bands": None, "rescale": 5},
    ):  # fmt: skip
        response = demo.post("/services", {"job_id": job.id, "service_type": "wmts", "service_args": args})
        assert_json_error(demo, response, 400, 501)
    response = demo.post("/services", {"job_id": job.id, "service_type": "wxs"})
    assert_json_error(demo, response, 400, 5001)


FAR = node("min_time", node("filter_bbox", ndvi(), left=100, right=101, top=3, bottom=2))
NEVER = node("min_time", node("filter_daterange", ndvi(), from_="1999-01-01", to="1999-12-31"))
UPSIDE_DOWN = node("min_time", node("filter_daterange", ndvi(), from_="2017-12-31", to="2017-01-01"))


@pytest.mark.parametrize("graph", [FAR, NEVER, UPSIDE_DOWN], ids=["far away", "never", "upside down"])
def test_a_graph_without_observations(demo: TestServer, graph: Json) -> None:
    """It may be saved, for data may come; until then every protocol says that there is none."""
    response = demo.post("/execute", {"process_graph": graph})
    if response.json()["code"] == 2103:  # dates the wrong way round are refused at once, everywhere
        assert_json_error(demo, response, 400, 2103, "process_graph.args.imagery")
        assert_json_error(demo, demo.post("/jobs", {"process_graph": graph}), 400, 2103)
        return
    assert_json_error(demo, response, 400, 10001)
    job = demo.add(graph)
    try:
        assert_report(demo, job.coverage(), "2.0", 400, "InvalidParameterValue", "process_graph")
        tile = job.tile("WebMercatorQuad", "9", 180, 272)
        assert_report(demo, tile, "1.1", 400, "InvalidParameterValue", "process_graph")
        assert_json_error(demo, demo.get(f"/jobs/{job.id}/on_demand/result.tif"), 400, 10001)
        explained = demo.get(f"/jobs/{job.id}/explain", params={"bbox": "0,0,1,1", "crs": "EPSG:4326"})
        assert explained.status_code in (200, 400) and demo.seconds < QUICK_S
        for kind in ("wmts", "wcs"):
            listed = demo.get(f"/{kind}", params={"SERVICE": kind, "REQUEST": "GetCapabilities"})
            assert listed.status_code == 200 and job.id not in listed.text
    finally:
        job.stop()


def test_a_box_where_the_projection_has_no_place(demo: TestServer) -> None:
    """EPSG:32632 cannot hold the whole world, and a graph can ask for it."""
    world = node("min_time", node("filter_bbox", ndvi(), left=-180, right=180, top=90, bottom=-90))
    response = demo.post("/execute", {"process_graph": world})
    assert response.status_code in (200, 400) and demo.seconds < QUICK_S, response.text


@pytest.mark.parametrize("set_id", ["WebMercatorQuad", "WorldCRS84Quad", "native"])
@pytest.mark.parametrize(
    ("row", "col", "code", "locator"),
    [
        (10**6, 0, "TileOutOfRange", "TileRow"),
        (0, 10**6, "TileOutOfRange", "TileCol"),
        (-1, 0, "TileOutOfRange", "TileRow"),
        ("1.5", 0, "InvalidParameterValue", "TileRow"),
        ("NaN", 0, "InvalidParameterValue", "TileRow"),
        (0, "9" * 30, "InvalidParameterValue", "TileCol"),
    ],
)
def test_tiles_outside_of_their_matrix(
    demo: TestServer, job: Job, set_id: str, row: Any, col: Any, code: str, locator: str
) -> None:
    name = job.native_matrix().set_id if set_id == "native" else set_id
    assert_report(demo, job.tile(name, "0", row, col), "1.1", 400, code, locator)
    assert_report(demo, demo.get(f"/wmts/{job.id}/default/{name}/0/{row}/{col}.png"), "1.1", 400, code, locator)


def test_tiles_of_sets_and_matrices_that_there_are_not(demo: TestServer, job: Job, timed: Job) -> None:
    for set_id, matrix, locator in (("None", "0", "TileMatrixSet"), ("WebMercatorQuad", "99", "TileMatrix")):
        assert_report(demo, job.tile(set_id, matrix, 0, 0), "1.1", 400, "InvalidParameterValue", locator)
    for time in ("1999-01-01", "now", "2017-13-01", "/", "2017-01-05/2017-01-01"):
        answer = timed.tile("WebMercatorQuad", "0", 0, 0, TIME=time)
        assert_report(demo, answer, "1.1", 400, "InvalidParameterValue", "TIME")


def test_tiles_beside_the_data_are_empty_pictures(job: Job) -> None:
    for matrix, row, col in (("9", 10, 10), ("0", 0, 0), ("20", 0, 0), ("9", 511, 511)):
        shown = picture(job.tile("WebMercatorQuad", matrix, row, col))
        assert shown.shape == (256, 256, 4) and (matrix == "0" or not shown[..., 3].any())


@pytest.mark.parametrize(
    ("subsets", "more", "code", "locator"),
    [
        (["x(670000,660000)"], {}, "InvalidSubsetting", "x"),
        (["x(0,1000)"], {}, "InvalidSubsetting", "x"),
        (["y(0,1000)"], {}, "InvalidSubsetting", "y"),
        (["Long(100,101)", "Lat(46,47)"], {"SUBSETTINGCRS": "EPSG:4326"}, "InvalidSubsetting", "Long"),
        (["x,http://www.opengis.net/def/crs/EPSG/0/4326(16.1,16.5)"], {}, "InvalidSubsetting", "x"),
        (["z(0,1)"], {}, "InvalidAxisLabel", "z"),
        (["ansi(0,1)"], {}, "InvalidAxisLabel", "ansi"),
        (["x(660000,670000)", "x(660000,670000)"], {}, "InvalidAxisLabel", "x"),
        (["x(NaN,670000)"], {}, "InvalidSubsetting", "x"),
        (["x(660000,Infinity)"], {}, "InvalidSubsetting", "x"),
        (["x(660000,1e999)"], {}, "InvalidSubsetting", "x"),
        (["x(west,east)"], {}, "InvalidSubsetting", "x"),
        (["x(1,2,3)"], {}, "InvalidSubsetting", "subset"),
        (["x"], {}, "InvalidSubsetting", "subset"),
        (["x()"], {}, "InvalidSubsetting", "subset"),
        (["x,EPSG:99999(1,2)"], {}, "SubsettingCrs-NotSupported", "subset"),
        ([], {"SUBSETTINGCRS": "nonsense"}, "SubsettingCrs-NotSupported", "subsettingCrs"),
        ([], {"OUTPUTCRS": "EPSG:99999"}, "OutputCrs-NotSupported", "outputCrs"),
        ([], {"SCALESIZE": f"x({10**9}),y({10**9})"}, "NoApplicableCode", "scaleSize"),
        ([], {"SCALESIZE": f"x({10**300})"}, "NoApplicableCode", "scaleSize"),
        ([], {"SIZE": f"x({10**9})"}, "NoApplicableCode", "size"),
        ([], {"SCALEFACTOR": "1e9"}, "NoApplicableCode", "scaleFactor"),
        ([], {"SCALEFACTOR": "1e400"}, "InvalidScaleFactor", "scaleFactor"),
        ([], {"SCALEFACTOR": "-1"}, "InvalidScaleFactor", "scaleFactor"),
        ([], {"SCALEFACTOR": "NaN"}, "InvalidScaleFactor", "scaleFactor"),
        ([], {"SCALESIZE": "x(0)"}, "InvalidScaleFactor", "scaleSize"),
        ([], {"SCALESIZE": "x(1.5)"}, "InvalidScaleFactor", "scaleSize"),
        ([], {"SCALESIZE": "q(10)"}, "ScaleAxisUndefined", "q"),
        ([], {"SCALEEXTENT": "i(10:1)"}, "InvalidExtent", "scaleExtent"),
        ([], {"SCALEAXES": "i(1e12),j(1e12)"}, "NoApplicableCode", "scaleAxes"),
        ([], {"RANGESUBSET": "B99"}, "NoSuchField", "B99"),
        ([], {"INTERPOLATION": "magic"}, "InterpolationMethodNotSupported", "interpolation"),
    ],
)  # fmt: skip
def test_coverage_requests_that_cannot_be_met(
    demo: TestServer, job: Job, subsets: list[str], more: Json, code: str, locator: str
) -> None:
    status = 400 if code == "NoApplicableCode" else 404
    for root in (False, True):
        assert_report(demo, job.coverage(*subsets, root=root, **more), "2.0", status, code, locator)


def test_coverage_times_that_there_are_not(demo: TestServer, timed: Job) -> None:
    for subset in (
        'ansi("1999-01-01")',
        'ansi("2017-12-31","2017-01-01")',
        'ansi("1999-01-01","1999-12-31")',
        "ansi(x)",
    ):
        assert_report(demo, timed.coverage(subset), "2.0", 404, "InvalidSubsetting", "ansi")


def test_coverages_and_formats_that_there_are_not(demo: TestServer, job: Job) -> None:
    ask = {"SERVICE": "WCS", "VERSION": "2.0.1", "REQUEST": "GetCoverage", "COVERAGEID": "j-none"}
    assert_report(demo, demo.get("/wcs", params=ask), "2.0", 404, "NoSuchCoverage", None)
    assert_report(demo, job.coverage(FORMAT="image/bmp"), "2.0", 400, "InvalidParameterValue", "format")
    answer = demo.get("/wcs", params=ask | {"VERSION": "9"})
    assert_report(demo, answer, "2.0", 400, "InvalidParameterValue", "version")
    answer = demo.get("/wcs", params=ask | {"REQUEST": "GetEverything"})
    assert_report(demo, answer, "2.0", 501, "OperationNotSupported", "request")
    assert_report(demo, demo.get("/wcs"), "2.0", 400, "MissingParameterValue", "service")
    assert_report(demo, demo.get("/wmts"), "1.1", 400, "MissingParameterValue", "SERVICE")


@pytest.fixture(scope="module")
def small(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server with tight limits."""
    limits = Limits(max_pixels=30_000, max_request_mb=2)
    server = TestServer(settings(tmp_path_factory.mktemp("small"), demo_catalog, limits=limits))
    yield server
    server.close()


def test_results_over_the_limits(small: TestServer) -> None:
    graph = node("min_time", ndvi())  # 192 x 192 pixels
    answer = small.post("/execute", {"process_graph": graph})
    assert_json_error(small, answer, 413, 413, "192 x 192")
    job = small.add(graph)
    assert_json_error(small, small.get(f"/jobs/{job.id}/on_demand/result.tif"), 413, 413, "30000")
    assert_report(small, job.coverage(), "2.0", 400, "NoApplicableCode", "subset")
    assert_report(small, job.tile("WebMercatorQuad", "9", 180, 272), "1.1", 400, "NoApplicableCode")
    assert job.coverage(SCALEFACTOR="0.5").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {}, {"bbox": "1,2,3"}, {"bbox": "a,b,c,d"}, {"bbox": "0,0,NaN,1"}, {"bbox": "1,1,0,0"},
        {"bbox": "0,0,1,1", "crs": "EPSG:0"}, {"bbox": "10,46,11,47", "crs": "EPSG:4326", "width": "x"},
        {"bbox": "10,46,11,47", "crs": "EPSG:4326", "width": "-5", "height": "5"},
        {"bbox": "10,46,11,47", "crs": "EPSG:4326", "width": "999999999", "height": "999999999"},
        {"bbox": "10,46,1e999,47", "crs": "EPSG:4326", "width": "5", "height": "5"},
    ],
)  # fmt: skip
def test_bad_explanations(demo: TestServer, job: Job, query: Json) -> None:
    response = demo.get(f"/jobs/{job.id}/explain", params=query)
    if query:
        assert 400 <= response.status_code < 500 and demo.seconds < QUICK_S, response.text
        assert {"code", "message"} <= response.json().keys()
    else:
        assert response.status_code in (200, 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404), ("GET", "/jobs/j-none", 404), ("DELETE", "/jobs/j-none", 404),
        ("POST", "/jobs/j-none/on_demand", 404), ("GET", "/services/s-none", 404), ("GET", "/data/none", 404),
        ("GET", "/processes/none", 404), ("GET", "/process_graphs/none", 404), ("PUT", "/jobs", 405),
        ("GET", "/data?qgeom=POLYGON((nonsense", 400), ("GET", "/data?qstartdate=soon", 400),
        ("GET", "/jobs/%00", 404), ("GET", "/jobs/%ff%fe", 404), ("GET", "/data/" + "a" * 5000, 404),
        ("POST", "/jobs/j-none/batch", 404), ("GET", "/files/me/none", 404), ("GET", "/services/s-none/xyz/0/0/0", 404),
    ],
)  # fmt: skip
def test_names_that_there_are_not(demo: TestServer, method: str, path: str, status: int) -> None:
    response = demo.request(method, path)
    assert response.status_code == status, response.text
    assert {"code", "message"} <= response.json().keys() and demo.seconds < QUICK_S


def copied(demo_catalog: Path, folder: Path) -> Path:
    """A copy of the archive that may be changed."""
    return Path(shutil.copytree(demo_catalog.parent, folder / "archive")) / "catalog.json"


@pytest.mark.parametrize("kept", [0, 100, 0.6], ids=["empty", "head only", "cut"])
def test_a_corrupt_file_leaves_its_pixels_missing(
    demo: TestServer, demo_catalog: Path, tmp_path: Path, kept: float
) -> None:
    catalog = copied(demo_catalog, tmp_path)
    path = catalog.parent / S2 / "S2A_T32TPS_20170120" / "S2A_T32TPS_20170120_B04.tif"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    one_day = node("first_time", node("filter_daterange", ndvi(), from_="2017-01-20", to="2017-01-20"))
    with_others = node("count_time", node("filter_daterange", ndvi(), from_="2017-01-15", to="2017-01-25"))
    skipping = TestServer(settings(tmp_path / "skip", catalog))
    failing = TestServer(settings(tmp_path / "fail", catalog, sources=Sources(on_error="fail")))
    try:
        job = skipping.add(one_day)
        matrix = job.native_matrix()
        tile = picture(job.tile(matrix.set_id, matrix.matrix, 0, 0))
        found = raster(job.coverage()).values
        whole = raster(demo.post("/execute", {"process_graph": one_day})).values
        missing = np.isnan(found)
        assert missing.any() and np.array_equal(found[~missing], whole[~missing])
        assert np.array_equal(tile[:192, :192, 3] == 0, missing[0])
        assert skipping.parts.engine.statistics().unreadable > 0
        counted = raster(skipping.post("/execute", {"process_graph": with_others})).values
        assert bits(counted == 2) == bits(missing & (counted == 2)) and counted.min() >= 2
        etags = {job.coverage().headers["etag"] for _ in range(2)}
        assert len(etags) == 2, "an answer with holes must not be kept"

        job = failing.add(one_day)
        assert_report(failing, job.coverage(), "2.0", 502, "NoApplicableCode", ANY)
        assert_report(failing, job.tile(matrix.set_id, matrix.matrix, 0, 0), "1.1", 502, "NoApplicableCode", ANY)
        assert_json_error(failing, failing.post("/execute", {"process_graph": one_day}), 502, 502)
        path.write_bytes(content)
        assert np.array_equal(raster(job.coverage()).values, whole, equal_nan=True), "the file is whole again"
        assert np.array_equal(
            raster(skipping.post("/execute", {"process_graph": one_day})).values, whole, equal_nan=True
        )
    finally:
        skipping.close()
        failing.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("over_http", [False, True], ids=["folder", "http"])
def test_a_catalogue_that_is_away_and_comes_back(
    demo_catalog: Path, tmp_path: Path, port: int, over_http: bool
) -> None:
    place = f"http://127.0.0.1:{port}/catalog.json" if over_http else str(tmp_path / "archive" / "catalog.json")
    server = TestServer(settings(tmp_path / "data", place, sources=Sources(refresh_s=0.0, timeout_s=1.0)))
    graph = node("min_time", node("filter_daterange", ndvi(), from_="2017-01-20", to="2017-01-20"))
    host = contextlib.ExitStack()
    try:
        assert server.get("/data").json() == [] and server.seconds < QUICK_S
        assert_json_error(server, server.get(f"/data/{S2}"), 502, 502)
        for path in ("/jobs", "/execute"):
            assert_json_error(server, server.post(path, {"process_graph": graph}), 502, 502)
        assert "j-" not in server.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities").text

        catalog = copied(demo_catalog, tmp_path)
        if over_http:
            host.enter_context(running(StaticFiles(directory=catalog.parent), port))
        assert len(server.get("/data").json()) == 3
        job = server.add(graph)
        before = raster(job.coverage(SCALEFACTOR="0.2"))
        assert np.isfinite(before.values).any()

        host.close()
        shutil.rmtree(catalog.parent)
        for response in (job.coverage(SCALEFACTOR="0.3"), job.tile("WebMercatorQuad", "8", 90, 136)):
            assert response.status_code in (200, 502), response.text
            assert "Traceback" not in response.text
        assert server.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities").status_code == 200
    finally:
        host.close()
        server.close()
