"""Reducers over time: how a series of slices becomes one. Missing values are skipped; nothing but missing is missing.

A reducer takes slices one by one, oldest first, so that a series need not be held; only those that rank values keep it.
Slices are float arrays with NaN for missing. Sums are kept in float64. Source: the openEO processes of the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ogcserver.cube import Array, Band, compute_dtype

State = tuple[Array, ...]
"""What a reducer remembers; owned by the run that made it, and changed in place."""


@dataclass(frozen=True)
class Reducer:
    """``start`` makes the state of the first slice, ``add`` puts in another, ``finish`` makes the result."""

    start: Callable[[Array], State]
    add: Callable[[State, Array], State]
    finish: Callable[[State], Array]
    keeps: str
    """What the result's values are: ``"value"`` (one of the series), ``"derived"`` (a float), or ``"count"``."""
    state_bytes: int
    """Bytes of state for each pixel and band; 0 when it holds the whole series."""

    def band(self, band: Band) -> Band:
        """The result's band, for one of the input."""
        if self.keeps == "value":
            return band
        if self.keeps == "count":
            return Band(band.name, "uint16", 65535.0, "1")
        return Band(band.name, compute_dtype((band,)).name, None, band.unit)


def _accumulate(combine: Callable[[Array, Array], None], finish: Callable[[State], Array]) -> Reducer:
    """A reducer whose state is the result so far; ``combine`` changes it in place."""

    def add(state: State, data: Array) -> State:
        combine(state[0], data)
        return state

    return Reducer(lambda first: (first.copy(),), add, finish, "value", 4)


def _held(state: State) -> Array:
    return state[0]


def _extreme(state: State) -> Array:
    """The result, with one kind of zero: of 0.0 and -0.0 the processor takes either."""
    return np.asarray(state[0] + 0.0, state[0].dtype)


def _take_min(total: Array, data: Array) -> None:
    np.fmin(total, data, out=total)


def _take_max(total: Array, data: Array) -> None:
    np.fmax(total, data, out=total)


def _take_first(total: Array, data: Array) -> None:
    np.copyto(total, data, where=np.isnan(total))


def _take_last(total: Array, data: Array) -> None:
    np.copyto(total, data, where=~np.isnan(data))


def _start_moments(data: Array) -> State:
    """Number, mean and sum of squared deviations (Welford), and the dtype to return to."""
    zero = np.zeros(data.shape, np.float64)
    return _add_moments((zero, zero.copy(), zero.copy(), np.empty(0, data.dtype)), data)


def _add_moments(state: State, data: Array) -> State:
    count, mean, squares, _ = state
    valid = ~np.isnan(data)
    count += valid
    deviation = np.where(valid, data - mean, 0.0)
    mean += deviation / np.maximum(count, 1.0)
    squares += np.where(valid, deviation * (data - mean), 0.0)
    return state


def _variance(state: State) -> Array:
    count, _, squares, like = state
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1, squares / (count - 1), np.nan).astype(like.dtype)


def _deviation(state: State) -> Array:
    count, _, squares, like = state
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1, np.sqrt(squares / (count - 1)), np.nan).astype(like.dtype)


def _start_sum(data: Array) -> State:
    zero = np.zeros(data.shape, np.float64)
    return _add_sum((zero, np.zeros(data.shape, np.float32), np.empty(0, data.dtype)), data)


def _add_sum(state: State, data: Array) -> State:
    total, count, _ = state
    valid = ~np.isnan(data)
    np.add(total, data, out=total, where=valid)
    count += valid
    return state


def _sum(state: State) -> Array:
    total, count, like = state
    return np.where(count > 0, total, np.nan).astype(like.dtype)


def _mean(state: State) -> Array:
    total, count, like = state
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count).astype(like.dtype)


def _start_product(data: Array) -> State:
    product, count, like = _start_sum(data)
    return np.where(count > 0, product, 1.0), count, like


def _add_product(state: State, data: Array) -> State:
    product, count, _ = state
    valid = ~np.isnan(data)
    np.multiply(product, data, out=product, where=valid)
    count += valid
    return state


def _start_count(data: Array) -> State:
    return ((~np.isnan(data)).astype(data.dtype),)


def _add_count(state: State, data: Array) -> State:
    np.add(state[0], ~np.isnan(data), out=state[0])
    return state


def _median(series: State) -> Array:
    """The middle value, or the mean of the two middle ones."""
    stack = np.sort(np.stack(series), axis=0)  # NaN sorts last
    count = np.count_nonzero(~np.isnan(stack), axis=0)[None]
    low = np.take_along_axis(stack, np.maximum(count - 1, 0) // 2, 0)[0]
    high = np.take_along_axis(stack, np.minimum(count // 2, len(series) - 1), 0)[0]
    with np.errstate(invalid="ignore"):  # -inf and inf have no middle
        return np.asarray(low / 2 + high / 2, series[0].dtype)  # halved first: no overflow, rounded once


def _moments(finish: Callable[[State], Array]) -> Reducer:
    return Reducer(_start_moments, _add_moments, finish, "derived", 24)


def _series(finish: Callable[[State], Array]) -> Reducer:
    return Reducer(lambda first: (first,), lambda state, data: (*state, data), finish, "derived", 0)


REDUCERS: Mapping[str, Reducer] = {
    "min": _accumulate(_take_min, _extreme),
    "max": _accumulate(_take_max, _extreme),
    "first": _accumulate(_take_first, _held),
    "last": _accumulate(_take_last, _held),
    "sum": Reducer(_start_sum, _add_sum, _sum, "derived", 12),
    "mean": Reducer(_start_sum, _add_sum, _mean, "derived", 12),
    "product": Reducer(_start_product, _add_product, _sum, "derived", 12),
    "variance": _moments(_variance),
    "sd": _moments(_deviation),
    "count": Reducer(_start_count, _add_count, _held, "count", 4),
    "median": _series(_median),
}
"""By the name of the openEO process."""
