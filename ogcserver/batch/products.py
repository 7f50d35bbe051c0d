"""What a batch makes: results of chunks, each in files of its own, and one file of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ogcserver.batch.model import Json
from ogcserver.batch.zonal import ZonalProduct
from ogcserver.cube import Band, Block, Resampling, View
from ogcserver.encode.formats import find_format, formats
from ogcserver.encode.pieces import Pieces
from ogcserver.encode.tiff_options import COG_OPTIONS
from ogcserver.engine.cuts import cut
from ogcserver.engine.describe import Description
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, TooLarge
from ogcserver.geo.crs import crs_object
from ogcserver.geo.grid import Bounds, Grid, Lattice
from ogcserver.plan.expr import Expr
from ogcserver.sources.sampling import CELL

_EDGE = 2 * CELL
_CHUNK_BYTES = 64 << 20
_PICTURE_VALUES = 1 << 25
"""Pictures are encoded in one go, so they must be small."""


class Evaluator(Protocol):
    """What computes; :class:`ogcserver.engine.service.Engine` is one."""

    async def evaluate(self, plan: Expr, view: View) -> Block: ...


class Product(Protocol):
    """What a batch makes. It is sent to other processes, so it must be picklable, and stored as JSON."""

    @property
    def extension(self) -> str:
        """Of the file's name."""
        ...

    @property
    def media_type(self) -> str: ...

    @property
    def boxes(self) -> tuple[Bounds, ...]:
        """Of longitudes and latitudes, that hold the result; two where it crosses 180 degrees."""
        ...

    @property
    def interval(self) -> tuple[str, str]:
        """First and last moment that it shows; RFC 3339."""
        ...

    @property
    def properties(self) -> Json:
        """More for a STAC item: where its pixels lie."""
        ...

    @property
    def asset(self) -> Json:
        """More for the asset of a STAC item: its bands."""
        ...

    @property
    def total(self) -> int:
        """How many chunks there are; they are numbered from 0."""
        ...

    def size(self, number: int) -> int:
        """How many values a chunk has, for the user's account."""
        ...

    async def compute(self, number: int, engine: Evaluator, plan: Expr, folder: Path) -> bool:
        """Computes a chunk into files of the folder, which must be whole or not there whatever happens.

        Whether every source could be read. Doing it twice makes the same files.

        Raises:
            FileNotFoundError: the folder is gone, since the batch was stopped.
        """
        ...

    def finish(self, folder: Path, target: Path, plan: Expr) -> None:
        """Makes the file of what all chunks have put into the folder."""
        ...

    def to_json(self) -> Json: ...


