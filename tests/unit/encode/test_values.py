import math

import numpy as np
import pytest

from ogcserver.cube import Band
from ogcserver.encode.values import as_bytes, stored, value_range

from .blocks import NAN, block, f32


def test_floats_keep_nan_and_infinity():
    values = stored(block(f32([1.5, NAN, np.inf])))
    assert values.array.dtype == np.float32
    assert math.isnan(values.nodata)
    np.testing.assert_array_equal(values.array[0, 0], [[1.5, NAN, np.inf]])


def test_floats_with_declared_nodata_hold_it():
    values = stored(block(f32([1.5, NAN]), Band("a", nodata=-9999.0)))
    assert values.nodata == -9999.0
    assert values.array.ravel().tolist() == [1.5, -9999.0]


def test_floats_whose_bands_disagree_on_nodata_keep_nan():
    values = stored(block([[[1.0, NAN]], [[2.0, 3.0]]], Band("a", nodata=-1.0), Band("b")))
    assert math.isnan(values.nodata)


def test_integers_are_rounded_and_clipped_and_missing_becomes_nodata():
    values = stored(block(f32([1.4, 70000, -3, NAN, np.inf]), Band("a", "uint16", 0.0)))
    assert values.array.dtype == np.uint16
    assert values.nodata == 0
    assert values.valid is None
    assert values.array.ravel().tolist() == [1, 65535, 0, 0, 65535]


def test_infinity_is_missing_in_8_bits():
    values = stored(block(f32([1, np.inf, 300]), Band("a", "uint8", 7.0)))
    assert values.array.ravel().tolist() == [1, 7, 255]


@pytest.mark.parametrize("nodata", [None, math.nan, -1.0, 0.5, math.inf])
def test_integers_without_usable_nodata_come_with_a_mask(nodata):
    values = stored(block(f32([4, NAN]), Band("a", "uint16", nodata)))
    assert values.nodata is None
    assert values.array.ravel().tolist() == [4, 0]
    assert values.valid.ravel().tolist() == [True, False]


def test_integers_without_missing_values_need_no_mask():
    assert stored(block(f32([4, 5]), Band("a", "int16"))).valid is None


def test_the_nodata_of_one_band_that_is_a_value_of_another_is_not_chosen():
    values = stored(block([[[0.0, NAN]], [[5.0, 0.0]]], Band("a", "int16", 0.0), Band("b", "int16", -1.0)))
    assert values.nodata == -1
    assert values.array.ravel().tolist() == [0, -1, 5, 0]


@pytest.mark.parametrize(("logical", "file"), [("bool", "uint8"), ("int8", "int16"), ("float16", "float32")])
def test_dtypes_that_old_readers_lack_are_widened(logical, file):
    assert stored(block(f32([1, 0]), Band("a", logical))).array.dtype == file


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_the_greatest_integers_do_not_overflow(dtype):
    data = np.array([[1e30, -1e30]], np.float64)
    values = stored(block(data, Band("a", dtype))).array.ravel()
    assert values[0] > np.iinfo(dtype).max * 0.99
    assert values[1] == np.iinfo(dtype).min


def test_bytes_of_an_index_use_the_range_of_all_indices():
    values = as_bytes(block(f32([-0.5, 0.25, NAN])))
    assert values.offsets == (-1.0,)
    np.testing.assert_allclose(values.array[0, 0, :2] * values.scales[0] - 1.0, [-0.5, 0.25], atol=1 / 255)
    assert values.valid.tolist() == [[True, True, False]]


def test_bytes_of_other_values_use_their_own_range():
    values = as_bytes(block(f32([100, 355, 200])))
    assert (values.offsets, values.scales) == ((100.0,), (1.0,))
    assert values.array.ravel().tolist() == [0, 255, 100]
    assert values.valid is None


def test_bytes_of_a_constant_or_of_nothing():
    assert as_bytes(block(f32([7, 7]))).offsets == (7.0,)
    nothing = as_bytes(block(f32([NAN, NAN])))
    assert not nothing.valid.any()


def test_bytes_of_uint8_are_not_rescaled():
    values = as_bytes(block(f32([1, 2, 250]), Band("a", "uint8")))
    assert (values.offsets, values.scales) == ((0.0,), (1.0,))
    assert values.array.ravel().tolist() == [1, 2, 250]


def test_missing_pixels_continue_their_neighbours_in_bytes():
    rows = f32([NAN] * 5, [NAN, 10, NAN, 20, NAN], [NAN] * 5, [40, NAN, NAN, NAN, NAN])
    expected = [[10, 10, 15, 20, 20]] * 3 + [[40] * 5]
    assert as_bytes(block(rows, Band("a", "uint8"))).array[0].tolist() == expected


def test_value_range_leaves_out_what_is_not_finite():
    assert value_range(f32([NAN, np.inf, 3, -2])) == (-2.0, 3.0)
    assert value_range(f32([NAN, -np.inf])) is None
    assert value_range(np.array([[5, 9]], np.uint16)) == (5.0, 9.0)
