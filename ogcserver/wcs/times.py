"""Subsets of the time axis.

A bound is a date or time of any precision, ``2017``, ``2017-01``, ``2017-01-05`` or ``2017-01-05T10:20:31Z``, and
stands for the whole year, month, day or second; or it is a number of AnsiDate, days since 1600-12-31.

Source: OGC 09-110r4 clause 8.4 (trimming, slicing); OGC 09-147r3 clause 6.4 (times in double quotes).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ogcserver.errors import InvalidParameter, InvalidSubset
from ogcserver.ows.kvp import number
from ogcserver.timeline import format_instant, is_whole_day, parse_instant, span
from ogcserver.wcs.syntax import Subset

ANSI_CRS = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"

_ANSI_START = datetime(1600, 12, 31, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_ANSI_NUMBER = re.compile(r"[0-9]{5,7}(\.[0-9]+)?")
_YEAR, _MONTH = re.compile("[0-9]{4}"), re.compile("[0-9]{4}-[0-9]{2}")
_MOST_DAYS = 3_000_000
_LISTED = 5
_SHOWN = 80
_MOST_SEARCHED = 100
"""Times and periods of one request, each of which is compared with every observation."""

Span = tuple[datetime, datetime]
"""From the first moment to the one after the last."""


def ansi_date(label: str) -> float:
    """The start of an observation as days since 1600-12-31T00:00:00Z."""
    return (span(label)[0] - _ANSI_START) / timedelta(days=1)


def start_label(label: str) -> str:
    """The start of an observation as an instant."""
    return format_instant(span(label)[0])


def choose_times(labels: tuple[str, ...], subset: Subset) -> tuple[str, ...]:
    """The labels that a subset keeps, in their order.

    A slice keeps one: of the observations that begin in the given year, month, day or second, or else of those whose
    span holds it.

    Raises:
        InvalidSubset: not a time, low above high, no observation, or several of them for a slice.
    """
    low = _FIRST if subset.low == "*" else moments(subset.low, subset.axis)[0]
    high = _LAST if subset.high == "*" else moments(subset.high, subset.axis)[1]
    if low >= high:
        raise InvalidSubset(f"{subset.low!r} is later than {subset.high!r}", locator=subset.axis)
    chosen = tuple(label for label in labels if _meets(label, low, high))
    if subset.slices:
        chosen = tuple(label for label in chosen if low <= span(label)[0] < high) or chosen
    if not chosen:
        known = f"{labels[0]} to {labels[-1]}" if labels else "none"
        raise InvalidSubset(f"no observation at {subset.low!r}; there are {known}", locator=subset.axis)
    if subset.slices and len(chosen) > 1:
        some = ", ".join(chosen[:_LISTED])
        raise InvalidSubset(
            f"{len(chosen)} observations at {subset.low!r} ({some} ...): name one, or trim with "
            f'{subset.axis}("{subset.low}","{subset.low}")',
            locator=subset.axis,
        )
    return chosen


def _meets(label: str, low: datetime, high: datetime) -> bool:
    first, last = span(label)
    return first < high and (first >= low or last > low)


def moments(text: str, axis: str) -> Span:
    """The span that a bound stands for.  Raises InvalidSubset: not a time; the locator is the axis."""
    if _ANSI_NUMBER.fullmatch(text):
        days = min(number(text), _MOST_DAYS)
        first = _ANSI_START + timedelta(seconds=round(days * 86400))
        return first, first + (timedelta(seconds=1) if "." in text else timedelta(days=1))
    try:
        first = parse_instant(f"{text}-01-01" if _YEAR.fullmatch(text) else text)
    except InvalidParameter as error:
        raise InvalidSubset(error.message, locator=axis) from error
    return first, _end(first, text)


def _end(first: datetime, text: str) -> datetime:
    try:
        if _YEAR.fullmatch(text):
            return first.replace(year=first.year + 1)
        if _MONTH.fullmatch(text):
            return (first + timedelta(days=31)).replace(day=1)
        if is_whole_day(text):
            return first + timedelta(days=1)
        return first + (timedelta(microseconds=1) if first.microsecond else timedelta(seconds=1))
    except (ValueError, OverflowError):  # after the year 9999
        return _LAST


def choose_listed(labels: tuple[str, ...], wanted: tuple[str, ...], locator: str) -> tuple[str, ...]:
    """Labels by times and periods, as the older versions write them: ``2017-01-05,2017-02-01/2017-02-28``.

    A resolution after a period (``begin/end/P10D``) does not matter: its observations are as dense as they are.
    Without any, the newest observation; nothing for a coverage without a time axis, whatever is wanted.

    Raises:
        InvalidSubset: not a time, a period without an end, no observation at it, or too many that are no labels.
    Source: OGC 03-065r6 clause 9.2.2.8, OGC 07-067r5 clause 9.3.1.
    """
    if not labels or not wanted:
        return labels[-1:]
    chosen = set(wanted).intersection(labels)
    searched = [text for text in dict.fromkeys(wanted) if text not in chosen]
    if len(searched) > _MOST_SEARCHED:
        raise InvalidSubset(
            f"{len(searched)} times are more than the {_MOST_SEARCHED} that one request may list: name a period",
            locator=locator,
        )
    for text in searched:
        chosen.update(choose_times(labels, _listed(text, locator)))
    return tuple(label for label in labels if label in chosen)


def _listed(text: str, locator: str) -> Subset:
    if "/" not in text:
        return Subset(locator, text, text, slices=True)
    first, last = (end.strip() for end in text.split("/")[:2])
    if not (first and last):
        raise InvalidSubset(f"a period is begin/end, not {text[:_SHOWN]!r}", locator=locator)
    return Subset(locator, first, last)


def position(label: str) -> str:
    """An observation's label as a gml:timePosition: the label itself, or the start of one that is a span."""
    return start_label(label) if "/" in label else label
