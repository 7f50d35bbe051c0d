"""Files written window by window beside those encoded at once: the same pixels and the same words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from rasterio.io import MemoryFile  # type: ignore[import-untyped]

import ogcserver.encode.big_netcdf
import ogcserver.encode.big_tiff
from ogcserver.cube import Band, Block
from ogcserver.encode.big_netcdf import write_netcdf
from ogcserver.encode.big_tiff import write_tiff
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.netcdf import encode_netcdf
from ogcserver.encode.pieces import Pieces, windows
from ogcserver.encode.tiff_options import parse_tiff_options
from ogcserver.errors import ServiceError
from tests.unit.encode.blocks import grid

TIMES = ("2017-01-05", "2017-01-15", "2017-02-04")


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that rasters of a test have many."""
    monkeypatch.setattr(ogcserver.encode.big_tiff, "_BUDGET", 1 << 13)
    monkeypatch.setattr(ogcserver.encode.big_netcdf, "_BUDGET", 1 << 13)


def sample(*bands: Band, times: tuple[str, ...] = (), holes: bool = True, width: int = 233, height: int = 181) -> Block:
    shape = (max(1, len(times)), len(bands), height, width)
    data = (np.random.default_rng(5).random(shape) * 199 + 1).astype(np.float32)
    if holes:
        data[..., 40:90, 70:140] = np.nan
    return Block(data, grid(width, height), bands, times)


def cut(block: Block, folder: Path, edge: int = 64, times: int = 2) -> Pieces:
    """The block put down in pieces, last one first."""
    folder.mkdir()
    pieces = Pieces(folder, block.grid, block.bands, block.times)
    for part in reversed(block.grid.chunks(edge)):
        row, col = part.row - block.grid.row, part.col - block.grid.col
        values = block.data[:, :, row : row + part.height, col : col + part.width]
        for first in range(0, len(values), times):
            labels = block.times[first : first + times]
            pieces.put(Block(values[first : first + times], part, block.bands, labels))
    return pieces


def facts(file: Any) -> dict[str, Any]:
    return {
        "values": file.read().tobytes(), "mask": file.dataset_mask().tobytes(), "crs": file.crs,
        "nodata": repr(file.nodata), "transform": file.transform,
        "dtypes": file.dtypes, "descriptions": file.descriptions, "units": file.units,
        "scales": file.scales, "offsets": file.offsets, "tags": [file.tags(index) for index in file.indexes],
        "blocks": file.block_shapes, "overviews": [file.overviews(index) for index in file.indexes],
        "profile": {name: file.profile.get(name) for name in ("compress", "interleave", "photometric", "tiled")},
        "flags": file.mask_flag_enums,
    }  # fmt: skip


UINT16 = (Band("a", "uint16", 0.0, "m"), Band("b", "uint16", 0.0))
CASES = [
    pytest.param((Band("ndvi"),), (), {}, id="floats"),
    pytest.param((Band("ndvi", "float32", -9999.0),), (), {"tiled": True}, id="floats with nodata"),
    pytest.param(UINT16, (), {"blocksize": 64}, id="integers with nodata"),
    pytest.param(UINT16, TIMES, {"blocksize": 64, "interleave": "PIXEL"}, id="times, pixel by pixel"),
    pytest.param((Band("a", "int16"), Band("b", "int16")), (), {"blocksize": 64}, id="masked integers"),
    pytest.param((Band("a", "uint8", 7.0), Band("b", "uint8", 8.0)), (), {}, id="nodata that values equal"),
    pytest.param((Band("a", "uint16", 7.0), Band("b", "uint16", 4000.0)), (), {}, id="one free nodata of two"),
    pytest.param((Band("ndvi"),), (), {"compress": "zstd", "blocksize": 16}, id="small blocks"),
]


