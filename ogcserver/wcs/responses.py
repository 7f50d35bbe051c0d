"""The documents of WCS 2.0.

Source: OGC 09-110r4 clauses 8.2 (capabilities) and 8.3 (descriptions), OGC 09-146r2 (coverages), OGC 08-094r1 (fields).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable

from ogcserver.cube import Band
from ogcserver.engine.describe import Description
from ogcserver.geo.crs import uri
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import (
    Identification,
    operations_metadata,
    service_identification,
    service_provider,
)
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import GML_32, OWS_20, WCS_20, WCSEO, XLINK, XSI, Element, Elements, ncnames
from ogcserver.wcs.domain import bounded_by, domain_set
from ogcserver.wcs.naming import OUTPUT_CRS, has_code
from ogcserver.wcs.profiles import PROFILES
from ogcserver.wcs.requests import SERIES
from ogcserver.wcs.syntax import INTERPOLATIONS

VERSION = "2.0.1"
NATIVE_FORMAT = "image/tiff"
_INTERPOLATION = "http://www.opengis.net/def/interpolation/OGC/1/"
_NO_VALUE = "http://www.opengis.net/def/nil/OGC/0/unknown"
SCHEMA_LOCATION = f"{WCS_20} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"


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
            "wcseo": WCSEO,
            "crs": "http://www.opengis.net/wcs/crs/1.0",
            "wcscrs": "http://www.opengis.net/wcs/service-extension/crs/1.0",
            "int": "http://www.opengis.net/WCS_service-extension_interpolation/1.0",
            "wcsint": "http://www.opengis.net/wcs/interpolation/1.0",
            "xlink": XLINK,
            "xsi": XSI,
        }
    )


def capabilities(
    sections: Collection[str],
    who: Identification,
    url: str,
    formats: Iterable[str],
    layers: tuple[Layer, ...],
    sequence: UpdateSequence,
) -> Element:
    """``wcs:Capabilities`` with some of its sections.

    Args:
        url: where KVP requests go, with a ``?`` at the end; XML is posted there, too.
        formats: media types, the native one first.
    """
    e = elements()
    addresses = dict.fromkeys(("GetCapabilities", "DescribeCoverage", "GetCoverage", "DescribeEOCoverageSet"), url)
    known: dict[str, Callable[[], Element]] = {
        "ServiceIdentification": lambda: service_identification(e, who, "OGC WCS", [VERSION], PROFILES),
        "ServiceProvider": lambda: service_provider(e, who),
        "OperationsMetadata": lambda: operations_metadata(e, addresses, post={"PostEncoding": ("XML", "SOAP")}),
        "ServiceMetadata": lambda: _service_metadata(e, formats, layers),
        "Contents": lambda: _contents(e, layers, sections),
    }
    wanted = {"Contents" if name == SERIES else name for name in sections}
    about = {"version": VERSION, "updateSequence": str(sequence), "xsi:schemaLocation": SCHEMA_LOCATION}
    return e("wcs:Capabilities", about, [make() for name, make in known.items() if name in wanted])


def _contents(e: Elements, layers: tuple[Layer, ...], sections: Collection[str]) -> Element:
    """Every job is a coverage, and a series of the scenes behind it."""
    return e(
        "wcs:Contents",
        [_summary(e, layer) for layer in layers] if "Contents" in sections else None,
        e("wcs:Extension", [_series_summary(e, layer) for layer in layers]) if SERIES in sections else None,
    )


def _series_summary(e: Elements, layer: Layer) -> Element:
    return e(
        "wcseo:DatasetSeriesSummary",
        lonlat_box(e, layer.description.boxes[0]),
        e("wcseo:DatasetSeriesId", layer.id),
        period(e, f"{layer.id}-period", *layer.description.interval),
    )


def period(e: Elements, name: str, first: str, last: str) -> Element:
    """``gml:TimePeriod`` with a gml:id."""
    return e("gml:TimePeriod", {"gml:id": name}, e("gml:beginPosition", first), e("gml:endPosition", last))


def _service_metadata(e: Elements, formats: Iterable[str], layers: tuple[Layer, ...]) -> Element:
    """CRSs and interpolations are told twice: as the standards write them, and as their published schemas do."""
    native = [layer.description.grid.crs for layer in layers]
    supported = dict.fromkeys([crs for crs in native if has_code(crs)] + list(OUTPUT_CRS))
    crss, methods = [uri(crs) for crs in supported], [_INTERPOLATION + name for name in INTERPOLATIONS]
    return e(
        "wcs:ServiceMetadata",
        [e("wcs:formatSupported", name) for name in formats],
        e(
            "wcs:Extension",
            [e("crs:supportedCrs", name) for name in crss],
            e("wcscrs:CrsMetadata", [e("wcscrs:crsSupported", name) for name in crss]),
            e("int:InterpolationMetadata", [e("int:interpolationSupported", name) for name in methods]),
            e("wcsint:InterpolationMetadata", [e("wcsint:InterpolationSupported", name) for name in methods]),
        ),
    )


def _summary(e: Elements, layer: Layer) -> Element:
    """No more than must be: there may be thousands, and clients read boxes and CRSs of descriptions (clause 8.3)."""
    return e(
        "wcs:CoverageSummary",
        e("ows:Title", layer.title) if layer.title != layer.id else None,
        e("ows:Abstract", layer.abstract) if layer.abstract else None,
        e("wcs:CoverageId", layer.id),
        e("wcs:CoverageSubtype", subtype(layer.description)),
    )


def lonlat_box(e: Elements, box: Bounds) -> Element:
    """``ows:WGS84BoundingBox``."""
    west, south, east, north = box
    return e(
        "ows:WGS84BoundingBox",
        e("ows:LowerCorner", f"{west!r} {south!r}"),
        e("ows:UpperCorner", f"{east!r} {north!r}"),
    )


def subtype(coverage: Description) -> str:
    """What kind of coverage it is: a time axis has steps of any length."""
    return "ReferenceableGridCoverage" if coverage.times else "RectifiedGridCoverage"


def descriptions(layers: Iterable[Layer]) -> Element:
    """``wcs:CoverageDescriptions``."""
    e = elements()
    return e(
        "wcs:CoverageDescriptions",
        {"xsi:schemaLocation": SCHEMA_LOCATION},
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
            e("wcs:CoverageSubtype", subtype(coverage)),
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
