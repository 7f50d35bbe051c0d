"""The operations of WCS 1.1.

Failures of GetCoverage have status 200, see :func:`ogcserver.ows.report.seen_by_qgis`.

Source: OGC 07-067r5.
"""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from ogcserver.coverages.output import encoder
from ogcserver.jobs.layers import Layer
from ogcserver.ows.report import Dialect, dialect, seen_by_qgis
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import Element, xml_response
from ogcserver.wcs.codes import WCS_11
from ogcserver.wcs.delivery import Call
from ogcserver.wcs.naming import find, nameable
from ogcserver.wcs.v1.sequence import is_current
from ogcserver.wcs.v1.service import OlderVersion
from ogcserver.wcs.v11.documents import Documents
from ogcserver.wcs.v11.multipart import multipart
from ogcserver.wcs.v11.place import place
from ogcserver.wcs.v11.posted import GRAMMAR
from ogcserver.wcs.v11.requests import DescribeCoverage, GetCapabilities, GetCoverage
from ogcserver.wcs.v11.store import address


class Wcs11(OlderVersion):
    """Versions 1.1.0 to 1.1.2."""

    versions = ("1.1.1", "1.1.2", "1.1.0")
    grammar = GRAMMAR
    identifiers = "identifiers"

    def dialect(self, version: str, operation: str) -> Dialect:
        codes = seen_by_qgis(WCS_11) if operation == "getcoverage" else WCS_11
        return dialect(codes, "1.0" if version == "1.1.0" else "1.1")

    async def get_capabilities(self, call: Call) -> Response:
        """The document; of one that the client has, its version and sequence alone (06-121r3 clause 7.3.4)."""
        ask, who = GetCapabilities.from_kvp(call.kvp), self.delivery.identification
        sections = frozenset() if await is_current(call, ask.update_sequence) else ask.sections
        revision, documents = await call.layers.revision(), self._documents(call)

        def make(layers: tuple[Layer, ...]) -> Element:
            sequence = UpdateSequence.of(revision, layers)
            return documents.capabilities(sections, who, call.url, self.versions, nameable(layers), sequence)

        return await self.delivery.capabilities(call, sections, make)

    async def describe_coverage(self, call: Call) -> Response:
        ask = DescribeCoverage.from_kvp(call.kvp)
        return xml_response(self._documents(call).descriptions(await self.described(call, ask.identifiers)))

    async def get_coverage(self, call: Call) -> Response:
        """The file and a document that names it, or with ``store=true`` the document alone."""
        ask = GetCoverage.from_kvp(call.kvp)
        layer = await find(call.layers, ask.identifier, "identifier")
        placed = place(ask, layer.description, layer.resampling, self.delivery.max_pixels)
        whole = not ask.choice.bands
        make = encoder(self.delivery.formats, layer, placed.view, ask.format, whole=whole, stated=placed.stated)
        if ask.store:
            found = address(call.url, layer, placed.view, placed.stated, make, whole)
            return xml_response(self._documents(call).coverages(layer, found))
        return await self.delivery.send(
            call.request, layer, placed.view, make, partial(multipart, self._documents(call))
        )

    def _documents(self, call: Call) -> Documents:
        return Documents(call.version, self.delivery.media_types)
