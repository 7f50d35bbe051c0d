"""Collections held in memory: for tests, and for data that another program computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ogcserver.errors import SourceUnavailable
from ogcserver.geo.crs import bounds_lonlat_boxes
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.sources.base import ArrayBand, BandSource, CollectionInfo, Extent, Item, Place
from ogcserver.sources.raster import Header, Raw, Stored, Window
from ogcserver.timeline import Interval, start_of


@dataclass(frozen=True, eq=False)
class MemoryReader:
    """Reads :class:`ArrayBand`: arrays ``(height, width)`` by name, each with its extent and stored nodata value."""

    arrays: Mapping[str, tuple[Extent, Stored, float | None]]

    def header(self, place: Place) -> Header:
        extent, array, nodata = self._array(place)
        return Header(extent, array.dtype.name, nodata)

    def level(self, place: Place, level: int) -> Extent:
        return self._array(place)[0]

    def read(self, place: Place, level: int, window: Window) -> Raw:
        _, array, nodata = self._array(place)
        part = array[window.row : window.row + window.height, window.col : window.col + window.width]
        return Raw.of(part, nodata=nodata)

    def _array(self, place: Place) -> tuple[Extent, Stored, float | None]:
        if not isinstance(place, ArrayBand) or place.name not in self.arrays:
            raise SourceUnavailable(f"there is no array {place}")
        return self.arrays[place.name]


@dataclass(frozen=True, eq=False)
class MemoryCollection:
    """Items in a list, searched one by one."""

    info: CollectionInfo
    items: Sequence[Item]
    mosaic: str = "day"
    revision: str = field(default="0")

    def version(self) -> str:
        return self.revision

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        found = [
            item
            for item in self.items
            if interval.holds(item.time) and any(_touch(a, b) for a in item.boxes for b in boxes)
        ]
        return tuple(sorted(found, key=lambda item: (start_of(item.time), item.time, item.id)))


def array_item(identifier: str, time: str, extent: Extent, names: Mapping[str, str]) -> Item:
    """An item whose bands are arrays; ``names`` gives the array of each band."""
    grid = Grid(extent.lattice, 0, 0, extent.width, extent.height)
    bands = {band: BandSource(ArrayBand(name), extent=extent) for band, name in names.items()}
    return Item(identifier, time, bands, bounds_lonlat_boxes(grid.crs, grid.bounds))


def _touch(a: Bounds, b: Bounds) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
