"""STAC APIs: collections and items found by searching a server.  Source: STAC API 1.0, core, collections, item search.

Searches are made for boxes that are widened to whole degrees, and remembered, so that panning does not search again.
What is remembered is forgotten with every change of the version, every ``refresh_s`` seconds by the clock: servers with
the same clock agree on it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pystac
from cachetools import LRUCache
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from ogcserver.errors import SourceUnavailable, TooLarge
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import CollectionInfo, Item
from ogcserver.sources.hrefs import is_http
from ogcserver.sources.index import ItemIndex
from ogcserver.sources.raster import shown
from ogcserver.sources.raster_file import local_fields
from ogcserver.sources.refreshed import Refreshed
from ogcserver.sources.stac_collection import collection_info, collection_rules, is_complete
from ogcserver.sources.stac_item import usable_items
from ogcserver.timeline import Interval

_SAMPLES = 3
_PAGE = 250
_FAILURES = (APIError, pystac.STACError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError)
"""What pystac-client raises for a server that is away or answers with something else than STAC."""

Documents = list[tuple[Mapping[str, Any], str]]
_Key = tuple[str, str, tuple[Bounds, ...], Interval]


@dataclass(frozen=True, eq=False)
class _Api:
    """A landing page and its collections."""

    client: Client
    collections: Mapping[str, Mapping[str, Any]]


class _HttpOnly(StacApiIO):
    """Follows links of a server to http(s) addresses only: pystac opens local files that links name."""

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        href = source.href if isinstance(source, pystac.Link) else str(source)
        if not is_http(href):
            raise APIError(f"the server links to {href[:80]!r}")
        return super().read_text(source, *args, **kwargs)


class ApiCatalog:
    """The collections of a STAC API.

    Args:
        location: http(s) address of the landing page.
        refresh_s: how long collections and search results are trusted.
        max_items: a search that finds more is refused.
        timeout_s: for each request.
        max_searches: how many results are remembered.
        clock: seconds since an epoch that all servers share.
    """

    def __init__(
        self,
        location: str,
        *,
        refresh_s: float = 300.0,
        mosaic: str = "day",
        apply_scale: bool = True,
        max_items: int = 10_000,
        timeout_s: float = 20.0,
        max_searches: int = 512,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.location = location
        self._refresh_s, self._clock, self._max_items = refresh_s, clock, max_items
        self._mosaic, self._apply_scale = mosaic, apply_scale
        self._files = _HttpOnly(timeout=timeout_s, max_retries=1)
        self._api = Refreshed(self._open, refresh_s, clock)
        self._found: LRUCache[_Key, Future[ItemIndex]] = LRUCache(max_searches)
        self._lock = threading.Lock()
        self._made: dict[str, ApiCollection] = {}

    def collections(self) -> Mapping[str, ApiCollection]:
        """By id, in the order of the server.

        Raises:
            SourceUnavailable: the server does not answer.
        """
        return {name: self._collection(name) for name in self._api.get().collections}

    def close(self) -> None:
        """Closes connections."""
        self._files.session.close()

    def document(self, name: str) -> Mapping[str, Any]:
        """The STAC Collection."""
        document = self._api.get().collections.get(name)
        if document is None:
            raise SourceUnavailable(f"{shown(self.location)} has no collection {name} any more")
        return document

    def version(self) -> str:
        """Changes every ``refresh_s`` seconds."""
        now = self._clock()
        return f"{int(now / self._refresh_s)}" if self._refresh_s > 0 else repr(now)

    def find(self, name: str, boxes: tuple[Bounds, ...], interval: Interval) -> ItemIndex:
        """All items in the boxes and the interval, and perhaps more. Concurrent callers share one search.

        Raises:
            SourceUnavailable: the server does not answer.
            TooLarge: there are more than ``max_items``.
        """
        key = (self.version(), name, boxes, interval)
        with self._lock:
            shared = self._found.get(key)
            future: Future[ItemIndex] = shared or Future()
            self._found[key] = future
        if shared is None:
            try:
                future.set_result(self._search(name, boxes, interval))
            except TooLarge as error:
                future.set_exception(error)  # remembered: it will not be less the next time
            except BaseException as error:
                with self._lock:
                    self._found.pop(key, None)
                future.set_exception(error)
        return future.result()

    def sample(self, name: str) -> Documents:
        """A few items."""
        return list(self._documents(name, None, Interval(), _SAMPLES))

    def _collection(self, name: str) -> ApiCollection:
        made = self._made.get(name)
        if made is None:
            made = ApiCollection(self, name, self._mosaic, self._apply_scale, self._refresh_s, self._clock)
        return self._made.setdefault(name, made)

    def _open(self, before: _Api | None) -> _Api:
        try:
            client = Client.open(self.location, stac_io=self._files)
            link = client.get_single_link("data")
            address = link.get_absolute_href() if link else None
            pages = self._files.get_pages(address or f"{self.location.rstrip('/')}/collections")
            documents = [document for page in pages for document in page["collections"]]
            return _Api(client, {str(document["id"]): document for document in documents})
        except _FAILURES as error:
            raise self._away(error) from error

    def _search(self, name: str, boxes: tuple[Bounds, ...], interval: Interval) -> ItemIndex:
        documents: dict[str, tuple[Mapping[str, Any], str]] = {}
        for box in boxes:
            for document, location in self._documents(name, box, interval, self._max_items + 1):
                documents[str(document.get("id"))] = document, location
                if len(documents) > self._max_items:
                    raise TooLarge(
                        f"{self.location} finds more than {self._max_items} items of {name}: ask for a smaller area or "
                        "a shorter time"
                    )
        return ItemIndex(usable_items(documents.values(), collection_rules(self.document(name), self._apply_scale)))

    def _documents(
        self, name: str, box: Bounds | None, interval: Interval, limit: int
    ) -> Iterator[tuple[Mapping[str, Any], str]]:
        """Items as (document, location), from all pages up to ``limit`` items."""
        client = self._api.get().client
        try:
            search = client.search(
                method=_search_method(client),
                collections=[name],
                bbox=box,
                datetime=f"{interval.start or '..'}/{interval.end or '..'}" if interval != Interval() else None,
                limit=min(limit, _PAGE),
                max_items=limit,
            )
            for document in search.items_as_dicts():
                yield document, self._location_of(name, document)
        except _FAILURES as error:
            raise self._away(error) from error

    def _location_of(self, name: str, document: Mapping[str, Any]) -> str:
        """Where relative addresses of an item start: at its own address."""
        links = [link for link in document.get("links") or () if isinstance(link, Mapping)]
        hrefs = [str(link.get("href")) for link in links if link.get("rel") == "self"]
        usual = f"{self.location.rstrip('/')}/collections/{name}/items/{document.get('id')}"
        return hrefs[0] if hrefs and is_http(hrefs[0]) else usual

    def _away(self, error: Exception) -> SourceUnavailable:
        reason = str(error)[:300] or type(error).__name__
        return SourceUnavailable(f"the STAC API {shown(self.location)} does not answer: {reason}")


class ApiCollection:
    """One collection of a STAC API; implements :class:`Collection`."""

    def __init__(
        self,
        catalog: ApiCatalog,
        name: str,
        mosaic: str,
        apply_scale: bool,
        refresh_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._catalog, self._name, self._mosaic, self._apply_scale = catalog, name, mosaic, apply_scale
        self._described = Refreshed(self._describe, refresh_s, clock)

    @property
    def info(self) -> CollectionInfo:
        return self._described.get()[1]

    @property
    def mosaic(self) -> str:
        return self._mosaic

    def version(self) -> str:
        return f"{self._catalog.location} {self._name} {self._mosaic} {self._apply_scale} {self._catalog.version()}"

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        wide = tuple(sorted({whole_degrees(box) for box in boxes}))
        try:
            found = self._catalog.find(self._name, wide, interval)
        except TooLarge:
            if all(box[2] - box[0] > 1.0 and box[3] - box[1] > 1.0 for box in boxes):
                raise
            found = self._catalog.find(self._name, tuple(boxes), interval)  # there may be too many around it only
        return found.search(boxes, interval)

    def _describe(
        self, before: tuple[Mapping[str, Any], CollectionInfo] | None
    ) -> tuple[Mapping[str, Any], CollectionInfo]:
        document = self._catalog.document(self._name)
        if before is not None and before[0] == document:
            return before
        rules = collection_rules(document, self._apply_scale)
        samples = [] if is_complete(document, rules) else self._catalog.sample(self._name)
        return document, collection_info(document, samples, rules, local_fields)


def whole_degrees(box: Bounds) -> Bounds:
    """The box widened to whole degrees, at least one each way, within the globe."""
    west, south = max(-180, math.floor(box[0])), max(-90, math.floor(box[1]))
    east, north = min(180, math.ceil(box[2])), min(90, math.ceil(box[3]))
    west, south = min(west, 179), min(south, 89)
    return float(west), float(south), float(max(east, west + 1)), float(max(north, south + 1))


def _search_method(client: Client) -> str:
    """POST where the landing page offers it."""
    methods = {str(link.extra_fields.get("method", "GET")).upper() for link in client.get_links("search")}
    return "POST" if "POST" in methods else "GET"
