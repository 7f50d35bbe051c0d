"""The operations of WCS 2.0.

Source: OGC 09-110r4, 09-147r3 (KVP binding).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ogcserver.ows.report import Dialect, dialect
from ogcserver.ows.xml import xml_response
from ogcserver.wcs.codes import WCS_20
from ogcserver.wcs.delivery import Call, Delivery, Operation
from ogcserver.wcs.output import encoder
from ogcserver.wcs.place import place
from ogcserver.wcs.requests import DescribeCoverage, GetCapabilities, GetCoverage
from ogcserver.wcs.responses import capabilities, descriptions


class Wcs20:
    """A :class:`ogcserver.wcs.delivery.VersionService`."""

    versions = ("2.0.1",)

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.operations: Mapping[str, Operation] = {
            "GetCapabilities": self.get_capabilities,
            "DescribeCoverage": self.describe_coverage,
            "GetCoverage": self.get_coverage,
        }
        self._dialect = dialect(WCS_20, "2.0")

    def dialect(self, version: str, operation: str) -> Dialect:
        return self._dialect

    async def get_capabilities(self, call: Call) -> Response:
        ask, who = GetCapabilities.from_kvp(call.kvp), self.delivery.identification
        layers = await call.layers.all()
        return xml_response(capabilities(ask, who, call.url, self.delivery.media_types, layers))

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        return xml_response(descriptions([await call.layers.get(identifier) for identifier in ask.coverage_ids]))

    async def get_coverage(self, call: Call) -> Response:
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await call.layers.get(ask.coverage_id)
        view = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        make = encoder(self.delivery.formats, layer, view, ask.format, ask.options, not ask.fields)
        return await self.delivery.send(call.request, layer, view, make)
