"""What explaining tells of files: the blocks that a view touches, and the bytes that were read for it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from ogcserver.cube import Band, View
from ogcserver.engine.limits import Limits
from ogcserver.engine.service import Engine
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.sources.base import BandInfo, BandSource, CollectionInfo, FileBand, Item
from ogcserver.sources.cog import CogReader
from ogcserver.sources.gdal import GdalReader
from ogcserver.sources.memory import MemoryCollection
from ogcserver.sources.reader import Reader
from ogcserver.sources.sampling import Samplings
from tests.fakes import Archive, compiled, node, product

LATTICE = Lattice("EPSG:32632", 600000.0, 5200000.0, 20.0, 20.0)


def test_bytes_read_are_those_of_the_blocks(tmp_path: Path) -> None:
    path = str(tmp_path / "a.tif")
    profile = {"driver": "GTiff", "width": 512, "height": 512, "count": 1, "dtype": "uint16", "crs": "EPSG:32632"}
    layout = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}
    values = np.random.default_rng(1).integers(1, 9000, (1, 512, 512)).astype("uint16")
    with rasterio.open(
        path, "w", transform=Affine(20.0, 0.0, 600000.0, 0.0, -20.0, 5200000.0), **profile, **layout
    ) as file:
        file.write(values)
    item = Item("a", "2017-01-03T10:00:00Z", {"v": BandSource(FileBand(path))}, ((-180.0, -90.0, 180.0, 90.0),))
    archive = Archive()
    archive.collections["files"] = MemoryCollection(CollectionInfo("files", (BandInfo(Band("v", "uint16")),)), [item])
    reader = Reader({FileBand: CogReader(GdalReader())}, Samplings(1 << 20))
    engine = Engine(archive.get, reader, Limits())
    plan = compiled(archive, node("first_time", imagery=product("files")))
    view = View(Grid(LATTICE, 100, 10, 100, 100), ("v",))  # two blocks
    try:
        planned = asyncio.run(engine.explain(plan, view))
        done = asyncio.run(engine.explain(plan, view, True))
        again = asyncio.run(engine.explain(plan, view, True))
    finally:
        engine.close()
    assert planned.analysis is None and done.analysis is not None and again.analysis is not None
    whole = Path(path).stat().st_size
    assert 0.9 * whole / 8 < planned.bytes_stored < 1.1 * whole / 8
    assert planned.bytes_stored <= done.analysis.bytes_read <= 1.3 * planned.bytes_stored
    assert again.analysis.bytes_read == 0
    assert re.search(r"read +0\.\d+ MB of files, 1\.\d\d of the bytes of the blocks", done.to_text())
