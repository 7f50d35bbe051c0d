"""Which observation a TIME value means."""

from __future__ import annotations

from ogcserver.errors import InvalidParameter
from ogcserver.timeline import is_whole_day, span, start_of, whole_days

_LATEST = ("default", "current", "{time}")
"""Words for the latest time (OGC 07-057r7 table 11), and what QGIS sends when nobody chose one."""


def chosen_time(labels: tuple[str, ...], text: str | None) -> tuple[str, ...]:
    """The label of the observation that a TIME value means, for the one that a picture shows.

    Args:
        labels: of all observations, oldest first; none for a layer without time, which then ignores TIME.
        text: a label; a moment that one stands for, in any zone; a day, where of several observations that start or go
            on then the latest counts; None for the latest of all.
    Raises:
        InvalidParameter: no observation is meant.
    """
    if not labels:
        return ()
    if text is None:
        return labels[-1:]
    if text in labels:
        return (text,)
    if is_whole_day(text):
        day = whole_days(text, text)
        found = [label for label in labels if day.holds(label)]
    elif "/" in text:
        found = [label for label in labels if span(label) == span(text)]
    else:
        moment = start_of(text)
        found = [label for label in labels if span(label)[0] <= moment <= span(label)[1]]
    if not found:
        message = f"there is no observation at {text[:60]!r}; the first is {labels[0]}, the last {labels[-1]}"
        raise InvalidParameter(message, locator="TIME")
    return (max(found, key=start_of),)


def time_parameter(text: str) -> str | None:
    """The value of a TIME parameter; None for words that mean the latest.

    Raises:
        InvalidParameter: neither a time nor two with a slash between.
    """
    if text.lower() in _LATEST:
        return None
    span(text)
    return text
