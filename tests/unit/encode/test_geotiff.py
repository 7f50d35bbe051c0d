import math

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import MemoryFile

from ogcserver.cube import Band
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.tiff_options import TiffOptions, check_tiff, parse_tiff_options
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, NoTimeInRange
from ogcserver.geo.crs import canonical, crs_object
from ogcserver.geo.grid import Grid, Lattice

from .blocks import NAN, UTM, block, f32

CUSTOM = (
    "+proj=laea +lat_0=12.5 +lon_0=33.25 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m +no_defs"  # has no code anywhere
)


@pytest.fixture
def read():
    """Opens bytes as a raster until the test ends."""
    opened = []

    def opener(data: bytes):
        memory = MemoryFile(data)
        opened.append(memory)
        file = memory.open()
        opened.append(file)
        return file

    yield opener
    for thing in reversed(opened):
        thing.close()


def encode(one, cog=False, **options):
    return encode_geotiff(one, parse_tiff_options(options, cog))


def smooth(height=40, width=50):
    y, x = np.mgrid[:height, :width]
    return (0.8 * np.sin(x / 17.0) * np.cos(y / 13.0)).astype(np.float32)


def test_floats_come_back_bit_for_bit(read):
    values = f32([0.1, NAN, np.inf, -3e38], [1, 2, 3, 4], [5, 6, 7, 8])
    file = read(encode(block(values, Band("NDVI", unit="1"), on=UTM)))
    assert file.dtypes == ("float32",)
    np.testing.assert_array_equal(file.read(1), values)
    assert math.isnan(file.nodata)
    assert file.transform == UTM.transform
    assert tuple(file.bounds) == UTM.bounds
    assert file.crs.to_epsg() == 32632
    assert file.descriptions == ("NDVI",)
    assert file.units == ("1",)
    assert file.tags()["AREA_OR_POINT"] == "Area"
    assert file.compression.name == "deflate"
    assert not file.profile["tiled"]


def test_uint16_passes_through_with_its_nodata(read):
    file = read(encode(block([[[1, NAN, 65535]], [[0, 7, 300]]], Band("B04", "uint16", 0), Band("B8A", "uint16", 0))))
    assert file.dtypes == ("uint16", "uint16")
    assert file.nodata == 0
    assert file.read().tolist() == [[[1, 0, 65535]], [[0, 7, 300]]]
    assert file.descriptions == ("B04", "B8A")
    assert file.mask_flag_enums[0] == [MaskFlags.nodata]


def test_float64_keeps_its_bits(read):
    values = np.array([[1 / 3, 16777217.0]], np.float64)
    np.testing.assert_array_equal(read(encode(block(values, Band("a", "float64")))).read(1), values)


def test_integers_without_nodata_get_a_mask(read):
    file = read(encode(block(f32([1, NAN, 3]), Band("a", "int16"))))
    assert file.nodata is None
    assert file.mask_flag_enums[0] == [MaskFlags.per_dataset]
    assert file.read_masks(1).tolist() == [[255, 0, 255]]
    assert file.read(1).tolist() == [[1, 0, 3]]
    assert file.tags(1)["STATISTICS_MINIMUM"] == "1"


def test_a_crs_without_code(read):
    name = canonical(crs_object(CUSTOM).to_wkt())
    assert not name.startswith("EPSG")
    on = Grid(Lattice(name, 0.1, 0.7, 0.3, 0.3), -2, 1, 3, 1)
    file = read(encode(block(f32([1, 2, 3]), on=on)))
    assert file.transform == on.transform
    assert file.crs == rasterio.crs.CRS.from_wkt(name)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3035", "ESRI:54009", "EPSG:3413"])
def test_coded_crs(read, crs):
    on = Grid(Lattice(crs, 10.0, 47.0, 0.01, 0.01), 0, 0, 2, 1)
    file = read(encode(block(f32([1, 2]), on=on)))
    assert file.crs == rasterio.crs.CRS.from_user_input(crs)
    assert file.transform == on.transform


def test_statistics_leave_missing_values_out(read):
    file = read(encode(block([[[NAN, 2.5, -1.25]], [[NAN, NAN, NAN]]])))
    assert file.tags(1)["STATISTICS_MINIMUM"] == "-1.25"
    assert file.tags(1)["STATISTICS_MAXIMUM"] == "2.5"
    assert "STATISTICS_MINIMUM" not in file.tags(2)


