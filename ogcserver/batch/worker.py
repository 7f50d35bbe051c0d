"""What runs in worker processes: chunks, and the making of the file."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from cachetools import LRUCache

from ogcserver.batch.model import Json, Result
from ogcserver.batch.products import Evaluator, Product
from ogcserver.encode.pieces import sync_folder
from ogcserver.errors import Cancelled, JobStateError
from ogcserver.jobs.compiler import Compile
from ogcserver.plan.expr import Expr
from ogcserver.timeline import format_instant

T = TypeVar("T")

_LOOK_S = 0.2
"""How often a running chunk looks whether its batch was stopped."""
_PLANS = 16
_DRAFTS = "drafts-"


@dataclass(frozen=True, eq=False)
class Station:
    """What a worker computes with."""

    engine: Evaluator
    compile_graph: Compile


Opener = Callable[[], Station]
"""Opens the station of a process. Picklable; equal ones open the same."""


@dataclass(frozen=True)
class Task:
    """The work of one batch, to be sent to another process."""

    opener: Opener
    process_graph: Json
    user_id: str
    plan: str
    """The token of the plan that the batch was queued with."""
    product: Product
    folder: Path
    """Of the chunks. It is the licence to work: when it is gone the batch was stopped, whoever stopped it."""


def compute(task: Task, number: int) -> bool:
    """Computes a chunk; whether every source could be read.

    Raises:
        Cancelled: the batch was stopped.
        JobStateError: the graph means something else than when it was queued.
    """
    desk = _desk(task.opener)
    try:
        plan = desk.plan(task)
        return desk.run(task.product.compute(number, desk.station.engine, plan, task.folder), task.folder)
    except FileNotFoundError as error:
        if task.folder.is_dir():
            raise
        raise Cancelled("the batch was stopped") from error


def finish(task: Task) -> Result:
    """Makes the file beside the folder of the chunks, where it appears whole or not at all.

    Raises:
        Cancelled: the batch was stopped.
    """
    product, folder = task.product, task.folder.parent
    name = f"result.{product.extension}"
    try:
        for left in folder.glob(f"{_DRAFTS}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        drafts = Path(tempfile.mkdtemp(prefix=_DRAFTS, dir=folder))
        draft = drafts / name
        product.finish(task.folder, draft, _desk(task.opener).plan(task))
        with draft.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        size = draft.stat().st_size
        draft.replace(folder / name)
        drafts.rmdir()
        sync_folder(folder)
    except OSError as error:
        if task.folder.is_dir():
            raise
        raise Cancelled("the batch was stopped") from error
    return Result(name, product.media_type, size, digest, format_instant(datetime.now(UTC)))


class _Desk:
    """The station of this process, and the event loop that its engine lives in, whatever thread a chunk comes from."""

    def __init__(self, opener: Opener) -> None:
        self.station = opener()
        self._loop = asyncio.new_event_loop()
        self._plans: LRUCache[str, Expr] = LRUCache(_PLANS)
        self._lock = threading.Lock()
        threading.Thread(target=self._loop.run_forever, name="batch", daemon=True).start()

    def plan(self, task: Task) -> Expr:
        with self._lock:
            plan = self._plans.get(task.plan)
            if plan is None:
                plan = self.station.compile_graph(task.process_graph, task.user_id)
                if plan.token != task.plan:
                    raise JobStateError(
                        "the graph means something else than when the job was queued, since a stored graph or a "
                        "collection that it names has changed: queue the job again"
                    )
                self._plans[task.plan] = plan
            return plan

    def run(self, work: Coroutine[Any, Any, T], folder: Path) -> T:
        """What the work comes to, unless the folder vanishes."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return future.result(_LOOK_S)
            except TimeoutError:
                if future.done():  # just now, or the work itself timed out
                    return future.result()
                if not folder.is_dir():
                    future.cancel()
                    raise Cancelled("the batch was stopped") from None


@lru_cache(maxsize=1)
def _desk(opener: Opener) -> _Desk:
    """Opened with the first chunk, and kept warm for all that follow."""
    return _Desk(opener)
