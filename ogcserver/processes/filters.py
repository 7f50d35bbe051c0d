"""Processes that choose: a box, dates, bands."""

from __future__ import annotations

from ogcserver.errors import CoordinateError, CrsError, InvalidParameter
from ogcserver.geo.crs import WGS84, canonical, is_geographic
from ogcserver.graph.model import Argument, Process, Scope
from ogcserver.plan.expr import Expr
from ogcserver.plan.nodes import FilterBands, FilterBbox, FilterTemporal, Region
from ogcserver.timeline import Interval, start_of, whole_days

IMAGERY = Argument("imagery", "cube", "the image collection to work on")


def filter_bbox() -> Process:
    arguments = (
        IMAGERY,
        Argument("left", "number", "the western edge, in units of srs"),
        Argument("right", "number", "the eastern edge, in units of srs"),
        Argument("top", "number", "one of the two edges in north-south direction, in units of srs"),
        Argument("bottom", "number", "the other edge in north-south direction, in units of srs"),
        Argument("srs", "text", "CRS of the edges, such as EPSG:32632; by default EPSG:4326", required=False),
    )
    text = (
        "Keeps the pixels whose centres lie in a box. The edges may be given in either order; degrees with left 170 "
        "and right -170 mean the box across the antimeridian."
    )
    return Process("filter_bbox", text, arguments, _build_bbox)


def _build_bbox(scope: Scope) -> Expr:
    try:
        crs = canonical(scope.values.get("srs", WGS84))
    except CrsError as error:
        raise CrsError(error.message, locator=f"{scope.path}.args.srs") from error
    for name in ("left", "right", "top", "bottom"):
        _check_coordinate(scope, name, crs)
    left, right = float(scope.values["left"]), float(scope.values["right"])
    if left > right:  # swapped, unless the short way from left to right crosses 180 degrees
        crosses = is_geographic(crs) and left - right > 180.0
        left, right = (left, right + 360.0) if crosses else (right, left)
    bottom, top = sorted(float(scope.values[name]) for name in ("bottom", "top"))
    if left == right or bottom == top:
        raise scope.invalid("left" if left == right else "top", "the box has no area")
    return FilterBbox(scope.cube("imagery"), Region(crs, (left, bottom, right, top)))


def _check_coordinate(scope: Scope, name: str, crs: str) -> None:
    value = scope.values[name]
    limit = (90.0 if name in ("top", "bottom") else 360.0) if is_geographic(crs) else 1e9
    if not abs(value) <= limit:  # also not a number; an integer may be too large for a float
        message = f"{name} must be a number of at most {limit:g} in units of {crs[:40]}, not {str(value)[:40]}"
        raise CoordinateError(message, locator=f"{scope.path}.args.{name}")


def filter_daterange() -> Process:
    arguments = (
        IMAGERY,
        Argument("from", "text", "first day (2017-01-01) or moment; by default no limit", required=False),
        Argument("to", "text", "last day, which still belongs to the range, or moment; by default no limit", False),
    )
    text = "Keeps the observations of a range of dates. Both ends belong to it, as whole days."
    return Process("filter_daterange", text, arguments, _build_daterange)


def _build_daterange(scope: Scope) -> Expr:
    data = scope.cube("imagery")
    if not data.type.temporal:
        raise scope.invalid("imagery", "the image has no time axis any more; filter before the reduction over time")
    first, last = scope.values.get("from", ""), scope.values.get("to", "")
    for name, text in (("from", first), ("to", last)):
        try:
            whole_days(text, text)
        except InvalidParameter as error:
            raise scope.invalid(name, error.message) from error
    interval = whole_days(first, last)
    if interval.start and interval.end and start_of(interval.start) >= start_of(interval.end):
        raise scope.invalid("to", f"the range ends ({last}) before it starts ({first})")
    return FilterTemporal(data, Interval(interval.start, interval.end))


def filter_bands() -> Process:
    arguments = (
        IMAGERY,
        Argument("bands", "texts", "band identifier, or a list of them; a number counts as its text", False),
        Argument("names", "texts", "common name such as red, or a list of them", required=False),
        Argument(
            "wavelengths", "value", "a wavelength in nm, [min, max], a list of pairs, or three and more numbers", False
        ),
    )
    text = "Keeps some bands, in the order given. Give one of bands, names and wavelengths."
    return Process("filter_bands", text, arguments, _build_bands)


def _build_bands(scope: Scope) -> Expr:
    data = scope.cube("imagery")
    given = [name for name in ("bands", "names", "wavelengths") if name in scope.values]
    if len(given) != 1:
        raise scope.invalid(given[1] if given else "bands", "give exactly one of bands, names and wavelengths")
    if given == ["wavelengths"]:
        chosen = _by_wavelength(scope, data)
    else:
        chosen = tuple(scope.band(given[0], data, text) for text in scope.values[given[0]])
    if len(set(chosen)) != len(chosen):
        raise scope.invalid(given[0], "a band is named twice")
    return FilterBands(data, chosen)


def _by_wavelength(scope: Scope, data: Expr) -> tuple[str, ...]:
    """Bands whose centre lies in one of the ranges; the nearest band for a single number."""
    centres = {
        name: scope.bands[name].wavelength_nm
        for name in data.type.names
        if name in scope.bands and scope.bands[name].wavelength_nm is not None
    }
    if not centres:
        raise scope.invalid("wavelengths", "the bands have no known wavelengths; choose them by bands")
    chosen: dict[str, None] = {}
    for low, high in _ranges(scope):
        if low == high:
            chosen[min(centres, key=lambda name: abs((centres[name] or 0.0) - low))] = None
        else:
            chosen.update({name: None for name, centre in centres.items() if low <= (centre or 0.0) <= high})
    if not chosen:
        raise scope.invalid("wavelengths", f"no band lies in that range; the centres are {centres}")
    return tuple(chosen)


def _ranges(scope: Scope) -> tuple[tuple[float, float], ...]:
    value = scope.values["wavelengths"]
    several = isinstance(value, list) and value and (isinstance(value[0], list) or len(value) != 2)
    items = value if several else [value]
    ranges = []
    for item in items:
        pair = item if isinstance(item, list) else [item, item]
        if len(pair) != 2 or not all(
            isinstance(n, (int, float)) and type(n) is not bool and abs(n) < 1e9 for n in pair
        ):
            raise scope.invalid("wavelengths", "a wavelength is a number in nm or a pair [min, max]")
        if pair[0] > pair[1]:
            raise scope.invalid("wavelengths", "a range of wavelengths must start with its smaller end")
        ranges.append((float(pair[0]), float(pair[1])))
    return tuple(ranges)
