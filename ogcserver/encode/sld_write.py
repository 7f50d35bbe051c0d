"""Raster styles as Styled Layer Descriptors, as GeoServer reads them and QGIS writes them.

Source: OGC 02-070 (SLD 1.0) clause 11.6, with ``type`` of ColorMap and VendorOptions as those programs have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lxml import etree

from ogcserver.cube import Band
from ogcserver.encode.colours import hex_colour
from ogcserver.encode.legend import Legend, legend_of
from ogcserver.encode.style import Hillshade, Style, Tone
from ogcserver.errors import InvalidParameter

Element = etree._Element

_NAMESPACE = "http://www.opengis.net/sld"
_SLD = f"{{{_NAMESPACE}}}"
_CHANNELS = ("RedChannel", "GreenChannel", "BlueChannel")


def style_to_sld(layer_name: str, styles: Mapping[str, tuple[str, Style]], bands: tuple[Band, ...]) -> Element:
    """A StyledLayerDescriptor with a user style for each style, the first one the default.

    Channels are numbers of bands from 1, since that is what readers look for. What SLD has no word for, the colour of
    missing pixels, is left out.

    Args:
        styles: name -> title and style, whose ranges must be settled.
        bands: of the layer.
    Raises:
        InvalidParameter: a style shows expressions, which SLD cannot say.
    """
    names = {None: _NAMESPACE}
    root = etree.Element(_SLD + "StyledLayerDescriptor", version="1.0.0", nsmap=names)  # type: ignore[arg-type]
    layer = _add(root, "NamedLayer")
    _add(layer, "Name", layer_name)
    for index, (name, (title, style)) in enumerate(styles.items()):
        user_style = _add(layer, "UserStyle")
        _add(user_style, "Name", name)
        _add(user_style, "Title", title)
        if index == 0:
            _add(user_style, "IsDefault", "1")
        rule = _add(_add(user_style, "FeatureTypeStyle"), "Rule")
        _write(_add(rule, "RasterSymbolizer"), style, bands)
    return root


def _add(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] | None = None) -> Element:
    element = etree.SubElement(parent, _SLD + name, dict(attributes or {}))
    element.text = text or None
    return element


def _write(symbolizer: Element, style: Style, bands: tuple[Band, ...]) -> None:
    if style.program is not None:
        raise InvalidParameter("a style of expressions has no SLD", locator="STYLE")
    if style.opacity < 255:
        _add(symbolizer, "Opacity", f"{style.opacity / 255:.4g}")
    selection = _add(symbolizer, "ChannelSelection")
    names = [band.name for band in bands]
    kinds = _CHANNELS if len(style.bands) == 3 else ("GrayChannel",)
    for index, (kind, band) in enumerate(zip(kinds, style.bands, strict=True)):
        channel = _add(selection, kind)
        _add(channel, "SourceChannelName", str(names.index(band) + 1))
        if len(kinds) == 3:
            _stretch(channel, style.rescale[index], style.tone.gamma)
    if style.palette and not (style.hillshade and style.hillshade.alone):
        _colour_map(symbolizer, legend_of(style, bands, ""))
    if style.hillshade:
        _relief(symbolizer, style.hillshade)
    if style.tone != Tone():
        level, factor = (style.tone.brightness + 1.0) / 2.0, math.sqrt(style.tone.contrast) / 2.0
        _options(symbolizer, {"brightness": level, "contrast": factor})


def _options(parent: Element, options: Mapping[str, float | str]) -> None:
    for name, value in options.items():
        _add(parent, "VendorOption", value if isinstance(value, str) else f"{value:.17g}", {"name": name})


def _stretch(channel: Element, limits: tuple[float, float], gamma: float) -> None:
    enhancement = _add(channel, "ContrastEnhancement")
    normalize = _add(enhancement, "Normalize")
    _options(normalize, {"algorithm": "StretchToMinimumMaximum", "minValue": limits[0], "maxValue": limits[1]})
    if gamma != 1.0:
        _add(enhancement, "GammaValue", f"{gamma:g}")


def _colour_map(symbolizer: Element, legend: Legend) -> None:
    colour_map = _add(symbolizer, "ColorMap", attributes={"type": legend.kind})
    for value, colour, label in _quantities(legend):
        entry = {"color": hex_colour(colour), "quantity": f"{value:.17g}", "label": label}
        if colour[3] < 255:
            entry["opacity"] = f"{colour[3] / 255:.4g}"
        _add(colour_map, "ColorMapEntry", attributes=entry)


def _quantities(legend: Legend) -> Iterable[tuple[float, bytes, str]]:
    """Value, colour and label; of intervals the value is the upper end, and what lies between is transparent."""
    before = -math.inf
    for entry in legend.entries:
        if legend.kind == "intervals":
            if entry.low > before:
                yield entry.low, bytes(4), ""
            before = entry.high
        yield entry.high, entry.colour, entry.label


def _relief(symbolizer: Element, light: Hillshade) -> None:
    relief = _add(symbolizer, "ShadedRelief")
    _add(relief, "ReliefFactor", f"{light.z_factor:g}")
    _options(relief, {"azimuth": light.azimuth, "altitude": light.altitude})
