"""Generated requests for every path of our own OGC API definition: answers are as declared, and never 500."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ogcserver.ogcapi.openapi import definition
from ogcserver.ows.identification import Identification
from tests.api.test_ogcapi import Server

EXAMPLES = 8
"""For each of some 20 operations, of requests that the definition allows and of others."""
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
GOOD = {
    "collectionId": "j-time",
    "styleId": "grey",
    "tileMatrixSetId": "WebMercatorQuad",
    "tileMatrix": "11",
    "tileRow": "721",
    "tileCol": "1083",
}
"""Things that there are."""

SCHEMA = schemathesis.openapi.from_dict(definition(Identification(), "http://test/ogc"))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


def send(server: Server, case: Case) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(server.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            path = case.formatted_path.replace("%0A", "n").rstrip("/")  # a line feed is in no route of any application
            url = httpx.URL(f"http://test/ogc{path}", params=case.query or None)
            request = client.build_request("GET", url)
            request.read()  # checks look at it
            return await client.send(request)

    return asyncio.run(ask())


def test_the_definition_has_every_operation() -> None:
    assert len(OPERATIONS) > 20


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_every_operation_answers_as_declared(server: Server, operation: Any, mode: GenerationMode) -> None:
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def check(case: Case, known: bool) -> None:
        if known:
            case.path_parameters = {name: GOOD[name] for name in case.path_parameters}
        answer = send(server, case)
        assert answer.status_code != 500, answer.text
        case.validate_response(answer, checks=CHECKS)

    check()
