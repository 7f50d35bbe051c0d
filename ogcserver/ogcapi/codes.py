"""Failures as OGC API tells them: a status, and a problem document.

Source: RFC 7807; OGC 19-072 clause 7 (HTTP status codes).
"""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.responses import Response

from ogcserver.errors import (
    CredentialsMissing,
    FormatUnsupported,
    InvalidSubset,
    NotOnDemand,
    TileOutOfRange,
    TooLarge,
    UnsupportedOperation,
)
from ogcserver.ows.report import OWS, Codes, Dialect, Fault

MEDIA_TYPE = "application/problem+json"


class NotAcceptable(FormatUnsupported):
    """The resource has no representation that the client accepts."""


class UnknownParameter(UnsupportedOperation):
    """The operation has no such parameter; ignoring it would answer another question than the one asked."""


CODES: Codes = {
    **OWS,
    UnknownParameter: ("", 400),
    NotAcceptable: ("", 406),
    TileOutOfRange: ("", 404),
    InvalidSubset: ("", 404),  # wholly outside of the data (ogcapi-coverages-1, /req/subsetting-spatial/out-of-bounds)
    TooLarge: ("", 413),
    NotOnDemand: ("", 404),
    CredentialsMissing: ("", 401),
}


def _problem(fault: Fault) -> Response:
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(fault.status).phrase,
        "status": fault.status,
        "detail": fault.text,
    }
    if fault.locator:
        document["parameter"] = fault.locator
    return Response(json.dumps(document), fault.status, dict(fault.headers or {}), MEDIA_TYPE)


DIALECT = Dialect(CODES, _problem)
