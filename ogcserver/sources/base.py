"""What a source of pixels says of itself: collections, their items, and where each band of an item lies.

A *collection* finds *items*; an item names, for each band, a *place* that a raster reader opens. Nothing here reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ogcserver.cube import Band
from ogcserver.geo.grid import Bounds, Grid, Lattice
from ogcserver.timeline import Interval, start_of


@dataclass(frozen=True)
class Extent:
    """Where a raster's pixels lie: ``width`` x ``height`` pixels from the lattice's pixel (0, 0) on."""

    lattice: Lattice
    width: int
    height: int

    @cached_property
    def grid(self) -> Grid:
        """All of its pixels."""
        return Grid(self.lattice, 0, 0, self.width, self.height)


@dataclass(frozen=True)
class FileBand:
    """A band of a raster file: a local path, or an http(s) address that the operator's catalogue named."""

    href: str
    index: int = 1
    """Number of the band in the file, from 1."""
    crs: str | None = None
    """Used when the file itself has no CRS."""


@dataclass(frozen=True)
class CubeBand:
    """One time step of a variable of a netCDF file, read through xarray (which unpacks and masks it)."""

    href: str
    variable: str
    step: int | None = None
    """Position on the time axis; None: the variable has none."""
    crs: str | None = None


@dataclass(frozen=True)
class ArrayBand:
    """A band held in memory, by the name that its collection knows it by."""

    name: str


Place = FileBand | CubeBand | ArrayBand


@dataclass(frozen=True)
class BandSource:
    """How a band of one item is read: physical value = stored * scale + offset."""

    place: Place
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    """Stored value of missing pixels by the catalogue; None: what the file says."""
    extent: Extent | None = None
    """By the catalogue (STAC proj:*), to choose grids without opening files; for reading the file's header decides."""


@dataclass(frozen=True, eq=False)
class Item:
    """A scene: what was observed at one time, on one or several files."""

    id: str
    time: str
    """Label, see :mod:`ogcserver.timeline`."""
    bands: Mapping[str, BandSource]
    boxes: tuple[Bounds, ...]
    """Longitude/latitude boxes within -180..180 that hold the footprint; two where it crosses 180 degrees."""


@dataclass(frozen=True, eq=False)
class Observation:
    """Items that are one observation: those of one pass, mosaicked. Where several cover a pixel the first wins."""

    time: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class BandInfo:
    """What is known of a collection's band, for its description and for graphs that choose bands."""

    band: Band
    common_name: str = ""
    """STAC common name, such as ``red``; in lists of bands it is a name besides the identifier."""
    description: str = ""
    wavelength_nm: float | None = None
    resolution_m: float | None = None
    stored_dtype: str = ""
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    """The stored value; ``band.nodata`` is None for scaled bands, whose logical dtype is a float."""


@dataclass(frozen=True)
class CollectionInfo:
    """A collection as its catalogue describes it."""

    id: str
    bands: tuple[BandInfo, ...]
    title: str = ""
    description: str = ""
    licence: str = ""
    providers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    boxes: tuple[Bounds, ...] = ((-180.0, -90.0, 180.0, 90.0),)
    """Longitude/latitude boxes within -180..180."""
    interval: tuple[str, str] = ("", "")
    """First and last moment, "" for open."""


class Collection(Protocol):
    """A searchable set of items. Called from many threads."""

    @property
    def info(self) -> CollectionInfo: ...

    @property
    def mosaic(self) -> str:
        """Which items are one observation: those of a UTC ``"day"`` (the default), or of one ``"time"``."""
        ...

    def version(self) -> str:
        """Changes whenever a search may find something else, or a file's pixels may have changed."""
        ...

    def search(self, boxes: Sequence[Bounds], interval: Interval) -> tuple[Item, ...]:
        """Items that meet one of the lon/lat boxes and the interval, ordered by time, then id.

        Raises:
            SourceUnavailable: the catalogue does not answer.
        """
        ...


def group(items: Sequence[Item], mosaic: str) -> tuple[Observation, ...]:
    """Observations, by time. Items of a day get the day as label, so that it never hangs on which of them are found."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        label = item.time[:10] if mosaic == "day" and "/" not in item.time else item.time
        groups.setdefault(label, []).append(item)
    observations = (Observation(label, tuple(found)) for label, found in groups.items())
    return tuple(sorted(observations, key=lambda observation: start_of(observation.time)))
