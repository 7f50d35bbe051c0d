"""A user's script: loading it, calling it, and reporting what goes wrong in it."""

from __future__ import annotations

import io
import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ogcserver.udf.types import UdfType, Window

MAX_PRINTED = 16 << 10
"""Characters of printed text that are kept for each call."""
_MAX_TRACEBACK = 8 << 10
_MAX_FRAMES = 20


class ScriptError(Exception):
    """The script, or what it returns, is not as the contract says; the message tells what to change."""


class Printed(io.TextIOBase):
    """Stands for standard output and error: keeps the first characters and forgets the others."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._left = MAX_PRINTED

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0 and text:
            self._parts.append(text[: self._left])
            self._left -= len(self._parts[-1])
        return len(text)

    def take(self) -> str:
        """What was printed since the last time."""
        text = "".join(self._parts)
        self._parts, self._left = [], MAX_PRINTED
        return text


@dataclass(frozen=True)
class Script:
    """A loaded script."""

    function: Callable[[Any], Any]
    array: bool
    """Whether the function is of the array form."""
    window: Window


def load(code: str, name: str, kind: UdfType) -> Script:
    """Runs a script's top level and finds its function.

    Raises:
        ScriptError: there is no such function, or its window is wrong.
        BaseException: whatever the script raises.
    """
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    compiled: CodeType = compile(code, name, "exec", dont_inherit=True)
    scope: dict[str, Any] = {"__name__": "udf", "__builtins__": __builtins__, "__file__": name}
    exec(compiled, scope)  # noqa: S102  in a confined process of its own: that is the purpose of this package
    array, pandas = scope.get(kind.array_name), scope.get(kind.name)
    function = array or pandas
    if not callable(function):
        raise ScriptError(f"the script must define a function {kind.name}(df) or {kind.array_name}(cube)")
    if kind.windowed and "WINDOW" not in scope:
        raise ScriptError(
            f"a script for {kind.name} must set WINDOW, the size of the neighbourhood, such as WINDOW = 3"
        )
    try:
        return Script(function, array is not None, kind.window(scope.get("WINDOW")))
    except ValueError as error:
        raise ScriptError(str(error)) from error


def report(error: BaseException, name: str) -> dict[str, str]:
    """What went wrong, and where in the script: only its own lines, and not without end."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    lines = traceback.format_list(frames[-_MAX_FRAMES:])
    return {"error": _describe(error), "traceback": "".join(lines)[-_MAX_TRACEBACK:]}


def _describe(error: BaseException) -> str:
    if isinstance(error, ScriptError):
        return str(error)
    if isinstance(error, SystemExit):
        return "SystemExit: a script must return, not exit"
    try:
        text = "".join(traceback.format_exception_only(error)).strip()
    except Exception:
        text = type(error).__name__
    if isinstance(error, MemoryError):
        text = "MemoryError: the script needs more memory than it may have"
    return text[:2048]
