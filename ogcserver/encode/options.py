"""Reading the options that a caller gives for an output format.

Names and values are compared without regard to case. A value may come from JSON or from a query string, so a number
or a truth value may also be its text.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


@dataclass(frozen=True)
class OptionReader:
    """The options given for one format, by lower-case name; an option whose value is None counts as not given."""

    owner: str
    """The format's name."""
    values: Mapping[str, object]

    @classmethod
    def of(cls, owner: str, options: Mapping[str, object], known: Collection[str]) -> OptionReader:
        """A reader of ``options``, all of which must be ``known`` (lower case).

        Raises:
            FormatOptionUnsupported: an option that the format does not have.
        """
        for name in options:
            if name.lower() not in known:
                there_are = ", ".join(known) or "none"
                raise FormatOptionUnsupported(f"{owner} has no option {name!r}; its options: {there_are}", locator=name)
        return cls(owner, {name.lower(): value for name, value in options.items() if value is not None})

    def boolean(self, name: str) -> bool | None:
        """A truth value, or None where the option is not given."""
        if name not in self.values:
            return None
        text = str(self.values[name]).strip().lower()
        if text not in _TRUE + _FALSE:
            raise self.invalid(name, "true or false")
        return text in _TRUE

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``, or None where the option is not given."""
        if name not in self.values:
            return None
        try:
            number = float(str(self.values[name]))
        except ValueError:
            number = math.nan
        if not (number.is_integer() and low <= number <= high):
            raise self.invalid(name, f"a whole number from {low} to {high}")
        return int(number)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the upper-case words ``allowed``, or None where the option is not given."""
        if name not in self.values:
            return None
        text = str(self.values[name]).strip().upper()
        if text not in allowed:
            raise self.invalid(name, "one of " + ", ".join(allowed))
        return text

    def invalid(self, name: str, wanted: str) -> FormatOptionInvalid:
        given = str(self.values.get(name))[:60]
        return FormatOptionInvalid(f"{self.owner} option {name} must be {wanted}, not {given!r}", locator=name)
