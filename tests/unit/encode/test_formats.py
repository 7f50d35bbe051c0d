import io

import numpy as np
import pytest
import xarray as xr
from rasterio.io import MemoryFile

from ogcserver.cube import Band, CubeType
from ogcserver.encode.formats import DEFAULT_FORMAT, describe_formats, find_format, formats
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import default_style
from ogcserver.encode.style_args import parse_style
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, FormatUnsupported

from .blocks import block

NDVI = Band("NDVI")
ONE = CubeType((NDVI,), temporal=False)
TIMES = CubeType((NDVI,), temporal=True)
BLOCK = block(np.linspace(-0.5, 0.9, 32 * 32, dtype=np.float32).reshape(32, 32), NDVI)
CANONICAL = {"tiled": True, "compress": "jpeg", "photometric": "YCBCR", "jpeg_quality": 80}
SIGNATURES = {"GTiff": b"II*\0", "COG": b"II*\0", "PNG": b"\x89PNG", "JPEG": b"\xff\xd8\xff", "netCDF": b"\x89HDF"}


def test_the_formats():
    known = formats()
    assert list(known) == ["GTiff", "COG", "PNG", "JPEG", "WEBP", "AVIF", "NPY", "netCDF"]
    assert DEFAULT_FORMAT in known
    assert known["GTiff"].media_type == "image/tiff"


@pytest.mark.parametrize("name", SIGNATURES)
def test_each_format_checks_and_encodes(name):
    kind = formats()[name]
    kind.check({}, ONE)
    kind.check({}, TIMES)
    assert kind.encode(BLOCK, {}, None).startswith(SIGNATURES[name])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gtiff", "GTiff"),
        ("GEOTIFF", "GTiff"),
        ("image/tiff", "GTiff"),
        ("Image/TIFF; application=geotiff", "GTiff"),
        ("image/tiff; application=geotiff; profile=cloud-optimized", "COG"),
        ("cog", "COG"),
        ("png", "PNG"),
        ("image/png", "PNG"),
        ("image/png; mode=8bit", "PNG"),
        ("jpg", "JPEG"),
        ("NETCDF", "netCDF"),
        ("application/x-netcdf", "netCDF"),
    ],
)
def test_formats_are_found_by_name_and_media_type(text, name):
    assert find_format(formats(), text).name == name


@pytest.mark.parametrize("text", ["", "GRIB", "image", "text/xml"])
def test_an_unknown_format_names_what_exists(text):
    with pytest.raises(FormatUnsupported, match="GTiff, COG, PNG, JPEG, WEBP, AVIF, NPY, netCDF") as caught:
        find_format(formats(), text)
    assert caught.value.locator == "format"


def test_the_description_has_the_shape_of_the_api():
    body = describe_formats(formats().values())
    assert body["default"] == "GTiff"
    assert set(body["formats"]["GTiff"]) >= {"tiled", "compress", "photometric", "jpeg_quality"}
    for options in body["formats"].values():
        assert all(isinstance(text, str) and "efault" in text for text in options.values())


def test_every_described_option_is_accepted():
    values = {"tiled": True, "compress": "JPEG", "blockysize": 16, "jpeg_quality": 75, "colormap": "viridis"}
    for kind in formats().values():
        for option in kind.options:
            chosen = {option: values[option]} if option in values else {}
            if option == "jpeg_quality":
                chosen["compress"] = "jpeg"
            if kind.name != "netCDF":
                kind.check(chosen, ONE)
            kind.check({option: None}, ONE)


def test_the_canonical_request():
    kind = formats()["GTiff"]
    kind.check(CANONICAL, ONE)
    with MemoryFile(kind.encode(BLOCK, CANONICAL, None)) as memory, memory.open() as file:
        assert file.count == 3
        assert file.photometric.name == "ycbcr"


@pytest.mark.parametrize(
    ("name", "options", "error", "locator"),
    [
        ("GTiff", {"nosuch": 1}, FormatOptionUnsupported, "nosuch"),
        ("GTiff", {"photometric": "RGB"}, FormatOptionInvalid, "photometric"),
        ("COG", {"tiled": True}, FormatOptionUnsupported, "tiled"),
        ("COG", {"photometric": "MINISWHITE"}, FormatOptionInvalid, "photometric"),
        ("PNG", {"worldfile": True}, FormatOptionUnsupported, "worldfile"),
        ("PNG", {"WorldFile": True}, FormatOptionUnsupported, "WorldFile"),
        ("PNG", {"quality": 5}, FormatOptionUnsupported, "quality"),
        ("PNG", {"colormap": "nosuch"}, FormatOptionInvalid, "colormap"),
        ("PNG", {"colourmap": "x"}, FormatOptionUnsupported, "colourmap"),
        ("PNG", {"styles": {"a b": {}}}, FormatOptionInvalid, "styles"),
        ("WEBP", {"quality": 101}, FormatOptionInvalid, "quality"),
        ("AVIF", {"quality": 100}, FormatOptionInvalid, "quality"),
        ("NPY", {"colormap": "viridis"}, FormatOptionUnsupported, "colormap"),
        ("JPEG", {"quality": 0}, FormatOptionInvalid, "quality"),
        ("JPEG", {"rescale": [1, 0]}, FormatOptionInvalid, "rescale"),
        ("JPEG", {"worldfile": True}, FormatOptionUnsupported, "worldfile"),
        ("netCDF", {"compress": "zip"}, FormatOptionInvalid, "compress"),
        ("netCDF", {"compress": "none", "zlevel": 3}, FormatOptionInvalid, "zlevel"),
        ("netCDF", {"zlevel": 10}, FormatOptionInvalid, "zlevel"),
        ("netCDF", {"tiled": True}, FormatOptionUnsupported, "tiled"),
    ],
)
def test_bad_options_fail_before_and_while_encoding(name, options, error, locator):
    kind = formats()[name]
    for act in (lambda: kind.check(options, ONE), lambda: kind.encode(BLOCK, options, None)):
        with pytest.raises(error) as caught:
            act()
        assert caught.value.locator == locator


def test_style_and_options_of_pictures():
    png = formats()["PNG"]
    style = parse_style({"colormap": "viridis"}, (NDVI,))
    assert png.encode(BLOCK, {}, style) == encode_png(BLOCK, style)
    assert png.encode(BLOCK, {}, None) == encode_png(BLOCK, default_style((NDVI,)))
    assert png.encode(BLOCK, {"COLORMAP": "viridis"}, None) == encode_png(BLOCK, style)
    greys = png.encode(BLOCK, {"colormap": "greys", "rescale": "0,1"}, style)
    assert greys == encode_png(BLOCK, parse_style({"colormap": "greys", "rescale": [0, 1]}, (NDVI,)))


def test_netcdf_options():
    plain = formats()["netCDF"].encode(BLOCK, {"compress": "none"}, None)
    dense = formats()["netCDF"].encode(BLOCK, {"zlevel": "9"}, None)
    for data in (plain, dense):
        np.testing.assert_array_equal(xr.load_dataset(io.BytesIO(data), engine="h5netcdf").NDVI, BLOCK.data[0, 0])
