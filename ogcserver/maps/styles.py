"""The styles of a layer, by name."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.encode.style import Style, parse_style
from ogcserver.errors import InvalidParameter
from ogcserver.jobs.layers import Layer

DEFAULT_STYLE = "default"
"""The style of a layer that a client names no style of: that of its service's arguments, or of its bands."""


@dataclass(frozen=True)
class StyleName:
    """A style as capabilities list it."""

    name: str
    title: str


def styles_of(layer: Layer) -> tuple[StyleName, ...]:
    """All styles of a layer, the default one first. Computes nothing."""
    return (StyleName(DEFAULT_STYLE, DEFAULT_STYLE),)


async def style_of(layer: Layer, name: str) -> Style:
    """A style by its name, compared without regard to case; "" is the default one.

    Raises:
        InvalidParameter: the layer has no such style (locator STYLE), or its arguments cannot be used.
    """
    if name and name.lower() != DEFAULT_STYLE:
        raise InvalidParameter(f"layer {layer.id} has no style {name[:40]!r}: ask for default", locator="STYLE")
    return parse_style(layer.args, layer.description.bands)
