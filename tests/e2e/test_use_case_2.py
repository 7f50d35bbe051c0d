"""The second use case of the API text over HTTP: a monthly radar product of a user's script, through TMS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.io import MemoryFile
from rio_tiler.colormap import cmap

from ogcserver.settings import Udf
from tests.e2e.harness import Json, Pixels, TestServer, assert_json_error, bits, node, picture, raster, settings
from tests.unit.batch.processes import Process

SCRIPTS = Path(__file__).parents[2] / "docs" / "udf"
RADAR = "Sentinel1-L1-IW-GRD"
BOX = {"left": 16.1, "right": 16.6, "top": 48.6, "bottom": 47.2, "srs": "EPSG:4326"}
MONTHS = ("2017-01-01", "2017-02-01", "2017-03-01")


def graph(script: str, kind: str = "aggregate_time", to: str = "2017-03-31") -> Json:
    dated = node("filter_daterange", node("filter_bbox", RADAR, **BOX), from_="2017-01-01", to=to)
    return node(f"/udf/Python/{kind}", dated, script=f"/users/me/files/{script}")


@pytest.fixture(scope="module")
def server(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    made = TestServer(settings(tmp_path_factory.mktemp("udf-data"), demo_catalog))
    try:
        if not made.get("/udf_runtimes").json():
            pytest.skip(made.get("/udf_runtimes/Python/aggregate_time").json()["message"])
        for script in SCRIPTS.glob("*.py"):
            put(made, script.name, script.read_text())
        yield made
    finally:
        made.close()


def put(server: TestServer, name: str, text: str) -> None:
    assert server.request("PUT", f"/files/me/{name}", content=text.encode()).status_code == 204


def served(server: TestServer, graph: Json, **args: Any) -> tuple[str, str]:
    """A job on demand with a TMS service: the job's identifier, and the path of the service."""
    created = server.post("/jobs", {"process_graph": graph})
    assert created.status_code == 200, created.text
    job_id = created.json()["job_id"]
    assert server.post(f"/jobs/{job_id}/on_demand").status_code == 204
    body = {"job_id": job_id, "service_type": "tms", "service_args": args}
    return job_id, server.post("/services", body).json()["service_url"].removeprefix("http://test")


def monthly_means(catalog: Path, band: str) -> tuple[Pixels, Any]:
    """(month, y, x) in decibels, computed from the files by numpy alone, and their transform."""
    sums: dict[str, list[Pixels]] = {}
    for path in sorted((catalog.parent / RADAR).rglob(f"*{band}*.tif")):
        with rasterio.open(path) as file:
            values, transform = file.read(1, masked=True).filled(np.nan).astype(np.float64), file.transform
        day = next(part for part in path.stem.split("_") if part.startswith("2017"))
        sums.setdefault(day[:6], []).append(10 ** (values / 10))
    assert [len(scenes) for scenes in sums.values()] == [2, 2, 2]
    with np.errstate(all="ignore"):
        return np.stack([10 * np.log10(np.nanmean(scenes, axis=0)) for scenes in sums.values()]), transform


def test_what_the_text_looks_at_first(server: TestServer) -> None:
    bands = server.get(f"/data/{RADAR}").json()["bands"]
    assert [band["band_id"] for band in bands] == ["VV", "VH"]
    assert "aggregate_time" in server.get("/udf_runtimes").json()["Python"]["udf_types"]
    described = server.get("/udf_runtimes/Python/aggregate_time").json()
    assert described["process_id"] == "/udf/Python/aggregate_time" and "script" in described["args"]


