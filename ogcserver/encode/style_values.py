"""Reading single arguments of a style: JSON values, or their text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ogcserver.errors import InvalidParameter


def items(value: object) -> list[object]:
    """The elements of a list, or of its text with commas that stand outside of quotes and parentheses."""
    if isinstance(value, str):
        return list(_split(value.strip().removeprefix("[").removesuffix("]")))
    return list(value) if isinstance(value, Sequence) else [value]


def _split(text: str) -> list[str]:
    parts, start, depth, quote = [], 0, 0, ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth <= 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def number(value: object, key: str) -> float:
    """
    Raises:
        InvalidParameter: not a finite number; the locator is ``key``.
    """
    try:
        found = float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidParameter(f"{key}: {str(value)[:60]!r} is not a number", locator=key)
    return found


def within(given: Mapping[str, object], key: str, low: float, high: float, default: float) -> float:
    """A number of a range.

    Raises:
        InvalidParameter: another value; the locator is ``key``.
    """
    if key not in given:
        return default
    found = number(given[key], key)
    if not low <= found <= high:
        raise InvalidParameter(f"{key} must be from {low:g} to {high:g}, not {found:g}", locator=key)
    return found
