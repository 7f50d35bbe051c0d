"""From a GetCoverage request of WCS 1.0.0 to the pixels it means.

The answer has exactly the box and the size asked for, for QGIS and GDAL take nothing else: neither clipped to the
coverage, nor moved, nor of another size. What hangs over is padding. A box on the native lattice at the native
resolution is a window of it, with the native pixels bit for bit.

Source: OGC 03-065r6 clause 9.2.2.
"""

from __future__ import annotations

from ogcserver.coverages.boxes import coverage_bounds
from ogcserver.coverages.sizes import limited, whole
from ogcserver.cube import Resampling
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.wcs.bands import AXIS
from ogcserver.wcs.identify import Sent
from ogcserver.wcs.v1.choice import Locators, placed
from ogcserver.wcs.v10.requests import GetCoverage
from ogcserver.wcs.windows import Placing

_NAMES = Locators("BBOX", "TIME", AXIS)


def place(ask: GetCoverage, coverage: Description, resampling: Resampling, max_pixels: int) -> Placing:
    """What the engine shall compute, and where the answer lies.

    Args:
        resampling: of the coverage, where the request names no interpolation.
        max_pixels: the operator's limit on columns x rows.
    Raises:
        CoordinateError: the box cannot be expressed in the answer's CRS.
        TooLarge: over ``max_pixels``; nothing is allocated before.
        others: as :func:`ogcserver.wcs.v1.choice.placed` says.
    """
    box = ask.box or coverage_bounds(coverage.grid, ask.crs)
    bounds = project_bounds(ask.crs, ask.response_crs, box)
    stated = Grid.from_bounds(ask.response_crs, bounds, *_size(ask, bounds, max_pixels))
    sent = Sent(box, of_centres=False) if ask.crs == coverage.grid.crs else None
    return placed(stated, coverage, ask.choice, resampling, sent, _NAMES)


def _size(ask: GetCoverage, bounds: Bounds, max_pixels: int) -> tuple[int, int]:
    """Columns and rows. A resolution is rounded so that whole pixels fill the box."""
    if ask.size is not None:
        return limited(*ask.size, max_pixels, "WIDTH")
    assert ask.resolution is not None
    west, south, east, north = bounds
    width, height = (east - west) / ask.resolution[0], (north - south) / ask.resolution[1]
    return limited(whole(width), whole(height), max_pixels, "RESX")
