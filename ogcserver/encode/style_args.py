"""Styles from the arguments of services and jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ogcserver.cube import Band
from ogcserver.encode.colours import even_levels, faded, parse_colour, picked
from ogcserver.encode.sld_read import sld_args
from ogcserver.encode.style import Style, Tone
from ogcserver.encode.style_bands import shown
from ogcserver.encode.style_colours import with_colours, with_hillshade, with_range
from ogcserver.encode.style_values import within
from ogcserver.errors import InvalidParameter

STYLE_KEYS: Mapping[str, str] = {
    "bands": "What to show: one band or expression, or three as red, green, blue. Default: natural colours or the "
    "first band.",
    "colormap": "Colours of a single band: the name of a rio-tiler colour map, [[value, colour, label], ...] for "
    "ranges, or {value: colour} for classes. Default: by the band's name.",
    "colormap_type": "Of listed colours: intervals, values or ramp. Default: values for an object, else intervals.",
    "rescale": "[min, max], or one such pair for each band: the values of the first and the last colour; statistics or "
    '{"percentiles": [2, 98]}: by the values. Default: by the bands\' names, units and types.',
    "gamma": "Above 1 brightens middle tones, 0.1 to 10. Default: 1.",
    "contrast": "Factor of the distance from the middle tone, 0 to 10. Default: 1.",
    "brightness": "Is added to the tone, -1 to 1. Default: 0.",
    "opacity": "0 to 1. Default: 1.",
    "nodata_color": "Colour of missing pixels. Default: transparent.",
    "hillshade": "true, or any of azimuth, altitude (degrees) and z_factor: shades by the relief of one band. "
    "Default: no shading.",
    "sld": "A style as SLD 1.0 or SE 1.1 with a raster symbolizer, in place of the other options. Default: none.",
    "title": "Of the style, for legends. Default: none.",
    "abstract": "Of the style, for capabilities. Default: none.",
}
"""The keys of a style, and what each means."""
DEFAULT_STYLE = "default"
"""The name of the style that the arguments themselves describe."""
MOST_STYLES = 64
_LONGEST_TEXT = 10_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parse_styles(args: Mapping[str, object], bands: tuple[Band, ...]) -> Mapping[str, Style]:
    """All styles of a layer by name, the default one first.

    Args:
        args: as of :func:`parse_style`; beside them ``styles`` may hold further ones, {name: arguments}, each of which
            stands for itself.
    Raises:
        InvalidParameter: a value that cannot be used; the locator is the key, after the name of a further style.
    """
    styles = {DEFAULT_STYLE: parse_style(args, bands)}
    for name, own in _further(args).items():
        if not _usable(name):
            message = f"styles: {name[:40]!r} is no name for a style: 1 to 64 of A-Z, a-z, 0-9, _ and -, not 'default'"
            raise InvalidParameter(message, locator="styles")
        if name.lower() in map(str.lower, styles):
            raise InvalidParameter(f"styles: there are two styles {name!r}", locator="styles")
        if not isinstance(own, Mapping):
            raise InvalidParameter(f"styles: {name} must be an object of arguments", locator=f"styles.{name}")
        if unknown := [key for key in own if str(key).lower() not in STYLE_KEYS]:
            message = f"styles: {name} has no argument {str(unknown[0])[:40]!r}; there are {', '.join(STYLE_KEYS)}"
            raise InvalidParameter(message, locator=f"styles.{name}")
        try:
            styles[name] = parse_style(own, bands)
        except InvalidParameter as error:
            raise InvalidParameter(
                f"style {name}: {error.message}", locator=f"styles.{name}.{error.locator}"
            ) from error
    return styles


def style_titles(args: Mapping[str, object]) -> tuple[tuple[str, str, str], ...]:
    """(name, title, abstract) of each style, the default one first. Never raises: what cannot be read is left out."""
    given = _lower(args)
    further = given.get("styles")
    named = further.items() if isinstance(further, Mapping) else ()
    usable = [(name, _lower(own)) for name, own in named if _usable(str(name)) and isinstance(own, Mapping)]
    return tuple(
        (str(name), _text(own, "title") or str(name), _text(own, "abstract"))
        for name, own in [(DEFAULT_STYLE, given), *usable[: MOST_STYLES - 1]]
    )


def _lower(args: Mapping[str, object]) -> dict[str, object]:
    return {str(key).lower(): value for key, value in args.items() if value is not None}


def _further(args: Mapping[str, object]) -> Mapping[str, object]:
    further = _lower(args).get("styles", {})
    if not isinstance(further, Mapping) or len(further) >= MOST_STYLES:
        raise InvalidParameter(f"styles must be an object of fewer than {MOST_STYLES} styles", locator="styles")
    return further


def _usable(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name.lower() != DEFAULT_STYLE


def parse_style(args: Mapping[str, object], bands: tuple[Band, ...]) -> Style:
    """The style that a service's arguments ask for; what they leave open is as in :func:`default_style`.

    Args:
        args: the keys of STYLE_KEYS, without regard to case; others are ignored. A colour is "#rrggbb", "#rrggbbaa" or
            3 or 4 numbers 0..255. Lists may also come as text with commas.
    Raises:
        InvalidParameter: a value that cannot be used; the locator is the key.
    """
    given = _lower(args)
    if "sld" in given:
        given = _from_sld(given, bands)
    style = shown(given, bands)
    style = replace(style, tone=_tone(given), title=_text(given, "title"), abstract=_text(given, "abstract"))
    if "colormap" in given:
        style = with_colours(style, given["colormap"], given.get("colormap_type"))
    elif "colormap_type" in given:
        raise InvalidParameter("colormap_type is for a colormap that lists values", locator="colormap_type")
    if "hillshade" in given:
        style = with_hillshade(style, given["hillshade"], coloured="colormap" in given)
    if "rescale" in given:
        style = with_range(style, given["rescale"])
    if "nodata_color" in given:
        style = replace(style, nodata=parse_colour(given["nodata_color"], "nodata_color"))
    return _finished(style, within(given, "opacity", 0.0, 1.0, 1.0))


def _from_sld(given: dict[str, object], bands: tuple[Band, ...]) -> dict[str, object]:
    also = sorted(given.keys() & STYLE_KEYS.keys() - {"sld", "title", "abstract"})
    if also:
        raise InvalidParameter(f"sld is a whole style: leave out {', '.join(also)}", locator="sld")
    read = sld_args(given["sld"], tuple(band.name for band in bands))
    return read | {key: value for key, value in given.items() if key in ("title", "abstract")}


def _text(given: Mapping[str, object], key: str) -> str:
    return str(given.get(key, ""))[:_LONGEST_TEXT]


def _tone(given: Mapping[str, object]) -> Tone:
    return Tone(
        within(given, "gamma", 0.1, 10.0, 1.0),
        within(given, "contrast", 0.0, 10.0, 1.0),
        within(given, "brightness", -1.0, 1.0, 0.0),
    )


def _finished(style: Style, opacity: float) -> Style:
    """With tone and opacity worked into the palette, where there is one: listed colours are toned themselves."""
    if not style.palette:
        return replace(style, opacity=round(255 * opacity))
    if not style.stops:
        palette = picked(style.palette, style.tone(even_levels()))
        return replace(style, palette=faded(palette, opacity), tone=Tone())
    marks = tuple(replace(mark, colour=faded(_toned(mark.colour, style.tone), opacity)) for mark in style.marks)
    palette = faded(_toned(style.palette, style.tone), opacity)
    return replace(style, palette=palette, marks=marks, tone=Tone())


def _toned(palette: bytes, tone: Tone) -> bytes:
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 4).astype(np.float64)
    colours[:, :3] = 255.0 * tone(colours[:, :3] / 255.0)
    return np.rint(colours).astype(np.uint8).tobytes()
