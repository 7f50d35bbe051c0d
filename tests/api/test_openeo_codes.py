"""Every code number of the API's table that can occur here, as a client sees it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from ogcserver.errors import (
    DeadlineExceeded,
    OgcServerError,
    Overloaded,
    SourceUnavailable,
    UdfError,
    UdfTypeUnsupported,
)
from ogcserver.openeo.errors import OPENEO
from ogcserver.users.accounts import Accounts
from ogcserver.users.files import FileLimits
from ogcserver.users.store import UserStore
from tests.fakes import node, product
from tests.unit.jobs.servers import Server

PUBLISHED = {
    501, 601, 602, 1301, 1302, 507, 1401, 1410, 1411, 1412, 1413, 2001, 2002, 2003, 2101, 2102, 2103, 2104, 406, 423,
    410, 428, 3001, 3002, 3003, 4001, 4002, 4003, 5001,
}  # fmt: skip
"""The API's own numbers."""

ELSEWHERE = {
    406: "states of batch jobs: tested with them",
    423: "states of batch jobs: tested with them",
    410: "states of batch jobs: tested with them",
}
"""Codes that no request of this file provokes, and why."""

GRAPH = node("min_time", imagery=product())
FORM = {"content-type": "multipart/form-data; boundary=B"}
LIMITS = FileLimits(max_bytes=100, quota_bytes=150, endings=(".py",))


def graph(server: Server, process_graph: Any, **more: Any) -> httpx.Response:
    return server.ask("POST", "/jobs", {"process_graph": process_graph, **more})


def bbox(**changes: Any) -> dict[str, Any]:
    box = {"left": 600000, "bottom": 5190000, "right": 601000, "top": 5191000, "srs": "EPSG:32632"}
    return node("filter_bbox", imagery=product(), **(box | changes))


def put(server: Server, name: str, content: bytes = b"x", **more: Any) -> httpx.Response:
    return server.ask("PUT", f"/files/me/{name}", content, **more)


def over_quota(server: Server) -> httpx.Response:
    assert put(server, "a.py", b"x" * 100).status_code == 204
    return put(server, "b.py", b"x" * 100)


def locked(server: Server) -> httpx.Response:
    server.files.locks.lock("j-1", "me", [""])
    return put(server, "a.py")


def state(server: Server) -> httpx.Response:
    return server.ask("GET", f"/jobs/{server.job(GRAPH)}/on_demand/download")


def too_large(server: Server) -> httpx.Response:
    return server.ask("GET", f"/jobs/{server.job(GRAPH)}/explain?bbox=0,0,1,1&width=99999&height=99999")


def service(server: Server) -> httpx.Response:
    return server.ask("POST", "/services", {"job_id": server.job(GRAPH), "service_type": "wfs"})


def fails(error: OgcServerError) -> Callable[[Server], httpx.Response]:
    def ask(server: Server) -> httpx.Response:
        async def fail(*_: Any) -> Any:
            raise error

        object.__setattr__(server.engine, "render", fail)
        return server.ask("POST", "/execute", {"process_graph": GRAPH})

    return ask


