"""Key-value pairs of an OGC request: each parameter is declared once, with its multiplicity and its converter.

Source: OGC 06-121r9 clause 11.5 (KVP encoding: names in any letter case, values as they are).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from ogcserver.errors import InvalidParameter, MissingParameter, OgcServerError

T = TypeVar("T")
Convert = Callable[[str], T]
"""Makes a value of a parameter's text; raises ValueError, or an OgcServerError that says more."""

_SHOWN = 80
"""So much of a bad value is repeated in the message."""


class Kvp:
    """The parameters of one request. Names are compared without regard to case; unknown parameters are ignored.

    An error's locator is the name as the caller of these methods declares it. An empty value counts as absent.
    """

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self._items = tuple((key.strip().lower(), value.strip()) for key, value in items)

    def one(self, name: str, convert: Convert[T]) -> T:
        """The value of a parameter that must be there.

        Raises:
            MissingParameter: absent or empty.
            InvalidParameter: not convertible, or given several times with different values.
        """
        text = self._single(name)
        if text is None:
            raise MissingParameter(f"the parameter {name} is missing", locator=name)
        return _converted(name, text, convert)

    def optional(self, name: str, convert: Convert[T]) -> T | None:
        """The value of a parameter, or None where it is absent, empty, or the text ``None`` that OWSLib sends.

        Raises:
            InvalidParameter: not convertible, or given several times with different values.
        """
        text = self._single(name)
        return None if text in (None, "None") else _converted(name, str(text), convert)

    def many(self, name: str, convert: Convert[T]) -> tuple[T, ...]:
        """The values of a parameter that may occur any number of times, in the order of the request.

        A number after the name does not matter: GDAL sends ``SUBSET0`` and ``SUBSET1``.

        Raises:
            InvalidParameter: a value is not convertible.
        """
        pattern = re.compile(re.escape(name.lower()) + r"\d*")
        texts = [value for key, value in self._items if value and pattern.fullmatch(key)]
        return tuple(_converted(name, text, convert) for text in texts)

    def listed(self, name: str) -> tuple[str, ...]:
        """The items of a comma-separated list, blanks around them removed; empty where the parameter is absent."""
        text = self.optional(name, str)
        return tuple(item for part in (text or "").split(",") if (item := part.strip()))

    def __contains__(self, name: str) -> bool:
        """Whether the parameter is there and not empty."""
        return any(value for key, value in self._items if key == name.lower())

    def rest(self, known: Iterable[str]) -> dict[str, str]:
        """Parameters other than the ``known`` ones, by lower-case name; the first of a repeated one counts.

        For what a layer may define itself, such as the dimensions of WMTS.
        """
        names = {name.lower() for name in known}
        return {key: value for key, value in reversed(self._items) if key not in names and value}

    def _single(self, name: str) -> str | None:
        values = {value: None for key, value in self._items if key == name.lower() and value}
        if len(values) > 1:
            raise InvalidParameter(f"the parameter {name} is given {len(values)} times", locator=name)
        return next(iter(values), None)


def _converted(name: str, text: str, convert: Convert[T]) -> T:
    try:
        return convert(text)
    except ValueError as error:  # of the converter alone, which was given nothing but the client's text
        raise InvalidParameter(f"{text[:_SHOWN]!r} is not a value for the parameter {name}", locator=name) from error
    except OgcServerError as error:
        error.locator = error.locator or name
        raise


def integer(text: str) -> int:
    """A whole number in plain decimal digits.

    Raises:
        InvalidParameter: anything else.
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise InvalidParameter(f"{text[:_SHOWN]!r} is not a whole number")
    return int(text)


def number(text: str) -> float:
    """A finite decimal number.

    Raises:
        InvalidParameter: anything else.
    """
    text = text.strip()
    value = float(text) if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", text) else math.nan
    if not math.isfinite(value):
        raise InvalidParameter(f"{text[:_SHOWN]!r} is not a number")
    return value


def choice(*allowed: str) -> Convert[str]:
    """A converter to one of these words, compared without regard to case and returned as spelled here."""

    def convert(text: str) -> str:
        for word in allowed:
            if word.lower() == text.lower():
                return word
        raise InvalidParameter(f"{text[:_SHOWN]!r} is not one of {', '.join(allowed)}")

    return convert
