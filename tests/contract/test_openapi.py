"""Generated requests for every path of the API's published contract, against the whole server in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
import schemathesis
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import response_schema_conformance

from ogcserver.app import create_app
from ogcserver.settings import Auth, Catalog, Limits, Server, Settings

CONTRACT = Path(__file__).parents[3] / "shared" / "api-0.3" / "openapi-0.3.0.json"

if not CONTRACT.is_file():
    pytest.skip("the published contract is not beside the project", allow_module_level=True)

EXAMPLES = 6
"""For each of some 65 operations and each of two servers."""
ALSO = {404, 405, 413, 416, 429, 501, 503, 507}
"""Statuses that the contract does not list and that HTTP has for such cases: see ADR 12."""
OTHERWISE: Mapping[tuple[str, str], str] = {
    ("GET", "/auth/login"): "declared as a text, but its example is the object that is answered",
    ("POST", "/auth/register"): "declared as the user alone; a token comes with it",
    ("GET", "/udf_runtimes"): "declared as an array, but its example is the object that is answered",
    ("GET", "/jobs/{job_id}/subscribe"): "a WebSocket; plain requests are refused",
}
"""Operations whose answers are not as declared, and why."""

SCHEMA = schemathesis.openapi.from_dict(json.loads(CONTRACT.read_text()))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


class World:
    """A server with one collection, and one of each thing that a user may have."""

    def __init__(self, folder: Path, mode: Any) -> None:
        tif = folder / "dem.tif"
        profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint16", "crs": "EPSG:32632"}
        with rasterio.open(tif, "w", **profile, transform=Affine(20, 0, 600000, 0, -20, 5200000)) as file:
            file.write(np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64))
        limits, catalogs = Limits(max_pixels=100_000), (Catalog(str(tif)),)
        app = create_app(Settings(Server(data_dir=folder), limits=limits, auth=Auth(mode), catalogs=catalogs))
        self.runner = asyncio.Runner()
        self.lifespan = app.router.lifespan_context(app)
        self.runner.run(self._enter())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")
        box = {"left": 600000, "bottom": 5199000, "right": 601000, "top": 5200000, "srs": "EPSG:32632"}
        self.graph = {"process_id": "filter_bbox", "args": {"imagery": {"product_id": "dem"}, **box}}
        self.token = ""
        if mode == "basic":
            self.token = self.ask("POST", "/auth/register", json="correct horse").json()["token"]
        self.ids = self._ids()

    async def _enter(self) -> None:
        await self.lifespan.__aenter__()

    def close(self) -> None:
        async def leave() -> None:
            await self.client.aclose()
            await self.lifespan.__aexit__(None, None, None)

        self.runner.run(leave())
        self.runner.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return self.runner.run(self.client.request(method, path, headers=headers, **more))

    def _ids(self) -> Mapping[str, str]:
        job = self.ask("POST", "/jobs", json={"process_graph": self.graph}).json()["job_id"]
        body = {"job_id": job, "service_type": "wcs"}
        self.ask("PUT", "/files/me/a.py", content=b"x")
        return {
            "job_id": job,
            "service_id": self.ask("POST", "/services", json=body).json()["service_id"],
            "process_graph_id": self.ask("POST", "/process_graphs", json=self.graph).json()["process_graph_id"],
            "product_id": "dem", "process_id": "NDVI", "user_id": "me", "path": "a.py", "lang": "Python",
            "udf_type": "reduce_time",
        }  # fmt: skip

    def send(self, case: Case, signed: bool) -> httpx.Response:
        """The generated request; with good credentials or those that were generated."""
        headers = {name: value for name, value in case.headers.items() if value.isascii() and value.isprintable()}
        if signed and self.token:
            headers["authorization"] = f"Bearer {self.token}"
        body: dict[str, Any] = {}
        if isinstance(case.body, dict) and case.media_type == "multipart/form-data":
            content = case.body.get("file", b"")
            body = {"files": {"file": content if isinstance(content, (bytes, str)) else json.dumps(content)}}
        elif not isinstance(case.body, NotSet):
            body = {"content": json.dumps(case.body).encode(), "headers": {"content-type": "application/json"}}
        headers |= body.pop("headers", {})
        url = httpx.URL(f"http://test{case.formatted_path}", params=case.query or None)
        request = self.client.build_request(case.method, url, headers=headers, **body)
        request.read()  # checks look at it
        return self.runner.run(self.client.send(request))


@pytest.fixture(scope="module", params=["open", "basic"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp(request.param), request.param)
    yield made
    made.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_every_operation_answers_as_declared(world: World, operation: Any) -> None:
    declared = {int(status) for status in operation.definition.raw["responses"]}

    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(), st.booleans(), st.booleans())
    def check(case: Case, known: bool, signed: bool) -> None:
        if known:
            case.path_parameters = {name: world.ids[name] for name in case.path_parameters}
        answer = world.send(case, signed)
        assert answer.status_code in declared | ALSO and answer.status_code != 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/json" and set(answer.json()) == {"code", "message"}
        elif (case.method, operation.path) not in OTHERWISE:
            case.validate_response(answer, checks=[response_schema_conformance])

    check()
