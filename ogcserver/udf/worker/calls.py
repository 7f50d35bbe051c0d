"""The pandas form: one call for each pixel, scene or neighbourhood, and the cube that the answers make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ogcserver.udf.types import UdfType, Window
from ogcserver.udf.worker.cube import Array, Cube, ascending_times, band_names, numbers
from ogcserver.udf.worker.script import ScriptError


@dataclass(frozen=True)
class Calls:
    """The tables that a function is called with, by number."""

    count: int
    shape: tuple[int, int]
    """Rows and columns of the pixels that are wanted."""
    table: Callable[[int], tuple[Array, pd.Index]]
    """Values (rows, bands) and their index."""
    missing: Sequence[bool] = ()
    """Whether a call sees missing values only; empty where nobody looked."""


def call_for_each(function: Callable[[Any], Any], kind: UdfType, cube: Cube, window: Window) -> Cube:
    """Calls the function as often as its kind requires.

    Where a pixel has no value at all, the answer for the first such pixel serves for all of them.

    Raises:
        ScriptError: what it returns is not as the contract says, or differs in its index or bands between calls.
    """
    calls = _neighbourhoods(kind, cube, window) if kind.windowed else _parts(kind, cube)
    answers = _Answers(kind, cube, calls.count)
    columns = pd.Index(cube.bands)
    empty: int | None = None
    for number in range(calls.count):
        missing = bool(calls.missing) and calls.missing[number]
        if missing and empty is not None:
            answers.repeat(number, empty)
            continue
        values, index = calls.table(number)
        answers.add(number, function(pd.DataFrame(values, index=index, columns=columns, copy=False)))
        empty = number if missing else empty
    return answers.cube(calls.shape)


def _parts(kind: UdfType, cube: Cube) -> Calls:
    """Pixels, series or scenes; none of them overlap."""
    count, bands, height, width = cube.data.shape
    shape = (height, width)
    times = cube.times if len(cube.times) else pd.DatetimeIndex([pd.NaT], name="time")
    if kind.spans == "time":
        series = np.ascontiguousarray(cube.data.transpose(2, 3, 0, 1)).reshape(-1, count, bands)
        missing: list[bool] = np.asarray(np.isnan(series).all(axis=(1, 2))).tolist()
        return Calls(len(series), shape, lambda number: (series[number], times), missing)
    rows = np.ascontiguousarray(cube.data.transpose(0, 2, 3, 1)).reshape(count, -1, bands)
    if kind.spans == "space":
        pixels = pd.MultiIndex.from_product([range(height), range(width)], names=["y", "x"])
        return Calls(count, shape, lambda number: (rows[number], pixels))
    if kind.spans == "pixel":
        index: pd.Index = times.repeat(height * width)
    else:
        index = pd.MultiIndex.from_product([times, range(height), range(width)], names=["time", "y", "x"])
    return Calls(1, shape, lambda number: (rows.reshape(-1, bands), index))


def _neighbourhoods(kind: UdfType, cube: Cube, window: Window) -> Calls:
    """A table around each value that is wanted; beyond the ends of the series all is missing, at no time."""
    before = window.time // 2
    padded = np.pad(cube.data, ((before, before), (0, 0), (0, 0), (0, 0)), constant_values=np.nan)
    beyond = [pd.NaT] * before
    given = list(cube.times) if len(cube.times) else [pd.NaT] * len(cube.data)
    times = pd.DatetimeIndex([*beyond, *given, *beyond], name="time")
    height, width = (size - edge + 1 for size, edge in zip(cube.data.shape[2:], (window.y, window.x), strict=True))
    if height < 1 or width < 1:
        raise ScriptError("WINDOW is larger than the piece that is computed at once")
    offsets = [range(-(edge // 2), edge // 2 + 1) for edge in (window.y, window.x)]
    around = pd.MultiIndex.from_product(offsets, names=["y", "x"])
    indexes: list[pd.Index] = []
    for start in range(len(cube.data)):
        during = times[start : start + window.time]
        if kind.spans == "space":
            indexes.append(around)
        elif kind.spans == "time":
            indexes.append(during)
        else:
            indexes.append(pd.MultiIndex.from_product([during, *offsets], names=["time", "y", "x"]))

    def table(number: int) -> tuple[Array, pd.Index]:
        time, pixel = divmod(number, height * width)
        y, x = divmod(pixel, width)
        values = padded[time : time + window.time, :, y : y + window.y, x : x + window.x]
        return values.transpose(0, 2, 3, 1).reshape(-1, values.shape[1]).copy(), indexes[time]

    return Calls(len(cube.data) * height * width, (height, width), table)


class _Answers:
    """Collects what the function returns; the first answer says which rows and bands all must have."""

    def __init__(self, kind: UdfType, cube: Cube, count: int) -> None:
        self._kind, self._cube, self._count = kind, cube, count
        self._index: pd.Index | None = None
        self._names: Sequence[object] = ()
        self._data: Array = np.empty((0, 0, 0), cube.data.dtype)

    def add(self, number: int, returned: Any) -> None:
        index, names, values = self._table(returned)
        table = numbers(values, self._data.dtype)
        if not self._data.size:
            if table.ndim != 2 or not table.size:
                raise ScriptError(f"{self._kind.name} returned an empty table, or one of the wrong shape")
            self._index, self._names = index, names
            self._data = np.empty((self._count, *table.shape), self._data.dtype)
        if names is not self._names and list(names) != list(self._names):
            raise ScriptError(
                f"{self._kind.name} returned the bands {list(self._names)!s:.200}, then {list(names)!s:.200}"
            )
        same = index is self._index or (index is not None and self._index is not None and index.equals(self._index))
        if table.shape != self._data.shape[1:] or (not same and self._kind.gives == "axes"):
            raise ScriptError(f"{self._kind.name} must return the same rows in each call; reindex the result")
        self._data[number] = table

    def repeat(self, number: int, earlier: int) -> None:
        self._data[number] = self._data[earlier]

    def _table(self, returned: Any) -> tuple[pd.Index | None, Sequence[object], Any]:
        """Index, names of the bands, and values (rows, bands)."""
        if isinstance(returned, pd.DataFrame):
            if self._kind.gives == "value" and len(returned) != 1:
                raise ScriptError(f"{self._kind.name} must return one value for each band, not {len(returned)} rows")
            return returned.index, returned.columns, returned.to_numpy()
        if self._kind.gives == "value":
            return self._one_row(returned)
        if isinstance(returned, pd.Series):
            name = self._only_band if returned.name is None else returned.name
            return returned.index, [name], returned.to_numpy()[:, np.newaxis]
        if self._kind.gives == "rows" and isinstance(returned, np.ndarray):
            values = returned if returned.ndim == 2 else returned.reshape(-1, 1)
            return None, self._named(values.shape[1]), values
        raise ScriptError(f"{self._kind.name} must return a DataFrame, not {type(returned).__name__}")

    def _one_row(self, returned: Any) -> tuple[None, Sequence[object], Any]:
        if isinstance(returned, pd.Series):
            return None, returned.index, returned.to_numpy()[np.newaxis]
        if isinstance(returned, Mapping):
            return None, list(returned), [list(returned.values())]
        if returned is None or isinstance(returned, str):
            raise ScriptError(f"{self._kind.name} must return one value for each band, not {type(returned).__name__}")
        values = np.atleast_1d(returned)
        return None, self._named(len(values)), values[np.newaxis]

    def _named(self, count: int) -> Sequence[object]:
        if count == len(self._cube.bands):
            return self._cube.bands
        if count == 1:
            return [self._only_band]
        raise ScriptError(f"{self._kind.name} must name its bands: return a DataFrame, or a Series by band")

    @property
    def _only_band(self) -> str:
        return self._cube.bands[0] if len(self._cube.bands) == 1 else self._kind.name

    def cube(self, shape: tuple[int, int]) -> Cube:
        """All answers in one.

        Raises:
            ScriptError: the rows are not the ones that the kind of function calls for.
        """
        bands, data, kind = band_names(self._names), self._data, self._kind
        length = len(self._cube.data)
        times: pd.DatetimeIndex = self._cube.times
        if kind.time == "kept" and kind.space == "kept":
            if kind.gives == "rows" and data.shape[0] * data.shape[1] != length * shape[0] * shape[1]:
                raise ScriptError(f"{kind.name} must return a row for each row that it gets")
            data = data.reshape(length, *shape, len(bands)).transpose(0, 3, 1, 2)
        elif kind.spans == "time":
            times = ascending_times(self._index) if kind.time == "new" else times[:0]
            data = data.reshape(*shape, -1, len(bands)).transpose(2, 3, 0, 1)
        elif kind.space == "single":
            data = data.reshape(length, len(bands), 1, 1)
        else:
            levels = self._levels()
            times = ascending_times(levels[0]) if kind.time == "new" else times
            length = len(levels[0]) if kind.time == "new" else length
            data = data.reshape(length, len(levels[-2]), len(levels[-1]), len(bands)).transpose(0, 3, 1, 2)
        return Cube(np.ascontiguousarray(data), times, bands, self._cube.labels)

    def _levels(self) -> list[pd.Index]:
        """The axes that an index makes; it must hold each combination once, in order."""
        names = ["time", "y", "x"] if self._kind.time == "new" else ["y", "x"]
        index = self._index
        if not isinstance(index, pd.MultiIndex) or index.nlevels != len(names):
            raise ScriptError(f"{self._kind.name} must return a DataFrame with the index ({', '.join(names)})")
        levels = [index.get_level_values(level).unique().sort_values() for level in range(len(names))]
        if not index.equals(pd.MultiIndex.from_product(levels)):
            raise ScriptError(f"{self._kind.name} must return each of ({', '.join(names)}) once, in ascending order")
        return levels
