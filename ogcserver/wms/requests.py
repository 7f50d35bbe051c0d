"""What a client asks, as values. Parameters that WMS does not know, such as the DPI of QGIS, do not matter.

Source: OGC 06-042 clause 7; OGC 01-068r3 clause 7; OGC 05-078r4 clauses 8 and 12 (styled layer descriptors, legends).
"""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.encode.overlay import Colour
from ogcserver.errors import InvalidParameter, MissingParameter, UnsupportedOperation
from ogcserver.geo.grid import Bounds
from ogcserver.maps.info import info_type
from ogcserver.ows.kvp import Kvp, choice
from ogcserver.wms.crs import map_crs
from ogcserver.wms.syntax import (
    Edge,
    background,
    corners,
    feature_count,
    layer_names,
    map_type,
    pixel_index,
    style_names,
)
from ogcserver.wms.times import Asked, time_values
from ogcserver.wms.versions import Version

OPERATIONS = ("GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic", "GetStyles")
_OLD_NAMES = {"capabilities": "GetCapabilities", "map": "GetMap", "feature_info": "GetFeatureInfo"}
"""Of operations before 1.0.7."""


@dataclass(frozen=True)
class Frame:
    """Which layers, where, and at what time: what GetMap and GetFeatureInfo have in common."""

    layers: tuple[str, ...]
    crs: str
    bounds: Bounds
    """In units of ``crs``, east before north."""
    width: int
    height: int
    times: tuple[Asked, ...]
    """None for the default."""

    @classmethod
    def from_kvp(cls, kvp: Kvp, version: Version, max_edge: int) -> Frame:
        """
        Args:
            max_edge: largest width and height; its square is the most pixels of all layers together.
        Raises:
            MissingParameter, InvalidParameter, CrsError: the locator is the parameter.
        """
        layers = kvp.one("LAYERS", layer_names)
        crs = kvp.one(version.crs, lambda text: map_crs(text, version))
        edge = Edge(max_edge)
        bounds = crs.east_north(kvp.one("BBOX", corners))
        width, height = kvp.one("WIDTH", edge), kvp.one("HEIGHT", edge)
        if len(layers) * width * height > max_edge**2:
            message = f"a map of {len(layers)} layers has at most {max_edge**2 // len(layers)} pixels"
            raise InvalidParameter(message, locator="WIDTH")
        return cls(layers, crs.name, bounds, width, height, kvp.optional("TIME", time_values) or ())


@dataclass(frozen=True)
class GetMap:
    """A map.  Source: 06-042 clause 7.3."""

    frame: Frame
    styles: tuple[str, ...]
    """One for each layer; "" is the default one."""
    format: str
    """Media type."""
    background: Colour | None
    """None: transparent."""
    sld: str | None = None
    """A styled layer descriptor with the style of the one layer, in place of ``styles``."""

    @classmethod
    def from_kvp(cls, kvp: Kvp, version: Version, max_edge: int) -> GetMap:
        """
        Raises:
            MissingParameter, InvalidParameter, CrsError: the locator is the parameter.
        """
        if "SLD" in kvp:
            raise InvalidParameter("addresses of styles are not followed: send the document as SLD_BODY", locator="SLD")
        kvp.optional("EXCEPTIONS", choice(*version.exceptions))
        frame = Frame.from_kvp(kvp, version, max_edge)
        styles = style_names(kvp, frame.layers)
        sld = kvp.optional("SLD_BODY", str)
        if sld and len(frame.layers) > 1:
            raise InvalidParameter("SLD_BODY holds the style of one layer: ask for one", locator="SLD_BODY")
        return cls(frame, styles, kvp.one("FORMAT", map_type), background(kvp), sld)


@dataclass(frozen=True)
class GetFeatureInfo:
    """The values under a pixel of a map.  Source: 06-042 clause 7.4."""

    frame: Frame
    layers: tuple[str, ...]
    """Those that are asked for, of the layers of the map."""
    format: str
    """Media type."""
    column: int
    row: int
    """From the upper left pixel, which is 0, 0."""
    count: int
    """So many observations of each layer are wanted at most."""

    @classmethod
    def from_kvp(cls, kvp: Kvp, version: Version, max_edge: int) -> GetFeatureInfo:
        """
        Raises:
            MissingParameter, InvalidParameter, CrsError: the locator is the parameter.
        """
        frame = Frame.from_kvp(kvp, version, max_edge)
        queried = kvp.one("QUERY_LAYERS", layer_names)
        for name in queried:
            if name not in frame.layers:
                raise InvalidParameter(f"layer {name[:60]!r} is not one of LAYERS", locator="QUERY_LAYERS")
        media_type = kvp.optional("INFO_FORMAT", info_type)
        if media_type is None and version.crs_order:
            raise MissingParameter("the parameter INFO_FORMAT is missing", locator="INFO_FORMAT")
        return cls(
            frame,
            queried,
            media_type or "text/plain",
            pixel_index(kvp, version.column, frame.width),
            pixel_index(kvp, version.row, frame.height),
            kvp.optional("FEATURE_COUNT", feature_count) or 1,
        )


@dataclass(frozen=True)
class GetLegendGraphic:
    """The legend of a style.  Source: 05-078r4 clause 12."""

    layer: str
    style: str
    format: str
    width: int | None
    height: int | None

    @classmethod
    def from_kvp(cls, kvp: Kvp, max_edge: int) -> GetLegendGraphic:
        """
        Raises:
            MissingParameter, InvalidParameter: the locator is the parameter.
        """
        edge = Edge(max_edge)
        return cls(
            kvp.one("LAYER", str),
            kvp.optional("STYLE", str) or "",
            kvp.one("FORMAT", str),
            kvp.optional("WIDTH", edge),
            kvp.optional("HEIGHT", edge),
        )


def styled_layers(kvp: Kvp) -> tuple[str, ...]:
    """The layers of GetStyles.  Source: OGC 02-070 clause 7.2.

    Raises:
        MissingParameter, InvalidParameter: the locator is LAYERS.
    """
    return kvp.one("LAYERS", layer_names)


def operation(kvp: Kvp) -> str:
    """The operation that a request names.

    Raises:
        MissingParameter: none.
        InvalidParameter: another service.
        UnsupportedOperation: no such operation.
    """
    kvp.optional("SERVICE", choice("WMS"))
    name = kvp.one("REQUEST", str)
    known = {one.lower(): one for one in OPERATIONS} | _OLD_NAMES
    if name.lower() not in known:
        message = f"there is no operation {name[:40]!r}: ask for {', '.join(OPERATIONS)}"
        raise UnsupportedOperation(message, locator="REQUEST")
    return known[name.lower()]
