"""The API text, word by word: the request bodies of its jobs.md, and the steps of its first use case."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from tests.e2e.harness import SHARED, Job, Json, TestServer, assert_json_error, assert_report, bits, node, raster
from tests.e2e.harness import settings as settings_of

FIRST = node(
    "min_time",
    node(
        "NDVI",
        node(
            "filter_daterange",
            node(
                "filter_bbox", "S2_L2A_T32TPS_20M", left=652000, right=672000, top=5161000, bottom=5181000,
                srs="EPSG:32632",
            ),
            from_="2017-01-01", to="2017-01-31",
        ),
        red="B04", nir="B8A",
    ),
)  # fmt: skip
"""The graph of the text's first example."""


@pytest.fixture(scope="module")
def bodies() -> list[Json]:
    """The JSON bodies of the requests in the text, in its order."""
    text = SHARED / "api-0.3" / "jobs.md"
    if not text.exists():
        pytest.skip(f"the API text ({text}) is not here")
    return [json.loads(body) for body in re.findall(r"^Body:\n(\{.*?^\})", text.read_text(), re.DOTALL | re.MULTILINE)]


def check_georeference(file: Any) -> None:
    assert file.crs.to_epsg() == 32632
    assert file.shape == (1000, 1000)
    assert file.origin == (652000, 5181000)
    assert (file.transform.a, file.transform.e) == (20, -20)


def test_the_first_body_is_the_graph_that_is_tested_here(bodies: list[Json]) -> None:
    assert len(bodies) == 2
    assert bodies[0]["process_graph"] == FIRST


@pytest.mark.parametrize("path", ["/execute", "/jobs/execute"])
def test_the_first_body_answers_a_jpeg_in_a_geotiff(full: TestServer, bodies: list[Json], path: str) -> None:
    response = full.post(path, bodies[0])
    assert response.headers["content-type"] == "image/tiff"
    file = raster(response)
    check_georeference(file)
    assert file.values.shape == (3, 1000, 1000) and file.values.dtype == np.uint8
    assert file.tags["compression"].value == "JPEG" and file.tags["photometric"].value == "YCbCr"
    assert all(height < 1000 and width < 1000 for height, width in file.tags["blocks"])
    assert set(np.unique(file.mask)) <= {0, 255}
    exact = raster(full.post(path, {"process_graph": bodies[0]["process_graph"]}))
    check_georeference(exact)
    assert exact.values.dtype == np.float32
    assert np.array_equal(file.mask > 0, np.isfinite(exact.values[0]))
    assert len(set(file.tags["scales"])) == len(set(file.tags["offsets"])) == 1
    recovered = file.values * file.tags["scales"][0] + file.tags["offsets"][0]
    missed = np.abs(recovered - exact.values)[:, file.mask > 0]
    assert np.median(missed) < 3 * file.tags["scales"][0], "JPEG at quality 80 keeps most values to a few steps"


def test_swapped_edges_are_put_right(full: TestServer) -> None:
    straight = copy.deepcopy(FIRST)
    box = straight["args"]["imagery"]["args"]["imagery"]["args"]["imagery"]["args"]
    box["top"], box["bottom"], box["left"], box["right"] = 5181000, 5161000, 672000, 652000
    answers = [full.post("/execute", {"process_graph": graph}) for graph in (FIRST, straight)]
    assert answers[0].content == answers[1].content


def test_the_first_body_makes_a_job_whose_download_is_the_same_file(full: TestServer, bodies: list[Json]) -> None:
    created = full.post("/jobs", bodies[0])
    assert created.status_code == 200, created.text
    job_id = created.json()["job_id"]
    assert full.post(f"/jobs/{job_id}/on_demand").status_code == 204
    (link,) = full.get(f"/jobs/{job_id}/on_demand/download").json()
    assert full.get(link).content == full.post("/execute", bodies[0]).content
    full.delete(f"/jobs/{job_id}")


