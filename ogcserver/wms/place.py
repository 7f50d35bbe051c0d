"""From the box of a map to the pixels that the engine computes.  Source: OGC 06-042 clauses 6.7, 7.3.3.6 to 7.3.3.8."""

from __future__ import annotations

from ogcserver.geo.grid import Grid
from ogcserver.maps.frames import grid_over
from ogcserver.wms.requests import Frame


def grid_of(frame: Frame, native: Grid) -> Grid:
    """The pixels of a map; see :func:`ogcserver.maps.frames.grid_over`."""
    return grid_over(frame.crs, frame.bounds, frame.width, frame.height, native)
