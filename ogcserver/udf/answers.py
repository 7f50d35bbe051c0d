"""What a worker says, checked: it may be the script that speaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ogcserver.cube import Array
from ogcserver.errors import InvalidParameter, UdfError
from ogcserver.timeline import start_of
from ogcserver.udf.runner import UdfResult
from ogcserver.udf.types import UdfType, Window
from ogcserver.udf.worker.wire import WireError

_MAX_TEXT = 16 << 10
_MAX_LABEL = 64


def loaded(meta: Mapping[str, Any], kind: UdfType) -> tuple[bool, Window]:
    """Whether a script has the array form, and its neighbourhood.

    Raises:
        WireError: the answer is not one of ours.
    """
    edges = meta.get("window")
    if not isinstance(edges, list) or len(edges) != 3 or type(meta.get("array")) is not bool:
        raise WireError("sent a wrong answer")
    wanted = {"time": edges[:1], "space": edges[1:], "spacetime": edges, "pixel": []}[kind.spans]
    try:
        return meta["array"], kind.window(wanted)
    except ValueError as error:
        raise WireError(str(error)) from error


def failure(meta: Mapping[str, Any], name: str) -> UdfError:
    """The error that a worker reports, as the caller is to read it."""
    error, traceback, printed = (_text(meta.get(key)) for key in ("error", "traceback", "printed"))
    parts = [f"the script {name} failed: {error}"]
    parts += [f"Traceback (most recent call last):\n{traceback.rstrip()}"] if traceback else []
    parts += [f"It had printed:\n{printed.rstrip()}"] if printed else []
    return UdfError("\n".join(parts))


def result(
    meta: Mapping[str, Any], payload: bytearray, kind: UdfType, window: Window, given: tuple[Array, tuple[str, ...]]
) -> UdfResult:
    """The cube in an answer.

    Args:
        given: the cube's values and times as they were sent.
    Raises:
        WireError: the answer contradicts itself or the kind of function.
    """
    array, times = given
    shape, labels, bands = meta.get("shape"), _texts(meta.get("times")), _texts(meta.get("bands"))
    if not isinstance(shape, list) or len(shape) != 4 or any(type(size) is not int or size < 1 for size in shape):
        raise WireError("sent a cube that has no proper shape")
    if math.prod(shape) * array.itemsize != len(payload) or shape[1] != len(bands):
        raise WireError("sent a cube whose values do not fill its shape")
    if len(set(bands)) != len(bands) or not all(0 < len(band) <= _MAX_LABEL and band.isprintable() for band in bands):
        raise WireError("sent a cube whose bands have no proper names")
    if kind.time == "new":
        _check_ascending(labels)
    elif labels != (times if kind.time == "kept" else ()):
        raise WireError("sent a cube that has other times than it should")
    if shape[0] != (len(array) if kind.time == "kept" else max(1, len(labels))):
        raise WireError("sent a cube that has another length than its times")
    rows, columns = window.margin
    kept = [array.shape[2] - 2 * rows, array.shape[3] - 2 * columns]
    if kind.space != "new" and shape[2:] != (kept if kind.space == "kept" else [1, 1]):
        raise WireError("sent a cube that has other pixels than it should")
    data = np.frombuffer(payload, array.dtype).reshape(shape)
    return UdfResult(data, labels, bands, _text(meta.get("printed")))


def _text(found: object) -> str:
    text = found if isinstance(found, str) else ""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text[:_MAX_TEXT])


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise WireError("sent a cube that has no proper labels")
    return tuple(found)


def _check_ascending(labels: tuple[str, ...]) -> None:
    if not labels or any(len(label) > _MAX_LABEL for label in labels):
        raise WireError("sent a cube that has no proper times")
    try:
        starts = [start_of(label) for label in labels]
    except InvalidParameter as error:
        raise WireError(f"sent a cube with wrong times: {error.message}") from error
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise WireError("sent a cube whose times do not ascend")
