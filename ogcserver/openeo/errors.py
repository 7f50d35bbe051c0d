"""Failures in the job API: one table of code numbers, and JSON for every one of them.

Numbers up to 9999 are the API's own (an HTTP status may serve as one), those above 10000 are this server's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.errors import (
    ArgumentInvalid,
    ArgumentMissing,
    ArgumentUnsupported,
    Cancelled,
    CoordinateError,
    CredentialsInvalid,
    CredentialsMissing,
    CrsError,
    DeadlineExceeded,
    FileContentInvalid,
    FileLocked,
    FileNotStored,
    FileTooLarge,
    FileTypeNotAllowed,
    FormatOptionInvalid,
    FormatOptionUnsupported,
    FormatUnsupported,
    GraphError,
    GraphMissing,
    JobStateError,
    MixedArray,
    NotFound,
    NoTimeInRange,
    OgcServerError,
    Overloaded,
    ProcessUnsupported,
    QuotaExceeded,
    RequestError,
    ServiceTypeUnsupported,
    SourceUnavailable,
    TokenInvalid,
    TooLarge,
    TooManyAttempts,
    UdfError,
    UdfLanguageUnsupported,
    UdfTypeUnsupported,
    UdfUnavailable,
    UnsupportedOperation,
)
from ogcserver.jobs.access import CHALLENGE
from ogcserver.openeo.responses import Json
from ogcserver.users.credentials import without_tokens

Codes = Mapping[type[OgcServerError], tuple[int, int]]
"""Cause -> (code number, HTTP status)."""

NO_DATA = 10001
NOT_HERE_YET = 10501
UDF_FAILED = 11300

OPENEO: Codes = {
    RequestError: (501, 400),
    CrsError: (601, 400),
    CoordinateError: (602, 400),
    NotFound: (404, 404),
    GraphError: (2002, 400),
    GraphMissing: (2001, 400),
    MixedArray: (2003, 400),
    ProcessUnsupported: (2101, 400),
    ArgumentUnsupported: (2102, 400),
    ArgumentInvalid: (2103, 400),
    ArgumentMissing: (2104, 400),
    UdfLanguageUnsupported: (1301, 400),
    UdfTypeUnsupported: (1302, 400),
    UdfError: (UDF_FAILED, 400),
    JobStateError: (428, 400),
    QuotaExceeded: (507, 507),
    FileNotStored: (1401, 400),
    FileTypeNotAllowed: (1410, 400),
    FileTooLarge: (1411, 400),
    FileContentInvalid: (1412, 400),
    FileLocked: (1413, 400),
    FormatUnsupported: (3001, 400),
    FormatOptionUnsupported: (3002, 400),
    FormatOptionInvalid: (3003, 400),
    CredentialsMissing: (4001, 401),
    CredentialsInvalid: (4002, 403),
    TokenInvalid: (4003, 403),
    TooManyAttempts: (429, 429),
    ServiceTypeUnsupported: (5001, 400),
    NoTimeInRange: (NO_DATA, 400),
    UnsupportedOperation: (NOT_HERE_YET, 501),
    TooLarge: (413, 413),
    SourceUnavailable: (502, 502),
    Overloaded: (503, 503),
    Cancelled: (503, 503),
    DeadlineExceeded: (504, 504),
    UdfUnavailable: (503, 503),
    OgcServerError: (500, 500),
}

RETRY_AFTER_S = 5
"""When the queue is full, clients are told to come back after so many seconds."""

Handler = Callable[[Request, Exception], Awaitable[Response]]


def lookup(error: OgcServerError) -> tuple[int, int]:
    """Code number and status of the closest class that the table names."""
    return next(OPENEO[cls] for cls in type(error).__mro__ if cls in OPENEO)


def error_response(code: int, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The API's error object."""
    return Json({"code": code, "message": message}, status, headers)


def message_of(error: OgcServerError) -> str:
    """What went wrong, after the parameter or the path of the node where the caller went wrong."""
    blamed = isinstance(error, RequestError) and not isinstance(error, NotFound)
    prefix = f"{error.locator}: " if blamed and error.locator else ""
    return error.message if error.message.startswith(prefix) else prefix + error.message


def exception_handlers() -> dict[type[Exception], Handler]:
    """Handlers for a Starlette application that speaks this API.

    Failures that the program foresees are reported with their message, an unknown path or method with what HTTP says
    about it. Anything else is logged under an incident number, and the client learns the number only.
    """
    return {OgcServerError: _foreseen, HTTPException: _http, Exception: _unforeseen}


async def _foreseen(request: Request, error: Exception) -> Response:
    assert isinstance(error, OgcServerError)
    code, status = lookup(error)
    headers = {503: {"retry-after": str(RETRY_AFTER_S)}, 401: {"www-authenticate": CHALLENGE}}.get(status)
    return error_response(code, status, message_of(error), headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{error.detail}: {request.method} {request.url.path}"
    return error_response(error.status_code, error.status_code, message, error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    incident = secrets.token_hex(6)
    log = logging.getLogger(__name__)
    log.error("incident %s: %s %s", incident, request.method, without_tokens(request.url.path), exc_info=error)
    return error_response(500, 500, f"internal error; the server's log has the details under incident {incident}")
