"""From a GetCoverage request to the pixels it means: a pure function of the request and the coverage's description.

A request in the coverage's own CRS and at its own resolution gets a window of the native lattice, so that its pixels
are the native ones bit for bit.

Source: OGC 09-110r4 clause 8.4 (trimming, slicing), 11-053r1 (CRSs), 12-039 (scaling), 12-040 (fields).
"""

from __future__ import annotations

from ogcserver.coverages.boxes import AxisRange, Box, base_grid
from ogcserver.coverages.sizes import limited, whole
from ogcserver.cube import Band, Resampling, View
from ogcserver.engine.describe import Description
from ogcserver.errors import InvalidAxis, InvalidParameter
from ogcserver.geo.grid import Grid
from ogcserver.ows.xml import ncnames
from ogcserver.wcs.axes import axis_of, grid_axis_of, is_time
from ogcserver.wcs.codes import IllegalFieldSequence, UnknownField, UnknownScaleAxis
from ogcserver.wcs.domain import Cut
from ogcserver.wcs.requests import GetCoverage, Scaling
from ogcserver.wcs.times import choose_times


def place(ask: GetCoverage, coverage: Description, resampling: Resampling, max_pixels: int) -> View:
    """What the engine shall compute.

    Args:
        resampling: of the coverage, where the request names no interpolation.
        max_pixels: the operator's limit on columns x rows.
    Raises:
        InvalidAxis, InvalidSubset, InvalidScale, InvalidParameter, UnknownField: as they say.
        CoordinateError: the subset cannot be expressed in the coverage's or the output's CRS.
        TooLarge: over ``max_pixels``; nothing is allocated before.
    """
    temporal = bool(coverage.times)
    crs = subset_crs(ask, coverage.grid.crs)
    spatial: dict[str, AxisRange] = {}
    times: tuple[str, ...] = ()
    for subset in ask.subsets:
        axis = axis_of(subset.axis, subset.crs or crs, temporal)
        if axis in spatial or (axis == "t" and times):
            raise InvalidAxis(f"the axis {subset.axis} is subset twice", locator=subset.axis)
        if axis == "t":
            times = choose_times(coverage.times, subset)
        else:
            spatial[axis] = AxisRange.of(subset.axis, subset.low, subset.high)
    box = Box(crs, spatial.get("x", AxisRange()), spatial.get("y", AxisRange()))
    target = ask.output_crs or ask.subsetting_crs or coverage.grid.crs
    grid = scaled(base_grid(box, coverage.grid, target), ask.scaling, coverage.grid.crs, max_pixels)
    return View(grid, choose_bands(coverage.bands, ask.fields), times, ask.interpolation or resampling)


def cut_of(ask: GetCoverage, coverage: Description, grid: Grid) -> Cut:
    """The axes that the answer does not have any more, and the numbers of its first column and row.

    Args:
        grid: of the answer.
    """
    crs = subset_crs(ask, coverage.grid.crs)
    slices = (subset for subset in ask.subsets if subset.slices)
    sliced = frozenset(axis_of(subset.axis, subset.crs or crs, bool(coverage.times)) for subset in slices)
    first = {_scale_axis(name, grid.crs, coverage.grid.crs): int(low) for name, low in ask.scaling.first}
    return Cut(sliced, (first.get("x", 0), first.get("y", 0)))


def subset_crs(ask: GetCoverage, native: str) -> str:
    """The one CRS that all spatial subsets of a request are in.

    A CRS in the subset itself, ``x,http://www.opengis.net/def/crs/EPSG/0/4326(16.1,16.5)``, counts before
    SUBSETTINGCRS. An axis without subset is open.

    Raises:
        InvalidParameter: two of them differ.
    """
    default = ask.subsetting_crs or native
    named = {subset.crs or default for subset in ask.subsets if subset.crs or not is_time(subset.axis)}
    if len(named) > 1:
        raise InvalidParameter("all subsets must be in one CRS", locator="subsettingCrs")
    return named.pop() if named else default


def scaled(base: Grid, scaling: Scaling, native_crs: str, max_pixels: int) -> Grid:
    """The same bounds with another number of pixels; the very same grid when the number stays.

    A factor gives the nearest whole number of pixels, at least one. An axis without factor or size keeps its pixels.

    Raises:
        UnknownScaleAxis: no such axis in the grid.
        InvalidParameter: an axis is scaled twice.
        TooLarge: over ``max_pixels``.
    """
    locator = scaling.locator or "subset"
    width, height = limited(*_shape(base, scaling, native_crs), max_pixels, locator)
    if (width, height) == (base.width, base.height):
        return base
    return Grid.from_bounds(base.crs, base.bounds, width, height)


def _shape(base: Grid, scaling: Scaling, native_crs: str) -> tuple[float, float]:
    """Whole numbers as floats, so that absurd ones cost nothing."""
    shape: dict[str, float] = {"x": base.width, "y": base.height}
    seen: set[str] = set()
    for name, value in scaling.values:
        if name == "*":
            return whole(base.width * value), whole(base.height * value)
        axis = _scale_axis(name, base.crs, native_crs)
        if axis in seen:
            raise InvalidParameter(f"the axis {name[:40]} is scaled twice", locator=scaling.locator)
        seen.add(axis)
        shape[axis] = value if scaling.kind == "pixels" else whole(shape[axis] * value)
    return shape["x"], shape["y"]


def _scale_axis(name: str, *crs: str) -> str:
    for known in crs:
        try:
            return grid_axis_of(name, known)
        except InvalidAxis as error:
            last = error
    raise UnknownScaleAxis(last.message, locator=name[:40]) from last


def choose_bands(bands: tuple[Band, ...], fields: tuple[str, ...]) -> tuple[str, ...]:
    """Band names of the fields of a range subset, in its order; all where it is empty.

    A field is called as DescribeCoverage calls it, or as the band itself.

    Raises:
        UnknownField: there is none of this name.
        IllegalFieldSequence: the ends of an interval are in the wrong order.
        InvalidParameter: a field occurs twice.
    """
    names = tuple(band.name for band in bands)
    index = {field: number for number, field in enumerate(ncnames(names))} | {
        name: number for number, name in enumerate(names)
    }
    chosen: list[str] = []
    for field in fields:
        first, _, last = field.partition(":")
        ends = [index.get(field)] * 2 if field in index else [index.get(first.strip()), index.get(last.strip())]
        if ends[0] is None or ends[1] is None:
            raise UnknownField(f"there is no field {field[:60]!r}; there are {', '.join(names)}", locator=field[:60])
        if ends[0] > ends[1]:
            raise IllegalFieldSequence(f"in {field[:60]!r} the first field comes after the last", locator=field[:60])
        chosen += names[ends[0] : ends[1] + 1]
    if len(set(chosen)) < len(chosen):
        raise InvalidParameter("a field occurs twice", locator="rangeSubset")
    return tuple(chosen) if fields else names
