"""Requests for coverages, and the pixels that they mean.

As in WCS, a request in the storage CRS and at its resolution gets a window of the native lattice, bit for bit.

Source: OGC 19-087 draft (OGC API - Coverages): requirements classes subsetting, scaling, field selection and CRS.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ogcserver.coverages.boxes import AxisRange, Box, base_grid
from ogcserver.coverages.sizes import limited, whole
from ogcserver.cube import Band, View
from ogcserver.errors import InvalidParameter, InvalidScale
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.jobs.layers import Layer
from ogcserver.maps.frames import grid_over
from ogcserver.ogcapi.crs import Crs, crs_parameter, storage_crs
from ogcserver.ogcapi.subsets import Chosen, Region, axis_of
from ogcserver.ows.kvp import Kvp, integer, number

_SCALE = re.compile(r"\s*([A-Za-z]+)\(([^()]*)\)\s*")
_SCALINGS = ("scale-factor", "scale-axes", "scale-size", "scaleSize", "width", "height")

AxisScales = tuple[tuple[str, float], ...]
"""Axis as the request calls it, and its number."""


@dataclass(frozen=True)
class Scaling:
    """Which size is asked for."""

    factors: AxisScales = ()
    """The number of pixels is divided by these; ``*`` is all axes."""
    sizes: AxisScales = ()
    """Numbers of pixels."""
    width: float | None = None
    height: float | None = None
    """Columns and rows, in place of ``sizes``."""

    @property
    def full(self) -> bool:
        """Whether it gives the whole size."""
        return len(self.sizes) == 2 or bool(self.width and self.height)

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> Scaling:
        """
        Raises:
            InvalidParameter: two ways of scaling at once; InvalidScale: a number that cannot be used.
        """
        given = [name for name in _SCALINGS if name in kvp]
        if len(given) > 1 and set(given) != {"width", "height"}:
            raise InvalidParameter(f"{' and '.join(given)} cannot be combined", locator=given[1])
        factor = kvp.optional("scale-factor", _positive)
        if factor is not None:
            return cls(factors=(("*", factor),))
        if axes := kvp.optional("scale-axes", lambda text: _scales(text, _positive)):
            return cls(factors=axes)
        sizes = kvp.optional("scale-size", lambda text: _scales(text, _count))
        sizes = sizes or kvp.optional("scaleSize", lambda text: _scales(text, _count)) or ()
        return cls((), sizes, kvp.optional("width", _count), kvp.optional("height", _count))


@dataclass(frozen=True)
class CoverageAsk:
    """A coverage, as the query asks for it."""

    chosen: Chosen
    crs: Crs | None
    """Of the answer; None is the storage CRS."""
    scaling: Scaling
    properties: tuple[str, ...]
    """Names of the fields; empty for all."""
    excluded: tuple[str, ...]

    @property
    def all_fields(self) -> bool:
        return not (self.properties or self.excluded)

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> CoverageAsk:
        """
        Raises:
            InvalidParameter, InvalidAxis, CrsError, InvalidSubset: as :meth:`Chosen.from_kvp`.
            InvalidScale: a number that cannot be used.
        """
        properties, excluded = kvp.listed("properties"), kvp.listed("exclude-properties")
        if properties and excluded:
            raise InvalidParameter("properties and exclude-properties cannot be combined", locator="properties")
        crs = kvp.optional("crs", crs_parameter)
        return cls(Chosen.from_kvp(kvp), crs, Scaling.from_kvp(kvp), properties, excluded)


@dataclass(frozen=True)
class Part:
    """The part of a coverage that an answer holds."""

    view: View
    crs: Crs


def place_coverage(ask: CoverageAsk, layer: Layer, max_pixels: int) -> Part:
    """The pixels that a request means.

    The box is cut to the coverage; but where the request says its size, too, it has exactly that box.

    Raises:
        InvalidSubset: nothing of the coverage lies there or then.
        InvalidParameter: no such field, or a point in a CRS other than the storage CRS.
        CoordinateError: the box cannot be expressed in the CRS of the answer or of the coverage.
        TooLarge: over ``max_pixels`` columns x rows; nothing is allocated before.
    """
    coverage = layer.description
    native = coverage.grid
    crs = ask.crs or storage_crs(native.crs)
    region, period = ask.chosen.region, ask.chosen.period
    times = period.among(coverage.times) if period else ()
    fields = choose_fields(coverage.bands, ask.properties, ask.excluded)
    _check_area(region, native, crs)
    box = region.box if region else Box(native.crs, AxisRange(), AxisRange())
    base = base_grid(box, native, crs.name)
    width, height = limited(*_shape(base, ask.scaling, crs), max_pixels, "scale-factor")
    grid = _stretched(base, width, height, native, _exact(ask, box, native, crs))
    return Part(View(grid, fields, times, layer.resampling), crs)


def _check_area(region: Region | None, native: Grid, crs: Crs) -> None:
    """
    Raises:
        InvalidParameter: a point or line, of which only the native pixels can be told.
    """
    if region is None or crs.name == native.crs:
        return
    for axis in (region.x, region.y):
        if axis.low == axis.high:
            raise InvalidParameter(f"{axis.label}: a single position can be had in the storage CRS only", locator="crs")


def _exact(ask: CoverageAsk, box: Box, native: Grid, crs: Crs) -> Bounds | None:
    """The very box of a request that gives box and size in the CRS of the answer; else None.

    Source: ogcapi-coverages-1, /req/scaling-spatial/width-and-height D.
    """
    bounds = (box.x.low, box.y.low, box.x.high, box.y.high)
    sized = ask.scaling.full and all(map(math.isfinite, bounds))
    return bounds if sized and box.crs == crs.name and bounds[0] < bounds[2] and bounds[1] < bounds[3] else None


def _stretched(base: Grid, width: int, height: int, native: Grid, exact: Bounds | None) -> Grid:
    if exact is not None:
        return grid_over(base.crs, exact, width, height, native)
    if (width, height) == (base.width, base.height):
        return base
    return Grid.from_bounds(base.crs, base.bounds, width, height)


def _shape(base: Grid, scaling: Scaling, crs: Crs) -> tuple[float, float]:
    """Whole numbers as floats, so that absurd ones cost nothing."""
    shape: dict[str, float] = {"x": base.width, "y": base.height}
    for axis, factor in _by_axis(scaling.factors, crs):
        shape[axis] = whole(shape[axis] / factor)
    for axis, size in _by_axis(scaling.sizes, crs):
        shape[axis] = size
    return scaling.width or shape["x"], scaling.height or shape["y"]


def _by_axis(scales: AxisScales, crs: Crs) -> Iterable[tuple[str, float]]:
    """
    Raises:
        InvalidAxis: the CRS has no such axis; InvalidParameter: one occurs twice.
    """
    found: dict[str, float] = {}
    for name, value in scales:
        for axis in ("x", "y") if name == "*" else (axis_of(name, crs),):
            if axis in found:
                raise InvalidParameter(f"the axis {name} is scaled twice", locator="scale-axes")
            found[axis] = value
    return found.items()


def choose_fields(bands: tuple[Band, ...], wanted: tuple[str, ...], excluded: tuple[str, ...]) -> tuple[str, ...]:
    """Names of bands, in the order of the request; of those that are not excluded in their own order.

    Raises:
        InvalidParameter: no such field, one that occurs twice, or none left.
    """
    names = tuple(band.name for band in bands)
    for name in (*wanted, *excluded):
        if name not in names:
            raise InvalidParameter(
                f"there is no field {name[:60]!r}; there are {', '.join(names)}", locator="properties"
            )
    if len(set(wanted)) < len(wanted):
        raise InvalidParameter("a field occurs twice", locator="properties")
    chosen = wanted or tuple(name for name in names if name not in excluded)
    if not chosen:
        raise InvalidParameter("all fields are excluded", locator="exclude-properties")
    return chosen


def _scales(text: str, convert: Callable[[str], float]) -> AxisScales:
    """``Lat(2),Lon(2)``.

    Raises:
        InvalidParameter: anything else; InvalidScale: as ``convert``.
    """
    found = []
    for part in text.split(","):
        match = _SCALE.fullmatch(part)
        if not match:
            raise InvalidParameter(f"{text[:80]!r} is no scaling such as Lat(2),Lon(2)")
        found.append((match[1], convert(match[2])))
    return tuple(found)


def _positive(text: str) -> float:
    value = number(text)
    if value <= 0.0:
        raise InvalidScale(f"a factor must be above 0, not {text[:40]}")
    return value


def _count(text: str) -> float:
    value = integer(text)
    if value < 1:
        raise InvalidScale(f"a size must be at least one pixel, not {text[:40]}")
    return float(value)