def test_the_second_body_is_refused_as_long_as_the_user_has_no_regions(demo: TestServer, bodies: list[Json]) -> None:
    for path in ("/execute", "/jobs/execute", "/jobs"):
        response = demo.post(path, bodies[1])
        assert_json_error(demo, response, 400, 2103, "process_graph.args.regions")


def test_the_second_body_s_imagery_is_band_8(demo: TestServer, bodies: list[Json]) -> None:
    imagery = bodies[1]["process_graph"]["args"]["imagery"]
    spelled = copy.deepcopy(imagery)
    spelled["args"]["imagery"]["args"]["imagery"]["args"]["bands"] = "8"
    number, text = (raster(demo.post("/execute", {"process_graph": node("first_time", g)})) for g in (imagery, spelled))
    assert number.tags["descriptions"] == ("8",)
    assert np.isfinite(number.values).any() and bits(number.values) == bits(text.values)


def use_case_1(server: TestServer, collection: str, red: str, nir: str) -> Job:
    """The steps of the text's first use case up to the service."""
    assert server.get(f"/data/{collection}").json()["product_id"] == collection
    for process in ("filter_bbox", "filter_daterange", "NDVI", "min_time"):
        assert server.get(f"/processes/{process}").status_code == 200
    box = node("filter_bbox", collection, left=16.1, right=16.6, top=48.6, bottom=47.2, srs="EPSG:4326")
    graph = node(
        "min_time", node("NDVI", node("filter_daterange", box, from_="2017-01-01", to="2017-01-31"), red=red, nir=nir)
    )
    job = server.post("/jobs", {"process_graph": graph}).json()
    assert (job["mode"], job["status"]) == ("none", "submitted")
    assert server.post(f"/jobs/{job['job_id']}/on_demand").status_code == 204
    assert server.get(f"/jobs/{job['job_id']}").json()["mode"] == "on_demand"
    services = {}
    for kind in ("wcs", "wmts"):
        body = {"job_id": job["job_id"], "service_type": kind, "service_args": {"VERSION": "2.0.1"}}
        service = server.post("/services", body).json()
        assert service["service_url"].endswith(f"/{service['service_id']}/{kind}")
        services[kind] = service["service_url"].removeprefix("http://test")
    return Job(server, job["job_id"], services)


CRS_URI = "http://www.opengis.net/def/crs/EPSG/0/4326"


def test_the_first_use_case_with_its_spelling_of_a_coverage_request(demo: TestServer) -> None:
    job = use_case_1(demo, "Sentinel2-L1C", "4", "8")
    capabilities = demo.get(job.services["wcs"], params={"SERVICE": "WCS", "REQUEST": "GetCapabilities"})
    assert job.id in capabilities.text
    query = (
        f"SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID={job.id}&FORMAT=image/tiff"
        f"&SUBSET=x,{CRS_URI}(16.1,16.5)&SUBSET=y,{CRS_URI}(47.8,48.4)&SIZE=x(200)&SIZE=y(200)"
    )
    asked = raster(demo.get(f"{job.services['wcs']}?{query}"))
    assert asked.shape == (200, 200)
    assert np.isfinite(asked.values).mean() > 0.5
    more = {"SUBSETTINGCRS": CRS_URI, "OUTPUTCRS": f"EPSG:{asked.crs.to_epsg()}", "SCALESIZE": "i(200),j(200)"}
    standard = raster(job.coverage("Long(16.1,16.5)", "Lat(47.8,48.4)", **more))
    assert np.array_equal(asked.values, standard.values, equal_nan=True) and asked.transform == standard.transform
    # the box of longitudes and latitudes lies inside of what is delivered in the job's own CRS
    there = Transformer.from_crs(4326, asked.crs.to_epsg(), always_xy=True).transform_bounds(16.1, 47.8, 16.5, 48.4, 51)
    left, top = asked.origin
    cell = job.grid().dx
    assert left == pytest.approx(there[0], abs=1.1 * cell) and top == pytest.approx(there[3], abs=1.1 * cell)
    assert left + 200 * asked.transform.a == pytest.approx(there[2], abs=1.1 * cell)
    assert top + 200 * asked.transform.e == pytest.approx(there[1], abs=1.1 * cell)


