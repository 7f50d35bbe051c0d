"""Covered parts of pixels against exactextract and against areas, for polygons of any kind."""

from __future__ import annotations

import json
from typing import Any

import exactextract
import numpy as np
import pytest
import shapely
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from ogcserver.geo.coverage import DUST, cover

WIDTH, HEIGHT = 37, 29
Array = np.ndarray[Any, Any]


@st.composite
def polygons(draw: st.DrawFn) -> Any:
    """Stars with holes and parts, some of which lie outside; corners on pixel edges, too."""
    x, y = draw(st.floats(-5, WIDTH + 5)), draw(st.floats(-5, HEIGHT + 5))
    reach = draw(st.lists(st.floats(0.001, 30), min_size=3, max_size=9))
    angles = np.linspace(0, 2 * np.pi, len(reach), endpoint=False)
    points = np.stack([x + np.cos(angles) * reach, y + np.sin(angles) * reach], axis=1)
    star = shapely.make_valid(shapely.Polygon(np.round(points) if draw(st.booleans()) else points))
    if draw(st.booleans()):
        star = shapely.difference(star, shapely.Point(x, y).buffer(draw(st.floats(0.1, 6))))
    if draw(st.booleans()):
        star = shapely.union(star, shapely.box(round(x) + 3, 2, round(x) + 8, 2.5))
    return star


def rings(polygon: Any) -> tuple[Array, Array, Array, Array]:
    """What the loop takes, from shapely alone."""
    found = [
        (np.asarray(ring.coords)[:, :2], number > 0)
        for part in shapely.get_parts(polygon)
        if part.geom_type == "Polygon"
        for number, ring in enumerate([part.exterior, *part.interiors])
    ]
    points = np.concatenate([np.zeros((0, 2)), *(points for points, _ in found)])
    starts = np.cumsum([0, *(len(points) for points, _ in found)])
    signs = [(-1.0 if hole else 1.0) * (-1.0 if shapely.LinearRing(points).is_ccw else 1.0) for points, hole in found]
    return points[:, 0].copy(), points[:, 1].copy(), starts, np.array(signs)


def covered(polygon: Any, col: int = 0, row: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Array:
    x, y, starts, signs = rings(polygon)
    acc = np.full((width + 1) * height, np.nan)
    cells, weights = np.empty(width * height, np.int64), np.empty(width * height)
    count = cover(x, y, starts, signs, 0, len(signs), col, row, width, height, acc, cells, weights, width)
    out = np.zeros(width * height)
    out[cells[:count]] = weights[:count]
    assert (out[cells[:count]] > DUST).all() and out.max(initial=0.0) <= 1.0
    return out.reshape(height, width)


@settings(max_examples=200, deadline=None)
@given(polygons())
def test_the_covered_parts_are_those_of_exactextract(polygon: Any) -> None:
    areal = shapely.MultiPolygon([one for one in shapely.get_parts(polygon) if one.geom_type == "Polygon"])
    upwards = shapely.transform(areal, lambda points: np.stack([points[:, 0], HEIGHT - points[:, 1]], axis=1))
    feature = {"type": "Feature", "geometry": json.loads(shapely.to_geojson(upwards)), "properties": {}}
    expected = np.zeros(WIDTH * HEIGHT)
    if not areal.is_empty:
        source = NumPyRasterSource(np.ones((HEIGHT, WIDTH)), 0, 0, WIDTH, HEIGHT)
        (found,) = exactextract.exact_extract(source, [feature], ["cell_id", "coverage"])
        expected[np.asarray(found["properties"]["cell_id"], int)] = found["properties"]["coverage"]
    np.testing.assert_allclose(covered(areal).ravel(), expected, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(polygons(), st.integers(0, 20), st.integers(0, 20), st.integers(1, 17), st.integers(1, 9))
def test_a_window_has_the_parts_of_the_whole(polygon: Any, col: int, row: int, width: int, height: int) -> None:
    whole = covered(polygon)[row : row + height, col : col + width]
    np.testing.assert_allclose(covered(polygon, col, row, width, height)[: len(whole)], whole, atol=1e-9)


def test_what_is_covered_adds_up_to_the_area() -> None:
    triangle = shapely.Polygon([(1.25, 2.5), (30.75, 4.125), (11.0, 27.875)])
    assert covered(triangle).sum() == pytest.approx(triangle.area, rel=1e-12)


def test_neighbours_share_a_pixel_without_gap_or_overlap() -> None:
    left = shapely.Polygon([(0, 0), (10.3, 0), (7.7, 29), (0, 29)])
    right = shapely.Polygon([(10.3, 0), (37, 0), (37, 29), (7.7, 29)])
    np.testing.assert_allclose(covered(left) + covered(right), 1.0, atol=1e-12)


def test_the_side_of_a_pixel_is_not_touched() -> None:
    found = covered(shapely.box(3, 4, 6, 9))
    assert np.count_nonzero(found) == 15 and set(found[4:9, 3:6].ravel()) == {1.0}
