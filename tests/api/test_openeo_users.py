"""Users over HTTP: signing in, and that nobody sees what is another's."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.routing import Route

from ogcserver.cors import Cors
from ogcserver.jobs.store import JobStore
from ogcserver.openeo.api import OpenEoApi
from ogcserver.ows.identification import Identification
from ogcserver.users.accounts import Accounts
from ogcserver.users.attempts import Attempts
from ogcserver.users.identify import Identify
from ogcserver.users.store import UserStore
from ogcserver.wcs.api import WcsApi
from tests.fakes import node, product
from tests.unit.jobs.servers import Server

GRAPH = node("min_time", imagery=product())
PASSWORD = "correct horse"


def accounts(store: JobStore) -> Accounts:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return Accounts(UserStore(store.database), hasher=hasher, attempts=Attempts(3))


@dataclass(frozen=True)
class Person:
    server: Server
    user_id: str
    token: str

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.server.ask(method, path, body, headers=headers, **more)

    def job(self) -> str:
        job_id = str(self.ask("POST", "/jobs", {"process_graph": GRAPH}).json()["job_id"])
        assert self.ask("POST", f"/jobs/{job_id}/on_demand").status_code == 204
        return job_id

    def service(self, job_id: str, **more: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/services", {"job_id": job_id, "service_type": "wcs", **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


class World:
    def __init__(self, folder: Path) -> None:
        self.server = Server(folder, users=accounts)
        wcs = WcsApi(self.server.exports, self.server.catalogue, Identification())
        rest = Route("/{path:path}", OpenEoApi(self.server.backend).app())
        self.server.app = Cors(Identify(Starlette(routes=[*wcs.routes(), rest]), self.server.users))
        self.nobody = Person(self.server, "", "")

    def person(self) -> Person:
        answer = self.server.ask("POST", "/auth/register", PASSWORD).json()
        return Person(self.server, answer["user_id"], answer["token"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def basic(user: str, password: str) -> Mapping[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_registering_and_logging_in(world: World) -> None:
    ann = world.person()
    answer = world.server.ask("GET", "/auth/login", headers=basic(ann.user_id, PASSWORD))
    assert (answer.status_code, answer.json()["user_id"]) == (200, ann.user_id)
    assert answer.headers["cache-control"] == "no-store"
    again = Person(world.server, ann.user_id, answer.json()["token"])
    assert again.ask("GET", "/jobs").json() == ann.ask("GET", "/jobs").json() == []
    form = world.server.ask("POST", "/auth/register", {"password": PASSWORD})
    assert form.status_code == 200 and form.json()["user_id"] != ann.user_id


@pytest.mark.parametrize("body", [None, "short", 5, [], {}, {"password": 5}, b"{", b"\xff"])
def test_bad_registrations(world: World, body: Any) -> None:
    answer = world.server.ask("POST", "/auth/register", body)
    assert answer.status_code == 400 and answer.json()["code"] in (501, 2002)


PRIVATE = (
    ("GET", "/jobs"), ("POST", "/jobs"), ("GET", "/jobs/j-1"), ("PATCH", "/jobs/j-1"), ("DELETE", "/jobs/j-1"),
    ("POST", "/jobs/j-1/on_demand"), ("GET", "/jobs/j-1/on_demand/download"), ("POST", "/execute"),
    ("GET", "/services"),
    ("POST", "/services"), ("GET", "/services/s-1"), ("GET", "/process_graphs"), ("POST", "/process_graphs/validate"),
    ("GET", "/files/me"), ("PUT", "/files/me/a"), ("GET", "/credits"), ("GET", "/auth/login"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_without_credentials_401_and_no_pop_up(world: World, method: str, path: str) -> None:
    answer = world.server.ask(method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, 4001)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/", "/data", "/data/utm", "/processes", "/capabilities/services", "/udf_runtimes"])
def test_what_is_offered_is_open_to_all(world: World, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}):
        assert world.server.ask("GET", path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": "Bearer wrong"}, 4003), ({"authorization": "Bearer "}, 4002), (basic("u", "p"), 4002),
        ({"authorization": "Basic !"}, 4002), ({"authorization": "Basic dQ=="}, 4002), ({"authorization": ""}, 4002),
        ({"authorization": "Digest x"}, 4002), ({"authorization": "Bearer \xe9".encode("latin-1")}, 4003),
    ],
)  # fmt: skip
def test_wrong_credentials_are_403(world: World, headers: Any, code: int) -> None:
    answer = world.server.ask("GET", "/jobs", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert "www-authenticate" not in answer.headers
    assert world.server.ask("OPTIONS", "/jobs", headers=headers).status_code == 204


def test_too_many_wrong_passwords(world: World) -> None:
    ann = world.person()
    for _ in range(3):
        assert world.server.ask("GET", "/auth/login", headers=basic(ann.user_id, "wrong")).json()["code"] == 4002
    answer = world.server.ask("GET", "/auth/login", headers=basic(ann.user_id, PASSWORD))
    assert (answer.status_code, answer.json()["code"]) == (429, 429)


def test_basic_credentials_do_everywhere(world: World) -> None:
    """QGIS and GDAL send user and password with each request."""
    ann = world.person()
    job_id = ann.job()
    answer = world.server.ask("GET", f"/jobs/{job_id}", headers=basic(ann.user_id, PASSWORD))
    assert answer.json()["user_id"] == ann.user_id


def test_what_is_another_s_does_not_exist(world: World) -> None:
    ann, bob = world.person(), world.person()
    job_id = ann.job()
    service_id = ann.service(job_id)["service_id"]
    graph_id = ann.ask("POST", "/process_graphs", GRAPH).json()["process_graph_id"]
    ann.ask("PUT", "/files/me/a.py", b"x")
    ann.ask("PUT", f"/files/{ann.user_id}/b.py", b"x")
    assert [one["name"] for one in ann.ask("GET", f"/files/{ann.user_id}").json()] == ["a.py", "b.py"]
    state = [ann.ask("GET", path).text for path in (f"/jobs/{job_id}", f"/services/{service_id}", "/files/me")]
    for name, paths in {
        job_id: (
            ("GET", "/jobs/{}"), ("PATCH", "/jobs/{}"), ("DELETE", "/jobs/{}"), ("POST", "/jobs/{}/on_demand"),
            ("DELETE", "/jobs/{}/on_demand"), ("GET", "/jobs/{}/on_demand/download"), ("GET", "/jobs/{}/explain"),
            ("GET", "/jobs/{}/on_demand/result.tif"),
        ),
        service_id: (("GET", "/services/{}"), ("PATCH", "/services/{}"), ("DELETE", "/services/{}")),
        graph_id: (("GET", "/process_graphs/{}"), ("PUT", "/process_graphs/{}"), ("DELETE", "/process_graphs/{}")),
        ann.user_id: (
            ("GET", "/files/{}"), ("GET", "/files/{}/a.py"), ("PUT", "/files/{}/a.py"),
            ("DELETE", "/files/{}/a.py"),
        ),
    }.items():  # fmt: skip
        unknown = f"{name[:2]}{'0' * 16}"
        for method, path in paths:
            body = (
                GRAPH if path.startswith("/process") and method == "PUT" else {} if method in ("PATCH", "PUT") else None
            )
            theirs, none = (bob.ask(method, path.format(one), body) for one in (name, unknown))
            assert (theirs.status_code, none.status_code) == (404, 404), path
            assert theirs.text.replace(name, "ID") == none.text.replace(unknown, "ID")
    for refused in (
        bob.ask("POST", "/services", {"job_id": job_id, "service_type": "wcs"}),
        bob.ask("POST", "/process_graphs/validate", {"process_id": f"/user/{graph_id}", "args": {}}),
    ):
        assert refused.status_code == 400
    for path in ("/jobs", "/services", "/process_graphs", "/files/me"):
        assert bob.ask("GET", path).json() == []
    assert state == [ann.ask("GET", path).text for path in (f"/jobs/{job_id}", f"/services/{service_id}", "/files/me")]


WCS = "SERVICE=WCS&VERSION=2.0.1&REQUEST="


def coverage(job_id: str) -> str:
    return f"{WCS}GetCoverage&COVERAGEID={job_id}&SUBSET=x(600000,601000)&SUBSET=y(5199000,5200000)"


def test_private_coverages_are_their_owner_s_however_warm_the_caches_are(world: World) -> None:
    ann, bob = world.person(), world.person()
    job_id = ann.job()
    address = f"/services/{ann.service(job_id)['service_id']}/wcs"
    first = ann.ask("GET", f"{address}?{coverage(job_id)}")
    assert first.status_code == 200
    tag = {"if-none-match": first.headers["etag"]}
    for path in (address, "/wcs"):
        assert ann.ask("GET", f"{path}?{coverage(job_id)}").content == first.content
        for who, status in ((bob, 404), (world.nobody, 401)):
            answer = who.ask("GET", f"{path}?{coverage(job_id)}")
            unknown = who.ask("GET", f"{path.replace('s-', 's-0')}?{coverage('j-0' if path == '/wcs' else job_id)}")
            assert (answer.status_code, unknown.status_code) == (status, status), answer.text
            assert "image" not in answer.headers["content-type"]
        assert world.server.ask("GET", f"{path}?{coverage(job_id)}", headers=tag).status_code == 401
    assert ann.ask("GET", f"{address}?{coverage(job_id)}&x=1").status_code == 200


def test_the_root_shows_each_caller_their_own(world: World) -> None:
    ann, bob = world.person(), world.person()
    mine, other = ann.job(), bob.job()
    listed = {who: who.ask("GET", f"/wcs?{WCS}GetCapabilities").text for who in (ann, bob, world.nobody)}
    assert mine in listed[ann] and other not in listed[ann]
    assert other in listed[bob] and mine not in listed[bob]
    assert mine not in listed[world.nobody] and other not in listed[world.nobody]


def test_a_public_service_is_for_all_until_it_is_not(world: World) -> None:
    ann, bob = world.person(), world.person()
    job_id = ann.job()
    service = ann.service(job_id, public=True)
    address = f"/services/{service['service_id']}"
    for who in (bob, world.nobody):
        assert who.ask("GET", f"{address}/wcs?{coverage(job_id)}").status_code == 200
        assert who.ask("GET", f"/wcs?{coverage(job_id)}").status_code in (401, 404)
    assert bob.ask("GET", address).status_code == 404
    assert ann.ask("PATCH", address, {"public": False}).status_code == 204
    assert ann.ask("GET", address).json()["public"] is False
    assert bob.ask("GET", f"{address}/wcs?{coverage(job_id)}").status_code == 404
    assert ann.ask("PATCH", address, {"public": "yes"}).json()["code"] == 501


def test_a_token_in_the_address_does_for_clients_without_headers(world: World) -> None:
    ann = world.person()
    job_id = ann.job()
    address = f"/services/{ann.service(job_id)['service_id']}/wcs?{coverage(job_id)}"
    for name in ("token", "access_token"):
        assert world.nobody.ask("GET", f"{address}&{name}={ann.token}").status_code == 200
        wrong = world.nobody.ask("GET", f"{address}&{name}=wrong")
        assert (wrong.status_code, wrong.headers["content-type"]) == (403, "text/xml")


def test_capabilities_hand_the_token_on(world: World) -> None:
    """QGIS and GDAL follow the addresses in the document, and add nothing to them."""
    ann = world.person()
    job_id = ann.job()
    address = f"/services/{ann.service(job_id)['service_id']}/wcs"
    document = world.nobody.ask("GET", f"{address}?{WCS}GetCapabilities&token={ann.token}").text
    assert f"http://test/token/{ann.token}{address}?" in document
    assert "token=" not in ann.ask("GET", f"{address}?{WCS}GetCapabilities").text


def test_computing_is_counted_for_who_asked(world: World) -> None:
    ann, bob = world.person(), world.person()
    job_id = ann.job()
    window = f"/wcs?{coverage(job_id)}"
    for _ in range(3):  # computed once
        ann.ask("GET", window)
    consumed = 50 * 50 * 4 / 1e6
    assert ann.ask("GET", "/credits").json() == pytest.approx(consumed)
    assert bob.ask("GET", "/credits").json() == 0
    assert ann.ask("GET", f"/jobs/{job_id}").json()["consumed_credits"] == pytest.approx(consumed)
    assert [job["consumed_credits"] for job in ann.ask("GET", "/jobs").json()] == [pytest.approx(consumed)]
    bob.ask("POST", "/execute", {"process_graph": node("max_time", imagery=product())})
    assert bob.ask("GET", "/credits").json() == pytest.approx(700 * 600 * 4 / 1e6)
    assert ann.ask("GET", "/credits").json() == pytest.approx(consumed)


def test_an_open_server_has_one_user(tmp_path: Path) -> None:
    server = Server(tmp_path)
    assert server.ask("GET", "/auth/login").json()["user_id"] == "me"
    assert server.ask("GET", "/jobs", headers={"authorization": "Bearer whatever"}).json() == []
    refused = server.ask("POST", "/auth/register", PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (501, 10501)
    job_id = server.job(GRAPH)
    service = server.ask("POST", "/services", {"job_id": job_id, "service_type": "wcs"}).json()
    assert service["public"] is True


def test_a_token_may_be_a_part_of_the_path(world: World) -> None:
    ann = world.person()
    job_id = ann.job()
    address = f"/services/{ann.service(job_id)['service_id']}/wcs?{coverage(job_id)}"
    assert world.nobody.ask("GET", f"/token/{ann.token}{address}").status_code == 200
    assert world.nobody.ask("GET", f"/token/{ann.token}/jobs").json()[0]["job_id"] == job_id
    assert world.nobody.ask("GET", f"/token/wrong{address}").status_code == 403
    assert world.nobody.ask("GET", "/token/wrong/jobs").json()["code"] == 4003
    for path in ("/token", "/token/", "/token//jobs"):
        assert world.nobody.ask("GET", path).status_code == 404
    bob = world.person()  # the header goes before the address
    assert bob.ask("GET", f"/token/{ann.token}/jobs").json() == []
