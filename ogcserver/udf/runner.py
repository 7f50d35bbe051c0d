"""What the rest of the program sees of user-defined functions.

The plan asks :meth:`UdfRunner.probe` once, when a graph is compiled, what a script makes of bands and times, and the
engine calls :meth:`UdfRunner.run` for each window.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ogcserver.cube import Array
from ogcserver.errors import UdfLanguageUnsupported, UdfTypeUnsupported
from ogcserver.udf.types import UDF_TYPES, UdfType, Window

LANGUAGES = ("Python",)


def udf_type(language: str, name: str) -> UdfType:
    """The kind of function that a path such as ``/udf/Python/aggregate_time`` names.

    Raises:
        UdfLanguageUnsupported, UdfTypeUnsupported: there is none; the message lists what there is.
    """
    if language.lower() not in (known.lower() for known in LANGUAGES):
        raise UdfLanguageUnsupported(f"functions in {language[:40]!r} cannot be run here; use {' or '.join(LANGUAGES)}")
    if name not in UDF_TYPES:
        raise UdfTypeUnsupported(f"there is no kind of function {name[:40]!r}; use one of {', '.join(UDF_TYPES)}")
    return UDF_TYPES[name]


@dataclass(frozen=True)
class Udf:
    """A user's script in the role of one kind of function."""

    type: str
    """One of ``UDF_TYPES``."""
    code: str
    name: str = "script.py"
    """Of the file, for tracebacks; nothing is opened by it."""
    owner: str = ""
    """Whose script it is: what one user's script remembers is never at hand to another's, even if equal."""

    @property
    def kind(self) -> UdfType:
        return udf_type(LANGUAGES[0], self.type)

    @cached_property
    def token(self) -> str:
        """Equal for equal scripts of one owner in one role, also after a restart."""
        parts = (self.type, self.owner, self.name, self.code)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, eq=False)
class UdfResult:
    """What a script made of a cube."""

    data: Array
    """(time, band, y, x), NaN where missing; of the dtype that the script got."""
    times: tuple[str, ...]
    """A label for each element of the time axis, ascending; empty where the kind of function drops the axis."""
    bands: tuple[str, ...]
    printed: str = ""
    """The first characters of what the script printed."""


@dataclass(frozen=True)
class Probe:
    """What a script does, learnt from running it on a small sample."""

    times: tuple[str, ...]
    bands: tuple[str, ...]
    window: Window
    """Its neighbourhood; ``window.margin`` is the halo that :meth:`UdfRunner.run` needs."""
    array: bool
    """Whether it has the array form."""


@dataclass(frozen=True)
class Capability:
    """Whether user-defined functions can be run, and how, or why not."""

    mechanism: str
    """Name of what confines them; empty where nothing does."""
    reason: str = ""
    """Why there is no mechanism, or why not the best one."""

    @property
    def available(self) -> bool:
        return bool(self.mechanism)

    @property
    def refusal(self) -> str:
        """What callers are told where there is no mechanism."""
        return f"user-defined functions are off here: {self.reason}"


class UdfRunner(Protocol):
    """Runs scripts. Methods may be called from many threads, and block."""

    @property
    def capability(self) -> Capability: ...

    def run(
        self, udf: Udf, data: Array, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]
    ) -> UdfResult:
        """Runs a script on a cube.

        Args:
            data: (time, band, y, x), float32 or float64, NaN where missing. Kinds with a window need their margin
                around the pixels that are wanted, and give a result without it. Kinds that ``needs_series`` must get
                all observations.
            times: a label for each observation; empty for a cube without time axis.
            check: called about every 50 ms; what it raises (Cancelled, DeadlineExceeded) ends the script at once.
        Raises:
            UdfError: the script's fault; the message says what to change.
            UdfLanguageUnsupported: user-defined functions are off.
            UdfUnavailable: no process could be started.
            TooLarge: the cube exceeds the configured size.
        """
        ...

    def probe(self, udf: Udf, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None]) -> Probe:
        """Loads a script and runs it on a few pixels of random numbers in [0, 1) with these times and bands.

        Raises:
            UdfError, UdfLanguageUnsupported, UdfUnavailable: as :meth:`run`.
        """
        ...

    def close(self) -> None:
        """Ends what it has started; no call may be under way."""
        ...
