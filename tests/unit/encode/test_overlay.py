"""Pictures on top of each other and on a background."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from ogcserver.cube import Band, Block
from ogcserver.encode.message import message_picture
from ogcserver.encode.overlay import blank, flattened, on_background, over, paint_latest
from ogcserver.encode.paint import Picture
from ogcserver.encode.style import Style
from ogcserver.geo.grid import Grid, Lattice

colours = arrays(np.uint8, (3, 4, 4))


def pixel(*rgba: int) -> np.ndarray:
    return np.array([[rgba]], np.uint8)


def test_opaque_pixels_hide_and_transparent_ones_do_not() -> None:
    below = pixel(1, 2, 3, 200)
    assert np.array_equal(over(below, pixel(9, 9, 9, 255)), pixel(9, 9, 9, 255))
    assert np.array_equal(over(below, pixel(9, 9, 9, 0)), below)


def test_half_opaque_pixels_are_blended() -> None:
    assert np.array_equal(over(pixel(0, 0, 0, 255), pixel(200, 100, 50, 51)), pixel(40, 20, 10, 255))
    assert np.array_equal(over(pixel(0, 0, 0, 0), pixel(200, 100, 50, 51)), pixel(200, 100, 50, 51))


@given(colours, colours)
def test_blending_follows_the_formula(below: np.ndarray, above: np.ndarray) -> None:
    a, b = above[..., 3:] / 255.0, below[..., 3:] / 255.0
    opacity = a + b * (1 - a)
    mixed = (above[..., :3] * a + below[..., :3] * b * (1 - a)) / np.where(opacity > 0, opacity, 1.0)
    found = over(below, above)
    seen = opacity[..., 0] > 0
    assert np.abs(found[..., 3:] - opacity * 255).max() <= 0.51
    assert np.abs(found[..., :3] - mixed)[seen].max(initial=0) <= 0.51


@given(colours)
def test_a_background_leaves_nothing_transparent(pixels: np.ndarray) -> None:
    picture = on_background(Picture(pixels, b"", 0), (10, 20, 30))
    assert np.array_equal(
        picture.rgba()[..., :3], over(np.broadcast_to(pixel(10, 20, 30, 255), pixels.shape), pixels)[..., :3]
    )
    assert (picture.rgba()[..., 3] == 255).all() and not picture.blank


def test_a_palette_stays_one_on_a_background() -> None:
    picture = on_background(blank(3, 2), (1, 2, 3))
    assert (picture.palette, picture.pixels.shape) == (bytes((1, 2, 3, 255)), (2, 3))
    assert on_background(picture, None) is picture


def test_the_latest_value_of_each_pixel_is_seen() -> None:
    data = np.array([[[[1, 2, np.nan, np.nan]]], [[[3, np.nan, 4, np.nan]]]], np.float32)
    grid = Grid(Lattice("EPSG:32632", 0.0, 0.0, 1.0, 1.0), 0, 0, 4, 1)
    palette = bytes(part for grey in range(5) for part in (grey, grey, grey, 255))
    style = Style(("a",), rescale=((0.0, 4.0),), palette=palette)
    picture = paint_latest(Block(data, grid, (Band("a"),), ("2017-01-05", "2017-01-15")), style)
    assert picture.rgba()[0, :, 0].tolist() == [3, 2, 4, 0]
    assert picture.rgba()[0, :, 3].tolist() == [255, 255, 255, 0]
    assert picture.painted == 3


def test_one_picture_alone_is_itself() -> None:
    assert np.array_equal(flattened([pixel(1, 2, 3, 4)]).rgba(), pixel(1, 2, 3, 4))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 300), (300, 5), (250, 250)])
def test_a_message_has_exactly_its_size(width: int, height: int) -> None:
    picture = message_picture("there is no layer 'j-none': " + "x" * 5000, width, height)
    assert picture.rgba().shape == (height, width, 4)
    if min(width, height) > 100:
        assert picture.painted > 200
