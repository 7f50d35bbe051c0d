"""Time labels of observations, and intervals to choose them by.

A label is an ISO 8601 text in UTC: an instant such as ``2017-01-05T10:20:31Z``, a day such as ``2017-01-05`` for the
mosaic of what was observed on it, or ``start/end`` of two instants for an observation that stands for a span of time.
Labels of one form sort by time as text sorts.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from ogcserver.errors import InvalidParameter

_TO_LAST_SECOND = timedelta(days=1, seconds=-1)


def parse_instant(text: str) -> datetime:
    """An RFC 3339 date or date and time; without zone it is UTC, a date alone is its midnight.

    Raises:
        InvalidParameter: not a date or time.
    """
    text = text.strip()
    try:
        if len(text) == 7:
            return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(
            f"{text[:40]!r} is not a date or time: write 2017-01-31 or 2017-01-31T10:20:31Z"
        ) from error


def is_whole_day(text: str) -> bool:
    """Whether the text names a day and no time of day."""
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def format_instant(moment: datetime) -> str:
    """UTC with seconds, and a fraction only where there is one."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def label(start: datetime, end: datetime | None = None) -> str:
    """The label of an observation at an instant, or over a span."""
    if end is None or end <= start:
        return format_instant(start)
    return f"{format_instant(start)}/{format_instant(end)}"


@lru_cache(maxsize=65536)
def span(text: str) -> tuple[datetime, datetime]:
    """First and last moment that a label stands for: the same one for an instant, the last second of a day."""
    start, _, end = text.partition("/")
    first = parse_instant(start)
    if end:
        return first, parse_instant(end)
    return first, first + _TO_LAST_SECOND if is_whole_day(start) else first


def start_of(text: str) -> datetime:
    """The first moment that a label stands for; labels are ordered by it."""
    return span(text)[0]


@dataclass(frozen=True)
class Interval:
    """A half-open span of time: ``start`` belongs to it, ``end`` does not; "" leaves a side open."""

    start: str = ""
    end: str = ""

    def holds(self, text: str) -> bool:
        """Whether the observation with this label lies in the interval, wholly or in part."""
        first, last = span(text)
        if self.start and last < span(self.start)[0]:
            return False
        return not (self.end and first >= span(self.end)[0])

    def intersection(self, other: Interval) -> Interval:
        starts = [side for side in (self.start, other.start) if side]
        ends = [side for side in (self.end, other.end) if side]
        return Interval(max(starts, key=start_of, default=""), min(ends, key=start_of, default=""))


ALWAYS = Interval()
"""All of time."""


def whole_days(first: str, last: str) -> Interval:
    """The interval from the start of ``first`` to the end of ``last``; "" leaves a side open.

    A month stands for all of its days. A bound with a time of day is taken as that moment, the last one included to
    its second.

    Raises:
        InvalidParameter: a bound is not a date or time.
    """
    start = format_instant(parse_instant(first)) if first else ""
    if not last:
        return Interval(start, "")
    moment = parse_instant(last)
    step = timedelta(days=1) if is_whole_day(last) else timedelta(seconds=1)
    if len(last.strip()) == 7:
        step = timedelta(days=monthrange(moment.year, moment.month)[1])
    try:
        return Interval(start, format_instant(moment + step))
    except OverflowError as error:
        raise InvalidParameter(f"{last!r} is beyond the calendar") from error
