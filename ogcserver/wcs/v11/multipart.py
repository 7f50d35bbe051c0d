"""A coverage as WCS 1.1 sends it: a small XML document and the file, two parts of one answer.

QGIS takes exactly two parts, the second one with a Content-Transfer-Encoding of ``binary`` (or base64).

Source: OGC 07-067r5 clause 10.3.11, RFC 2046 clause 5.1.
"""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from ogcserver.coverages.output import FileEncoder
from ogcserver.engine.service import Rendered
from ogcserver.jobs.layers import Layer
from ogcserver.ows.xml import serialise
from ogcserver.wcs.v11.documents import Documents

_LINE = b"\r\n"


def multipart(documents: Documents, layer: Layer, make: FileEncoder, rendered: Rendered) -> Response:
    """``multipart/mixed`` of the Coverages document and the file that it points to."""
    identifier = f"coverage/{layer.id}.{make.format.extension}"
    parts = (
        ({"Content-Type": "text/xml", "Content-ID": "<coverages>"}, serialise(documents.coverages(layer, identifier))),
        (
            {
                "Content-Type": make.format.media_type,
                "Content-Description": "coverage data",
                "Content-Transfer-Encoding": "binary",
                "Content-ID": f"<{identifier}>",
                "Content-Disposition": f'inline; filename="{layer.id}.{make.format.extension}"',
            },
            rendered.body,
        ),
    )
    boundary = _boundary(rendered.body)
    body = b"".join(_part(boundary, headers, content) for headers, content in parts)
    media_type = f'multipart/mixed; boundary="{boundary}"'
    return Response(body + f"--{boundary}--\r\n".encode(), headers={"content-type": media_type})


def _part(boundary: str, headers: dict[str, str], content: bytes) -> bytes:
    lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + content + _LINE


def _boundary(body: bytes) -> str:
    """A text that does not occur in the file, the same for the same file."""
    boundary = f"wcs-{hashlib.sha256(body).hexdigest()[:24]}"
    while boundary.encode() in body:
        boundary = f"wcs-{hashlib.sha256(boundary.encode()).hexdigest()[:24]}"
    return boundary
