"""Labels of observations, and the intervals that choose them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import InvalidParameter
from ogcserver.timeline import ALWAYS, Interval, format_instant, is_whole_day, label, parse_instant, span, whole_days

MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28), timezones=st.just(UTC))


@given(MOMENTS)
def test_a_moment_survives_its_text(moment: datetime) -> None:
    text = format_instant(moment)
    assert parse_instant(text) == moment
    assert text.endswith("Z") and text[4] == "-"


@given(MOMENTS, MOMENTS)
def test_labels_sort_as_text_like_time(a: datetime, b: datetime) -> None:
    a, b = a.replace(microsecond=0), b.replace(microsecond=0)
    assert (format_instant(a) < format_instant(b)) == (a < b)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-01-05", datetime(2017, 1, 5, tzinfo=UTC)),
        ("2017-01", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-05T10:20:31Z", datetime(2017, 1, 5, 10, 20, 31, tzinfo=UTC)),
        ("2017-01-05T10:20:31", datetime(2017, 1, 5, 10, 20, 31, tzinfo=UTC)),
        ("2017-01-05T10:20:31+02:00", datetime(2017, 1, 5, 8, 20, 31, tzinfo=UTC)),
        (" 2017-01-05T10:20:31.5Z ", datetime(2017, 1, 5, 10, 20, 31, 500000, tzinfo=UTC)),
    ],
)
def test_spellings_of_a_moment(text: str, expected: datetime) -> None:
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2017-13-01", "2017-02-30", "2017-01-05T25:00:00Z", "0001-01-01T00:00:00+05:00", "x" * 10_000],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_instant(text)
    assert len(caught.value.message) < 200


def test_labels_of_instants_and_spans() -> None:
    start, end = datetime(2017, 1, 1, tzinfo=UTC), datetime(2017, 2, 1, tzinfo=UTC)
    assert label(start) == label(start, start) == "2017-01-01T00:00:00Z"
    assert label(start, end) == "2017-01-01T00:00:00Z/2017-02-01T00:00:00Z"
    assert span(label(start, end)) == (start, end)
    assert span(label(start)) == (start, start)


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        (
            "2017-01-01",
            "2017-01-31",
            ["2017-01-01T00:00:00Z", "2017-01-31T23:59:59Z"],
            ["2016-12-31T23:59:59Z", "2017-02-01T00:00:00Z"],
        ),
        ("2017-01-31", "2017-01-31", ["2017-01-31T12:00:00Z"], ["2017-02-01T00:00:00Z"]),
        (
            "2017-02",
            "2017-02",
            ["2017-02-01T00:00:00Z", "2017-02-28T23:59:59Z"],
            ["2017-01-31T23:59:59Z", "2017-03-01T00:00:00Z"],
        ),
        (
            "2017-01-01T10:00:00Z",
            "2017-01-01T10:00:00Z",
            ["2017-01-01T10:00:00Z", "2017-01-01T10:00:00.5Z"],
            ["2017-01-01T10:00:01Z"],
        ),
        ("", "2017-01-01", ["0001-01-01T00:00:00Z", "2017-01-01T23:00:00Z"], ["2017-01-02T00:00:00Z"]),
        ("2017-01-01", "", ["2017-01-01T00:00:00Z", "9999-12-31T00:00:00Z"], ["2016-12-31T23:59:59Z"]),
        ("", "", ["0001-01-01T00:00:00Z"], []),
    ],
)
def test_both_ends_of_a_range_belong_to_it(first: str, last: str, inside: list[str], outside: list[str]) -> None:
    interval = whole_days(first, last)
    assert all(map(interval.holds, inside))
    assert not any(map(interval.holds, outside))


def test_an_observation_over_a_span_belongs_to_every_interval_that_it_meets() -> None:
    month = "2017-01-10T00:00:00Z/2017-01-20T00:00:00Z"
    assert whole_days("2017-01-20", "2017-01-25").holds(month)
    assert whole_days("2017-01-01", "2017-01-10").holds(month)
    assert whole_days("2017-01-12", "2017-01-13").holds(month)
    assert not whole_days("2017-01-21", "2017-01-25").holds(month)
    assert not whole_days("2017-01-01", "2017-01-09").holds(month)


@given(MOMENTS, st.lists(st.tuples(MOMENTS, st.integers(1, 10**6)), min_size=2, max_size=2))
def test_an_intersection_holds_what_both_hold(moment: datetime, ends: list[tuple[datetime, int]]) -> None:
    intervals = []
    for start, hours in ends:
        end = min(start + timedelta(hours=hours), datetime(9999, 12, 30, tzinfo=UTC)) if start.year < 9800 else None
        intervals.append(Interval(format_instant(start), format_instant(end) if end else ""))
    a, b = intervals
    text = format_instant(moment)
    assert a.intersection(b).holds(text) == (a.holds(text) and b.holds(text))
    assert a.intersection(ALWAYS) == ALWAYS.intersection(a) == a


@pytest.mark.parametrize("last", ["9999-12-31", "9999-12"])
def test_the_end_of_the_calendar_is_refused(last: str) -> None:
    with pytest.raises(InvalidParameter):
        whole_days("2017-01-01", last)


@pytest.mark.parametrize(
    ("text", "expected"), [("2017-01-05", True), ("2017-01-05T00:00:00Z", False), ("2017-01", False), ("x", False)]
)
def test_a_day_is_told_from_a_moment(text: str, expected: bool) -> None:
    assert is_whole_day(text) is expected
