"""A coverage's document and its file as one answer, alone or in SOAP.

Source: OGC 09-110r4 clause 8.4 (mediaType), OGC 09-146r2 clause 9 (multipart), OGC 09-149r1 (in SOAP the
envelope is the first part, with the document in its body).
"""

from __future__ import annotations

from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder
from ogcserver.engine.describe import Description
from ogcserver.jobs.layers import Layer
from ogcserver.ows import soap
from ogcserver.ows.multipart import Part, file_part, multipart_response
from ogcserver.ows.xml import serialise
from ogcserver.wcs.coverage import MEDIA_TYPE, file_coverage
from ogcserver.wcs.delivery import Sent
from ogcserver.wcs.domain import Cut
from ogcserver.wcs.requests import MULTIPART

_START = "<coverage>"


def related(part: Description, cut: Cut, in_soap: bool, layer: Layer, make: FileEncoder, rendered: Sent) -> Response:
    """``multipart/related`` of the document and the file that it points to."""
    name = f"{layer.id}.{make.format.extension}"
    identifier = f"file/{name}"
    document = file_coverage(layer.id, part, cut, f"cid:{identifier}", make.format.media_type)
    kind = soap.MEDIA_TYPE if in_soap else MEDIA_TYPE
    text = serialise(soap.envelope(document) if in_soap else document)
    return multipart_response(
        MULTIPART,
        (
            Part({"Content-Type": kind, "Content-ID": _START}, text),
            file_part(name, make.format.media_type, identifier, rendered.body),
        ),
        rendered.etag,
        f'type="{kind}"; start="{_START}"',
    )
