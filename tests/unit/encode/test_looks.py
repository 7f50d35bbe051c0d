"""What the abilities of styles make of values."""

import io
import itertools
import math

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.cube import Band, Block
from ogcserver.encode.avif import avif_of
from ogcserver.encode.hillshade import hillshade
from ogcserver.encode.jpeg import jpeg_of
from ogcserver.encode.npy import encode_npy
from ogcserver.encode.paint import Picture, paint
from ogcserver.encode.pictures import encode_picture, picture_encoders
from ogcserver.encode.png import encode_png, png_of
from ogcserver.encode.style import Hillshade, default_style
from ogcserver.encode.style_args import parse_style
from ogcserver.encode.terrain import encode_terrain
from ogcserver.encode.webp import webp_of
from ogcserver.errors import FormatUnsupported, TooLarge
from ogcserver.geo.grid import Grid, Lattice

from .blocks import NAN, block, f32

ONE = (Band("v"),)
RGB = (Band("R"), Band("G"), Band("B"))


def colours(args, *values, bands=ONE) -> list[list[int]]:
    return paint(block(f32(values), *bands), parse_style(args, bands)).rgba()[0].tolist()


def test_intervals_are_half_open_and_gaps_are_transparent():
    args = {"colormap": [[[0, 1], "#ff0000"], [[1, 2], "#00ff00"], [[3, None], "#0000ff"]]}
    red, green, blue, none = [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]
    assert colours(args, -0.1, 0, 0.9, 1, 1.9, 2, 2.9, 3, 1e9, NAN) == [
        none, red, red, green, green, none, none, blue, blue, none,
    ]  # fmt: skip


def test_an_interval_without_lower_end():
    assert colours({"colormap": [[None, "#ff0000"], [1, "#00ff00"]]}, -1e9, 1) == [[255, 0, 0, 255], [0, 255, 0, 255]]


@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.binary(min_size=4, max_size=4)), min_size=2, max_size=6),
    st.floats(-1100, 1100),
)
def test_a_ramp_is_near_linear_interpolation(listed, value):
    marks = dict(listed)
    if len(marks) < 2:
        return
    stops = sorted(marks)
    args = {"colormap": [[stop, list(marks[stop])] for stop in stops], "colormap_type": "ramp"}
    found = np.array(colours(args, value)[0], float)
    expected = [np.interp(value, stops, [marks[stop][channel] for stop in stops]) for channel in range(4)]
    changes = [np.abs(np.subtract(list(marks[a]), list(marks[b]))).max() for a, b in itertools.pairwise(stops)]
    assert np.abs(found - expected).max() <= sum(map(int, changes)) / 254 / 2 + 1


def test_opacity_of_one_band_and_of_three():
    assert colours({"colormap": {"1": "#ff000080"}, "opacity": 0.5}, 1, 2) == [[255, 0, 0, 64], [0, 0, 0, 0]]
    values = np.array([[[0.3, NAN]], [[0.3, 0.3]], [[0.3, 0.3]]], np.float32)
    half = paint(block(values, *RGB), parse_style({"opacity": 0.5}, RGB)).rgba()
    assert half[0].tolist() == [[255, 255, 255, 128], [0, 0, 0, 0]]


def test_missing_pixels_may_have_a_colour():
    assert colours({"colormap": {"1": "#ff0000"}, "nodata_color": "#010203"}, 1, NAN)[1] == [1, 2, 3, 255]
    values = np.array([[[0.3, NAN]], [[0.3, 0.3]], [[0.3, 0.3]]], np.float32)
    style = parse_style({"nodata_color": [1, 2, 3]}, RGB)
    picture = paint(block(values, *RGB), style)
    assert picture.pixels.tolist() == [[[255, 255, 255], [1, 2, 3]]]
    empty = paint(block(np.full((3, 2, 2), NAN, np.float32), *RGB), style)
    assert imagecodecs.png_decode(png_of(empty)).tolist() == [[[1, 2, 3]] * 2] * 2


def test_contrast_and_brightness_follow_gamma():
    args = {"gamma": 2, "contrast": 2, "brightness": 0.1, "rescale": [0, 1]}
    values = np.array([[[0.25]], [[0.49]], [[0.04]]], np.float32)
    found = paint(block(values, *RGB), parse_style(args, RGB)).rgba()[0, 0, :3]
    expected = [((math.sqrt(value) - 0.5) * 2 + 0.6) * 255 for value in (0.25, 0.49, 0.04)]
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 1


def test_expressions_are_painted_as_their_values():
    bands = (Band("red"), Band("nir"))
    values = np.array([[[0.1, 0.0, NAN]], [[0.3, 0.0, 0.1]]], np.float32)
    args = {"bands": "(nir - red) / (nir + red)", "colormap": "gray", "rescale": [0, 1]}
    pixels = paint(block(values, *bands), parse_style(args, bands)).rgba()[0]
    assert np.abs(pixels[0, :3].astype(int) - 128).max() <= 1
    assert pixels[1:, 3].tolist() == [0, 0]  # 0 / 0, and a missing band


