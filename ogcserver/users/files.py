"""The files that users keep on the server: scripts, regions and the like.

Each user has a folder of its own. A file is written beside its place and moved into it, so that readers see the old
file or the new one, never a part. Symbolic links are not followed, whoever made them.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import AsyncIterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from ogcserver.errors import (
    FileLocked,
    FileNotFound,
    FileNotStored,
    FileTooLarge,
    FileTypeNotAllowed,
    QuotaExceeded,
)
from ogcserver.jobs.access import ME
from ogcserver.jobs.locks import FileLocks
from ogcserver.timeline import format_instant
from ogcserver.users.paths import clean, split_address
from ogcserver.users.tree import files_below, is_file, is_folder, is_link

_UPLOADS = ".uploads"
"""Folder of files that are being written, beside those of the users."""
_ABANDONED_S = 86_400.0
"""An upload that was not written to for so long is one that a crash has left behind."""
_WRITE_BYTES = 1 << 20


@dataclass(frozen=True)
class FileLimits:
    max_bytes: int = 100 << 20
    """Of one file."""
    quota_bytes: int = 1 << 30
    """Of all files of a user."""
    max_files: int = 10_000
    """Of a user."""
    endings: tuple[str, ...] = ()
    """Lower case, such as ``.py``, of the files that may be stored; none: all."""


@dataclass(frozen=True)
class StoredFile:
    name: str
    """The path from the user's folder."""
    size: int
    """In bytes."""
    modified: str
    """RFC 3339, UTC."""


