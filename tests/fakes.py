"""Fakes that make every warp, crop and tile checkable by arithmetic: pixels that hold their own coordinates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ogcserver.cube import Band
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.errors import CollectionNotFound, StoredGraphNotFound
from ogcserver.geo.grid import Lattice
from ogcserver.graph.compile import compile_graph
from ogcserver.graph.model import BandName, Context
from ogcserver.plan.expr import Expr
from ogcserver.processes.registry import processes
from ogcserver.sources.base import ArrayBand, BandInfo, Collection, CollectionInfo, Extent, Place
from ogcserver.sources.memory import MemoryCollection, MemoryReader, array_item
from ogcserver.sources.raster import Header, RasterReader, Raw, Window
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings

UTM = Extent(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0), 700, 600)
"""14 x 12 km."""
TIMES = ("2017-01-05T10:00:00Z", "2017-01-15T10:00:00Z", "2017-02-04T10:00:00Z")
DAYS = tuple(time[:10] for time in TIMES)
"""Labels of the observations: what was observed on a day is one."""


class Archive:
    """Collections of arrays that grow as tests ask for them."""

    def __init__(self) -> None:
        self.arrays: dict[str, tuple[Extent, np.ndarray[Any, Any], float | None]] = {}
        self.collections: dict[str, Collection] = {}

    def add(
        self, name: str, scenes: Sequence[tuple[str, Extent, Mapping[str, Any]]], nodata: float | None = None
    ) -> None:
        """A collection of scenes: (time, extent, band -> array (height, width))."""
        items = []
        dtypes: dict[str, str] = {}
        for number, (time, extent, bands) in enumerate(scenes):
            names = {band: f"{name}/{number}/{band}" for band in bands}
            for band, array in bands.items():
                self.arrays[names[band]] = (extent, array, nodata)
                dtypes[band] = array.dtype.name
            items.append(array_item(f"{name}-{number}", time, extent, names))
        infos = tuple(
            BandInfo(Band(band, dtype, None if dtype.startswith("f") else nodata)) for band, dtype in dtypes.items()
        )
        self.collections[name] = MemoryCollection(CollectionInfo(name, infos), items)

    def get(self, name: str) -> Collection:
        if name not in self.collections:
            raise CollectionNotFound(f"there is no collection {name}")
        return self.collections[name]

    def bands(self, collection: str) -> tuple[BandName, ...]:
        return tuple(
            BandName(info.band, info.common_name, info.wavelength_nm) for info in self.get(collection).info.bands
        )

    def reader(self, rasters: RasterReader | None = None, skip_unreadable: bool = True) -> Reader:
        """Reads the arrays, or what another reader makes of their places."""
        return Reader({ArrayBand: rasters or MemoryReader(self.arrays)}, Samplings(16 << 20), skip_unreadable)

    def engine(self, rasters: RasterReader | None = None, skip_unreadable: bool = True, **limits: Any) -> Engine:
        return Engine(self.get, self.reader(rasters, skip_unreadable), Limits(**limits))

    def context(self, stored: Mapping[str, Any] | None = None) -> Context:
        return Context(processes(), self, Stored(stored or {}))


class PyramidReader:
    """The arrays of an archive with overviews by 2, 4 and 8, each of every second, fourth, eighth pixel."""

    factors = (1.0, 2.0, 4.0, 8.0)

    def __init__(self, arrays: Mapping[str, tuple[Extent, np.ndarray[Any, Any], float | None]]) -> None:
        self.full = MemoryReader(arrays)

    def header(self, place: Place) -> Header:
        header = self.full.header(place)
        return Header(header.extent, header.dtype, header.nodata, self.factors)

    def level(self, place: Place, level: int) -> Extent:
        extent, factor = self.full.level(place, 0), int(self.factors[level])
        width, height = -(-extent.width // factor), -(-extent.height // factor)
        return Extent(extent.lattice.scaled(extent.width / width, extent.height / height), width, height)

    def read(self, place: Place, level: int, window: Window) -> Raw:
        extent, factor = self.full.level(place, 0), int(self.factors[level])
        raw = self.full.read(place, 0, Window(0, 0, extent.width, extent.height))
        part = raw.window(extent.height, extent.width)[0][::factor, ::factor]
        return Raw.of(part[window.row : window.row + window.height, window.col : window.col + window.width])


class CountingReader:
    """Passes on to another reader, and remembers what was read."""

    def __init__(self, inner: RasterReader) -> None:
        self.inner = inner
        self.reads: list[tuple[Place, int, Window]] = []

    def header(self, place: Place) -> Header:
        return self.inner.header(place)

    def level(self, place: Place, level: int) -> Extent:
        return self.inner.level(place, level)

    def read(self, place: Place, level: int, window: Window) -> Raw:
        self.reads.append((place, level, window))
        return self.inner.read(place, level, window)


class Stored:
    def __init__(self, graphs: Mapping[str, Any]) -> None:
        self.graphs = graphs

    def graph(self, name: str) -> Mapping[str, Any]:
        if name not in self.graphs:
            raise StoredGraphNotFound(f"there is no stored graph {name}")
        return self.graphs[name]


def coordinate_bands(extent: Extent, shift: float = 0.0) -> dict[str, Any]:
    """Bands ``x`` and ``y``, float64: the coordinates of each pixel's centre, and ``v``: float32 values that vary."""
    lattice = extent.lattice
    x = lattice.x0 + (np.arange(extent.width) + 0.5) * lattice.dx
    y = lattice.y0 - (np.arange(extent.height) + 0.5) * lattice.dy
    xs, ys = np.meshgrid(x, y)
    v = (np.sin(xs / 97.0) * np.cos(ys / 53.0) * 100.0 + shift).astype(np.float32)
    v[(xs // 700 + ys // 900) % 7 == shift % 7] = np.nan
    return {"x": xs, "y": ys, "v": v, "w": (v * 0.5 + 3).astype(np.float32)}


def utm_archive() -> Archive:
    """One collection ``utm`` with three dates on :data:`UTM`."""
    archive = Archive()
    archive.add("utm", [(time, UTM, coordinate_bands(UTM, number)) for number, time in enumerate(TIMES)])
    return archive


def product(name: str = "utm") -> dict[str, Any]:
    return {"product_id": name}


def node(process: str, **args: Any) -> dict[str, Any]:
    """A graph node; a trailing underscore keeps argument names that are Python words usable."""
    return {"process_id": process, "args": {name.rstrip("_"): value for name, value in args.items()}}


def compiled(archive: Archive, graph: object, stored: Mapping[str, Any] | None = None) -> Expr:
    """The plan of a graph over the archive."""
    return compile_graph(graph, archive.context(stored))


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)
