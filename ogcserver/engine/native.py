"""Computing at the pixels of the files, and taking the pixels of a view from the result.

Where every band and date of a view comes from files of one lattice, and each pixel of the plan hangs on the same pixel
of its sources, the order of the two does not matter: the nearest pixel of a result is the result of nearest pixels.
Reading a window as it is costs a tenth of picking its pixels one by one, so that picking once, at the end, is much
cheaper than for each band and date, also where the files' window has somewhat more pixels than the view.
"""

from __future__ import annotations

import numpy as np

from ogcserver.cube import Array
from ogcserver.plan.nodes import FilterBbox
from ogcserver.plan.reducers import REDUCERS
from ogcserver.plan.steps import Bound, Call, Compute, Finish, Read, Spread, Step
from ogcserver.sources.base import Observation
from ogcserver.sources.cells import Native
from ogcserver.sources.onto import GridReader
from ogcserver.sources.raster import Raw
from ogcserver.sources.sampling import fill

MOST = 2.0
"""The files' window may have this many times the pixels of the view. A pixel picked costs as much as some ten read,
but one that a script computes much more: then it may not have more of them."""


def native(bound: Bound, onto: GridReader, largest: int) -> Native | None:
    """Where a bound view can be computed at the pixels of its files instead; None where it cannot, or does not pay.

    Args:
        onto: reads onto the view's grid. Headers are opened.
        largest: pixels that fit into the memory of the request.
    """
    view, reads, bands, most, whole = bound.view, 0, 0, MOST, False
    found: Native | None = None
    if view.resampling != "nearest":
        return None
    for step in bound.steps:
        if isinstance(step, (Call, Compute, Spread)) and (step.node is None or not step.node.pixelwise or _masks(step)):
            return None
        if isinstance(step, Call):
            most = 1.0
        whole = whole or _fills(step)
        if step.view.grid is not view.grid and step.view.grid != view.grid:
            return None
        if not (isinstance(step, Read) and isinstance(step.observation, Observation)):
            continue
        here = onto.native(step.observation, step.view.bands)
        if here is None or (found is not None and here is not found):
            return None
        found, reads = here, reads + 1
        bands += len(step.view.bands)
    if found is None or (whole and not found.sampling.whole) or bands <= len(view.bands) * len(bound.slices):
        return None
    return found if found.grid.size <= min(most * view.grid.size, largest) else None


def _masks(step: Call | Compute | Spread) -> bool:
    """Whether a step hangs on where its pixels lie."""
    return isinstance(step.node, FilterBbox)


def _fills(step: Step) -> bool:
    """Whether something may come of nothing: then there is a result beside the files, too."""
    if isinstance(step, Finish) and step.node is not None:
        return REDUCERS[step.node.reducer].keeps == "count"
    return isinstance(step, Call)


def taken(data: Array, found: Native) -> Array:
    """The pixels of the view, ``(time, band, y, x)``, from those of the files' window."""
    out = np.empty((*data.shape[:2], *found.shape), data.dtype)
    for source, target in zip(data.reshape(-1, *data.shape[2:]), out.reshape(-1, *found.shape), strict=True):
        fill(found.sampling, "nearest", Raw.of(source), None, 1.0, 0.0, True, target)
    return out
