"""What a style shows: bands of a layer, or what expressions make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ogcserver.cube import Band
from ogcserver.encode.colours import even_levels, named_colours, picked
from ogcserver.encode.default_style import single_look, stretch
from ogcserver.encode.style import Style, default_style, rgb_style, single_style
from ogcserver.encode.style_values import items
from ogcserver.errors import InvalidParameter
from ogcserver.plan.scalar import Builder
from ogcserver.processes.expression import ExpressionError, parse


def shown(given: Mapping[str, object], bands: tuple[Band, ...]) -> Style:
    """The style before colours are chosen, from the argument ``bands``.

    Raises:
        InvalidParameter: no such band, or no expression (locator bands).
    """
    if "bands" not in given:
        single = "colormap" in given or "hillshade" in given
        return single_style(bands[0]) if single else default_style(bands)
    texts = [str(text).strip() for text in items(given["bands"])]
    if len(texts) not in (1, 3):
        raise InvalidParameter(f"bands must name one band or three, not {len(texts)}", locator="bands")
    by_name = {band.name: band for band in bands}
    if not all(text in by_name or _is_name(text) for text in texts):
        return _computed(texts, by_name)
    chosen = tuple(_named(text, by_name) for text in texts)
    return rgb_style(chosen) if len(chosen) == 3 else single_style(chosen[0])


def _is_name(text: str) -> bool:
    """Whether a text can mean nothing but a band, so that a wrong one is reported as such."""
    return re.fullmatch(r"\w*", text) is not None


def _named(name: str, by_name: Mapping[str, Band]) -> Band:
    if name not in by_name:
        there_are = ", ".join(by_name)
        raise InvalidParameter(f"there is no band {name[:60]!r}; there are {there_are}", locator="bands")
    return by_name[name]


def _computed(texts: Sequence[str], by_name: Mapping[str, Band]) -> Style:
    """A style whose channels are computed; a constant is only where its first band is."""
    builder = Builder()
    outputs = [_register(builder, text, by_name) for text in texts]
    program = builder.program(*outputs)
    if not program.bands:
        raise InvalidParameter("bands: at least one expression must name a band", locator="bands")
    anchored = [
        output
        if builder.follows_bands(output)
        else builder.add("if_present", output, builder.add("band", program.bands[0]))
        for output in outputs
    ]
    program = builder.program(*anchored)
    style = Style(program.bands, program, tuple(texts))
    if len(texts) == 1:
        colormap, limits = single_look(Band("computed"))
        return replace(style, rescale=(limits,), palette=picked(named_colours(colormap), even_levels()))
    looks = [stretch(by_name[text]) if text in by_name else (0.0, 1.0) for text in texts]
    return replace(style, rescale=tuple(looks))


def _register(builder: Builder, text: str, by_name: Mapping[str, Band]) -> int:
    if text in by_name:
        return builder.add("band", text)
    try:
        return parse(text, builder, lambda name: _named(name, by_name).name)
    except ExpressionError as error:
        raise InvalidParameter(f"bands: {error} (in {text[:80]!r})", locator="bands") from error
