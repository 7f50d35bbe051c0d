"""What the demo archive holds: grids, dates, bands and collections. Plain values; nothing here computes a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from affine import Affine

from ogcserver.demo.weather import Weather

VERSION = "demo-archive-1"
"""Raise the number when the pixels or the metadata change: archives of another version are written anew."""
SEED = 2017


@dataclass(frozen=True)
class Size:
    """How large an archive to make. The area stays the same; pixels grow."""

    factor: int
    """Pixels are this many times wider than in the full archive; a power of two up to 8."""
    nodes: int
    """Side of the grid on which rivers erode the alpine relief."""
    steps: int
    """Rounds of erosion."""


FULL = Size(1, 256, 60)
SMALL = Size(8, 128, 20)


@dataclass(frozen=True)
class Raster:
    """A north-up pixel grid in metres."""

    epsg: int
    left: float
    top: float
    cell: float
    shape: tuple[int, int]
    """(height, width)"""
    block: int
    """Side of a tile in the file, pixels."""

    @property
    def transform(self) -> Affine:
        """(column, row) of a pixel corner to (x, y) in metres."""
        return Affine(self.cell, 0, self.left, 0, -self.cell, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax) in metres."""
        height, width = self.shape
        return self.left, self.top - height * self.cell, self.left + width * self.cell, self.top


def alpine_raster(size: Size) -> Raster:
    """Three by three of the 512 pixel blocks of MGRS tile 32TPS at 20 m, whose corner is 600000, 5200020."""
    side = 3 * 512 // size.factor
    corner = 600000 + 5 * 512 * 20, 5200020 - 1 * 512 * 20
    return Raster(32632, *corner, 20.0 * size.factor, (side, side), 512 if side > 512 else 128)


def lowland_raster(size: Size) -> Raster:
    """42.4 by 160 km that contain longitude 16.1..16.6, latitude 47.2..48.6."""
    shape = 1600 // size.factor, 424 // size.factor
    return Raster(32633, 580000, 5386000, 100.0 * size.factor, shape, 256 if size.factor == 1 else 128)


@dataclass(frozen=True)
class Observation:
    """One date."""

    time: datetime
    weather: Weather = field(default=Weather(0.0))
    snow_line: float = 9999.0
    """Metres above sea level where snow begins; in the lowland, where half of the ground is white."""
    swath_edge: bool = False
    """The satellite missed the eastern edge of the scene: no data there."""

    @property
    def day(self) -> int:
        """Day of the year, 1..366."""
        return self.time.timetuple().tm_yday


def _at(month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    return datetime(2017, month, day, hour, minute, second, tzinfo=UTC)


def alpine_dates() -> tuple[Observation, ...]:
    """Six dates in January 2017, six over the rest of the year; 20 January is clear, 10 January overcast."""
    return (
        Observation(_at(1, 5, 10, 20, 31), Weather(0.14), 1850),
        Observation(_at(1, 10, 10, 14, 2), Weather(0.93), 1500),
        Observation(_at(1, 15, 10, 20, 28), Weather(0.38), 1150),
        Observation(_at(1, 20, 10, 13, 51), Weather(0.012), 1300),
        Observation(_at(1, 25, 10, 20, 30), Weather(0.55), 1400),
        Observation(_at(1, 30, 10, 12, 41), Weather(0.22), 1500),
        Observation(_at(3, 11, 10, 10, 20), Weather(0.08), 1800, swath_edge=True),
        Observation(_at(4, 20, 10, 10, 21), Weather(0.28, cumulus=True), 2150),
        Observation(_at(6, 4, 10, 20, 21), Weather(0.34, cumulus=True), 2650),
        Observation(_at(7, 14, 10, 20, 26), Weather(0.10, cumulus=True), 3050),
        Observation(_at(8, 28, 10, 10, 21), Weather(0.05, cumulus=True), 3200),
        Observation(_at(10, 17, 10, 20, 31), Weather(0.02), 2550),
    )


def lowland_dates() -> tuple[Observation, ...]:
    """Three dates in January 2017, snow in the middle one, and one in June."""
    return (
        Observation(_at(1, 7, 10, 4, 2), Weather(0.10), 600),
        Observation(_at(1, 17, 10, 3, 51), Weather(0.25), 190),
        Observation(_at(1, 27, 10, 3, 1), Weather(0.04), 330),
        Observation(_at(6, 16, 10, 0, 29), Weather(0.16, cumulus=True)),
    )


def radar_dates() -> tuple[Observation, ...]:
    """Two passes in each of January, February and March 2017."""
    days = ((1, 5), (1, 17), (2, 10), (2, 22), (3, 6), (3, 18))
    return tuple(Observation(_at(month, day, 5, 1, 12 + day)) for month, day in days)


@dataclass(frozen=True)
class Band:
    """One band of a collection, as STAC describes it."""

    name: str
    title: str
    dtype: str
    nodata: int
    scale: float = 1.0
    unit: str = ""
    common_name: str = ""
    center_wavelength: float = 0.0
    """Micrometres; 0: not an optical band."""
    full_width_half_max: float = 0.0
    """Micrometres."""
    column: int = -1
    """Position in a ``surfaces.Spectrum``; -1: not an optical band."""


def sentinel2_bands() -> tuple[Band, ...]:
    """The 13 bands of Sentinel-2A, named as in level 1C of the demo archive: "1".."8", "8a", "9".."12"."""
    table = (
        ("1", "coastal", 0.443, 0.027), ("2", "blue", 0.490, 0.098), ("3", "green", 0.560, 0.045),
        ("4", "red", 0.665, 0.038), ("5", "rededge", 0.704, 0.019), ("6", "rededge", 0.740, 0.018),
        ("7", "rededge", 0.783, 0.028), ("8", "nir", 0.842, 0.145), ("8a", "nir08", 0.865, 0.033),
        ("9", "nir09", 0.945, 0.026), ("10", "cirrus", 1.3735, 0.075), ("11", "swir16", 1.610, 0.143),
        ("12", "swir22", 2.190, 0.242),
    )  # fmt: skip
    return tuple(
        Band(name, f"Top of atmosphere reflectance, {common}", "uint16", 0, 1e-4, "1", common, centre, width, column)
        for column, (name, common, centre, width) in enumerate(table)
    )


def surface_bands() -> tuple[Band, ...]:
    """B02, B03, B04, B8A and the scene classification SCL of level 2A."""
    level1 = {band.name: band for band in sentinel2_bands()}
    names = (("B02", "2"), ("B03", "3"), ("B04", "4"), ("B8A", "8a"))
    optical = [
        replace(level1[source], name=name, title=f"Surface reflectance, {level1[source].common_name}")
        for name, source in names
    ]
    return (*optical, Band("SCL", "Scene classification", "uint8", 0))


def radar_bands() -> tuple[Band, ...]:
    """VV and VH backscatter in decibels."""
    title = "Backscatter coefficient sigma nought"
    return tuple(Band(name, f"{title}, {name}", "float32", -9999, unit="dB") for name in ("VV", "VH"))