@pytest.mark.parametrize("how", ["stopped", "deleted"])
def test_a_job_that_was_stopped_answers_no_more(demo: TestServer, how: str) -> None:
    job = use_case_1(demo, "Sentinel2-L1C", "4", "8")
    other = TestServer(demo.settings)
    try:
        at_other = Job(other, job.id, job.services)
        matrix = job.native_matrix()
        places = [(one, root) for one in (job, at_other) for root in (False, True)]
        etags = {}
        for one, root in places:  # all caches are warm
            tile = one.tile(matrix.set_id, matrix.matrix, 0, 0, root=root)
            coverage = one.coverage(root=root, SCALEFACTOR="0.5")
            assert (tile.status_code, coverage.status_code) == (200, 200)
            etags[root] = tile.headers["etag"], coverage.headers["etag"]
            known = {"headers": {"if-none-match": tile.headers["etag"]}}
            assert one.tile(matrix.set_id, matrix.matrix, 0, 0, root=root, **known).status_code == 304
        if how == "stopped":
            job.stop()
            assert demo.get(f"/jobs/{job.id}").json()["mode"] == "none"
        else:
            assert demo.delete(f"/jobs/{job.id}").status_code == 204
        for one, root in places:
            for headers in ({}, {"if-none-match": etags[root][0]}, {"if-none-match": "*"}):
                tile = one.tile(matrix.set_id, matrix.matrix, 0, 0, root=root, headers=headers)
                status, code, locator = (
                    (400, "InvalidParameterValue", "LAYER") if root else (404, "NoApplicableCode", None)
                )
                assert_report(one.server, tile, "1.1", status, code, locator)
                path = f"{job.services['wmts'] if not root else '/wmts'}/{job.id}/default/WebMercatorQuad/9/178/279.png"
                assert one.server.get(path, headers=headers).status_code == status
            code = "NoSuchCoverage" if root else "NoApplicableCode"
            coverage = one.coverage(root=root, SCALEFACTOR="0.5")
            assert (coverage.status_code, code in coverage.text) == (404, True), coverage.text
        for one in (demo, other):
            for kind in ("wmts", "wcs"):
                listed = one.get(f"/{kind}", params={"SERVICE": kind, "REQUEST": "GetCapabilities"})
                assert listed.status_code == 200 and job.id not in listed.text
            assert job.id not in one.get("/map/layers.json").text
            download = one.get(f"/jobs/{job.id}/on_demand/download")
            assert download.status_code == (400 if how == "stopped" else 404)
    finally:
        other.close()


def test_a_job_that_starts_again_serves_again(demo: TestServer) -> None:
    job = use_case_1(demo, "Sentinel2-L1C", "4", "8")
    before = job.coverage().content
    job.stop()
    assert job.coverage().status_code == 404
    assert demo.post(f"/jobs/{job.id}/on_demand").status_code == 204
    assert job.coverage().content == before


def test_jobs_and_services_outlive_the_server(demo_catalog: Path, tmp_path: Path) -> None:
    first = TestServer(settings_of(tmp_path, demo_catalog))
    job = use_case_1(first, "Sentinel2-L1C", "4", "8")
    stored = first.post("/process_graphs", {"process_graph": FIRST}).json()["process_graph_id"]
    listings = [first.get(path).json() for path in ("/jobs", "/services", f"/process_graphs/{stored}")]
    tile, coverage = job.tile("WebMercatorQuad", "9", 178, 279), job.coverage()
    first.close()
    second = TestServer(settings_of(tmp_path, demo_catalog))
    try:
        again = Job(second, job.id, job.services)
        assert [second.get(path).json() for path in ("/jobs", "/services", f"/process_graphs/{stored}")] == listings
        tile2, coverage2 = again.tile("WebMercatorQuad", "9", 178, 279), again.coverage()
        assert (tile2.content, coverage2.content) == (tile.content, coverage.content)
        assert (tile2.headers["etag"], coverage2.headers["etag"]) == (tile.headers["etag"], coverage.headers["etag"])
    finally:
        second.close()
