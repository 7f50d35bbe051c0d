"""Catalogues of every kind, and the union of those that a server is set up with."""

from __future__ import annotations

import difflib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ogcserver.errors import CollectionNotFound, SourceUnavailable
from ogcserver.sources.base import Collection, CollectionInfo
from ogcserver.sources.documents import DocumentReader
from ogcserver.sources.hrefs import is_http, is_remote, local_location
from ogcserver.sources.refreshed import Refreshed
from ogcserver.sources.single import SingleFile
from ogcserver.sources.stac_api import ApiCatalog
from ogcserver.sources.stac_static import StaticCatalog

_LOG = logging.getLogger(__name__)
_RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".jp2"})
_ROOTS = ("catalog.json", "collection.json")

Reasons = list[SourceUnavailable]
"""Why catalogues do not answer."""


class Catalog(Protocol):
    """A source of collections. Called from many threads."""

    location: str

    def collections(self) -> Mapping[str, Collection]:
        """By id, in order. An object may be kept: it follows the changes of its collection.

        Raises:
            SourceUnavailable: the catalogue does not answer; another attempt may succeed.
        """
        ...

    def close(self) -> None:
        """Closes connections."""
        ...


@dataclass(frozen=True)
class CatalogSpec:
    """Where a catalogue is, and how it is used."""

    location: str
    """Path or http(s) address of a STAC catalogue, collection or item, a STAC API, or one raster file; or a folder."""
    refresh_s: float = 300.0
    """How long it is trusted not to change; 0 looks on every call."""
    mosaic: str = "day"
    """Which items are one observation: ``day`` or ``time``."""
    apply_scale: bool = True
    """False leaves values as stored, whatever scale and offset the catalogue names."""
    max_items: int = 10_000
    """A search of a STAC API that finds more is refused."""
    timeout_s: float = 20.0
    """For each request over the network."""


def open_catalog(spec: CatalogSpec) -> Catalog:
    """The catalogue at a location, by what lies there. Nothing is read from the network yet, and nothing need be there.

    A folder stands for its catalog.json or collection.json.
    """
    location = spec.location if is_remote(spec.location) else local_location(spec.location)
    path = urlsplit(location).path if is_remote(location) else location
    reader = DocumentReader(spec.timeout_s)
    if Path(path).suffix.lower() in _RASTER_SUFFIXES:
        return SingleFile(
            location, refresh_s=spec.refresh_s, mosaic=spec.mosaic, apply_scale=spec.apply_scale, reader=reader
        )
    if is_http(location):
        return _WebCatalog(spec, reader, time.monotonic)
    return _static(spec, _root(location), reader)


def _root(location: str) -> str:
    folder = Path(location)
    if not folder.is_dir():
        return location if folder.suffix else str(folder / _ROOTS[0])
    return str(next((folder / name for name in _ROOTS if (folder / name).exists()), folder / _ROOTS[0]))


def _static(spec: CatalogSpec, location: str, reader: DocumentReader) -> StaticCatalog:
    return StaticCatalog(
        location, refresh_s=spec.refresh_s, mosaic=spec.mosaic, apply_scale=spec.apply_scale, reader=reader
    )


class _WebCatalog:
    """A catalogue at an http(s) address: whether it is a STAC API or static shows when it answers."""

    def __init__(self, spec: CatalogSpec, reader: DocumentReader, clock: Callable[[], float]) -> None:
        self.location = spec.location
        self._spec, self._reader = spec, reader
        self._opened: Catalog | None = None
        self._catalog = Refreshed(self._open, spec.refresh_s, clock)

    def collections(self) -> Mapping[str, Collection]:
        return self._catalog.get().collections()

    def close(self) -> None:
        self._reader.close()
        if self._opened is not None:
            self._opened.close()

    def _open(self, before: Catalog | None) -> Catalog:
        if before is not None:
            return before
        spec, document = self._spec, self._reader.read(self.location)
        links = document.data.get("links")
        relations = {link.get("rel") for link in links or () if isinstance(link, Mapping)}
        if "conformsTo" not in document.data and "search" not in relations:
            self._opened = _static(spec, self.location, self._reader)
            return self._opened
        self._opened = ApiCatalog(
            document.location,
            refresh_s=spec.refresh_s,
            mosaic=spec.mosaic,
            apply_scale=spec.apply_scale,
            max_items=spec.max_items,
            timeout_s=spec.timeout_s,
        )
        return self._opened


class Catalogs:
    """The collections of several catalogues. Of collections with one id that of the first catalogue is used.

    A catalogue that does not answer is passed over, and asked again later.
    """

    def __init__(self, catalogs: Sequence[Catalog]) -> None:
        self._catalogs = tuple(catalogs)
        self._hidden: set[tuple[str, str]] = set()

    def get(self, collection_id: str) -> Collection:
        """The collection with this id.

        Raises:
            CollectionNotFound: there is none.
            SourceUnavailable: a catalogue that may have it does not answer.
        """
        away: Reasons = []
        for catalog in self._catalogs:  # on the path of every tile: one lookup, however many collections there are
            try:
                found = catalog.collections().get(collection_id)
            except SourceUnavailable as error:
                away.append(error)
                continue
            if found is not None:
                return found
        if away:
            raise SourceUnavailable(
                f"collection {collection_id} is not known, and {away[0].message}", locator=away[0].locator
            )
        raise CollectionNotFound(_not_found(collection_id, self._collections([])), locator=collection_id)

    def list(self) -> tuple[CollectionInfo, ...]:
        """All collections that can be described now."""
        away: Reasons = []
        found = []
        for name, collection in self._collections(away).items():
            try:
                found.append(collection.info)
            except SourceUnavailable as error:
                _LOG.warning("collection %s cannot be described: %s", name, error.message)
        return tuple(found)

    def close(self) -> None:
        """Closes the connections of all catalogues."""
        for catalog in self._catalogs:
            catalog.close()

    def _collections(self, away: Reasons) -> dict[str, Collection]:
        """By id; adds to ``away``."""
        found: dict[str, Collection] = {}
        for catalog in self._catalogs:
            try:
                collections = catalog.collections()
            except SourceUnavailable as error:
                _LOG.warning("catalogue %s is passed over: %s", catalog.location, error.message)
                away.append(error)
                continue
            for name, collection in collections.items():
                hidden = name, catalog.location
                if found.setdefault(name, collection) is not collection and hidden not in self._hidden:
                    self._hidden.add(hidden)
                    _LOG.warning("collection %s of %s is hidden by another of that name", name, catalog.location)
        return found


def _not_found(collection_id: str, known: Mapping[str, Collection]) -> str:
    close = difflib.get_close_matches(collection_id, known, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"there is no collection {collection_id[:100]!r}{hint}"
