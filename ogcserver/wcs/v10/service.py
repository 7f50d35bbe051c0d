"""The operations of WCS 1.0.0.

Failures of GetCoverage have status 200, see :func:`ogcserver.ows.report.seen_by_qgis`.

Source: OGC 03-065r6.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ogcserver.coverages.output import encoder
from ogcserver.ows.report import Dialect, seen_by_qgis, service_exception_report, written
from ogcserver.ows.xml import xml_response
from ogcserver.wcs.codes import WCS_10
from ogcserver.wcs.delivery import Call, Delivery, Operation
from ogcserver.wcs.naming import find, nameable
from ogcserver.wcs.v10.place import place
from ogcserver.wcs.v10.requests import DescribeCoverage, GetCapabilities, GetCoverage
from ogcserver.wcs.v10.responses import capabilities, descriptions


class Wcs10:
    """A :class:`ogcserver.wcs.delivery.VersionService`."""

    versions = ("1.0.0",)

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.operations: Mapping[str, Operation] = {
            "GetCapabilities": self.get_capabilities,
            "DescribeCoverage": self.describe_coverage,
            "GetCoverage": self.get_coverage,
        }
        self._dialect = written(WCS_10, service_exception_report)
        self._of_coverages = written(seen_by_qgis(WCS_10), service_exception_report)

    def dialect(self, version: str, operation: str) -> Dialect:
        return self._of_coverages if operation == "getcoverage" else self._dialect

    async def get_capabilities(self, call: Call) -> Response:
        ask = GetCapabilities.from_kvp(call.kvp)
        who = self.delivery.identification
        return await self.delivery.capabilities(
            call, ask, lambda layers: capabilities(ask, who, call.url, nameable(layers))
        )

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        layers = [await find(call.layers, identifier, "COVERAGE") for identifier in ask.coverages]
        return xml_response(descriptions(layers or nameable(await call.layers.all()), self.delivery.formats))

    async def get_coverage(self, call: Call) -> Response:
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await find(call.layers, ask.coverage, "COVERAGE")
        placed = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        make = encoder(self.delivery.formats, layer, placed.view, ask.format, whole=not ask.bands, stated=placed.stated)
        return await self.delivery.send(call.request, layer, placed.view, make)