def test_statistics_are_of_stored_values_without_nodata(read):
    file = read(encode(block(f32([NAN, 4, 9]), Band("a", "uint16", 0))))
    assert (file.tags(1)["STATISTICS_MINIMUM"], file.tags(1)["STATISTICS_MAXIMUM"]) == ("4", "9")


def test_times_become_bands_time_by_time(read):
    data = np.arange(12, dtype=np.float32).reshape(2, 2, 1, 3)
    times = ("2017-01-05T10:20:31Z", "2017-01-15T10:20:31Z")
    file = read(encode(block(data, Band("B04", unit="1"), Band("B8A"), times=times)))
    np.testing.assert_array_equal(file.read(), data.reshape(4, 1, 3))
    assert file.descriptions[1:3] == ("2017-01-05T10:20:31Z B8A", "2017-01-15T10:20:31Z B04")
    assert file.tags(3)["TIME"] == times[1]
    assert file.tags(3)["BAND"] == "B04"


def test_no_time_is_an_error():
    with pytest.raises(NoTimeInRange):
        encode(block(np.empty((0, 1, 2, 2), np.float32)))


def test_four_bands_of_8_bits_are_no_transparency(read):
    file = read(encode(block(np.ones((4, 2, 2), np.float32), *(Band(name, "uint8") for name in "abcd"))))
    assert ColorInterp.alpha not in file.colorinterp
    assert file.mask_flag_enums[0] == [MaskFlags.all_valid]


def test_three_bands_of_8_bits_are_rgb(read):
    file = read(encode(block(np.ones((3, 2, 2), np.float32), *(Band(name, "uint8") for name in "rgb"))))
    assert file.colorinterp == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    assert file.interleaving.name == "pixel"


# ---- JPEG


def test_the_request_of_the_api_recovers_its_values(read):
    values = smooth()
    values[5:20, 8:30] = NAN
    file = read(encode(block(values, Band("NDVI")), tiled=True, compress="jpeg", photometric="YCBCR", jpeg_quality=80))
    assert (file.count, file.dtypes[0]) == (3, "uint8")
    assert file.compression.name == "jpeg"
    assert file.photometric.name == "ycbcr"
    assert file.profile["tiled"]
    np.testing.assert_array_equal(file.read_masks(1) > 0, np.isfinite(values))
    assert file.nodata is None
    recovered = file.read(1) * file.scales[0] + file.offsets[0]
    good = np.isfinite(values)
    assert file.offsets == (-1.0,) * 3
    assert np.abs(recovered - values)[good].max() < 6 * 2 / 255
    assert np.abs(recovered - values)[good].mean() < 1 * 2 / 255
    assert file.descriptions == ("NDVI",) * 3
    stretched = file.tags(1)
    assert 0 <= float(stretched["STATISTICS_MINIMUM"]) < float(stretched["STATISTICS_MAXIMUM"]) <= 255


def test_jpeg_of_one_band_stays_one_band(read):
    values = 1000.0 + 500.0 * smooth()
    file = read(encode(block(values), compress="JPEG", jpeg_quality=100))
    assert file.count == 1
    recovered = file.read(1) * file.scales[0] + file.offsets[0]
    assert np.abs(recovered - values).max() < 5 * (values.max() - values.min()) / 255
    assert file.mask_flag_enums[0] == [MaskFlags.all_valid]


@pytest.mark.parametrize("photometric", ["YCBCR", "RGB"])
def test_jpeg_of_three_bytes_is_as_it_is(read, photometric):
    values = np.stack([128 + 100 * smooth(), 128 - 100 * smooth(), 100 + 50 * smooth()]).round()
    bands = tuple(Band(name, "uint8") for name in ("red", "green", "blue"))
    file = read(encode(block(values, *bands), compress="JPEG", photometric=photometric, jpeg_quality=95))
    assert file.count == 3
    assert file.scales == (1.0, 1.0, 1.0)
    assert np.abs(file.read() - values).mean() < 3


def test_jpeg_quality_matters():
    noise = np.random.default_rng(1).normal(0, 0.3, (64, 64)).clip(-1, 1)
    assert len(encode(block(noise), compress="jpeg", jpeg_quality="10")) < len(
        encode(block(noise), compress="jpeg", jpeg_quality="95")
    )


def test_jpeg_of_many_bands(read):
    file = read(encode(block(np.stack([smooth()] * 6)), compress="jpeg"))
    assert file.count == 6
    assert file.interleaving.name == "band"


# ---- COG


