"""Errors as OGC clients want them: one table of codes for each protocol, and an ExceptionReport for every failure.

Source: OGC 06-121r3 (OWS 1.1) and OGC 06-121r9 (OWS 2.0), clause 8.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.errors import (
    CoordinateError,
    CredentialsInvalid,
    CredentialsMissing,
    CrsError,
    DeadlineExceeded,
    FormatOptionInvalid,
    FormatOptionUnsupported,
    FormatUnsupported,
    InvalidParameter,
    MissingParameter,
    NotFound,
    NoTimeInRange,
    NotOnDemand,
    OgcServerError,
    Overloaded,
    RequestError,
    SourceUnavailable,
    TooManyAttempts,
    UdfUnavailable,
    UnsupportedOperation,
    UnsupportedVersion,
)
from ogcserver.jobs.access import CHALLENGE
from ogcserver.ows.xml import MEDIA_TYPE, OGC, OWS_10, OWS_11, OWS_20, Element, Elements, xml_response
from ogcserver.users.credentials import without_tokens

Codes = Mapping[type[OgcServerError], tuple[str, int]]
"""Cause -> (the protocol's code, HTTP status)."""

OWS: Codes = {
    MissingParameter: ("MissingParameterValue", 400),
    InvalidParameter: ("InvalidParameterValue", 400),
    UnsupportedVersion: ("VersionNegotiationFailed", 400),
    UnsupportedOperation: ("OperationNotSupported", 501),
    CrsError: ("InvalidParameterValue", 400),
    CoordinateError: ("InvalidParameterValue", 400),
    NoTimeInRange: ("InvalidParameterValue", 400),
    FormatUnsupported: ("InvalidParameterValue", 400),
    FormatOptionUnsupported: ("InvalidParameterValue", 400),
    FormatOptionInvalid: ("InvalidParameterValue", 400),
    NotFound: ("NoApplicableCode", 404),
    NotOnDemand: ("NoApplicableCode", 404),
    CredentialsMissing: ("NoApplicableCode", 401),
    CredentialsInvalid: ("NoApplicableCode", 403),
    TooManyAttempts: ("NoApplicableCode", 429),
    RequestError: ("NoApplicableCode", 400),
    SourceUnavailable: ("NoApplicableCode", 502),
    Overloaded: ("NoApplicableCode", 503),
    UdfUnavailable: ("NoApplicableCode", 503),
    DeadlineExceeded: ("NoApplicableCode", 504),
    OgcServerError: ("NoApplicableCode", 500),
}
"""Codes of OWS Common (06-121r9 table 28); a protocol's own table extends it: ``{**OWS, TileOutOfRange: ...}``."""

RETRY_AFTER_S = 5
"""When the queue is full, clients are told to come back after so many seconds."""

Version = Literal["1.0", "1.1", "2.0"]
"""Of OWS Common: WCS 1.1.0 builds on 1.0, WMTS 1.0 and WCS 1.1.1 on 1.1, WCS 2.0 on 2.0."""

_NAMESPACES: Mapping[Version, str] = {"1.0": OWS_10, "1.1": OWS_11, "2.0": OWS_20}

Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True)
class Fault:
    """What a client is told about a failure."""

    code: str
    status: int
    text: str
    locator: str | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Dialect:
    """How one protocol version names failures and writes them down."""

    codes: Codes
    write: Callable[[Fault], Response]


def lookup(codes: Codes, error: OgcServerError) -> tuple[str, int]:
    """Code and status of the closest class that the table names."""
    return next(codes[cls] for cls in type(error).__mro__ if cls in codes)


def fault(codes: Codes, error: OgcServerError) -> Fault:
    """What the table makes of an error."""
    code, status = lookup(codes, error)
    headers = {503: {"retry-after": str(RETRY_AFTER_S)}, 401: {"www-authenticate": CHALLENGE}}.get(status)
    return Fault(code, status, error.message, error.locator, headers)


def exception_report(version: Version, fault: Fault) -> Element:
    """An ``ows:ExceptionReport`` of one exception."""
    e = Elements({"ows": _NAMESPACES[version]})
    attributes = {"exceptionCode": fault.code} | ({"locator": fault.locator} if fault.locator else {})
    exception = e("ows:Exception", attributes, e("ows:ExceptionText", fault.text))
    return e("ows:ExceptionReport", {"version": f"{version}.0"}, exception)


def service_exception_report(fault: Fault) -> Element:
    """An ``ogc:ServiceExceptionReport`` of one exception, from before OWS Common.  Source: OGC 03-065r6 clause A.3."""
    e = Elements({None: OGC})
    attributes = {"code": fault.code} | ({"locator": fault.locator} if fault.locator else {})
    return e("ServiceExceptionReport", {"version": "1.2.0"}, e("ServiceException", attributes, fault.text))


def dialect(codes: Codes, version: Version) -> Dialect:
    """The dialect that writes ExceptionReports of this version of OWS Common."""
    return written(codes, lambda fault: exception_report(version, fault))


def written(codes: Codes, document: Callable[[Fault], Element], media_type: str = MEDIA_TYPE) -> Dialect:
    """The dialect that writes such documents.

    An exception with status 200 must not be kept by caches as if it were the coverage.
    """

    def write(fault: Fault) -> Response:
        unkept = {"cache-control": "no-store"} if fault.status == 200 else {}
        return xml_response(document(fault), fault.status, {**unkept, **(fault.headers or {})}, media_type)

    return Dialect(codes, write)


def seen_by_qgis(codes: Codes) -> Codes:
    """The codes with status 200 for all that a user can act upon, but for credentials: programs go by their status.

    QGIS shows the text of an exception with status 200 only, and OWSLib and GDAL understand it with any status. What
    asks to come back later (503), and our own faults (500), keep their status for proxies and programs that retry.
    """
    return {
        cause: (code, status if status in (401, 403, 429, 500, 503) else 200) for cause, (code, status) in codes.items()
    }


def exception_handlers(codes: Codes, version: Version) -> dict[type[Exception], Handler]:
    """Handlers for a Starlette application that speaks one version of one protocol."""
    spoken = dialect(codes, version)
    return negotiated_handlers(lambda request: spoken)


def negotiated_handlers(choose: Callable[[Request], Dialect]) -> dict[type[Exception], Handler]:
    """Handlers that answer in the dialect that ``choose`` finds for the request; it must not raise.

    Failures that the program foresees are reported with their message; an unknown path or method with what HTTP says
    about it; anything else is logged under an incident number, and the client learns the number only.
    """
    log = logging.getLogger(__name__)

    async def foreseen(request: Request, error: Exception) -> Response:
        assert isinstance(error, OgcServerError)
        spoken = choose(request)
        return spoken.write(fault(spoken.codes, error))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = "OperationNotSupported" if error.status_code == 405 else "NoApplicableCode"
        text = f"{error.detail}: {request.method} {request.url.path}"
        return choose(request).write(Fault(code, error.status_code, text, None, error.headers))

    async def unforeseen(request: Request, error: Exception) -> Response:
        incident = secrets.token_hex(6)
        log.error("incident %s: %s %s", incident, request.method, without_tokens(request.url.path), exc_info=error)
        text = f"internal error; the server's log has the details under incident {incident}"
        return choose(request).write(Fault("NoApplicableCode", 500, text))

    return {OgcServerError: foreseen, HTTPException: http, Exception: unforeseen}
