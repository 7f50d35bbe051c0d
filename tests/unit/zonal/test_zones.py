"""Regions laid on lattices of other CRSs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

import ogcserver.zonal.zones
from ogcserver.errors import TooLarge
from ogcserver.geo.crs import WGS84, project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.region_files import RegionFolder, Regions, read_regions
from ogcserver.zonal.kernels import covered
from ogcserver.zonal.zones import Zones, lay
from tests.unit.zonal.regions import write_geojson

UTM = Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0), 0, 0, 700, 600)
WORLD = Grid(Lattice(WGS84, 0.0, 90.0, 1.0, 1.0), 0, 0, 360, 180)


def regions(tmp_path: Path, *shapes: Any, crs: str | None = None) -> Regions:
    path = write_geojson(tmp_path / "regions.geojson", shapes, crs)
    return read_regions(RegionFolder(lambda address: path).find("regions"))


def weights(zones: Zones, number: int, grid: Grid) -> np.ndarray[Any, Any]:
    out = np.zeros(grid.size)
    shape = (zones.x, zones.y, zones.rings, zones.signs, zones.first, zones.boxes)
    cells, parts = covered(*shape, number, (grid.col, grid.row, grid.width, grid.height))
    out[cells] = parts
    return out.reshape(grid.shape)


def test_edges_that_are_straight_in_degrees_bend_in_metres(tmp_path: Path) -> None:
    box = shapely.box(10.34, 46.86, 10.46, 46.92)  # its northern edge is 9 km long
    zones = lay(regions(tmp_path, box), UTM)
    fine = shapely.transform(
        shapely.segmentize(box, 1e-4),
        lambda p: np.stack(project(WGS84, UTM.crs, p[:, 0].copy(), p[:, 1].copy()), axis=1),
    )
    coarse = shapely.transform(box, lambda p: np.stack(project(WGS84, UTM.crs, p[:, 0].copy(), p[:, 1].copy()), axis=1))
    assert zones.sizes[0] == pytest.approx(fine.area / 400.0, rel=1e-9)
    assert abs(coarse.area / fine.area - 1) > 1e-7  # so that corners alone would not do
    assert weights(zones, 0, UTM).sum() == pytest.approx(zones.sizes[0], rel=1e-9)


def test_neighbours_meet_whatever_way_their_edges_run(tmp_path: Path) -> None:
    left, right = shapely.box(10.34, 46.86, 10.40, 46.92), shapely.box(10.40, 46.86, 10.46, 46.92)
    zones = lay(regions(tmp_path, left, right, shapely.box(10.34, 46.86, 10.46, 46.92)), UTM)
    both = weights(zones, 0, UTM) + weights(zones, 1, UTM)
    np.testing.assert_allclose(both, weights(zones, 2, UTM), atol=1e-5)


def test_longitudes_are_taken_around_the_globe(tmp_path: Path) -> None:
    across, west, plain = shapely.box(-5, 0, 7, 2), shapely.box(-10.5, 10, -9, 12), shapely.box(20, 0, 21, 1)
    zones = lay(regions(tmp_path, across, west, plain), WORLD)
    found = weights(zones, 0, WORLD)
    assert found.sum() == pytest.approx(24) and found[88:90, 355:].sum() == 10 and found[88:90, :7].sum() == 14
    assert weights(zones, 1, WORLD)[78:80, 349:351].tolist() == [[0.5, 1.0], [0.5, 1.0]]
    assert weights(zones, 2, WORLD).sum() == 1.0


def test_what_a_projection_has_no_place_for_is_nowhere(tmp_path: Path) -> None:
    polar = Grid(Lattice("EPSG:3857", -20037508.0, 20037508.0, 1e5, 1e5), 0, 0, 400, 400)
    zones = lay(regions(tmp_path, shapely.box(0, 80, 10, 90), shapely.box(0, 0, 10, 10)), polar)
    assert zones.boxes[0].tolist() == [0, 0, 0, 0] or zones.boxes[0][1] == 0
    assert weights(zones, 1, polar).sum() > 100
    assert zones.inside(polar.window(0, 0, 400, 100)).tolist() in ([0], [])


def test_regions_know_the_windows_that_they_touch(tmp_path: Path) -> None:
    boxes = [shapely.box(600005, 5199905, 600095, 5199995), shapely.box(600095, 5199905, 600305, 5199995)]
    zones = lay(regions(tmp_path, *boxes, crs="EPSG:32632"), UTM)
    left, right = UTM.window(0, 0, 5, 600), UTM.window(5, 0, 700, 600)
    assert zones.inside(left).tolist() == [0, 1] and zones.inside(right).tolist() == [1]
    assert zones.whole(zones.inside(left), left).tolist() == [True, False]
    assert zones.sizes.tolist() == pytest.approx([90 * 90 / 400, 210 * 90 / 400])


def test_endless_edges_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogcserver.zonal.zones, "_MOST_CORNERS", 100)
    with pytest.raises(TooLarge, match="edges of the regions are too long"):
        lay(regions(tmp_path, shapely.box(0, 0, 40, 60)), UTM)
