"""Static STAC catalogues: trees of JSON files, local or on the web.

A catalogue is walked at first use. The items of a collection are read when it is first searched. From then on the files
are looked at again every ``refresh_s`` seconds: local ones by size and time of change; on the web the catalogues and
collections are read again, and items when their collection changed. While a catalogue that was read once is away, what
is known of it stays in use.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ogcserver.errors import SourceUnavailable
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import CollectionInfo, CubeBand, FileBand, Item
from ogcserver.sources.documents import DocumentReader, file_stamp
from ogcserver.sources.footprint import hull
from ogcserver.sources.hrefs import is_remote, local_location
from ogcserver.sources.index import ItemIndex
from ogcserver.sources.raster import shown
from ogcserver.sources.raster_file import local_fields
from ogcserver.sources.refreshed import Refreshed
from ogcserver.sources.stac_collection import collection_info, collection_rules, sample_positions
from ogcserver.sources.stac_cube import read_layout
from ogcserver.sources.stac_item import ItemRules, usable_items
from ogcserver.sources.stac_walk import Node, Walk, walk
from ogcserver.timeline import Interval, format_instant, span

_LOG = logging.getLogger(__name__)

ItemDocument = tuple[Mapping[str, Any], str]


@dataclass(frozen=True, eq=False)
class _Loaded:
    """The items of a collection, and the state of all files they came from and lead to."""

    node: Node
    index: ItemIndex
    stamps: Mapping[str, str]
    digest: str
    complete: bool
    """False when documents did not come over the network, so that another attempt may find them."""


@dataclass(frozen=True, eq=False)
class _Described:
    """The description of a collection, and the state of the files it was made from."""

    node: Node
    info: CollectionInfo
    stamps: Mapping[str, str]


class StaticCatalog:
    """A catalogue.json, collection.json or item.json, by path or http(s) address, and all that it links to.

    Args:
        refresh_s: how long the files are trusted not to change; 0 looks at them on every call.
        mosaic: which items are one observation, see :class:`Collection`.
        apply_scale: False leaves values as stored.
        clock: seconds, never running backwards.
    """

    def __init__(
        self,
        location: str,
        *,
        refresh_s: float = 300.0,
        mosaic: str = "day",
        apply_scale: bool = True,
        reader: DocumentReader | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.location = location if is_remote(location) else local_location(location)
        self._refresh_s, self._mosaic, self._apply_scale, self._clock = refresh_s, mosaic, apply_scale, clock
        self._reader = reader or DocumentReader()
        self._walk = Refreshed(self._look, refresh_s, clock)
        self._collections: dict[str, StaticCollection] = {}

    def collections(self) -> Mapping[str, StaticCollection]:
        """By id, in the order of the catalogue.

        Raises:
            SourceUnavailable: the catalogue was never read, and cannot be.
        """
        return {name: self._collection(name) for name in self._walk.get().nodes}

    def node(self, name: str) -> Node:
        """What is known of a collection now.

        Raises:
            SourceUnavailable: the catalogue cannot be read, or has no such collection any more.
        """
        node = self._walk.get().nodes.get(name)
        if node is None:
            raise SourceUnavailable(f"{shown(self.location)} has no collection {name} any more")
        return node

    def close(self) -> None:
        """Closes connections."""
        self._reader.close()

    def _collection(self, name: str) -> StaticCollection:
        made = self._collections.get(name)
        if made is None:
            made = StaticCollection(
                lambda: self.node(name), self._reader, self._refresh_s, self._mosaic, self._apply_scale, self._clock
            )
        return self._collections.setdefault(name, made)  # atomic: all threads share the first one

    def _look(self, before: Walk | None) -> Walk:
        if before is not None and not is_remote(self.location) and _unchanged(before.stamps):
            return before
        return walk(self.location, self._reader)


class StaticCollection:
    """One collection of a static catalogue; implements :class:`Collection`."""

    def __init__(
        self,
        node: Callable[[], Node],
        reader: DocumentReader,
        refresh_s: float,
        mosaic: str,
        apply_scale: bool,
        clock: Callable[[], float],
    ) -> None:
        self._node, self._reader, self._mosaic, self._apply_scale = node, reader, mosaic, apply_scale
        self._loaded = Refreshed(self._load, refresh_s, clock)
        self._described = Refreshed(self._describe, refresh_s, clock)

    @property
    def info(self) -> CollectionInfo:
        return self._described.get().info

    @property
    def mosaic(self) -> str:
        return self._mosaic

    def version(self) -> str:
        try:
            return self._loaded.get().digest
        except SourceUnavailable:
            return "unavailable"

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        return self._loaded.get().index.search(boxes, interval)

    def _rules(self, node: Node) -> ItemRules:
        return replace(collection_rules(node.document, self._apply_scale), read_layout=read_layout)

    def _load(self, before: _Loaded | None) -> _Loaded:
        node = self._node()
        if before is not None and before.complete and before.node == node and _unchanged(before.stamps):
            return before
        stamps = {location: file_stamp(location) for location in node.items}  # before reading: a change is not missed
        digest = hashlib.sha256(f"{self._mosaic}/{self._apply_scale}/{node.digest}".encode())
        failures: list[SourceUnavailable] = []
        documents = self._documents(node.items, digest.update, failures)
        index = ItemIndex(usable_items(documents, self._rules(node)))
        if failures and len(failures) == len(node.items):
            raise failures[0]
        stamps.update((location, file_stamp(location)) for location in _places(index.items))
        digest.update(repr(list(stamps.items())).encode("utf-8", "surrogatepass"))
        complete = not any(is_remote(str(failure.locator)) for failure in failures)
        return _Loaded(node, index, stamps, digest.hexdigest(), complete)

    def _documents(
        self, locations: Sequence[str], note: Callable[[bytes], object], failures: list[SourceUnavailable]
    ) -> Iterator[ItemDocument]:
        """Items as (document, location); tells ``note`` the digest of each file and logs those that cannot be had."""
        for document in self._reader.read_many(locations):
            if isinstance(document, SourceUnavailable):
                _LOG.warning("an item is left out: %s", document.message)
                failures.append(document)
                continue
            note(document.digest.encode())
            if document.data.get("type") == "FeatureCollection":
                features = document.data.get("features") or ()
                yield from ((feature, document.location) for feature in features if isinstance(feature, Mapping))
            else:
                yield document.data, document.location

    def _describe(self, before: _Described | None) -> _Described:
        node = self._node()
        if before is not None and before.node == node and _unchanged(before.stamps):
            return before
        chosen = [node.items[position] for position in sample_positions(len(node.items))]
        stamps = {location: file_stamp(location) for location in chosen}
        samples = list(self._documents(chosen, len, []))[:10]
        info = collection_info(node.document, samples, self._rules(node), local_fields)
        if "extent" not in node.document:
            info = _placed(info, self._loaded.get().index.items)
        return _Described(node, info, stamps)


def _placed(info: CollectionInfo, items: Sequence[Item]) -> CollectionInfo:
    """With extents from the items, for a collection that does not state them."""
    if not items:
        return info
    spans = [span(item.time) for item in items]
    interval = format_instant(min(s for s, _ in spans)), format_instant(max(e for _, e in spans))
    return replace(info, boxes=hull(box for item in items for box in item.boxes), interval=interval)


def _places(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        for band in item.bands.values():
            if isinstance(band.place, (FileBand, CubeBand)):
                yield band.place.href


def _unchanged(stamps: Mapping[str, str]) -> bool:
    return all(file_stamp(location) == stamp for location, stamp in stamps.items())
