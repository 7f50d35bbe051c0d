"""The documents of WCS 1.1, shaped as QGIS, GDAL and OWSLib need them.

CRSs are URNs, coordinates in the order of the CRS's axes, and the grid's origin is the centre of the first pixel. The
bounding box in the native CRS is that of the pixels' edges, as QGIS takes it.

Versions differ in their namespaces, and OWSLib insists: 1.1.0 is in ``wcs/1.1`` with ``ows``, 1.1.1 in ``wcs/1.1.1``
with ``ows/1.1``, 1.1.2 in ``wcs/1.1`` with ``ows/1.1``, which is the pair that the published schemas have.

Source: OGC 07-067r5 clauses 8.3, 9.3 and 10.3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ogcserver.cube import Band, Resampling
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import urn
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import (
    Identification,
    operations_metadata,
    service_identification,
    service_provider,
)
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import GML_31, OWS_10, OWS_11, XLINK, XSI, Element, Elements
from ogcserver.wcs.bands import AXIS, keys, nodata_texts
from ogcserver.wcs.domain import coordinates, in_crs_order
from ogcserver.wcs.naming import supported
from ogcserver.wcs.responses import lonlat_box
from ogcserver.wcs.times import position
from ogcserver.wcs.v11.requests import FIELD, IMAGE_CRS, IMAGE_CRS_OF_EDGES

WCS_11 = "http://www.opengis.net/wcs/1.1"
NAMESPACES = {"1.1.0": (WCS_11, OWS_10), "1.1.1": (f"{WCS_11}.1", OWS_11), "1.1.2": (WCS_11, OWS_11)}
"""Version -> those of WCS and of OWS Common."""
INTERPOLATIONS: dict[Resampling, str] = {"nearest": "nearest", "bilinear": "linear", "cubic": "cubic"}
OPERATIONS = ("GetCapabilities", "DescribeCoverage", "GetCoverage")
GRID_TYPE = "urn:ogc:def:method:WCS:1.1:2dSimpleGrid"
GRID_CS = "urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS"


class Documents:
    """Writes the documents of one version.

    Args:
        version: 1.1.0, 1.1.1 or 1.1.2.
        formats: media types, the native one first.
    """

    def __init__(self, version: str, formats: Iterable[str]) -> None:
        self.version, self.formats = version, tuple(formats)
        wcs, ows = NAMESPACES[version]
        self.e = Elements({"wcs": wcs, "ows": ows, "gml": GML_31, "xlink": XLINK, "xsi": XSI})

    def capabilities(
        self,
        sections: Collection[str],
        who: Identification,
        url: str,
        versions: Iterable[str],
        layers: Iterable[Layer],
        sequence: UpdateSequence,
    ) -> Element:
        """``wcs:Capabilities`` with some of its sections.

        Args:
            url: where KVP requests go, with a ``?`` at the end; XML is posted there, too.
        """
        e = self.e
        known: dict[str, Callable[[], Element]] = {
            "ServiceIdentification": lambda: service_identification(e, who, "WCS", versions),
            "ServiceProvider": lambda: service_provider(e, who),
            "OperationsMetadata": lambda: self._operations(url),
            "Contents": lambda: self._contents(tuple(layers)),
        }
        about = {"version": self.version, "updateSequence": str(sequence)}
        return e("wcs:Capabilities", about, [make() for name, make in known.items() if name in sections])

    def _operations(self, url: str) -> Element:
        """With the values of ``store``, as clause 10.3.2 wants."""
        e = self.e
        metadata = operations_metadata(e, dict.fromkeys(OPERATIONS, url), post={"PostEncoding": ("XML",)})
        allowed = e("ows:AllowedValues", [e("ows:Value", value) for value in ("true", "false")])
        store = e("ows:Parameter", {"name": "store"}, allowed)
        for operation in metadata.iterfind(f"*[@name='{OPERATIONS[-1]}']"):
            operation.append(store)
        if self.version == "1.1.0":  # OWS Common 1.0 (OGC 05-008c1) has the values in the parameter itself
            for allowed in list(metadata.iter(e.qualified("ows:AllowedValues"))):
                parent = allowed.getparent()
                assert parent is not None
                parent.extend(allowed)
                parent.remove(allowed)
        return metadata

    def _contents(self, layers: tuple[Layer, ...]) -> Element:
        """Formats and the CRSs of all, once for the whole server: thousands of coverages would repeat them."""
        crss = dict.fromkeys(crs for layer in layers for crs in supported(layer.description.grid.crs))
        return self.e("wcs:Contents", [self._summary(layer) for layer in layers], self._supported(crss))

    def _summary(self, layer: Layer) -> Element:
        boxes = [lonlat_box(self.e, box) for box in layer.description.boxes]
        return self.e("wcs:CoverageSummary", self._titles(layer), boxes, self.e("wcs:Identifier", layer.id))

    def _titles(self, layer: Layer) -> list[Element]:
        abstract = [self.e("ows:Abstract", layer.abstract)] if layer.abstract else []
        return [self.e("ows:Title", layer.title or layer.id), *abstract]

    def _supported(self, crss: Iterable[str]) -> list[Element]:
        """CRSs and formats."""
        names = [self.e("wcs:SupportedCRS", urn(name)) for name in crss]
        return names + [self.e("wcs:SupportedFormat", name) for name in self.formats]

    def descriptions(self, layers: Iterable[Layer]) -> Element:
        """``wcs:CoverageDescriptions``."""
        return self.e("wcs:CoverageDescriptions", [self._description(layer) for layer in layers])

    def _description(self, layer: Layer) -> Element:
        e, coverage = self.e, layer.description
        times = [e("gml:timePosition", position(label)) for label in coverage.times]
        return e(
            "wcs:CoverageDescription",
            self._titles(layer),
            e("wcs:Identifier", layer.id),
            e(
                "wcs:Domain",
                e("wcs:SpatialDomain", self._boxes(coverage), self._grid_crs(coverage.grid)),
                e("wcs:TemporalDomain", times) if times else None,
            ),
            e("wcs:Range", self._field(layer)),
            self._supported(supported(coverage.grid.crs)),
        )

    def _boxes(self, coverage: Description) -> list[Element]:
        grid = coverage.grid
        west, south, east, north = grid.bounds
        last, size = coordinates(grid.width - 1, grid.height - 1), coordinates(grid.width, grid.height)
        corners = in_crs_order(grid.crs, west, south), in_crs_order(grid.crs, east, north)
        own = [
            self._box(IMAGE_CRS_OF_EDGES, "0 0", size),
            self._box(IMAGE_CRS, "0 0", last),
            self._box(urn(grid.crs), *corners),
        ]
        return own + [lonlat_box(self.e, box) for box in coverage.boxes]

    def _box(self, crs: str, lower: str, upper: str) -> Element:
        corners = self.e("ows:LowerCorner", lower), self.e("ows:UpperCorner", upper)
        return self.e("ows:BoundingBox", {"crs": crs, "dimensions": "2"}, corners)

    def _grid_crs(self, grid: Grid) -> Element:
        e, lattice = self.e, grid.lattice
        return e(
            "wcs:GridCRS",
            e("wcs:GridBaseCRS", urn(grid.crs)),
            e("wcs:GridType", GRID_TYPE),
            e("wcs:GridOrigin", in_crs_order(grid.crs, lattice.x(grid.col + 0.5), lattice.y(grid.row + 0.5))),
            e("wcs:GridOffsets", in_crs_order(grid.crs, lattice.dx, -lattice.dy)),
            e("wcs:GridCS", GRID_CS),
        )

    def _field(self, layer: Layer) -> Element:
        """All bands are one field with an axis, so that a whole coverage is one name to ask for."""
        e = self.e
        bands: tuple[Band, ...] = layer.description.bands
        methods = [e("wcs:InterpolationMethod", name) for name in INTERPOLATIONS.values()]
        default = e("wcs:Default", INTERPOLATIONS.get(layer.resampling, layer.resampling))
        return e(
            "wcs:Field",
            e("wcs:Identifier", FIELD),
            e("wcs:Definition", e("ows:AnyValue")),
            [e("wcs:NullValue", text) for text in nodata_texts(bands)],
            e("wcs:InterpolationMethods", methods, default),
            e("wcs:Axis", {"identifier": AXIS}, e("wcs:AvailableKeys", [e("wcs:Key", key) for key in keys(bands)])),
        )

    def coverages(self, layer: Layer, address: str) -> Element:
        """``wcs:Coverages``, which names the file of a coverage.

        Args:
            address: ``cid:`` and the identifier of another part of the answer, or a URL.
        """
        e = self.e
        reference = {"xlink:href": address, "xlink:role": "urn:ogc:def:role:WCS:1.1:coverage"}
        coverage = e("wcs:Coverage", self._titles(layer), e("ows:Identifier", layer.id), e("ows:Reference", reference))
        return e("wcs:Coverages", coverage)
