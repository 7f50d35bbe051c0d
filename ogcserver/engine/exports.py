"""Whole results as files. Those that are too large for memory are computed part by part onto the disk.

Such a result takes part in no cache, and concurrent requests for it are computed each for itself: nothing of it is held
once it is sent. What is held of it in memory is a part for each thread, and what the writer of the file buffers.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ogcserver.cube import View, compute_dtype
from ogcserver.encode.pieces import Pieces
from ogcserver.engine.cuts import cut
from ogcserver.engine.limits import Work, check_size, values
from ogcserver.engine.scratch import Scratch
from ogcserver.engine.service import Encoder, Engine
from ogcserver.plan.expr import Expr
from ogcserver.sources.sampling import CELL

T = TypeVar("T")

_EDGE = 2 * CELL
_PART_BYTES = 32 << 20
_DISK = 4
"""Times the values: they themselves, the file, and for a COG its draft and its overviews; nothing of it compressed."""


class FileEncoder(Encoder, Protocol):
    """An encoder that may also be able to write its file piece by piece."""

    @property
    def writes(self) -> bool: ...

    def write(self, pieces: Pieces, target: Path) -> None:
        """Writes what encoding the pieces as one block would give; pixels, georeference and labels are the same."""
        ...


class StoredFile:
    """A file that has no name any more: its room is free again as soon as nobody holds it."""

    def __init__(self, path: Path) -> None:
        """Opens the file; the caller may delete its name then."""
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self.close = weakref.finalize(self, self._file.close)
        """Frees its room; also done when nobody holds it any more."""

    def __len__(self) -> int:
        """Bytes."""
        return self._size

    def read(self, start: int, count: int) -> bytes:
        return os.pread(self._file.fileno(), count, start)

    def sha256(self) -> str:
        """Hexadecimal digits."""
        return hashlib.file_digest(self._file, "sha256").hexdigest()


Body = bytes | StoredFile


@dataclass(frozen=True, eq=False)
class Export:
    """An encoded result."""

    body: Body
    etag: str
    """Strong entity tag, without quotes.  Source: RFC 9110, 8.8.3."""


class Exports:
    """Encodes results, in memory where they are small.

    Args:
        most_bytes: of values that are encoded in memory.
        timeout_s: for a result that is not.
    """

    def __init__(self, engine: Engine, scratch: Scratch, most_bytes: int, timeout_s: float) -> None:
        self._engine, self.scratch = engine, scratch
        self._most_bytes, self._timeout_s = most_bytes, timeout_s
        self._files = ThreadPoolExecutor(engine.limits.workers, thread_name_prefix="files")

    def close(self) -> None:
        self._files.shutdown(wait=True, cancel_futures=True)
        self.scratch.close()

    async def etag(self, plan: Expr, view: View, encoder: FileEncoder) -> str:
        """The entity tag that :meth:`render` would give, without computing anything."""
        tag = await self._engine.etag(plan, view, encoder)
        large = encoder.writes and self._nbytes(plan, await self._spelled(plan, view)) > self._most_bytes
        return f"{tag}-d" if large else tag

    async def render(self, plan: Expr, view: View, encoder: FileEncoder) -> Export:
        """The encoded view.

        Raises:
            TooLarge: over the operator's limit, before anything is read.
            Overloaded: too many requests wait, or there is no room on the disk.
            DeadlineExceeded, SourceUnavailable: as the engine's.
        """
        spelled = await self._spelled(plan, view)
        nbytes = self._nbytes(plan, spelled)
        if nbytes <= self._most_bytes or not encoder.writes:
            rendered = await self._engine.render(plan, view, encoder)
            return Export(rendered.body, rendered.etag)
        check_size(spelled, len(spelled.times), self._engine.limits)
        tag = await self.etag(plan, view, encoder)
        with self.scratch.promise(_DISK * nbytes):
            body, complete = await self._stored(plan, spelled, encoder)
        return Export(body, tag if complete else f"{tag}-{time.time_ns():x}")  # another attempt may find more

    async def _spelled(self, plan: Expr, view: View) -> View:
        """The view with its times, which all of a cube without time axis has."""
        if view.times or not plan.type.temporal:
            return view
        return replace(view, times=(await self._engine.describe(plan)).times)

    def _nbytes(self, plan: Expr, view: View) -> int:
        bands = tuple(plan.type.band(name) for name in view.bands)
        return values(view, len(view.times)) * compute_dtype(bands).itemsize

    async def _stored(self, plan: Expr, view: View, encoder: FileEncoder) -> tuple[StoredFile, bool]:
        """The file, and whether every source could be read."""
        bands = tuple(plan.type.band(name) for name in view.bands)
        async with self._folder() as folder:
            work = Work(self._timeout_s)
            pieces = Pieces(folder, view.grid, bands, view.times, durable=False, check=work.check)
            queue = list(reversed(cut(view, bands, _EDGE, _PART_BYTES)))
            whole: list[bool] = []

            async def drain() -> None:
                while queue:
                    work.check()
                    block = await self._engine.compute(plan, queue.pop())
                    whole.append(block.complete)
                    await self._in_thread(partial(pieces.put, block))

            try:
                await _all(drain() for _ in range(min(self._engine.limits.workers, len(queue))))
                return await self._in_thread(partial(_written, encoder, pieces), work.cancel), all(whole)
            finally:
                work.cancel()

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        folder = self.scratch.folder()  # not in a thread, whose folder nobody would delete when this task is cancelled
        try:
            yield folder
        finally:
            await self._in_thread(partial(shutil.rmtree, folder, ignore_errors=True))

    async def _in_thread(self, call: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
        """What a call in a thread comes to. Where this task is cancelled the thread ends before, told to ``stop``."""
        future = asyncio.get_running_loop().run_in_executor(self._files, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop()
            await asyncio.wait({future})
            future.exception()  # nobody else asks for it
            raise


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs them together. They have all ended when this does, also where one fails or this task is cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _written(encoder: FileEncoder, pieces: Pieces) -> StoredFile:
    target = pieces.folder / "result"
    encoder.write(pieces, target)
    return StoredFile(target)
