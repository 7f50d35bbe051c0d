"""Room on the disk for what is under way, which vanishes with the process that uses it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from ogcserver.errors import Overloaded

_LOCK = "lock"
_MB = 1 << 20


class Scratch:
    """Folders for the work of this process, beside those of the other server processes.

    Each process has a folder of its own and holds the lock of a file in it, which the system releases when the process
    ends. So folders whose lock is free were left behind, and are deleted when a server starts.

    Args:
        root: a folder that nothing else uses. It is made when it is needed first.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mutex = threading.Lock()
        self._own: Path | None = None
        self._held = -1
        self._promised = 0

    def clean(self) -> None:
        """Deletes what processes left that are gone."""
        if not self._root.is_dir():
            return
        with self._alone():
            for folder in self._root.iterdir():
                if folder.is_dir() and folder != self._own and _abandoned(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        with self._mutex:
            if self._own is not None:
                shutil.rmtree(self._own, ignore_errors=True)
                os.close(self._held)
            self._own = None

    @contextlib.contextmanager
    def promise(self, nbytes: int) -> Iterator[None]:
        """Keeps room for so many bytes, beside what was promised to others in this process.

        Raises:
            Overloaded: there is not so much.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with self._mutex:
            free = shutil.disk_usage(self._root).free - self._promised
            if nbytes > free:
                raise Overloaded(
                    f"the result needs up to {nbytes // _MB + 1} MB on the server's disk, where {max(0, free) // _MB} "
                    "MB are free: ask for a smaller area, a coarser resolution, or fewer bands, or try again later"
                )
            self._promised += nbytes
        try:
            yield
        finally:
            with self._mutex:
                self._promised -= nbytes

    def folder(self) -> Path:
        """A new empty folder. The caller deletes it."""
        with self._mutex:
            if self._own is None:
                with self._alone():
                    self._own = Path(tempfile.mkdtemp(dir=self._root))
                    self._held = os.open(self._own / _LOCK, os.O_CREAT | os.O_WRONLY)  # until the process ends
                    fcntl.flock(self._held, fcntl.LOCK_EX)
            return Path(tempfile.mkdtemp(dir=self._own))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process makes or deletes folders meanwhile."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / _LOCK).open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _abandoned(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # killed before it made one, for nobody is making any now
        return True
    except OSError:
        return False
    return True
