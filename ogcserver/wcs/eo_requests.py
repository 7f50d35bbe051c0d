"""What clients ask about the scenes behind coverages.

Source: OGC 10-140r1 clauses 8.4 (DescribeEOCoverageSet) and 11 (KVP).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ogcserver.coverages.boxes import AxisRange
from ogcserver.engine.scenes import Scene
from ogcserver.errors import InvalidAxis, InvalidParameter, InvalidSubset
from ogcserver.geo.crs import WGS84
from ogcserver.geo.grid import Bounds
from ogcserver.ows.kvp import Kvp, choice, integer
from ogcserver.ows.sections import chosen_sections
from ogcserver.timeline import span
from ogcserver.wcs.axes import axis_of, is_time
from ogcserver.wcs.codes import EmptyEoIdList
from ogcserver.wcs.syntax import Subset, parse_subset
from ogcserver.wcs.times import Span, moments

SECTIONS = ("CoverageDescriptions", "DatasetSeriesDescriptions")
MOST = 100
"""Scenes in one answer, and as many as there are without COUNT."""

_TIME = "phenomenonTime"
_ALWAYS: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True)
class DescribeEoCoverageSet:
    series: tuple[str, ...]
    """Identifiers."""
    longitude: AxisRange
    latitude: AxisRange
    time: Span
    contains: bool
    """Whether a scene must lie inside of the ranges, and not just meet them."""
    count: int
    """Of scenes that are described."""
    sections: frozenset[str]

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> DescribeEoCoverageSet:
        """
        Raises:
            EmptyEoIdList: no identifier.
            InvalidAxis: another axis than Lat, Long and phenomenonTime, or one of them twice.
            InvalidSubset: a slice, bounds that are no degrees or times, or are upside down, or not in WGS 84.
            InvalidParameter: containment, count or sections cannot be used.
        """
        listed = ",".join(kvp.many("eoId", str)).split(",")
        series = tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))
        if not series:
            raise EmptyEoIdList("name one series or more", locator="eoId")
        found = _ranges(kvp.many("subset", parse_subset))
        count = kvp.optional("count", integer)
        if count is not None and count < 0:
            raise InvalidParameter("a count must not be negative", locator="count")
        time = found.get("t")
        return cls(
            series,
            _range(found.get("x")),
            _range(found.get("y")),
            _ALWAYS if time is None else _span(time),
            (kvp.optional("containment", choice("overlaps", "contains")) or "overlaps") == "contains",
            MOST if count is None else min(count, MOST),
            chosen_sections(kvp, SECTIONS),
        )

    def wants(self, scene: Scene) -> bool:
        first, last = span(scene.time)
        return self._at(first, last) and self._near(scene.boxes)

    def _at(self, first: datetime, last: datetime) -> bool:
        low, high = self.time
        return low <= first and last <= high if self.contains else first < high and low <= last

    def _near(self, boxes: Iterable[Bounds]) -> bool:
        x, y = self.longitude, self.latitude
        if self.contains:
            return all(x.low <= w and e <= x.high and y.low <= s and n <= y.high for w, s, e, n in boxes)
        return any(x.low <= e and w <= x.high and y.low <= n and s <= y.high for w, s, e, n in boxes)


def _ranges(subsets: Iterable[Subset]) -> dict[str, Subset]:
    found: dict[str, Subset] = {}
    for subset in subsets:
        axis = "t" if _is_time(subset.axis) else axis_of(subset.axis, WGS84, False)
        if axis in found:
            raise InvalidAxis(f"the axis {subset.axis} is subset twice", locator=subset.axis)
        if subset.slices:
            raise InvalidSubset(f"{subset.axis} takes a range: {subset.axis}(low,high)", locator=subset.axis)
        if subset.crs not in ("", WGS84):
            raise InvalidSubset("ranges are in WGS 84", locator=subset.axis)
        found[axis] = subset
    return found


def _is_time(axis: str) -> bool:
    return axis.lower() == _TIME.lower() or is_time(axis)


def _range(subset: Subset | None) -> AxisRange:
    return AxisRange() if subset is None else AxisRange.of(subset.axis, subset.low, subset.high)


def _span(subset: Subset) -> Span:
    low = _ALWAYS[0] if subset.low == "*" else moments(subset.low, subset.axis)[0]
    high = _ALWAYS[1] if subset.high == "*" else moments(subset.high, subset.axis)[1]
    if low >= high:
        raise InvalidSubset(f"{subset.low!r} is later than {subset.high!r}", locator=subset.axis)
    return low, high
