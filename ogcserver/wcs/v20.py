"""The operations of WCS 2.0, by KVP, XML and SOAP.

Source: OGC 09-110r4, 09-147r3 (KVP), 09-148r1 (XML/POST), 09-149r1 (SOAP).
"""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder, encoder
from ogcserver.cube import View
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, InvalidParameter
from ogcserver.jobs.layers import Layer
from ogcserver.ows.report import Dialect, dialect
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.soap import MEDIA_TYPE as SOAP
from ogcserver.ows.soap import envelope, soap_dialect, soap_response
from ogcserver.ows.xml import Element, xml_response
from ogcserver.wcs import coverage, geotiff
from ogcserver.wcs.codes import WCS_20, InvalidUpdateSequence
from ogcserver.wcs.delivery import Call, Delivery
from ogcserver.wcs.domain import Cut
from ogcserver.wcs.eo import Scenes, describe_set
from ogcserver.wcs.place import cut_of, place
from ogcserver.wcs.posted import GRAMMAR
from ogcserver.wcs.related import related
from ogcserver.wcs.requests import DescribeCoverage, GetCapabilities, GetCoverage
from ogcserver.wcs.responses import capabilities, descriptions
from ogcserver.wcs.version import VersionService


class Wcs20(VersionService):
    """Version 2.0.1."""

    versions = ("2.0.1",)
    grammar = GRAMMAR

    def __init__(self, delivery: Delivery, scenes: Scenes) -> None:
        super().__init__(delivery)
        self.scenes = scenes
        self.operations = {**self.operations, "DescribeEOCoverageSet": self.describe_eo_coverage_set}
        self._dialect, self.soap_dialect = dialect(WCS_20, "2.0"), soap_dialect(WCS_20)

    def dialect(self, version: str, operation: str) -> Dialect:
        return self._dialect

    async def get_capabilities(self, call: Call) -> Response:
        ask, who = GetCapabilities.from_kvp(call.kvp), self.delivery.identification
        revision, sections = await call.layers.revision(), ask.sections
        if ask.update_sequence:
            current = await run_in_threadpool(UpdateSequence.of, revision, await call.layers.all())
            sections = frozenset() if _known(current, ask.update_sequence) else sections
        formats = [*self.delivery.media_types, coverage.MEDIA_TYPE]

        def make(layers: tuple[Layer, ...]) -> Element:
            sequence = UpdateSequence.of(revision, layers)
            document = capabilities(sections, who, call.url, formats, layers, sequence)
            return envelope(document) if call.soap else document

        response = await self.delivery.capabilities(call, (sections, call.soap), make)
        if response.status_code == 200:
            response.headers["content-type"] = SOAP if call.soap else ask.media_type
        return response

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        document = descriptions([await call.layers.get(identifier) for identifier in ask.coverage_ids])
        return soap_response(document) if call.soap else xml_response(document)

    async def describe_eo_coverage_set(self, call: Call) -> Response:
        return await describe_set(call, self.scenes)

    async def get_coverage(self, call: Call) -> Response:
        """The file; or its GML document; or both, which is the only way for a file to travel in SOAP."""
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await call.layers.get(ask.coverage_id)
        view = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        cut = cut_of(ask, layer.description, view.grid)
        if ask.format.lower() == coverage.MEDIA_TYPE:
            return await self._document(call, layer, view, cut)
        make = self._file(ask, layer, view)
        if not (ask.multipart or call.soap):
            return await self.delivery.send(call.request, layer, view, make)
        part = coverage.shown(layer.description, view, cut)
        return await self.delivery.send(call.request, layer, view, make, partial(related, part, cut, call.soap))

    def _file(self, ask: GetCoverage, layer: Layer, view: View) -> FileEncoder:
        try:
            return encoder(self.delivery.formats, layer, view, ask.format, ask.options, not ask.fields)
        except (FormatOptionInvalid, FormatOptionUnsupported) as error:
            raise geotiff.told(error) from error

    async def _document(self, call: Call, layer: Layer, view: View, cut: Cut) -> Response:
        coverage.check_values(layer.description, view)
        make = FileEncoder(*coverage.gml_format(layer.id, cut, call.soap))
        return await self.delivery.send(call.request, layer, view, make)


def _known(current: UpdateSequence, text: str) -> bool:
    """Whether a client with this sequence has the current document.  Raises InvalidUpdateSequence: it is later."""
    try:
        return current.known_to(text)
    except InvalidParameter as error:
        raise InvalidUpdateSequence(error.message, locator="updateSequence") from error
