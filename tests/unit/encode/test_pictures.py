import numpy as np
import pytest
from rasterio.io import MemoryFile
from rio_tiler.colormap import cmap

from ogcserver.cube import Band
from ogcserver.encode.jpeg import encode_jpeg
from ogcserver.encode.paint import paint
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import default_style
from ogcserver.encode.style_args import parse_style
from ogcserver.errors import FormatUnsupported, TooLarge

from .blocks import NAN, block, f32

NDVI = (Band("NDVI"),)
RGB = (Band("R"), Band("G"), Band("B"))


@pytest.fixture(autouse=True)
def _no_georeference_is_expected():
    import warnings

    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def rgba(data: bytes) -> np.ndarray:
    """(y, x, 4), as GDAL's own decoder sees the picture."""
    with MemoryFile(data) as memory, memory.open() as file:
        values = file.read()
        if file.count == 1:
            listed = file.colormap(1)
            colours = np.array([listed.get(index, (9, 9, 9, 9)) for index in range(256)], np.uint8)
            return colours[values[0]]
        if file.count == 3:
            values = np.concatenate([values, np.full_like(values[:1], 255)])
        return values.transpose(1, 2, 0)


def colour(name: str, index: int) -> list[int]:
    return [int(part) for part in cmap.get(name)[index]]


def test_one_band_has_the_colours_of_its_map_and_is_transparent_where_missing():
    style = parse_style({"colormap": "viridis", "rescale": [0, 254]}, NDVI)
    pixels = rgba(encode_png(block(f32([0, 254, 127, NAN], [-50, 999, np.inf, -np.inf]), *NDVI), style))
    assert pixels[0, 0].tolist() == colour("viridis", 0)
    assert pixels[0, 1].tolist() == colour("viridis", 255)
    assert pixels[0, 2].tolist() == colour("viridis", 128)
    assert pixels[1, 0].tolist() == colour("viridis", 0)
    assert pixels[1, 1].tolist() == colour("viridis", 255)
    assert pixels[[0, 1, 1], [3, 2, 3], 3].tolist() == [0, 0, 0]


def test_every_palette_index_is_reached():
    style = parse_style({"rescale": [0, 254]}, NDVI)
    picture = paint(block(np.arange(255, dtype=np.float32).reshape(1, 255), *NDVI), style)
    assert picture.pixels[0].tolist() == list(range(1, 256))
    assert picture.painted == 255


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges_hold_from_their_value_on(dtype):
    style = parse_style({"colormap": [[0.1, "#ff0000"], [0.5, "#00ff0080"]]}, NDVI)
    pixels = rgba(encode_png(block(np.array([[0.05, 0.1, 0.49, 0.5, 9.0, NAN]], dtype), *NDVI), style))
    red, green = [255, 0, 0, 255], [0, 255, 0, 128]
    assert pixels[0, 1:5].tolist() == [red, red, green, green]
    assert pixels[0, [0, 5], 3].tolist() == [0, 0]


def test_classes_are_for_their_value_only():
    style = parse_style({"colormap": {"4": "#00ff00", "3": "#0000ff"}}, NDVI)
    pixels = rgba(encode_png(block(f32([3, 4, 3.5, 5, NAN]), *NDVI), style))
    assert pixels[0, :2].tolist() == [[0, 0, 255, 255], [0, 255, 0, 255]]
    assert pixels[0, 2:, 3].tolist() == [0, 0, 0]


def test_three_bands_are_red_green_blue():
    bands = tuple(Band(band.name, "uint8") for band in RGB)
    values = np.random.default_rng(0).integers(0, 256, (3, 5, 7)).astype(np.float32)
    pixels = rgba(encode_png(block(values, *bands), default_style(bands)))
    np.testing.assert_array_equal(pixels[..., :3].transpose(2, 0, 1), values)
    assert (pixels[..., 3] == 255).all()


