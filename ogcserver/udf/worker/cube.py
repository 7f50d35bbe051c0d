"""The cube that a script gets in the array form, and the check of what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ogcserver.udf.types import UdfType
from ogcserver.udf.worker.script import ScriptError

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Cube:
    """What a function of the array form gets, and may return."""

    data: Array
    """(time, band, y, x); NaN where a value is missing. The script may write to it."""
    times: pd.DatetimeIndex
    """Starts of the observations in UTC, without zone; empty for a cube without time axis, which has one along it."""
    bands: tuple[str, ...]
    labels: Mapping[pd.Timestamp, str] = field(default_factory=dict)
    """The labels of observations by their start, so that times that are kept keep their label."""

    def replace(self, data: Any, times: Any = None, bands: Iterable[object] | None = None) -> Cube:
        """This cube with other values and, where they are given, other times and bands.

        Raises:
            ScriptError: the times are not times in ascending order, or the bands have no proper names.
        """
        return Cube(
            data,
            self.times if times is None else ascending_times(times),
            self.bands if bands is None else band_names(bands),
            self.labels,
        )

    @classmethod
    def received(cls, meta: Mapping[str, Any], data: bytearray) -> Cube:
        """A cube as the server sends it."""
        times = pd.DatetimeIndex(pd.to_datetime(meta["starts"], format="ISO8601"), name="time")
        array = np.frombuffer(data, np.dtype(meta["dtype"])).reshape(meta["shape"])
        return cls(array, times, tuple(meta["bands"]), dict(zip(times, meta["times"], strict=True)))

    def meta(self) -> dict[str, Any]:
        """What the server needs to know beside the values."""
        times = [self.labels.get(moment) or _label(moment) for moment in self.times]
        return {"shape": list(self.data.shape), "times": times, "bands": list(self.bands)}


def _label(moment: pd.Timestamp) -> str:
    return str(moment.date()) if moment == moment.normalize() else f"{moment.isoformat()}Z"


def ascending_times(found: Any) -> pd.DatetimeIndex:
    """Times that a script gives, as starts in UTC without zone; a period stands for its start.

    Raises:
        ScriptError: they are not times, or not in ascending order.
    """
    index = found if isinstance(found, pd.Index) else pd.Index(list(found))
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if pd.api.types.is_numeric_dtype(index):
        raise ScriptError("the new time axis must hold dates or times, such as the index of df.resample('MS').mean()")
    try:
        times = pd.DatetimeIndex(index, name="time")
    except (ValueError, TypeError) as error:
        raise ScriptError(f"the new time axis holds what is no date or time: {error}"[:300]) from error
    if times.tz is not None:
        times = times.tz_convert("UTC").tz_localize(None)
    if times.hasnans or not times.is_monotonic_increasing or not times.is_unique or not len(times):
        raise ScriptError("the new times must ascend, each once, at least one; sort_index() may help")
    return times


def band_names(found: Iterable[object]) -> tuple[str, ...]:
    """
    Raises:
        ScriptError: empty, too long, not printable, or not unique.
    """
    names = tuple(str(name) for name in found)
    if not names or len(set(names)) != len(names) or not all(0 < len(n) <= 64 and n.isprintable() for n in names):
        raise ScriptError("bands need names of 1 to 64 printable characters, each once")
    return names


def numbers(found: Any, dtype: np.dtype[Any]) -> Array:
    """
    Raises:
        ScriptError: the values are no numbers.
    """
    array = np.asarray(found)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise ScriptError("the function must return numbers only") from error
    if array.dtype.kind not in "biuf":
        raise ScriptError(f"the function must return numbers, not {array.dtype}")
    return array.astype(dtype, copy=False)


def from_array_form(returned: Any, kind: UdfType, cube: Cube, margin: tuple[int, int]) -> Cube:
    """What a function of the array form returned, without the margin.

    Raises:
        ScriptError: its shape or its labels are not those that the kind of function calls for.
    """
    if returned is None:
        raise ScriptError(f"{kind.array_name} returned nothing")
    found = returned if isinstance(returned, Cube) else cube.replace(returned)
    data = numbers(found.data, cube.data.dtype)
    if kind.time == "dropped" and data.ndim == 3:
        data = data[np.newaxis]
    if kind.space == "single" and data.ndim == 2:
        data = data[:, :, np.newaxis, np.newaxis]
    times = {"kept": cube.times, "dropped": cube.times[:0], "new": found.times}[kind.time]
    length = len(cube.data) if kind.time == "kept" else max(1, len(times))
    height, width = {"kept": cube.data.shape[2:], "single": (1, 1), "new": data.shape[2:]}[
        kind.space if data.ndim == 4 else "kept"
    ]
    wanted = (length, len(found.bands), height, width)
    if data.shape != wanted or not data.size:
        raise ScriptError(
            f"{kind.array_name} returned an array of shape {data.shape}; wanted is (time, band, y, x) = {wanted}. "
            "Other times or bands must be named: return cube.replace(data, times=..., bands=...)"
        )
    inner = data[:, :, margin[0] : height - margin[0], margin[1] : width - margin[1]]
    return Cube(np.ascontiguousarray(inner), times, found.bands, cube.labels)
