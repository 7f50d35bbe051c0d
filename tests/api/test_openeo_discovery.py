"""What the job API says that there is, its errors, and cross-origin access."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.responses import PlainTextResponse

from ogcserver import errors
from ogcserver.cors import Cors
from ogcserver.cube import Band
from ogcserver.openeo.errors import OPENEO, lookup
from ogcserver.openeo.responses import preferred
from ogcserver.sources.base import BandInfo, CollectionInfo
from ogcserver.sources.memory import MemoryCollection
from tests.fakes import node, product
from tests.unit.jobs.servers import Server

GRAPH = node("min_time", imagery=product())
RED = BandInfo(Band("4", "float32", None, "1"), "red", "Red light", 664.5, 10.0, "uint16", 0.0001, 0.0, 0.0)
PACIFIC = ((170.0, -20.0, 180.0, -10.0), (-180.0, -20.0, -170.0, -10.0))


@pytest.fixture
def server(tmp_path: Path) -> Server:
    made = Server(tmp_path)
    span = ("2016-01-01T00:00:00Z", "2016-12-31T00:00:00Z")
    info = CollectionInfo("S2", (RED,), "Sentinel", "Words", "CC0", ("ESA", "us"), ("a",), PACIFIC, span)
    made.archive.collections["S2"] = MemoryCollection(info, [])
    return made


def test_the_root_lists_what_is_there(server: Server) -> None:
    answer = server.ask("GET", "/").json()
    assert answer["version"] == "0.3.0"
    assert {"/", "/data/{product_id}", "/jobs/{job_id}/on_demand/download", "/services"} <= set(answer["endpoints"])
    assert {"/files/{user_id}", "/files/{user_id}/{path:path}", "/auth/login"} <= set(answer["endpoints"])
    assert not any("result" in path for path in answer["endpoints"])
    assert {"rel": "related", "title": "Coverages", "href": "http://test/wcs", "type": "text/xml"} in answer["links"]


def test_every_listed_endpoint_exists(server: Server) -> None:
    for path in server.ask("GET", "/").json()["endpoints"]:
        concrete = re.sub(r"\{\w+\}", "j-0", path)
        statuses = {server.ask(method, concrete).status_code for method in ("GET", "POST", "PATCH")}
        assert not statuses & {500, 501} and statuses != {405}, path


def test_capabilities_and_the_rest(server: Server) -> None:
    assert server.ask("GET", "/capabilities/services").json() == ["wmts", "wcs"]
    formats = server.ask("GET", "/capabilities/output_formats").json()
    assert formats["default"] == "GTiff"
    assert {"tiled", "compress", "photometric", "jpeg_quality"} <= set(formats["formats"]["GTiff"])
    assert server.ask("GET", "/udf_runtimes").json() == {}
    assert server.ask("GET", "/credits").json() == 0


def test_processes_are_described(server: Server) -> None:
    names = [process["process_id"] for process in server.ask("GET", "/processes").json()]
    assert {"NDVI", "min_time", "filter_bbox"} <= set(names)
    assert [one["process_id"] for one in server.ask("GET", "/processes?qname=ndvi").json()] == ["NDVI"]
    ndvi = server.ask("GET", "/processes/NDVI").json()
    assert set(ndvi["args"]) == {"imagery", "red", "nir"}
    assert all(argument["description"] for argument in ndvi["args"].values())
    assert server.ask("GET", "/processes/nothing").json()["code"] == 404


def test_a_collection_is_described(server: Server) -> None:
    assert server.ask("GET", "/data/S2").json() == {
        "product_id": "S2", "description": "Words", "source": "ESA, us", "title": "Sentinel", "license": "CC0",
        "keywords": ["a"], "time": {"from": "2016-01-01T00:00:00Z", "to": "2016-12-31T00:00:00Z"},
        "extent": {"srs": "EPSG:4326", "left": 170.0, "right": 190.0, "bottom": -20.0, "top": -10.0},
        "bands": [{
            "band_id": "4", "name": "red", "description": "Red light", "wavelength_nm": 664.5, "res_m": 10.0,
            "unit": "1", "scale": 0.0001, "offset": 0.0, "type": "uint16", "nodata": [0.0],
        }],
    }  # fmt: skip
    assert server.ask("GET", "/data/utm").json()["bands"][0]["type"] == "float64"
    assert server.ask("GET", "/data/nothing").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["utm", "S2"]),
        ("qname=sent", ["S2"]),
        ("qname=s2", ["S2"]),
        ("qgeom=POLYGON((179 -15,179.5 -15,179.5 -14,179 -15))", ["utm", "S2"]),
        ("qgeom=POLYGON((10 47,11 47,11 48,10 47))", ["utm"]),
        ("qstartdate=2017-01-01", ["utm"]),
        ("qstartdate=2016-12-31&qenddate=2016-12-31", ["utm", "S2"]),
        ("qenddate=2015-12-31", ["utm"]),
        ("qenddate=2016-01-01", ["utm", "S2"]),
    ],
)
def test_collections_are_found(server: Server, query: str, found: list[str]) -> None:
    assert [one["product_id"] for one in server.ask("GET", f"/data?{query}").json()] == found


@pytest.mark.parametrize(
    "query", ["qgeom=here", "qgeom=POLYGON EMPTY", "qgeom=POINT(nan 1)", "qstartdate=monday", "qenddate=9999-12-32"]
)
def test_bad_queries_are_refused(server: Server, query: str) -> None:
    answer = server.ask("GET", f"/data?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, 501)
    assert answer.json()["message"].startswith(query.partition("=")[0])


def test_graphs_are_validated(server: Server) -> None:
    for body in (GRAPH, {"process_graph": GRAPH}):
        answer = server.ask("POST", "/process_graphs/validate", body)
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("graph", "code", "path"),
    [
        (None, 2001, "process_graph"),
        ([], 2002, "process_graph"),
        ({"process_id": 1, "args": {}}, 2002, "process_graph.process_id"),
        (node("min_time", imagery=node("nonsense")), 2101, "process_graph.args.imagery.process_id"),
        (node("min_time", imagery=product(), size=1), 2102, "process_graph.args.size"),
        (node("min_time", imagery=product("nothing")), 2103, "process_graph.args.imagery.product_id"),
        (node("NDVI", imagery=product(), red="q", nir="x"), 2103, "process_graph.args.red"),
        (node("min_time"), 2104, "process_graph.args.imagery"),
        (node("filter_bands", imagery=product(), bands=["x", True]), 2003, "process_graph.args.bands"),
    ],
)
def test_bad_graphs_get_a_code_and_the_path_of_the_node(server: Server, graph: Any, code: int, path: str) -> None:
    for where in ("/jobs", "/execute", "/process_graphs/validate", "/process_graphs"):
        answer = server.ask("POST", where, {"process_graph": graph})
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
        assert answer.json()["message"].startswith(f"{path}: "), answer.text
    assert server.ask("GET", "/jobs").json() == []


DEEP = b'{"process_graph":' + b'{"process_id":"NDVI","args":{"imagery":' * 10_000 + b"{}" + b"}}" * 10_000 + b"}"
NESTED = b'{"process_graph":' + b"[" * 9_000 + b"]" * 9_000 + b"}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 2002), (b"[]", 2002), (b"5", 2002), (b"\xff", 2002), (b'{"process_graph": NaN}', 2002),
        (b'{"process_graph": 1e999}', 2002), (DEEP, 2002), (NESTED, 2002), (b" " * 30_000, 2002), (b"", 2001),
    ],
    ids=str,
)  # fmt: skip
def test_bad_bodies_are_refused(server: Server, body: bytes, code: int) -> None:
    answer = server.ask("POST", "/jobs", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_a_stream_is_read_no_further_than_the_limit(server: Server) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 10_000_000:
            sent += 1000
            yield b" " * 1000

    answer = server.talk(lambda client: client.post("/jobs", content=endless()))
    assert (answer.status_code, answer.json()["code"]) == (400, 2002)


def test_texts_that_no_database_takes_are_refused(server: Server) -> None:
    for title in (b"\\ud800", b"\\u0000"):
        answer = server.ask("POST", "/jobs", b'{"process_graph":{"product_id":"utm"},"title":"' + title + b'"}')
        assert (answer.status_code, answer.json()["code"]) == (400, 501)
    odd = server.ask("POST", "/jobs", b'{"process_graph":{"process_id":"\\ud800","args":{}}}')
    assert (odd.status_code, odd.json()["code"]) == (400, 2101)


def test_unknown_paths_and_methods_answer_in_json(server: Server) -> None:
    missing = server.ask("GET", "/nothing/here")
    assert (missing.status_code, missing.json()["code"]) == (404, 404)
    wrong = server.ask("PUT", "/jobs")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, 405, "GET, POST, HEAD")
    assert server.ask("HEAD", "/jobs").status_code == 200


def test_an_unforeseen_failure_shows_a_number_only(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def failing(graph: object, user: str) -> Any:
        raise ZeroDivisionError("secret")

    object.__setattr__(server.backend, "compile_graph", failing)
    answer = server.ask("POST", "/jobs", {"process_graph": GRAPH})
    assert (answer.status_code, answer.json()["code"]) == (500, 500)
    incident = answer.json()["message"].split()[-1]
    assert "secret" not in answer.text and incident in caplog.text and "secret" in caplog.text


def test_codes_are_the_api_s_or_our_own() -> None:
    published = {
        501, 601, 602, 1301, 1302, 507, 1401, 1410, 1411, 1412, 1413, 2001, 2002, 2003, 2101, 2102, 2103, 2104, 406,
        423, 410, 428, 3001, 3002, 3003, 4001, 4002, 4003, 5001,
    }  # fmt: skip
    for cause, (code, status) in OPENEO.items():
        assert 400 <= status < 600
        assert code in published or code > 10_000 or code == status, cause


def test_every_failure_has_a_code_and_no_fault_of_the_caller_is_ours() -> None:
    causes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.OgcServerError)]
    for cause in causes:
        status = lookup(cause("text"))[1]
        assert (status < 500 or status in (501, 507)) == issubclass(cause, errors.RequestError), cause


def test_a_full_queue_says_when_to_come_back(server: Server) -> None:
    async def full(*_: Any) -> Any:
        raise errors.Overloaded("full")

    object.__setattr__(server.engine, "render", full)
    answer = server.ask("POST", "/execute", {"process_graph": GRAPH})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 503, "5")


ORIGIN = {"origin": "https://editor.example.org"}


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/j-1", "/wmts", "/nothing"])
def test_options_are_answered_everywhere(server: Server, path: str) -> None:
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}
    answer = server.ask("OPTIONS", path, headers={**ORIGIN, **asked})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"Authorization", "Content-Type", "Range"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert int(answer.headers["access-control-max-age"]) > 0
    assert server.ask("OPTIONS", path).status_code == 204


@pytest.mark.parametrize("path", ["/jobs", "/jobs/j-1", "/nothing", "/jobs/j-1/batch"])
def test_every_answer_echoes_the_origin(server: Server, path: str) -> None:
    answer = server.ask("GET", path, headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    wanted = ("Location", "OpenEO-Identifier", "OpenEO-Costs", "Link", "Content-Range", "Accept-Ranges", "ETag")
    assert set(wanted) <= set(exposed)
    assert "Origin" in answer.headers["vary"]
    plain = server.ask("GET", path)
    assert not any(name.startswith("access-control") for name in plain.headers)
    assert "Origin" in plain.headers["vary"]


def test_vary_is_extended(server: Server) -> None:
    server.app = Cors(PlainTextResponse("", headers={"vary": "Accept"}))
    assert server.ask("GET", "/").headers["vary"] == "Accept, Origin"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "a/json"), ("*/*", "a/json"), ("t/plain", "t/plain"), ("t/*", "t/plain"),
        ("a/json;q=0.1, t/plain", "t/plain"), ("t/plain;q=0, */*", "a/json"), ("t/plain;q=x", "a/json"),
        ("image/png", "a/json"), ("*/*, t/plain;q=0.5", "a/json"),
    ],
)  # fmt: skip
def test_the_media_type_that_the_client_prefers_is_chosen(accept: str, chosen: str) -> None:
    assert preferred(accept, ("a/json", "t/plain")) == chosen


def test_numbers_that_json_lacks_stay_out(server: Server) -> None:
    odd = BandInfo(Band("q", "float32", float("nan")), nodata=float("nan"))
    server.archive.collections["odd"] = MemoryCollection(CollectionInfo("odd", (odd,)), [])
    assert "nodata" not in server.ask("GET", "/data/odd").json()["bands"][0]
    assert np.isnan(odd.nodata or 0)