def test_tiles_are_the_monthly_means_of_the_files(server: TestServer, demo_catalog: Path) -> None:
    _, service = served(server, graph("s1_aggregate_fast.py"), rescale=[-25, 0])
    palette = np.array([cmap.get("greys_r")[step][0] for step in range(256)])
    means, transform = monthly_means(demo_catalog, "VV")
    z, x, y = 9, 279, 178
    across = np.array([-20037508.342789244 + (x + (k + 0.5) / 256) * 40075016.685578488 / 2**z for k in range(256)])
    down = np.array([20037508.342789244 - (y + (k + 0.5) / 256) * 40075016.685578488 / 2**z for k in range(256)])
    there_x, there_y = Transformer.from_crs(3857, 32633, always_xy=True).transform(*np.meshgrid(across, down))
    cols, rows = (there_x - transform.c) / transform.a, (there_y - transform.f) / transform.e
    lon, lat = Transformer.from_crs(3857, 4326, always_xy=True).transform(*np.meshgrid(across, down))
    inside = (cols >= 0) & (cols < means.shape[2]) & (rows >= 0) & (rows < means.shape[1])
    inside &= (lon > 16.101) & (lon < 16.599) & (lat > 47.201) & (lat < 48.599)
    clear = inside & (abs(cols % 1 - 0.5) < 0.45) & (abs(rows % 1 - 0.5) < 0.45)  # not between two source pixels
    assert clear.sum() > 5000
    seen = []
    for number, month in enumerate(MONTHS):
        shown = picture(server.get(f"{service}/{month}/{z}/{x}/{y}?bands=1"))
        wanted = means[number][rows[clear].astype(int), cols[clear].astype(int)]
        known = np.isfinite(wanted)
        step = np.rint(np.clip((wanted[known] + 25) / 25, 0, 1) * 255).astype(int)
        grey = shown[clear][known][:, 0]
        assert (palette[np.maximum(step - 1, 0)] <= grey).all() and (grey <= palette[np.minimum(step + 1, 255)]).all()
        assert (shown[clear][:, 3] == np.where(known, 255, 0)).all()
        seen.append(shown)
    assert not np.array_equal(seen[0], seen[1])


def test_both_forms_and_a_coverage_have_the_same_values(server: TestServer, demo_catalog: Path) -> None:
    means, _ = monthly_means(demo_catalog, "VH")
    window = {"left": 600000, "right": 610000, "top": 5300000, "bottom": 5290000, "srs": "EPSG:32633"}
    for script in ("s1_aggregate.py", "s1_aggregate_fast.py"):
        small = node("last_time", node("filter_bbox", graph(script), **window))
        found = raster(server.post("/execute", {"process_graph": small, "output": {"format": "GTiff"}}))
        left, top = found.origin
        with rasterio.open(next((demo_catalog.parent / RADAR).rglob("*VH*.tif"))) as file:
            grid = file.transform
        col, row = round((left - grid.c) / grid.a), round((top - grid.f) / grid.e)
        height, width = found.shape
        wanted = means[2, row : row + height, col : col + width]
        known = np.isfinite(found.values[1])
        assert known.mean() > 0.7 and np.isfinite(wanted).mean() > 0.7
        np.testing.assert_allclose(found.values[1][known], wanted[known], rtol=0, atol=2e-5)


def test_a_changed_script_changes_the_tiles(server: TestServer) -> None:
    put(server, "changing.py", "def reduce_time_array(cube):\n    return cube.data[0] * 0 - 5\n")
    _, service = served(server, graph("changing.py", "reduce_time"), rescale=[-25, 0])
    other = TestServer(server.settings)
    try:
        tile = f"{service}/2017-01-01/9/279/178?bands=1"
        before = [picture(one.get(tile)) for one in (server, other)]
        put(server, "changing.py", "def reduce_time_array(cube):\n    return cube.data[0] * 0 - 15\n")
        after = [picture(one.get(tile)) for one in (server, other)]
    finally:
        other.close()
    for was, now in zip(before, after, strict=True):
        seen = was[..., 3] > 0
        assert seen.any() and len(np.unique(was[seen])) == 2 and (was[seen][:, 0] > now[seen][:, 0] + 50).all()


