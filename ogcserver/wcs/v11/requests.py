"""What clients ask a WCS 1.1 for, as values. Coordinates become x, y here, whatever the order under the CRS's name.

Source: OGC 07-067r5 clauses 8.2, 9.2 and 10.2 (tables 12, 20 and 29).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ogcserver.cube import Resampling
from ogcserver.errors import InvalidParameter
from ogcserver.geo.crs import is_geographic
from ogcserver.geo.grid import Bounds
from ogcserver.ows.kvp import Kvp, choice, number
from ogcserver.ows.sections import chosen_sections
from ogcserver.wcs.bands import AXIS
from ogcserver.wcs.naming import NamedCrs
from ogcserver.wcs.syntax import interpolation
from ogcserver.wcs.v1.choice import DEFAULT, Choice

SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents")
FIELD = "contents"
"""The one field of every coverage."""
GRID_TYPES: dict[str, Literal[2, 4]] = {"2dSimpleGrid": 2, "2dGridIn2dCrs": 4}
"""Last part of the URN -> how many offsets such a grid has."""
GRID_CS = "Grid2dSquareCS"
"""Last part of the URN."""

IMAGE_CRS = "urn:ogc:def:crs:OGC::imageCRS"
"""Columns and rows, whole numbers at the centres of pixels. QGIS takes the size from the box in this CRS."""
IMAGE_CRS_OF_EDGES = "urn:ogc:def:crs:OGC:0.0:imageCRS"
"""Columns and rows, whole numbers at the corners of pixels. GDAL 3.6 takes the upper corner of the first box in any
image CRS for the size; of the other one it would leave out the last column and row."""

_IMAGE_CRSS = {IMAGE_CRS.lower(): 0.5, IMAGE_CRS_OF_EDGES.lower(): 0.0}
"""Where on the first pixel the numbers 0, 0 are."""
_RANGE = re.compile(r"(?P<field>[^\s:;\[\]]+)(?::(?P<method>[^;\[\]]+))?(?:\[(?P<axis>\w+)\[(?P<keys>[^\[\]]*)\]\])?")
_ROUNDING = 1e-12
"""A box of one column has equal sides, but for the rounding of whoever computed them."""
_SHOWN = 80


@dataclass(frozen=True)
class GetCapabilities:
    sections: frozenset[str] = frozenset(SECTIONS)
    update_sequence: str = ""
    """Of the document that the client has; "" for none."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCapabilities:
        """Raises InvalidParameter: a section that does not exist."""
        return cls(chosen_sections(kvp, SECTIONS), kvp.optional("updateSequence", str) or "")


@dataclass(frozen=True)
class DescribeCoverage:
    identifiers: tuple[str, ...]

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> DescribeCoverage:
        """OWSLib sends ``identifier`` besides ``identifiers``.  Raises MissingParameter: neither."""
        name = "identifiers" if "identifiers" in kvp or "identifier" not in kvp else "identifier"
        kvp.one(name, str)
        return cls(tuple(dict.fromkeys(kvp.listed(name))))


@dataclass(frozen=True)
class Box:
    """A box from the centre of a pixel to the centre of another."""

    bounds: Bounds
    crs: str | None = None
    """Canonical. None: that of the grid, or else of the coverage."""
    image: float | None = None
    """Where the bounds are columns and rows of the coverage, from 0 on and rows downwards: where on a pixel its number
    is, 0.5 in the middle, 0 at its upper left corner."""


@dataclass(frozen=True)
class GridCrs:
    """The grid of the answer, as far as the request tells."""

    crs: str | None = None
    """Canonical; None is that of the coverage."""
    origin: tuple[float, float] | None = None
    """The centre of some pixel."""
    offsets: tuple[float, float] | None = None
    """Width and height of a pixel, both above zero."""


