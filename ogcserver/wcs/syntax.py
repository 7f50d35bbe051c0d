"""The small languages inside of WCS 2.0 parameters: ``Lat(46.6,47)``, ``i(200)``, ``i(0:99)``.

Source: OGC 09-147r3 clause 6.4 (subsets), OGC 12-039 (scaling), OGC 11-053r1 (CRSs), OGC 12-049 (interpolation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ogcserver.cube import Resampling
from ogcserver.errors import CrsError, InvalidParameter, InvalidScale, InvalidSubset
from ogcserver.geo.crs import canonical
from ogcserver.ows.kvp import number
from ogcserver.wcs.codes import (
    InterpolationUnsupported,
    InvalidScaleExtent,
    OutputCrsError,
    SubsettingCrsError,
)

INTERPOLATIONS: dict[str, Resampling] = {
    "nearest-neighbor": "nearest",
    "linear": "bilinear",
    "cubic": "cubic",
    "average": "average",
}
"""Last part of the method's URI -> how it is called here. ``average`` is ours."""
_OLDER: dict[str, str] = {"nearest neighbor": "nearest", "bicubic": "cubic"}
"""As WCS 1.0 and 1.1 write them -> how they are called here."""

# every blank can match in one place only, so that no text takes more than linear time
_BOUND = r'([^"(),]*|\s*"[^"]*"\s*)'
_SUBSET = re.compile(rf"([^\s,()]+)\s*(?:,([^()]+))?\({_BOUND}(?:,{_BOUND})?\)")
_SCALE = re.compile(r"([^\s,()]+)\s*\(([^,():]+)(?:[:,]([^,():]+))?\)")
_NEXT_AXIS = re.compile(r"(?<=\))\s*,")
_TEMPORAL_CRS = re.compile(r"/OGC/[\w.]+/AnsiDate$")
_COMPOUND_CRS = re.compile(r"https?://\S+/def/crs-compound\?1=([^&\s]+)(&2=\S+)?")
_SHOWN = 80

AxisScales = tuple[tuple[str, float], ...]
"""Axis and its factor, or its number of pixels."""


@dataclass(frozen=True)
class Subset:
    """A trimming or slicing of one axis. Bounds stay text: whether they are numbers or times the coverage tells."""

    axis: str
    low: str
    """``*`` is an open end."""
    high: str
    """Equal to ``low`` when slicing."""
    slices: bool = False
    crs: str = ""
    """Canonical name of the CRS of the bounds, or "" where the subset names none, or that of time."""


def parse_subset(text: str) -> Subset:
    """``axis(low,high)``, ``axis(point)`` or either as ``axis,crs(...)``; bounds may stand in double quotes.

    Raises:
        InvalidSubset: another form.
        SubsettingCrsError: the CRS is unknown.
    """
    match = _SUBSET.fullmatch(text.strip())
    if match is None:
        raise InvalidSubset(f"{text[:_SHOWN]!r} is not a subset: write axis(low,high) or axis(point)")
    axis, crs, *bounds = match.groups()
    given = [bound.strip(' "') for bound in bounds if bound is not None]
    if not all(given):
        raise InvalidSubset(f"a bound is missing in {text[:_SHOWN]!r}; * leaves a side open")
    named = "" if crs is None or _TEMPORAL_CRS.search(crs.strip()) else subsetting_crs(crs)
    return Subset(axis, given[0], given[-1], len(given) == 1, named)


def _horizontal(text: str) -> str:
    """The CRS of x and y where a CRS has a time axis besides, as that of a coverage with one has.

    A client that does not escape the name sends its second part, ``&2=...AnsiDate``, as a parameter of its own.
    """
    compound = _COMPOUND_CRS.fullmatch(text.strip())
    if compound is None or (compound[2] and not _TEMPORAL_CRS.search(compound[2])):
        return text
    return compound[1]


def subsetting_crs(text: str) -> str:
    """The canonical name of a CRS, without its time axis.  Raises SubsettingCrsError: unknown."""
    try:
        return canonical(_horizontal(text))
    except CrsError as error:
        raise SubsettingCrsError(error.message) from error


def output_crs(text: str) -> str:
    """The canonical name of a CRS, without its time axis.  Raises OutputCrsError: unknown."""
    try:
        return canonical(_horizontal(text))
    except CrsError as error:
        raise OutputCrsError(error.message) from error


def interpolation(text: str) -> Resampling:
    """A method by its URI, the last part of it, or our own name.  Raises InterpolationUnsupported: unknown."""
    name = text.rstrip("/").rpartition("/")[2].lower().replace("neighbour", "neighbor")
    name = _OLDER.get(name, name)
    for known, resampling in INTERPOLATIONS.items():
        if name in (known, resampling):
            return resampling
    raise InterpolationUnsupported(f"there is no interpolation {text[:_SHOWN]!r}: use {', '.join(INTERPOLATIONS)}")


def scale_factor(text: str) -> float:
    """Output pixels per native pixel.  Raises InvalidScale: not a number above zero."""
    try:
        value = number(text)
    except InvalidParameter as error:
        raise InvalidScale(error.message) from error
    if value <= 0:
        raise InvalidScale(f"a scale must be above zero, not {text[:_SHOWN]!r}")
    return value


def scale_axes(text: str) -> AxisScales:
    """Factors by axis: ``i(0.5),j(0.5)``.  Raises InvalidScale."""
    return tuple((axis, scale_factor(_only(first, second))) for axis, first, second in _by_axis(text))


def scale_size(text: str) -> AxisScales:
    """Pixels by axis: ``i(200),j(100)``.  Raises InvalidScale."""
    sizes = tuple((axis, scale_factor(_only(first, second))) for axis, first, second in _by_axis(text))
    if not all(size.is_integer() for _, size in sizes):
        raise InvalidScale(f"a size is a whole number of pixels, not {text[:_SHOWN]!r}")
    return sizes


def scale_extent(text: str) -> AxisScales:
    """Pixels by axis, from ``i(low:high),j(low:high)``; both ends count, so 10:19 are ten pixels.

    Raises:
        InvalidScaleExtent: not two whole numbers, or upside down.
    """
    return tuple((axis, float(high - low + 1)) for axis, low, high in _extents(text))


def scale_extent_first(text: str) -> AxisScales:
    """The number of the first pixel by axis.  Raises as :func:`scale_extent`."""
    return tuple((axis, float(low)) for axis, low, _ in _extents(text))


def _by_axis(text: str) -> list[tuple[str, str, str | None]]:
    matches = [_SCALE.fullmatch(part.strip()) for part in _NEXT_AXIS.split(text)]
    if not all(matches):
        raise InvalidScale(f"{text[:_SHOWN]!r} is not a scaling: write axis(number),axis(number)")
    return [(match[1], match[2], match[3]) for match in matches if match]


def _only(first: str, second: str | None) -> str:
    if second is not None:
        raise InvalidScale(f"an axis takes one number, not {first[:_SHOWN]!r} and {second[:_SHOWN]!r}")
    return first


def _extents(text: str) -> list[tuple[str, int, int]]:
    return [(axis, *_extent(first.strip(), (second or "").strip())) for axis, first, second in _by_axis(text)]


def _extent(low: str, high: str) -> tuple[int, int]:
    if not all(re.fullmatch(r"[+-]?[0-9]{1,15}", end) for end in (low, high)):
        raise InvalidScaleExtent("a scale extent is two whole numbers, low:high")
    if int(high) < int(low):
        raise InvalidScaleExtent(f"the scale extent {low}:{high} is upside down")
    return int(low), int(high)
