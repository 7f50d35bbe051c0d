"""GET /udf_runtimes and what is below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ogcserver.openeo.backend import Backend
from tests.udf_fakes import InProcessRunner
from tests.unit.jobs.servers import Server


def running(folder: Path) -> Server:
    """A server that runs user-defined functions."""
    server = Server(folder)
    object.__setattr__(server.backend, "udfs", InProcessRunner())
    return server


def test_runtimes_are_listed(tmp_path: Path) -> None:
    found = running(tmp_path).ask("GET", "/udf_runtimes").json()
    assert list(found) == ["Python"] and "aggregate_time" in found["Python"]["udf_types"]
    assert found["Python"]["versions"]


@pytest.mark.parametrize("language", ["Python", "python"])
def test_a_type_is_described(tmp_path: Path, language: str) -> None:
    answer = running(tmp_path).ask("GET", f"/udf_runtimes/{language}/aggregate_time")
    assert answer.status_code == 200
    assert answer.json()["process_id"] == "/udf/Python/aggregate_time"
    assert set(answer.json()["args"]) == {"imagery", "script"}


@pytest.mark.parametrize(("path", "code"), [("R/reduce_time", 1301), ("Python/reduce_tim", 1302)])
def test_others_are_refused(tmp_path: Path, path: str, code: int) -> None:
    answer = running(tmp_path).ask("GET", f"/udf_runtimes/{path}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_where_they_are_off_the_reason_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path)
    assert not Backend.udfs.capability.available
    assert server.ask("GET", "/udf_runtimes").json() == {}
    answer = server.ask("GET", "/udf_runtimes/Python/reduce_time")
    assert (answer.status_code, answer.json()["code"]) == (400, 1301)
    assert "off here: this server does not run them" in answer.json()["message"]
