"""How a block becomes a picture: which bands, which colours."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rio_tiler.colormap import cmap
from rio_tiler.errors import InvalidColorMapName

from ogcserver.cube import Band
from ogcserver.encode.default_style import Range, natural_colours, single_look, stretch
from ogcserver.errors import InvalidParameter

_COLOURS = 255
"""Palette indices that show a value; index 0 is a missing pixel."""
STYLE_KEYS = ("bands", "colormap", "rescale", "gamma", "title")


@dataclass(frozen=True)
class Style:
    """A colour-mapped band, or three bands as red, green and blue. Missing and infinite values are transparent."""

    bands: tuple[str, ...]
    """One name or three."""
    rescale: tuple[Range, ...] = ()
    """Of each band the values that get the first and the last colour (RGB: 0 and 255); empty where stops are given."""
    palette: bytes = b""
    """R, G, B, A of each colour, 1 to 255 of them; empty for three bands."""
    stops: tuple[float, ...] = ()
    """Ascending, one for each colour: the values it is for."""
    exact: bool = False
    """Whether a colour is for its stop only; else for all values from its stop to the next one."""
    gamma: float = 1.0
    """Above 1 brightens the middle; of three bands (in the palette of one band it is worked in)."""
    title: str = ""

    @cached_property
    def token(self) -> str:
        """Equal for styles that paint alike, also after a restart."""
        look = (self.bands, self.rescale, self.palette, self.stops, self.exact, self.gamma)
        return hashlib.sha256(repr(look).encode()).hexdigest()


def default_style(bands: tuple[Band, ...]) -> Style:
    """The style of a layer for which none is given.

    Bands that are named like red, green and blue are shown as such, stretched by their dtype; else the first band:
    an index (by its name) in the colours that are customary for it, uint8 grey over 0..255, other values grey over a
    range that goes by unit and dtype (see :mod:`ogcserver.encode.default_style`).
    """
    rgb = natural_colours(bands)
    return _rgb_style(rgb) if rgb else _single_style(bands[0])


def _rgb_style(bands: tuple[Band, ...]) -> Style:
    return Style(tuple(band.name for band in bands), tuple(stretch(band) for band in bands))


def _single_style(band: Band) -> Style:
    colormap, limits = single_look(band)
    return Style((band.name,), (limits,), _ramp(colormap, 1.0))


def parse_style(args: Mapping[str, object], bands: tuple[Band, ...]) -> Style:
    """The style that a service's arguments ask for; what they leave open is as in :func:`default_style`.

    Keys, without regard to case (others are ignored): ``bands`` one name or three; ``colormap`` the name of a rio-tiler
    colour map, or ``[[value, colour], ...]`` where a colour holds from its value to the next, or ``{value: colour}``
    for single values such as classes, a colour being "#rrggbb", "#rrggbbaa" or 3 or 4 numbers 0..255; ``rescale``
    ``[min, max]`` or one such pair for each band; ``gamma``; ``title``. Lists may also come as text with commas.

    Raises:
        InvalidParameter: a value that cannot be used; the locator is the key.
    """
    given = {key.lower(): value for key, value in args.items() if value is not None}
    style = _base(given, bands)
    gamma = _gamma(given["gamma"]) if "gamma" in given else 1.0
    if "colormap" in given:
        style = _with_colours(style, given["colormap"], gamma)
    elif len(style.bands) == 1 and gamma != 1.0:
        style = replace(style, palette=_ramp(single_look(_named(style.bands[0], bands))[0], gamma))
    if len(style.bands) == 3:
        style = replace(style, gamma=gamma)
    if "rescale" in given:
        style = replace(style, rescale=_rescale(given["rescale"], style))
    return replace(style, title=str(given.get("title", "")))


def _base(given: Mapping[str, object], bands: tuple[Band, ...]) -> Style:
    if "bands" in given:
        names = [str(name).strip() for name in _items(given["bands"])]
        if len(names) not in (1, 3):
            raise InvalidParameter(f"bands must name one band or three, not {len(names)}", locator="bands")
        chosen = tuple(_named(name, bands) for name in names)
        return _rgb_style(chosen) if len(chosen) == 3 else _single_style(chosen[0])
    return _single_style(bands[0]) if "colormap" in given else default_style(bands)


def _named(name: str, bands: tuple[Band, ...]) -> Band:
    for band in bands:
        if band.name == name:
            return band
    there_are = ", ".join(band.name for band in bands)
    raise InvalidParameter(f"there is no band {name[:60]!r}; there are {there_are}", locator="bands")


def _items(value: object) -> list[object]:
    """The elements of a list, or of its text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.strip().strip("[]").split(",")]
    return list(value) if isinstance(value, Sequence) else [value]


