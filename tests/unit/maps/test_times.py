"""Which observations a TIME value means, and how a time dimension is listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter
from ogcserver.maps.times import chosen_time, listed_times, time_parameter, without_period
from ogcserver.timeline import format_instant, span
from tests.unit.wmts.fakes import MONTHS, TIMES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, TIMES[2]),
        (TIMES[0], TIMES[0]),
        ("2017-01-05", TIMES[0]),
        ("2017-01-15", TIMES[2]),
        ("2017-01", TIMES[2]),
        ("2017-01-05T11:20:31+01:00", TIMES[0]),
        ("2017-01-05T10:20:31.000Z", TIMES[0]),
        ("2017-01-01/2017-01-10", TIMES[0]),
        ("2017-01-05T00:00:00Z/2017-01-15T12:00:00Z/P5D", TIMES[1]),
    ],
)
def test_times_are_chosen_by_label_instant_day_or_interval(text: str | None, expected: str) -> None:
    assert chosen_time(TIMES, text) == (expected,)


@pytest.mark.parametrize("text", [MONTHS[0], "2017-01-01T00:00:00Z", "2017-01-01", "2017-01-20", "2017-01"])
def test_spans_are_chosen_by_their_start_or_a_day_in_them(text: str) -> None:
    assert chosen_time(MONTHS, text) == (MONTHS[0],)


def test_of_a_layer_without_time_the_parameter_is_ignored() -> None:
    assert chosen_time((), "2017-01-01") == ()


@pytest.mark.parametrize("text", ["2016-01-01", "2017-01-05T10:20:32Z", "2017-01-06/2017-01-14", "2018-01"])
def test_an_unknown_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        chosen_time(TIMES, text)
    assert caught.value.locator == "TIME"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2017-01-06", TIMES[0]), ("2017-01-12T00:00:00Z", TIMES[1]), ("2017-01-15T20:00:00Z", TIMES[2])],
)
def test_the_nearest_observation_where_it_may_be_meant(text: str, expected: str) -> None:
    assert chosen_time(TIMES, text, nearest=True) == (expected,)


@pytest.mark.parametrize("text", ["2017-01-04", "2017-01-16", "2016-01-01"])
def test_nothing_is_near_before_the_first_and_after_the_last(text: str) -> None:
    with pytest.raises(InvalidParameter):
        chosen_time(TIMES, text, nearest=True)


@pytest.mark.parametrize(
    "text", ["", "/", "yesterday", "2017-01-02/2017-01-01", "2017-01-01/2017-01-02/3/4", "a/b/P1D"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        time_parameter(text)


@pytest.mark.parametrize("text", ["default", "CURRENT", "{TIME}"])
def test_words_for_the_latest(text: str) -> None:
    assert time_parameter(text) is None


def test_few_times_are_listed_each() -> None:
    assert listed_times(TIMES, 3) == TIMES
    assert listed_times(MONTHS, 2) == ("2017-01-01T00:00:00Z", "2017-02-01T00:00:00Z")


def test_times_at_equal_distances_are_one_interval() -> None:
    days = tuple(f"2017-01-{day:02}" for day in range(1, 29, 5))
    assert listed_times(days, 5) == ("2017-01-01/2017-01-26/P5D",)
    moments = tuple(f"2017-01-01T{hour:02}:30:00Z" for hour in range(0, 24, 6))
    assert listed_times((*days[:1], *moments), 3) == ("2017-01-01", "2017-01-01T00:30:00Z/2017-01-01T18:30:00Z/PT6H")


def test_a_long_irregular_series_is_one_interval_and_its_latest_times() -> None:
    days = tuple(f"2017-{month:02}-{day:02}" for month in range(1, 13) for day in (1, 3, 12, 20))
    listed = listed_times(days, 4)
    assert listed == (f"{days[0]}/{days[-4]}", *days[-3:])


instants = st.lists(st.integers(0, 10**7), min_size=1, max_size=40, unique=True).map(sorted)


@given(instants, st.integers(2, 8))
def test_a_listing_is_bounded_and_every_observation_lies_in_it(seconds: list[int], limit: int) -> None:
    start = datetime(2017, 1, 1, tzinfo=UTC)
    labels = tuple(format_instant(start + timedelta(seconds=second)) for second in seconds)
    listed = listed_times(labels, limit)
    assert len(listed) <= limit
    for value in listed:
        assert time_parameter(value) == value
        assert chosen_time(labels, value, nearest=True)
    spans = [span(without_period(value)) for value in listed]
    assert all(any(first <= span(label)[0] <= last for first, last in spans) for label in labels)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        value = time_parameter(text)
        chosen_time(TIMES, value, nearest=True)
    except InvalidParameter:
        pass
