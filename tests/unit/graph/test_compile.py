"""What graphs mean: the plans that they compile to."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ogcserver.cube import Band
from ogcserver.errors import ArgumentInvalid
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import BandName, Context
from ogcserver.plan.expr import postorder
from ogcserver.plan.nodes import BandMath, FilterBands, FilterBbox, Load, Merge, Reduce
from ogcserver.processes.registry import processes
from tests.fakes import Stored, compiled, node, product, utm_archive

ARCHIVE = utm_archive()
JOBS = Path(__file__).parents[4] / "shared" / "api-0.3" / "jobs.md"


class Sentinel:
    """Collections with band identifiers, common names and wavelengths as of Sentinel-2."""

    bands_ = (
        BandName(Band("B02", "uint16"), "blue", 490.0),
        BandName(Band("B04", "uint16"), "red", 665.0),
        BandName(Band("B8A", "uint16"), "nir08", 865.0),
        BandName(Band("8", "uint16"), "nir", 842.0),
        BandName(Band("SCL", "uint8"), "", None),
    )

    def bands(self, collection: str) -> tuple[BandName, ...]:
        return self.bands_


CONTEXT = Context(processes(), Sentinel(), Stored({}))
S2 = product("s2")


def names(graph: object) -> tuple[str, ...]:
    return compile_graph(graph, CONTEXT).type.names


@pytest.mark.parametrize("number", [8, "8", [8], ["8"]])
def test_a_number_as_a_band_is_its_text(number: object) -> None:
    assert names(node("filter_bands", imagery=S2, bands=number)) == ("8",)
    if not isinstance(number, list):
        assert names(node("NDVI", imagery=S2, red="B04", nir=number)) == ("NDVI",)


def test_bands_come_in_the_order_asked() -> None:
    assert names(node("filter_bands", imagery=S2, bands=["SCL", "B02", "8"])) == ("SCL", "B02", "8")
    assert compile_graph(node("filter_bands", imagery=S2, bands=["SCL"]), CONTEXT).type.bands == (Band("SCL", "uint8"),)


def test_common_names_stand_for_bands() -> None:
    assert names(node("filter_bands", imagery=S2, names=["nir", "blue"])) == ("8", "B02")
    assert names(node("filter_bands", imagery=S2, bands="red")) == ("B04",)
    by_name = compile_graph(node("NDVI", imagery=S2), CONTEXT)
    by_id = compile_graph(node("NDVI", imagery=S2, red="B04", nir="8"), CONTEXT)
    assert by_name.token == by_id.token


@pytest.mark.parametrize(
    ("wavelengths", "expected"),
    [
        (500, ("B02",)),
        (850, ("8",)),
        ([640, 700], ("B04",)),
        ([800, 900], ("B8A", "8")),
        ([[400, 500], [660, 670]], ("B02", "B04")),
    ],
)
def test_wavelengths_choose_bands(wavelengths: object, expected: tuple[str, ...]) -> None:
    assert set(names(node("filter_bands", imagery=S2, wavelengths=wavelengths))) == set(expected)


@pytest.mark.parametrize("swap", ["left-right", "top-bottom", "both", "none"])
def test_the_edges_of_a_box_may_be_swapped(swap: str) -> None:
    args = {"left": 11.0, "right": 12.0, "top": 47.0, "bottom": 46.0}
    if swap in ("left-right", "both"):
        args["left"], args["right"] = args["right"], args["left"]
    if swap in ("top-bottom", "both"):
        args["top"], args["bottom"] = args["bottom"], args["top"]
    plan = compiled(ARCHIVE, node("filter_bbox", imagery=product(), **args))
    assert isinstance(plan, FilterBbox) and plan.region.bounds == (11.0, 46.0, 12.0, 47.0)


def test_filters_end_in_the_load() -> None:
    graph = node("filter_daterange", imagery=product(), from_="2017-01-01", to="2017-01-31")
    graph = node("filter_bbox", imagery=graph, left=11, right=12, top=46, bottom=47)
    plan = compiled(ARCHIVE, node("min_time", imagery=node("NDVI", imagery=graph, red="v", nir="w")))
    kinds = [type(item) for item in postorder(plan)]
    assert kinds == [Load, BandMath, Reduce, FilterBbox]
    load = next(item for item in postorder(plan) if isinstance(item, Load))
    assert (load.interval.start, load.interval.end) == ("2017-01-01T00:00:00Z", "2017-02-01T00:00:00Z")
    assert load.type.names == ("v", "w") and len(load.regions) == 1


def test_output_bands_of_arithmetic_are_named_after_bands_or_numbered() -> None:
    graph = node("band_arithmetic", imagery=product(), expr=["v", "v * 2", " w ", "v"])
    assert compiled(ARCHIVE, graph).type.names == ("v", "band_2", "w", "band_4")


def test_union_keeps_equal_bands_as_they_are_and_widens_the_others() -> None:
    plan = compile_graph(node("union", collection=[S2, product("other")]), CONTEXT)
    assert isinstance(plan, Merge) and plan.type.bands == tuple(name.band for name in Sentinel.bands_)
    one = compile_graph(node("union", collection=[S2]), CONTEXT)
    assert isinstance(one, Load)
    ndvi = node("band_arithmetic", imagery=S2, expr=["B02"])
    mixed = compile_graph(node("union", collection=[S2, ndvi]), CONTEXT)
    assert mixed.type.band("B02").dtype == "float32"


def test_a_stored_graph_takes_the_given_imagery() -> None:
    stored = {"ndvi": node("NDVI", imagery=product("elsewhere"), red="v", nir="w")}
    direct = compiled(ARCHIVE, node("NDVI", imagery=product(), red="v", nir="w"))
    for call in (
        {"process_id": "/user/ndvi", "args": {"imagery": product()}},
        node("process_graph", imagery=product(), uri="/user/ndvi"),
        node("process_graph", imagery=product(), uri="ndvi"),
    ):
        assert compiled(ARCHIVE, call, stored).token == direct.token


def test_a_stored_graph_without_imagery_keeps_its_own() -> None:
    stored = {"inner": product(), "outer": node("min_time", imagery={"process_id": "/user/inner", "args": {}})}
    plan = compiled(ARCHIVE, {"process_id": "/user/outer"}, stored)
    assert plan.token == compiled(ARCHIVE, node("min_time", imagery=product())).token


def test_imagery_reaches_stored_graphs_inside_of_stored_graphs() -> None:
    stored = {
        "inner": node("filter_bands", imagery=product("nowhere"), bands="v"),
        "outer": node("min_time", imagery={"process_id": "/user/inner"}),
    }
    plan = compiled(ARCHIVE, {"process_id": "/user/outer", "args": {"imagery": product()}}, stored)
    assert [item.collection for item in postorder(plan) if isinstance(item, Load)] == ["utm"]


def doubled(depth: int) -> dict[str, Any]:
    """Stored graphs of which each is the union of the one before with itself, shifted: 2 ** depth paths."""
    stored: dict[str, Any] = {"g0": node("filter_bands", imagery=product(), bands=["v", "w"])}
    for number in range(1, depth + 1):
        inner = {"process_id": f"/user/g{number - 1}"}
        other = node("band_arithmetic", imagery=inner, expr=["v + 1", "w"])
        stored[f"g{number}"] = node("filter_bands", imagery=node("union", collection=[inner, other]), bands=["v", "w"])
    return stored


def test_stored_graphs_that_are_used_twice_at_every_level_cost_no_more_than_once() -> None:
    stored = doubled(30)
    stored["twice0"] = product()
    for number in range(1, 31):
        stored[f"twice{number}"] = node("union", collection=[{"process_id": f"/user/twice{number - 1}"}] * 2)
    for name in ("twice30", "g30"):
        start = time.perf_counter()
        plan = compiled(ARCHIVE, {"process_id": f"/user/{name}"}, stored)
        assert time.perf_counter() - start < 1.0
        assert len(list(postorder(plan))) < 130


def test_nodes_shared_in_one_document_cost_no_more_than_once() -> None:
    graph: dict[str, Any] = product()
    for _ in range(9):
        graph = node("union", collection=[graph, graph])
    start = time.perf_counter()
    plan = compiled(ARCHIVE, graph)
    assert time.perf_counter() - start < 1.0
    assert len(list(postorder(plan))) == 10


def test_lowering_the_same_graph_again_gives_the_same_token() -> None:
    graph = node("min_time", imagery=node("NDVI", imagery=product(), red="v", nir="w"))
    assert len({compiled(utm_archive(), json.loads(json.dumps(graph))).token for _ in range(3)}) == 1


def bodies() -> list[dict[str, Any]]:
    """The request bodies of the API text."""
    if not JOBS.exists():
        pytest.skip(f"the API text is not at {JOBS}")
    return [json.loads(text) for text in re.findall(r"Body:\n(\{.*?\n\})\n```", JOBS.read_text(), re.DOTALL)]


class ApiCollections:
    def bands(self, collection: str) -> tuple[BandName, ...]:
        bands = {"S2_L2A_T32TPS_20M": ("B02", "B04", "B8A"), "Sentinel2-L1C": ("1", "2", "8", "8a")}[collection]
        return tuple(BandName(Band(band, "uint16", 0.0)) for band in bands)


def test_the_first_graph_of_the_api_text_compiles() -> None:
    plan = compile_graph(bodies()[0]["process_graph"], Context(processes(), ApiCollections(), Stored({})))
    assert plan.type.names == ("NDVI",) and not plan.type.temporal
    assert isinstance(plan, FilterBbox)
    assert plan.region.crs == "EPSG:32632" and plan.region.bounds == (652000.0, 5161000.0, 672000.0, 5181000.0)


def test_the_second_graph_of_the_api_text_needs_its_regions() -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        compile_graph(bodies()[1]["process_graph"], Context(processes(), ApiCollections(), Stored({})))
    assert caught.value.locator == "process_graph.args.regions"
    rest = bodies()[1]["process_graph"]["args"]["imagery"]
    assert compile_graph(rest, Context(processes(), ApiCollections(), Stored({}))).type.names == ("8",)


def test_drop_of_idle_filters_keeps_the_order_of_bands() -> None:
    plan = compiled(ARCHIVE, node("filter_bands", imagery=product(), bands=["w", "v"]))
    assert isinstance(plan, FilterBands) and plan.type.names == ("w", "v")


def test_types_are_known_without_pixels() -> None:
    plan = compile_graph(node("count_time", imagery=S2), CONTEXT)
    assert {np.dtype(band.dtype).name for band in plan.type.bands} == {"uint16"} and not plan.type.temporal
