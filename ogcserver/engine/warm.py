"""Compiles the kernels that a first tile needs, so that nobody waits for it. Compiled code is kept on disk."""

from __future__ import annotations

import numpy as np

from ogcserver.cube import Band, Block
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import default_style
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.base import Extent
from ogcserver.sources.raster import Raw
from ogcserver.sources.sampling import Samplings, fill

_STORED = ("uint8", "uint16", "int16", "float32")


def warm() -> None:
    """Reads and paints a few pixels of the usual types. Takes seconds the first time on a machine, then tens of ms."""
    extent = Extent(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0), 32, 32)
    web = Grid.from_bounds("EPSG:3857", (1148000.0, 5928000.0, 1148500.0, 5928500.0), 16, 16)
    samplings = Samplings(1 << 20)
    for grid in (extent.grid, web):
        sampling = samplings.get(extent, grid, "nearest", {})
        if sampling is None:
            continue
        window = sampling.window
        for dtype in _STORED:
            raw = Raw.of(np.ones((window.height, window.width), dtype))
            fill(sampling, "nearest", raw, 0.0, 1.0, 0.0, True, np.empty(grid.shape, np.float32))
        for names in (("NDVI",), ("red", "green", "blue")):
            bands = tuple(map(Band, names))
            block = Block(np.zeros((1, len(bands), *grid.shape), np.float32), grid, bands)
            encode_png(block, default_style(bands))