@dataclass(frozen=True, eq=False)
class RasterProduct:
    """A raster file of a view: a :class:`Product`."""

    view: View
    """With its times spelled out."""
    boxes: tuple[Bounds, ...]
    interval: tuple[str, str]
    bands: tuple[Band, ...]
    format: str
    options: Mapping[str, Any]
    edge: int
    """Of chunks; see :func:`ogcserver.engine.cuts.cut`."""
    chunk_bytes: int

    @property
    def extension(self) -> str:
        return find_format(formats(), self.format).extension

    @property
    def media_type(self) -> str:
        return find_format(formats(), self.format).media_type

    @property
    def properties(self) -> Json:
        grid = self.view.grid
        registered = "[" not in grid.crs  # else it is WKT
        return {
            "proj:code": grid.crs if registered else None,
            **({} if registered else {"proj:wkt2": crs_object(grid.crs).to_wkt()}),
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform)[:6],
            "proj:bbox": list(grid.bounds),
        }

    @property
    def asset(self) -> Json:
        units = [{"unit": band.unit} if band.unit else {} for band in self.bands]
        said = [{"name": band.name, "data_type": band.dtype} for band in self.bands]
        return {"bands": [one | unit for one, unit in zip(said, units, strict=True)]}

    @property
    def total(self) -> int:
        return len(self.chunks)

    @cached_property
    def chunks(self) -> tuple[View, ...]:
        return cut(self.view, self.bands, self.edge, self.chunk_bytes)

    def size(self, number: int) -> int:
        chunk = self.chunks[number]
        return chunk.grid.size * len(chunk.bands) * max(1, len(chunk.times))

    async def compute(self, number: int, engine: Evaluator, plan: Expr, folder: Path) -> bool:
        block = await engine.evaluate(plan, self.chunks[number])
        self._pieces(folder).put(block)
        return block.complete

    def finish(self, folder: Path, target: Path, plan: Expr) -> None:
        pieces, written = self._pieces(folder), formats()[self.format]
        if written.write is not None:
            written.write(pieces, target, self.options)
        else:
            target.write_bytes(written.encode(pieces.block(self.view.grid), self.options, None))

    def _pieces(self, folder: Path) -> Pieces:
        return Pieces(folder, self.view.grid, self.bands, self.view.times)

    def __getstate__(self) -> dict[str, Any]:
        """Without the list of chunks, which would travel with each of them."""
        return {name: value for name, value in vars(self).items() if name != "chunks"}

    def to_json(self) -> Json:
        view = {
            "lattice": asdict(self.view.grid.lattice),
            "window": [self.view.grid.col, self.view.grid.row, self.view.grid.width, self.view.grid.height],
            "times": list(self.view.times),
            "resampling": self.view.resampling,
        }
        place = {"boxes": [list(box) for box in self.boxes], "interval": list(self.interval)}
        # JSON has no NaN, and None means the same
        bands = [asdict(band) | {"nodata": None if band.nodata != band.nodata else band.nodata} for band in self.bands]
        written = {"format": self.format, "options": dict(self.options)}
        return {
            "kind": "raster",
            "view": view,
            **place,
            "bands": bands,
            **written,
            "cut": [self.edge, self.chunk_bytes],
        }

    @classmethod
    def from_json(cls, stored: Json) -> RasterProduct:
        bands = tuple(Band(**band) for band in stored["bands"])
        view = stored["view"]
        grid = Grid(Lattice(**view["lattice"]), *view["window"])
        names = tuple(band.name for band in bands)
        asked = View(grid, names, tuple(view["times"]), view["resampling"])
        boxes = tuple((west, south, east, north) for west, south, east, north in stored["boxes"])
        return cls(
            asked,
            boxes,
            (stored["interval"][0], stored["interval"][1]),
            bands,
            stored["format"],
            stored["options"],
            *stored["cut"],
        )


def product_of(stored: Json) -> Product:
    """The product that was stored."""
    kinds: Mapping[str, Callable[[Json], Product]] = {
        "raster": RasterProduct.from_json,
        "zonal": ZonalProduct.from_json,
    }
    return kinds[stored["kind"]](stored)


def raster_product(
    found: Description, plan: Expr, format_name: str, options: Mapping[str, Any], resampling: Resampling
) -> RasterProduct:
    """The whole of a plan's result on its native grid.

    A GeoTIFF whose options say nothing about its layout is made cloud optimized.

    Raises:
        TooLarge: a picture with too many pixels.
    """
    bands, grid, times = plan.type.bands, found.grid, found.times
    view = View(grid, plan.type.names, times, resampling)
    if format_name in ("PNG", "JPEG") and grid.size * len(bands) * max(1, len(times)) > _PICTURE_VALUES:
        raise TooLarge(
            f"a picture of {grid.width} x {grid.height} pixels is too large to be made: use GTiff, or a smaller area",
            locator="output.format",
        )
    if format_name == "GTiff" and all(name.lower() in COG_OPTIONS for name in options) and _is_cog(options, plan):
        format_name = "COG"
    return RasterProduct(view, found.boxes, found.interval, bands, format_name, options, _EDGE, _CHUNK_BYTES)


def _is_cog(options: Mapping[str, Any], plan: Expr) -> bool:
    try:
        formats()["COG"].check(options, plan.type)
    except (FormatOptionInvalid, FormatOptionUnsupported):
        return False
    return True
