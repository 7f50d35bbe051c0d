"""JSON documents of catalogues, from local files and over HTTP, within limits."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ogcserver.errors import SourceUnavailable
from ogcserver.sources.hrefs import is_http, is_remote
from ogcserver.sources.raster import shown


@dataclass(frozen=True, eq=False)
class Document:
    """A JSON object and where it came from."""

    location: str
    """Absolute path, or the address after redirections: relative addresses inside start here."""
    data: Mapping[str, Any]
    digest: str
    """Equal for equal content."""


def file_stamp(location: str) -> str:
    """Changes when a local file does: its size and time of change. "" when it is absent, or on the network."""
    if is_remote(location):
        return ""
    try:
        status = Path(location).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


class DocumentReader:
    """Reads documents; safe to use from many threads.

    Args:
        timeout_s: for each step of an HTTP request (connecting, and waiting for data).
        max_bytes: of one document, unpacked.
        parallel: how many documents are fetched from the network at a time.
    """

    def __init__(self, timeout_s: float = 20.0, max_bytes: int = 64 << 20, parallel: int = 8) -> None:
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0))
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._max_bytes = max_bytes
        self._parallel = parallel

    def read(self, location: str) -> Document:
        """The JSON object at a location.

        Raises:
            SourceUnavailable: it cannot be had, is too large, or is not a JSON object.
        """
        final, content = self._fetch(location) if is_remote(location) else (location, self._read_file(location))
        try:
            data = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise SourceUnavailable(f"{shown(location)} is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise SourceUnavailable(f"{shown(location)} is not a JSON object")
        return Document(final, data, hashlib.sha256(content).hexdigest())

    def read_many(self, locations: Sequence[str]) -> Iterator[Document | SourceUnavailable]:
        """A document or the reason why there is none, for each location, in order."""
        if len(locations) < 2 or not any(map(is_remote, locations)):
            yield from map(self._read_or_reason, locations)
            return
        with ThreadPoolExecutor(self._parallel, "documents") as pool:
            yield from pool.map(self._read_or_reason, locations)

    def stamp(self, location: str) -> str:
        """Changes when what lies at a location does: of a local file by its status, else by the server's headers.

        Raises:
            SourceUnavailable: the server does not answer.
        """
        if not is_http(location):
            return file_stamp(location)
        try:
            headers = self._http().head(location).raise_for_status().headers
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnavailable(f"{shown(location)} does not answer: {error}") from error
        return "-".join(headers.get(name, "") for name in ("etag", "last-modified", "content-length"))

    def close(self) -> None:
        """Closes connections; they open again when they are needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _http(self) -> httpx.Client:
        """Made when first needed: it loads certificates, which local catalogues do without."""
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(timeout=self._timeout, follow_redirects=True, max_redirects=5)
            return self._client

    def _read_or_reason(self, location: str) -> Document | SourceUnavailable:
        try:
            return self.read(location)
        except SourceUnavailable as error:
            return error

    def _read_file(self, location: str) -> bytes:
        try:
            with Path(location).open("rb") as file:
                content = file.read(self._max_bytes + 1)
        except (OSError, ValueError) as error:
            raise SourceUnavailable(f"cannot read {shown(location)}: {error}") from error
        self._check(location, len(content))
        return content

    def _fetch(self, location: str) -> tuple[str, bytes]:
        if not is_http(location):
            raise SourceUnavailable(f"{shown(location)}: catalogues are read from files and over http(s)")
        content = bytearray()
        try:
            with self._http().stream("GET", location, headers={"Accept": "application/json, */*"}) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    content += chunk
                    self._check(location, len(content))
                return str(response.url), bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise SourceUnavailable(f"{shown(location)} does not answer: {reason}") from error

    def _check(self, location: str, size: int) -> None:
        if size > self._max_bytes:
            raise SourceUnavailable(f"{shown(location)} is larger than {self._max_bytes} bytes")