def test_a_cog_is_tiled_and_has_overviews(read):
    values = np.tile(smooth(100, 100), (7, 7))
    data = encode(block(values, Band("NDVI")), cog=True, blocksize=256)
    file = read(data)
    np.testing.assert_array_equal(file.read(1), values)
    assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert file.block_shapes == [(256, 256)]
    assert file.overviews(1)
    assert file.descriptions == ("NDVI",)
    assert float(file.tags(1)["STATISTICS_MAXIMUM"]) == values.max()
    assert math.isnan(file.nodata)


def test_the_option_cog_is_the_format_cog(read):
    one = block(f32([1, 2]), Band("a", "uint16", 0))
    assert encode(one, COG="true") == encode(one, cog=True)


@pytest.mark.parametrize("compress", ["NONE", "LZW", "DEFLATE", "ZSTD"])
def test_lossless_compression(read, compress):
    for cog in (False, True):
        file = read(encode(block(smooth()), cog=cog, compress=compress))
        np.testing.assert_array_equal(file.read(1), smooth())
        assert compress == "NONE" or file.compression.name.lower() == compress.lower()


def test_a_jpeg_cog_keeps_mask_and_scale(read):
    values = smooth()
    values[:9] = NAN
    for photometric, count in (("YCBCR", 3), (None, 1)):
        file = read(encode(block(values), cog=True, compress="jpeg", photometric=photometric, jpeg_quality=90))
        assert file.count == count
        np.testing.assert_array_equal(file.read_masks(1) > 0, np.isfinite(values))
        recovered = file.read(1) * file.scales[0] + file.offsets[0]
        assert np.nanmax(np.abs(recovered - values)) < 0.1


def test_a_cog_of_integers_without_nodata_keeps_its_mask(read):
    file = read(encode(block(f32([1, NAN]), Band("a", "int16")), cog=True))
    assert file.read_masks(1).tolist() == [[255, 0]]


def test_an_rgb_cog(read):
    one = block(np.ones((3, 2, 2), np.float32), *(Band(name, "uint8") for name in "rgb"))
    file = read(encode(one, cog=True, photometric="rgb"))
    assert file.colorinterp[0] == ColorInterp.red


# ---- options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, TiffOptions()),
        ({"TILED": "YES"}, TiffOptions(tiled=True)),
        ({"compress": "lzw", "predictor": "2"}, TiffOptions(compress="LZW", predictor=2)),
        ({"predictor": "floating_point"}, TiffOptions(predictor=3)),
        ({"blocksize": 128}, TiffOptions(tiled=True, block_width=128, block_height=128)),
        ({"blockxsize": "64", "blockysize": 32.0}, TiffOptions(tiled=True, block_width=64, block_height=32)),
        ({"blockysize": 7}, TiffOptions(block_height=7)),
        ({"compress": "JPEG", "jpeg_quality": "80"}, TiffOptions(compress="JPEG", jpeg_quality=80)),
        ({"interleave": "pixel", "bigtiff": True}, TiffOptions(interleave="PIXEL", bigtiff="YES")),
        ({"cog": 1}, TiffOptions(tiled=True, cog=True)),
        ({"compress": None}, TiffOptions()),
    ],
)
def test_options(options, expected):
    assert parse_tiff_options(options) == expected


def test_block_options_arrive_in_the_file(read):
    one = block(smooth())
    assert read(encode(one, blockxsize=16, blockysize=32)).block_shapes == [(32, 16)]
    assert read(encode(one, blockysize=7)).block_shapes == [(7, 50)]
    assert encode(one, bigtiff="yes")[2:4] == b"\x2b\x00"


@pytest.mark.parametrize("name", ["quality", "tiles", "worldfile"])
def test_an_unknown_option(name):
    with pytest.raises(FormatOptionUnsupported) as caught:
        parse_tiff_options({name: 1})
    assert caught.value.locator == name
    assert name in caught.value.message


def test_options_that_a_cog_does_not_have():
    with pytest.raises(FormatOptionUnsupported):
        parse_tiff_options({"tiled": True}, cog=True)


