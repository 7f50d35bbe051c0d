"""Answers of workers, which may be forged, and the messages that they travel in."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import UdfError
from ogcserver.udf import answers
from ogcserver.udf.runner import UdfResult
from ogcserver.udf.types import UDF_TYPES, Window
from ogcserver.udf.worker.wire import FAILED, HEADER, MAX_META, READY, RESULT, WireError, head, read_message

GIVEN = np.zeros((2, 1, 4, 5), np.float32)
TIMES = ("2017-01-05", "2017-01-15")
GOOD = {"shape": [2, 1, 4, 5], "times": list(TIMES), "bands": ["v"], "printed": "hello"}


def result(
    kind: str = "apply_pixel", window: Window | None = None, size: int | None = None, **changes: Any
) -> UdfResult:
    meta = {**GOOD, **changes}
    numbers = int(np.prod(meta["shape"])) if size is None else size
    return answers.result(meta, bytearray(4 * numbers), UDF_TYPES[kind], window or Window(), (GIVEN, TIMES))


def test_a_proper_cube_is_taken() -> None:
    found = result()
    assert (found.data.shape, found.times, found.bands, found.printed) == ((2, 1, 4, 5), TIMES, ("v",), "hello")
    assert result("reduce_time", shape=[1, 1, 4, 5], times=[]).times == ()
    assert result("aggregate_time", shape=[3, 1, 4, 5], times=["2017-01-01", "2017-02-01", "2017-03-01T01:00:00Z"])
    assert result("reduce_space", shape=[2, 1, 1, 1]).data.shape == (2, 1, 1, 1)
    assert result("window_space", Window(1, 3, 3), shape=[2, 1, 2, 3]).data.shape == (2, 1, 2, 3)
    assert result("aggregate_space", shape=[2, 1, 9, 9]).data.shape == (2, 1, 9, 9)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("apply_pixel", {"shape": [2, 1, 4]}),
        ("apply_pixel", {"shape": [2, 1, 4, 5.0]}),
        ("apply_pixel", {"shape": [2, 1, 4, True], "size": 8}),
        ("apply_pixel", {"shape": [2, -1, -4, 5], "size": 40}),
        ("apply_pixel", {"shape": [2, 0, 4, 5], "bands": []}),
        ("apply_pixel", {"shape": "2145", "size": 40}),
        ("apply_pixel", {"shape": None, "size": 40}),
        ("apply_pixel", {"size": 39}),
        ("apply_pixel", {"size": 41}),
        ("apply_pixel", {"shape": [2, 1, 5, 4]}),
        ("apply_pixel", {"shape": [1, 1, 4, 5], "times": ["2017-01-05"]}),
        ("apply_pixel", {"times": ["2017-01-05", "2017-01-16"]}),
        ("apply_pixel", {"times": "2017"}),
        ("apply_pixel", {"bands": ["a", "b"]}),
        ("apply_pixel", {"shape": [2, 2, 4, 5], "bands": ["a", "a"]}),
        ("apply_pixel", {"bands": [""]}),
        ("apply_pixel", {"bands": ["<a>\x00"]}),
        ("apply_pixel", {"bands": ["a" * 65]}),
        ("apply_pixel", {"bands": [5]}),
        ("reduce_time", {"shape": [1, 1, 4, 5], "times": ["2017-01-05"]}),
        ("reduce_time", {"times": []}),
        ("aggregate_time", {"times": ["2017-02-01", "2017-01-01"]}),
        ("aggregate_time", {"times": ["2017-02-01", "2017-02-01"]}),
        ("aggregate_time", {"times": ["2017-02-01", "tomorrow"]}),
        ("aggregate_time", {"times": ["2017-02-01"]}),
        ("aggregate_time", {"shape": [1, 1, 4, 5], "times": []}),
        ("aggregate_time", {"times": ["2017-02-01", "2017-02-01" + " " * 60]}),
        ("reduce_space", {}),
    ],
)
def test_a_cube_that_contradicts_itself_is_refused(kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="sent a"):
        result(kind, **changes)


def test_what_a_script_is_like_is_checked() -> None:
    space = UDF_TYPES["window_space"]
    assert answers.loaded({"array": True, "window": [1, 3, 5]}, space) == (True, Window(1, 3, 5))
    assert answers.loaded({"array": False, "window": [1, 1, 1]}, UDF_TYPES["apply_pixel"]) == (False, Window())
    for meta in ({}, {"array": 1, "window": [1, 1, 1]}, {"array": True, "window": [1, 2, 3]},
                 {"array": True, "window": [1, 3, 1 << 40 | 1]}, {"array": True, "window": [1, "3", 3]},
                 {"array": True, "window": 3}):  # fmt: skip
        with pytest.raises(WireError):
            answers.loaded(meta, space)


def test_the_report_of_a_failure_is_bounded_and_printable() -> None:
    error = answers.failure({"error": "E: \x1b[31m" + "x" * 10**6, "traceback": 5, "printed": "a\x07b"}, "mine.py")
    assert isinstance(error, UdfError)
    assert error.message.startswith("the script mine.py failed: E: ?[31mx") and error.message.endswith(
        "It had printed:\na?b"
    )
    assert len(error.message) < 20_000
    assert answers.failure({}, "mine.py").message == "the script mine.py failed: "


class Stream:
    """Bytes to read messages from; ends with EOFError."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read_into(self, buffer: memoryview) -> None:
        if len(self.content) < buffer.nbytes:
            raise EOFError
        buffer[:], self.content = self.content[: buffer.nbytes], self.content[buffer.nbytes :]


@given(st.dictionaries(st.text(), st.text() | st.integers()), st.binary())
def test_messages_survive_the_wire(meta: dict[str, Any], payload: bytes) -> None:
    stream = Stream(head(RESULT, meta, len(payload)) + payload)
    assert read_message(stream.read_into, RESULT + FAILED, len(payload)) == (RESULT, meta, bytearray(payload))


@given(st.binary(max_size=200))
def test_garbage_is_no_message(content: bytes) -> None:
    with pytest.raises((WireError, EOFError)):
        read_message(Stream(content).read_into, RESULT, 1 << 20)
        raise EOFError  # a proper message by chance


@pytest.mark.parametrize(
    "content",
    [
        head(READY, {}),
        HEADER.pack(RESULT, MAX_META + 1, 0),
        HEADER.pack(RESULT, 2, 101) + b"{}",
        HEADER.pack(RESULT, 2, 0) + b"[]",
        HEADER.pack(RESULT, 2, 0) + b"\xff\xff",
        HEADER.pack(RESULT, 100_000, 0) + b"[" * 100_000,
        HEADER.pack(RESULT, 9000, 0) + b"1" * 9000,
    ],
)
def test_limits_hold_before_anything_is_read(content: bytes) -> None:
    with pytest.raises(WireError):
        read_message(Stream(content).read_into, RESULT, 100)


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(WireError):
        head(READY, {"a": "x" * MAX_META})
    assert json.loads(head(READY, {"a": 1})[HEADER.size :]) == {"a": 1}
