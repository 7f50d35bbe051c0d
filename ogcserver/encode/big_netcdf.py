"""netCDF-4 files larger than memory, written window by window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np

from ogcserver.cube import Band, Block
from ogcserver.encode.netcdf import band_attributes, frame, variable_names
from ogcserver.encode.pieces import Pieces, windows
from ogcserver.encode.values import Stored, file_dtype, nodata_candidates, stored
from ogcserver.geo.grid import Grid

_BUDGET = 1 << 22
"""Values that are in memory at a time."""
_CHUNK = 512
"""Edge of the file's chunks, which hold one time each."""


def write_netcdf(pieces: Pieces, target: Path, level: int = 1) -> None:
    """Writes what :func:`ogcserver.encode.netcdf.encode_netcdf` would encode, in bounded memory.

    Variables, coordinates, attributes and values are the same; the file is stored in chunks of one time and 512 x 512
    pixels.

    Args:
        level: of DEFLATE, 0 (none) to 9.
    Raises:
        ServiceError: pieces are missing.
    """
    dataset, dims, encoding = frame(pieces.grid, pieces.times)
    dataset.to_netcdf(target, engine="h5netcdf", format="NETCDF4", encoding=encoding)
    size = (max(1, len(pieces.times)), *pieces.grid.shape)
    chunk = (1, min(_CHUNK, pieces.grid.height), min(_CHUNK, pieces.grid.width))
    compression: dict[str, Any] = {"compression": "gzip", "compression_opts": level, "shuffle": True} if level else {}
    with h5netcdf.File(target, "a") as file:
        for number, (name, band) in enumerate(zip(variable_names(pieces.bands), pieces.bands, strict=True)):
            kept = _kept(pieces, number)
            fill = _probe(kept, pieces.grid).nodata
            dtype = file_dtype(np.dtype(kept.dtype))
            variable = file.create_variable(
                name, dims, dtype, fillvalue=None if fill is None else dtype.type(fill),
                chunks=chunk[3 - len(dims) :], **compression,
            )  # fmt: skip
            variable.attrs.update(band_attributes(band))
            for time in range(size[0]):
                for part in windows(pieces.grid, _CHUNK, _CHUNK, _BUDGET):
                    row, col = part.row - pieces.grid.row, part.col - pieces.grid.col
                    values = _stored(pieces, part, time, number, kept).array[0, 0]
                    place = (time, slice(row, row + part.height), slice(col, col + part.width))
                    variable[place[3 - len(dims) :]] = values


def _kept(pieces: Pieces, number: int) -> Band:
    """The band as the file holds it: integers without nodata of which some are missing become floats."""
    band = pieces.bands[number]
    dtype = file_dtype(np.dtype(band.dtype))
    if dtype.kind == "f" or nodata_candidates((band,), dtype):
        return band
    for time in range(max(1, len(pieces.times))):
        for part in windows(pieces.grid, pieces.grid.width, 1, _BUDGET):
            if _stored(pieces, part, time, number, band).valid is not None:
                computed = pieces.read(pieces.grid.window(0, 0, 1, 1), 0, number).dtype
                return replace(band, dtype=computed.name, nodata=None)
    return band


def _stored(pieces: Pieces, part: Grid, time: int, number: int, band: Band) -> Stored:
    return stored(Block(pieces.read(part, time, number)[np.newaxis, np.newaxis], part, (band,)))


def _probe(band: Band, grid: Grid) -> Stored:
    """How the band stores a value that is there."""
    part = grid.window(0, 0, 1, 1)
    return stored(Block(np.zeros((1, 1, 1, 1)), part, (band,)))
