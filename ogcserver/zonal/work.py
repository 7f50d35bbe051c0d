"""The statistics of a plan's regions, chunk by chunk, in bounded memory.

A chunk is a part of the pixels' grid and some observations. Its pixels are read once, for all regions; what it gives is
put into a folder: partial results of its regions, and for quantiles of regions that lie in several parts of the grid
also their values and weights. Put together, the chunks make the table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ogcserver.cube import Block
from ogcserver.encode.pieces import sync_folder
from ogcserver.encode.tables import Table
from ogcserver.errors import ServiceError
from ogcserver.geo.grid import Grid
from ogcserver.plan.zonal import QUANTILES
from ogcserver.sources.region_files import Regions
from ogcserver.zonal.kernels import covered, quantiles, reduce_zones
from ogcserver.zonal.statistics import Floats, finished, joined, nothing
from ogcserver.zonal.zones import Zones


@dataclass(frozen=True)
class Wanted:
    """What is asked of the regions."""

    times: tuple[str, ...]
    bands: tuple[str, ...]
    functions: tuple[str, ...]

    @property
    def quantiles(self) -> tuple[str, ...]:
        return tuple(name for name in self.functions if name in QUANTILES)

    @property
    def layers(self) -> int:
        """Observations x bands."""
        return max(1, len(self.times)) * len(self.bands)


def windows(zones: Zones, grid: Grid, edge: int) -> tuple[Grid, ...]:
    """The parts of the grid that regions cover, cut along multiples of ``edge`` of its lattice."""
    found = []
    for part in grid.chunks(edge):
        inside = zones.inside(part)
        if len(inside):
            box = zones.boxes[inside]
            col, row = map(int, box[:, :2].min(axis=0))
            right, low = map(int, box[:, 2:].max(axis=0))
            used = Grid(grid.lattice, col, row, right - col, low - row).intersection(part)
            assert used is not None
            found.append(used)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Partials:
    """What chunks have given, as files of a folder. Each appears whole or not at all."""

    folder: Path

    def put(self, number: int, zones: Zones, block: Block, first: int, wanted: Wanted) -> None:
        """Computes what a chunk gives.

        Args:
            first: the place of the block's first observation among all.
        Raises:
            FileNotFoundError: the folder is gone.
        """
        grid = block.grid
        layers = np.ascontiguousarray(block.data).reshape(-1, grid.size)
        inside = zones.inside(grid)
        whole = zones.whole(inside, grid)
        levels = np.array([QUANTILES[name] for name in wanted.quantiles])
        parts = nothing(len(inside), len(layers))
        ranked = np.full((len(inside), len(layers), len(levels)), np.nan)
        window = (grid.col, grid.row, grid.width, grid.height)
        shape = (zones.x, zones.y, zones.rings, zones.signs, zones.first, zones.boxes)
        reduce_zones(*shape, inside, whole, window, layers, "sd" in wanted.functions, levels, parts, ranked)
        spanning = inside[~whole] if len(levels) else inside[:0]
        pixels = [covered(*shape, one, window) for one in spanning]
        weights = np.concatenate([np.zeros(0), *(weight for _, weight in pixels)])
        cells = np.concatenate([np.zeros(0, np.int64), *(cell for cell, _ in pixels)])
        ends = np.cumsum([0, *(len(cell) for cell, _ in pixels)])
        self._save(f"{number}.values.npy", lambda file: np.save(file, layers[:, cells]))
        self._save(f"{number}.weights.npy", lambda file: np.save(file, weights))
        found: dict[str, Any] = {
            "place": np.array([first * len(wanted.bands), len(layers)]),
            "regions": inside,
            "parts": parts,
            "quantiles": ranked,
            "spans": np.stack([spanning, ends[:-1], ends[1:]], axis=1).astype(np.int64),
        }
        self._save(f"{number}.npz", lambda file: np.savez(file, **found))  # last: with it the chunk counts
        sync_folder(self.folder)

    def table(self, regions: Regions, wanted: Wanted, chunks: int) -> Table:
        """
        Raises:
            ServiceError: some chunk was never put.
        """
        count, levels, bands = len(regions.geometries), wanted.quantiles, len(wanted.bands)
        parts = nothing(count, wanted.layers)
        ranked = np.full((count, wanted.layers, len(levels)), np.nan)
        spans: dict[int, list[tuple[int, int, int, int]]] = {}
        for number in range(chunks):
            try:
                with np.load(self.folder / f"{number}.npz") as stored:
                    chunk = dict(stored)
            except FileNotFoundError as error:
                raise ServiceError(f"part {number} of {chunks} of the result is not there") from error
            begin, layers = map(int, chunk["place"])
            numbers, here = chunk["regions"], slice(begin, begin + layers)
            parts[numbers, here] = joined(parts[numbers, here], chunk["parts"])
            whole = ~np.isnan(chunk["quantiles"])
            ranked[numbers, here] = np.where(whole, chunk["quantiles"], ranked[numbers, here])
            for region, start, end in chunk["spans"].tolist():
                spans.setdefault(region, []).append((number, begin, start, end))
        for region, pieces in spans.items():
            ranked[region] = self._ranked(pieces, wanted)
        shape = (count, max(1, len(wanted.times)), bands)
        columns = [finished(name, parts, ranked, levels).reshape(shape) for name in wanted.functions]
        values = np.stack(columns, axis=-1)
        return Table(
            regions.geometries, regions.crs, regions.columns, regions.remarks, wanted.times, wanted.bands,
            wanted.functions, values,
        )  # fmt: skip

    def _ranked(self, pieces: Sequence[tuple[int, int, int, int]], wanted: Wanted) -> Floats:
        """The quantiles ``(layer, quantile)`` of a region that lies in several chunks."""
        levels = np.array([QUANTILES[name] for name in wanted.quantiles])
        out = np.full((wanted.layers, len(levels)), np.nan)
        opened = {number: (self._load(number, "values"), self._load(number, "weights")) for number, *_ in pieces}
        for layer in range(wanted.layers):
            values, weights = [np.zeros(0)], [np.zeros(0)]
            for number, first, begin, end in pieces:
                if first <= layer < first + len(opened[number][0]):
                    values.append(np.asarray(opened[number][0][layer - first, begin:end], np.float64))
                    weights.append(np.asarray(opened[number][1][begin:end]))
            value, weight = np.concatenate(values), np.concatenate(weights)
            kept = ~np.isnan(value)
            quantiles(value[kept], weight[kept], levels, out[layer])
        return out

    def _load(self, number: int, name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(self.folder / f"{number}.{name}.npy", mmap_mode="r")
        return array

    def _save(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        path = self.folder / name
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            with draft.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
