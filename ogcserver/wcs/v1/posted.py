"""Times in requests of WCS 1.0.0 and 1.1 in XML.

Source: TimeSequenceType of the schemas of both.
"""

from __future__ import annotations

from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.xml import Element
from ogcserver.wcs.reading import child_of, local_name, word_of


def period(element: Element) -> str:
    """A time position as it is, or a period as ``begin/end`` or ``begin/end/resolution``.

    Raises:
        MalformedDocument: another element, or syntax of KVP in a time.
    """
    name = local_name(element)
    if name == "timePosition":
        return word_of(element)
    if name.lower() != "timeperiod":
        raise MalformedDocument(f"{name[:80]!r} is neither timePosition nor a period", locator=name[:80])
    ends = [word_of(child_of(element, part)) for part in ("beginPosition", "endPosition", "timeResolution")]
    return "/".join(ends).rstrip("/") if all(ends[:2]) else f"{ends[0]}/{ends[1]}"
