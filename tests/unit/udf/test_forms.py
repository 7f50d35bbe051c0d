"""What functions of each kind get and may return: the worker's side, without a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogcserver.udf.types import UDF_TYPES, Window
from ogcserver.udf.worker.calls import call_for_each
from ogcserver.udf.worker.cube import Cube, from_array_form
from ogcserver.udf.worker.script import ScriptError

LABELS = ("2017-01-05", "2017-01-15", "2017-02-04T10:20:31Z")


def cube(shape: tuple[int, int, int, int] = (3, 2, 3, 4), labels: tuple[str, ...] = LABELS) -> Cube:
    """Random values, one of them missing; bands ``a``, ``b`` ..."""
    data = np.random.default_rng(1).random(shape, np.float32)
    data[0, 0, 0, 0] = np.nan
    meta = {
        "shape": shape, "dtype": "<f4", "times": labels, "starts": [label.rstrip("Z") for label in labels],
        "bands": [chr(97 + number) for number in range(shape[1])],
    }  # fmt: skip
    return Cube.received(meta, bytearray(data.tobytes()))


def by_table(name: str, function: Callable[[Any], Any], given: Cube, window: Window | None = None) -> Cube:
    return call_for_each(function, UDF_TYPES[name], given, window or Window())


def by_array(name: str, function: Callable[[Any], Any], given: Cube, window: Window | None = None) -> Cube:
    return from_array_form(function(given), UDF_TYPES[name], given, (window or Window()).margin)


def same(left: Cube, right: Cube) -> bool:
    return left.meta() == right.meta() and np.allclose(left.data, right.data, equal_nan=True, rtol=1e-6)


def test_apply_pixel_gets_a_row_for_each_pixel_and_observation() -> None:
    given = cube()
    seen: list[pd.DataFrame] = []

    def apply_pixel(df: pd.DataFrame) -> pd.DataFrame:
        seen.append(df)
        return pd.DataFrame({"index": (df["a"] - df["b"]) / (df["a"] + df["b"])})

    found = by_table("apply_pixel", apply_pixel, given)
    a, b = given.data[:, 0], given.data[:, 1]
    assert np.array_equal(found.data[:, 0], (a - b) / (a + b), equal_nan=True)
    assert found.meta() == {"shape": [3, 1, 3, 4], "times": list(LABELS), "bands": ["index"]}
    assert len(seen) == 1 and len(seen[0]) == 36 and list(seen[0].columns) == ["a", "b"]
    array = by_array("apply_pixel", lambda c: c.replace((a - b)[:, None] / (a + b)[:, None], bands=["index"]), given)
    assert same(found, array)


def test_apply_pixel_may_return_a_series_or_an_array() -> None:
    given = cube()
    assert by_table("apply_pixel", lambda df: df["a"] * 2, given).bands == ("a",)
    assert by_table("apply_pixel", lambda df: (df["a"] * 2).to_numpy(), given).bands == ("apply_pixel",)
    assert by_table("apply_pixel", lambda df: df.to_numpy() * 2, given).bands == ("a", "b")


def test_apply_scene_gets_one_observation_at_a_time() -> None:
    given = cube()
    found = by_table("apply_scene", lambda df: df - df.mean(), given)
    wanted = given.data - np.nanmean(given.data, axis=(2, 3), keepdims=True)
    assert np.allclose(found.data, wanted, equal_nan=True)
    assert same(found, by_array("apply_scene", lambda c: wanted, given))


def test_reduce_time_gets_the_series_of_a_pixel() -> None:
    given = cube()
    index: list[pd.Index] = []

    def reduce_time(df: pd.DataFrame) -> pd.Series:
        index.append(df.index)
        return df.max()

    found = by_table("reduce_time", reduce_time, given)
    starts = ["2017-01-05", "2017-01-15", "2017-02-04 10:20:31"]
    assert len(index) == 12 and list(index[0]) == [pd.Timestamp(start) for start in starts]
    assert found.meta() == {"shape": [1, 2, 3, 4], "times": [], "bands": ["a", "b"]}
    assert same(found, by_array("reduce_time", lambda c: np.nanmax(c.data, axis=0), given))


@pytest.mark.parametrize(
    "answer",
    [lambda df: {"n": len(df)}, lambda df: pd.DataFrame({"n": [len(df)]}), lambda df: pd.Series({"n": len(df)})],
)
def test_a_value_for_each_band_has_many_forms(answer: Callable[[Any], Any]) -> None:
    found = by_table("reduce_time", answer, cube())
    assert found.bands == ("n",) and (found.data == 3).all()


def test_a_single_number_is_a_band() -> None:
    assert by_table("reduce_time", len, cube()).bands == ("reduce_time",)
    assert by_table("reduce_time", len, cube((3, 1, 2, 2))).bands == ("a",)


def test_aggregate_time_makes_a_new_time_axis() -> None:
    given = cube()
    found = by_table("aggregate_time", lambda df: df.resample("MS").mean(), given)
    wanted = np.stack([np.nanmean(given.data[:2], axis=0), given.data[2]])
    assert found.meta() == {"shape": [2, 2, 3, 4], "times": ["2017-01-01", "2017-02-01"], "bands": ["a", "b"]}
    assert np.allclose(found.data, wanted, rtol=1e-6)
    array = by_array("aggregate_time", lambda c: c.replace(wanted, times=["2017-01", "2017-02"]), given)
    assert same(found, array)
    periods = by_table("aggregate_time", lambda df: df.groupby(df.index.to_period("M")).mean(), given)
    assert same(found, periods)


def test_times_that_stay_keep_their_labels() -> None:
    found = by_table("aggregate_time", lambda df: df.iloc[1:].ffill(), cube())
    assert found.meta()["times"] == list(LABELS[1:])
    zoned = by_table("aggregate_time", lambda df: df.iloc[1:].tz_localize("UTC"), cube())
    assert zoned.meta()["times"] == list(LABELS[1:])


def test_pixels_without_any_value_are_computed_once() -> None:
    given = cube()
    given.data[:, :, 1:] = np.nan
    calls: list[int] = []
    found = by_table("aggregate_time", lambda df: (calls.append(1), df.fillna(7.0))[1], given)
    assert len(calls) == 4 + 1 and (found.data[:, :, 1:] == 7).all()


def test_reduce_space_leaves_one_pixel() -> None:
    given = cube()
    found = by_table("reduce_space", lambda df: df.mean(), given)
    assert found.meta() == {"shape": [3, 2, 1, 1], "times": list(LABELS), "bands": ["a", "b"]}
    assert same(found, by_array("reduce_space", lambda c: np.nanmean(c.data, axis=(2, 3)), given))


def test_aggregate_space_makes_new_pixels() -> None:
    given = cube((3, 2, 4, 6))

    def halves(df: pd.DataFrame) -> pd.DataFrame:
        y, x = (df.index.get_level_values(name) // 2 for name in ("y", "x"))
        return df.groupby([y, x]).max()

    found = by_table("aggregate_space", halves, given)
    assert found.data.shape == (3, 2, 2, 3)
    wanted = np.nanmax(given.data.reshape(3, 2, 2, 2, 3, 2), axis=(3, 5))
    assert same(found, by_array("aggregate_space", lambda c: wanted, given))


def test_aggregate_spacetime_makes_all_axes_new() -> None:
    given = cube()

    def firsts(df: pd.DataFrame) -> pd.DataFrame:
        return df[(df.index.get_level_values("y") < 2) & (df.index.get_level_values("time") > "2017-01-10")]

    found = by_table("aggregate_spacetime", firsts, given)
    assert np.array_equal(found.data, given.data[1:, :, :2])
    array = by_array("aggregate_spacetime", lambda c: c.replace(c.data[1:, :, :2], times=c.times[1:]), given)
    assert same(found, array)


def test_window_space_sees_the_pixels_around_each() -> None:
    given, window = cube((3, 2, 5, 6)), Window(1, 3, 3)
    offsets: list[Any] = []

    def window_space(df: pd.DataFrame) -> pd.Series:
        offsets.append(list(df.index))
        return df.max()

    found = by_table("window_space", window_space, given, window)
    views = np.lib.stride_tricks.sliding_window_view(given.data, (3, 3), axis=(2, 3))
    assert np.array_equal(found.data, np.nanmax(views, axis=(4, 5)))
    assert offsets[0][0] == (-1, -1) and offsets[0][4] == (0, 0) and len(offsets) == 3 * 3 * 4

    padded = np.full_like(given.data, -1)  # the margin's values are dropped
    padded[:, :, 1:-1, 1:-1] = np.nanmax(views, axis=(4, 5))
    assert same(found, by_array("window_space", lambda c: padded, given, window))


def test_window_time_sees_nothing_beyond_the_ends_of_the_series() -> None:
    given, window = cube(), Window(3, 1, 1)
    found = by_table("window_time", lambda df: df.count(), given, window)
    assert found.data[:, 1, 0, 0].tolist() == [2, 3, 2] and found.data[:, 0, 0, 0].tolist() == [1, 2, 2]
    assert found.meta()["times"] == list(LABELS)
    ends = by_table("window_time", lambda df: {"nat": df.index.isna().sum()}, given, window)
    assert ends.data[:, 0, 0, 0].tolist() == [1, 0, 1]


def test_window_spacetime_sees_both() -> None:
    given, window = cube((3, 1, 3, 3)), Window(3, 3, 3)
    found = by_table("window_spacetime", lambda df: df.sum(), given, window)
    assert found.data.shape == (3, 1, 1, 1)
    assert np.isclose(found.data[1, 0, 0, 0], np.nansum(given.data))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(0, 2**16))
def test_a_window_equals_its_parts(cut: int, edge: int, seed: int) -> None:
    data = np.random.default_rng(seed).random((2, 1, 4 + edge, 5 + edge), np.float32)
    whole = cube(data.shape, LABELS[:2]).replace(data)
    left, right = (whole.replace(part) for part in (data[..., : cut + edge - 1], data[..., cut:]))
    window = Window(1, edge, edge)
    parts = [by_table("window_space", lambda df: df.mean(), part, window).data for part in (left, right)]
    assert np.array_equal(np.concatenate(parts, 3), by_table("window_space", lambda df: df.mean(), whole, window).data)


def test_a_cube_without_time_axis_keeps_none() -> None:
    found = by_table("apply_pixel", lambda df: df * 2, cube((1, 2, 3, 4), ()))
    assert found.meta() == {"shape": [1, 2, 3, 4], "times": [], "bands": ["a", "b"]}


def test_the_dtype_of_the_cube_stays() -> None:
    wide = cube().replace(cube().data.astype(np.float64))
    for found in (
        by_table("reduce_time", lambda df: df.count(), wide), by_array("reduce_time", lambda c: c.data[0] > 0.5, wide)
    ):  # fmt: skip
        assert found.data.dtype == np.float64
    assert by_array("reduce_time", lambda c: c.data[0].astype(np.float64), cube()).data.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("reduce_time", lambda df: df, "one value for each band, not 3 rows"),
        ("reduce_time", lambda df: None, "not NoneType"),
        ("reduce_time", lambda df: "many", "not str"),
        ("reduce_time", lambda df: {"a": "x"}, "must return numbers"),
        ("reduce_time", lambda df: [1, 2, 3], "must name its bands"),
        ("reduce_time", lambda df: {"": 1}, "need names"),
        ("reduce_time", lambda df: {"a" * 65: 1}, "need names"),
        ("reduce_time", lambda df: {}, "empty table"),
        ("reduce_time", lambda df: {"a": 1} if df["a"].iloc[0] > 0.5 else {"b": 1}, "the bands"),
        ("reduce_time", lambda df: {"a": [1, 2]}, "must return numbers|wrong shape|empty table"),
        ("apply_pixel", lambda df: df.iloc[1:], "a row for each row"),
        ("apply_pixel", lambda df: 5, "must return a DataFrame, not int"),
        ("apply_scene", lambda df: df.head(3), "a row for each row"),
        ("aggregate_time", lambda df: df.reset_index(drop=True), "must hold dates or times"),
        ("aggregate_time", lambda df: df.iloc[::-1], "must ascend"),
        ("aggregate_time", lambda df: df.iloc[:0], "empty table"),
        ("aggregate_time", lambda df: df.mean(), "no date or time"),
        ("aggregate_time", lambda df: df.dropna(), "same rows in each call"),
        ("aggregate_time", lambda df: df.shift(int(df["b"].iloc[0] * 99), freq="D"), "same rows in each call"),
        ("aggregate_time", lambda df: df.rename(index=lambda t: "x"), "no date or time"),
        ("aggregate_space", lambda df: df.head(5), "each of \\(y, x\\) once"),
        ("aggregate_space", lambda df: df.iloc[::-1], "each of \\(y, x\\) once"),
        ("aggregate_space", lambda df: df.groupby(level="y").mean(), "the index \\(y, x\\)"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused_with_advice(name: str, answer: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        by_table(name, answer, cube())


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("reduce_time", lambda c: None, "returned nothing"),
        ("reduce_time", lambda c: c.data, r"shape \(3, 2, 3, 4\); wanted is .* \(1, 2, 3, 4\)"),
        ("reduce_time", lambda c: 5, r"shape \(\)"),
        ("reduce_time", lambda c: c.data[0, :1], "must be named"),
        ("reduce_time", lambda c: c.data[0].astype(complex), "must return numbers"),
        ("reduce_time", lambda c: [["x"]], "must return numbers"),
        ("apply_pixel", lambda c: c.data[:, :, :2], "wanted is"),
        ("apply_pixel", lambda c: c.replace(c.data, bands=["a"]), "wanted is"),
        ("apply_pixel", lambda c: c.replace(c.data, bands=["a", "a"]), "need names"),
        ("aggregate_time", lambda c: c.data[:1], "must be named"),
        ("aggregate_time", lambda c: c.replace(c.data[:1], times=[2017]), "must hold dates"),
        ("aggregate_time", lambda c: c.replace(c.data[:1], times=[]), "ascend|dates"),
        ("aggregate_space", lambda c: c.data[:, :, :0], "wanted is"),
        ("aggregate_space", lambda c: c.data[0], "wanted is"),
        ("window_space", lambda c: c.data[:, :, 1:-1, 1:-1], "wanted is"),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused_with_advice(name: str, answer: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        by_array(name, answer, cube(), Window(1, 3, 3) if "window" in name else None)