def test_a_pixel_that_lacks_one_of_three_bands_is_transparent():
    values = np.full((3, 2, 2), 0.15, np.float32)
    values[1, 0, 1] = NAN
    values[2, 1, 0] = np.inf
    data = encode_png(block(values, *RGB), default_style(RGB))
    pixels = rgba(data)
    assert pixels[..., 3].tolist() == [[255, 0], [0, 255]]
    assert pixels[0, 0].tolist() == [128, 128, 128, 255]
    assert pixels[0, 1].tolist() == [0, 0, 0, 0]


def test_gamma_brightens_the_middle():
    style = parse_style({"gamma": 2, "rescale": [0, 1]}, RGB)
    pixels = rgba(encode_png(block(np.array([[[0.25]], [[0.0]], [[1.0]]]), *RGB), style))
    assert pixels[0, 0].tolist() == [128, 0, 255, 255]


def test_bands_are_found_by_name_whatever_their_order():
    values = np.array([[[0.0]], [[0.1]], [[0.3]]], np.float32)
    bands = (Band("B"), Band("G"), Band("R"))
    assert rgba(encode_png(block(values, *bands), default_style(bands)))[0, 0].tolist() == [255, 85, 0, 255]


@pytest.mark.parametrize("bands", [NDVI, RGB])
def test_a_tile_without_values_is_small_and_transparent(bands):
    empty = block(np.full((len(bands), 256, 256), NAN, np.float32), *bands)
    data = encode_png(empty, default_style(bands))
    assert len(data) < 250
    assert rgba(data).shape == (256, 256, 4)
    assert not rgba(data)[..., 3].any()
    assert encode_png(empty, default_style(bands)) is data


def test_no_observation_gives_a_transparent_picture():
    assert not rgba(encode_png(block(np.empty((0, 1, 2, 3), np.float32), *NDVI), default_style(NDVI)))[..., 3].any()


def test_several_times_are_refused():
    several = block(np.zeros((2, 1, 1, 1), np.float32), *NDVI, times=("2017-01-01T00:00:00Z", "2017-01-02T00:00:00Z"))
    with pytest.raises(FormatUnsupported, match="2"):
        encode_png(several, default_style(NDVI))


def test_views_of_arrays_are_painted_as_their_copies():
    base = np.random.default_rng(0).random((1, 4, 12, 10)).astype(np.float32)
    strided = block(base[:, 1:2, ::2, ::-1], *NDVI)
    style = default_style(NDVI)
    assert encode_png(strided, style) == encode_png(block(strided.data.copy(), *NDVI), style)


# ---- JPEG


def test_a_jpeg_has_the_colours_and_white_where_missing():
    values = np.full((32, 32), 1.0, np.float32)
    values[:, 16:] = NAN
    style = parse_style({"colormap": [[0, "#0000ff"]]}, NDVI)
    pixels = rgba(encode_jpeg(block(values, *NDVI), style, 95))
    assert np.abs(pixels[:, :8, :3].astype(int) - [0, 0, 255]).max() < 6
    assert pixels[:, 24:, :3].min() > 249


def test_a_jpeg_of_three_bands():
    values = np.empty((3, 16, 16), np.float32)
    values[:] = np.array([0.3, 0.15, 0.0]).reshape(3, 1, 1)
    pixels = rgba(encode_jpeg(block(values, *RGB), default_style(RGB), 100))
    assert np.abs(pixels[..., :3].astype(int) - [255, 128, 0]).max() < 6


def test_half_opaque_colours_are_blended_with_white():
    style = parse_style({"colormap": [[0, "#00000080"]]}, NDVI)
    pixels = rgba(encode_jpeg(block(np.zeros((16, 16), np.float32), *NDVI), style, 100))
    assert np.abs(pixels[..., :3].astype(int) - 127).max() < 3


def test_jpeg_quality_changes_the_size():
    noise = block(np.random.default_rng(0).random((64, 64)).astype(np.float32), *NDVI)
    sizes = [len(encode_jpeg(noise, default_style(NDVI), quality)) for quality in (10, 50, 95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


def test_a_jpeg_of_too_many_pixels():
    with pytest.raises(TooLarge):
        encode_jpeg(block(np.zeros((1, 65501), np.float32), *NDVI), default_style(NDVI))
