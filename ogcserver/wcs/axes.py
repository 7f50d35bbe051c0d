"""Which axis a client means: by the labels of the CRS, by common names, or by the grid's own labels.

Source: OGC 09-110r4 clause 8.4.1 (dimensions are named by the axisLabels of the envelope), OGC 11-053r1.
"""

from __future__ import annotations

from typing import Literal

from ogcserver.errors import InvalidAxis
from ogcserver.geo.crs import axis_labels, lat_first

Axis = Literal["x", "y", "t"]
"""East, north and time, whatever the CRS calls them and in whichever order."""

TIME_LABEL = "ansi"
"""Of the time axis: OWSLib lists times of an axis called ``ansi`` or ``unix`` only."""
GRID_LABELS = ("i", "j")
"""Of the grid: columns, rows."""

_EAST = ("x", "e", "east", "easting", "long", "lon", "longitude")
_NORTH = ("y", "n", "north", "northing", "lat", "latitude")
_TIME = (TIME_LABEL, "time", "t", "date", "unix")


def is_time(name: str) -> bool:
    """Whether an axis of this name, if there is one, is that of time."""
    return name.lower() in _TIME


def axis_of(name: str, crs: str, temporal: bool) -> Axis:
    """The axis of a subset.

    Labels of the CRS come first: in EPSG:31467 ``X`` is the northing, as its envelope says.

    Args:
        crs: of the subset's bounds.
        temporal: whether the coverage has a time axis.
    Raises:
        InvalidAxis: none of this name.
    """
    label = name.lower()
    first, second = (text.lower() for text in axis_labels(crs))
    north_first = lat_first(crs)
    if label in (first, second):
        return "y" if (label == first) == north_first else "x"
    if label in _EAST:
        return "x"
    if label in _NORTH:
        return "y"
    if temporal and is_time(name):
        return "t"
    known = ", ".join(axis_labels(crs) + ((TIME_LABEL,) if temporal else ()))
    raise InvalidAxis(f"the coverage has no axis {name[:40]!r}; its axes are {known}", locator=name[:40])


def grid_axis_of(name: str, crs: str) -> Axis:
    """The axis of a scaling: a label of the grid (``i`` columns, ``j`` rows), or a name of a spatial axis.

    Args:
        name: the label, or a URI that ends in it, such as ``http://www.opengis.net/def/axis/OGC/1/i``.

    Raises:
        InvalidAxis: none of this name.
    """
    name = name.rpartition("/")[2]
    label = name.lower()
    if label in GRID_LABELS:
        return "x" if label == GRID_LABELS[0] else "y"
    return axis_of(name, crs, temporal=False)