@pytest.mark.parametrize(("bands", "times", "options"), CASES)
@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize("holes", [False, True])
def test_a_tiff_written_in_windows_is_the_one_encoded_at_once(
    tmp_path: Path, bands: tuple[Band, ...], times: tuple[str, ...], options: dict[str, Any], cog: bool, holes: bool
) -> None:
    if cog:
        options = {name: value for name, value in options.items() if name in ("compress", "blocksize")}
    block, parsed = sample(*bands, times=times, holes=holes), parse_tiff_options(options, cog)
    write_tiff(cut(block, tmp_path / "pieces"), tmp_path / "big.tif", parsed)
    encoded = MemoryFile(encode_geotiff(block, parsed))
    with encoded as memory, memory.open() as wanted, rasterio.open(tmp_path / "big.tif") as found:
        assert facts(found) == facts(wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.tif", "pieces"]


@pytest.mark.parametrize("options", [{}, {"photometric": "YCBCR", "tiled": True, "jpeg_quality": 80}])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_jpeg_compressed_tiff_is_scaled_over_the_whole_raster(
    tmp_path: Path, options: dict[str, Any], dtype: str
) -> None:
    block, parsed = sample(Band("v", dtype)), parse_tiff_options({"compress": "jpeg", **options})
    write_tiff(cut(block, tmp_path / "pieces"), tmp_path / "big.tif", parsed)
    encoded = MemoryFile(encode_geotiff(block, parsed))
    with encoded as memory, memory.open() as wanted, rasterio.open(tmp_path / "big.tif") as found:
        assert facts(found) == facts(wanted)


@pytest.mark.parametrize("times", [(), TIMES])
@pytest.mark.parametrize("band", [Band("ndvi", unit="1"), UINT16[0], Band("class", "int16"), Band("c", "uint8", 255.0)])
@pytest.mark.parametrize("level", [0, 1])
def test_a_netcdf_written_in_windows_is_the_one_encoded_at_once(
    tmp_path: Path, band: Band, times: tuple[str, ...], level: int
) -> None:
    block = sample(band, Band("2nd"), times=times)
    write_netcdf(cut(block, tmp_path / "pieces"), tmp_path / "big.nc", level)
    (tmp_path / "whole.nc").write_bytes(encode_netcdf(block, level))
    opened = [
        xr.open_dataset(tmp_path / name, engine="h5netcdf", mask_and_scale=False, decode_times=False)
        for name in ("big.nc", "whole.nc")
    ]
    found, wanted = opened
    xr.testing.assert_identical(found, wanted)
    for name in wanted.variables:
        assert found[name].dtype == wanted[name].dtype
    for dataset in opened:
        dataset.close()


def test_a_piece_that_was_never_put_is_missed(tmp_path: Path) -> None:
    block = sample(Band("v"))
    pieces = cut(block, tmp_path / "pieces")
    sorted((tmp_path / "pieces").iterdir())[3].unlink()
    with pytest.raises(ServiceError, match="pixels"):
        write_tiff(pieces, tmp_path / "big.tif")


def test_pieces_of_a_folder_that_is_gone_cannot_be_put(tmp_path: Path) -> None:
    block = sample(Band("v"))
    with pytest.raises(FileNotFoundError):
        Pieces(tmp_path / "gone", block.grid, block.bands).put(block)


def test_a_piece_put_twice_is_there_once(tmp_path: Path) -> None:
    block = sample(Band("v"))
    pieces = cut(block, tmp_path / "pieces", edge=1000)
    pieces.put(replace(block, data=block.data + 1))
    assert np.array_equal(pieces.block(block.grid).data, block.data + 1, equal_nan=True)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 80), st.integers(1, 80), st.integers(1, 9000))
def test_windows_cover_the_grid_once_and_begin_at_blocks(
    width: int, height: int, across: int, down: int, budget: int
) -> None:
    whole = grid(width, height)
    seen = np.zeros(whole.shape, int)
    for part in windows(whole, across, down, budget):
        row, col = part.row - whole.row, part.col - whole.col
        assert row % down == 0 and col % across == 0
        assert part.size <= max(budget, across * down)
        seen[row : row + part.height, col : col + part.width] += 1
    assert (seen == 1).all()
