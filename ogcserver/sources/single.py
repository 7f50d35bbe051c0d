"""One raster file as a collection of one item.

The item's time is the file's TIFFTAG_DATETIME. A file without it is *undated*: its label is the span from 1970 to the
end of year 9999, so that it is found whatever days a graph asks for (as suits elevation or land cover), while the label
says that no date is known. The file's time of change is no date of its content and is never used as one.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ogcserver.errors import InvalidParameter, SourceUnavailable
from ogcserver.geo.crs import bounds_lonlat_boxes
from ogcserver.geo.grid import Bounds
from ogcserver.sources.base import BandSource, CollectionInfo, Extent, FileBand, Item
from ogcserver.sources.documents import DocumentReader
from ogcserver.sources.hrefs import is_remote, local_location
from ogcserver.sources.index import ItemIndex
from ogcserver.sources.raster import shown
from ogcserver.sources.raster_file import RasterFile, read_raster_file
from ogcserver.sources.refreshed import Refreshed
from ogcserver.sources.stac_collection import band_info
from ogcserver.sources.stac_proj import extent_bounds, extent_metres
from ogcserver.timeline import Interval, format_instant, label, parse_instant, span

UNDATED = "1970-01-01T00:00:00Z/9999-12-31T23:59:59Z"
"""Label of an observation whose date is not known: it lies in every interval after 1970."""

_TIFF_DATE = re.compile(r"^(\d{4}):(\d\d):(\d\d)(?:[ T](\d\d:\d\d:\d\d))?$")


@dataclass(frozen=True, eq=False)
class _Opened:
    stamp: str
    info: CollectionInfo
    index: ItemIndex
    version: str


class SingleFile:
    """A catalogue of one collection, which is this object too: a GeoTIFF or JPEG 2000 file by path or http(s) address.

    Args:
        refresh_s: how long the file is trusted not to change; then its size and time of change are compared, or the
            server's ETag.
        apply_scale: False leaves values as stored, whatever scale and offset the file names.
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
        self._mosaic, self._apply_scale = mosaic, apply_scale
        self._reader = reader or DocumentReader()
        self._opened = Refreshed(self._open, refresh_s, clock)

    def collections(self) -> Mapping[str, SingleFile]:
        """This one, by its id; also while the file is away."""
        return {file_id(self.location): self}

    def close(self) -> None:
        """Closes connections."""
        self._reader.close()

    @property
    def info(self) -> CollectionInfo:
        return self._opened.get().info

    @property
    def mosaic(self) -> str:
        return self._mosaic

    def version(self) -> str:
        try:
            return self._opened.get().version
        except SourceUnavailable:
            return "unavailable"

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        return self._opened.get().index.search(boxes, interval)

    def _open(self, before: _Opened | None) -> _Opened:
        try:
            stamp = self._reader.stamp(self.location)
        except SourceUnavailable:
            stamp = ""  # some servers refuse HEAD; reading the file tells whether it is there
        if before is not None and stamp and stamp == before.stamp:
            return before
        file = read_raster_file(self.location)
        if file.extent is None:
            raise SourceUnavailable(f"{shown(self.location)} has no CRS, or no north-up grid")
        item = self._item(file, file.extent)
        text = "\x1f".join([self.location, stamp, item.time, self._mosaic, repr(item.bands)])
        version = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return _Opened(stamp, self._info(file, item, file.extent), ItemIndex([item]), version)

    def _item(self, file: RasterFile, extent: Extent) -> Item:
        bands = {}
        for index, band in enumerate(file.bands, start=1):
            scale, offset = (band.scale, band.offset) if self._apply_scale else (1.0, 0.0)
            place = FileBand(self.location, index, extent.lattice.crs)
            bands[band.name] = BandSource(place, scale, offset, None, extent)
        boxes = bounds_lonlat_boxes(extent.lattice.crs, extent_bounds(extent))
        return Item(file_id(self.location), file_time(file.tags), bands, boxes)

    def _info(self, file: RasterFile, item: Item, extent: Extent) -> CollectionInfo:
        resolution = extent_metres(extent)
        first, last = ("", "") if item.time == UNDATED else map(format_instant, span(item.time))
        bands = tuple(band_info(band, resolution, False, self._apply_scale) for band in file.bands)
        title = file.tags.get("TIFFTAG_DOCUMENTNAME", "")
        description = file.tags.get("TIFFTAG_IMAGEDESCRIPTION", "")
        return CollectionInfo(item.id, bands, title, description, boxes=item.boxes, interval=(first, last))


def file_id(location: str) -> str:
    """The file's name without ending as an XML NCName: letters, digits, ``_``, ``-`` and ``.``."""
    path = unquote(urlsplit(location).path) if is_remote(location) else location
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", PurePosixPath(path).stem)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def file_time(tags: Mapping[str, str]) -> str:
    """The label from TIFFTAG_DATETIME (``YYYY:MM:DD hh:mm:ss``, taken as UTC), else :data:`UNDATED`."""
    match = _TIFF_DATE.match(tags.get("TIFFTAG_DATETIME", "").strip())
    if match is None:
        return UNDATED
    year, month, day, clock = match.groups()
    try:
        return label(parse_instant(f"{year}-{month}-{day}T{clock or '00:00:00'}Z"))
    except InvalidParameter:
        return UNDATED
