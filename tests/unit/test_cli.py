"""The commands, against the archive of coordinates."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
import uvicorn
from click.testing import CliRunner, Result

from ogcserver.cli import main
from ogcserver.cli.client import Client
from ogcserver.cli.graph_files import GraphFile, example_graphs
from ogcserver.cli.serving import demo_settings, guide, register, serve_demo
from ogcserver.cli.wiring import Wiring
from ogcserver.engine.service import Engine
from ogcserver.errors import GraphInvalid
from ogcserver.graph.compile import compile_graph
from ogcserver.settings import Settings
from ogcserver.users.accounts import Accounts
from ogcserver.users.store import UserStore
from tests.fakes import node, product, utm_archive
from tests.unit.jobs.servers import Server

BOX = {"left": 600000, "bottom": 5190000, "right": 630000, "top": 5191000, "srs": "EPSG:32632"}
GRAPH = node("min_time", imagery=node("filter_bands", imagery=node("filter_bbox", imagery=product(), **BOX), bands="x"))


@dataclass(frozen=True, eq=False)
class FakeParts:
    engine: Engine

    def compiler(self, graph: object, user_id: str) -> Any:
        return compile_graph(graph, utm_archive().context())

    def close(self) -> None:
        self.engine.close()


def no_app(settings: Settings) -> Any:
    raise AssertionError("no server is needed")


WIRING = Wiring(no_app, lambda settings: FakeParts(utm_archive().engine()))


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], obj=WIRING)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "my-graph.json"
    path.write_text(json.dumps({"process_graph": GRAPH, "title": "Mine", "service_args": {"colormap": "magma"}}))
    return path


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The job API at a port of this machine."""
    with served(Server(tmp_path)) as address:
        yield address


@contextmanager
def served(made: Server) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(made.app, port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_a_graph_is_computed_into_a_file(graph: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    result = command("run", graph, "--out", out)
    assert (result.exit_code, result.exception) == (0, None), result.output
    with rasterio.open(out) as file:
        assert file.shape == (50, 700)
        assert (file.read(1) == 600010 + 20 * np.arange(700)).all()
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_the_format_goes_by_option_then_graph_then_name(tmp_path: Path, graph: Path) -> None:
    starts = {"PNG": b"\x89PNG", "TIFF": b"II*\x00"}
    assert command("run", graph, "--out", tmp_path / "a.png").exit_code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(starts["PNG"])
    assert command("run", graph, "--out", tmp_path / "b.png", "--format", "gtiff").exit_code == 0
    assert (tmp_path / "b.png").read_bytes().startswith(starts["TIFF"])
    graph.write_text(json.dumps({"process_graph": GRAPH, "output": {"format": "PNG", "colormap": "magma"}}))
    assert command("run", graph, "--out", tmp_path / "c.out").exit_code == 0
    assert (tmp_path / "c.out").read_bytes().startswith(starts["PNG"])


def test_a_plan_is_explained(graph: Path) -> None:
    whole = command("explain", graph)
    assert whole.exit_code == 0 and "bound to" in whole.output
    part = command("explain", graph, "--bbox", "11,46.8,11.1,46.9", "--crs", "EPSG:4326", "--size", "64,32")
    assert part.exit_code == 0 and "64" in part.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["run", "GRAPH", "--out", "x.doc"], 1, "there is no format 'doc'"),
        (["run", "GRAPH"], 2, "Missing option '--out'"),
        (["run", "nothing.json", "--out", "x.tif"], 2, "does not exist"),
        (["run", "BAD", "--out", "x.tif"], 1, "process_graph.process_id: there is no process 'nonsense'"),
        (["run", "TEXT", "--out", "x.tif"], 1, "the document is not JSON"),
        (["run", "GRAPH", "--out", "/nowhere/x.tif"], 1, "No such file"),
        (["explain", "GRAPH", "--bbox", "1,2", "--size", "1,1"], 2, "--bbox must be 4 numbers"),
        (["explain", "GRAPH", "--bbox", "1,2,3,4", "--size", "a,1"], 2, "--size must be 2 numbers"),
        (["explain", "GRAPH", "--bbox", "1,2,3,4", "--crs", "EPSG:0"], 1, "EPSG:0"),
        (["explain", "GRAPH", "--config", "TEXT"], 1, "is not TOML"),
        (["serve", "--workers", "0"], 2, "--workers"),
        (["jobs", "list", "--url", "http://127.0.0.1:9"], 1, "the server does not answer"),
        (["jobs", "list", "--url", "nonsense"], 1, "the server does not answer"),
    ],
)
def test_failures_are_one_line(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text(json.dumps(node("nonsense")))
    (tmp_path / "text.json").write_text("words")
    files = {"GRAPH": graph, "BAD": tmp_path / "bad.json", "TEXT": tmp_path / "text.json"}
    result = command(*(files.get(argument, argument) for argument in arguments))
    assert result.exit_code == status, result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("Error: ") and said in result.output and "Traceback" not in result.output


def test_bugs_are_one_line_unless_asked_for(graph: Path) -> None:
    def broken(settings: Settings) -> Any:
        raise ZeroDivisionError("oh")

    wiring = Wiring(no_app, broken)
    result = CliRunner().invoke(main, ["explain", str(graph)], obj=wiring)
    assert (result.exit_code, result.output) == (1, "Error: internal error: ZeroDivisionError: oh; try --debug\n")
    assert isinstance(
        CliRunner().invoke(main, ["--debug", "explain", str(graph)], obj=wiring).exception, ZeroDivisionError
    )


def test_jobs_of_a_server_are_managed(graph: Path, url: str) -> None:
    added = command("jobs", "add", graph, "--service", "wmts", "--url", url)
    assert added.exit_code == 0, added.output
    job_id, service_url = added.output.split()
    assert service_url.startswith(f"{url}/services/s-")
    listed = command("jobs", "list", "--url", url).output
    assert job_id in listed and "on_demand" in listed and "Mine" in listed
    shown = json.loads(command("jobs", "show", job_id, "--url", url).output)
    assert (shown["process_graph"], shown["title"]) == (GRAPH, "Mine")
    assert command("jobs", "rm", job_id, "--url", url).exit_code == 0
    gone = command("jobs", "rm", job_id, "--url", url)
    assert gone.exit_code == 1 and "(code 404)" in gone.output


def test_jobs_of_a_user_need_a_token(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Server(tmp_path, users=lambda store: Accounts(UserStore(store.database)))) as url:
        registered = command("login", "--password", "correct horse", "--url", url)
        user, token = registered.output.split()
        again = command("login", "--user", user, "--password", "correct horse", "--url", url).output.strip()
        wrong = command("login", "--user", user, "--password", "wrong", "--url", url)
        assert wrong.exit_code == 1 and "(code 4002)" in wrong.output
        assert "(code 4001)" in command("jobs", "list", "--url", url).output
        job_id = command("jobs", "add", graph, "--url", url, "--token", token).output.strip()
        monkeypatch.setenv("OGCSERVER_TOKEN", again)
        assert job_id in command("jobs", "list", "--url", url).output
        assert json.loads(command("jobs", "show", job_id, "--url", url).output)["user_id"] == user


def test_a_refusal_of_the_server_is_passed_on(tmp_path: Path, url: str) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(node("nonsense")))
    result = command("jobs", "add", tmp_path / "bad.json", "--url", url)
    assert result.exit_code == 1 and "there is no process 'nonsense'" in result.output and "2101" in result.output


