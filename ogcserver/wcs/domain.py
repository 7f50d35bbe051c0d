"""Where a coverage's pixels lie, in GML: the envelope and the grid.

Coordinates are written in the order of the CRS's own axes, so EPSG:4326 has latitude first, and the grid's first axis
(columns, ``i``) then runs along the second axis of the CRS. The origin is the **centre** of the upper left pixel.

A coverage with a time axis has a third dimension ``ansi`` (days since 1600-12-31) and a ReferenceableGridByVectors
whose coefficients are the times themselves, quoted, which is where OWSLib looks for them.

Source: OGC 07-036 (GML 3.2.1) clauses 10.1.4 and 19.2, OGC 09-146r2 clause 6, OGC 10-129r1 clause 10 (GML 3.3 grids).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

from ogcserver.engine.describe import Description
from ogcserver.geo.crs import axis_labels, crs_object, lat_first, uri
from ogcserver.geo.grid import Grid
from ogcserver.ows.xml import Element, Elements
from ogcserver.wcs.axes import GRID_LABELS, TIME_LABEL, Axis
from ogcserver.wcs.times import ANSI_CRS, ansi_date, start_label


@dataclass(frozen=True)
class Cut:
    """How an answer's grid differs from that of a whole coverage, besides its place and size."""

    sliced: frozenset[Axis] = frozenset()
    """Axes that it does not have any more, because one position of each was asked for."""
    first: tuple[int, int] = (0, 0)
    """Numbers of the first column and row; SCALEEXTENT chooses them (OGC 12-039 requirement 15)."""

    @property
    def axes(self) -> list[int]:
        """0 for columns, 1 for rows. A single pixel keeps both, for a grid has at least one dimension."""
        return [number for number, axis in enumerate("xy") if axis not in self.sliced] or [0, 1]


WHOLE = Cut()


@lru_cache(maxsize=256)
def srs_name(crs: str) -> str:
    """How a horizontal CRS is written: its OGC URL, or where it has no code its PROJ string.

    srsName is an anyURI. Tried with GDAL 3.6: WKT 2 is refused; WKT 1 is read, but no anyURI to an XML validator;
    a PROJ string is read and valid. It may lose the datum's name; the TIFF holds the whole CRS.
    """
    name = uri(crs)
    if name != crs:
        return name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the string says less than the WKT, see above
        return crs_object(crs).to_proj4().removesuffix(" +type=crs") or " ".join(crs.split())


def in_crs_order(crs: str, x: float, y: float) -> str:
    """Two coordinates as text, in the order of the CRS's axes; as many digits as tell the number."""
    return coordinates(*((y, x) if lat_first(crs) else (x, y)))


def coordinates(*values: float) -> str:
    """Numbers as text, as many digits as tell each one."""
    return " ".join(_text(value) for value in values)


def _text(value: float) -> str:
    """The shortest text that reads back as this very number, whole numbers without a fraction."""
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def bounded_by(e: Elements, coverage: Description) -> Element:
    """``gml:boundedBy`` with the outer edges of the pixels."""
    grid, times = coverage.grid, coverage.times
    west, south, east, north = grid.bounds
    low, high = in_crs_order(grid.crs, west, south), in_crs_order(grid.crs, east, north)
    if times:
        low, high = f"{low} {_text(ansi_date(times[0]))}", f"{high} {_text(ansi_date(times[-1]))}"
    attributes = _reference(coverage) | {
        "axisLabels": " ".join(crs_labels(coverage)),
        "uomLabels": " ".join(_units(coverage)),
    }
    corners = e("gml:lowerCorner", low), e("gml:upperCorner", high)
    return e("gml:boundedBy", e("gml:Envelope", attributes, corners))


def crs_labels(coverage: Description) -> tuple[str, ...]:
    """The names of the axes that subsets use."""
    return axis_labels(coverage.grid.crs) + ((TIME_LABEL,) if coverage.times else ())


def domain_set(e: Elements, identifier: str, coverage: Description, cut: Cut = WHOLE) -> Element:
    """``gml:domainSet``.

    Args:
        identifier: the gml:ids begin with it.
    """
    make = _referenceable if coverage.times else _rectified
    return e("gml:domainSet", make(e, identifier, coverage, cut))


