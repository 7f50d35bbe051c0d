"""The documents of WCS 1.0.0, shaped as QGIS needs them.

The native CRS and the srsName of the one plain ``gml:Envelope`` are the same text, ``EPSG:32632``; else QGIS transforms
the lonLatEnvelope and resamples every pixel. The grid's origin is the centre of the first pixel. All coordinates are
x, y. The first format that QGIS and GDAL take is the one with "tif" in its name; formats are names, for media types
are no XML names.

Source: OGC 03-065r6 clauses 7.3 and 8.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ogcserver.cube import Band, Resampling
from ogcserver.engine.describe import Description
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import GML_31, WCS_10, XLINK, XSI, Element, Elements
from ogcserver.wcs.bands import AXIS, keys, nodata_texts
from ogcserver.wcs.domain import coordinates
from ogcserver.wcs.naming import supported
from ogcserver.wcs.times import position
from ogcserver.wcs.v10.requests import EXCEPTIONS, SECTIONS

INTERPOLATIONS: dict[Resampling, str] = {"nearest": "nearest neighbor", "bilinear": "bilinear", "cubic": "bicubic"}
OPERATIONS = ("GetCapabilities", "DescribeCoverage", "GetCoverage")
VERSION = {"version": "1.0.0"}
_LONLAT = {"srsName": "urn:ogc:def:crs:OGC:1.3:CRS84"}


def elements() -> Elements:
    """Elements of WCS 1.0.0 documents."""
    return Elements({None: WCS_10, "gml": GML_31, "xlink": XLINK, "xsi": XSI})


def _located(schema: str) -> dict[str, str]:
    return {"xsi:schemaLocation": f"{WCS_10} http://schemas.opengis.net/wcs/1.0.0/{schema}.xsd"}


def capabilities(
    section: str, who: Identification, url: str, layers: tuple[Layer, ...], sequence: UpdateSequence
) -> Element:
    """``WCS_Capabilities``, or the one section asked for, with the version and sequence that the whole has otherwise.

    Args:
        section: one of :data:`SECTIONS`, or "".
        url: where KVP requests go, with a ``?`` at the end; XML is posted there, too.
    """
    e, about = elements(), VERSION | {"updateSequence": str(sequence)}
    known: dict[str, Callable[[], Element]] = {
        "Service": lambda: _service(e, who),
        "Capability": lambda: _capability(e, url),
        "ContentMetadata": lambda: e(
            "ContentMetadata", [e("CoverageOfferingBrief", _brief(e, layer)) for layer in layers]
        ),
    }
    if not section:
        sections = [known[name]() for name in SECTIONS]
        return e("WCS_Capabilities", about, _located("wcsCapabilities"), sections)
    root = known[section]()
    for name, value in about.items():
        root.set(name, value)
    return root


def _service(e: Elements, who: Identification) -> Element:
    return e(
        "Service",
        e("description", who.abstract) if who.abstract else None,
        e("name", "WCS"),
        e("label", who.title),
        e("keywords", [e("keyword", word) for word in who.keywords]) if who.keywords else None,
        _responsible_party(e, who),
        e("fees", who.fees),
        e("accessConstraints", who.access_constraints),
    )


def _responsible_party(e: Elements, who: Identification) -> Element:
    place = {
        "deliveryPoint": who.address,
        "city": who.city,
        "postalCode": who.postal_code,
        "country": who.country,
        "electronicMailAddress": who.email,
    }
    address = [e(name, text) for name, text in place.items() if text]
    contact = [
        e("phone", e("voice", who.phone)) if who.phone else None,
        e("address", address) if address else None,
        e("onlineResource", {"xlink:href": who.provider_site}) if who.provider_site else None,
    ]
    given = [part for part in contact if part is not None]
    return e(
        "responsibleParty",
        e("individualName", who.contact) if who.contact else None,
        e("organisationName", who.provider),
        e("positionName", who.position) if who.position else None,
        e("contactInfo", given) if given else None,
    )


def _capability(e: Elements, url: str) -> Element:
    def address(method: str, href: str) -> Element:
        return e("DCPType", e("HTTP", e(method, e("OnlineResource", {"xlink:href": href}))))

    def operation(name: str) -> Element:
        return e(name, address("Get", url), address("Post", url.removesuffix("?")))

    requests = e("Request", [operation(name) for name in OPERATIONS])
    return e("Capability", requests, e("Exception", e("Format", EXCEPTIONS)))


def _brief(e: Elements, layer: Layer) -> list[Element]:
    """What a coverage's line in the capabilities and its description have in common."""
    boxes, times = layer.description.boxes, layer.description.times
    west, east = (boxes[0][0], boxes[0][2]) if len(boxes) == 1 else (-180.0, 180.0)  # over the antimeridian
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    ends = (times[0], times[-1]) if times else ()
    envelope = e(
        "lonLatEnvelope",
        _LONLAT,
        e("gml:pos", coordinates(west, south)),
        e("gml:pos", coordinates(east, north)),
        [e("gml:timePosition", position(label)) for label in ends],
    )
    description = [e("description", layer.abstract)] if layer.abstract else []
    return [*description, e("name", layer.id), e("label", layer.title or layer.id), envelope]


