"""Landlock: from here on this process opens nothing but what is listed.

It hides contents, not existence: ``stat`` of any path goes on to work. Source: Linux,
Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from pathlib import Path

from ogcserver.udf.worker.kernel import syscall

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""From a version of the interface on -> how many rights over files it knows."""
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_GET_VERSION, _PATH_BENEATH = 1, 1


def restrict_files(readable: Sequence[str]) -> None:
    """Forbids everything that Landlock can forbid but reading these files and what is below these directories.

    Raises:
        OSError: the kernel has no Landlock, or a path cannot be opened.
    """
    version = syscall("landlock_create_ruleset", None, 0, _GET_VERSION)
    rights = next(count for since, count in sorted(_FILE_RIGHTS.items(), reverse=True) if since <= version)
    attributes = [(1 << rights) - 1]
    if version >= _NETWORK_SINCE:
        attributes.append(0b11)  # bind and connect over TCP
    if version >= _SCOPES_SINCE:
        attributes.append(0b11)  # abstract sockets and signals outside of this domain
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = syscall("landlock_create_ruleset", packed, len(packed), 0)
    try:
        for path in readable:
            _allow(ruleset, path)
        syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        access = _READ_FILE | _READ_DIR if Path(path).is_dir() else _READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, descriptor))
        syscall("landlock_add_rule", ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
