from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.geo.grid import Bounds
from ogcserver.sources.footprint import FootprintError, bbox_boxes, geometry_boxes, hull

TWO_SIDES = ((178.0, -20.0, 180.0, -10.0), (-180.0, -20.0, -177.0, -10.0))


def ring(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


def test_a_plain_polygon_has_its_bounds() -> None:
    assert geometry_boxes(ring((10, 46), (11, 46.5), (10.5, 47))) == ((10, 46, 11, 47),)


def test_a_polygon_with_heights_has_its_bounds() -> None:
    polygon = {"type": "Polygon", "coordinates": [[[10, 46, 5], [11, 46, 5], [11, 47, 5], [10, 46, 5]]]}
    assert geometry_boxes(polygon) == ((10, 46, 11, 47),)


def test_a_jump_of_more_than_half_the_globe_crosses_180_degrees() -> None:
    assert geometry_boxes(ring((178, -20), (-177, -20), (-177, -10), (178, -10))) == TWO_SIDES


def test_a_polygon_that_runs_past_180_degrees_crosses_them() -> None:
    assert geometry_boxes(ring((178, -20), (183, -20), (183, -10), (178, -10))) == TWO_SIDES
    assert geometry_boxes(ring((-182, -20), (-177, -20), (-177, -10), (-182, -10))) == TWO_SIDES


def test_a_multipolygon_split_at_180_degrees_is_one_footprint() -> None:
    parts = [ring((178, -20), (180, -20), (180, -10), (178, -10)), ring((-180, -20), (-177, -20), (-177, -10))]
    geometry = {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}
    assert geometry_boxes(geometry) == TWO_SIDES


def test_a_polygon_from_minus_180_to_180_goes_around_the_globe() -> None:
    assert geometry_boxes(ring((-180, -90), (180, -90), (180, 90), (-180, 90))) == ((-180, -90, 180, 90),)


def test_longitudes_from_0_to_360_go_around_the_globe() -> None:
    assert geometry_boxes(ring((0, -10), (360, -10), (360, 10), (0, 10))) == ((-180, -10, 180, 10),)


def test_a_ring_around_a_pole_holds_it() -> None:
    assert geometry_boxes(ring((-135, 80), (-45, 81), (45, 80), (135, 80))) == ((-180, 80, 180, 90),)


def test_a_bbox_with_west_greater_than_east_crosses_180_degrees() -> None:
    assert bbox_boxes([178, -20, -177, -10]) == TWO_SIDES
    assert bbox_boxes([178, -20, 0, -177, -10, 99]) == TWO_SIDES


@pytest.mark.parametrize(
    "bbox", [[1, 2, 3], [0, 10, 1, 5], [0, 0, float("nan"), 1], [500000, 5100000, 600000, 5200000]]
)
def test_other_numbers_are_refused(bbox: list[float]) -> None:
    with pytest.raises(FootprintError):
        bbox_boxes(bbox)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Circle", "coordinates": [0, 0]},
        {"type": "GeometryCollection", "geometries": []},
        ring((500000, 5100000), (600000, 5100000), (600000, 5200000)),
    ],
)
def test_a_geometry_that_is_none_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(FootprintError):
        geometry_boxes(geometry)


def test_points_and_lines_have_boxes() -> None:
    assert geometry_boxes({"type": "Point", "coordinates": [10, 46]}) == ((10, 46, 10, 46),)
    assert geometry_boxes({"type": "LineString", "coordinates": [[10, 46], [11, 47]]}) == ((10, 46, 11, 47),)


boxes = st.builds(
    lambda west, south, width, height: (west, south, west + width, south + height),
    st.integers(-180, 179), st.integers(-80, 60), st.integers(0, 90), st.integers(0, 20),
)  # fmt: skip


def holds(outer: tuple[Bounds, ...], lon: float) -> bool:
    turned = (lon + 180.0) % 360.0 - 180.0
    return any(west <= turned <= east or west <= turned + 360.0 <= east for west, _, east, _ in outer)


@given(st.lists(boxes, min_size=1, max_size=6))
def test_a_hull_holds_all_boxes(parts: list[Bounds]) -> None:
    found = hull(parts)
    assert 1 <= len(found) <= 2
    for west, south, east, north in parts:
        assert all(s <= south and n >= north for _, s, _, n in found)
        assert all(holds(found, west + (east - west) * k / 8) for k in range(9))
    assert all(-180 <= west <= east <= 180 for west, _, east, _ in found)
