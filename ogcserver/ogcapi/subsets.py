"""The part of the ground, and of time, that ``bbox``, ``subset`` and ``datetime`` choose.

Source: OGC 20-058 (Maps) clauses 12 and 14; OGC 19-087 draft (Coverages), /req/subsetting-spatial.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from ogcserver.coverages.boxes import AxisRange, Box
from ogcserver.errors import InvalidAxis, InvalidParameter, InvalidSubset
from ogcserver.geo.crs import is_geographic
from ogcserver.ogcapi.crs import CRS84, Crs, crs_parameter
from ogcserver.ogcapi.times import Period, datetime_parameter
from ogcserver.ows.kvp import Kvp, number

_SUBSET = re.compile(r'\s*([A-Za-z][A-Za-z0-9_-]*)\(\s*("[^"]*"|[^":(),]*)(?::("[^"]*"|[^":(),]*))?\s*\)\s*')
_LATITUDES, _NORTHINGS = ("lat", "latitude"), ("n", "northing")
_LONGITUDES, _EASTINGS = ("lon", "long", "longitude"), ("e", "easting")
_TIMES = ("time", "t", "datetime")


@dataclass(frozen=True)
class Subset:
    """Bounds of one axis, as text; ``*`` is an open end."""

    axis: str
    low: str
    high: str
    slices: bool


@dataclass(frozen=True)
class Region:
    """A part of the ground, east before north; infinite where it is open."""

    crs: Crs
    x: AxisRange
    y: AxisRange

    @property
    def box(self) -> Box:
        return Box(self.crs.name, self.x, self.y)


@dataclass(frozen=True)
class Chosen:
    """What a request chooses; None: nothing in particular."""

    region: Region | None = None
    period: Period | None = None

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> Chosen:
        """
        Raises:
            InvalidParameter: a parameter cannot be read, or two choose one axis.
            InvalidAxis: the CRS has no axis of that name.
            CrsError: of ``bbox-crs`` or ``subset-crs``, where there are numbers in them.
            InvalidSubset: latitudes beyond the poles only.
        """
        subsets = kvp.many("subset", parse_subsets)
        named = [one for group in subsets for one in group]
        spatial = [one for one in named if one.axis.lower() not in _TIMES]
        temporal = [one for one in named if one.axis.lower() in _TIMES]
        if "bbox" in kvp and spatial:
            raise InvalidParameter("bbox and subset choose the same axes: give one of them", locator="subset")
        if "datetime" in kvp and temporal:
            raise InvalidParameter("datetime and subset choose the same axis: give one of them", locator="subset")
        period = kvp.optional("datetime", datetime_parameter)
        return cls(_bbox(kvp) or _region(kvp, spatial), period or _period(temporal))


def chosen_time(kvp: Kvp) -> Period | None:
    """What a request chooses that may choose a time only.

    Raises:
        InvalidParameter: as :meth:`Chosen.from_kvp`.
        InvalidAxis: a subset of another axis.
    """
    chosen = Chosen.from_kvp(kvp)
    if chosen.region is not None:
        raise InvalidAxis("a tile has its place: only time can be chosen", locator="subset")
    return chosen.period


def parse_subsets(text: str) -> tuple[Subset, ...]:
    """``Lat(46.6:47),Lon(11),time("2017-01-05":"2017-02-01")``.

    Raises:
        InvalidParameter: anything else.
    """
    found: list[Subset] = []
    at = 0
    while match := _SUBSET.match(text, at):
        axis, low, high = match[1], match[2].strip().strip('"'), (match[3] or "").strip().strip('"')
        found.append(Subset(axis, low, low if match[3] is None else high, match[3] is None))
        at = match.end()
        if at == len(text):
            return tuple(found)
        if text[at] != ",":
            break
        at += 1
    message = f'{text[:80]!r} is no subset such as Lat(46.6:47),Lon(11:12) or time("2017-01-05":"2017-02-01")'
    raise InvalidParameter(message)


def _bbox(kvp: Kvp) -> Region | None:
    """Of six numbers those of heights do not count, for no data here has heights."""
    if "bbox" not in kvp:
        return None
    crs = kvp.optional("bbox-crs", crs_parameter) or CRS84
    numbers = kvp.one("bbox", lambda text: tuple(number(part) for part in text.split(",")))
    if len(numbers) not in (4, 6):
        raise InvalidParameter(f"bbox has four numbers or six, not {len(numbers)}", locator="bbox")
    half = len(numbers) // 2
    first, second, third, fourth = (*numbers[:2], *numbers[half : half + 2])
    west, south, east, north = crs.ordered((first, second, third, fourth))
    return _checked(Region(crs, AxisRange(west, east, "bbox"), AxisRange(south, north, "bbox")))


def _region(kvp: Kvp, subsets: list[Subset]) -> Region | None:
    if not subsets:
        return None
    crs = kvp.optional("subset-crs", crs_parameter) or CRS84
    ranges: dict[str, AxisRange] = {}
    for subset in subsets:
        axis = axis_of(subset.axis, crs)
        if axis in ranges:
            raise InvalidParameter(f"the axis {subset.axis} is subset twice", locator="subset")
        low, high = _bound(subset.low, -math.inf), _bound(subset.high, math.inf)
        ranges[axis] = AxisRange(low, high, subset.axis)
    return _checked(Region(crs, ranges.get("x", AxisRange()), ranges.get("y", AxisRange())))


def _bound(text: str, opened: float) -> float:
    if text == "*":
        return opened
    try:
        return number(text)
    except InvalidParameter as error:
        error.locator = "subset"
        raise


def _checked(region: Region) -> Region:
    """The region, where a west beyond the east means across 180 degrees.

    Raises:
        InvalidParameter: upside down; InvalidSubset: beyond the poles.
    """
    x, y, round_earth = region.x, region.y, is_geographic(region.crs.name)
    if x.low > x.high and round_earth:
        x = replace(x, high=x.high + 360.0)
    for axis in (x, y):
        if axis.low > axis.high:
            raise InvalidParameter(f"{axis.low:.15g} is above {axis.high:.15g}", locator=axis.label)
    if round_earth and (y.low > 90.0 or y.high < -90.0):
        raise InvalidSubset("latitudes are between -90 and 90", locator=y.label)
    return replace(region, x=x)


def axis_of(name: str, crs: Crs) -> str:
    """``x`` or ``y``: ``Lat`` and ``Lon`` of a geographic CRS, ``E`` and ``N`` of any other, and their longer names.

    Raises:
        InvalidAxis: none of this name.
    """
    geographic = is_geographic(crs.name)
    if name.lower() in (_LONGITUDES if geographic else _EASTINGS):
        return "x"
    if name.lower() in (_LATITUDES if geographic else _NORTHINGS):
        return "y"
    known = "Lat, Lon and time" if geographic else "E, N and time"
    raise InvalidAxis(f"there is no axis {name[:40]!r} in {crs.uri[:80]}: there are {known}", locator="subset")


def axis_labels(crs: Crs) -> tuple[str, str]:
    """Of east and north."""
    return ("Lon", "Lat") if is_geographic(crs.name) else ("E", "N")


def _period(subsets: list[Subset]) -> Period | None:
    if not subsets:
        return None
    if len(subsets) > 1:
        raise InvalidParameter("the axis time is subset twice", locator="subset")
    (subset,) = subsets
    if subset.slices and subset.low == "*":
        return Period("*", latest=True)
    try:
        return Period.of(subset.low, subset.high)
    except InvalidParameter as error:
        error.locator = "subset"
        raise
