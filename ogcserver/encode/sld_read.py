"""Raster styles from Styled Layer Descriptors, as QGIS and GeoServer write them.

Source: OGC 02-070 (SLD 1.0) clause 11.6; OGC 05-077r4 (Symbology Encoding 1.1) clause 11.6. Elements are told by their
local names, for documents mix the namespaces of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from ogcserver.errors import InvalidParameter

Element = etree._Element

LONGEST = 200_000
"""Characters of a document."""
_CHANNELS = ("RedChannel", "GreenChannel", "BlueChannel")
_STRETCHES = ("StretchToMinimumMaximum", "ClipToMinimumMaximum", "StretchAndClipToMinimumMaximum")


def sld_args(document: object, bands: Sequence[str]) -> dict[str, object]:
    """The arguments of :func:`ogcserver.encode.style_args.parse_style` that mean what the document says.

    The document must have one RasterSymbolizer, whose rule holds at all scales here. Channels are named, or numbered
    from 1 as in ``bands``. A quantity of ``ColorMap type="intervals"`` ends its interval, half open.

    Raises:
        InvalidParameter: not XML, or something in it that cannot be done (locator sld).
    """
    symbolizer = _symbolizer(document)
    args: dict[str, object] = {}
    if title := _title(symbolizer):
        args["title"] = title
    if opacity := _text(symbolizer, "Opacity"):
        args["opacity"] = opacity
    args |= _channels(symbolizer, bands)
    colour_map, relief = _child(symbolizer, "ColorMap"), _child(symbolizer, "ShadedRelief")
    if colour_map is not None:
        args |= _colour_map(colour_map, args.pop("rescale", None))
    elif relief is None and isinstance(args.get("bands"), str):
        args["colormap"] = "gray"
    if relief is not None:
        args["hillshade"] = _relief(relief)
    return args | _tones(symbolizer)


def _fault(message: str) -> InvalidParameter:
    return InvalidParameter(f"sld: {message}", locator="sld")


def _symbolizer(document: object) -> Element:
    if not isinstance(document, str) or len(document) > LONGEST:
        raise _fault(f"must be the text of a document of up to {LONGEST} characters")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(document.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _fault(f"not well-formed XML: {str(error)[:200]}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _fault("a document type declaration is not allowed")
    found: list[Element] = list(root.iter("{*}RasterSymbolizer"))
    if len(found) != 1:
        raise _fault(f"there must be one RasterSymbolizer, not {len(found)}")
    return found[0]


def _title(symbolizer: Element) -> str:
    for style in symbolizer.iterancestors("{*}UserStyle"):
        for path in ("{*}Title", "{*}Description/{*}Title"):
            if text := style.findtext(path, "").strip():
                return text
    return ""


def _child(parent: Element, name: str) -> Element | None:
    return parent.find("{*}" + name)


def _text(parent: Element, path: str) -> str:
    return parent.findtext("/".join("{*}" + name for name in path.split("/")), "").strip()


def _number(text: str | None, what: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise _fault(f"{what} must be a number, not {(text or '')[:40]!r}") from None


def _options(parent: Element) -> dict[str, str]:
    return {option.get("name", ""): (option.text or "").strip() for option in parent.iterfind("{*}VendorOption")}


def _channels(symbolizer: Element, bands: Sequence[str]) -> dict[str, object]:
    """``bands``, and ``rescale`` where all channels are stretched."""
    selection = _child(symbolizer, "ChannelSelection")
    if selection is None:
        return {}
    grey = _child(selection, "GrayChannel")
    chosen = [_child(selection, name) for name in _CHANNELS] if grey is None else [grey]
    channels = [channel for channel in chosen if channel is not None]
    if len(channels) != len(chosen):
        raise _fault("ChannelSelection must have a red, a green and a blue channel, or a grey one")
    names = [_band(_text(channel, "SourceChannelName"), bands) for channel in channels]
    ranges = [_stretch(channel) for channel in channels]
    args: dict[str, object] = {"bands": names if len(names) == 3 else names[0]}
    given = [limits for limits in ranges if limits]
    if given and len(given) != len(ranges):
        raise _fault("either all channels have a ContrastEnhancement with a range or none has")
    if given and all(limits == "all" for limits in given):
        args["rescale"] = {"percentiles": [0, 100]}
    elif given:
        if "all" in given:
            raise _fault("Normalize must have minValue and maxValue in all channels or in none")
        args["rescale"] = given
    return args


def _band(name: str, bands: Sequence[str]) -> str:
    if name in bands:
        return name
    if name.isdecimal() and 1 <= int(name[:9]) <= len(bands):
        return bands[int(name) - 1]
    raise _fault(f"there is no channel {name[:40]!r}; there are {', '.join(bands)}")


def _stretch(channel: Element) -> list[float] | str:
    """Least and greatest value of a channel; "all" for those of the image; "" where nothing is said."""
    enhancement = _child(channel, "ContrastEnhancement")
    if enhancement is None:
        return ""
    if _child(enhancement, "Histogram") is not None:
        raise _fault("Histogram is not available: use Normalize")
    normalize = _child(enhancement, "Normalize")
    if normalize is None:
        return ""
    options = _options(normalize)
    if not options:
        return "all"
    if options.get("algorithm", _STRETCHES[0]) not in _STRETCHES:
        raise _fault(f"the algorithm of Normalize must be one of {', '.join(_STRETCHES)}")
    return [_number(options.get("minValue"), "minValue"), _number(options.get("maxValue"), "maxValue")]


def _colour_map(colour_map: Element, stretched: object) -> dict[str, object]:
    """``colormap`` and ``colormap_type``; where the channel is stretched, quantities count in 0..255 of it."""
    for read in (_categorize, _interpolate):
        if found := read(colour_map):
            return found
    kind = colour_map.get("type", "ramp")
    entries = [
        (_number(entry.get("quantity"), "quantity"), _colour(entry), entry.get("label", ""))
        for entry in colour_map.iterfind("{*}ColorMapEntry")
    ]
    if isinstance(stretched, list):
        low, high = stretched[0]
        entries = [(low + place / 255.0 * (high - low), colour, label) for place, colour, label in entries]
    elif stretched:
        raise _fault("a ColorMap needs minValue and maxValue of a channel that is normalized")
    if kind != "intervals":
        return {"colormap": [list(entry) for entry in entries], "colormap_type": kind}
    entries.sort(key=lambda entry: entry[0])
    lows = [None, *(place for place, _, _ in entries)]
    return {
        "colormap": [
            [[low, None if high == float("inf") else high], colour, label]
            for low, (high, colour, label) in zip(lows, entries, strict=False)
        ],
        "colormap_type": "intervals",
    }


def _colour(entry: Element) -> str:
    opacity = _number(entry.get("opacity", "1"), "opacity")
    return f"{entry.get('color', '').strip()}{round(255 * min(max(opacity, 0.0), 1.0)):02x}"


def _categorize(colour_map: Element) -> dict[str, object]:
    """Source: 05-077r4 clause 11.6.2."""
    function = _child(colour_map, "Categorize")
    if function is None:
        return {}
    if function.get("thresholdsBelongTo", "succeeding") != "succeeding":
        raise _fault("thresholds of Categorize must belong to the succeeding value")
    colours = [(value.text or "").strip() for value in function.iterfind("{*}Value")]
    edges = [_number(edge.text, "Threshold") for edge in function.iterfind("{*}Threshold")]
    if len(colours) != len(edges) + 1:
        raise _fault("Categorize must have one Value more than it has Thresholds")
    pairs = zip([None, *edges], colours, strict=True)
    return {"colormap": [[low, colour] for low, colour in pairs], "colormap_type": "intervals"}


def _interpolate(colour_map: Element) -> dict[str, object]:
    """Source: 05-077r4 clause 11.6.3."""
    function = _child(colour_map, "Interpolate")
    if function is None:
        return {}
    if function.get("mode", "linear") != "linear":
        raise _fault("the mode of Interpolate must be linear")
    points = function.iterfind("{*}InterpolationPoint")
    entries = [[_number(_text(point, "Data"), "Data"), _text(point, "Value")] for point in points]
    return {"colormap": entries, "colormap_type": "ramp"}


def _relief(relief: Element) -> dict[str, object]:
    options = _options(relief)
    if options.get("multidirectional", "0") not in ("0", "false"):
        raise _fault("a multidirectional hillshade is not available")
    named: dict[str, object] = {name: options[name] for name in ("azimuth", "altitude") if name in options}
    return {**named, "z_factor": _text(relief, "ReliefFactor") or 1.0}


def _tones(symbolizer: Element) -> dict[str, object]:
    """Gamma of the channels and of all, and the brightness (0.5 is none) and contrast (likewise) of QGIS."""
    gammas = {_number(found.text, "GammaValue") for found in symbolizer.iter("{*}GammaValue")}
    if len(gammas) > 1:
        raise _fault("GammaValue must be the same for all channels")
    options = _options(symbolizer)
    args: dict[str, object] = {}
    if gammas:
        args["gamma"] = gammas.pop()
    if "brightness" in options:
        args["brightness"] = round(2.0 * _number(options["brightness"], "brightness") - 1.0, 6)
    if "contrast" in options:
        args["contrast"] = round((2.0 * _number(options["contrast"], "contrast")) ** 2, 6)
    return args
