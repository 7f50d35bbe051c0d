"""The scenes behind coverages, in XML: where and when they are, and their pixels.

Source: OGC 10-140r1 (EO-WCS), OGC 10-157r4 (EOP), and the schemas of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ogcserver.engine.describe import Description
from ogcserver.engine.scenes import Scene
from ogcserver.geo.crs import WGS84, uri
from ogcserver.geo.grid import Bounds
from ogcserver.jobs.layers import Layer
from ogcserver.ows.xml import GML_32, OWS_20, WCS_20, WCSEO, XLINK, XSI, Element, Elements, ncnames
from ogcserver.timeline import format_instant, span
from ogcserver.wcs.domain import bounded_by, coordinates, domain_set
from ogcserver.wcs.responses import NATIVE_FORMAT, period, range_type

_LOCATION = f"{WCSEO} http://schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd"


def _elements() -> Elements:
    return Elements(
        {
            "wcseo": WCSEO,
            "wcs": WCS_20,
            "ows": OWS_20,
            "gml": GML_32,
            "gmlcov": "http://www.opengis.net/gmlcov/1.0",
            "swe": "http://www.opengis.net/swe/2.0",
            "eop": "http://www.opengis.net/eop/2.0",
            "om": "http://www.opengis.net/om/2.0",
            "xlink": XLINK,
            "xsi": XSI,
        }
    )


def coverage_set(series: Iterable[Layer], found: Sequence[Scene], count: int, sections: frozenset[str]) -> Element:
    """``wcseo:EOCoverageSetDescription``.

    Args:
        found: all that was asked for, of which the first ``count`` are described.
    """
    e = _elements()
    told = found[:count] if "CoverageDescriptions" in sections else ()
    names = ncnames(scene.id for scene in told)
    described = [_description(e, name, scene) for name, scene in zip(names, told, strict=True)]
    return e(
        "wcseo:EOCoverageSetDescription",
        {"numberMatched": str(len(found)), "numberReturned": str(len(told)), "xsi:schemaLocation": _LOCATION},
        e("wcs:CoverageDescriptions", described) if "CoverageDescriptions" in sections else None,
        e("wcseo:DatasetSeriesDescriptions", [_series(e, layer) for layer in series])
        if "DatasetSeriesDescriptions" in sections
        else None,
    )


def _series(e: Elements, layer: Layer) -> Element:
    coverage = layer.description
    return e(
        "wcseo:DatasetSeriesDescription",
        {"gml:id": f"{layer.id}-series"},
        bounded_by(e, Description(coverage.grid, coverage.bands, (), coverage.boxes, coverage.interval)),
        e("wcseo:DatasetSeriesId", layer.id),
        period(e, f"{layer.id}-series-period", *coverage.interval),
        _footprint(e, f"{layer.id}-series", coverage.boxes),
    )


def _description(e: Elements, name: str, scene: Scene) -> Element:
    own = Description(scene.grid, scene.bands, (), scene.boxes, ("", ""))
    return e(
        "wcs:CoverageDescription",
        {"gml:id": name},
        bounded_by(e, own),
        e("wcs:CoverageId", name),
        e("gmlcov:metadata", e("gmlcov:Extension", e("wcseo:EOMetadata", _observation(e, name, scene)))),
        domain_set(e, name, own),
        range_type(e, scene.bands),
        e(
            "wcs:ServiceParameters",
            e("wcs:CoverageSubtype", "RectifiedDataset"),
            e("wcs:CoverageSubtypeParent", e("wcs:CoverageSubtype", "RectifiedGridCoverage")),
            e("wcs:nativeFormat", NATIVE_FORMAT),
        ),
    )


def _observation(e: Elements, name: str, scene: Scene) -> Element:
    first, last = map(format_instant, span(scene.time))
    return e(
        "eop:EarthObservation",
        {"gml:id": f"{name}-observation"},
        e("om:phenomenonTime", period(e, f"{name}-period", first, last)),
        e("om:resultTime", e("gml:TimeInstant", {"gml:id": f"{name}-result"}, e("gml:timePosition", last))),
        e("om:procedure"),
        e("om:observedProperty"),
        e("om:featureOfInterest", _footprint(e, name, scene.boxes)),
        e("om:result"),
        e(
            "eop:metaDataProperty",
            e(
                "eop:EarthObservationMetaData",
                e("eop:identifier", name),
                e("eop:acquisitionType", "NOMINAL"),
                e("eop:productType", scene.collection),
                e("eop:status", "ARCHIVED"),
            ),
        ),
    )


def _footprint(e: Elements, name: str, boxes: Iterable[Bounds]) -> Element:
    """The boxes that hold the footprint; latitudes come first."""
    surfaces = [
        e("gml:surfaceMember", _polygon(e, f"{name}-polygon-{number}", box))
        for number, box in enumerate(boxes, start=1)
    ]
    surface = e("gml:MultiSurface", {"gml:id": f"{name}-surface", "srsName": uri(WGS84)}, surfaces)
    return e("eop:Footprint", {"gml:id": f"{name}-footprint"}, e("eop:multiExtentOf", surface))


def _polygon(e: Elements, name: str, box: Bounds) -> Element:
    west, south, east, north = box
    ring = coordinates(south, west, south, east, north, east, north, west, south, west)
    return e("gml:Polygon", {"gml:id": name}, e("gml:exterior", e("gml:LinearRing", e("gml:posList", ring))))
