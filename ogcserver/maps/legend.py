"""The legend of a layer's style, as WMTS and WMS link and draw it."""

from __future__ import annotations

from ogcserver.encode.legend import legend_json, legend_of
from ogcserver.encode.legend_drawing import legend_png, legend_svg
from ogcserver.encode.legend_layout import lay_out
from ogcserver.encode.style import Style, default_style
from ogcserver.errors import InvalidParameter
from ogcserver.jobs.layers import Layer
from ogcserver.maps.styles import style_named

_PNG, _SVG, _JSON = "image/png", "image/svg+xml", "application/json"
LEGEND_TYPES = (_PNG, _SVG, _JSON)
"""Media types of legends."""
_LONGEST_EDGE = 4096


def legend_size(layer: Layer, name: str) -> tuple[int, int]:
    """Width and height in pixels of the legend of a style, drawn without saying a size. Computes nothing.

    A name or arguments that cannot be used count as the default style of the bands.
    """
    try:
        style = style_named(layer, name)
    except InvalidParameter:
        style = default_style(layer.description.bands)
    layout = lay_out(legend_of(style, layer.description.bands, layer.title))
    return layout.width, layout.height


def legend(layer: Layer, style: Style, media_type: str, width: int | None = None, height: int | None = None) -> bytes:
    """The legend of a style, whose ranges must be settled.

    Args:
        media_type: one of LEGEND_TYPES.
        width, height: of PNG and SVG in pixels, filled as far as the proportions allow; None as :func:`legend_size`.
    Raises:
        InvalidParameter: another media type (locator FORMAT), or a size out of range (locator WIDTH or HEIGHT).
    """
    contents = legend_of(style, layer.description.bands, layer.title)
    if media_type == _JSON:
        return legend_json(contents)
    if media_type not in LEGEND_TYPES:
        message = f"there are no legends of type {media_type[:40]!r}: ask for one of {', '.join(LEGEND_TYPES)}"
        raise InvalidParameter(message, locator="FORMAT")
    layout = lay_out(contents)
    size = (_edge(width, layout.width, "WIDTH"), _edge(height, layout.height, "HEIGHT"))
    return legend_svg(layout, *size) if media_type == _SVG else legend_png(layout, *size)


def _edge(asked: int | None, usual: int, locator: str) -> int:
    if asked is None:
        return usual
    if not 1 <= asked <= _LONGEST_EDGE:
        raise InvalidParameter(f"{locator} of a legend must be from 1 to {_LONGEST_EDGE}", locator=locator)
    return asked
