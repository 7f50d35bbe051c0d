"""The header of a single raster file, for what no catalogue says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ogcserver.errors import CrsError, InvalidParameter, SourceUnavailable
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Lattice
from ogcserver.sources.base import Extent
from ogcserver.sources.hrefs import is_remote
from ogcserver.sources.raster import shown
from ogcserver.sources.stac_assets import BandFields
from ogcserver.sources.stac_cube import read_layout

_DRIVERS = ("GTiff", "COG", "JP2OpenJPEG")
"""Formats whose files cannot name other files."""


@dataclass(frozen=True, eq=False)
class RasterFile:
    """What a raster file says of itself."""

    extent: Extent | None
    """None where it has no CRS or no north-up grid."""
    bands: tuple[BandFields, ...]
    tags: Mapping[str, str]


def read_raster_file(location: str) -> RasterFile:
    """Opens a GeoTIFF or JPEG 2000 file and reads its header.

    Raises:
        SourceUnavailable: it cannot be read.
    """
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            DatasetReader(location, driver=list(_DRIVERS)) as file,
        ):
            extent = _extent(file.transform, file.crs.to_wkt() if file.crs else "", file.width, file.height)
            return RasterFile(extent, _bands(file), dict(file.tags()))
    except (RasterioError, OSError, ValueError) as error:
        raise SourceUnavailable(f"cannot read {shown(location)}: {str(error)[:200]}") from error


def local_fields(location: str, netcdf: bool) -> Sequence[BandFields]:
    """The bands that a local file names; none for files on the network, and for those that cannot be read."""
    if is_remote(location):
        return ()
    try:
        return tuple(read_layout(location).bands.values()) if netcdf else read_raster_file(location).bands
    except SourceUnavailable:
        return ()


def _bands(file: DatasetReader) -> tuple[BandFields, ...]:
    """Named by their descriptions where these are distinct, else by their numbers."""
    texts = [(text or "").strip() for text in file.descriptions]
    return tuple(
        BandFields(
            texts[i] if texts[i] and texts.count(texts[i]) == 1 else str(i + 1),
            data_type=file.dtypes[i],
            nodata=None if file.nodatavals[i] is None else float(file.nodatavals[i]),
            scale=float(file.scales[i]) or 1.0,
            offset=float(file.offsets[i]),
            unit=file.units[i] or "",
        )
        for i in range(file.count)
    )


def _extent(transform: Affine, crs: str, width: int, height: int) -> Extent | None:
    if not crs or transform.b or transform.d or transform.a <= 0 or transform.e == 0:
        return None
    top = transform.f + height * transform.e if transform.e > 0 else transform.f
    try:
        return Extent(Lattice(canonical(crs), transform.c, top, transform.a, abs(transform.e)), width, height)
    except (CrsError, InvalidParameter):
        return None
