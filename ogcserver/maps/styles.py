"""The styles of a layer, by name."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.encode.style import Style
from ogcserver.encode.style_args import DEFAULT_STYLE, style_titles
from ogcserver.errors import InvalidParameter
from ogcserver.jobs.layers import Layer
from ogcserver.maps.statistics import Evaluator, Statistics


@dataclass(frozen=True)
class StyleName:
    """A style as capabilities list it."""

    name: str
    title: str
    abstract: str = ""


def styles_of(layer: Layer) -> tuple[StyleName, ...]:
    """All styles of a layer, the default one first: that of its service's arguments, or of its bands.

    Computes nothing, and lists a style of unusable arguments too.
    """
    return tuple(StyleName(*texts) for texts in style_titles(layer.args))


class Styles:
    """Finds styles, ready to paint with.

    Args:
        engine: computes the values of a whole layer, coarsely, for styles whose range follows from them.
    """

    def __init__(self, engine: Evaluator) -> None:
        self._statistics = Statistics(engine)

    async def named(self, layer: Layer, name: str) -> Style:
        """A style by its name, compared without regard to case; "" is the default one.

        Raises:
            InvalidParameter: the layer has no such style (locator STYLE), or its arguments cannot be used.
            What :meth:`ogcserver.engine.service.Engine.evaluate` raises, for a range from statistics.
        """
        style = style_named(layer, name)
        return await self._statistics.settled(layer, style) if style.percentiles else style


def style_named(layer: Layer, name: str) -> Style:
    """A style by its name as its arguments are; a range from statistics is still open.

    Raises:
        InvalidParameter: as :meth:`Styles.named`.
    """
    wanted = name.lower() or DEFAULT_STYLE
    for known, style in layer.styles.items():
        if known.lower() == wanted:
            return style
    there_are = ", ".join(layer.styles)
    message = f"layer {layer.id} has no style {name[:40]!r}; there are {there_are}"
    raise InvalidParameter(message, locator="STYLE")
