"""Pictures found by their address: never for others, never after something was written or a collection changed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ogcserver.cors import Cors
from ogcserver.errors import TokenInvalid
from ogcserver.jobs.access import Caller, identify
from ogcserver.jobs.revision import Revision
from ogcserver.maps.remembered import Remembered, remember
from ogcserver.plan.expr import Expr
from tests.fakes import compiled, product, utm_archive

PLAN = compiled(utm_archive(), product())


class Server:
    """Counts how often the picture is made."""

    def __init__(self, complete: bool = True, max_bytes: int = 1 << 20) -> None:
        self.made, self.complete = 0, complete
        self.revision, self.versions = Revision(1, 1), ("a",)
        self.caller = Caller("me")
        app = Starlette(routes=[Route("/tile/{name}", self.tile)])
        self.app = self._identified(Remembered(app, lambda: self.revision, lambda plan: self.versions, max_bytes))

    def _identified(self, app: ASGIApp) -> ASGIApp:
        async def identified(scope: Scope, receive: Receive, send: Send) -> None:
            scope = dict(scope)
            identify(scope, self.caller)
            await app(scope, receive, send)

        return identified

    async def tile(self, request: Request) -> Response:
        self.made += 1
        answer = Response(f"{self.made}", media_type="image/png", headers={"etag": '"t"', "cache-control": "no-cache"})
        if self.complete:
            remember(request, PLAN, answer, "t")
        return answer

    def get(self, path: str = "/tile/a", method: str = "GET", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test") as client:
                return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

        return asyncio.run(ask())


def test_the_second_answer_is_the_first() -> None:
    server = Server()
    first, second = server.get(), server.get()
    assert (first.status_code, first.text, first.headers.raw) == (second.status_code, second.text, second.headers.raw)
    assert server.made == 1
    assert server.get("/tile/a?time=1").text == "2" and server.get("/tile/b").text == "3"


@pytest.mark.parametrize("header", ['"t"', 'W/"t"', '"x", "t"', "*"])
def test_a_client_that_has_it_is_told_so(header: str) -> None:
    server = Server()
    server.get()
    answer = server.get(if_none_match=header)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"t"')
    assert server.get(if_none_match='"other"').status_code == 200 and server.made == 1


@pytest.mark.parametrize("change", [{"revision": Revision(2, 1)}, {"revision": Revision(1, 2)}, {"versions": ("b",)}])
def test_it_is_forgotten_when_anything_has_changed(change: dict[str, Any]) -> None:
    server = Server()
    server.get()
    vars(server).update(change)
    assert server.get().text == "2"
    assert server.get().text == "2"


def test_what_was_written_while_it_was_made_counts() -> None:
    """The answer may be of before or after; so it must not be taken for one of after."""
    server = Server()
    tile = server.tile

    async def slow(request: Request) -> Response:
        server.revision = Revision(5, 1)
        return await tile(request)

    server.app = server._identified(
        Remembered(Starlette(routes=[Route("/tile/{name}", slow)]), lambda: server.revision, lambda _: ("a",), 1 << 20)
    )
    assert [server.get().text, server.get().text, server.get().text] == ["1", "2", "2"]


def test_others_do_not_get_it() -> None:
    server = Server()
    server.get()
    server.caller = Caller("another")
    assert server.get().text == "2"
    server.caller = Caller(None)
    assert server.get().text == "3"
    server.caller = Caller(None, TokenInvalid("no"))
    assert server.get().text == "4" and server.get().text == "5"


def test_only_whole_pictures_that_were_asked_for_by_get_are_kept() -> None:
    broken = Server(complete=False)
    assert [broken.get().text, broken.get().text] == ["1", "2"]
    server = Server()
    server.get(method="HEAD")
    assert server.get().text == "2"
    small = Server(max_bytes=1000)
    assert [small.get().text, small.get().text] == ["1", "2"]


def test_headers_are_those_of_the_protocol_and_not_of_the_first_client() -> None:
    """What the handler adds later belongs to the picture; what other middleware adds is for one client."""
    server = Server()
    tile = server.tile

    async def with_warning(request: Request) -> Response:
        answer = await tile(request)
        answer.headers["warning"] = "99 nearest"
        return answer

    app = Starlette(routes=[Route("/tile/{name}", with_warning)])
    server.app = Cors(server._identified(Remembered(app, lambda: server.revision, lambda _: ("a",), 1 << 20)))
    first = server.get(origin="https://one.org")
    assert first.headers["access-control-allow-origin"] == "https://one.org"
    for answer in (server.get(), server.get()):
        assert answer.text == "1" and answer.headers["warning"] == "99 nearest"
        assert "access-control-allow-origin" not in answer.headers
    assert server.get(origin="https://two.org").headers["access-control-allow-origin"] == "https://two.org"


def test_without_it_nothing_is_kept() -> None:
    request = Request({"type": "http", "headers": []})
    plan: Expr = PLAN
    remember(request, plan, Response("x"), "t")