def test_a_constant_channel_is_only_where_the_image_is():
    values = np.array([[[0.1, NAN]]], np.float32)
    style = parse_style({"bands": ["v", "(1)", "v * 2"], "rescale": [0, 1]}, ONE)
    assert paint(block(values, *ONE), style).rgba()[0, :, 3].tolist() == [255, 0]


def test_a_picture_on_its_own_takes_percentiles_of_its_own_values():
    values = f32(range(101), [NAN] * 101)
    style = parse_style({"rescale": {"percentiles": [10, 90]}, "colormap": "gray"}, ONE)
    greys = paint(block(values, *ONE), style).rgba()[0, :, 0]
    assert greys[[0, 10, 50, 90, 100]].tolist() == [0, 0, 128, 255, 255]
    assert paint(block(f32([NAN]), *ONE), style).painted == 0


# ---- hillshade


def slope(grid: Grid, across: float, down: float) -> np.ndarray:
    """Heights that rise eastward and southward by so much per pixel, with a halo of one pixel."""
    cols, rows = np.meshgrid(np.arange(grid.width + 2), np.arange(grid.height + 2))
    return cols * across + rows * down


@pytest.mark.parametrize("facing", [0, 90, 180, 270])
def test_a_plane_that_faces_the_sun_is_as_light_as_geometry_says(facing):
    grid = Grid(Lattice("EPSG:32632", 600000.0, 5200000.0, 10.0, 10.0), 0, 0, 4, 3)
    # it falls by one metre a metre toward the side that it faces: its normal stands 45 degrees above the horizon
    across, down = -10.0 * math.sin(math.radians(facing)), 10.0 * math.cos(math.radians(facing))
    for azimuth, altitude in (
        (facing, 45.0),
        (facing, 90.0),
        ((facing + 90) % 360, 45.0),
        ((facing + 180) % 360, 30.0),
    ):
        light = hillshade(slope(grid, across, down), grid, Hillshade(azimuth, altitude))
        between = math.radians(azimuth - facing)
        up = math.radians(altitude)
        expected = max(0.0, (math.cos(up) * math.cos(between) + math.sin(up)) / math.sqrt(2.0))
        np.testing.assert_allclose(light, expected, atol=1e-6)


def test_degrees_and_web_mercator_are_metres_on_the_ground():
    utm = Grid(Lattice("EPSG:32632", 0.0, 0.0, 100.0, 100.0), 0, 0, 3, 3)
    flat = hillshade(slope(utm, 30.0, 0.0), utm, Hillshade())
    degree = math.pi / 180 * 6378137
    lonlat = Grid(Lattice("EPSG:4326", 10.0, 60.0, 200.0 / degree, 100.0 / degree), 0, 0, 3, 3)
    np.testing.assert_allclose(hillshade(slope(lonlat, 30.0, 0.0), lonlat, Hillshade()), flat, atol=1e-4)
    north = 6378137 * math.log(math.tan(math.pi / 4 + math.radians(60.0) / 2))
    web = Grid(Lattice("EPSG:3857", 0.0, north, 200.0, 200.0), 0, 0, 3, 3)
    np.testing.assert_allclose(hillshade(slope(web, 30.0, 0.0), web, Hillshade()), flat, atol=1e-3)


def test_tiles_of_a_hillshade_have_no_seam():
    rng = np.random.default_rng(1)
    grid = Grid(Lattice("EPSG:3857", 1e6, 6e6, 38.0, 38.0), -2, -2, 36, 20)
    heights = rng.normal(1000, 50, grid.shape).astype(np.float32)
    heights[5, 7] = NAN
    for args in ({"hillshade": True}, {"hillshade": {"z_factor": 3}, "colormap": "viridis", "rescale": [800, 1200]}):
        style = parse_style(args, ONE)

        def painted(col: int, row: int, width: int, height: int, style=style) -> np.ndarray:
            part = heights[row - 1 : row + height + 1, col - 1 : col + width + 1]
            window = grid.window(col - 1, row - 1, width + 2, height + 2)
            return paint(Block(part[np.newaxis, np.newaxis], window, ONE), style, 1).rgba()

        whole = painted(2, 2, 32, 16)
        halves = np.concatenate([painted(2, 2, 16, 16), painted(18, 2, 16, 16)], axis=1)
        np.testing.assert_array_equal(whole, halves)
        assert whole.shape == (16, 32, 4)
        assert whole[3, 5].tolist() == [0, 0, 0, 0]


def test_a_shaded_colour_is_the_colour_times_the_light():
    heights = block(np.full((4, 4), 5.0, np.float32), *ONE)  # flat: the sine of 45 degrees
    pixels = paint(heights, parse_style({"colormap": {"5": "#c86400"}, "hillshade": True}, ONE)).rgba()
    assert (pixels == [round(200 * math.sqrt(0.5)), round(100 * math.sqrt(0.5)), 0, 255]).all()