def descriptions(layers: Iterable[Layer], formats: Iterable[str]) -> Element:
    """``CoverageDescription``.

    Args:
        formats: names, the native one first.
    """
    e, names = elements(), tuple(formats)
    offerings = [_offering(e, layer, names) for layer in layers]
    return e("CoverageDescription", VERSION, _located("describeCoverage"), offerings)


def _offering(e: Elements, layer: Layer, formats: tuple[str, ...]) -> Element:
    crs = layer.description.grid.crs
    default = {"default": INTERPOLATIONS[layer.resampling]} if layer.resampling in INTERPOLATIONS else {}
    return e(
        "CoverageOffering",
        _brief(e, layer),
        _domain_set(e, layer.description),
        _range_set(e, layer),
        e("supportedCRSs", [e("requestResponseCRSs", name) for name in supported(crs)], e("nativeCRSs", crs)),
        e("supportedFormats", {"nativeFormat": formats[0]}, [e("formats", name) for name in formats]),
        e("supportedInterpolations", default, [e("interpolationMethod", name) for name in INTERPOLATIONS.values()]),
    )


def _domain_set(e: Elements, coverage: Description) -> Element:
    west, south, east, north = coverage.grid.bounds
    envelope = e(
        "gml:Envelope",
        {"srsName": coverage.grid.crs},
        e("gml:pos", coordinates(west, south)),
        e("gml:pos", coordinates(east, north)),
    )
    times = [e("gml:timePosition", position(label)) for label in coverage.times]
    return e(
        "domainSet",
        e("spatialDomain", envelope, _rectified_grid(e, coverage.grid)),
        e("temporalDomain", times) if times else None,
    )


def _rectified_grid(e: Elements, grid: Grid) -> Element:
    lattice = grid.lattice
    limits = e("gml:low", "0 0"), e("gml:high", f"{grid.width - 1} {grid.height - 1}")
    centre = coordinates(lattice.x(grid.col + 0.5), lattice.y(grid.row + 0.5))
    return e(
        "gml:RectifiedGrid",
        {"dimension": "2", "srsName": grid.crs},
        e("gml:limits", e("gml:GridEnvelope", limits)),
        e("gml:axisName", "x"),
        e("gml:axisName", "y"),
        e("gml:origin", e("gml:pos", centre)),
        e("gml:offsetVector", coordinates(lattice.dx, 0.0)),
        e("gml:offsetVector", coordinates(0.0, -lattice.dy)),
    )


def _range_set(e: Elements, layer: Layer) -> Element:
    bands = layer.description.bands
    missing = [e("singleValue", text) for text in nodata_texts(bands)]
    range_set = e(
        "RangeSet",
        e("name", layer.id),
        e("label", layer.title or layer.id),
        e("axisDescription", _axis(e, bands)),
        e("nullValues", missing) if missing else None,
    )
    return e("rangeSet", range_set)


def _axis(e: Elements, bands: tuple[Band, ...]) -> Element:
    """The bands. A default, as clause 8.3.3.3 wants it where a request may leave the axis out: all of them."""
    names = keys(bands)
    values = e("values", [e("singleValue", name) for name in names], e("default", ",".join(names)))
    return e("AxisDescription", e("name", AXIS), e("label", "Bands"), values)
