"""Which observation a TIME value means, and how capabilities list them.

Source: OGC 06-042 (WMS 1.3.0) annexes C and D for lists, periods and intervals, whose syntax WMTS dimensions share.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from ogcserver.errors import InvalidParameter
from ogcserver.timeline import is_whole_day, span, start_of, whole_days

_LATEST = ("default", "current", "{time}")
"""Words for the latest time (OGC 07-057r7 table 11), and what QGIS sends when nobody chose one."""
_MONTH = len("2017-01")
_SHORTEST_RUN = 3
"""So many times at equal distances are listed as one interval with a period."""


def chosen_time(labels: tuple[str, ...], text: str | None, nearest: bool = False) -> tuple[str, ...]:
    """The label of the observation that a TIME value means, for the one that a picture shows.

    Args:
        labels: of all observations, oldest first; none for a layer without time, which then ignores TIME.
        text: a label; a moment that one stands for, in any zone; a day, a month, or ``start/end`` with or without a
            period, where of several observations that start or go on then the latest counts; None for the latest.
        nearest: whether a value between the first and the last observation may also mean the one nearest to it.
    Raises:
        InvalidParameter: no observation is meant.
    """
    if not labels or text is None:
        return labels[-1:]
    found = _meant(labels, text)
    if not found and nearest and start_of(labels[0]) <= start_of(text) <= span(labels[-1])[1]:
        moment = start_of(text)
        found = [min(labels, key=lambda label: abs(start_of(label) - moment))]
    if not found:
        message = f"there is no observation at {text[:60]!r}; the first is {labels[0]}, the last {labels[-1]}"
        raise InvalidParameter(message, locator="TIME")
    return (max(found, key=start_of),)


def _meant(labels: tuple[str, ...], text: str) -> list[str]:
    if text in labels:
        return [text]
    text = without_period(text)
    start, _, end = text.partition("/")
    if end:
        exact = [label for label in labels if span(label) == span(text)]
        within = whole_days(start, end)
        return exact or [label for label in labels if within.holds(label)]
    if is_whole_day(text) or len(text.strip()) == _MONTH:
        days = whole_days(text, text)
        return [label for label in labels if days.holds(label)]
    moment = start_of(text)
    return [label for label in labels if span(label)[0] <= moment <= span(label)[1]]


def time_parameter(text: str) -> str | None:
    """The value of a TIME parameter; None for words that mean the latest.

    Raises:
        InvalidParameter: neither a time, nor two with a slash between, nor these and a period.
    """
    if text.lower() in _LATEST:
        return None
    start, end = span(without_period(text))
    if start > end:
        raise InvalidParameter(f"{text[:60]!r} ends before it starts")
    return text


def without_period(text: str) -> str:
    """``start/end`` of ``start/end/period``: observations are where they are, whatever the period."""
    parts = text.split("/")
    return "/".join(parts[:2]) if len(parts) == 3 and parts[2][:1].upper() == "P" else text


def listed_times(labels: Sequence[str], limit: int) -> tuple[str, ...]:
    """The values of a time dimension, oldest first, at most ``limit`` (at least 2) of them.

    Each observation by its start while these are few enough. Else times at equal distances become
    ``start/end/period``; where that does not suffice, all but the latest ones become one ``start/end``, in which any
    moment may be asked for and means the observation nearest to it.
    """
    starts = tuple(dict.fromkeys(label.partition("/")[0] for label in labels))
    if len(starts) <= limit:
        return starts
    runs = _runs(starts)
    if len(runs) <= limit:
        return runs
    latest = starts[1 - limit :]
    return (f"{starts[0]}/{starts[-limit]}", *latest)


def _runs(starts: tuple[str, ...]) -> tuple[str, ...]:
    """The times, where three or more follow each other at equal distances as ``start/end/period``."""
    moments = [start_of(start) for start in starts]
    found: list[str] = []
    first = 0
    while first < len(starts):
        last = _run_end(moments, first)
        if last - first + 1 >= _SHORTEST_RUN:
            found.append(f"{starts[first]}/{starts[last]}/{_period(moments[first + 1] - moments[first])}")
            first = last + 1
        else:
            found.append(starts[first])
            first += 1
    return tuple(found)


def _run_end(moments: Sequence[datetime], first: int) -> int:
    """The last of the moments from ``first`` on that lie at equal distances."""
    steps = (after - before for before, after in itertools.pairwise(moments[first:]))
    step = next(steps, None)
    equal = sum(1 for _ in itertools.takewhile(lambda other: other == step, steps))
    return first if step is None else first + 1 + equal


def _period(step: timedelta) -> str:
    """An ISO 8601 duration in days, hours, minutes and seconds."""
    hours, rest = divmod(step.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{step.microseconds:06}".rstrip("0") if step.microseconds else ""
    days = f"{step.days}D" if step.days else ""
    parts = [(hours, "", "H"), (minutes, "", "M"), (seconds, fraction, "S")]
    clock = "".join(f"{value}{more}{unit}" for value, more, unit in parts if value or more)
    return f"P{days}{'T' + clock if clock else ''}"
