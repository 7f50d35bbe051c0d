"""Reducers over time against numpy's own, on series with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogcserver.cube import Band, compute_dtype
from ogcserver.plan.reducers import REDUCERS

Series = list[np.ndarray[Any, Any]]


def reduce_all(name: str, slices: list[Any]) -> Any:
    """The reducer's result for a series of at least one slice."""
    reducer = REDUCERS[name]
    state = reducer.start(slices[0])
    for data in slices[1:]:
        state = reducer.add(state, data)
    return reducer.finish(state)


def _per_pixel(reference: Any) -> Any:
    """The reference on the values of each pixel that are not missing; missing where there are none."""

    def reduced(stack: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        flat = stack.reshape(len(stack), -1).astype(np.float64)
        columns = (series[~np.isnan(series)] for series in flat.T)
        return np.array([reference(values) if values.size else np.nan for values in columns]).reshape(stack.shape[1:])

    return reduced


REFERENCES = {
    "min": _per_pixel(np.min), "max": _per_pixel(np.max), "mean": _per_pixel(np.mean), "median": _per_pixel(np.median),
    "sum": _per_pixel(np.sum), "product": _per_pixel(np.prod), "first": _per_pixel(lambda v: v[0]),
    "last": _per_pixel(lambda v: v[-1]),
    "sd": _per_pixel(lambda v: np.std(v, ddof=1) if v.size > 1 else np.nan),
    "variance": _per_pixel(lambda v: np.var(v, ddof=1) if v.size > 1 else np.nan),
    "count": lambda stack: (~np.isnan(stack)).sum(axis=0).astype(float),
}  # fmt: skip


@st.composite
def series(draw: st.DrawFn) -> Series:
    length, dtype = draw(st.integers(1, 9)), draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stack = np.round(rng.normal(draw(st.sampled_from([0.0, 1000.0])), 30.0, (length, 1, 2, 4, 5)), 2)
    stack[rng.random(stack.shape) < draw(st.sampled_from([0.0, 0.3, 0.8, 1.0]))] = np.nan
    return list(stack.astype(dtype))


def test_every_reducer_has_a_reference() -> None:
    assert set(REFERENCES) == set(REDUCERS)


@pytest.mark.parametrize("name", sorted(REDUCERS))
@settings(max_examples=30, deadline=None)
@given(series())
def test_reducer_equals_numpy_without_the_missing_values(name: str, slices: Series) -> None:
    kept = [data.copy() for data in slices]
    result = reduce_all(name, slices)
    expected = REFERENCES[name](np.stack(slices))
    tolerance = 2e-6 if slices[0].dtype == np.float32 else 1e-10
    absolute = {"sd": 1e-5, "variance": 1e-5}.get(name, 1e-6)
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=absolute)
    assert result.shape == slices[0].shape and result.dtype == slices[0].dtype
    for before, after in zip(kept, slices, strict=True):  # slices may be shared with other nodes
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["min", "max", "first", "last"])
@settings(max_examples=20, deadline=None)
@given(series())
def test_reducers_that_keep_a_value_give_its_very_bits(name: str, slices: Series) -> None:
    np.testing.assert_array_equal(reduce_all(name, slices), REFERENCES[name](np.stack(slices)).astype(slices[0].dtype))


@pytest.mark.parametrize("name", sorted(REDUCERS))
@pytest.mark.parametrize("length", [1, 4])
def test_nothing_but_missing_is_missing(name: str, length: int) -> None:
    result = reduce_all(name, [np.full((1, 1, 2, 2), np.nan, np.float32)] * length)
    if name == "count":
        assert (result == 0).all()
    else:
        assert np.isnan(result).all()


@pytest.mark.parametrize("name", sorted(set(REDUCERS) - {"sd", "variance", "count"}))
def test_a_series_of_one_is_its_value(name: str) -> None:
    data = np.array([[[[1.5, -2.25], [np.nan, 1e7]]]], np.float32)
    np.testing.assert_array_equal(reduce_all(name, [data]), data)


@pytest.mark.parametrize("name", ["sd", "variance"])
def test_one_value_has_no_deviation(name: str) -> None:
    assert np.isnan(reduce_all(name, [np.ones((1, 1, 1, 1), np.float32)])).all()


def test_first_and_last_follow_the_order_of_the_slices() -> None:
    nan = np.nan
    slices = [np.array([[[row]]], np.float64) for row in ([nan, 1.0, 1.0], [2.0, 2.0, nan], [3.0, nan, nan])]
    np.testing.assert_array_equal(reduce_all("first", slices).ravel(), [2, 1, 1])
    np.testing.assert_array_equal(reduce_all("last", slices).ravel(), [3, 2, 1])
    np.testing.assert_array_equal(reduce_all("first", slices[::-1]).ravel(), [3, 2, 1])


@pytest.mark.parametrize("name", ["sum", "mean", "variance"])
def test_sums_do_not_lose_small_values(name: str) -> None:
    slices = [np.full((1, 1, 1, 1), value, np.float32) for value in [1e8] + [1.0] * 1000]
    expected = REFERENCES[name](np.stack(slices))
    np.testing.assert_allclose(reduce_all(name, slices), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["median", "min", "max", "first", "last"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_stay_infinite(name: str, value: float) -> None:
    slices = [np.full((1, 1, 1, 1), value, np.float32)] * 4
    assert (reduce_all(name, slices) == value).all()


@pytest.mark.parametrize("name", ["min", "max"])
def test_zeros_have_one_sign_whatever_the_place_in_the_array(name: str) -> None:
    for length in range(1, 70):
        zero, minus = np.zeros((1, 1, 1, length), np.float32), np.full((1, 1, 1, length), -0.0, np.float32)
        assert not np.signbit(reduce_all(name, [zero, minus])).any()
        assert not np.signbit(reduce_all(name, [minus, zero])).any()


@pytest.mark.parametrize("name", sorted(REDUCERS))
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "float32", "float64"])
def test_the_results_band_says_how_it_is_computed(name: str, dtype: str) -> None:
    band = REDUCERS[name].band(Band("v", dtype, 0.0 if "int" in dtype else None))
    if REDUCERS[name].keeps == "value":
        assert band == Band("v", dtype, 0.0 if "int" in dtype else None)
    elif name == "count":
        assert band.dtype == "uint16"
    else:
        assert np.dtype(band.dtype) == compute_dtype((Band("v", dtype),))
        assert band.nodata is None
