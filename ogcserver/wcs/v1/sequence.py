"""Update sequences in WCS 1.0.0 and 1.1: whether a client has the current capabilities.

Source: OGC 03-065r6 clause 7.2.1 (table 3), OGC 06-121r3 clause 7.3.4.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from ogcserver.errors import InvalidParameter
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.wcs.codes import InvalidUpdateSequence
from ogcserver.wcs.delivery import Call

LOCATOR = "updateSequence"


async def is_current(call: Call, text: str) -> bool:
    """Whether a client with this sequence has the current document; "" and what never was a sequence has none.

    Raises:
        InvalidUpdateSequence: it is later than the current one.
    """
    if not UpdateSequence.is_one(text):
        return False
    current = await run_in_threadpool(UpdateSequence.of, await call.layers.revision(), await call.layers.all())
    try:
        return current.known_to(text)
    except InvalidParameter as error:
        raise InvalidUpdateSequence(error.message, locator=LOCATOR) from error
