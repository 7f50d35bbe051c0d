"""Graphs on other hosts: only where the operator allows, however the address is dressed up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ogcserver.errors import ArgumentInvalid, GraphInvalid, GraphTooLarge, OgcServerError, SourceUnavailable
from ogcserver.graph.limits import GraphLimits
from ogcserver.jobs.outside import OutsideGraphs

GRAPH = {"product_id": "utm"}


class Host:
    """A server on this machine, where names of tests lead."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.seen.append((self.headers["host"], self.path))
                name, _, rest = self.path.partition("?")[0].strip("/").partition("/")
                if name == "to":
                    self.send_response(302)
                    self.send_header("location", rest if "://" in rest else f"/{rest}")
                    self.end_headers()
                    return
                bodies = {
                    "graph": json.dumps(GRAPH), "wrapped": json.dumps({"process_graph": GRAPH}), "list": "[]",
                    "text": "<html>", "large": " " * 5000, "deep": "[" * 2000, "wrong": '{"process_graph": 5}',
                }  # fmt: skip
                self.send_response(200 if name in bodies else 404)
                self.end_headers()
                self.wfile.write(bodies.get(name, "").encode())

            def log_message(self, *_: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def graphs(self, *more: str, private: bool = True, most: int = 10) -> OutsideGraphs:
        """Every name is this machine; which the operator lists only for ``private``."""
        hosts = (f"graphs.test:{self.port}", *([f"127.0.0.1:{self.port}"] if private else []), *more)
        return OutsideGraphs(hosts, GraphLimits(max_bytes=4000), 5.0, most, lambda host, port: ["127.0.0.1"])

    def url(self, path: str, host: str = "graphs.test") -> str:
        return f"http://{host}:{self.port}/{path}"


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.server.shutdown()
    made.server.server_close()


def refused(graphs: OutsideGraphs, uri: str, error: type[OgcServerError]) -> str:
    with pytest.raises(OgcServerError) as caught:
        graphs.graph(uri)
    assert type(caught.value) is error, caught.value
    return caught.value.message


def test_a_graph_is_fetched_from_a_listed_host(host: Host) -> None:
    assert host.graphs().graph(host.url("graph?x=1")) == GRAPH
    assert host.graphs().graph(host.url("wrapped")) == GRAPH
    assert host.graphs().graph(host.url("to/to/graph")) == GRAPH
    assert host.seen[0] == (f"graphs.test:{host.port}", "/graph?x=1")


@pytest.mark.parametrize(
    "uri",
    [
        "http://other.test/graph", "http://graphs.test/graph", "file:///etc/passwd",
        "ftp://graphs.test:PORT/graph", "http://graphs.test:PORT@other.test/graph", "http://[::1]:PORT/graph",
        "http://user:secret@graphs.test:PORT/graph", "http://", "://", "http://graphs.test:x/", "gopher://x/",
        "http://graphs.test.evil.test:PORT/graph", "http://0x7f000001:PORT/graph", "http://2130706433:PORT/graph",
        "http://[v1.x]/", "HTTP://GRAPHS.TEST:99999/graph", "http://graphs.test:PORT\\@other.test/graph",
    ],
)  # fmt: skip
def test_other_addresses_are_not_asked(host: Host, uri: str) -> None:
    refused(host.graphs(), uri.replace("PORT", str(host.port)), ArgumentInvalid)
    assert host.seen == []


def test_without_a_list_nothing_is_fetched(host: Host) -> None:
    assert "(none)" in refused(OutsideGraphs(), host.url("graph", "127.0.0.1"), ArgumentInvalid)


def test_a_name_must_not_lead_into_a_private_network(host: Host) -> None:
    assert "private" in refused(host.graphs(private=False), host.url("graph"), ArgumentInvalid)
    for address in ("10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fe80::1%eth0", "::ffff:127.0.0.1", "0.0.0.0"):
        graphs = OutsideGraphs(("graphs.test",), resolve=lambda host, port, found=address: ["93.184.215.14", found])  # type: ignore[misc]
        assert "private" in refused(graphs, "http://graphs.test/graph", ArgumentInvalid)
    assert host.seen == []


def test_redirects_are_checked_like_the_first_address(host: Host) -> None:
    refused(host.graphs(), host.url(f"to/http://other.test:{host.port}/graph"), ArgumentInvalid)
    refused(host.graphs(), host.url("to/file:///etc/passwd"), ArgumentInvalid)
    assert len(host.seen) == 2
    refused(host.graphs(), host.url("to/" * 4 + "graph"), SourceUnavailable)


def test_what_is_no_graph_is_told_of(host: Host) -> None:
    for path, error in (
        ("list", GraphInvalid), ("text", GraphInvalid), ("wrong", GraphInvalid), ("large", GraphTooLarge),
        ("deep", GraphTooLarge), ("missing", SourceUnavailable),
    ):  # fmt: skip
        assert host.url(path) in refused(host.graphs(), host.url(path), error)


def test_a_host_that_does_not_answer_is_told_of(host: Host) -> None:
    def nowhere(name: str, port: int) -> list[str]:
        raise OSError("no such host")

    graphs = OutsideGraphs(("graphs.test",), resolve=nowhere)
    refused(graphs, "http://graphs.test/graph", SourceUnavailable)
    closed = OutsideGraphs(("127.0.0.1:9",), timeout_s=1.0)
    refused(closed, "http://127.0.0.1:9/graph", SourceUnavailable)


def test_one_graph_uses_few_others_and_each_once(host: Host) -> None:
    visit = host.graphs(most=2).visit()
    for _ in range(3):
        visit.graph(host.url("graph"))
    visit.graph(host.url("wrapped"))
    assert len(host.seen) == 2
    with pytest.raises(GraphTooLarge):
        visit.graph(host.url("list"))
