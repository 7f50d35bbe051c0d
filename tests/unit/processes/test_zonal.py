"""zonal_statistics as graphs write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from ogcserver.errors import ArgumentInvalid, ArgumentMissing, InvalidParameter
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import Context
from ogcserver.plan.nodes import FilterBbox, Load
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.processes.registry import processes
from ogcserver.sources.region_files import RegionFolder
from tests.fakes import Stored, node, product, utm_archive
from tests.unit.zonal.regions import planned, write_geojson

ARCHIVE = utm_archive()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_geojson(tmp_path / "r.geojson", [shapely.box(601000, 5190000, 602000, 5191000)])


@pytest.mark.parametrize(
    ("given", "meant"),
    [(None, ("avg",)), ("median", ("median",)), (["max", "Mean", "avg"], ("max", "avg")), ("q50", ("median",))],
)
def test_functions(place: Path, given: Any, meant: tuple[str, ...]) -> None:
    assert planned(ARCHIVE, product(), place, given).functions == meant


def test_what_is_before_is_optimised_as_in_other_graphs(place: Path) -> None:
    bbox = node(
        "filter_bbox", imagery=product(), left=601000, right=605000, top=5195000, bottom=5190000, srs="EPSG:32632"
    )
    imagery = node("filter_bands", imagery=node("filter_daterange", imagery=bbox, to="2017-01-10"), bands="v")
    plan = planned(ARCHIVE, imagery, place)
    assert plan.type.zonal and plan.type.temporal and plan.type.names == ("v",)
    assert isinstance(plan.data, FilterBbox) and isinstance(plan.data.data, Load) and not plan.data.type.zonal
    assert plan.data.data.interval.end and [band.name for band in plan.data.data.bands] == ["v"]


def refused(graph: Any, place: Path) -> str:
    def find(address: str) -> Path:
        if not address.startswith("/users/me/files/"):
            raise InvalidParameter("names no file")
        return place

    with pytest.raises((ArgumentInvalid, ArgumentMissing)) as caught:
        compile_graph(graph, Context(processes(), ARCHIVE, Stored({}), regions=RegionFolder(find)))
    return f"{caught.value.locator}: {caught.value.message}"


def test_bad_arguments(place: Path, tmp_path: Path) -> None:
    good = {"imagery": product(), "regions": "/users/me/files/r.geojson"}
    assert "args.func: there is no statistic 'mode'" in refused(node("zonal_statistics", **good, func="mode"), place)
    assert "args.regions" in refused(node("zonal_statistics", imagery=product()), place)
    assert "args.regions: names no file" in refused(
        node("zonal_statistics", imagery=product(), regions="http://a/b"), place
    )
    assert "args.regions: x.tif is no file" in refused(node("zonal_statistics", **good), tmp_path / "x.tif")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there is no file of regions" in refused(node("zonal_statistics", **good), empty)


def test_nothing_follows_a_table(place: Path) -> None:
    table = node("zonal_statistics", imagery=product(), regions="/users/me/files/r.geojson")
    for graph in (node("min_time", imagery=table), node("union", collection=[product(), table])):
        assert "must be an image" in refused(graph, place)


def test_without_files_of_users_there_are_no_regions() -> None:
    graph = node("zonal_statistics", imagery=product(), regions="/users/me/files/r.geojson")
    with pytest.raises(ArgumentInvalid, match="there are no files of users here"):
        compile_graph(graph, ARCHIVE.context())


def test_tokens_know_what_is_computed(place: Path) -> None:
    plan = planned(ARCHIVE, product(), place)
    assert isinstance(plan, AggregateSpatial)
    tokens = {plan.token, planned(ARCHIVE, product(), place, "min").token, plan.data.token}
    assert len(tokens) == 3
