"""A result that is put together on the disk is the one that is encoded in memory, pixel for pixel."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import pytest
import rasterio
from hypothesis import given, note, settings
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from ogcserver.coverages.output import FileEncoder
from ogcserver.cube import View
from ogcserver.encode.formats import formats
from ogcserver.engine.exports import Exports, StoredFile
from ogcserver.engine.scratch import Scratch
from tests.fakes import PyramidReader, compiled, run
from tests.property.strategies import archive, cases

Case = tuple[dict[str, Any], View]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("GTiff", ()),
        ("GTiff", (("tiled", "true"), ("blocksize", "64"), ("interleave", "pixel"))),
        ("COG", ()),
        ("netCDF", ()),
    ],
)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_a_result_is_the_same_on_the_disk(name: str, options: tuple[tuple[str, str], ...], case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    engine = archive().engine(PyramidReader(archive().arrays))
    encoder = FileEncoder(formats()[name], options)
    with tempfile.TemporaryDirectory() as folder:
        exports = Exports(engine, Scratch(Path(folder)), 0, 60.0)
        try:
            whole = run(engine.render(plan, view, encoder))
            stored = run(exports.render(plan, view, encoder))
        finally:
            exports.close()
            engine.close()
        assert isinstance(stored.body, StoredFile) and stored.etag != whole.etag
        content = stored.body.read(0, len(stored.body))
        stored.body.close()
        read = _netcdf if name == "netCDF" else _tiff
        first, second = read(whole.body), read(content)
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key], err_msg=key)


def _tiff(content: bytes) -> dict[str, Any]:
    """Pixels, mask, and all that is said about them."""
    with MemoryFile(content) as memory, memory.open() as file:
        found: dict[str, Any] = {
            "profile": [str(file.profile[key]) for key in ("crs", "transform", "dtype", "count", "nodata", "tiled")],
            "compress": file.compression,
            "said": [*file.descriptions, *map(str, file.units)],
            "overviews": file.overviews(1),
            "mask": file.dataset_mask(),
        }
        for band in range(1, file.count + 1):
            found[f"band {band}"] = _bits(file.read(band))
            found[f"tags {band}"] = sorted(file.tags(band).items())
            for factor in file.overviews(1):
                with rasterio.Env(), memory.open() as again:
                    shape = -(-again.height // factor), -(-again.width // factor)
                    found[f"band {band} by {factor}"] = again.read(band, out_shape=shape)
        return found


def _netcdf(content: bytes) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nc"
        path.write_bytes(content)
        with h5netcdf.File(path, "r") as file:
            return {name: _bits(variable[...]) for name, variable in file.variables.items()}


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as they are stored, but that all kinds of NaN are one."""
    if values.dtype.kind != "f":
        return values
    plain = np.where(np.isnan(values), np.float32(np.nan), values).astype(values.dtype)
    return plain.view(f"u{values.dtype.itemsize}")