class UserFiles:
    """The files of all users under one folder. ``user_id`` must come from the program, ``path`` may come from anybody.

    Methods but :meth:`put` block; all may be called at the same time.
    """

    def __init__(self, root: Path, limits: FileLimits, locks: FileLocks) -> None:
        self._root, self.limits, self.locks = root, limits, locks
        self._moving = threading.Lock()

    def list(self, user_id: str) -> tuple[StoredFile, ...]:
        """All files of a user, by name."""
        found = []
        for path, status in files_below(self._root / user_id):
            name = path.relative_to(self._root / user_id).as_posix()
            modified = datetime.fromtimestamp(int(status.st_mtime), UTC)
            found.append(StoredFile(name, status.st_size, format_instant(modified)))
        return tuple(sorted(found, key=lambda one: one.name))

    def path(self, user_id: str, path: str) -> Path:
        """Where a file is; it must not be written to.

        Raises:
            FileNotFound: the user has no such file.
        """
        try:
            place = self._place(user_id, clean(path))
        except FileNotStored as error:
            raise _not_found(path) from error
        if not is_file(place):
            raise _not_found(path)
        return place

    def path_for_reading(self, user_id: str, address: str) -> Path:
        """Where the file or folder is that a process graph of this user names.

        Args:
            address: ``/users/me/files/regions.gpkg``, ``/files/me/scripts/``; the user may be named by identifier.
        Raises:
            InvalidParameter: not such an address.
            FileNotFound: the user has no such file or folder, or it is not the user's.
        """
        owner, path = split_address(address)
        if owner not in (ME, user_id):
            raise _not_found(path)
        if not path:
            place = self._root / user_id
        else:
            try:
                place = self._place(user_id, clean(path))
            except FileNotStored as error:
                raise _not_found(path) from error
        if not (is_file(place) or is_folder(place)):
            raise _not_found(path)
        return place

    async def put(self, user_id: str, path: str, content: AsyncIterable[bytes], expected: int | None = None) -> None:
        """Stores a file, in place of the one that has the path, if any.

        Args:
            expected: the number of bytes that the caller says will come.
        Raises:
            FileNotStored: the path cannot be a file's.
            FileTypeNotAllowed, FileTooLarge, QuotaExceeded, FileLocked: see the limits and locks.
        """
        path = clean(path)
        upload = await run_in_threadpool(self._begin, user_id, path, expected or 0)
        try:
            buffer, size = bytearray(), 0
            async for chunk in content:
                size += len(chunk)
                if size > self.limits.max_bytes:
                    raise _too_large(self.limits)
                buffer += chunk
                if len(buffer) >= _WRITE_BYTES:
                    await run_in_threadpool(upload.write, bytes(buffer))
                    buffer.clear()
            await run_in_threadpool(upload.write, bytes(buffer))
            await run_in_threadpool(self._move, user_id, path, upload)
        finally:
            upload.close()
            Path(upload.name).unlink(missing_ok=True)

    def remove(self, user_id: str, path: str) -> None:
        """
        Raises:
            FileNotFound: the user has no such file.
            FileLocked: a running job reads it.
        """
        place, path = self.path(user_id, path), clean(path)
        with self._moving:
            self._check_lock(user_id, path)
            try:
                place.unlink()
            except FileNotFoundError as error:
                raise _not_found(path) from error
            for folder in place.parents:
                if folder == self._root / user_id:
                    break
                with suppress(OSError):  # not empty
                    folder.rmdir()
        self.locks.count_change()

    def _begin(self, user_id: str, path: str, expected: int) -> BinaryIO:
        """A new file to write to, if nothing speaks against storing so many bytes under the path."""
        endings = self.limits.endings
        if endings and not path.lower().endswith(endings):
            raise FileTypeNotAllowed(f"files must end with {', '.join(endings)}", locator="path")
        if expected > self.limits.max_bytes:
            raise _too_large(self.limits)
        self._check_lock(user_id, path)
        for left, status in files_below(self._root / _UPLOADS / user_id):
            if status.st_mtime < time.time() - _ABANDONED_S:
                left.unlink(missing_ok=True)
        self._check_quota(user_id, expected, self._replaced(user_id, path))
        folder = self._root / _UPLOADS / user_id
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / secrets.token_hex(16)).open("xb")

    def _move(self, user_id: str, path: str, upload: BinaryIO) -> None:
        upload.flush()
        os.fsync(upload.fileno())
        with self._moving:
            self._check_lock(user_id, path)
            self._check_quota(user_id, 0, self._replaced(user_id, path))
            place = self._place(user_id, path)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                Path(upload.name).replace(place)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise FileNotStored(
                    "a folder has this path, or a file has that of its folder", locator="path"
                ) from error
        self.locks.count_change()

    def _place(self, user_id: str, path: str) -> Path:
        """
        Raises:
            FileNotStored: the way there leads over a symbolic link.
        """
        place = self._root / user_id
        for name in path.split("/"):
            place /= name
            if is_link(place):
                raise FileNotStored("symbolic links are not followed", locator="path")
        return place

    def _replaced(self, user_id: str, path: str) -> int | None:
        """The size of the file that has the path; None: there is none."""
        place = self._place(user_id, path)
        return place.lstat().st_size if is_file(place) else None

    def _check_quota(self, user_id: str, more: int, replaced: int | None) -> None:
        """Counts what is being uploaded, too, so that uploads at the same time cannot exceed it together."""
        folders = (self._root / user_id, self._root / _UPLOADS / user_id)
        files = [status.st_size for folder in folders for _, status in files_below(folder)]
        if sum(files) + more - (replaced or 0) > self.limits.quota_bytes:
            message = f"your files would take more than the {self.limits.quota_bytes} bytes that are allowed"
            raise QuotaExceeded(message)
        if replaced is None and len(files) > self.limits.max_files:
            raise QuotaExceeded(f"you may have no more than {self.limits.max_files} files")

    def _check_lock(self, user_id: str, path: str) -> None:
        if (job_id := self.locks.holder(user_id, path)) is not None:
            raise FileLocked(f"job {job_id} reads the file; wait until it has finished, or stop it")


def _not_found(path: str) -> FileNotFound:
    return FileNotFound(f"there is no file {path[:80]!r}")


def _too_large(limits: FileLimits) -> FileTooLarge:
    return FileTooLarge(f"a file may have no more than {limits.max_bytes} bytes")