@pytest.mark.parametrize(
    ("options", "locator"),
    [
        ({"tiled": "perhaps"}, "tiled"),
        ({"compress": "zip"}, "compress"),
        ({"compress": ["LZW"]}, "compress"),
        ({"compress": "jpeg", "jpeg_quality": 0}, "jpeg_quality"),
        ({"compress": "jpeg", "jpeg_quality": 101}, "jpeg_quality"),
        ({"compress": "jpeg", "jpeg_quality": "good"}, "jpeg_quality"),
        ({"compress": "jpeg", "jpeg_quality": 75.5}, "jpeg_quality"),
        ({"compress": "jpeg", "jpeg_quality": True}, "jpeg_quality"),
        ({"jpeg_quality": 80}, "jpeg_quality"),
        ({"compress": "none", "predictor": 2}, "predictor"),
        ({"predictor": 4}, "predictor"),
        ({"blocksize": 100}, "blocksize"),
        ({"blockxsize": 64, "tiled": False}, "blockxsize"),
        ({"blockysize": 7, "tiled": True}, "blockysize"),
        ({"blockysize": 7, "compress": "jpeg"}, "blockysize"),
        ({"photometric": "pink"}, "photometric"),
        ({"photometric": "YCBCR"}, "photometric"),
        ({"interleave": "line"}, "interleave"),
        ({"bigtiff": "maybe"}, "bigtiff"),
        ({"cog": True, "tiled": False}, "tiled"),
        ({"cog": True, "interleave": "band"}, "interleave"),
        ({"cog": True, "compress": "packbits"}, "compress"),
        ({"cog": True, "blockxsize": 64, "blockysize": 32}, "blockysize"),
    ],
)
def test_a_bad_value(options, locator):
    with pytest.raises(FormatOptionInvalid) as caught:
        parse_tiff_options(options)
    assert caught.value.locator == locator


@pytest.mark.parametrize(
    ("dtypes", "options", "locator"),
    [
        (["float32"], {"photometric": "RGB"}, "photometric"),
        (["float32"] * 2, {"photometric": "YCBCR", "compress": "jpeg"}, "photometric"),
        (["float32"] * 3, {"photometric": "CMYK"}, "photometric"),
        (["uint16"] * 4, {"photometric": "CMYK"}, "photometric"),
        (["uint8"] * 3, {"photometric": "CIELAB"}, "photometric"),
        (["uint16"] * 3, {"photometric": "ICCLAB"}, "photometric"),
        (["uint8"], {"photometric": "ITULAB"}, "photometric"),
        (["uint8"] * 3, {"photometric": "ICCLAB", "cog": True}, "photometric"),
        (["uint8"] * 3, {"photometric": "RGB", "compress": "jpeg", "cog": True}, "photometric"),
        (["uint16"], {"predictor": 3}, "predictor"),
        (["uint8"] * 5, {"compress": "jpeg", "interleave": "pixel"}, "interleave"),
        (["uint8"] * 3, {"compress": "jpeg", "photometric": "ycbcr", "interleave": "band"}, "interleave"),
    ],
)
def test_options_that_do_not_fit_the_bands(dtypes, options, locator):
    bands = tuple(Band(f"b{index}", dtype) for index, dtype in enumerate(dtypes))
    parsed = parse_tiff_options(options)
    with pytest.raises(FormatOptionInvalid) as caught:
        check_tiff(parsed, bands)
    assert caught.value.locator == locator
    with pytest.raises(FormatOptionInvalid):
        encode_geotiff(block(np.ones((len(bands), 16, 16)), *bands), parsed)


@pytest.mark.parametrize(
    ("dtypes", "options"),
    [
        (["uint8"], {"photometric": "MINISWHITE"}),
        (["float32"], {"photometric": "MINISWHITE"}),
        (["float32"] * 4, {"photometric": "RGB"}),
        (["uint8"] * 4, {"photometric": "CMYK"}),
        (["uint8"] * 3, {"photometric": "ICCLAB"}),
        (["uint8"] * 3, {"photometric": "ITULAB"}),
        (["uint8"] * 4, {"photometric": "MINISBLACK", "compress": "jpeg"}),
        (["int64"], {"predictor": "1"}),
        (["uint8"] * 3, {"photometric": "MINISBLACK", "cog": True}),
    ],
)
def test_photometric_interpretations_that_can_be_honoured(read, dtypes, options):
    bands = tuple(Band(f"b{index}", dtype) for index, dtype in enumerate(dtypes))
    file = read(encode(block(np.full((len(bands), 16, 16), 9.0), *bands), **options))
    assert file.count == len(dtypes)
    if options.get("photometric") != "CMYK":  # which GDAL turns into RGBA
        assert np.abs(file.read() - 9.0).max() <= 1


def test_what_the_number_of_times_decides_is_left_open():
    parsed = parse_tiff_options({"photometric": "RGB"})
    check_tiff(parsed, (Band("a"),), None)
    with pytest.raises(FormatOptionInvalid):
        check_tiff(parsed, (Band("a"),), 2)
    check_tiff(parsed, (Band("a"),), 3)
