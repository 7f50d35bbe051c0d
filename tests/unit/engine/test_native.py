"""Where a view is computed at the pixels of its files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ogcserver.cube import View
from ogcserver.engine.native import native
from ogcserver.geo.crs import WGS84, project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.cells import Native
from tests.fakes import DAYS, UTM, Archive, compiled, coordinate_bands, node, product, run
from tests.property.strategies import archive, bound, reader

X, Y = (float(part[0]) for part in project("EPSG:32632", "EPSG:3857", np.array([604000.0]), np.array([5196000.0])))
ZOOMED_IN = Grid(Lattice("EPSG:3857", X, Y, 3.0, 3.0), 300, 300, 128, 128)
COARSE = Grid(Lattice("EPSG:3857", X, Y, 900.0, 900.0), 0, 0, 2, 2)
ONE_DAY = node("filter_daterange", imagery=product(), **{"from": DAYS[0], "to": DAYS[0]})
INDEX = node("min_time", imagery=node("NDVI", imagery=product(), red="x", nir="y"))


def found(graph: Any, view: View, of: Archive | None = None, largest: int = 1 << 20) -> Native | None:
    plan = compiled(of or archive(), graph)
    return native(bound(plan, view), reader().onto(view.grid, view.resampling), largest)


def test_a_map_finer_than_its_files_is_computed_at_their_pixels() -> None:
    place = found(INDEX, View(ZOOMED_IN, ("NDVI",)))
    assert place is not None
    assert place.grid.lattice == UTM.lattice and place.grid.size < ZOOMED_IN.size / 4


@pytest.mark.parametrize(
    ("graph", "view", "why"),
    [
        (INDEX, View(ZOOMED_IN, ("NDVI",), (), "bilinear"), "pixels are blended"),
        (node("first_time", imagery=ONE_DAY), View(ZOOMED_IN, ("x",)), "as many pixels would be picked"),
        (
            node("min_time", imagery=node("union", collection=[product("zones"), product("zones")])),
            View(Grid(Lattice(WGS84, 12.0, 46.9, 1e-4, 1e-4), 0, 0, 100, 100), ("v",)),
            "two zones have no common pixels",
        ),
        (
            node("filter_bbox", imagery=INDEX, left=10.3, right=10.3005, top=46.9, bottom=46.7, srs=WGS84),
            View(ZOOMED_IN, ("NDVI",)),
            "the box cuts pixels of the view, not of the files",
        ),
        (
            INDEX,
            View(Grid(Lattice("EPSG:3857", 1146000.0, 5932000.0, 900.0, 900.0), 0, 0, 20, 20), ("NDVI",)),
            "coarse",
        ),
    ],
)
def test_it_stays_out_where_it_would_be_wrong_or_slow(graph: Any, view: View, why: str) -> None:
    assert found(graph, view) is None, why


def test_memory_has_the_last_word() -> None:
    assert found(INDEX, View(ZOOMED_IN, ("NDVI",)), largest=100) is None


def test_an_observation_without_a_band_is_missing_there_as_elsewhere() -> None:
    made, bands = Archive(), coordinate_bands(UTM, 0)
    made.add("partly", [("2017-01-03T10:00:00Z", UTM, bands), ("2017-01-05T10:00:00Z", UTM, {"x": bands["x"]})])
    graph = node("count_time", imagery=node("NDVI", imagery=product("partly"), red="x", nir="y"))
    engine = made.engine()
    try:
        block = run(engine.evaluate(compiled(made, graph), View(ZOOMED_IN, ("NDVI",))))
    finally:
        engine.close()
    assert (block.data == 1).all()
