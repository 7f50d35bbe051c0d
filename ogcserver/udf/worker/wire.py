"""Messages between server and worker: a kind, a JSON object, and raw bytes.

Either side reads them strictly and within limits that it knows beforehand; nothing in them is ever executed by the
server.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

HEADER = struct.Struct("<cIQ")
"""Kind, length of the JSON text, length of the bytes after it."""
MAX_META = 1 << 20
"""Bytes of JSON in one message."""

READY, RESULT, FAILED = b"H", b"R", b"F"
"""From the worker: confined and waiting, or the script loaded; a computed cube; something went wrong."""
LOAD, RUN = b"L", b"C"
"""From the server: a script to load; a cube to compute with."""


class WireError(Exception):
    """The bytes are not a message, or not one to be expected; the message says what the sender did."""


def head(kind: bytes, meta: Mapping[str, Any], payload: int = 0) -> bytes:
    """A message up to its raw bytes, of which there will be ``payload``."""
    text = json.dumps(meta, allow_nan=False).encode()
    if len(text) > MAX_META:
        raise WireError("sent a message that is too long")
    return HEADER.pack(kind, len(text), payload) + text


def sizes(header: bytes, kinds: bytes, max_payload: int) -> tuple[bytes, int, int]:
    """Kind and lengths that a header announces.

    Raises:
        WireError: none of ``kinds``, or longer than allowed.
    """
    kind, meta, payload = HEADER.unpack(header)
    if kind not in kinds or meta > MAX_META or payload > max_payload:
        raise WireError("sent a message with a wrong header")
    return kind, meta, payload


def parse_meta(text: bytes) -> dict[str, Any]:
    """
    Raises:
        WireError: not a JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("sent a message without JSON") from error
    if not isinstance(found, dict):
        raise WireError("sent a message without a JSON object")
    return found


def read_message(
    read_into: Callable[[memoryview], None], kinds: bytes, max_payload: int
) -> tuple[bytes, dict[str, Any], bytearray]:
    """One message; ``read_into`` fills a buffer or raises."""
    header = bytearray(HEADER.size)
    read_into(memoryview(header))
    kind, meta, payload = sizes(bytes(header), kinds, max_payload)
    text, raw = bytearray(meta), bytearray(payload)
    read_into(memoryview(text))
    found = parse_meta(bytes(text))
    read_into(memoryview(raw))
    return kind, found, raw
