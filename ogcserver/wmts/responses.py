"""The service metadata document.

WMTS elements have no prefix and those of OWS the prefix ``ows``, literally: QGIS compares the names with the prefix.

Source: OGC 07-057r7 clause 7.1.2; OGC 06-121r3 clause 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ogcserver.geo.grid import Bounds, Grid
from ogcserver.geo.tiles import MatrixSet, TileLimits, TileMatrix
from ogcserver.jobs.layers import Layer
from ogcserver.maps.legend import legend_size
from ogcserver.maps.picture import MEDIA_TYPES
from ogcserver.maps.styles import StyleName, styles_of
from ogcserver.maps.tilesets import bounds_in, listable, sets_of
from ogcserver.maps.times import listed_times
from ogcserver.ows.identification import (
    Identification,
    operations_metadata,
    service_identification,
    service_provider,
)
from ogcserver.ows.xml import OWS_11, WMTS, XLINK, XSI, Element, Elements
from ogcserver.wmts.requests import INFO_EXTENSIONS, OPERATIONS, VERSION, GetCapabilities

TIME = "TIME"
"""Identifier of the time dimension, in capitals because the openEO Web Editor looks for exactly that."""

_SCHEMA = f"{WMTS} http://schemas.opengis.net/wmts/1.0/wmts.xsd"


@dataclass(frozen=True)
class Capabilities:
    """Writes the service metadata of one endpoint."""

    identification: Identification
    known: Mapping[str, MatrixSet]
    """The tile matrix sets that layers share."""
    url: str
    """Of the endpoint, such as https://host/wmts."""
    max_times: int
    """So many values of the time dimension are listed, for QGIS offers each of them, in each set, style and format, as
    an entry of its own; see :func:`ogcserver.maps.times.listed_times`."""
    limits: bool = True
    """Whether each layer lists the tiles that it has in a set. Clients do without: a tile beside a layer is empty, and
    the boxes tell where it lies."""
    formats: tuple[str, ...] = tuple(MEDIA_TYPES)
    """Of tiles, as media types."""

    @property
    def e(self) -> Elements:
        return Elements({None: WMTS, "ows": OWS_11, "xlink": XLINK, "xsi": XSI})

    def document(self, ask: GetCapabilities, layers: Iterable[Layer]) -> Element:
        """The root element, with the sections asked for."""
        e = self.e
        write = {
            "ServiceIdentification": lambda: service_identification(e, self.identification, "OGC WMTS", [VERSION]),
            "ServiceProvider": lambda: service_provider(e, self.identification),
            "OperationsMetadata": lambda: self._operations(e),
            "Contents": lambda: self._contents(e, layers),
        }
        sections = [write[name]() for name in ask.sections]
        metadata = e("ServiceMetadataURL", {"xlink:href": self._document_url})
        return e("Capabilities", {"version": VERSION, "xsi:schemaLocation": _SCHEMA}, sections, metadata)

    @property
    def _document_url(self) -> str:
        return f"{self.url}/{VERSION}/WMTSCapabilities.xml"

    def _operations(self, e: Elements) -> Element:
        """KVP and SOAP; the resources are named by templates. A second GET would mislead clients that take the first
        one or, as the OGC's test suite does, the last one."""
        operations = operations_metadata(e, dict.fromkeys(OPERATIONS, f"{self.url}?"), {"GetEncoding": ("KVP",)})
        for methods in operations.iter(e.qualified("ows:HTTP")):
            methods.append(self._post(e))
        return operations

    def _post(self, e: Elements) -> Element:
        allowed = e("ows:AllowedValues", e("ows:Value", "SOAP"))
        return e("ows:Post", {"xlink:href": self.url}, e("ows:Constraint", {"name": "PostEncoding"}, allowed))

    def _contents(self, e: Elements, layers: Iterable[Layer]) -> Element:
        used: dict[str, MatrixSet] = {}
        places: dict[Grid, list[tuple[MatrixSet, Bounds]]] = {}  # many layers lie alike
        elements = []
        for layer in layers:
            grid = layer.description.grid
            if grid not in places:
                places[grid] = [
                    (one, box) for one in sets_of(layer, self.known) if (box := bounds_in(layer, one, self.known))
                ]
                used |= {one.id: one for one, _ in places[grid]}
            elements.append(self._layer(e, layer, places[grid]))
        return e("Contents", elements, [_matrix_set(e, one) for one in used.values()])

    def _layer(self, e: Elements, layer: Layer, placed: Sequence[tuple[MatrixSet, Bounds]]) -> Element:
        """
        Args:
            placed: the sets of the layer, each with the layer's bounds in its CRS.
        """
        boxes, times = layer.description.boxes, layer.description.times
        return e(
            "Layer",
            e("ows:Title", layer.title or layer.id),
            e("ows:Abstract", layer.abstract) if layer.abstract else None,
            _box(e, "ows:WGS84BoundingBox", {}, _around(boxes)) if boxes else None,
            e("ows:Identifier", layer.id),
            [
                _box(e, "ows:BoundingBox", {"crs": one.supported_crs}, _ordered(one, box))
                for one, box in _by_crs(placed)
            ],
            [self._style(e, layer, style, number == 0) for number, style in enumerate(styles_of(layer))],
            [e("Format", name) for name in self.formats],
            [e("InfoFormat", name) for name in INFO_EXTENSIONS],
            _time(e, times, self.max_times) if times else None,
            self._links(e, layer, [one for one, _ in placed]),
            [e("ResourceURL", part) for part in self._templates(layer)],
        )

    def _style(self, e: Elements, layer: Layer, style: StyleName, default: bool) -> Element:
        """Its title is its identifier, because OpenLayers looks a style up by title; the abstract says what it is.

        Of the legends only the raster image is named, for a LegendURL is an image of so many pixels.
        """
        width, height = legend_size(layer, style.name)
        media_type, extension = next(iter(LEGEND_EXTENSIONS.items()))
        legend = {
            "format": media_type,
            "xlink:href": f"{self.url}/{layer.id}/{style.name}/legend.{extension}",
            "width": str(width),
            "height": str(height),
        }
        about = ": ".join(part for part in (style.title, style.abstract) if part and part != style.name)
        return e(
            "Style",
            {"isDefault": "true"} if default else None,
            e("ows:Title", style.name),
            e("ows:Abstract", about) if about else None,
            e("ows:Identifier", style.name),
            e("LegendURL", legend),
        )

    def _links(self, e: Elements, layer: Layer, sets: Sequence[MatrixSet]) -> list[Element]:
        """The native set first: the OGC's test suite takes the first limits of the first set for those of its first
        matrix, and a native set has none."""
        return [self._link(e, layer, one) for one in sorted(sets, key=lambda one: one.id in self.known)]

    def _link(self, e: Elements, layer: Layer, matrix_set: MatrixSet) -> Element:
        """A native set is as large as its layer, so it needs no limits."""
        limited = self.limits and matrix_set.id in self.known
        limits = matrix_set.limits(layer.description.boxes) if limited else ()
        described = [_limits(e, part) for part in limits if listable(part)]
        return e(
            "TileMatrixSetLink",
            e("TileMatrixSet", matrix_set.id),
            e("TileMatrixSetLimits", described) if described else None,
        )

    def _templates(self, layer: Layer) -> Iterable[dict[str, str]]:
        """Of tiles as PNG only, though there are others: OpenLayers takes turns with all templates that it finds."""
        time = f"/{{{TIME}}}" if layer.description.times else ""
        tile = f"{self.url}/{layer.id}/{{Style}}{time}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}"
        yield {"format": "image/png", "resourceType": "tile", "template": f"{tile}.png"}
        for name, extension in INFO_EXTENSIONS.items():
            yield {"format": name, "resourceType": "FeatureInfo", "template": f"{tile}/{{J}}/{{I}}.{extension}"}


