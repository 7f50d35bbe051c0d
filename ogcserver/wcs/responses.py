"""The documents of WCS 2.0.

Source: OGC 09-110r4 clauses 8.2 (capabilities) and 8.3 (descriptions), OGC 09-146r2 (coverages), OGC 08-094r1 (fields).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from ogcserver.cube import Band
from ogcserver.geo.crs import uri
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import (
    Identification,
    operations_metadata,
    service_identification,
    service_provider,
)
from ogcserver.ows.xml import GML_32, OWS_20, WCS_20, XLINK, XSI, Element, Elements, ncnames
from ogcserver.wcs.domain import bounded_by, domain_set, in_crs_order, srs_name
from ogcserver.wcs.naming import OUTPUT_CRS, has_code
from ogcserver.wcs.requests import GetCapabilities
from ogcserver.wcs.syntax import INTERPOLATIONS

VERSION = "2.0.1"
NATIVE_FORMAT = "image/tiff"
PROFILES = (
    "http://www.opengis.net/spec/WCS/2.0/conf/core",
    "http://www.opengis.net/spec/WCS_protocol-binding_get-kvp/1.0/conf/get-kvp",
    "http://www.opengis.net/spec/WCS_service-extension_crs/1.0/conf/crs",
    "http://www.opengis.net/spec/WCS_service-extension_scaling/1.0/conf/scaling",
    "http://www.opengis.net/spec/WCS_service-extension_range-subsetting/1.0/conf/record-subsetting",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation",
    "http://www.opengis.net/spec/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage",
)
_INTERPOLATION = "http://www.opengis.net/def/interpolation/OGC/1/"
_NO_VALUE = "http://www.opengis.net/def/nil/OGC/0/unknown"
_SCHEMA = f"{WCS_20} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"


def elements() -> Elements:
    """Elements of WCS 2.0 documents."""
    return Elements(
        {
            "wcs": WCS_20,
            "ows": OWS_20,
            "gml": GML_32,
            "gmlcov": "http://www.opengis.net/gmlcov/1.0",
            "gmlrgrid": "http://www.opengis.net/gml/3.3/rgrid",
            "swe": "http://www.opengis.net/swe/2.0",
            "crs": "http://www.opengis.net/wcs/crs/1.0",
            "int": "http://www.opengis.net/WCS_service-extension_interpolation/1.0",
            "xlink": XLINK,
            "xsi": XSI,
        }
    )


def capabilities(
    ask: GetCapabilities, who: Identification, url: str, formats: Iterable[str], layers: tuple[Layer, ...]
) -> Element:
    """``wcs:Capabilities`` with the sections asked for.

    Args:
        url: where KVP requests go, with a ``?`` at the end.
        formats: media types, the native one first.
    """
    e = elements()
    addresses = dict.fromkeys(("GetCapabilities", "DescribeCoverage", "GetCoverage"), url)
    sections: dict[str, Callable[[], Element]] = {
        "ServiceIdentification": lambda: service_identification(e, who, "OGC WCS", [VERSION], PROFILES),
        "ServiceProvider": lambda: service_provider(e, who),
        "OperationsMetadata": lambda: operations_metadata(e, addresses),
        "ServiceMetadata": lambda: _service_metadata(e, formats, layers),
        "Contents": lambda: e("wcs:Contents", [_summary(e, layer) for layer in layers]),
    }
    chosen = [make() for name, make in sections.items() if name in ask.sections]
    return e("wcs:Capabilities", {"version": VERSION, "xsi:schemaLocation": _SCHEMA}, chosen)


def _service_metadata(e: Elements, formats: Iterable[str], layers: tuple[Layer, ...]) -> Element:
    native = [layer.description.grid.crs for layer in layers]
    supported = dict.fromkeys([crs for crs in native if has_code(crs)] + list(OUTPUT_CRS))
    methods = [e("int:interpolationSupported", _INTERPOLATION + name) for name in INTERPOLATIONS if name != "average"]
    return e(
        "wcs:ServiceMetadata",
        [e("wcs:formatSupported", name) for name in formats],
        e(
            "wcs:Extension",
            [e("crs:supportedCrs", uri(crs)) for crs in supported],
            e("int:InterpolationMetadata", methods),
        ),
    )


def _summary(e: Elements, layer: Layer) -> Element:
    coverage = layer.description
    west, south, east, north = coverage.grid.bounds
    crs = coverage.grid.crs
    corners = in_crs_order(crs, west, south), in_crs_order(crs, east, north)
    own = e(
        "ows:BoundingBox",
        {"crs": srs_name(crs), "dimensions": "2"},
        e("ows:LowerCorner", corners[0]),
        e("ows:UpperCorner", corners[1]),
    )
    return e(
        "wcs:CoverageSummary",
        e("ows:Title", layer.title or layer.id),
        e("ows:Abstract", layer.abstract) if layer.abstract else None,
        [lonlat_box(e, box) for box in coverage.boxes],
        e("wcs:CoverageId", layer.id),
        e("wcs:CoverageSubtype", _subtype(layer)),
        own,
    )


def lonlat_box(e: Elements, box: Bounds) -> Element:
    """``ows:WGS84BoundingBox``."""
    west, south, east, north = box
    return e(
        "ows:WGS84BoundingBox",
        e("ows:LowerCorner", f"{west!r} {south!r}"),
        e("ows:UpperCorner", f"{east!r} {north!r}"),
    )


def _subtype(layer: Layer) -> str:
    return "ReferenceableGridCoverage" if layer.description.times else "RectifiedGridCoverage"


def descriptions(layers: Iterable[Layer]) -> Element:
    """``wcs:CoverageDescriptions``."""
    e = elements()
    return e(
        "wcs:CoverageDescriptions",
        {"xsi:schemaLocation": _SCHEMA},
        [_description(e, layer) for layer in layers],
    )


def _description(e: Elements, layer: Layer) -> Element:
    coverage = layer.description
    return e(
        "wcs:CoverageDescription",
        {"gml:id": layer.id},
        e("gml:description", layer.abstract) if layer.abstract else None,
        e("gml:name", layer.title) if layer.title else None,
        bounded_by(e, coverage),
        e("wcs:CoverageId", layer.id),
        domain_set(e, layer.id, coverage),
        range_type(e, coverage.bands),
        e(
            "wcs:ServiceParameters",
            e("wcs:CoverageSubtype", _subtype(layer)),
            e("wcs:nativeFormat", NATIVE_FORMAT),
        ),
    )


def range_type(e: Elements, bands: tuple[Band, ...]) -> Element:
    """``gmlcov:rangeType``: one quantity for each band. Names that are no NCName are altered; the label is the name."""
    fields = [
        e("swe:field", {"name": name}, _quantity(e, band))
        for name, band in zip(ncnames(band.name for band in bands), bands, strict=True)
    ]
    return e("gmlcov:rangeType", e("swe:DataRecord", fields))


def _quantity(e: Elements, band: Band) -> Element:
    return e(
        "swe:Quantity",
        e("swe:label", band.name),
        e("swe:description", f"{band.name} as {band.dtype}"),
        _nil_values(e, math.nan if band.nodata is None and band.dtype.startswith("float") else band.nodata),
        e("swe:uom", {"code": _unit(band.unit)}),
    )


def _nil_values(e: Elements, nodata: float | None) -> Element | None:
    if nodata is None:
        return None
    text = "NaN" if math.isnan(nodata) else f"{nodata:.17g}"
    return e("swe:nilValues", e("swe:NilValues", e("swe:nilValue", {"reason": _NO_VALUE}, text)))


def _unit(unit: str) -> str:
    """A UCUM-like symbol; ``1`` for a number without unit. Blanks and colons are not allowed in it."""
    return re.sub(r"[\s:]+", ".", unit.strip()) or "1"
