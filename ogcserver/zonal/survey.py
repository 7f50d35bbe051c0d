"""All that is computed for the statistics of a plan's regions: which pixels, in which order, into which table."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ogcserver.cube import Band, Block, Resampling, View, compute_dtype
from ogcserver.encode.tables import Table
from ogcserver.engine.describe import Description
from ogcserver.errors import TooLarge
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import AggregateSpatial, RegionFiles
from ogcserver.sources.region_files import Regions, read_regions
from ogcserver.sources.sampling import CELL
from ogcserver.zonal.work import Partials, Wanted, windows
from ogcserver.zonal.zones import Zones, lay

_EDGE = 2 * CELL
_CHUNK_BYTES = 64 << 20
_MOST_NUMBERS = 1 << 25
"""That a table is made from; 8 bytes each."""
_MOST_RANKED = 1 << 24
"""Pixels of a region whose quantiles are asked for: they are sorted in memory."""


class Evaluator(Protocol):
    """What computes; :class:`ogcserver.engine.service.Engine` is one."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...


@dataclass(frozen=True, eq=False)
class Survey:
    """Statistics of regions, cut into chunks that are small in memory: a part of the grid, and some observations."""

    grid: Grid
    """The native grid of the pixels."""
    parts: tuple[Grid, ...]
    """Of the grid, as far as regions cover it; at least one."""
    together: int
    """Observations of a chunk."""
    bands: tuple[Band, ...]
    wanted: Wanted
    resampling: Resampling

    @property
    def total(self) -> int:
        """How many chunks there are; they are numbered from 0."""
        return len(self.parts) * self._groups

    @property
    def _groups(self) -> int:
        return max(1, -(-len(self.wanted.times) // self.together))

    def view(self, number: int) -> View:
        """The pixels of a chunk."""
        part, group = divmod(number, self._groups)
        times = self.wanted.times[group * self.together : (group + 1) * self.together]
        return View(self.parts[part], self.wanted.bands, times, self.resampling)

    def size(self, number: int) -> int:
        """How many values a chunk has."""
        view = self.view(number)
        return view.grid.size * len(view.bands) * max(1, len(view.times))

    async def compute(self, number: int, engine: Evaluator, plan: AggregateSpatial, folder: Path) -> bool:
        """Computes a chunk into the folder; whether every source could be read.

        Raises:
            JobStateError: the files of regions are not what they were.
            FileNotFoundError: the folder is gone.
        """
        _, zones = await asyncio.to_thread(_prepared, plan.regions, self.grid)
        block = await engine.evaluate(plan.data, self.view(number))
        first = number % self._groups * self.together
        await asyncio.to_thread(Partials(folder).put, number, zones, block, first, self.wanted)
        return block.complete

    def table(self, folder: Path, plan: AggregateSpatial) -> Table:
        """The table of all chunks. Raises as :meth:`compute` does."""
        regions, _ = _prepared(plan.regions, self.grid)
        return Partials(folder).table(regions, self.wanted, self.total)

    def to_json(self) -> Mapping[str, Any]:
        grids = [[one.col, one.row, one.width, one.height] for one in (self.grid, *self.parts)]
        # JSON has no NaN, and None means the same
        bands = [asdict(band) | {"nodata": None if band.nodata != band.nodata else band.nodata} for band in self.bands]
        return {
            "lattice": asdict(self.grid.lattice), "windows": grids, "together": self.together, "bands": bands,
            "times": list(self.wanted.times), "functions": list(self.wanted.functions), "resampling": self.resampling,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Survey:
        lattice = Lattice(**stored["lattice"])
        grid, *parts = (Grid(lattice, *window) for window in stored["windows"])
        bands = tuple(Band(**band) for band in stored["bands"])
        wanted = Wanted(tuple(stored["times"]), tuple(band.name for band in bands), tuple(stored["functions"]))
        return cls(grid, tuple(parts), stored["together"], bands, wanted, stored["resampling"])


def survey(plan: AggregateSpatial, found: Description, resampling: Resampling) -> Survey:
    """What is to be computed for a plan. Blocks: reads the regions.

    Args:
        found: of the plan's ``data``.
    Raises:
        TooLarge: the table, or what is to be sorted, does not fit into memory.
        FileContentInvalid, FileTooLarge, JobStateError: the regions cannot be read.
    """
    bands, names = plan.data.type.bands, plan.data.type.names
    wanted = Wanted(found.times, names, plan.functions)
    regions, zones = _prepared(plan.regions, found.grid)
    numbers = len(regions.geometries) * wanted.layers * (5 + len(wanted.quantiles) + len(wanted.functions))
    if numbers > _MOST_NUMBERS:
        raise TooLarge(
            f"{len(regions.geometries)} regions, {max(1, len(wanted.times))} date(s) and {len(names)} band(s) make too "
            f"large a table: {numbers} numbers, more than the {_MOST_NUMBERS} that fit; ask for fewer dates or bands"
        )
    largest = float(np.max(zones.sizes, initial=0.0))
    if wanted.quantiles and largest > _MOST_RANKED:
        raise TooLarge(
            f"the {wanted.quantiles[0]} of a region of {largest:.0f} pixels cannot be computed, for all of them would "
            f"have to be sorted, and {_MOST_RANKED} can be: ask for avg, or divide the region"
        )
    layer = len(bands) * compute_dtype(bands).itemsize
    edge = _EDGE if _EDGE * _EDGE * layer <= _CHUNK_BYTES else CELL
    parts = windows(zones, found.grid, edge) or (found.grid.window(0, 0, 1, 1),)
    return Survey(found.grid, parts, max(1, _CHUNK_BYTES // (edge * edge * layer)), bands, wanted, resampling)


@lru_cache(maxsize=1)  # all chunks of a table need the same
def _prepared(files: RegionFiles, grid: Grid) -> tuple[Regions, Zones]:
    regions = read_regions(files)
    return regions, lay(regions, grid)
