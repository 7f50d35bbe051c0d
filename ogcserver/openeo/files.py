"""The files that users keep on the server."""

from __future__ import annotations

import mimetypes
from email.utils import parsedate_to_datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ogcserver.errors import UserNotFound
from ogcserver.jobs.access import ME
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.multipart import file_part
from ogcserver.openeo.responses import Json, no_content

_AS_DATA = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "private, no-cache",
    "vary": "Authorization",
}
"""What a user has stored must never run as a page of this server."""
_MEDIA_TYPES = {
    ".gpkg": "application/geopackage+sqlite3",
    ".geojson": "application/geo+json",
    ".py": "text/x-python",
    ".tif": "image/tiff",
    ".nc": "application/x-netcdf",
}
"""Of what is usual here and not known to every operating system."""


class UserFolder:
    """Handlers of /files/{user_id} and of its older spelling /users/{user_id}/files."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.files = backend, backend.files

    async def listing(self, request: Request) -> Response:
        found = await run_in_threadpool(self.files.list, self._owner(request))
        return Json([{"name": file.name, "size": file.size, "modified": file.modified} for file in found])

    async def read(self, request: Request) -> Response:
        """The file, or those ranges of it that are asked for, or 304 where the client has it."""
        place = await run_in_threadpool(self.files.path, self._owner(request), request.path_params["path"])
        status = await run_in_threadpool(place.stat)
        answer = FileResponse(place, 200, _AS_DATA, _media_type(place), None, place.name, status)
        if _has_it(request, answer):
            kept = {name: answer.headers[name] for name in ("etag", "last-modified", "cache-control", "vary")}
            return Response(status_code=304, headers=kept)
        return answer

    async def store(self, request: Request) -> Response:
        """PUT: the file is the body, or the part ``file`` of a form."""
        owner, path = self._owner(request), request.path_params["path"]
        kind, told = request.headers.get("content-type", ""), request.headers.get("content-length", "")
        if kind.lower().startswith("multipart/form-data"):
            await self.files.put(owner, path, file_part(request.stream(), kind))
        else:
            expected = int(told) if told.isascii() and told.isdecimal() and len(told) < 19 else None
            await self.files.put(owner, path, request.stream(), expected)
        return no_content()

    async def delete(self, request: Request) -> Response:
        await run_in_threadpool(self.files.remove, self._owner(request), request.path_params["path"])
        return no_content()

    def _owner(self, request: Request) -> str:
        """
        Raises:
            UserNotFound: the address is another user's, or nobody's.
        """
        user, named = self.backend.user(request), request.path_params["user_id"]
        if named not in (ME, user):
            raise UserNotFound(f"there is no user {named[:80]!r}; {ME} stands for you")
        return user


def _media_type(place: Path) -> str:
    suffix = place.suffix.lower()
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(place.name)[0] or "application/octet-stream"


def _has_it(request: Request, answer: FileResponse) -> bool:
    """Source: RFC 9110, 13.1.2 and 13.1.3."""
    asked, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if asked is not None:
        return asked.strip() == "*" or answer.headers["etag"] in (tag.strip() for tag in asked.split(","))
    try:
        return since is not None and parsedate_to_datetime(answer.headers["last-modified"]) <= parsedate_to_datetime(
            since
        )
    except (ValueError, TypeError):  # no date, or one without a zone
        return False
