"""Whole results over HTTP, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.io import MemoryFile  # type: ignore[import-untyped]

from ogcserver.geo.grid import Lattice
from ogcserver.sources.base import Extent
from tests.fakes import UTM, Archive, node, product, utm_archive
from tests.unit.jobs.servers import Server

GRAPH = node("min_time", imagery=product())
JOBS_MD = Path(__file__).resolve().parents[3] / "shared" / "api-0.3" / "jobs.md"
needs_text = pytest.mark.skipif(not JOBS_MD.exists(), reason="the API's text (../shared/api-0.3/jobs.md) is not here")


def executed(server: Server, graph: Any, **output: Any) -> Any:
    body = {"process_graph": graph} | ({"output": output} if output else {})
    return server.ask("POST", "/execute", body)


def box(left: float, bottom: float, right: float, top: float) -> dict[str, Any]:
    corners = {"left": left, "bottom": bottom, "right": right, "top": top, "srs": "EPSG:32632"}
    return node("filter_bbox", imagery=product(), **corners)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize("path", ["/execute", "/jobs/execute"])
def test_a_graph_is_answered_with_a_geotiff(server: Server, path: str) -> None:
    bands = node("filter_bands", imagery=box(600100, 5190000, 602100, 5191000), bands=["x", "y"])
    answer = server.ask("POST", path, {"process_graph": node("min_time", imagery=bands)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/tiff"
    assert answer.headers["content-disposition"] == 'attachment; filename="result.tif"'
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.width, file.height, file.count) == (100, 50, 2)
        x, y = file.read()
        assert (x == 600110 + 20 * np.arange(100)).all()
        assert (y == (5190990 - 20 * np.arange(50))[:, None]).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("COG", "image/tiff"), ("PNG", "image/png"), ("jpeg", "image/jpeg"), ("netCDF", "application/netcdf")],
)
def test_other_formats_say_what_they_are(server: Server, name: str, kind: str) -> None:
    graph = node("min_time", imagery=node("filter_bands", imagery=box(600000, 5190000, 602000, 5191000), bands="v"))
    answer = executed(server, graph, format=name)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(kind)


def test_a_result_with_time_holds_every_date(server: Server) -> None:
    graph = node("filter_bands", imagery=box(600000, 5190000, 600400, 5190400), bands="v")
    with MemoryFile(executed(server, graph).content) as memory, memory.open() as file:
        assert file.count == 3


@needs_text
def test_the_first_request_of_the_api_text_works_verbatim(tmp_path: Path) -> None:
    extent = Extent(Lattice("EPSG:32632", 652000.0 - 600, 5181000.0 + 400, 20.0, 20.0), 1100, 1100)
    noise = np.random.default_rng(7).integers(100, 5000, (2, 1100, 1100)).astype(np.uint16)
    archive = Archive()
    archive.add("S2_L2A_T32TPS_20M", [("2017-01-05T10:00:00Z", extent, {"B04": noise[0], "B8A": noise[1]})])
    text = JOBS_MD.read_text().split("Body:")[1]
    answer = Server(tmp_path, archive).ask("POST", "/execute", json.loads(text[text.index("{") : text.index("```")]))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/tiff"
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.width, file.height, file.crs.to_epsg()) == (1000, 1000, 32632)
        assert (file.transform.c, file.transform.f, file.transform.a) == (652000, 5181000, 20)
        assert file.profile["compress"] == "jpeg" and file.profile["photometric"] == "ycbcr"


@needs_text
def test_the_second_request_of_the_api_text_needs_its_regions(tmp_path: Path) -> None:
    archive = Archive()
    archive.add("Sentinel2-L1C", [("2017-01-05T10:00:00Z", UTM, {"8": np.ones((600, 700), np.uint16)})])
    text = JOBS_MD.read_text().split("Body:")[3]
    answer = Server(tmp_path, archive).ask("POST", "/execute", json.loads(text[text.index("{") : text.index("```")]))
    assert (answer.status_code, answer.json()["code"]) == (400, 2103)
    assert answer.json()["message"].startswith("process_graph.args.regions")


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ({"format": "GPKG"}, 3001),
        ({"format": "GTiff", "colour": 1}, 3002),
        ({"format": "GTiff", "compress": "rar"}, 3003),
        ({"format": "GTiff", "resampling": "best"}, 3003),
        ({"format": 5}, 501),
        ([], 501),
        ("GTiff", 501),
    ],
)
def test_bad_outputs_are_refused_before_anything_is_computed(server: Server, output: Any, code: int) -> None:
    server.archive.arrays.clear()  # reading would fail
    for path in ("/execute", "/jobs"):
        answer = server.ask("POST", path, {"process_graph": GRAPH, "output": output})
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_no_observation_is_a_clear_error(server: Server) -> None:
    dates = {"from": "1999-01-01", "to": "1999-01-31"}
    answer = executed(server, node("min_time", imagery=node("filter_daterange", imagery=product(), **dates)))
    assert (answer.status_code, answer.json()["code"]) == (400, 10001), answer.text


def test_a_result_that_is_too_large_is_refused_with_numbers(tmp_path: Path) -> None:
    answer = executed(Server(tmp_path, max_pixels=1000), GRAPH)
    assert (answer.status_code, answer.json()["code"]) == (413, 413)
    assert "700 x 600" in answer.json()["message"] and "1000" in answer.json()["message"]


def test_an_on_demand_job_is_downloaded(server: Server) -> None:
    job_id = server.job(node("min_time", imagery=node("filter_bands", imagery=product(), bands="v")))
    path = f"/jobs/{job_id}/on_demand/result.tif"
    assert server.ask("GET", path).json()["code"] == 428
    server.ask("POST", f"/jobs/{job_id}/on_demand")
    answer = server.ask("GET", path)
    assert answer.status_code == 200 and answer.headers["content-disposition"].endswith(f'{job_id}.tif"')
    again = server.ask("GET", path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert server.ask("GET", path.replace(".tif", ".png")).status_code == 404
    server.ask("DELETE", f"/jobs/{job_id}/on_demand")
    assert server.ask("GET", path, headers={"if-none-match": answer.headers["etag"]}).json()["code"] == 428


def test_resampling_of_the_output_changes_pixels_only_where_there_are_several(tmp_path: Path) -> None:
    lattice = UTM.lattice
    coarse = Extent(Lattice(lattice.crs, lattice.x0 + 7, lattice.y0 - 7, 20.0, 20.0), 700, 600)
    archive = utm_archive()
    archive.add("shifted", [("2017-01-05T10:00:00Z", coarse, {"v": np.ones((600, 700), np.float32)})])
    answer = executed(Server(tmp_path, archive), node("min_time", imagery=product("shifted")), resampling="bilinear")
    assert answer.status_code == 200
