import logging
from collections.abc import Iterator

import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ogcserver import errors
from ogcserver.errors import InvalidParameter, OgcServerError, Overloaded, RequestError, TileOutOfRange
from ogcserver.ows.report import OWS, Fault, Version, exception_handlers, exception_report, lookup
from ogcserver.ows.xml import serialise
from tests.xsd import assert_valid


def classes(base: type[OgcServerError]) -> Iterator[type[OgcServerError]]:
    for cls in base.__subclasses__():
        if cls.__module__ == errors.__name__:
            yield cls
            yield from classes(cls)


@pytest.mark.parametrize("cls", list(classes(OgcServerError)))
def test_every_cause_has_a_code_and_the_caller_is_never_told_500(cls: type[OgcServerError]) -> None:
    _, status = lookup(OWS, cls("x"))
    assert status < 500 or status == 501 if issubclass(cls, RequestError) else status >= 500


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_reports_follow_the_schema(version: Version) -> None:
    body = serialise(exception_report(version, Fault("InvalidParameterValue", 400, "a < b \0", "TileRow")))
    folder = "1.1.0" if version == "1.1" else "2.0"
    root = assert_valid(body, f"ows/{folder}/owsExceptionReport.xsd")
    assert root[0].get("locator") == "TileRow"


def client(failure: Exception) -> TestClient:
    async def fail(request: Request) -> Response:
        raise failure

    codes = {**OWS, TileOutOfRange: ("TileOutOfRange", 400)}
    app = Starlette(routes=[Route("/x", fail)], exception_handlers=dict(exception_handlers(codes, "1.1")))
    return TestClient(app, raise_server_exceptions=False)


def code(response: object) -> str:
    return str(etree.fromstring(response.content)[0].get("exceptionCode"))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("failure", "expected", "status"),
    [
        (InvalidParameter("x", locator="a"), "InvalidParameterValue", 400),
        (TileOutOfRange("x"), "TileOutOfRange", 400),
        (errors.SourceUnavailable("x"), "NoApplicableCode", 502),
    ],
)
def test_foreseen_failures_are_reported_with_their_message(failure: Exception, expected: str, status: int) -> None:
    answer = client(failure).get("/x")
    assert (code(answer), answer.status_code) == (expected, status)
    assert b"<ows:ExceptionText>x<" in answer.content


def test_a_full_queue_asks_to_come_back() -> None:
    answer = client(Overloaded("busy")).get("/x")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_an_unforeseen_failure_shows_its_number_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client(KeyError("secret")).get("/x")
    assert answer.status_code == 500
    assert code(answer) == "NoApplicableCode"
    assert b"secret" not in answer.content
    incident = answer.text.rpartition("incident ")[2].split("<")[0]
    assert incident in caplog.text
    assert "secret" in caplog.text


def test_unknown_paths_and_methods_are_reports_too() -> None:
    one = client(KeyError())
    assert (one.get("/y").status_code, code(one.get("/y"))) == (404, "NoApplicableCode")
    answer = one.post("/x")
    assert (answer.status_code, code(answer)) == (405, "OperationNotSupported")
    assert "GET" in answer.headers["allow"]
