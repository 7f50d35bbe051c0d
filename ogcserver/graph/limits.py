"""JSON from a client, within limits that hold before anything is parsed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ogcserver.errors import GraphInvalid, GraphTooLarge

# possessive, and a text that is not closed reaches to the end: each byte is looked at once
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True)
class GraphLimits:
    """What a process graph may cost before it is refused."""

    max_bytes: int = 1 << 20
    max_nodes: int = 10_000
    """Distinct nodes after stored graphs are put in."""
    max_depth: int = 250
    """Nodes inside nodes, in one document."""


def loads(text: bytes, limits: GraphLimits) -> Any:
    """The parsed JSON document.

    Raises:
        GraphTooLarge: more bytes or deeper nesting than the limits allow; found in one pass, without recursion.
        GraphInvalid: not JSON, or numbers that JSON does not have (NaN, Infinity).
    """
    if len(text) > limits.max_bytes:
        raise GraphTooLarge(f"the document has more than the {limits.max_bytes} bytes that are allowed")
    # a node takes two levels, {"process_id", "args": {...}}, or three inside of an array
    _check_depth(text, 3 * limits.max_depth + 10)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise GraphInvalid("the document is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise GraphInvalid(f"the document is not JSON: {str(error)[:200]}") from error


def _check_depth(text: bytes, limit: int) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        token = match.group()[:1]
        if token in b"[{":
            depth += 1
            if depth > limit:
                raise GraphTooLarge(f"the document nests deeper than the {limit} levels that are allowed")
        elif token in b"]}":
            depth -= 1


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
