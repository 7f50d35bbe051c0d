"""Colours, ranges and relief of a style, from a service's arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ogcserver.encode.colours import MOST_COLOURS, blended, even_levels, named_colours, parse_colour, picked
from ogcserver.encode.default_style import Range
from ogcserver.encode.style import TRANSPARENT, Hillshade, Mark, Style
from ogcserver.encode.style_values import items, number, within
from ogcserver.errors import InvalidParameter

_TYPES = ("intervals", "values", "ramp")
"""Ways to use listed colours, as SLD calls them."""
_PERCENTILES = (2.0, 98.0)
_LONGEST_LABEL = 200
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def with_colours(style: Style, value: object, kind: object = None) -> Style:
    """The style with the colours that the argument ``colormap`` names or lists.

    Args:
        value: the name of a colour map; [[value, colour], ...] or [[value, colour, label], ...], where a value may be
            null (for the first: no lower end) or [from, to]; or {value: colour} or {value: {color, label}}.
        kind: intervals: a colour holds from its value to the next one, half open; values: for its value only; ramp:
            colours change steadily from value to value. None: values for an object, else intervals.
    Raises:
        InvalidParameter: not that (locator colormap or colormap_type).
    """
    if len(style.names) != 1:
        raise InvalidParameter("colormap is for one band: choose it by bands", locator="colormap")
    if isinstance(value, str):
        if kind is not None:
            raise InvalidParameter("colormap_type is for a colormap that lists values", locator="colormap_type")
        return replace(style, palette=picked(named_colours(value), even_levels()))
    kind = str(kind).lower() if kind else "values" if isinstance(value, Mapping) else "intervals"
    if kind not in _TYPES:
        raise InvalidParameter(f"colormap_type must be one of {', '.join(_TYPES)}", locator="colormap_type")
    marks = _marks(value, kind)
    colours, stops = b"".join(mark.colour for mark in marks), tuple(mark.value for mark in marks)
    if kind == "ramp":
        if len(marks) < 2:
            raise InvalidParameter("colormap must list at least two colours of a ramp", locator="colormap")
        stops, colours = blended(stops, [mark.colour for mark in marks])
    return replace(
        style, rescale=(), palette=colours, stops=stops, exact=kind == "values", marks=marks, linear=kind == "ramp"
    )


def _marks(value: object, kind: str) -> tuple[Mark, ...]:
    entries: list[object] = list(value.items()) if isinstance(value, Mapping) else items(value)
    if not 1 <= len(entries) <= MOST_COLOURS:
        raise InvalidParameter(
            f"colormap must list 1 to {MOST_COLOURS} colours, not {len(entries)}", locator="colormap"
        )
    found = [_entry(entry, kind) for entry in entries]
    if any(isinstance(place, tuple) for place, _, _ in found):
        return _closed(found)
    by_value = {place: Mark(place, colour, label) for place, colour, label in found if isinstance(place, float)}
    return tuple(by_value[place] for place in sorted(by_value))


_Place = float | tuple[float, float]


def _entry(entry: object, kind: str) -> tuple[_Place, bytes, str]:
    if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) not in (2, 3):
        raise InvalidParameter(
            "colormap must be a name, entries [value, colour] or [value, colour, label], or an object",
            locator="colormap",
        )
    place, colour = entry[0], entry[1]
    label = entry[2] if len(entry) == 3 else ""
    if isinstance(entry[1], Mapping):
        colour, label = entry[1].get("color"), entry[1].get("label", "")
    if not isinstance(label, str):
        raise InvalidParameter(f"colormap: the label {str(label)[:40]!r} is not a text", locator="colormap")
    return _place(place, kind), parse_colour(colour, "colormap"), label[:_LONGEST_LABEL]


def _place(value: object, kind: str) -> _Place:
    if isinstance(value, (list, tuple)) and len(value) == 2 and kind == "intervals":
        low, high = _end(value[0], -math.inf), _end(value[1], math.inf)
        if not low < high:
            raise InvalidParameter(f"colormap: {value!r} must go from a lower to a higher value", locator="colormap")
        return low, high
    return _end(value, -math.inf) if kind == "intervals" else number(value, "colormap")


def _end(value: object, open_end: float) -> float:
    return open_end if value is None else number(value, "colormap")


def _closed(found: Sequence[tuple[_Place, bytes, str]]) -> tuple[Mark, ...]:
    """The marks of intervals that have both ends; gaps, and what lies beyond the last one, are transparent."""
    if not all(isinstance(place, tuple) for place, _, _ in found):
        raise InvalidParameter("colormap: either all entries are [from, to] or none is", locator="colormap")
    spans = sorted((place, colour, label) for place, colour, label in found if isinstance(place, tuple))
    for (before, _, _), (after, _, _) in pairwise(spans):
        if after[0] < before[1]:
            raise InvalidParameter(f"colormap: {list(before)} and {list(after)} overlap", locator="colormap")
    marks = []
    for index, ((low, high), colour, label) in enumerate(spans):
        marks.append(Mark(low, colour, label))
        following = spans[index + 1][0][0] if index + 1 < len(spans) else math.inf
        if high < following:
            marks.append(Mark(high, TRANSPARENT))
    if len(marks) > MOST_COLOURS:
        raise InvalidParameter(f"colormap: with gaps there are more than {MOST_COLOURS} colours", locator="colormap")
    return tuple(marks)


def with_range(style: Style, value: object) -> Style:
    """The style with the argument ``rescale``.

    Args:
        value: [min, max], or one such pair for each channel; "statistics" or {"percentiles": [low, high]}.
    Raises:
        InvalidParameter: not that, or the style lists its values (locator rescale).
    """
    if style.stops:
        raise InvalidParameter("rescale has no meaning for a colormap of listed values", locator="rescale")
    if style.hillshade and style.hillshade.alone:
        raise InvalidParameter("rescale has no meaning for a hillshade without a colormap", locator="rescale")
    if isinstance(value, str) and value.strip().lower() == "statistics":
        return replace(style, percentiles=_PERCENTILES)
    if isinstance(value, Mapping):
        return replace(style, percentiles=_percentiles(value))
    flat = [
        number(part, "rescale")
        for item in items(value)
        for part in (items(item) if isinstance(item, (list, tuple)) else [item])
    ]
    pairs = tuple(zip(flat[::2], flat[1::2], strict=False))
    channels = len(style.names)
    if len(flat) % 2 or len(pairs) not in (1, channels):
        raise InvalidParameter(
            f"rescale must be [min, max], or one such pair for each of {channels} bands", locator="rescale"
        )
    if not all(low < high for low, high in pairs):
        raise InvalidParameter("rescale: each min must be below its max", locator="rescale")
    return replace(style, rescale=pairs if len(pairs) == channels else pairs * channels)


def _percentiles(value: Mapping[str, object]) -> Range:
    chosen = items(value.get("percentiles", ()))
    if set(value) != {"percentiles"} or len(chosen) != 2:
        raise InvalidParameter('rescale must be [min, max] or {"percentiles": [low, high]}', locator="rescale")
    low, high = (number(part, "rescale") for part in chosen)
    if not 0.0 <= low < high <= 100.0:
        raise InvalidParameter("rescale: percentiles must ascend within 0 to 100", locator="rescale")
    return low, high


def with_hillshade(style: Style, value: object, coloured: bool) -> Style:
    """The style with the argument ``hillshade``; without colours of its own the relief is grey.

    Args:
        value: true, or an object with any of azimuth, altitude and z_factor.
    Raises:
        InvalidParameter: not that, or three channels (locator hillshade).
    """
    if str(value).strip().lower() in _FALSE:
        return style
    if len(style.names) != 1:
        raise InvalidParameter("hillshade is for one band: choose it by bands", locator="hillshade")
    if str(value).strip().lower() in _TRUE:
        light = Hillshade()
    elif isinstance(value, Mapping):
        light = _hillshade({str(key).lower(): part for key, part in value.items()})
    else:
        raise InvalidParameter("hillshade must be true or have azimuth, altitude, z_factor", locator="hillshade")
    if coloured:
        return replace(style, hillshade=replace(light, alone=False))
    return replace(style, hillshade=light, rescale=((0.0, 1.0),), palette=picked(named_colours("gray"), even_levels()))


def _hillshade(given: Mapping[str, object]) -> Hillshade:
    if unknown := given.keys() - {"azimuth", "altitude", "z_factor"}:
        raise InvalidParameter(f"hillshade has no {sorted(unknown)[0][:40]!r}", locator="hillshade")
    usual = Hillshade()
    try:
        return Hillshade(
            within(given, "azimuth", 0.0, 360.0, usual.azimuth),
            within(given, "altitude", 0.0, 90.0, usual.altitude),
            within(given, "z_factor", 0.0, 1e6, usual.z_factor),
        )
    except InvalidParameter as error:
        raise InvalidParameter(f"hillshade: {error.message}", locator="hillshade") from error
