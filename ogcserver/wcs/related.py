"""A coverage's document and its file as one answer, alone or in SOAP.

Source: OGC 09-110r4 clause 8.4 (mediaType), OGC 09-146r2 clause 9 (multipart), RFC 2387 (multipart/related),
OGC 09-149r1 (in SOAP the envelope is the first part, with the document in its body).
"""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder
from ogcserver.engine.describe import Description
from ogcserver.engine.service import Rendered
from ogcserver.jobs.layers import Layer
from ogcserver.ows import soap
from ogcserver.ows.xml import serialise
from ogcserver.wcs.coverage import MEDIA_TYPE, file_coverage
from ogcserver.wcs.domain import Cut
from ogcserver.wcs.requests import MULTIPART

_START = "<coverage>"


def related(
    part: Description, cut: Cut, in_soap: bool, layer: Layer, make: FileEncoder, rendered: Rendered
) -> Response:
    """``multipart/related`` of the document and the file that it points to."""
    name = f"{layer.id}.{make.format.extension}"
    identifier = f"file/{name}"
    document = file_coverage(layer.id, part, cut, f"cid:{identifier}", make.format.media_type)
    kind = soap.MEDIA_TYPE if in_soap else MEDIA_TYPE
    first = _part({"Content-Type": kind, "Content-ID": _START})
    second = _part(
        {
            "Content-Type": make.format.media_type,
            "Content-Description": "coverage data",
            "Content-Transfer-Encoding": "binary",
            "Content-ID": f"<{identifier}>",
            "Content-Disposition": f'inline; filename="{name}"',
        }
    )
    text = serialise(soap.envelope(document) if in_soap else document)
    boundary = _boundary(rendered.body)
    line = b"\r\n--" + boundary.encode()
    body = b"".join((line[2:], first, text, line, second, rendered.body, line, b"--\r\n"))
    media_type = f'{MULTIPART}; boundary="{boundary}"; type="{kind}"; start="{_START}"'
    return Response(body, headers={"content-type": media_type})


def _part(headers: dict[str, str]) -> bytes:
    return "\r\n".join(["", *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def _boundary(body: bytes) -> str:
    """A text that does not occur in the file, the same for the same file."""
    boundary = f"wcs-{hashlib.sha256(body).hexdigest()[:24]}"
    while boundary.encode() in body:
        boundary = f"wcs-{hashlib.sha256(boundary.encode()).hexdigest()[:24]}"
    return boundary