@dataclass(frozen=True)
class GetCoverage:
    identifier: str
    box: Box
    grid: GridCrs = GridCrs()
    choice: Choice = DEFAULT
    format: str = ""
    """"" is the native one. OWSLib writes format=None."""
    store: bool = False
    """Whether the answer shall be a document that says where the coverage is, in place of the coverage."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCoverage:
        """
        Raises:
            MissingParameter: no identifier, no box, or no format.
            InvalidParameter, CrsError, InterpolationUnsupported: as they say.
        """
        name = "identifier" if "identifier" in kvp or "identifiers" not in kvp else "identifiers"
        base = kvp.optional("GridBaseCRS", NamedCrs.of)
        bands, method = kvp.optional("RangeSubset", parse_range) or ((), None)
        identifier, box = kvp.one(name, str), kvp.one("BoundingBox", lambda text: parse_box(text, base))
        named = kvp.one("format", str)
        return cls(
            identifier=identifier,
            box=box,
            grid=_grid(kvp, base),
            choice=Choice(kvp.listed("TimeSequence"), bands, method),
            format="" if named == "None" else named,
            store=kvp.optional("store", choice("true", "false")) == "true",
        )


def parse_box(text: str, base: NamedCrs | None) -> Box:
    """``lower1,lower2,upper1,upper2,CRS``; without CRS it is in that of the grid, or else of the coverage.

    A box without width or height holds one column or row of centres. A box whose western longitude is above the
    eastern one lies over the antimeridian (clause 7.5.4).

    Raises:
        InvalidParameter: another form, or upside down.
        CrsError: unknown.
    """
    parts = text.split(",")
    numbers = tuple(number(part) for part in parts[:4])
    if len(numbers) != 4 or len(parts) > 5:
        raise InvalidParameter("a box is four numbers and the URN of a CRS, joined by commas")
    name = parts[4].strip() if len(parts) == 5 else ""
    image = _IMAGE_CRSS.get(name.lower())
    crs = base if not name else NamedCrs.of(name) if image is None else None
    west, south, east, north = crs.bounds(numbers) if crs else (numbers[0], numbers[1], numbers[2], numbers[3])
    if crs and is_geographic(crs.name) and _above(west, east):
        east += 360.0
    if _above(west, east) or _above(south, north):
        raise InvalidParameter("a box is its lower corner, then its upper corner")
    return Box((west, south, east, north), crs.name if crs else None, image)


def _above(low: float, high: float) -> bool:
    return low - high > _ROUNDING * abs(low)


def _grid(kvp: Kvp, base: NamedCrs | None) -> GridCrs:
    """Without GridBaseCRS the coverage's own grid, whatever origin and offsets say (07-067r5 table 29)."""
    if base is None:
        return GridCrs()
    kvp.optional("GridCS", lambda text: _last_part(text, (GRID_CS,)))
    kind = kvp.optional("GridType", lambda text: _last_part(text, tuple(GRID_TYPES)))
    return GridCrs(
        base.name,
        kvp.optional("GridOrigin", lambda text: base.xy(*_numbers(text, 2))),
        kvp.optional("GridOffsets", lambda text: parse_offsets(text, base, kind)),
    )


def _last_part(text: str, known: tuple[str, ...]) -> str:
    """The one of these names that a URN ends in; the parts before differ between the versions' texts."""
    return choice(*known)(text.rpartition(":")[2])


def _numbers(text: str, *counts: Literal[2, 4]) -> tuple[float, ...]:
    numbers = tuple(number(part) for part in text.split(","))
    if len(numbers) not in counts:
        raise InvalidParameter(f"{text[:_SHOWN]!r} must be {' or '.join(map(str, counts))} numbers")
    return numbers


def parse_offsets(text: str, crs: NamedCrs, kind: str | None = None) -> tuple[float, float]:
    """Width and height of a pixel.

    Two offsets belong to the axes of the CRS (2dSimpleGrid), four are the vectors to the next pixel of the row and of
    the column (2dGridIn2dCrs). Signs do not matter: every answer is north up.

    Args:
        kind: one of :data:`GRID_TYPES`; None: as many offsets as there are tell it.
    Raises:
        InvalidParameter: a zero, a grid that is not along the axes, or another number than the kind of grid has.
    """
    numbers = _numbers(text, *(GRID_TYPES[kind],) if kind else (2, 4))
    if len(numbers) == 2:
        dx, dy = crs.xy(*numbers)
    else:
        vectors = crs.xy(*numbers[:2]), crs.xy(*numbers[2:])
        (dx, skew), (turn, dy) = vectors if vectors[0][0] else reversed(vectors)
        if skew or turn:
            raise InvalidParameter("the grid must lie along the axes of its CRS")
    if not (dx and dy):
        raise InvalidParameter("offsets must not be zero")
    return abs(dx), abs(dy)


def parse_range(text: str) -> tuple[tuple[str, ...], Resampling | None]:
    """Bands (none: all) and interpolation of ``field``, ``field:method``, ``field[bands[key,key]]`` or both.

    In place of the field a band may stand.

    Raises:
        InvalidParameter: another form, several fields, or another axis.
        InterpolationUnsupported: unknown.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise InvalidParameter(f"write {FIELD}:method[{AXIS}[key,key]], not {text[:_SHOWN]!r}")
    axis, field, method = match["axis"], match["field"], match["method"]
    if axis is not None and axis.lower() != AXIS:
        raise InvalidParameter(f"the field has one axis, {AXIS}, and none {axis[:_SHOWN]!r}")
    bands = tuple(key for part in (match["keys"] or "").split(",") if (key := part.strip()))
    if axis is not None and not bands:
        raise InvalidParameter(f"name the keys of {AXIS}, or leave it out")
    if field.lower() != FIELD:
        bands = (field,)
    return bands, interpolation(method) if method else None
