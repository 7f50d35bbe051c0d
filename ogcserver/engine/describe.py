"""What a plan's result is like as a whole: its native grid, its times, where it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ogcserver.cube import Band
from ogcserver.engine.cache import ByteCache
from ogcserver.engine.functions import Functions
from ogcserver.errors import CoordinateError, InvalidSubset, NoTimeInRange, SourceUnavailable, UnsupportedOperation
from ogcserver.geo.crs import bounds_lonlat_boxes, is_geographic, lonlat_boxes, project_bounds
from ogcserver.geo.grid import Bounds, Grid, Lattice, intersect
from ogcserver.plan.bind import observation_times
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import FilterBbox, Load, Region
from ogcserver.plan.udf import RunUdf
from ogcserver.sources.base import Collection, Extent, Item, Observation, Place, group
from ogcserver.sources.raster import Header
from ogcserver.timeline import Interval, format_instant, span, start_of

_EVERYWHERE: tuple[Bounds, ...] = ((-180.0, -90.0, 180.0, 90.0),)
_MARGIN = 0.01
"""Search boxes are widened by this part of their size, since they come from sample points."""
_AREAS = 4096
"""Remembered."""
_LABELS = 1 << 20
"""Remembered, of all series together."""
_FOUND = 1 << 15
"""Observations remembered, of all searches together; each search counts as one more."""


@dataclass(frozen=True)
class Description:
    """The whole result of a plan, without pixels."""

    grid: Grid
    """The native grid over the full extent: the pixels that a coverage at native resolution has."""
    bands: tuple[Band, ...]
    times: tuple[str, ...]
    """Labels of all observations when the result has a time axis, oldest first; else empty."""
    boxes: tuple[Bounds, ...]
    """Longitude/latitude boxes within -180..180 that hold the extent; two where it crosses 180 degrees."""
    interval: tuple[str, str]
    """First and last moment of the observations behind the result; "" when there are none."""


@dataclass(frozen=True)
class _Area:
    """What plans over the same scenes share."""

    grid: Grid
    boxes: tuple[Bounds, ...]
    interval: tuple[str, str]


class Finder:
    """Finds the observations of a plan's loads; the engine's side of :class:`ogcserver.plan.bind.Catalog`."""

    def __init__(
        self,
        collection: Callable[[str], Collection],
        header: Callable[[Place], Header],
        functions: Functions | None = None,
    ) -> None:
        self.collection = collection
        self.header = header
        self._functions = functions or Functions()
        self._labels: ByteCache[tuple[str, ...]] = ByteCache(_LABELS, len)
        self._areas: ByteCache[_Area] = ByteCache(_AREAS, lambda _: 1)
        self._found: ByteCache[tuple[Observation, ...]] = ByteCache(_FOUND, lambda found: 1 + len(found))

    def area(self, loads: tuple[Load, ...], regions: tuple[Region, ...]) -> _Area:
        """Where and when the scenes of all loads lie, inside of all regions; see :func:`describe` for the errors.

        Remembered, for jobs that differ in what they compute of the same scenes are many, and scenes may be thousands.
        """
        scenes = tuple(
            (load.collection, self.collection(load.collection).version(), load.interval, load.regions, load.type.names)
            for load in loads
        )
        known = self._areas.get((scenes, regions))
        if known is None:
            known = _area(loads, regions, self)
            self._areas.put((scenes, regions), known)
        return known

    def labels(self, load: Load, regions: tuple[Region, ...]) -> tuple[str, ...]:
        """The labels of the load's interval in all of the regions, whatever its own; remembered."""
        key = load.collection, self.collection(load.collection).version(), load.interval, regions
        known = self._labels.get(key)
        if known is None:
            known = tuple(found.time for found in self.find(replace(load, regions=regions)))
            self._labels.put(key, known)
        return known

    def relabelled(self, node: RunUdf, labels: tuple[str, ...]) -> tuple[str, ...]:
        return self._functions.relabelled(node, labels)

    def observe(self, load: Load, grid: Grid) -> Sequence[Observation]:
        return self.find(load, lonlat_boxes(grid))

    def find(self, load: Load, boxes: Sequence[Bounds] = _EVERYWHERE) -> Sequence[Observation]:
        """Observations of the load's interval that may have pixels in the boxes and in all of the load's regions.

        Remembered for as long as the collection is the same, so that a place that was seen before searches nothing.
        """
        collection = self.collection(load.collection)
        key = load.token, collection.version(), tuple(boxes)
        known = self._found.get(key)
        if known is None:
            known = _searched(collection, load, boxes)
            self._found.put(key, known)
        return known


def _searched(collection: Collection, load: Load, boxes: Sequence[Bounds]) -> tuple[Observation, ...]:
    wanted = [_widened(box) for box in boxes]
    for region in load.regions:
        near = [_widened(box) for box in bounds_lonlat_boxes(region.crs, region.bounds)]
        wanted = [both for a in wanted for b in near if (both := intersect(a, b)) is not None]
    if not wanted:
        return ()
    found = group(collection.search(wanted, _search_interval(load.interval, collection.mosaic)), collection.mosaic)
    return tuple(observation for observation in found if load.interval.holds(observation.time))


def _widened(box: Bounds) -> Bounds:
    x, y = (box[2] - box[0]) * _MARGIN, (box[3] - box[1]) * _MARGIN
    return max(-180.0, box[0] - x), max(-90.0, box[1] - y), min(180.0, box[2] + x), min(90.0, box[3] + y)


def _search_interval(interval: Interval, mosaic: str) -> Interval:
    """Whole days around the interval, so that an observation of several items is found whole."""
    if mosaic != "day":
        return interval
    return Interval(_shifted(interval.start, -1), _shifted(interval.end, 1))


def _shifted(moment: str, days: int) -> str:
    """A bound moved by some days; none when that is beyond the calendar."""
    try:
        return moment and format_instant(start_of(moment) + timedelta(days=days))
    except OverflowError:
        return ""


def describe(plan: Expr, finder: Finder) -> Description:
    """
    Raises:
        UnsupportedOperation: the result is a table, not pixels.
        NoTimeInRange: no observation lies in the graph's area and time.
        InvalidSubset: the graph's boxes do not meet each other or the data.
        SourceUnavailable: a catalogue is away, or no item tells where its pixels lie.
    """
    if plan.type.zonal:
        raise UnsupportedOperation(
            "the job makes a table of regions, which no map and no coverage shows: get it from the job's download, "
            "from POST /execute, or as a batch"
        )
    area = finder.area(tuple(loads(plan)), _regions(plan))
    times = observation_times(plan, area.grid, finder) if plan.type.temporal else ()
    return Description(area.grid, plan.type.bands, times, area.boxes, area.interval)


def _area(loads: tuple[Load, ...], regions: tuple[Region, ...], finder: Finder) -> _Area:
    found = [(load, observation) for load in loads for observation in finder.find(load)]
    if not found:
        raise NoTimeInRange("there is no observation in the area and time of the graph", locator="process_graph")
    extents = [
        extent for load, observation in found for item in observation.items if (extent := finest(item, load, finder))
    ]
    if not extents:
        raise SourceUnavailable("no item tells where its pixels lie")
    grid = _native_grid(extents, regions)
    moments = [span(item.time) for _, observation in found for item in observation.items]
    interval = format_instant(min(first for first, _ in moments)), format_instant(max(last for _, last in moments))
    return _Area(grid, lonlat_boxes(grid), interval)


def loads(plan: Expr) -> Iterable[Load]:
    """All loads of a plan."""
    return (node for node in postorder(plan) if isinstance(node, Load))


def _regions(plan: Expr) -> tuple[Region, ...]:
    """The boxes at the plan's root, outside of which it has no pixels."""
    regions = []
    while isinstance(plan, FilterBbox):
        regions.append(plan.region)
        plan = plan.data
    return tuple(regions)


def finest(item: Item, load: Load, finder: Finder) -> Extent | None:
    """The extent of the item's finest band that the load uses; from its file's header when the catalogue has none."""
    extents = []
    for name in load.type.names:
        if (source := item.bands.get(name)) is None:
            continue
        if source.extent is not None:
            extents.append(source.extent)
            continue
        try:
            extents.append(finder.header(source.place).extent)
        except SourceUnavailable:
            continue
    return min(extents, key=lambda extent: extent.lattice.dx * extent.lattice.dy, default=None)


def _phase(lattice: Lattice) -> tuple[object, ...]:
    """Equal for lattices whose pixels coincide (to a thousandth of a pixel)."""
    column, row = lattice.x0 / lattice.dx, lattice.y0 / lattice.dy
    return lattice.crs, lattice.dx, lattice.dy, round(column % 1.0, 3) % 1.0, round(row % 1.0, 3) % 1.0


def _native_grid(extents: Sequence[Extent], regions: Sequence[Region]) -> Grid:
    """The pixels of the lattice that most items share, over all items and inside all regions."""
    counts = Counter(_phase(extent.lattice) for extent in extents)
    common, _ = counts.most_common(1)[0]
    lattice = next(extent.lattice for extent in extents if _phase(extent.lattice) == common)
    bounds: Bounds | None = None
    for extent in dict.fromkeys(extents):
        own = Grid(extent.lattice, 0, 0, extent.width, extent.height)
        try:
            box = _near(project_bounds(own.crs, lattice.crs, own.bounds), bounds, lattice.crs)
        except CoordinateError:
            continue
        bounds = box if bounds is None else _around(bounds, box)
    if bounds is None:
        raise SourceUnavailable("no item tells where its pixels lie")
    for region in regions:
        box = _near(project_bounds(region.crs, lattice.crs, region.bounds), bounds, lattice.crs)
        clipped = intersect(bounds, box)
        if clipped is None:
            raise InvalidSubset("the area of the graph holds no pixels of its data", locator="process_graph")
        bounds = clipped
    return lattice.cover(bounds)


def _around(a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _near(box: Bounds, other: Bounds | None, crs: str) -> Bounds:
    """A box of longitudes moved by whole turns to lie as close as can be to the other."""
    if other is None or not is_geographic(crs):
        return box
    turns = 360.0 * round(((other[0] + other[2]) - (box[0] + box[2])) / 720.0)
    return box[0] + turns, box[1], box[2] + turns, box[3]
