"""Cross-origin access as the API text wants it, on every kind of endpoint and on errors."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Job, TestServer, ndvi, node

ORIGIN = "https://client.example:8443"


@pytest.fixture(scope="module")
def job(demo: TestServer) -> Job:
    return demo.add(node("min_time", ndvi()))


ENDPOINTS = (
    ("GET", "/", 200), ("GET", "/capabilities/services", 200), ("GET", "/capabilities/output_formats", 200),
    ("GET", "/data", 200), ("GET", "/data/Sentinel2-L1C", 200), ("GET", "/processes", 200), ("GET", "/jobs", 200),
    ("GET", "/jobs/{job}", 200), ("GET", "/jobs/{job}/on_demand/download", 200), ("GET", "/services", 200),
    ("GET", "/jobs/{job}/on_demand/result.tif", 200), ("GET", "/jobs/{job}/explain", None), ("GET", "/credits", 200),
    ("GET", "/jobs/j-none", 404), ("GET", "/nothing", 404), ("PUT", "/jobs", 405), ("POST", "/jobs", 400),
    ("POST", "/execute", 400), ("POST", "/jobs/{job}/on_demand", 204), ("GET", "/files/me", 200),
    ("GET", "/map", 200), ("GET", "/map/layers.json", 200), ("GET", "/map/leaflet/leaflet.js", 200),
    ("GET", "/map/leaflet/none.js", 404),
    ("GET", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", 200), ("GET", "/wmts", 400), ("POST", "/wmts", 400),
    ("GET", "/wmts/{job}/default/WebMercatorQuad/9/180/272.png", 200),
    ("GET", "/wmts/{job}/default/WebMercatorQuad/9/180/99999.png", 400), ("GET", "/wmts/nothing", 404),
    ("GET", "{wmts}?SERVICE=WMTS&REQUEST=GetCapabilities", 200),
    ("GET", "/services/s-none/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", 404),
    ("GET", "/wcs?SERVICE=WCS&REQUEST=GetCapabilities", 200), ("GET", "/wcs", 400), ("DELETE", "/wcs", 405),
    ("GET", "{wcs}?SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID={job}", 200),
    ("GET", "{wcs}?SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID=none", 404),
    ("GET", "/services/s-none/xyz/0/0/0", 404), ("HEAD", "/jobs", 200),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ENDPOINTS)
def test_answers_and_errors_can_be_read_from_anywhere(
    demo: TestServer, job: Job, method: str, path: str, status: int | None
) -> None:
    path = path.format(job=job.id, **job.services)
    response = demo.request(method, path, headers={"Origin": ORIGIN})
    assert status is None or response.status_code == status, response.text
    assert response.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in response.headers["vary"]
    exposed = {name.strip() for name in response.headers["access-control-expose-headers"].split(",")}
    assert {"Location", "OpenEO-Identifier"} <= exposed

    silent = demo.request(method, path)
    assert silent.status_code == response.status_code
    assert not [name for name in silent.headers if name.startswith("access-control-")]

    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = demo.request("OPTIONS", path, headers={"Origin": ORIGIN, **asked})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert preflight.headers["access-control-allow-credentials"] == "true"
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    methods = {name.strip() for name in preflight.headers["access-control-allow-methods"].split(",")}
    assert {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} <= methods
    assert demo.request("OPTIONS", path).status_code == 204


def test_a_known_tile_is_readable_from_anywhere_too(demo: TestServer, job: Job) -> None:
    path = f"/wmts/{job.id}/default/WebMercatorQuad/9/180/272.png"
    etag = demo.get(path).headers["etag"]
    response = demo.get(path, headers={"If-None-Match": etag, "Origin": ORIGIN})
    assert response.status_code == 304
    assert response.headers["access-control-allow-origin"] == ORIGIN
