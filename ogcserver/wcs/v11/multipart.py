"""A coverage as WCS 1.1 sends it: a small XML document and the file, two parts of one answer.

QGIS takes exactly two parts.

Source: OGC 07-067r5 clause 10.3.11.
"""

from __future__ import annotations

from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder
from ogcserver.jobs.layers import Layer
from ogcserver.ows.multipart import Part, file_part, multipart_response
from ogcserver.ows.xml import serialise
from ogcserver.wcs.delivery import Sent
from ogcserver.wcs.v11.documents import Documents


def multipart(documents: Documents, layer: Layer, make: FileEncoder, rendered: Sent) -> Response:
    """``multipart/mixed`` of the Coverages document and the file that it points to."""
    name = f"{layer.id}.{make.format.extension}"
    identifier = f"coverage/{name}"
    document = serialise(documents.coverages(layer, f"cid:{identifier}"))
    return multipart_response(
        "multipart/mixed",
        (
            Part({"Content-Type": "text/xml", "Content-ID": "<coverages>"}, document),
            file_part(name, make.format.media_type, identifier, rendered.body),
        ),
        rendered.etag,
    )
