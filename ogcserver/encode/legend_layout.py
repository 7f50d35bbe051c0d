"""Where the parts of a legend stand, in pixels from the upper left corner, whatever draws them."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.encode.legend import Legend, spaced

FONT_SIZE = 12
_MARGIN, _LINE, _ROW, _GAP = 8, 18, 20, 8
_SWATCH = (22, 14)
_BAR = (22, 140)
_LETTER = 7
"""Pixels that a letter takes at most, on average."""
_LONGEST = 40
_TICK_LETTERS = 12
_RANGE_LETTERS = 30
"""Room for a number and for two: the size must not hang on numbers that are not known yet."""


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colours: tuple[tuple[float, bytes], ...]
    """Share of the height, from the top, and R, G, B, A; one colour, or several that change steadily."""


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    """Of its vertical middle."""
    text: str


@dataclass(frozen=True)
class Layout:
    width: int
    height: int
    parts: tuple[Box | Text, ...]


def lay_out(legend: Legend) -> Layout:
    """Title, caption, then a bar with labels for what changes steadily, else a list of colours. Hangs on texts only."""
    heads = [_short(text) for text in (legend.title, legend.caption) if text]
    parts: list[Box | Text] = [Text(_MARGIN, _MARGIN + _LINE * (index + 0.5), text) for index, text in enumerate(heads)]
    top = _MARGIN + _LINE * len(heads) + _GAP / 2
    if legend.kind in ("ramp", "hillshade"):
        parts += _bar(legend, top + FONT_SIZE / 2)
        letters, bottom = _TICK_LETTERS, top + FONT_SIZE + _BAR[1]
        letters = max(letters, *(len(_short(label)) for _, label in legend.ticks)) if legend.kind == "ramp" else letters
    else:
        rows = [(colour, _short(text)) for colour, text in legend.rows]
        for index, (colour, text) in enumerate(rows):
            middle = top + _ROW * (index + 0.5)
            parts.append(Box(_MARGIN, middle - _SWATCH[1] / 2, *_SWATCH, ((0.0, colour),)))
            parts.append(Text(_MARGIN + _SWATCH[0] + _GAP, middle, text))
        letters, bottom = max((len(text) for _, text in rows), default=0), top + _ROW * len(rows)
        if legend.kind == "rgb":
            letters = min(_LONGEST, max(map(len, legend.channels)) + _RANGE_LETTERS)
    width = max(_LETTER * max(map(len, heads), default=0), _SWATCH[0] + _GAP + _LETTER * letters)
    return Layout(round(2 * _MARGIN + width), round(bottom + _MARGIN), tuple(parts))


def _bar(legend: Legend, top: float) -> list[Box | Text]:
    """The greatest value is at the top."""
    (low, high), (width, height) = legend.limits[0], _BAR
    colours = tuple(((high - entry.low) / (high - low), entry.colour) for entry in reversed(legend.entries))
    ticks = spaced(legend.ticks, (high - low) * FONT_SIZE * 1.2 / height)
    labels = [
        Text(_MARGIN + width + _GAP, top + height * (high - value) / (high - low), _short(label))
        for value, label in ticks
    ]
    return [Box(_MARGIN, top, width, height, colours), *labels]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
