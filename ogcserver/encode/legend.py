"""What a style's colours mean: the contents of a legend, and its JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Literal

from ogcserver.cube import Band
from ogcserver.encode.colours import essential, hex_colour
from ogcserver.encode.default_style import Range
from ogcserver.encode.style import Style

Kind = Literal["rgb", "ramp", "intervals", "values", "hillshade"]
_CHANNELS = ("red", "green", "blue")
_TICKS = 6
_NO_UNIT = ("", "1")


@dataclass(frozen=True)
class Entry:
    """A colour and what it stands for."""

    colour: bytes
    """R, G, B, A."""
    label: str
    low: float
    """Its value; of a range the least one, -inf where it has no lower end."""
    high: float
    """Of a range the first value that has another colour, inf where there is none; else as ``low``."""


@dataclass(frozen=True)
class Legend:
    """What a style's colours mean."""

    title: str
    kind: Kind
    channels: tuple[str, ...]
    """Names of the bands or texts of the expressions: one, or three as red, green and blue."""
    unit: str
    """Of the one channel; "" where it has none."""
    limits: tuple[Range, ...] = ()
    """Of each channel the values of its first and last colour; empty for intervals and values."""
    entries: tuple[Entry, ...] = ()
    """Ascending. Of a ramp colours between which the others follow by linear interpolation."""
    ticks: tuple[tuple[float, str], ...] = ()
    """Of a ramp: values worth a label, ascending, and the labels."""

    @property
    def caption(self) -> str:
        """The channel with its unit."""
        name = self.channels[0] if len(self.channels) == 1 else ""
        return f"{name} ({self.unit})" if name and self.unit else name

    @property
    def rows(self) -> tuple[tuple[bytes, str], ...]:
        """Colour and text of each line of a legend that is a list."""
        if self.kind != "rgb":
            return tuple((entry.colour, entry.label) for entry in self.entries)
        colours = (b"\xff\x00\x00\xff", b"\x00\xff\x00\xff", b"\x00\x00\xff\xff")
        texts = [
            f"{name}: {number_text(low)} to {number_text(high)}"
            for name, (low, high) in zip(self.channels, self.limits, strict=True)
        ]
        return tuple(zip(colours, texts, strict=True))


def legend_of(style: Style, bands: tuple[Band, ...], title: str) -> Legend:
    """The legend of a style.

    Args:
        bands: of the layer, for the unit.
        title: stands where the style has none.
    """
    title = style.title or title
    if len(style.names) == 3:
        return Legend(title, "rgb", style.names, "", style.rescale)
    unit = next((band.unit for band in bands if style.program is None and band.name == style.bands[0]), "")
    unit = "" if unit in _NO_UNIT else unit
    if style.stops and not style.linear:
        kind: Kind = "values" if style.exact else "intervals"
        return Legend(title, kind, style.names, unit, (), _listed(style))
    if style.hillshade and style.hillshade.alone:
        return Legend(title, "hillshade", style.names, "", style.rescale, _even(style), ((0.0, "dark"), (1.0, "light")))
    if style.linear:
        limits = (style.marks[0].value, style.marks[-1].value)
        entries = tuple(
            Entry(mark.colour, mark.label or number_text(mark.value), mark.value, mark.value) for mark in style.marks
        )
        ticks = tuple((entry.low, entry.label) for entry in entries)
        return Legend(title, "ramp", style.names, unit, (limits,), entries, ticks)
    return Legend(title, "ramp", style.names, unit, style.rescale, _even(style), _ticks(*style.rescale[0]))


def _listed(style: Style) -> tuple[Entry, ...]:
    """Those that can be seen."""
    lows = [mark.value for mark in style.marks]
    highs = lows if style.exact else [*lows[1:], math.inf]
    return tuple(
        Entry(mark.colour, mark.label or _span_text(low, high), low, high)
        for mark, low, high in zip(style.marks, lows, highs, strict=True)
        if mark.colour[3]
    )


def _even(style: Style) -> tuple[Entry, ...]:
    low, high = style.rescale[0]
    last = len(style.palette) // 4 - 1
    entries = []
    for index in essential(style.palette):
        value = low + (high - low) * index / last
        entries.append(Entry(style.palette[4 * index : 4 * index + 4], number_text(value), value, value))
    return tuple(entries)


def _ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Both ends, to a hundredth of the range or better, and round numbers between them."""
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw)
    first = math.ceil(low / step)
    inner = [number * step for number in range(first, first + 2 * _TICKS)]
    kept = [value for value in inner if low < value < high]
    decimals = max(0, 2 - math.floor(math.log10(high - low)))
    return tuple((value, number_text(round(value, decimals))) for value in (low, *kept, high))


def number_text(value: float) -> str:
    """A number as a reader expects it: up to six digits, without an exponent where it is not needed."""
    text = f"{value:.6g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e12 else text.replace("-0", "0") if value == 0 else text


def _span_text(low: float, high: float) -> str:
    if low == high:
        return number_text(low)
    if math.isinf(low):
        return f"< {number_text(high)}" if math.isfinite(high) else "all"
    return f"{number_text(low)} to {number_text(high)}" if math.isfinite(high) else f"≥ {number_text(low)}"


def legend_json(legend: Legend) -> bytes:
    """The legend as an object.

    Members: title, type (rgb, ramp, intervals, values, hillshade), unit, channels (name, min and max of each; of three
    also the color), entries (color, opacity 0..1, label, and value, or from and to, null without end).
    """
    channels = []
    for index, name in enumerate(legend.channels):
        channel: dict[str, object] = {"name": name}
        if len(legend.channels) == 3:
            channel["color"] = _CHANNELS[index]
        if legend.limits:
            channel |= {"min": legend.limits[index][0], "max": legend.limits[index][1]}
        channels.append(channel)
    content = {
        "title": legend.title,
        "type": legend.kind,
        "unit": legend.unit,
        "channels": channels,
        "entries": [_entry_json(entry) for entry in legend.entries],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def _entry_json(entry: Entry) -> dict[str, object]:
    look = {"color": hex_colour(entry.colour), "opacity": round(entry.colour[3] / 255, 3), "label": entry.label}
    if entry.low == entry.high:
        return {"value": entry.low, **look}
    return {"from": _finite(entry.low), "to": _finite(entry.high), **look}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def spaced(ticks: tuple[tuple[float, str], ...], distance: float) -> tuple[tuple[float, str], ...]:
    """The ticks without those that are nearer than ``distance`` to the one before or to the last."""
    kept = [ticks[0]]
    for tick in ticks[1:-1]:
        if tick[0] - kept[-1][0] >= distance and ticks[-1][0] - tick[0] >= distance:
            kept.append(tick)
    return (*kept, ticks[-1])