def test_without_a_halo_the_edge_counts_as_level():
    heights = block(np.full((3, 3), 5.0, np.float32), *ONE)
    assert len(np.unique(paint(heights, parse_style({"hillshade": True}, ONE)).pixels)) == 1


# ---- files


def test_true_colour_without_gaps_has_no_opacity():
    values = np.random.default_rng(0).random((3, 9, 11)).astype(np.float32) / 3
    picture = paint(block(values, *RGB), default_style(RGB))
    assert picture.pixels.shape == (9, 11, 3)
    np.testing.assert_array_equal(imagecodecs.png_decode(png_of(picture)), picture.pixels)
    assert imagecodecs.png_decode(png_of(Picture(picture.rgba(), b"", 99))).shape == (9, 11, 4)


def test_webp_keeps_the_colours_of_classes_exactly():
    values = np.random.default_rng(0).integers(0, 3, (32, 32)).astype(np.float32)
    style = parse_style({"colormap": {"1": "#ff0000", "2": "#00ff0080"}}, ONE)
    picture = paint(block(values, *ONE), style)
    found = imagecodecs.webp_decode(webp_of(picture), hasalpha=True)
    np.testing.assert_array_equal(found[..., 3], picture.rgba()[..., 3])
    seen = picture.rgba()[..., 3] > 0
    np.testing.assert_array_equal(found[seen], picture.rgba()[seen])


@pytest.mark.parametrize("media_type", sorted(picture_encoders()))
def test_each_kind_of_picture_shows_three_bands(media_type):
    values = np.full((3, 32, 32), 0.15, np.float32)
    values[0] = 0.3
    data = encode_picture(paint(block(values, *RGB), default_style(RGB)), media_type)
    assert np.abs(imagecodecs.imread(data)[..., :3].astype(int) - [255, 128, 128]).max() < 9


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "image/avif"])
def test_missing_pixels_are_transparent(media_type):
    values = np.full((3, 32, 32), 0.15, np.float32)
    values[0, :, 16:] = NAN
    data = encode_picture(paint(block(values, *RGB), default_style(RGB)), media_type)
    alpha = imagecodecs.imread(data)[..., 3]
    assert alpha[:, :8].min() > 250
    assert alpha[:, 24:].max() < 5


def test_other_pictures_are_refused():
    with pytest.raises(FormatUnsupported):
        encode_picture(Picture(np.zeros((1, 1), np.uint8), bytes(4), 0), "image/gif")
    for encoder, edge in ((webp_of, 16384), (avif_of, 16385), (jpeg_of, 65501)):
        with pytest.raises(TooLarge):
            encoder(Picture(np.zeros((1, edge), np.uint8), bytes(4), 0))


def test_an_array_file_holds_the_values_and_a_mask():
    bands = (Band("a", "int16", -9999), Band("b", "int16", -9999))
    values = np.array([[[1.2, NAN]], [[3.0, 4.0]]], np.float32)
    array = np.load(io.BytesIO(encode_npy(block(values, *bands))))
    assert array.dtype == np.int16
    assert array.tolist() == [[[1, -9999]], [[3, 4]], [[255, 0]]]
    assert np.load(io.BytesIO(encode_npy(block(values, Band("a", "int8"), Band("b", "int8"))))).dtype == np.int16
    floats = np.load(io.BytesIO(encode_npy(block(f32([0.5, NAN]), *ONE))))
    np.testing.assert_array_equal(floats, f32([0.5, NAN], [255, 0]).reshape(2, 1, 2))


@given(st.lists(st.floats(-40000, 40000, width=32), min_size=1, max_size=5))
def test_terrain_tiles_decode_to_the_heights(heights):
    pixels = imagecodecs.png_decode(encode_terrain(block(f32(heights), *ONE))).astype(np.float64)
    found = pixels[0, :, 0] * 256 + pixels[0, :, 1] + pixels[0, :, 2] / 256 - 32768
    assert np.abs(found - np.clip(heights, -32768, 32768 - 1 / 256)).max() <= 1 / 512


def test_a_missing_height_is_zero_and_two_bands_are_refused():
    assert imagecodecs.png_decode(encode_terrain(block(f32([NAN, 0]), *ONE))).tolist() == [[[128, 0, 0]] * 2]
    with pytest.raises(FormatUnsupported, match="one band"):
        encode_terrain(block(np.zeros((2, 1, 1), np.float32)))


def test_encode_png_of_a_style_with_halo_has_the_size_of_the_block():
    data = encode_png(block(np.zeros((5, 6), np.float32), *ONE), parse_style({"hillshade": True}, ONE))
    assert imagecodecs.png_decode(data).shape[:2] == (5, 6)
