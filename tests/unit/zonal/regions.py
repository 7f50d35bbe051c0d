"""Regions for tests, and the tables that they make over the archive of coordinates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely

from ogcserver.encode.tables import Table
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import Context
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.processes.registry import processes
from ogcserver.sources.region_files import RegionFolder
from ogcserver.zonal.survey import Survey, survey
from tests.fakes import Archive, Stored, node, run

UTM = "urn:ogc:def:crs:EPSG::32632"


def write_geojson(path: Path, shapes: Sequence[Any], crs: str | None = UTM, **columns: Sequence[Any]) -> Path:
    """A file of polygons; None is a feature without geometry."""
    features = [
        {
            "type": "Feature",
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            "properties": {name: column[number] for name, column in columns.items()},
        }
        for number, shape in enumerate(shapes)
    ]
    said = {} if crs is None else {"crs": {"type": "name", "properties": {"name": crs}}}
    path.write_text(json.dumps({"type": "FeatureCollection", **said, "features": features}))
    return path


def planned(archive: Archive, imagery: Any, place: Path, func: Any = "avg") -> AggregateSpatial:
    graph = node("zonal_statistics", imagery=imagery, regions="/users/me/files/regions", func=func)
    context = Context(processes(), archive, Stored({}), regions=RegionFolder(lambda address: place))
    plan = compile_graph(graph, context)
    assert isinstance(plan, AggregateSpatial)
    return plan


def surveyed(archive: Archive, plan: AggregateSpatial) -> Survey:
    return survey(plan, run(archive.engine().describe(plan.data)), "nearest")


def table(archive: Archive, plan: AggregateSpatial, folder: Path, engine: Any = None) -> Table:
    """All chunks, and the table of them."""
    wanted, engine = surveyed(archive, plan), engine or archive.engine()
    folder.mkdir()

    async def compute() -> None:
        for number in reversed(range(wanted.total)):
            assert await wanted.compute(number, engine, plan, folder)

    run(compute())
    return wanted.table(folder, plan)