def test_a_script_that_fails_in_a_tile_gives_its_traceback_and_is_not_remembered(server: TestServer) -> None:
    text = "def apply_pixel_array(cube):\n    return 1 / 0 if cube.data.shape[3] > 8 else cube.data\n"
    put(server, "late.py", text)
    job_id, service = served(server, graph("late.py", "apply_pixel"))
    for _ in range(2):
        answer = server.get(f"{service}/2017-01-05/9/279/178?bands=1")
        assert answer.status_code == 400 and "ZeroDivisionError" in answer.text and "line 2" in answer.text
    coverage = {"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": job_id, "STYLE": "default"}
    matrix = {"TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": "9", "TILEROW": 178, "TILECOL": 279}
    answer = server.get("/wmts", params={**coverage, **matrix, "FORMAT": "image/png"})
    assert "ZeroDivisionError" in answer.text and "ExceptionReport" in answer.text
    execute = server.post("/execute", {"process_graph": node("max_time", graph("late.py", "apply_pixel"))})
    assert (execute.status_code, execute.json()["code"]) == (400, 11300)


REFUSED = (
    (node("/udf/R/aggregate_time", RADAR, script="/users/me/files/s1_aggregate.py"), 1301, "Python"),
    (node("/udf/Python/aggregate_tim", RADAR, script="/users/me/files/s1_aggregate.py"), 1302, "aggregate_time"),
    (graph("none.py"), 2103, "none.py"),
    (node("/udf/Python/reduce_time", RADAR, script="s1_aggregate.py"), 2103, "/users/me/files/NAME"),
    (node("/udf/Python/reduce_time", RADAR, script="/users/you/files/s1_aggregate.py"), 2103, "s1_aggregate.py"),
    (node("/udf/Python/reduce_time", RADAR, script="/users/me/files/../../x.py"), 2103, "x.py"),
    (node("/udf/Python/reduce_time", RADAR), 2104, "script"),
    (node("/udf/Python/reduce_time", RADAR, script="/users/me/files/a.py", window=3), 2102, "window"),
    (graph("s1_aggregate.py", "reduce_time"), 11300, "reduce_time"),
    (node("/udf/Python/reduce_time", node("min_time", RADAR), script="/users/me/files/a.py"), 2103, "time axis"),
)


@pytest.mark.parametrize(("graph", "code", "message"), REFUSED)
def test_graphs_are_refused_with_what_to_change(server: TestServer, graph: Json, code: int, message: str) -> None:
    for path in ("/jobs", "/process_graphs/validate"):
        answer = server.post(path, {"process_graph": graph} if path == "/jobs" else graph)
        if code == 11300:
            assert (answer.status_code, answer.json()["code"]) == (400, code) and message in answer.text
        else:
            assert_json_error(server, answer, 400, code, message)


def test_an_operator_can_switch_them_off(server: TestServer) -> None:
    off = TestServer(replace(server.settings, udf=Udf(enabled=False)))
    try:
        assert off.get("/udf_runtimes").json() == {}
        answer = off.post("/jobs", {"process_graph": graph("s1_aggregate.py")})
        assert_json_error(off, answer, 400, 1301, "the operator has switched them off")
    finally:
        off.close()


def test_a_batch_has_the_pixels_of_a_synchronous_request(
    server: TestServer, demo_catalog: Path, tmp_path: Path
) -> None:
    """Worker processes run scripts themselves, each in a sandbox of its own."""
    text = (SCRIPTS / "s1_aggregate_fast.py").read_bytes()
    with Process(tmp_path, demo_catalog) as process:
        assert process.http.put("/files/me/monthly.py", content=text).status_code == 204
        job_id = process.add(graph("monthly.py"))
        process.queue(job_id)
        with MemoryFile(process.result(job_id)) as memory, memory.open() as file:
            batch = file.read()
    body = {"process_graph": graph("s1_aggregate_fast.py"), "output": {"format": "GTiff"}}
    assert bits(batch) == bits(raster(server.post("/execute", body)).values)
