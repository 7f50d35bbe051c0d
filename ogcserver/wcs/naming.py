"""CRSs as the older versions of WCS name them, and the order of coordinates under each name.

Source: OGC 06-121r3 clause 10.2 (bounding boxes), OGC 07-092r3 (URNs), OGC 03-065r6 clause 9.3.2.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ogcserver.errors import JobNotFound, RequestError
from ogcserver.geo.crs import WGS84, canonical, lat_first, uri
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.layers import Layer, Layers

OUTPUT_CRS = (WGS84, "EPSG:3857", "EPSG:3035")
"""Listed besides the coverages' own; any CRS that PROJ knows is accepted."""

_EAST_FIRST = re.compile(r"[A-Za-z]+:\w+|.*[:/](CRS)?84", re.IGNORECASE)


@dataclass(frozen=True)
class NamedCrs:
    """A CRS under one of its names."""

    name: str
    """Canonical."""
    north_first: bool
    """Whether coordinates under this name have the northing or latitude first."""

    @classmethod
    def of(cls, text: str) -> NamedCrs:
        """URNs and OGC URLs follow the CRS's own definition; ``EPSG:4326`` and CRS84 mean longitude, latitude.

        Raises:
            CrsError: unknown.
        """
        name = canonical(text)
        return cls(name, _EAST_FIRST.fullmatch(text.strip()) is None and lat_first(name))

    def xy(self, first: float, second: float) -> tuple[float, float]:
        """Coordinates under this name as x, y."""
        return (second, first) if self.north_first else (first, second)

    def bounds(self, numbers: tuple[float, ...]) -> Bounds:
        """Lower and upper corner under this name as (xmin, ymin, xmax, ymax)."""
        return *self.xy(*numbers[:2]), *self.xy(*numbers[2:])


def has_code(crs: str) -> bool:
    """Whether the CRS has an authority's code, and so a name in every version of WCS."""
    return uri(crs) != crs


def supported(crs: str) -> tuple[str, ...]:
    """The CRSs to list for a coverage, its own first."""
    return tuple(dict.fromkeys((crs, *OUTPUT_CRS)))


def nameable(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The coverages that WCS 1.0 and 1.1 can offer: a CRS without a code has no name there that clients read."""
    return tuple(layer for layer in layers if has_code(layer.description.grid.crs))


async def find(layers: Layers, identifier: str, locator: str) -> Layer:
    """A coverage for WCS 1.0 or 1.1.

    Raises:
        JobNotFound, NotOnDemand: there is none, or none that these versions can offer; the locator is the parameter.
    """
    try:
        layer = await layers.get(identifier)
    except RequestError as error:
        error.locator = locator
        raise
    if not has_code(layer.description.grid.crs):
        raise JobNotFound(
            f"the CRS of coverage {identifier} has no EPSG code, so WCS 1.0 and 1.1 cannot name it: use version 2.0.1",
            locator=locator,
        )
    return layer
