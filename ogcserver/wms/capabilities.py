"""The service metadata document, in both versions.

Source: OGC 06-042 clause 7.2.4 and annex E.1; OGC 01-068r3 clause 7.1.4 and annex A.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ogcserver.jobs.layers import Layer
from ogcserver.maps.info import INFO_TYPES
from ogcserver.maps.legend import LEGEND_TYPES, legend_size
from ogcserver.maps.picture import MEDIA_TYPES
from ogcserver.maps.styles import StyleName, styles_of
from ogcserver.maps.times import listed_times
from ogcserver.ows.identification import Identification
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import MEDIA_TYPE, WMS, XLINK, XSI, Element, Elements, Part, with_doctype
from ogcserver.wms.boxes import around, boxes, native_code, shared_codes
from ogcserver.wms.syntax import LAYER_LIMIT
from ogcserver.wms.versions import V111, Version

TYPE_111 = "application/vnd.ogc.wms_xml"
"""Media type of the document in 1.1.1."""

_SCHEMA = f"{WMS} http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd"
_DTD = "http://schemas.opengis.net/wms/1.1.1/capabilities_1_1_1.dtd"


@dataclass(frozen=True)
class Capabilities:
    """Writes the service metadata of one endpoint."""

    version: Version
    identification: Identification
    url: str
    """Of the endpoint, such as https://host/wms."""
    jobs_url: str
    """Below which the jobs of the layers are described, such as https://host/jobs; "" where they are not to be seen."""
    max_edge: int
    """Largest width and height of a map in pixels."""
    max_times: int
    """So many values of a time dimension are listed at most."""

    @property
    def old(self) -> bool:
        return self.version is V111

    @property
    def e(self) -> Elements:
        return Elements({} if self.old else {None: WMS, "xlink": XLINK, "xsi": XSI})

    def _link(self, url: str) -> Element:
        """An address; the DTD of 1.1.1 lets nothing else declare the namespace of its attributes."""
        e = Elements({"xlink": XLINK}) if self.old else self.e
        return e("OnlineResource", {"xlink:type": "simple", "xlink:href": url})

    def document(self, layers: Sequence[Layer], sequence: UpdateSequence) -> Element:
        """The root element."""
        e = self.e
        attributes = {"version": self.version.number, "updateSequence": str(sequence)}
        if not self.old:
            attributes["xsi:schemaLocation"] = _SCHEMA
        name = "WMT_MS_Capabilities" if self.old else "WMS_Capabilities"
        root = e(name, attributes, self._service(e), self._capability(e, layers))
        return with_doctype(root, _DTD) if self.old else root

    def _service(self, e: Elements) -> Element:
        who = self.identification
        limits = {"LayerLimit": LAYER_LIMIT, "MaxWidth": self.max_edge, "MaxHeight": self.max_edge}
        return e(
            "Service",
            e("Name", "OGC:WMS" if self.old else "WMS"),
            e("Title", who.title),
            e("Abstract", who.abstract) if who.abstract else None,
            _keywords(e, who.keywords),
            self._link(self.url),
            _contact(e, who),
            e("Fees", who.fees),
            e("AccessConstraints", who.access_constraints),
            None if self.old else [e(name, str(value)) for name, value in limits.items()],
        )

    def _capability(self, e: Elements, layers: Sequence[Layer]) -> Element:
        document = TYPE_111 if self.old else "text/xml"
        styles = (
            [self._operation(e, "GetLegendGraphic", LEGEND_TYPES), self._operation(e, "GetStyles", (MEDIA_TYPE,))]
            if self.old  # 1.3.0 knows no such elements
            else []
        )
        request = e(
            "Request",
            self._operation(e, "GetCapabilities", (document,)),
            self._operation(e, "GetMap", MEDIA_TYPES),
            self._operation(e, "GetFeatureInfo", INFO_TYPES),
            styles,
        )
        exceptions = e("Exception", [e("Format", name) for name in self.version.exceptions])
        return e("Capability", request, exceptions, self._root_layer(e, layers))

    def _operation(self, e: Elements, name: str, formats: Iterable[str]) -> Element:
        get = e("DCPType", e("HTTP", e("Get", self._link(f"{self.url}?"))))
        return e(name, [e("Format", media_type) for media_type in formats], get)

    def _root_layer(self, e: Elements, layers: Sequence[Layer]) -> Element:
        """The layer that holds the others; it lists the systems that all of them have, and cannot be asked for."""
        who, shared = self.identification, shared_codes(layers)
        around_all = [box for layer in layers for box in layer.description.boxes]
        return e(
            "Layer",
            e("Title", who.title),
            e("Abstract", who.abstract) if who.abstract else None,
            [e(self.version.crs, code) for code in shared],
            self._lonlat_box(e, around_all) if around_all else None,
            [self._layer(e, layer, shared) for layer in layers],
        )

    def _layer(self, e: Elements, layer: Layer, inherited: Sequence[str]) -> Element:
        native = native_code(layer)
        described = layer.description
        return e(
            "Layer",
            {"queryable": "1", "opaque": "0"},
            e("Name", layer.id),
            e("Title", layer.title or layer.id),
            e("Abstract", layer.abstract or _summary(layer)),
            _keywords(e, tuple(band.name for band in described.bands)),
            e(self.version.crs, native) if native and native not in inherited else None,
            self._lonlat_box(e, described.boxes),
            [self._box(e, *item) for item in boxes(layer, self.version).items()],
            self._time(e, described.times) if described.times else (),
            self._metadata(e, layer),
            [self._style(e, layer, style) for style in styles_of(layer)],
        )

    def _lonlat_box(self, e: Elements, parts: Sequence[tuple[float, float, float, float]]) -> Element:
        west, south, east, north = map(repr, around(parts))
        if self.old:
            return e("LatLonBoundingBox", {"minx": west, "miny": south, "maxx": east, "maxy": north})
        sides = {
            "westBoundLongitude": west,
            "eastBoundLongitude": east,
            "southBoundLatitude": south,
            "northBoundLatitude": north,
        }
        return e("EX_GeographicBoundingBox", [e(name, value) for name, value in sides.items()])

    def _box(self, e: Elements, code: str, corners: tuple[float, float, float, float]) -> Element:
        sides = dict(zip(("minx", "miny", "maxx", "maxy"), map(repr, corners), strict=True))
        return e("BoundingBox", {self.version.crs: code} | sides)

    def _time(self, e: Elements, labels: Sequence[str]) -> list[Element]:
        """The time dimension, whose default is the latest observation; of one over a span its start is listed."""
        values = ",".join(listed_times(labels, self.max_times))
        default = {"default": labels[-1].partition("/")[0]}
        abilities = {"multipleValues": "1", "nearestValue": "1", "current": "1"}
        kind = {"name": "time", "units": "ISO8601"}
        if self.old:
            return [e("Dimension", kind), e("Extent", {"name": "time"} | default | abilities, values)]
        return [e("Dimension", kind | default | abilities, values)]

    def _metadata(self, e: Elements, layer: Layer) -> Element | None:
        """The job as the job API tells it; 1.1.1 has no type for such a document."""
        if self.old or not self.jobs_url:
            return None
        address = self._link(f"{self.jobs_url}/{quote(layer.id, safe='')}")
        return e("MetadataURL", {"type": "job"}, e("Format", "application/json"), address)

    def _style(self, e: Elements, layer: Layer, style: StyleName) -> Element:
        width, height = legend_size(layer, style.name)
        media_type = LEGEND_TYPES[0]
        query = {
            "SERVICE": "WMS",
            "VERSION": self.version.number,
            "REQUEST": "GetLegendGraphic",
            "LAYER": layer.id,
            "STYLE": style.name,
            "FORMAT": media_type,
        }
        legend = e(
            "LegendURL",
            {"width": str(width), "height": str(height)},
            e("Format", media_type),
            self._link(f"{self.url}?{urlencode(query)}"),
        )
        abstract = e("Abstract", style.abstract) if style.abstract else None
        return e("Style", e("Name", style.name), e("Title", style.title), abstract, legend)


def _keywords(e: Elements, words: Sequence[str]) -> Element | None:
    return e("KeywordList", [e("Keyword", word) for word in words]) if words else None


def _contact(e: Elements, who: Identification) -> Element:
    place = {
        "AddressType": "postal",
        "Address": who.address,
        "City": who.city,
        "StateOrProvince": "",
        "PostCode": who.postal_code,
        "Country": who.country,
    }
    primary = e("ContactPersonPrimary", e("ContactPerson", who.contact), e("ContactOrganization", who.provider))
    lines: list[Part] = [
        e("ContactPosition", who.position) if who.position else None,
        e("ContactAddress", [e(name, text) for name, text in place.items()]) if who.city else None,
        e("ContactVoiceTelephone", who.phone) if who.phone else None,
        e("ContactElectronicMailAddress", who.email) if who.email else None,
    ]
    return e("ContactInformation", primary, *lines)


def _summary(layer: Layer) -> str:
    """What a layer holds, where its author did not say."""
    described = layer.description
    lattice = described.grid.lattice
    names = ", ".join(band.name for band in described.bands)
    first, last = described.interval
    when = f"; observed {first} to {last}" if first else ""
    return f"{names}; pixels of {lattice.dx:g} x {lattice.dy:g} units{when}"
