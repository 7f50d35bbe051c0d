"""The operations of WCS 1.1.

Failures of GetCoverage have status 200, see :func:`ogcserver.ows.report.seen_by_qgis`.

Source: OGC 07-067r5.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from ogcserver.coverages.output import encoder
from ogcserver.ows.report import Dialect, dialect, seen_by_qgis
from ogcserver.ows.xml import xml_response
from ogcserver.wcs.codes import WCS_11
from ogcserver.wcs.delivery import Call, Delivery, Operation
from ogcserver.wcs.naming import find, nameable
from ogcserver.wcs.v11.documents import Documents
from ogcserver.wcs.v11.multipart import multipart
from ogcserver.wcs.v11.place import place
from ogcserver.wcs.v11.requests import DescribeCoverage, GetCapabilities, GetCoverage


class Wcs11:
    """A :class:`ogcserver.wcs.delivery.VersionService`."""

    versions = ("1.1.1", "1.1.2", "1.1.0")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.operations: Mapping[str, Operation] = {
            "GetCapabilities": self.get_capabilities,
            "DescribeCoverage": self.describe_coverage,
            "GetCoverage": self.get_coverage,
        }

    def dialect(self, version: str, operation: str) -> Dialect:
        codes = seen_by_qgis(WCS_11) if operation == "getcoverage" else WCS_11
        return dialect(codes, "1.0" if version == "1.1.0" else "1.1")

    async def get_capabilities(self, call: Call) -> Response:
        ask, who = GetCapabilities.from_kvp(call.kvp), self.delivery.identification
        documents = Documents(call.version, self.delivery.media_types)
        return await self.delivery.capabilities(
            call, ask, lambda layers: documents.capabilities(ask, who, call.url, self.versions, nameable(layers))
        )

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        layers = [await find(call.layers, identifier, "identifiers") for identifier in ask.identifiers]
        return xml_response(Documents(call.version, self.delivery.media_types).descriptions(layers))

    async def get_coverage(self, call: Call) -> Response:
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await find(call.layers, ask.identifier, "identifier")
        placed = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        whole = not ask.range.bands
        make = encoder(self.delivery.formats, layer, placed.view, ask.format, whole=whole, stated=placed.stated)
        answer = partial(multipart, Documents(call.version, self.delivery.media_types))
        return await self.delivery.send(call.request, layer, placed.view, make, answer)
