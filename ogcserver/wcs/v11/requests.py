"""What clients ask a WCS 1.1 for, as values. Coordinates become x, y here, whatever the order under the CRS's name.

Source: OGC 07-067r5 clauses 8.2, 9.2 and 10.2 (tables 12, 20 and 29).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ogcserver.cube import Resampling
from ogcserver.errors import InvalidParameter
from ogcserver.geo.grid import Bounds
from ogcserver.ows.kvp import Kvp, number
from ogcserver.ows.sections import chosen_sections
from ogcserver.wcs.bands import AXIS
from ogcserver.wcs.naming import NamedCrs
from ogcserver.wcs.syntax import interpolation

SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents")
FIELD = "contents"
"""The one field of every coverage."""

_IMAGE_CRS = re.compile("urn:ogc:def:crs:OGC::imageCRS", re.IGNORECASE)
_RANGE = re.compile(r"(?P<field>[^\s:;\[\]]+)(?::(?P<method>[^;\[\]]+))?(?:\[(?P<axis>\w+)\[(?P<keys>[^\[\]]*)\]\])?")
_ROUNDING = 1e-12
"""A box of one column has equal sides, but for the rounding of whoever computed them."""
_SHOWN = 80


@dataclass(frozen=True)
class GetCapabilities:
    sections: frozenset[str] = frozenset(SECTIONS)

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCapabilities:
        """Raises InvalidParameter: a section that does not exist."""
        return cls(chosen_sections(kvp, SECTIONS))


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
    image: bool = False
    """Whether the bounds are columns and rows of the coverage, from 0 on and rows downwards."""


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
class RangeSubset:
    bands: tuple[str, ...] = ()
    """Empty: all."""
    interpolation: Resampling | None = None


@dataclass(frozen=True)
class GetCoverage:
    identifier: str
    box: Box
    grid: GridCrs = GridCrs()
    times: tuple[str, ...] = ()
    """Empty: the default, the newest."""
    range: RangeSubset = RangeSubset()
    format: str = ""
    """"" is the native one."""

    @classmethod
    def from_kvp(cls, kvp: Kvp) -> GetCoverage:
        """
        Raises:
            MissingParameter: no identifier or no box.
            InvalidParameter, CrsError, InterpolationUnsupported: as they say.
        """
        if (kvp.optional("store", str) or "false").lower() != "false":
            raise InvalidParameter("coverages are not stored here, only sent: store=false", locator="store")
        name = "identifier" if "identifier" in kvp or "identifiers" not in kvp else "identifiers"
        base = kvp.optional("GridBaseCRS", NamedCrs.of)
        return cls(
            identifier=kvp.one(name, str),
            box=kvp.one("BoundingBox", lambda text: parse_box(text, base)),
            grid=_grid(kvp, base),
            times=kvp.listed("TimeSequence"),
            range=kvp.optional("RangeSubset", parse_range) or RangeSubset(),
            format=kvp.optional("format", str) or "",
        )


def parse_box(text: str, base: NamedCrs | None) -> Box:
    """``lower1,lower2,upper1,upper2,CRS``; without CRS it is in that of the grid, or else of the coverage.

    A box without width or height holds one column or row of centres.

    Raises:
        InvalidParameter: another form, or upside down.
        CrsError: unknown.
    """
    parts = text.split(",")
    numbers = tuple(number(part) for part in parts[:4])
    if len(numbers) != 4 or len(parts) > 5:
        raise InvalidParameter("a box is four numbers and the URN of a CRS, joined by commas")
    if any(low - high > _ROUNDING * abs(low) for low, high in zip(numbers[:2], numbers[2:], strict=True)):
        raise InvalidParameter("a box is its lower corner, then its upper corner")
    name = parts[4] if len(parts) == 5 else ""
    if _IMAGE_CRS.fullmatch(name.strip()):
        return Box(_four(numbers), image=True)
    crs = NamedCrs.of(name) if name else base
    return Box(crs.bounds(numbers), crs.name) if crs else Box(_four(numbers))


def _four(numbers: tuple[float, ...]) -> Bounds:
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _grid(kvp: Kvp, base: NamedCrs | None) -> GridCrs:
    """Without GridBaseCRS the coverage's own grid, whatever origin and offsets say (07-067r5 table 29)."""
    if base is None:
        return GridCrs()
    return GridCrs(
        base.name,
        kvp.optional("GridOrigin", lambda text: base.xy(*_numbers(text, 2))),
        kvp.optional("GridOffsets", lambda text: parse_offsets(text, base)),
    )


def _numbers(text: str, *counts: Literal[2, 4]) -> tuple[float, ...]:
    numbers = tuple(number(part) for part in text.split(","))
    if len(numbers) not in counts:
        raise InvalidParameter(f"{text[:_SHOWN]!r} must be {' or '.join(map(str, counts))} numbers")
    return numbers


def parse_offsets(text: str, crs: NamedCrs) -> tuple[float, float]:
    """Width and height of a pixel.

    Two offsets belong to the axes of the CRS (2dSimpleGrid), four are the vectors to the next pixel of the row and of
    the column (2dGridIn2dCrs). Signs do not matter: every answer is north up.

    Raises:
        InvalidParameter: a zero, or a grid that is not along the axes.
    """
    numbers = _numbers(text, 2, 4)
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


def parse_range(text: str) -> RangeSubset:
    """``field``, ``field:method``, ``field[bands[key,key]]`` or both; in place of the field a band may stand.

    Raises:
        InvalidParameter: another form, or another axis.
        InterpolationUnsupported: unknown.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise InvalidParameter(f"write {FIELD}:method[{AXIS}[key,key]], not {text[:_SHOWN]!r}")
    axis, field, method = match["axis"], match["field"], match["method"]
    if axis is not None and axis.lower() != AXIS:
        raise InvalidParameter(f"the field has one axis, {AXIS}, and none {axis[:_SHOWN]!r}")
    bands = tuple(key for part in (match["keys"] or "").split(",") if (key := part.strip()))
    if field.lower() != FIELD:
        bands = (field,)
    return RangeSubset(bands, interpolation(method) if method else None)