LEGEND_EXTENSIONS = {"image/png": "png", "image/svg+xml": "svg", "application/json": "json"}
"""Media types of legends, and the extension that stands for each in addresses."""


def _by_crs(placed: Sequence[tuple[MatrixSet, Bounds]]) -> Iterable[tuple[MatrixSet, Bounds]]:
    """One of the pairs for each CRS; the last, for a native set gives its box exactly."""
    return {one.supported_crs: (one, bounds) for one, bounds in placed}.values()


def _time(e: Elements, labels: Sequence[str], limit: int) -> Element:
    """An observation over a span is listed by its start: a slash would end a segment of a resource address."""
    latest = labels[-1].partition("/")[0]
    values = [e("Value", value) for value in listed_times(labels, limit)]
    words = e("Default", latest), e("Current", "true")
    return e("Dimension", e("ows:Identifier", TIME), e("ows:UOM", "ISO8601"), words, values)


def _limits(e: Elements, limits: TileLimits) -> Element:
    return e(
        "TileMatrixLimits",
        e("TileMatrix", limits.matrix),
        e("MinTileRow", str(limits.min_row)),
        e("MaxTileRow", str(limits.max_row)),
        e("MinTileCol", str(limits.min_col)),
        e("MaxTileCol", str(limits.max_col)),
    )


def _matrix_set(e: Elements, matrix_set: MatrixSet) -> Element:
    """Without a WellKnownScaleSet: that of WebMercatorQuad has, by annex E, a CRS of a certain edition of EPSG."""
    return e(
        "TileMatrixSet",
        e("ows:Title", matrix_set.title),
        e("ows:Identifier", matrix_set.id),
        e("ows:SupportedCRS", matrix_set.supported_crs),
        [_matrix(e, matrix_set, matrix) for matrix in matrix_set.matrices],
    )


def _matrix(e: Elements, matrix_set: MatrixSet, matrix: TileMatrix) -> Element:
    west, _, _, north = matrix.grid.bounds
    return e(
        "TileMatrix",
        e("ows:Identifier", matrix.id),
        e("ScaleDenominator", repr(matrix.scale_denominator)),
        e("TopLeftCorner", _position(matrix_set.in_axis_order(west, north))),
        e("TileWidth", str(matrix.tile_width)),
        e("TileHeight", str(matrix.tile_height)),
        e("MatrixWidth", str(matrix.matrix_width)),
        e("MatrixHeight", str(matrix.matrix_height)),
    )


def _around(boxes: Sequence[Bounds]) -> Bounds:
    """One box for all: clients read the first only. Around 180 degrees that is all longitudes."""
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _ordered(matrix_set: MatrixSet, bounds: Bounds) -> Bounds:
    return (*matrix_set.in_axis_order(*bounds[:2]), *matrix_set.in_axis_order(*bounds[2:]))


def _box(e: Elements, name: str, attributes: Mapping[str, str], bounds: Bounds) -> Element:
    lower, upper = e("ows:LowerCorner", _position(bounds[:2])), e("ows:UpperCorner", _position(bounds[2:]))
    return e(name, attributes, lower, upper)


def _position(point: tuple[float, float]) -> str:
    return f"{point[0]!r} {point[1]!r}"
