"""Which observations ``datetime`` and ``subset=time(...)`` mean.

A moment may lack its last parts, ``2017``, ``2017-01``, ``2017-01-05T10Z``, and stands for the whole of what it names.

Source: OGC 20-058 (Maps) clause 14 (/req/datetime); OGC 19-087 draft (/req/subsetting-temporal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ogcserver.errors import InvalidParameter, InvalidSubset
from ogcserver.timeline import parse_instant, span

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_OPEN = ("", "..", "*")
_HOUR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d)(:\d\d)?(Z?|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Period:
    """A time that is asked for: from ``start`` until before ``end``."""

    text: str
    start: datetime = _FIRST
    end: datetime = _LAST
    latest: bool = False
    """Whether of all observations the last is meant, whenever it was."""

    @classmethod
    def of(cls, low: str, high: str) -> Period:
        """
        Raises:
            InvalidParameter: a bound is no time, or they are in the wrong order.
        """
        start = _FIRST if low in _OPEN else _moments(low)[0]
        end = _LAST if high in _OPEN else _moments(high)[1]
        if start >= end:
            raise InvalidParameter(f"{low[:40]!r} is later than {high[:40]!r}")
        return cls(low if low == high else f"{low}/{high}", start, end)

    def among(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The observations that the period touches, oldest first.

        Raises:
            InvalidSubset: none.
        """
        if self.latest or not labels:
            return labels[-1:]
        found = tuple(label for label in labels if self._holds(*span(label)))
        if not found:
            message = f"there is no observation at {self.text[:80]!r}; the first is {labels[0]}, the last {labels[-1]}"
            raise InvalidSubset(message, locator="datetime")
        return found

    def _holds(self, first: datetime, last: datetime) -> bool:
        return first < self.end and last >= self.start


def datetime_parameter(text: str) -> Period:
    """``instant`` or ``start/end``, of which an open side is ``..`` or empty.

    Raises:
        InvalidParameter: neither.
    """
    low, slash, high = text.partition("/")
    if not slash and low in _OPEN:
        raise InvalidParameter(f"{text[:40]!r} is no time: write 2017-01-31, 2017-01-31T10:20:31Z or start/end")
    return Period.of(low.strip(), high.strip() if slash else low.strip())


def _moments(text: str) -> tuple[datetime, datetime]:
    """From the first moment that a text stands for to the one after the last."""
    try:
        if re.fullmatch(r"\d{4}", text):
            first = parse_instant(f"{text}-01-01")
            return first, first.replace(year=first.year + 1)
        if re.fullmatch(r"\d{4}-\d\d", text):
            first = parse_instant(f"{text}-01")
            return first, (first + timedelta(days=31)).replace(day=1)
        if match := _HOUR.fullmatch(text):
            first = parse_instant(f"{match[1]}{match[2] or ':00'}:00{match[3]}")
            return first, first + (timedelta(minutes=1) if match[2] else timedelta(hours=1))
        first = parse_instant(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return first, first + timedelta(days=1)
        return first, first + (timedelta(microseconds=1) if first.microsecond else timedelta(seconds=1))
    except (ValueError, OverflowError) as error:  # after the year 9999
        raise InvalidParameter(f"{text[:40]!r} is beyond the calendar") from error
