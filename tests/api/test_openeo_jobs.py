"""Jobs, their on-demand mode, and services, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.fakes import node, product
from tests.unit.jobs.servers import Server

GRAPH = node("min_time", imagery=product())
OTHER = node("max_time", imagery=product())


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def service(server: Server, job_id: str, **more: Any) -> dict[str, Any]:
    answer = server.ask("POST", "/services", {"job_id": job_id, "service_type": "wmts", **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_job_is_created_listed_and_read(server: Server) -> None:
    body = {"process_graph": GRAPH, "output": {"format": "PNG"}, "title": "One", "plan": None, "budget": None, "x": [1]}
    answer = server.ask("POST", "/jobs", body)
    assert answer.status_code == 200
    job = answer.json()
    assert {key: job[key] for key in ("mode", "status", "user_id", "consumed_credits", "title")} == {
        "mode": "none", "status": "submitted", "user_id": "me", "consumed_credits": 0, "title": "One",
    }  # fmt: skip
    assert answer.headers["location"] == f"http://test/jobs/{job['job_id']}"
    assert answer.headers["openeo-identifier"] == job["job_id"]
    assert server.ask("GET", "/jobs").json() == [job]
    detail = server.ask("GET", f"/jobs/{job['job_id']}").json()
    assert detail == {**job, "process_graph": GRAPH, "output": {"format": "PNG"}}


def test_a_job_without_output_has_none(server: Server) -> None:
    assert "output" not in server.ask("GET", f"/jobs/{server.job(GRAPH, output=None, title=None)}").json()


def test_jobs_and_services_survive_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    job_id = server.job(GRAPH)
    made = service(server, job_id)
    again = Server(tmp_path)
    assert again.ask("GET", "/jobs").json() == server.ask("GET", "/jobs").json()
    assert again.ask("GET", f"/services/{made['service_id']}").json() == made


def test_changing_a_job_keeps_its_identifier_and_mode(server: Server) -> None:
    job_id = server.job(GRAPH, title="One")
    server.ask("POST", f"/jobs/{job_id}/on_demand")
    before = server.ask("GET", f"/jobs/{job_id}").json()
    answer = server.ask("PATCH", f"/jobs/{job_id}", {"process_graph": OTHER, "output": {"format": "COG"}})
    assert (answer.status_code, answer.content) == (204, b"")
    after = server.ask("GET", f"/jobs/{job_id}").json()
    assert after["updated"] > before["updated"]
    changed = {"process_graph": OTHER, "output": {"format": "COG"}, "updated": after["updated"]}
    assert after == {**before, **changed}
    assert after["mode"] == "on_demand"


def test_a_bad_change_changes_nothing(server: Server) -> None:
    job_id = server.job(GRAPH, output={"format": "GTiff", "predictor": 3})
    before = server.ask("GET", f"/jobs/{job_id}").json()
    for body, code in (
        ({"process_graph": node("nonsense")}, 2101),
        ({"output": {"format": "XYZ"}}, 3001),
        ({"title": 5}, 501),
    ):
        answer = server.ask("PATCH", f"/jobs/{job_id}", body)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert server.ask("PATCH", f"/jobs/{job_id}", {}).status_code == 204
    assert server.ask("GET", f"/jobs/{job_id}").json() == before


def test_deleting_a_job_deletes_its_services(server: Server) -> None:
    job_id = server.job(GRAPH)
    made = service(server, job_id)
    assert server.ask("DELETE", f"/jobs/{job_id}").status_code == 204
    for path in (f"/jobs/{job_id}", f"/services/{made['service_id']}"):
        assert server.ask("GET", path).status_code == 404
    assert server.ask("DELETE", f"/jobs/{job_id}").status_code == 404


def test_on_demand_mode_is_entered_and_left(server: Server) -> None:
    job_id = server.job(GRAPH)

    def state() -> tuple[str, str]:
        job = server.ask("GET", f"/jobs/{job_id}").json()
        return job["mode"], job["status"]

    for _ in range(2):
        assert server.ask("POST", f"/jobs/{job_id}/on_demand").status_code == 204
        assert state() == ("on_demand", "running")
    for _ in range(2):
        assert server.ask("DELETE", f"/jobs/{job_id}/on_demand").status_code == 204
        assert state() == ("none", "submitted")


def test_batch_jobs_are_not_started_on_demand(server: Server) -> None:
    job_id = server.job(GRAPH)
    server.store.set_mode(job_id, "batch", "running")
    for method in ("POST", "DELETE"):
        answer = server.ask(method, f"/jobs/{job_id}/on_demand")
        assert (answer.status_code, answer.json()["code"]) == (400, 428)


def test_a_job_whose_collection_has_gone_is_not_started(server: Server) -> None:
    job_id = server.job(GRAPH)
    server.archive.collections.clear()
    assert server.ask("POST", f"/jobs/{job_id}/on_demand").json()["code"] == 2103
    assert server.ask("GET", f"/jobs/{job_id}").json()["mode"] == "none"


def test_download_links_are_json_or_metalink(server: Server) -> None:
    job_id = server.job(GRAPH, output={"format": "PNG"})
    path = f"/jobs/{job_id}/on_demand/download"
    assert server.ask("GET", path).json()["code"] == 428
    server.ask("POST", f"/jobs/{job_id}/on_demand")
    link = f"http://test/jobs/{job_id}/on_demand/result.png"
    assert server.ask("GET", path).json() == [link]
    answer = server.ask("GET", path, headers={"accept": "application/metalink4+xml, */*;q=0.5"})
    assert answer.headers["content-type"] == "application/metalink4+xml"
    spaces = {"m": "urn:ietf:params:xml:ns:metalink"}
    document = etree.fromstring(answer.content)
    assert document.xpath("/m:metalink/m:file[@name='result.png']/m:url/text()", namespaces=spaces) == [link]


def test_links_go_to_the_public_address(tmp_path: Path) -> None:
    server = Server(tmp_path, public_url="https://maps.example.org/eo/")
    job_id = server.job(GRAPH)
    server.ask("POST", f"/jobs/{job_id}/on_demand")
    links = server.ask("GET", f"/jobs/{job_id}/on_demand/download").json()
    assert links == [f"https://maps.example.org/eo/jobs/{job_id}/on_demand/result.tif"]
    assert service(server, job_id)["service_url"].startswith("https://maps.example.org/eo/services/s-")


def test_a_plan_is_explained_as_json_or_text(server: Server) -> None:
    job_id = server.job(GRAPH)
    path = f"/jobs/{job_id}/explain?bbox=600000,5190000,602000,5192000&crs=EPSG:32632&width=100&height=100"
    answer = server.ask("GET", path).json()
    assert (len(answer["nodes"]), answer["observations"]) == (2, 3)
    text = server.ask("GET", path, headers={"accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert "Load" in text.text
    whole = server.ask("GET", f"/jobs/{job_id}/explain").json()
    assert whole["bytes_to_read"] > answer["bytes_to_read"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("bbox=1,2,3&width=1&height=1", 501),
        ("bbox=a,b,c,d&width=1&height=1", 501),
        ("bbox=nan,0,1,1&width=1&height=1", 501),
        ("bbox=3,0,1,1&width=1&height=1", 501),
        ("bbox=0,0,1,1&width=0&height=1", 501),
        ("bbox=0,0,1,1&width=-5&height=1", 501),
        ("bbox=0,0,1,1&width=1e3&height=1", 501),
        ("bbox=0,0,1,1&width=10", 501),
        ("bbox=0,0,1,1&width=1&height=1&crs=EPSG:0", 601),
        ("bbox=0,0,1,1&width=999999999&height=999999999", 413),
    ],
)
def test_bad_views_are_not_explained(server: Server, query: str, code: int) -> None:
    answer = server.ask("GET", f"/jobs/{server.job(GRAPH)}/explain?{query}")
    assert answer.status_code in (400, 413) and answer.json()["code"] == code, answer.text


def test_services_are_created_read_and_listed(server: Server) -> None:
    job_id = server.job(GRAPH)
    made = service(server, job_id, service_args={"colormap": "viridis"})
    assert made["service_url"] == f"http://test/services/{made['service_id']}/wmts"
    assert (made["service_type"], made["service_args"], made["job_id"]) == ("wmts", {"colormap": "viridis"}, job_id)
    assert server.ask("GET", f"/services/{made['service_id']}").json() == made
    assert server.ask("GET", "/services").json() == [made]
    assert server.ask("DELETE", f"/services/{made['service_id']}").status_code == 204
    assert server.ask("GET", "/services").json() == []


def test_older_clients_say_type_and_args(server: Server) -> None:
    body = {"job_id": server.job(GRAPH), "type": "WCS", "args": {"VERSION": "2.0.1"}}
    made = server.ask("POST", "/services", body).json()
    assert (made["service_type"], made["service_args"]) == ("wcs", {"VERSION": "2.0.1"})


def test_the_arguments_of_a_service_change(server: Server) -> None:
    made = service(server, server.job(GRAPH))
    path = f"/services/{made['service_id']}"
    body = {"job_id": made["job_id"], "type": "wmts", "service_args": {"colormap": "magma"}}
    assert server.ask("PATCH", path, body).status_code == 204
    assert server.ask("GET", path).json() == {**made, "service_args": {"colormap": "magma"}}
    for bad in ({"service_type": "wcs"}, {"job_id": "j-0"}, {"service_args": {"colormap": "nonsense"}}):
        assert server.ask("PATCH", path, bad).json()["code"] == 501
    assert server.ask("GET", path).json()["service_args"] == {"colormap": "magma"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"service_type": "wmts"}, 501),
        ({"job_id": "JOB"}, 501),
        ({"job_id": "j-0", "service_type": "wmts"}, 501),
        ({"job_id": "j-\x00", "service_type": "wmts"}, 501),
        ({"job_id": "JOB", "service_type": "ftp"}, 5001),
        ({"job_id": "JOB", "service_type": 5}, 501),
        ({"job_id": "JOB", "service_type": "wmts", "service_args": [1]}, 501),
        ({"job_id": "JOB", "service_type": "wmts", "service_args": {"bands": "q"}}, 501),
        ({"job_id": "JOB", "service_type": "wcs", "service_args": {"resampling": "best"}}, 501),
        ({"job_id": "JOB", "service_type": "wmts", "service_args": {"styles": {"a b": {}}}}, 501),
        ({"job_id": "JOB", "service_type": "wmts", "service_args": {"styles": {"a": {"gamma": 0}}}}, 501),
        ({"job_id": "JOB", "service_type": "wmts", "service_args": {"sld": "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}}, 501),
    ],
)
def test_bad_services_are_refused(server: Server, body: dict[str, Any], code: int) -> None:
    job_id = server.job(GRAPH)
    answer = server.ask("POST", "/services", {key: job_id if value == "JOB" else value for key, value in body.items()})
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_stored_graphs_are_kept_and_used(server: Server) -> None:
    made = server.ask("POST", "/process_graphs", GRAPH)
    name = made.json()["process_graph_id"]
    assert made.headers["location"] == f"http://test/process_graphs/{name}"
    assert server.ask("GET", "/process_graphs").json() == [name]
    assert server.ask("GET", f"/process_graphs/{name}").json() == GRAPH
    server.job({"process_id": f"/user/{name}", "args": {}})
    server.job(node("process_graph", imagery=product(), uri=f"/process_graphs/{name}"))
    assert server.ask("PUT", f"/process_graphs/{name}", {"process_graph": OTHER}).status_code == 204
    assert server.ask("GET", f"/process_graphs/{name}").json() == OTHER
    assert server.ask("DELETE", f"/process_graphs/{name}").status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", GRAPH)):
        answer = server.ask(method, f"/process_graphs/{name}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, 404)
    unknown = server.ask("POST", "/jobs", {"process_graph": {"process_id": f"/user/{name}", "args": {}}})
    assert (unknown.status_code, unknown.json()["code"]) == (400, 2101)


def test_a_stored_graph_that_would_contain_itself_is_refused(server: Server) -> None:
    first, second = (server.ask("POST", "/process_graphs", product()).json()["process_graph_id"] for _ in range(2))

    def refer(name: str) -> dict[str, Any]:
        return node("filter_bands", imagery={"process_id": f"/user/{name}", "args": {}}, bands="x")

    assert server.ask("PUT", f"/process_graphs/{first}", refer(second)).status_code == 204
    for name, graph in ((first, refer(first)), (second, refer(first))):
        answer = server.ask("PUT", f"/process_graphs/{name}", graph)
        assert (answer.status_code, answer.json()["code"]) == (400, 2002), answer.text
