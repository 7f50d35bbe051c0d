"""Results that are put together on the disk, through every operation that sends a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasterio.io import MemoryFile

from ogcserver.settings import Limits
from tests.e2e.harness import Job, TestServer, bits, node, settings

BOX = {"left": 655000, "right": 662000, "top": 5170000, "bottom": 5165000, "srs": "EPSG:32632"}
DATES = node("filter_bbox", imagery={"product_id": "S2_L2A_T32TPS_20M"}, **BOX)
GRAPH = node("min_time", imagery=node("NDVI", imagery=DATES, red="B04", nir="B8A"))
Servers = dict[str, tuple[TestServer, Job]]
WCS = {"service": "WCS", "request": "GetCoverage"}


@pytest.fixture(scope="module")
def servers(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One that has everything in memory, and one that has nothing there."""
    made = {}
    for name, limits in (("memory", Limits()), ("disk", Limits(stream_mb=0))):
        server = TestServer(settings(tmp_path_factory.mktemp(name), demo_catalog, limits=limits))
        made[name] = server, server.add(GRAPH)
    yield made
    for server, _ in made.values():
        server.close()


def asked(job: Job, wanted: str) -> httpx.Response:
    box = "655000,5165000,662000,5170000"
    versions: dict[str, dict[str, Any]] = {
        "2.0.1": {"version": "2.0.1", "coverageId": job.id, "subset": "E(656000,660000)"},
        "2.0.1 multipart": {"version": "2.0.1", "coverageId": job.id, "mediatype": "multipart/related"},
        "2.0.1 scaled": {"version": "2.0.1", "coverageId": job.id, "scalefactor": "0.3", "outputcrs": "EPSG:4326"},
        "1.1.1": {"version": "1.1.1", "identifier": job.id, "format": "image/tiff",
                  "boundingbox": f"{box},urn:ogc:def:crs:EPSG::32632"},
        "1.0.0": {"version": "1.0.0", "coverage": job.id, "crs": "EPSG:32632", "bbox": box, "width": "350",
                  "height": "250", "format": "GTiff"},
    }  # fmt: skip
    if wanted == "execute":
        return job.server.post("/execute", {"process_graph": GRAPH})
    if wanted == "download":
        return job.server.get(f"/jobs/{job.id}/on_demand/result.tif")
    return job.server.get("/wcs", params=WCS | versions[wanted])


@pytest.mark.parametrize(
    "wanted", ["2.0.1", "2.0.1 multipart", "2.0.1 scaled", "1.1.1", "1.0.0", "execute", "download"]
)
def test_every_operation_sends_the_same_pixels(servers: Servers, wanted: str) -> None:
    answers = {name: asked(job, wanted) for name, (_, job) in servers.items()}
    found = {name: pixels(answer) for name, answer in answers.items()}
    assert found["disk"] == found["memory"]
    assert {int(answer.headers["content-length"]) - len(answer.content) for answer in answers.values()} == {0}
    assert answers["disk"].headers["etag"].endswith('-d"') and not answers["memory"].headers["etag"].endswith('-d"')


def pixels(response: httpx.Response) -> tuple[Any, ...]:
    assert response.status_code == 200, response.text
    content = response.content
    if response.headers["content-type"].startswith("multipart/"):
        head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
        document, file = BytesParser().parsebytes(head + content).get_payload()  # type: ignore[misc]
        assert document.get_payload(decode=True).startswith(b"<?xml")  # type: ignore[union-attr]
        content = file.get_payload(decode=True)  # type: ignore[union-attr, assignment]
    with MemoryFile(content) as memory, memory.open() as file:
        return bits(file.read()), file.transform, file.crs, str(file.nodata)


def test_an_entity_that_is_known_is_not_computed_again(servers: Servers) -> None:
    server, job = servers["disk"]
    etag = asked(job, "2.0.1").headers["etag"]
    ask = WCS | {"version": "2.0.1", "coverageId": job.id, "subset": "E(656000,660000)"}
    assert server.get("/wcs", params=ask, headers={"if-none-match": etag}).status_code == 304


def test_a_metalink_tells_size_and_hash(servers: Servers) -> None:
    server, job = servers["disk"]
    accept = {"accept": "application/metalink4+xml"}
    metalink = server.get(f"/jobs/{job.id}/on_demand/download", headers=accept).text
    content = asked(job, "download").content
    assert f"<size>{len(content)}</size>" in metalink
    assert hashlib.sha256(content).hexdigest() in metalink


def test_nothing_is_left(servers: Servers) -> None:
    server, job = servers["disk"]
    asked(job, "2.0.1")
    assert [path.name for path in (server.settings.server.data_dir / "tmp").glob("*/*")] == ["lock"]