def _rectified(e: Elements, identifier: str, coverage: Description, cut: Cut) -> Element:
    grid = coverage.grid
    name = {"srsName": srs_name(grid.crs)}
    axes, vectors = cut.axes, _offsets(grid)
    return e(
        "gml:RectifiedGrid",
        {"gml:id": f"{identifier}-grid", "dimension": str(len(axes))},
        _limits(e, *_ranges(grid, cut)),
        e("gml:axisLabels", " ".join(GRID_LABELS[axis] for axis in axes)),
        e("gml:origin", _origin(e, identifier, coverage, cut)),
        [e("gml:offsetVector", name, vectors[axis]) for axis in axes],
    )


def _referenceable(e: Elements, identifier: str, coverage: Description, cut: Cut) -> Element:
    """The grid's axes bear the names of the CRS's, for GDAL wants gridAxesSpanned to be among the envelope's labels."""
    grid, times = coverage.grid, coverage.times
    first, second = axis_labels(grid.crs)
    labels = (second, first) if lat_first(grid.crs) else (first, second)
    axes, vectors = cut.axes, _offsets(grid)
    coefficients = " ".join(f'"{start_label(label)}"' for label in times)
    reference = _reference(coverage)
    return e(
        "gmlrgrid:ReferenceableGridByVectors",
        {"gml:id": f"{identifier}-grid", "dimension": str(len(axes) + 1)},
        _limits(e, *_ranges(grid, cut), (0, len(times) - 1)),
        e("gml:axisLabels", " ".join((*(labels[axis] for axis in axes), TIME_LABEL))),
        e("gmlrgrid:origin", _origin(e, identifier, coverage, cut)),
        [_general_axis(e, labels[axis], f"{vectors[axis]} 0", "", reference) for axis in axes],
        _general_axis(e, TIME_LABEL, "0 0 1", coefficients, reference),
    )


def _general_axis(e: Elements, label: str, vector: str, coefficients: str, reference: dict[str, str]) -> Element:
    return e(
        "gmlrgrid:generalGridAxis",
        e(
            "gmlrgrid:GeneralGridAxis",
            e("gmlrgrid:offsetVector", reference, vector),
            e("gmlrgrid:coefficients", coefficients),
            e("gmlrgrid:gridAxesSpanned", label),
            e("gmlrgrid:sequenceRule", {"axisOrder": "+1"}, "Linear"),
        ),
    )


def _ranges(grid: Grid, cut: Cut) -> list[tuple[int, int]]:
    """The first and the last number along each axis of the grid."""
    sizes = (grid.width, grid.height)
    return [(cut.first[axis], cut.first[axis] + sizes[axis] - 1) for axis in cut.axes]


def _limits(e: Elements, *ranges: tuple[int, int]) -> Element:
    low, high = (" ".join(str(ends[side]) for ends in ranges) for side in (0, 1))
    return e("gml:limits", e("gml:GridEnvelope", e("gml:low", low), e("gml:high", high)))


def _origin(e: Elements, identifier: str, coverage: Description, cut: Cut) -> Element:
    """The centre of the pixel (0, 0): the upper left one, unless numbers begin elsewhere."""
    grid, (column, row) = coverage.grid, cut.first
    x, y = grid.lattice.x(grid.col - column + 0.5), grid.lattice.y(grid.row - row + 0.5)
    position = in_crs_order(grid.crs, x, y)
    if coverage.times:
        position = f"{position} {_text(ansi_date(coverage.times[0]))}"
    return e("gml:Point", {"gml:id": f"{identifier}-origin"}, _reference(coverage), e("gml:pos", position))


def _offsets(grid: Grid) -> tuple[str, str]:
    """From a pixel to the next one in its row, and in its column."""
    return in_crs_order(grid.crs, grid.lattice.dx, 0.0), in_crs_order(grid.crs, 0.0, -grid.lattice.dy)


def _reference(coverage: Description) -> dict[str, str]:
    """The attributes that name the CRS of positions."""
    name = srs_name(coverage.grid.crs)
    if not coverage.times:
        return {"srsName": name, "srsDimension": "2"}
    return {"srsName": f"http://www.opengis.net/def/crs-compound?1={name}&2={ANSI_CRS}", "srsDimension": "3"}


def _units(coverage: Description) -> tuple[str, ...]:
    axes = crs_object(coverage.grid.crs).axis_info[:2]
    symbols = {"degree": "deg", "metre": "m"}
    units = tuple(symbols.get(axis.unit_name, axis.unit_name.replace(" ", "_")) for axis in axes)
    return units + (("d",) if coverage.times else ())
