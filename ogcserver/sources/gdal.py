"""Raster files through GDAL, with open handles kept in a bounded pool."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import rasterio
from affine import Affine
from cachetools import LRUCache
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from ogcserver.errors import CrsError, InvalidParameter
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Lattice
from ogcserver.sources.base import Extent, FileBand, Place
from ogcserver.sources.raster import Header, Identity, Raw, Window, identity, unreadable

_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_TIMEOUT": "30",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "VSI_CACHE": "TRUE",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif,.tiff,.jp2,.TIF,.TIFF,.JP2",
}
_DRIVERS = ("GTiff", "JP2OpenJPEG")
"""What a file may be: formats that cannot name other files."""


_Key = tuple[str, int, Identity]
"""Address, level and identity of an open dataset."""


@dataclass(frozen=True)
class _File:
    """What is remembered of a file."""

    header: Header
    masked: bool
    flipped: bool
    """Whether rows are stored from south to north."""


class GdalReader:
    """Reads :class:`FileBand`. A handle is used by one thread at a time; idle ones are kept, the oldest are closed.

    Args:
        max_handles: idle datasets kept open.
        block_mb: size of GDAL's cache of decoded blocks, which is one for the process.
    """

    def __init__(self, max_handles: int = 512, block_mb: int = 256) -> None:
        self._max_handles = max_handles
        self._options = {**_OPTIONS, "GDAL_CACHEMAX": block_mb << 20}  # rasterio passes bytes on
        self._idle: OrderedDict[_Key, list[DatasetReader]] = OrderedDict()
        self._idle_count = 0
        self._files: LRUCache[tuple[FileBand, int, Identity], _File] = LRUCache(65536)
        self._lock = threading.Lock()

    def header(self, place: Place) -> Header:
        return self._file(place, 0).header

    def level(self, place: Place, level: int) -> Extent:
        return self._file(place, level).header.extent

    def read(self, place: Place, level: int, window: Window) -> Raw:
        file, place = self._file(place, level), _file_band(place)
        row = file.header.extent.height - window.row - window.height if file.flipped else window.row
        part = RasterioWindow(window.col, row, window.width, window.height)
        with self._opened(place.href, level) as dataset:
            values = dataset.read(place.index, window=part)
            mask = dataset.read_masks(place.index, window=part) if file.masked else None
        if not file.flipped:
            return Raw.of(values, mask, file.header.nodata)
        return Raw.of(values[::-1], None if mask is None else mask[::-1], file.header.nodata)

    def close(self) -> None:
        """Closes all idle handles."""
        with self._lock:
            handles = [handle for found in self._idle.values() for handle in found]
            self._idle.clear()
            self._idle_count = 0
        for handle in handles:
            handle.close()

    def _file(self, place: Place, level: int) -> _File:
        band = _file_band(place)
        key = (band, level, _identity(band.href))
        with self._lock:
            known = self._files.get(key)
        if known is None:
            with self._opened(band.href, level) as dataset:
                known = _describe(dataset, band)
            with self._lock:
                self._files[key] = known
        return known

    @contextmanager
    def _opened(self, href: str, level: int) -> Iterator[DatasetReader]:
        """A handle for this thread alone. One that failed is closed and not kept."""
        key = (href, level, _identity(href))
        handle = self._take(key)
        try:
            with rasterio.Env(**self._options):
                if handle is None:
                    handle = _open(href, level)
                yield handle
        except (RasterioError, OSError) as error:
            if handle is not None:
                handle.close()
            raise unreadable(href, f"cannot be read: {error}") from error
        except BaseException:
            if handle is not None:
                handle.close()
            raise
        self._give_back(key, handle)

    def _take(self, key: _Key) -> DatasetReader | None:
        with self._lock:
            found = self._idle.get(key)
            if not found:
                return None
            self._idle.move_to_end(key)
            self._idle_count -= 1
            return found.pop()

    def _give_back(self, key: _Key, handle: DatasetReader) -> None:
        closed: list[DatasetReader] = []
        with self._lock:
            self._idle.setdefault(key, []).append(handle)
            self._idle_count += 1
            while self._idle_count > self._max_handles:
                _, oldest = self._idle.popitem(last=False)
                closed += oldest
                self._idle_count -= len(oldest)
        for old in closed:
            old.close()


def _file_band(place: Place) -> FileBand:
    if not isinstance(place, FileBand):
        raise TypeError(f"GDAL reads files, not {type(place).__name__}")
    return place


def _identity(href: str) -> Identity:
    try:
        return identity(href)
    except OSError as error:
        raise unreadable(href, f"cannot be opened: {error.strerror}") from error


def _open(href: str, level: int) -> DatasetReader:
    if level:
        return DatasetReader(href, driver=list(_DRIVERS), overview_level=level - 1, sharing=False)
    return DatasetReader(href, driver=list(_DRIVERS), sharing=False)


def _describe(dataset: DatasetReader, band: FileBand) -> _File:
    if not 1 <= band.index <= dataset.count:
        raise unreadable(band.href, f"has no band {band.index}")
    flags = dataset.mask_flag_enums[band.index - 1]
    masked = MaskFlags.per_dataset in flags or MaskFlags.alpha in flags
    transform = dataset.transform
    crs = dataset.crs.to_wkt() if dataset.crs else band.crs
    if crs is None:
        raise unreadable(band.href, "has no coordinate reference system")
    lattice = _lattice(transform, dataset.height, crs, band.href)
    header = Header(
        Extent(lattice, dataset.width, dataset.height),
        dataset.dtypes[band.index - 1],
        None if masked else dataset.nodatavals[band.index - 1],
        (1.0, *map(float, sorted(dataset.overviews(band.index)))),
        dataset.block_shapes[band.index - 1],
    )
    return _File(header, masked, transform.e > 0)


def _lattice(transform: Affine, height: int, crs: str, href: str) -> Lattice:
    """The pixels of a file; rows counted from the north also where they are stored from the south."""
    if transform.b or transform.d or transform.a <= 0 or transform.e == 0 or transform == Affine.identity():
        raise unreadable(href, "is not on a north-up grid")
    top = transform.f + height * transform.e if transform.e > 0 else transform.f
    try:
        return Lattice(canonical(crs), transform.c, top, transform.a, abs(transform.e))
    except (CrsError, InvalidParameter) as error:
        raise unreadable(href, f"cannot be placed: {error.message}") from error