def test_examples_are_registered_once(tmp_path: Path) -> None:
    server = Server(tmp_path)
    graphs = (GraphFile("One", GRAPH, service_args={"colormap": "magma"}), GraphFile("Two", GRAPH))
    first = server.talk(lambda client: register(Client(client), graphs))
    again = server.talk(lambda client: register(Client(client), graphs))
    assert again == first and [one.title for one in first] == ["One", "Two"]
    assert {job.mode for job in server.store.jobs()} == {"on_demand"}
    assert [one.type for one in server.store.services()] == ["wmts", "wcs"] * 2
    assert server.store.services()[0].args == {"colormap": "magma"}
    text = guide("http://127.0.0.1:8080", first)
    assert "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities" in text and first[0].services["wmts"] in text


def test_the_demo_serves_what_it_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = Server(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def run() -> None:
        serving = asyncio.create_task(serve_demo(server.app, "127.0.0.1", port, (GraphFile("One", GRAPH),)))
        try:
            async with Client.of(f"http://127.0.0.1:{port}") as client:
                for _ in range(200):
                    await asyncio.sleep(0.02)
                    if server.store.services():
                        break
                assert [job["title"] for job in await client.jobs()] == ["One"]
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(run())
    assert "ogcserver runs at" in capsys.readouterr().out


def test_the_demo_has_its_own_data(tmp_path: Path) -> None:
    settings = demo_settings(Settings(), tmp_path, tmp_path / "catalog.json")
    assert settings.database_url == f"sqlite:///{tmp_path}/ogcserver.db"
    assert [catalog.stac for catalog in settings.catalogs] == [str(tmp_path / "catalog.json")]


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = command("serve", "--port", taken.getsockname()[1])
    assert result.exit_code == 1 and "try another --port" in result.output


def test_example_graphs_are_jobs() -> None:
    graphs = example_graphs()
    assert graphs
    assert len({graph.title for graph in graphs}) == len(graphs)
    assert all(
        graph.process_graph and set(graph.job()) <= {"process_graph", "title", "output", "description"}
        for graph in graphs
    )


def test_a_graph_alone_is_a_job_named_by_its_file() -> None:
    read = GraphFile.parse(json.dumps(GRAPH).encode(), "min-x")
    assert (read.title, read.process_graph, read.output) == ("min x", GRAPH, None)
    for text in (b"[]", b'{"process_graph": 1}', b"{"):
        with pytest.raises(GraphInvalid) as caught:
            GraphFile.parse(text, "min-x")
        assert caught.value.locator == "min-x"


def test_the_command_is_a_group() -> None:
    assert isinstance(main, click.Group)
    assert set(main.commands) == {"demo", "serve", "login", "jobs", "explain", "run", "seed"}
