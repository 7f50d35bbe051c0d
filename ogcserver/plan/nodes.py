"""The operations of a plan, in the vocabulary of today's openEO processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ogcserver.cube import Array, Band, CubeType, View, compute_dtype
from ogcserver.geo.crs import WGS84
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.geo.warp import covers, inside
from ogcserver.plan.expr import Expr, Mapped
from ogcserver.plan.reducers import REDUCERS
from ogcserver.plan.scalar import Program, evaluate, select
from ogcserver.timeline import ALWAYS, Interval


@dataclass(frozen=True)
class Region:
    """A box on the ground; a pixel belongs to it when its centre does, left and lower edge included."""

    crs: str = WGS84
    bounds: Bounds = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, eq=False)
class Load(Expr):
    """The observations of a collection.  Source: openEO ``load_collection``."""

    collection: str
    bands: tuple[Band, ...]
    interval: Interval = ALWAYS
    """Observations outside of it are left out."""
    regions: tuple[Region, ...] = ()
    """Boxes outside of which no pixel is used by the rest of the plan; they narrow the search, they mask nothing."""

    @cached_property
    def type(self) -> CubeType:
        return CubeType(self.bands, temporal=True)


@dataclass(frozen=True, eq=False)
class FilterBands(Mapped):
    """Some bands, in the given order.  Source: openEO ``filter_bands``."""

    data: Expr
    bands: tuple[str, ...]

    @cached_property
    def type(self) -> CubeType:
        return CubeType(tuple(self.data.type.band(name) for name in self.bands), self.data.type.temporal)

    def apply(self, view: View, *arrays: Array) -> Array:
        return arrays[0]


@dataclass(frozen=True, eq=False)
class FilterTemporal(Mapped):
    """The observations of an interval.  Source: openEO ``filter_temporal``."""

    data: Expr
    interval: Interval

    @cached_property
    def type(self) -> CubeType:
        return self.data.type

    def apply(self, view: View, *arrays: Array) -> Array:
        return arrays[0]


@dataclass(frozen=True, eq=False)
class FilterBbox(Mapped):
    """Pixels outside of a box are missing.  Source: openEO ``filter_bbox``."""

    data: Expr
    region: Region

    @cached_property
    def type(self) -> CubeType:
        return self.data.type

    def covers(self, grid: Grid) -> bool:
        """Whether the box surely holds every pixel of a grid, so that nothing is missing."""
        return covers(grid, self.region.crs, self.region.bounds)

    def apply(self, view: View, *arrays: Array) -> Array:
        mask = inside(view.grid, self.region.crs, self.region.bounds)
        return arrays[0] if mask is None else np.where(mask, arrays[0], np.asarray(np.nan, arrays[0].dtype))


@dataclass(frozen=True, eq=False)
class BandMath(Mapped):
    """New bands, each computed from the bands of the same pixel.  Source: openEO ``apply``, ``reduce_dimension``."""

    data: Expr
    program: Program
    bands: tuple[Band, ...]
    """One for each output of the program."""

    @cached_property
    def type(self) -> CubeType:
        return CubeType(self.bands, self.data.type.temporal)

    def needed(self, bands: tuple[str, ...]) -> Program:
        """The part of the program that computes these outputs."""
        return select(self.program, tuple(self.type.names.index(name) for name in bands))

    def demand(self, view: View) -> tuple[View, ...]:
        # a program of constants still needs an array to take the shape from
        wanted = self.needed(view.bands).bands or self.data.type.names[:1]
        return (replace(view, bands=wanted),)

    def apply(self, view: View, *arrays: Array) -> Array:
        program = self.needed(view.bands)
        dtype = compute_dtype(self.bands)  # whatever is read along: a band has the same bits alone and among others
        return evaluate(program, arrays[0][0].astype(dtype, copy=False))[None]


@dataclass(frozen=True, eq=False)
class Merge(Mapped):
    """All observations and bands of several cubes; where they meet, the first that has a value wins.

    Source: openEO ``merge_cubes`` with the overlap resolver ``first``.
    """

    cubes: tuple[Expr, ...]

    @cached_property
    def type(self) -> CubeType:
        bands: dict[str, Band] = {}
        for cube in self.cubes:
            for band in cube.type.bands:
                known = bands.setdefault(band.name, band)
                bands[band.name] = _common(known, band)
        return CubeType(tuple(bands.values()), self.cubes[0].type.temporal)

    def demand(self, view: View) -> tuple[View, ...]:
        return tuple(replace(view, bands=_shared(cube, view.bands)) for cube in self.cubes)

    def apply(self, view: View, *arrays: Array) -> Array:
        dtype = compute_dtype(tuple(self.type.band(name) for name in view.bands))
        result = np.full((1, len(view.bands), *view.grid.shape), np.nan, dtype)
        for cube, array in zip(self.cubes, arrays, strict=True):
            for index, name in enumerate(_shared(cube, view.bands)):
                if name in view.bands:
                    plane = result[0, view.bands.index(name)]
                    np.copyto(plane, array[0, index], where=np.isnan(plane))
        return result


def _shared(cube: Expr, bands: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted bands that a cube has; a cube that has none is asked for its first, to keep views well formed."""
    return tuple(name for name in bands if name in cube.type.names) or cube.type.names[:1]


def _common(a: Band, b: Band) -> Band:
    if (a.dtype, a.nodata) == (b.dtype, b.nodata):
        return a
    dtype = np.result_type(np.dtype(a.dtype), np.dtype(b.dtype), np.float32)
    return Band(a.name, dtype.name, None, a.unit)


@dataclass(frozen=True, eq=False)
class Reduce(Expr):
    """One value for each series of observations.  Source: openEO ``reduce_dimension`` over ``t``."""

    data: Expr
    reducer: str
    """A key of :data:`ogcserver.plan.reducers.REDUCERS`."""

    @property
    def time_local(self) -> bool:
        return False

    @cached_property
    def type(self) -> CubeType:
        bands = tuple(REDUCERS[self.reducer].band(band) for band in self.data.type.bands)
        return CubeType(bands, temporal=False)
