"""Which observations a map shows: lists, periods, defaults and nearest values of TIME.

Source: OGC 06-042 clauses 7.3.3.10 and C.3 to C.5, annex D.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ogcserver.errors import InvalidParameter
from ogcserver.maps.times import chosen_time
from ogcserver.timeline import parse_instant, span, start_of, whole_days

_LATEST = ("current", "default")
_MOST_PARTS = 100
"""Values in one TIME."""
_YEAR, _MONTH = re.compile("[0-9]{4}"), re.compile("[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True)
class Asked:
    """One value of TIME: a moment, a period, or the latest observation."""

    first: str = ""
    """A moment, or the first day or moment of a period; "" for the latest observation."""
    last: str = ""
    """The last day or moment of a period; "" for a moment."""


@dataclass(frozen=True)
class Shown:
    """The observations of one layer that a request means."""

    labels: tuple[str, ...]
    """Oldest first. None for a layer without time, and where nothing was observed."""
    empty: bool = False
    """Whether the layer has time and nothing was observed in the period asked for."""
    note: str = ""
    """What the client has to be told about the value that was used instead of its own (C.4.3)."""


def time_values(text: str) -> tuple[Asked, ...]:
    """The values of TIME: moments, and periods ``first/last`` or ``first/last/resolution``, with commas between.

    A year or a month is a period. The resolution does not matter: observations are as dense as they are.

    Raises:
        InvalidParameter: not a time, a period that ends before it begins, or too many values.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_PARTS:
        raise InvalidParameter(f"TIME has at most {_MOST_PARTS} values, not {len(parts)}")
    return tuple(_asked(part) for part in parts)


def _asked(text: str) -> Asked:
    if text.lower() in _LATEST:
        return Asked()
    first, slash, rest = text.partition("/")
    last = rest.partition("/")[0] if slash else first
    if not slash and not (_YEAR.fullmatch(text) or _MONTH.fullmatch(text)):
        parse_instant(text)
        return Asked(text)
    if last.strip().lower() in _LATEST:  # of all layers, whatever their time
        last = "9999-12-30"
    asked = Asked(_whole_year(first.strip(), "01"), _whole_year(last.strip(), "12"))
    if parse_instant(asked.first) > parse_instant(asked.last):
        raise InvalidParameter(f"the period {text[:60]!r} ends before it begins")
    return asked


def _whole_year(text: str, month: str) -> str:
    return f"{text}-{month}" if _YEAR.fullmatch(text) else text


def shown(labels: tuple[str, ...], asked: tuple[Asked, ...]) -> Shown:
    """The observations of a layer that a TIME value means.

    Args:
        labels: of the layer's observations, oldest first; none for a layer without time, which ignores TIME.
        asked: none for the default, the latest observation. For a moment within the layer's time at which nothing was
            observed the nearest observation is taken.
    Raises:
        InvalidParameter: outside of the layer's time (locator TIME).
    """
    if not labels:
        return Shown(())
    if not asked:
        return Shown(labels[-1:], note=_note("Default", labels[-1]))
    found = [_observed(labels, one) for one in asked]
    chosen = {label for one in found for label in one.labels}
    note = next((one.note for one in found if one.note), "")
    return Shown(tuple(label for label in labels if label in chosen), empty=not chosen, note=note)


def _observed(labels: tuple[str, ...], asked: Asked) -> Shown:
    if not asked.first:
        return Shown(labels[-1:])
    if asked.last:
        return Shown(_in_period(labels, asked))
    label = chosen_time(labels, asked.first, nearest=True)[0]
    near = not whole_days(asked.first, asked.first).holds(label)
    return Shown((label,), note=_note("Nearest", label) if near else "")


def _in_period(labels: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    """Raises InvalidParameter: the period lies before the first or after the last observation."""
    period = whole_days(asked.first, asked.last)
    if span(labels[-1])[1] < start_of(period.start) or span(labels[0])[0] >= start_of(period.end):
        message = f"nothing was observed from {asked.first} to {asked.last}; there are {labels[0]} to {labels[-1]}"
        raise InvalidParameter(message, locator="TIME")
    whole = parse_instant(asked.first), parse_instant(asked.last)
    exact = tuple(label for label in labels if span(label) == whole)
    return exact or tuple(label for label in labels if period.holds(label))


def _note(kind: str, label: str) -> str:
    """A warning in the words of the standard; of an observation over a span its start, as in the capabilities."""
    return f"99 {kind} value used: time={label.partition('/')[0]} ISO8601"
