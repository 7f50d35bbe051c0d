"""Answers of several parts.

Source: RFC 2046 clause 5.1, RFC 2387 (multipart/related).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

from ogcserver.engine.exports import Body
from ogcserver.ows.bodies import Joined


class Part(NamedTuple):
    headers: Mapping[str, str]
    content: Body


def multipart_response(media_type: str, parts: Sequence[Part], etag: str, parameters: str = "") -> Response:
    """The parts as one answer, none of which is copied.

    Args:
        media_type: ``multipart/mixed`` or the like.
        etag: of what is in the parts. The boundary is a hash of it, so that it is the same for the same answer, and
            nobody who writes what is in a part can foresee it.
        parameters: further ones of the Content-Type, such as ``type="text/xml"``.
    """
    boundary = f"part-{hashlib.sha256(etag.encode()).hexdigest()[:40]}"
    pieces: list[Body] = []
    for part in parts:
        lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in part.headers.items()), "", ""]
        pieces += ["\r\n".join(lines).encode(), part.content, b"\r\n"]
    more = f"; {parameters}" if parameters else ""
    content_type = f'{media_type}; boundary="{boundary}"{more}'
    return Joined([*pieces, f"--{boundary}--\r\n".encode()], {"content-type": content_type})


def file_part(name: str, media_type: str, identifier: str, content: Body) -> Part:
    """A coverage's file; QGIS wants a Content-Transfer-Encoding of ``binary`` (or base64)."""
    headers = {
        "Content-Type": media_type,
        "Content-Description": "coverage data",
        "Content-Transfer-Encoding": "binary",
        "Content-ID": f"<{identifier}>",
        "Content-Disposition": f'inline; filename="{name}"',
    }
    return Part(headers, content)
