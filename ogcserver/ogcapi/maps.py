"""Requests for maps, and the pixels that they mean.  Source: OGC 20-058 (OGC API - Maps 1.0) clauses 7 to 15."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from PIL import ImageColor

from ogcserver.coverages.boxes import coverage_bounds
from ogcserver.cube import View
from ogcserver.encode.overlay import Colour
from ogcserver.encode.style import Style
from ogcserver.errors import InvalidParameter, TooLarge
from ogcserver.geo.crs import metres_per_unit, project, project_bounds
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.layers import Layer
from ogcserver.maps.frames import grid_over
from ogcserver.ogcapi.crs import CRS84, Crs, crs_parameter, storage_crs
from ogcserver.ogcapi.scale import box_around, ground_size, pixel_metres
from ogcserver.ogcapi.subsets import Chosen, Region
from ogcserver.ows.kvp import Kvp, choice, integer, number

DEFAULT_EDGE = 1024
"""Pixels along the longer side of a map whose size the request does not say."""
MAX_EDGE = 8192
WHITE: Colour = (255, 255, 255)
_HEX = re.compile("(?:0[xX]|#)?([0-9a-fA-F]{6})")


@dataclass(frozen=True)
class Center:
    """Of a map, east before north."""

    crs: Crs
    x: float
    y: float


@dataclass(frozen=True)
class MapAsk:
    """A map, as the query asks for it."""

    chosen: Chosen
    crs: Crs | None
    """Of the map; None is the storage CRS."""
    width: int | None
    height: int | None
    background: Colour | None
    """None: transparent."""
    center: Center | None = None
    scale: float | None = None
    """Its denominator: so many metres on the ground are one of the map, with pixels of 0.28 mm."""

    @property
    def around(self) -> bool:
        """Whether width and height, which are pixels of a scale, say how much of the ground is shown."""
        return self.center is not None or bool(self.scale and (self.width or self.height))

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> MapAsk:
        """
        Raises:
            InvalidParameter, InvalidAxis, CrsError, InvalidSubset: as :meth:`Chosen.from_kvp`.
            TooLarge: more pixels than a map may have.
        """
        width, height = kvp.optional("width", _edge), kvp.optional("height", _edge)
        center, scale = _center(kvp), kvp.optional("scale-denominator", _scale)
        crs = kvp.optional("crs", crs_parameter)
        ask = cls(Chosen.from_kvp(kvp), crs, width, height, _background(kvp), center, scale)
        if ask.around and ask.chosen.region is not None:
            other = "center" if center else "scale-denominator with width or height"
            raise InvalidParameter(f"a box and {other} cannot be combined", locator=other.partition(" ")[0])
        return ask


@dataclass(frozen=True)
class Sheet:
    """What a map shows, and where."""

    view: View
    crs: Crs
    bounds: Bounds
    """Of the map in its CRS, east before north."""


def place_map(ask: MapAsk, layer: Layer, style: Style) -> Sheet:
    """The pixels of a map: its box, divided exactly into columns and rows.

    The observations of the period that is asked for lie on top of each other, as in WMS (ADR 0020); without a period
    the latest one is shown.

    Raises:
        InvalidSubset: no observation then; or no place there in the map's CRS.
        InvalidParameter: the box has no area, or the center is no place in the CRS.
        TooLarge: more pixels than a map may have.
        CoordinateError: the box cannot be expressed in the CRS of the map.
    """
    coverage = layer.description
    crs = ask.crs or storage_crs(coverage.grid.crs)
    bounds, (width, height) = _around(ask, layer, crs) if ask.around else _whole_box(ask, layer, crs)
    grid = grid_over(crs.name, bounds, width, height, coverage.grid)
    period = ask.chosen.period
    times = period.among(coverage.times) if period else coverage.times[-1:]
    return Sheet(View(grid, style.bands, times, layer.resampling), crs, bounds)


def _whole_box(ask: MapAsk, layer: Layer, crs: Crs) -> tuple[Bounds, tuple[int, int]]:
    """The box that is asked for, or that of the layer, and its size: by the scale, or else by width and height."""
    bounds = _bounds(ask.chosen.region, layer, crs)
    west, south, east, north = bounds
    across, down = ground_size(crs.name, bounds) or (east - west, north - south)
    if not (0.0 < across < math.inf and 0.0 < down < math.inf):
        raise InvalidParameter("the box has no area in the CRS of the map: ask for a smaller one", locator="bbox")
    if ask.scale:
        pixel = pixel_metres(ask.scale)
        return bounds, (_whole(across / pixel), _whole(down / pixel))
    return bounds, _size(ask, across / down)


def _around(ask: MapAsk, layer: Layer, crs: Crs) -> tuple[Bounds, tuple[int, int]]:
    """The box around a point that has the size and the scale; by default the layer's middle and its native scale.

    Source: /req/spatial-subsetting/center-definition, width-height.
    """
    native = layer.description.grid
    width = ask.width or ask.height or DEFAULT_EDGE
    height = ask.height or width
    pixel = pixel_metres(ask.scale) if ask.scale else native.lattice.dx * metres_per_unit(native.crs)
    west, south, east, north = native.bounds
    center = ask.center or Center(storage_crs(native.crs), (west + east) / 2, (south + north) / 2)
    (x,), (y,) = project(center.crs.name, crs.name, np.array([center.x]), np.array([center.y]))
    bounds = box_around(crs.name, float(x), float(y), width * pixel, height * pixel)
    if bounds is None:
        raise InvalidParameter("the center of the map is no place in its CRS", locator="center")
    return bounds, (width, height)


def _bounds(region: Region | None, layer: Layer, crs: Crs) -> Bounds:
    native = layer.description.grid
    if region is None:
        return coverage_bounds(native, crs.name)
    low_x, low_y, high_x, high_y = region.x.low, region.y.low, region.x.high, region.y.high
    if not all(map(math.isfinite, (low_x, low_y, high_x, high_y))):
        west, south, east, north = coverage_bounds(native, region.crs.name)
        low_x, high_x = _closed(low_x, west), _closed(high_x, east)
        low_y, high_y = _closed(low_y, south), _closed(high_y, north)
    if not (low_x < high_x and low_y < high_y):
        raise InvalidParameter("a map needs a box with an area", locator=region.x.label or region.y.label)
    return project_bounds(region.crs.name, crs.name, (low_x, low_y, high_x, high_y))


def _closed(bound: float, otherwise: float) -> float:
    return bound if math.isfinite(bound) else otherwise


def _size(ask: MapAsk, aspect: float) -> tuple[int, int]:
    """Columns and rows. What is not given follows from the proportions of the box.

    Args:
        aspect: width by height of the box on the ground.
    """
    width, height = ask.width, ask.height
    if width and height:
        return width, height
    if width:
        return width, _whole(width / aspect)
    if height:
        return _whole(height * aspect), height
    return _whole(DEFAULT_EDGE * min(1.0, aspect)), _whole(DEFAULT_EDGE * min(1.0, 1.0 / aspect))


def _whole(edge: float) -> int:
    """
    Raises:
        TooLarge: more than :data:`MAX_EDGE`.
    """
    if edge > MAX_EDGE:
        raise TooLarge(f"a map has at most {MAX_EDGE} pixels along an edge", locator="width")
    return max(1, round(edge))


def _edge(text: str) -> int:
    edge = integer(text)
    if edge < 1:
        raise InvalidParameter(f"a map is at least one pixel wide and high, not {edge}")
    return _whole(edge)


def _scale(text: str) -> float:
    value = number(text)
    if value <= 0.0:
        raise InvalidParameter(f"a scale denominator is above 0, not {text[:40]}")
    return value


def _center(kvp: Kvp) -> Center | None:
    if "center" not in kvp:
        return None
    crs = kvp.optional("center-crs", crs_parameter) or CRS84
    numbers = kvp.one("center", lambda text: tuple(number(part) for part in text.split(",")))
    if len(numbers) not in (2, 3):
        raise InvalidParameter(f"center has two numbers, not {len(numbers)}", locator="center")
    x, y, _, _ = crs.ordered((numbers[0], numbers[1], 0.0, 0.0))
    return Center(crs, x, y)


def _background(kvp: Kvp) -> Colour | None:
    """Source: /req/background/transparent-definition; /req/background/bgcolor-definition."""
    colour = kvp.optional("bgcolor", colour_parameter)
    transparent = kvp.optional("transparent", choice("true", "false"))
    if transparent == "true" or (transparent is None and colour is None):
        return None
    return colour or WHITE


def colour_parameter(text: str) -> Colour:
    """``0xFF8000``, ``FF8000`` or a name of CSS.

    Raises:
        InvalidParameter: anything else.
    """
    match = _HEX.fullmatch(str(ImageColor.colormap.get(text.lower(), text)))
    if not match:
        raise InvalidParameter(f"{text[:40]!r} is no colour such as 0xFF8000 or orange")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue
