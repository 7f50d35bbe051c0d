"""Clients that hang up, deadlines, and queues that are full."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ogcserver.settings import Limits
from tests.e2e.harness import Job, TestServer, assert_json_error, assert_report, ndvi, node, settings

LONG = node("median_time", ndvi())
"""Computed in many pixels this takes many seconds."""

HEAVY = node(
    "sd_time",
    node(
        "band_arithmetic",
        "S2_L2A_T32TPS_20M",
        expr=[" + ".join([f"exp(sin(B04 * {i}))" for i in range(150)] + [f"B8A * {n}"]) for n in range(6)],
    ),
)
"""This takes many seconds in few pixels."""

STOPPED_S = 1.5
"""Much less than either of them takes."""


def query(job: Job, pixels: int) -> str:
    return (
        f"{job.services['wcs']}?SERVICE=WCS&VERSION=2.0.1&REQUEST=GetCoverage&COVERAGEID={job.id}"
        f"&SCALESIZE=i({pixels}),j({pixels})"
    )


def wait_for(server: TestServer, count: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while server.under_way() != count:
        assert time.monotonic() < deadline, f"{server.under_way()} requests are under way, not {count}"
        time.sleep(0.01)


def wait_for_work(server: TestServer, seconds: float) -> None:
    """Until something is under way; a large request may be several things."""
    deadline = time.monotonic() + seconds
    while server.under_way() == 0:
        assert time.monotonic() < deadline, "nothing is under way"
        time.sleep(0.01)


def test_work_stops_when_the_client_hangs_up(demo: TestServer, live_demo: tuple[TestServer, str]) -> None:
    server, url = live_demo
    job = demo.add(LONG)
    host = urlsplit(url)
    wait_for(server, 0, 5)
    with socket.create_connection((str(host.hostname), int(host.port or 80))) as connection:
        connection.sendall(f"GET {query(job, 9000)} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        wait_for_work(server, 5)
        time.sleep(0.3)
        assert server.under_way() >= 1, "the request is too quick for this test"
    wait_for(server, 0, STOPPED_S)
    assert httpx.get(f"{url}{query(job, 50)}").status_code == 200, "the threads are free again"


def test_work_of_a_post_stops_when_the_client_hangs_up(live_full: tuple[TestServer, str]) -> None:
    server, url = live_full
    host, body = urlsplit(url), json.dumps({"process_graph": HEAVY})
    head = (
        f"POST /execute HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(host.hostname), int(host.port or 80))) as connection:
        connection.sendall((head + body).encode())
        wait_for_work(server, 5)
        time.sleep(0.3)
        assert server.under_way() >= 1, "the request is too quick for this test"
    wait_for(server, 0, STOPPED_S)


def test_one_of_two_who_wait_for_the_same_hangs_up(demo: TestServer) -> None:
    """The work goes on for the other one."""
    job = demo.add(LONG)

    async def both() -> tuple[httpx.Response, asyncio.Task[httpx.Response]]:
        ask = query(job, 700)
        first = asyncio.create_task(demo.ask("GET", ask))
        second = asyncio.create_task(demo.ask("GET", ask))
        await asyncio.sleep(0.05)
        first.cancel()
        return await second, first

    response, cancelled = demo.run(both())
    assert response.status_code == 200 and cancelled.cancelled()
    assert demo.under_way() == 0


@pytest.fixture
def hurried(demo_catalog: Path, tmp_path: Path) -> TestServer:
    limits = Limits(timeout_s=0.1)
    return TestServer(settings(tmp_path, demo_catalog, limits=limits))


def test_work_that_takes_too_long_is_given_up(hurried: TestServer) -> None:
    try:
        job = hurried.add(LONG)
        response = hurried.get(query(job, 5000))
        text = assert_report(hurried, response, "2.0", 504, "NoApplicableCode")
        assert "0.1 s" in text
        assert hurried.under_way() == 0
        assert hurried.get(query(job, 20)).status_code == 200
    finally:
        hurried.close()


def test_a_full_queue_says_when_to_come_back(demo_catalog: Path, tmp_path: Path) -> None:
    server = TestServer(settings(tmp_path, demo_catalog, limits=Limits(queue=1)))
    try:
        job = server.add(LONG)
        matrix = job.native_matrix()

        async def crowd() -> list[httpx.Response]:
            long = asyncio.create_task(server.ask("GET", query(job, 4000)))
            while not server.under_way():
                await asyncio.sleep(0.005)
            tile = {
                "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": job.id, "STYLE": "default",
                "FORMAT": "image/png", "TILEMATRIXSET": matrix.set_id, "TILEMATRIX": "0", "TILEROW": 0, "TILECOL": 0,
            }  # fmt: skip
            answers = [
                await server.ask("GET", query(job, 30)),
                await server.ask("GET", job.services["wmts"], params=tile),
                await server.ask("POST", "/execute", json={"process_graph": node("max_time", ndvi())}),
                await server.ask("GET", f"{job.services['wcs']}?SERVICE=WCS&REQUEST=GetCapabilities"),
            ]
            assert not long.done()
            long.cancel()
            async with asyncio.timeout(3):
                while server.under_way():
                    await asyncio.sleep(0.01)
            return answers

        coverage, picture, result, capabilities = server.run(crowd())
        server.seconds = 0.0
        assert_report(server, coverage, "2.0", 503, "NoApplicableCode")
        assert_report(server, picture, "1.1", 503, "NoApplicableCode")
        assert_json_error(server, result, 503, 503)
        for refused in (coverage, picture, result):
            assert int(refused.headers["retry-after"]) > 0
        assert capabilities.status_code == 200
        assert server.under_way() == 0
        assert server.get(query(job, 30)).status_code == 200
    finally:
        server.close()
