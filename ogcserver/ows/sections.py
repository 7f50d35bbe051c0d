"""The SECTIONS of a GetCapabilities request.

Source: OGC 06-121r3 and 06-121r9 clause 7.3.3.
"""

from __future__ import annotations

from ogcserver.errors import InvalidParameter
from ogcserver.ows.kvp import Kvp

_ALL = "All"


def chosen_sections(kvp: Kvp, offered: tuple[str, ...]) -> frozenset[str]:
    """Names in any letter case; all of them where the request names none, or ``All``.

    Raises:
        InvalidParameter: a section that does not exist.
    """
    known = {name.lower(): name for name in (*offered, _ALL)}
    sections = {known.get(name.lower(), "") for name in kvp.listed("sections")}
    if "" in sections:
        raise InvalidParameter(f"sections are {', '.join(known.values())}", locator="sections")
    return frozenset(offered if not sections or _ALL in sections else sections)
