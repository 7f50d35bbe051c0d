"""Bytes of files, by position: local ones, and those behind an http(s) server that answers range requests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Protocol

import urllib3

_GAP = 1 << 15
"""Ranges closer than this are fetched as one; the bytes between cost less than another request."""
_LONGEST = 8 << 20


class ByteSource(Protocol):
    """An open file. Called from many threads."""

    version: str
    """Another one means other bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Fewer bytes at the end of the file.

        Raises:
            OSError: they cannot be had.
        """
        ...

    def read_all(self, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        """Each (offset, size) as :meth:`read` gives it, in as little time as that takes."""
        ...


class LocalFile:
    """A file of this machine; closed when nobody uses it any more. Positioned reads need no lock."""

    def __init__(self, path: str, version: str) -> None:
        self.version = version
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def read_all(self, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        return [self.read(*place) for place in ranges]

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


class HttpFile:
    """A file behind a server that answers range requests.  Source: RFC 9110, 14 (Range Requests).

    Args:
        pool, threads: shared by all files; the threads run nothing but requests.
        head_size: bytes that are fetched to begin with.
    Raises:
        OSError: the server does not answer, or not with ranges.
    """

    def __init__(self, address: str, pool: urllib3.PoolManager, threads: Executor, head_size: int = 1 << 14) -> None:
        self._address, self._pool, self._threads = address, pool, threads
        self.version = ""
        self._head, headers = self._fetch(0, head_size)
        self.version = "|".join(
            (headers.get("etag", ""), headers.get("last-modified", ""), headers.get("content-range", ""))
        )

    def read(self, offset: int, size: int) -> bytes:
        if offset + size <= len(self._head):
            return self._head[offset : offset + size]
        return self._fetch(offset, size)[0]

    def read_all(self, ranges: Sequence[tuple[int, int]]) -> Sequence[bytes]:
        """At the same time: an answer is waited for once, not once for each range."""
        others = [self._threads.submit(self.read, *place) for place in ranges[1:]]
        first = [self.read(*place) for place in ranges[:1]]
        return [*first, *(other.result() for other in others)]

    def _fetch(self, offset: int, size: int) -> tuple[bytes, urllib3.HTTPHeaderDict]:
        wanted = {"range": f"bytes={offset}-{offset + size - 1}", "accept-encoding": "identity"}
        try:
            answer = self._pool.request("GET", self._address, headers=wanted, preload_content=False)
            try:
                if answer.status != 206:
                    raise OSError(f"{self._address} answers a range request with status {answer.status}")
                return answer.read(size), answer.headers
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise OSError(f"{self._address}: {str(error)[:200]}") from error


def merged(ranges: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """(offset, size) ranges joined where they touch or nearly so, in the order of their offsets."""
    joined: list[tuple[int, int]] = []
    for offset, size in sorted(ranges):
        if joined:
            start, length = joined[-1]
            end = max(start + length, offset + size)
            if offset <= start + length + _GAP and end - start <= _LONGEST:
                joined[-1] = (start, end - start)
                continue
        joined.append((offset, size))
    return joined


def http_pool(timeout_s: float, connections: int = 64) -> urllib3.PoolManager:
    """Connections that are kept open and shared by all files."""
    return urllib3.PoolManager(
        maxsize=connections,
        timeout=urllib3.Timeout(connect=min(10.0, timeout_s), read=timeout_s),
        retries=urllib3.Retry(connect=0, read=1, redirect=3, status=0, other=0),
    )
