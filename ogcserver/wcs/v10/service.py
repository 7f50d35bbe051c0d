"""The operations of WCS 1.0.0.

Failures of GetCoverage have status 200, see :func:`ogcserver.ows.report.seen_by_qgis`.

Source: OGC 03-065r6.
"""

from __future__ import annotations

from starlette.responses import Response

from ogcserver.coverages.output import encoder
from ogcserver.jobs.layers import Layer
from ogcserver.ows.report import Dialect, seen_by_qgis, service_exception_report, written
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import Element, xml_response
from ogcserver.wcs.codes import WCS_10, CurrentUpdateSequence
from ogcserver.wcs.delivery import Call, Delivery
from ogcserver.wcs.naming import find, nameable
from ogcserver.wcs.v1 import sequence
from ogcserver.wcs.v1.service import OlderVersion
from ogcserver.wcs.v10.place import place
from ogcserver.wcs.v10.posted import GRAMMAR
from ogcserver.wcs.v10.requests import EXCEPTIONS, DescribeCoverage, GetCapabilities, GetCoverage
from ogcserver.wcs.v10.responses import capabilities, descriptions


class Wcs10(OlderVersion):
    """Version 1.0.0."""

    versions = ("1.0.0",)
    grammar = GRAMMAR
    identifiers = "COVERAGE"

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(delivery)
        self._dialect = written(WCS_10, service_exception_report, EXCEPTIONS)
        self._of_coverages = written(seen_by_qgis(WCS_10), service_exception_report, EXCEPTIONS)

    def dialect(self, version: str, operation: str) -> Dialect:
        return self._of_coverages if operation == "getcoverage" else self._dialect

    async def get_capabilities(self, call: Call) -> Response:
        """
        Raises:
            CurrentUpdateSequence: the client has the current document.
        """
        ask, who = GetCapabilities.from_kvp(call.kvp), self.delivery.identification
        if await sequence.is_current(call, ask.update_sequence):
            raise CurrentUpdateSequence("the capabilities have not changed", locator=sequence.LOCATOR)
        revision = await call.layers.revision()

        def make(layers: tuple[Layer, ...]) -> Element:
            return capabilities(ask.section, who, call.url, nameable(layers), UpdateSequence.of(revision, layers))

        return await self.delivery.capabilities(call, ask.section, make)

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        return xml_response(descriptions(await self.described(call, ask.coverages), self.delivery.formats))

    async def get_coverage(self, call: Call) -> Response:
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await find(call.layers, ask.coverage, self.identifiers)
        placed = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        whole = not ask.choice.bands
        make = encoder(self.delivery.formats, layer, placed.view, ask.format, whole=whole, stated=placed.stated)
        return await self.delivery.send(call.request, layer, placed.view, make)
