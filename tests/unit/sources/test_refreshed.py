from __future__ import annotations

import threading

import pytest

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.refreshed import Refreshed


class Outside:
    """Something that is read: its value, whether it can be had, how often it was asked for, and the time."""

    def __init__(self) -> None:
        self.value, self.away, self.asked, self.now = 1, False, 0, 100.0

    def load(self, before: int | None) -> int:
        self.asked += 1
        if self.away:
            raise SourceUnavailable("away", locator="there")
        return self.value

    def clock(self) -> float:
        return self.now


def test_a_value_is_trusted_for_a_while() -> None:
    outside = Outside()
    held = Refreshed(outside.load, 60, outside.clock)
    assert held.get() == 1
    outside.value, outside.now = 2, 159.0
    assert held.get() == 1
    outside.now = 160.0
    assert held.get() == 2


def test_with_no_trust_every_call_looks() -> None:
    outside = Outside()
    held = Refreshed(outside.load, 0, outside.clock)
    for value in (1, 2, 3):
        outside.value = value
        assert held.get() == value


def test_a_known_value_survives_a_failure() -> None:
    outside = Outside()
    held = Refreshed(outside.load, 60, outside.clock)
    held.get()
    outside.away, outside.now = True, 200.0
    assert held.get() == 1


def test_a_failure_stands_for_a_few_seconds() -> None:
    outside = Outside()
    outside.away = True
    held = Refreshed(outside.load, 60, outside.clock)
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match="away") as caught:
            held.get()
        assert caught.value.locator == "there"
    assert outside.asked == 1
    outside.away, outside.now = False, 111.0
    assert held.get() == 1


def test_while_one_thread_looks_the_others_use_what_is_known() -> None:
    outside, looking, done = Outside(), threading.Event(), threading.Event()

    def load(before: int | None) -> int:
        if before is not None:
            looking.set()
            assert done.wait(10)
            return 2
        return 1

    held = Refreshed(load, 60, outside.clock)
    held.get()
    outside.now = 200.0
    thread = threading.Thread(target=held.get)
    thread.start()
    assert looking.wait(10)
    assert held.get() == 1
    done.set()
    thread.join()
    assert held.get() == 2
