"""Compiles the kernels that a first tile needs, so that nobody waits for it. Compiled code is kept on disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ogcserver.cube import Band, Block
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import default_style
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.plan.scalar import evaluate, normalized_difference
from ogcserver.sources.base import Extent
from ogcserver.sources.raster import Raw
from ogcserver.sources.sampling import Sampling, Samplings, fill

_STORED = ("uint16", "float32", "uint8", "int16")
"""Types of stored values, those of most archives first."""
_EXTENT = Extent(Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0), 32, 32)


def warm() -> None:
    """Reads, computes and writes a few pixels of the usual types, in the order in which a tile of an index needs it.

    Takes seconds the first time on a machine, then some hundred ms.
    """
    web = Grid.from_bounds("EPSG:3857", project_bounds("EPSG:32632", "EPSG:3857", _EXTENT.grid.bounds), 16, 16)
    mapped, native = (_sampling(grid) for grid in (web, _EXTENT.grid))
    _read(mapped, web, _STORED[:2])
    _read(native, _EXTENT.grid, _STORED[:2])
    evaluate(normalized_difference("red", "nir"), np.ones((2, *web.shape), np.float32))
    _write(web, Band("NDVI"))
    _write(web, *(Band(name, "uint16", 0.0) for name in ("red", "green", "blue")))
    _read(mapped, web, _STORED[2:])
    _read(native, _EXTENT.grid, _STORED[2:])


def _sampling(grid: Grid) -> Sampling:
    made = Samplings(1 << 20).get(_EXTENT, grid, "nearest", {})
    assert made is not None
    return made


def _read(sampling: Sampling, grid: Grid, dtypes: Sequence[str]) -> None:
    """From windows of their own, and from such as are parts of wider blocks."""
    height, width = sampling.window.height, sampling.window.width
    for dtype in dtypes:
        raw = Raw.of(np.ones((height, width), dtype))
        fill(sampling, "nearest", raw, 0.0, 1.0, 0.0, True, np.empty(grid.shape, np.float32))
    if sampling.index is not None:
        sampling.places(width + 1)


def _write(grid: Grid, *bands: Band) -> None:
    """As a picture with a missing pixel, and as a coverage."""
    block = Block(np.zeros((1, len(bands), *grid.shape), np.float32), grid, bands)
    block.data[..., 0, 0] = np.nan
    encode_png(block, default_style(bands))
    encode_geotiff(block)