CASES: list[tuple[int, int, Callable[[Server], httpx.Response]]] = [
    (404, 404, lambda server: server.ask("GET", "/jobs/j-1")),
    (405, 405, lambda server: server.ask("PUT", "/jobs")),
    (413, 413, too_large),
    (501, 400, lambda server: graph(server, GRAPH, title=5)),
    (601, 400, lambda server: graph(server, bbox(srs="EPSG:0"))),
    (602, 400, lambda server: graph(server, bbox(srs="EPSG:4326", left=10, right=11, bottom=100, top=200))),
    (507, 507, over_quota),
    (1401, 400, lambda server: put(server, "%2e%2e/a.py")),
    (1410, 400, lambda server: put(server, "a.exe")),
    (1411, 400, lambda server: put(server, "a.py", b"x" * 101)),
    (1412, 400, lambda server: put(server, "a.py", b"no form", headers=FORM)),
    (1413, 400, locked),
    (1301, 400, lambda server: server.ask("GET", "/udf_runtimes/R/reduce_time")),
    (1302, 400, fails(UdfTypeUnsupported("no such kind"))),
    (11300, 400, fails(UdfError("Traceback"))),
    (2001, 400, lambda server: graph(server, None)),
    (2002, 400, lambda server: graph(server, {"process_id": 5})),
    (2003, 400, lambda server: graph(server, node("filter_bands", imagery=product(), bands=["x", 1]))),
    (2101, 400, lambda server: graph(server, node("nonsense"))),
    (2102, 400, lambda server: graph(server, node("min_time", imagery=product(), nonsense=1))),
    (2103, 400, lambda server: graph(server, product("nonsense"))),
    (2104, 400, lambda server: graph(server, node("min_time"))),
    (428, 400, state),
    (3001, 400, lambda server: graph(server, GRAPH, output={"format": "nonsense"})),
    (3002, 400, lambda server: graph(server, GRAPH, output={"format": "GTiff", "nonsense": 1})),
    (3003, 400, lambda server: graph(server, GRAPH, output={"format": "GTiff", "compress": "nonsense"})),
    (5001, 400, service),
    (502, 502, fails(SourceUnavailable("away"))),
    (503, 503, fails(Overloaded("full"))),
    (504, 504, fails(DeadlineExceeded("slow"))),
    (10001, 400, lambda server: server.ask("POST", "/execute", {"process_graph": node(
        "filter_daterange", imagery=product(), from_="1990-01-01", to="1990-01-02")})),
    (10501, 501, lambda server: server.ask("POST", "/auth/register", "correct horse")),
]  # fmt: skip


def well_formed(answer: httpx.Response, code: int, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    content = answer.json()
    assert set(content) == {"code", "message"}
    assert content["code"] == code and isinstance(content["message"], str) and content["message"], content


@pytest.mark.parametrize(("code", "status", "ask"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_code_occurs_in_json(tmp_path: Path, code: int, status: int, ask: Callable[[Server], httpx.Response]) -> None:
    well_formed(ask(Server(tmp_path, files=LIMITS)), code, status)


def test_codes_of_signing_in(tmp_path: Path) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    server = Server(tmp_path, users=lambda store: Accounts(UserStore(store.database), hasher=hasher))
    well_formed(server.ask("GET", "/jobs"), 4001, 401)
    well_formed(server.ask("GET", "/jobs", headers={"authorization": "Basic dTpw"}), 4002, 403)
    well_formed(server.ask("GET", "/jobs", headers={"authorization": "Bearer x"}), 4003, 403)
    for _ in range(9):
        server.ask("GET", "/jobs", headers={"authorization": "Basic dTpw"})
    well_formed(server.ask("GET", "/jobs", headers={"authorization": "Basic dTpw"}), 429, 429)


def test_no_code_is_forgotten() -> None:
    provoked = {code for code, _, _ in CASES} | {4001, 4002, 4003, 429, 500}  # 500: test_openeo_discovery.py
    assert PUBLISHED - provoked == set(ELSEWHERE)
    used = {code for code, _ in OPENEO.values()}
    assert used - set(ELSEWHERE) <= provoked, "provoke these, or say in ELSEWHERE why not"


def test_the_loop_is_free(tmp_path: Path) -> None:
    """Passwords are not hashed in the event loop: others are answered meanwhile."""
    answered = threading.Event()

    class Slow(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            assert answered.wait(30)
            return super().hash(password, salt=salt)

    server = Server(tmp_path, users=lambda store: Accounts(UserStore(store.database), hasher=Slow(1, 8, 1)))

    async def run(client: httpx.AsyncClient) -> list[int]:
        slow = [asyncio.ensure_future(client.post("/auth/register", json="correct horse")) for _ in range(4)]
        quick = await client.get("/processes")
        answered.set()
        return [quick.status_code, *(one.status_code for one in await asyncio.gather(*slow))]

    assert server.talk(run) == [200] * 5
