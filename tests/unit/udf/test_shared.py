"""The runner that parts of a server share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ogcserver.errors import UdfError
from ogcserver.udf.runner import Udf
from ogcserver.udf.shared import SharedRunner
from tests.udf_fakes import InProcessRunner

DOUBLE = Udf("apply_pixel", "def apply_pixel_array(cube):\n    return cube.data * 2\n", "double.py")
BROKEN = Udf("apply_pixel", "def apply_pixel_array(cube):\n    return 1 / 0\n", "broken.py")
ASKED: Any = (("2017-01-05",), ("v",), lambda: None)


class Opened:
    def __init__(self) -> None:
        self.runners: list[InProcessRunner] = []

    def __call__(self) -> InProcessRunner:
        self.runners.append(InProcessRunner())
        return self.runners[-1]


def test_it_opens_one_runner_when_it_is_needed() -> None:
    opened = Opened()
    shared = SharedRunner(opened)
    shared.close()
    assert not opened.runners
    data = np.ones((1, 1, 2, 2), np.float32)
    assert shared.capability.available
    assert (shared.run(DOUBLE, data, *ASKED).data == 2).all()
    assert len(opened.runners) == 1


def test_a_script_is_tried_once_for_the_same_question() -> None:
    opened = Opened()
    shared = SharedRunner(opened)
    first, again = (shared.probe(DOUBLE, *ASKED) for _ in range(2))
    assert first is again and opened.runners[0].runs == 1
    shared.probe(DOUBLE, ("2017-01-05", "2017-01-06"), *ASKED[1:])
    assert opened.runners[0].runs == 2


def test_a_failure_is_remembered_for_a_while() -> None:
    opened = Opened()
    shared = SharedRunner(opened)
    for _ in range(2):
        with pytest.raises(UdfError, match="ZeroDivisionError"):
            shared.probe(BROKEN, *ASKED)
    assert opened.runners[0].runs == 1
