"""Which representation of a resource a client gets: by ``f``, else by ``Accept``.

Source: OGC 19-072 clause 7.5 (encodings); RFC 9110 clause 12.5.1 (Accept).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ogcserver.errors import InvalidParameter
from ogcserver.ogcapi.codes import NotAcceptable

JSON, HTML = "application/json", "text/html"


@dataclass(frozen=True)
class Offer:
    """A representation that a resource has."""

    key: str
    """The value of ``f`` that means it."""
    media_type: str


DOCUMENT = (Offer("json", JSON), Offer("html", HTML))
"""Of a resource that is a document, the one that counts where a client does not care first."""


def negotiated(offers: Sequence[Offer], f: str | None, accept: str) -> Offer:
    """The representation that a client prefers; of several that it likes alike the first.

    Args:
        f: a key or media type, which counts before ``accept``; None where it is absent.
        accept: the header; "" where it is absent.
    Raises:
        InvalidParameter: there is none of that name (locator f).
        NotAcceptable: the header allows none.
    """
    if f is not None:
        wanted = _plain(f)
        for offer in offers:
            if wanted in (offer.key, _plain(offer.media_type)):
                return offer
        known = ", ".join(dict.fromkeys(offer.key for offer in offers))
        raise InvalidParameter(f"there is no representation {f[:40]!r}; there are {known}", locator="f")
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offers[0]
    best = max(offers, key=lambda offer: _quality(offer.media_type, ranges))  # max keeps the first of equals
    if _quality(best.media_type, ranges) <= 0.0:
        known = ", ".join(offer.media_type for offer in offers)
        raise NotAcceptable(f"nothing here is of a type that Accept allows; there are {known}", locator="Accept")
    return best


def _plain(text: str) -> str:
    return "".join(text.lower().split())


@dataclass(frozen=True)
class _Range:
    """One of the media ranges of an Accept header."""

    type: str
    subtype: str
    parameters: frozenset[str]
    quality: float

    def fits(self, media_type: str) -> bool:
        name, *parameters = _plain(media_type).split(";")
        kind, _, sub = name.partition("/")
        same = self.type in ("*", kind) and self.subtype in ("*", sub)
        return same and self.parameters <= frozenset(parameters)

    @property
    def precision(self) -> tuple[bool, bool, int]:
        return self.type != "*", self.subtype != "*", len(self.parameters)


def _range(text: str) -> _Range:
    name, *parameters = _plain(text).split(";")
    kind, _, sub = name.partition("/")
    weights = [part[2:] for part in parameters if part.startswith("q=")]
    return _Range(kind, sub, frozenset(part for part in parameters if not part.startswith("q=")), _weight(weights))


def _weight(texts: Sequence[str]) -> float:
    try:
        return min(1.0, max(0.0, float(texts[0]))) if texts else 1.0
    except ValueError:  # no number: as good as none
        return 1.0


def _quality(media_type: str, ranges: Sequence[_Range]) -> float:
    """The weight of the most precise range that fits; 0 where none does."""
    fitting = [one for one in ranges if one.fits(media_type)]
    return max(fitting, key=lambda one: one.precision).quality if fitting else 0.0
