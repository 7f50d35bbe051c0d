"""Walking a static STAC catalogue: which collections it has, and where their items lie. Items are not read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.documents import Document, DocumentReader, file_stamp
from ogcserver.sources.hrefs import HrefError, resolve

_LOG = logging.getLogger(__name__)
_MAX_DEPTH = 32
_MAX_DOCUMENTS = 20_000
_MAX_ITEMS = 5_000_000


@dataclass(frozen=True)
class Node:
    """A collection as the walk found it."""

    id: str
    document: Mapping[str, Any] = field(compare=False, repr=False)
    """The STAC Collection, or what stands for one where items have none."""
    location: str
    items: tuple[str, ...]
    """Locations of its items."""
    digest: str
    """Covers everything above."""


@dataclass(frozen=True, eq=False)
class Walk:
    """The collections of a catalogue, and the state of the documents that named them."""

    nodes: Mapping[str, Node]
    stamps: Mapping[str, str]
    """Of every document that was read or missing: changes when a local one does."""


@dataclass
class _Draft:
    """A collection while its items are being found."""

    id: str
    document: Mapping[str, Any]
    location: str
    items: dict[str, None] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)

    def node(self) -> Node:
        text = "\x1f".join([self.id, self.location, *self.digests, *self.items])
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return Node(self.id, self.document, self.location, tuple(self.items), digest)


def walk(location: str, reader: DocumentReader) -> Walk:
    """Follows ``child`` links from a catalogue, a collection, an item or a FeatureCollection, each document once.

    Items belong to the nearest collection above them; without one they form a collection named after their catalogue.
    What cannot be read is logged and left out.

    Raises:
        SourceUnavailable: the first document cannot be read, or the catalogue is beyond the limits.
    """
    drafts: list[_Draft] = []
    stamps: dict[str, str] = {}
    level: list[tuple[str, _Draft | None]] = [(location, None)]
    for depth in range(_MAX_DEPTH):
        level = _unseen(level, stamps)
        if not level:
            break
        following: list[tuple[str, _Draft | None]] = []
        for (address, parent), document in zip(level, reader.read_many([a for a, _ in level]), strict=True):
            if isinstance(document, SourceUnavailable):
                if depth == 0:
                    raise document
                _LOG.warning("a part of the catalogue %s is left out: %s", location, document.message)
            else:
                following += _take(document, address, parent, drafts)
        level = following
    else:
        _LOG.warning("the catalogue %s is nested deeper than %d; what lies deeper is left out", location, _MAX_DEPTH)
    return Walk(_nodes(drafts, location), stamps)


def _unseen(level: list[tuple[str, _Draft | None]], stamps: dict[str, str]) -> list[tuple[str, _Draft | None]]:
    """Those not read before, whose state is noted before they are read."""
    found = []
    for address, parent in level:
        if address not in stamps:
            stamps[address] = file_stamp(address)
            found.append((address, parent))
    if len(stamps) > _MAX_DOCUMENTS:
        raise SourceUnavailable(f"the catalogue has more than {_MAX_DOCUMENTS} catalogues and collections")
    return found


def _take(
    document: Document, address: str, parent: _Draft | None, drafts: list[_Draft]
) -> list[tuple[str, _Draft | None]]:
    """Notes the collection and the items of a document; returns its children."""
    data, kind = document.data, document.data.get("type")
    draft = parent
    if kind in ("Feature", "FeatureCollection"):
        draft = parent or _stand_in(document, str(data.get("collection") or data.get("id") or ""), drafts)
        draft.items[address] = None
    elif kind == "Collection" or (kind != "Catalog" and "extent" in data):
        draft = _Draft(_name(data.get("id"), document.location), data, document.location)
        drafts.append(draft)
    items = _links(document, ("item", "items"))
    if items and draft is None:
        draft = _stand_in(document, str(data.get("id") or ""), drafts)
    if draft is not None:
        draft.digests.append(document.digest)
        draft.items.update(dict.fromkeys(items))
        if len(draft.items) > _MAX_ITEMS:
            raise SourceUnavailable(f"collection {draft.id} of {address} has more than {_MAX_ITEMS} items")
    # a stand-in of a catalogue holds the catalogue's own items only
    heir = draft if draft is not None and (parent is not None or draft.document is data) else None
    return [(child, heir) for child in _links(document, ("child",))]


def _stand_in(document: Document, identifier: str, drafts: list[_Draft]) -> _Draft:
    """A collection for items that have none."""
    name = _name(identifier, document.location)
    told = {key: document.data[key] for key in ("title", "description") if document.data.get(key)}
    draft = _Draft(name, {**told, "id": name}, document.location)
    drafts.append(draft)
    return draft


def _name(identifier: object, location: str) -> str:
    """The id, else the name of the file."""
    return str(identifier) if identifier else PurePosixPath(urlsplit(location).path).stem or "collection"


def _links(document: Document, relations: tuple[str, ...]) -> list[str]:
    links = document.data.get("links")
    found = []
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") in relations:
            try:
                found.append(resolve(link.get("href"), document.location))
            except HrefError as error:
                _LOG.warning("a link of %s is refused: %s", document.location, error.message)
    return found


def _nodes(drafts: list[_Draft], location: str) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for draft in drafts:
        if draft.id in found:
            _LOG.warning("%s has two collections named %s; that of %s is left out", location, draft.id, draft.location)
        else:
            found[draft.id] = draft.node()
    return found
