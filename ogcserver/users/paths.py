"""Which texts name a file of a user, so that nothing outside of the user's folder can ever be named.

A path is a list of plain names, compared in Unicode's composed form (NFC). What some file system or shell reads as
something else is refused everywhere: ``..``, backslashes, control characters, hidden names, device names of Windows.
"""

from __future__ import annotations

import re
import unicodedata

from ogcserver.errors import FileNotStored, InvalidParameter
from ogcserver.jobs.access import ME

_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\\\\:*?"<>|\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_LONGEST_NAME, _LONGEST_PATH, _DEEPEST = 200, 1000, 20
"""The first two in bytes."""

_SPELLINGS = (
    re.compile(r"/?users/([^/]+)/files(?:/(.*))?", re.DOTALL),
    re.compile(r"/?files/([^/]+)(?:/(.*))?", re.DOTALL),
)


def clean(path: str) -> str:
    """The path of a file, relative to the user's folder, in the one form that is used everywhere.

    Raises:
        FileNotStored: nothing can be stored under such a path.
    """
    path = unicodedata.normalize("NFC", path)
    names = path.split("/")
    if len(path.encode("utf-8", "surrogatepass")) > _LONGEST_PATH or len(names) > _DEEPEST:
        raise FileNotStored(f"a path may have {_LONGEST_PATH} bytes and {_DEEPEST} names", locator="path")
    for name in names:
        if fault := _fault(name):
            raise FileNotStored(f"no part of a path may {fault}", locator="path")
    return path


def _fault(name: str) -> str:
    if name in ("", ".", ".."):
        return "be empty, . or .."
    if _UNSAFE.search(name):
        return 'hold control characters or any of \\ : * ? " < > |'
    if name.startswith((".", "~", " ")) or name.endswith((".", " ")):
        return "begin with a dot, a tilde or a blank, or end with a dot or a blank"
    if len(name.encode()) > _LONGEST_NAME:
        return f"be longer than {_LONGEST_NAME} bytes"
    return "be the name of a device" if _DEVICE.match(name) else ""


def split_address(text: str) -> tuple[str, str]:
    """User and path of ``/users/{user_id}/files/{path}`` or ``/files/{user_id}/{path}``, as graphs name files.

    The path is "" for all files of the user, and loses a slash at its end.

    Raises:
        InvalidParameter: neither spelling.
    """
    for spelling in _SPELLINGS:
        if found := spelling.fullmatch(text):
            return found[1], (found[2] or "").removesuffix("/")
    raise InvalidParameter(f"{text[:80]!r} names no file: write /users/me/files/NAME")


def paths_in(graph: object, user_id: str) -> frozenset[str]:
    """The paths of a user's files and folders that a process graph, as parsed JSON, names anywhere."""
    found: set[str] = set()
    waiting = [graph]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str):
            try:
                owner, path = split_address(value)
                if owner in (ME, user_id):
                    found.add(clean(path) if path else "")
            except (InvalidParameter, FileNotStored):  # some other text
                continue
    return frozenset(found)