def _number(value: object, key: str) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidParameter(f"{key}: {str(value)[:60]!r} is not a number", locator=key)
    return number


def _gamma(value: object) -> float:
    gamma = _number(value, "gamma")
    if not 0.1 <= gamma <= 10.0:
        raise InvalidParameter(f"gamma must be from 0.1 to 10, not {gamma:g}", locator="gamma")
    return gamma


def _rescale(value: object, style: Style) -> tuple[Range, ...]:
    if style.stops:
        raise InvalidParameter("rescale has no meaning for a colormap of listed values", locator="rescale")
    flat = [
        _number(part, "rescale")
        for item in _items(value)
        for part in (_items(item) if isinstance(item, (list, tuple)) else [item])
    ]
    pairs = tuple(zip(flat[::2], flat[1::2], strict=False))
    if len(flat) % 2 or len(pairs) not in (1, len(style.bands)):
        raise InvalidParameter(
            f"rescale must be [min, max], or one such pair for each of {len(style.bands)} bands", locator="rescale"
        )
    if not all(low < high for low, high in pairs):
        raise InvalidParameter("rescale: each min must be below its max", locator="rescale")
    return pairs if len(pairs) == len(style.bands) else pairs * len(style.bands)


def _with_colours(style: Style, value: object, gamma: float) -> Style:
    if len(style.bands) != 1:
        raise InvalidParameter("colormap is for one band: choose it by bands", locator="colormap")
    if isinstance(value, str):
        return replace(style, palette=_ramp(value, gamma))
    exact = isinstance(value, Mapping)
    pairs: list[object] = list(value.items()) if isinstance(value, Mapping) else _items(value)
    if not 1 <= len(pairs) <= _COLOURS:
        raise InvalidParameter(f"colormap must list 1 to {_COLOURS} colours, not {len(pairs)}", locator="colormap")
    colours: dict[float, bytes] = {}
    for pair in pairs:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise InvalidParameter("colormap must be a name, pairs [value, colour] or an object", locator="colormap")
        colours[_number(pair[0], "colormap")] = _colour(pair[1])
    stops = tuple(sorted(colours))
    return replace(style, rescale=(), palette=b"".join(colours[stop] for stop in stops), stops=stops, exact=exact)


def _colour(value: object) -> bytes:
    """R, G, B, A of "#rrggbb", "#rrggbbaa" or three or four numbers 0..255."""
    try:
        if isinstance(value, str):
            parts = bytes.fromhex(value.removeprefix("#"))
        else:
            parts = bytes(value) if isinstance(value, (list, tuple)) else b""
    except (ValueError, TypeError):
        parts = b""
    if len(parts) not in (3, 4):
        raise InvalidParameter(f"colormap: {str(value)[:40]!r} is not a colour such as '#ff8000'", locator="colormap")
    return parts if len(parts) == 4 else parts + b"\xff"


@lru_cache(maxsize=256)  # on the path of every tile
def _ramp(name: str, gamma: float) -> bytes:
    """The colours 1..255 of a palette from a colour map of 256."""
    try:
        colours = cmap.get(name.strip().lower())
    except InvalidColorMapName:
        raise InvalidParameter(
            f"there is no colour map {name[:40]!r}; try viridis, rdylgn, greys_r or another name of rio-tiler",
            locator="colormap",
        ) from None
    places = (round(255 * (index / (_COLOURS - 1)) ** (1.0 / gamma)) for index in range(_COLOURS))
    return bytes(int(part) for place in places for part in colours[place])
