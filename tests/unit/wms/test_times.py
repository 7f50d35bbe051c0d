"""Which observations a TIME value means: OGC 06-042 annexes C and D."""

from __future__ import annotations

import pytest

from ogcserver.errors import InvalidParameter
from ogcserver.wms.times import Shown, shown, time_values

MOMENTS = ("2017-01-05T10:20:31Z", "2017-01-15T10:20:31Z", "2017-01-15T22:00:00Z", "2017-03-01T10:00:00Z")
MONTHS = ("2017-01-01T00:00:00Z/2017-02-01T00:00:00Z", "2017-02-01T00:00:00Z/2017-03-01T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MOMENTS[0], (0,)),
        ("2017-01-05T11:20:31+01:00", (0,)),
        ("2017-01-05", (0,)),
        ("2017-01-15", (2,)),  # the latest of the day, as in WMTS
        ("current", (3,)),
        ("2017-01-01/2017-01-31", (0, 1, 2)),
        ("2017-01-01/2017-01-31/P1D", (0, 1, 2)),
        ("2017-01-15/current", (1, 2, 3)),
        ("2017-01", (0, 1, 2)),
        ("2017", (0, 1, 2, 3)),
        ("2016/2017", (0, 1, 2, 3)),
        (f"{MOMENTS[3]}, {MOMENTS[0]}", (0, 3)),  # time:time-instant-list
        ("2017-01-01/2017-01-06,2017-01-15T22:00/2017-03-02", (0, 2, 3)),  # time:time-interval-list
        ("2017-01-01/2017-01-06,2017-03-01", (0, 3)),  # time:time-interval-and-instant
    ],
)
def test_moments_periods_and_lists(text: str, expected: tuple[int, ...]) -> None:
    assert shown(MOMENTS, time_values(text)) == Shown(tuple(MOMENTS[index] for index in expected))


def test_without_a_time_the_latest_is_shown_and_said() -> None:
    """time:time-default."""
    assert shown(MOMENTS, ()) == Shown(MOMENTS[3:], note=f"99 Default value used: time={MOMENTS[3]} ISO8601")


@pytest.mark.parametrize(
    ("text", "nearest"), [("2017-01-06", 0), ("2017-01-14", 1), ("2017-02-20T00:00:00Z", 3), ("2017-01-15T20:00Z", 2)]
)
def test_of_a_moment_between_the_nearest_is_shown_and_said(text: str, nearest: int) -> None:
    """06-042 clause C.4.2."""
    found = shown(MOMENTS, time_values(text))
    assert found == Shown((MOMENTS[nearest],), note=f"99 Nearest value used: time={MOMENTS[nearest]} ISO8601")


@pytest.mark.parametrize("text", ["2016-12-31", "2017-03-02", "2018", "2016-01-01/2017-01-04", "2017-05-01/current"])
def test_outside_of_all_observations_nothing_is_shown(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        shown(MOMENTS, time_values(text))
    assert caught.value.locator == "TIME"


def test_a_period_without_observation_among_others_is_empty() -> None:
    assert shown(MOMENTS, time_values("2017-02-01/2017-02-20")) == Shown((), empty=True)


def test_layers_without_time_ignore_it() -> None:
    """time:time-and-other-layer."""
    assert shown((), time_values("1066-10-14")) == Shown(())


def test_a_span_is_shown_by_its_own_label_or_a_moment_within() -> None:
    assert shown(MONTHS, time_values(MONTHS[0])).labels == MONTHS[:1]
    assert shown(MONTHS, time_values("2017-02-10")).labels == MONTHS[1:]
    assert shown(MONTHS, ()).note == "99 Default value used: time=2017-02-01T00:00:00Z ISO8601"


@pytest.mark.parametrize("text", ["", "x", "2017-13", "2017-01-01/x", "2017-02-01/2017-01-01", "/", "2017-01-01,"])
def test_what_is_not_a_time(text: str) -> None:
    with pytest.raises(InvalidParameter):
        time_values(text)
