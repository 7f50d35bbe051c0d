"""Pages of a long list.  Source: OGC 20-024 draft (Common part 2), parameter ``limit``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ogcserver.errors import InvalidParameter
from ogcserver.ogcapi.links import Json, document_links, link
from ogcserver.ogcapi.parameters import DEFAULT_PAGE, LARGEST_PAGE
from ogcserver.ows.kvp import Kvp, integer

T = TypeVar("T")


@dataclass(frozen=True)
class Paging:
    """Which part of a list is wanted."""

    limit: int = DEFAULT_PAGE
    offset: int = 0

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> Paging:
        """
        Raises:
            InvalidParameter: no number, or one that is too small.
        """
        limit, offset = kvp.optional("limit", integer), kvp.optional("offset", integer)
        if limit is not None and limit < 1:
            raise InvalidParameter("limit is at least 1", locator="limit")
        if offset is not None and offset < 0:
            raise InvalidParameter("offset is at least 0", locator="offset")
        return cls(min(limit or DEFAULT_PAGE, LARGEST_PAGE), offset or 0)

    def of(self, items: Sequence[T]) -> Sequence[T]:
        return items[self.offset : self.offset + self.limit]

    def address(self, here: str) -> str:
        """Of this page."""
        if self == Paging():
            return here
        return f"{here}?limit={self.limit}&offset={self.offset}"

    def members(self, total: int, here: str) -> Json:
        """What a document says about its page, with links to those before and after."""
        links = document_links(self.address(here), "This page")
        if self.offset + self.limit < total:
            links.append(link("next", Paging(self.limit, self.offset + self.limit).address(here), title="Next page"))
        if self.offset > 0:
            before = Paging(self.limit, max(0, self.offset - self.limit))
            links.append(link("prev", before.address(here), title="Previous page"))
        returned = max(0, min(self.limit, total - self.offset))
        return {"numberMatched": total, "numberReturned": returned, "links": links}
