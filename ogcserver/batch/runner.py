"""The work on one batch, as the server process that owns it does it: send chunks, record them, make the file."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ogcserver.batch.model import Batch, Failure, Result
from ogcserver.batch.products import product_of
from ogcserver.batch.store import BatchStore, LeaseLost
from ogcserver.batch.worker import Opener, Task, compute, finish
from ogcserver.batch.workers import Workers
from ogcserver.errors import OgcServerError, RequestError, ServiceError

logger = logging.getLogger(__name__)

_LOOK_S = 0.25
"""How often the owner looks whether the batch was stopped, or the server is ending."""
_ATTEMPTS = 3
_FILE = -1
"""Stands for a chunk's number where the file is made."""


Charge = Callable[[str, str, int], None]
"""(user, job, values): so many values were computed."""


class Closing(Exception):
    """The server is ending: the batch waits for the next one."""


@dataclass(frozen=True, eq=False)
class Runner:
    """Works on batches, one at a time in each thread."""

    store: BatchStore
    workers: Workers
    opener: Opener
    folder: Path
    """Of all results."""
    beat_s: float
    """How often the owner of a batch says that it is alive."""
    closing: threading.Event
    """Set when the server is ending."""
    charge: Charge

    def run(self, batch: Batch) -> None:
        """Brings a batch that was acquired to its end; failures become its status, and are not raised."""
        try:
            self.store.finish(batch, _Work(self, batch, self._task(batch)).result())
        except (Closing, LeaseLost):
            self._leave(batch)
        except OgcServerError as error:
            self._fail(batch, error)
        except Exception as error:
            logger.exception("the batch of job %s failed", batch.job_id)
            self._fail(batch, ServiceError(f"internal error: {type(error).__name__}; the server's log has the details"))

    def _task(self, batch: Batch) -> Task:
        """
        Raises:
            LeaseLost: the batch was stopped.
        """
        folder = run_folder(self.folder, batch) / "chunks"
        folder.mkdir(parents=True, exist_ok=True)
        self.store.check(batch)
        job = self.store.jobs.job(batch.job_id)
        return Task(self.opener, job.process_graph, job.user_id, batch.plan, product_of(batch.product), folder)

    def _leave(self, batch: Batch) -> None:
        try:
            self.store.release(batch)
        except LeaseLost:
            logger.info("the batch of job %s was stopped, or taken over", batch.job_id)

    def _fail(self, batch: Batch, error: OgcServerError) -> None:
        try:
            self.store.fail(batch, Failure(type(error).__name__, error.message))
        except LeaseLost:
            logger.info("the batch of job %s was stopped when it failed: %s", batch.job_id, error.message)


def run_folder(results: Path, batch: Batch) -> Path:
    """Where a batch keeps its chunks and its result."""
    return results / batch.run


@dataclass(eq=False)
class _Sent:
    """A task on its way."""

    executor: Executor
    future: Future[Any]


class _Work:
    """What is under way of one batch."""

    def __init__(self, runner: Runner, batch: Batch, task: Task) -> None:
        self._store, self._workers, self._runner = runner.store, runner.workers, runner
        self._batch, self._task = batch, task
        self._beaten = time.monotonic()
        self._attempts: Counter[int] = Counter()

    def result(self) -> Result:
        """
        Raises:
            LeaseLost, Closing: it must stop.
        """
        done = self._store.done(self._batch)
        self._chunks(deque(number for number in range(self._batch.total) if number not in done))
        result = self._made()
        self._store.check(self._batch)
        shutil.rmtree(self._task.folder, ignore_errors=True)
        return result

    def _chunks(self, waiting: deque[int]) -> None:
        running: dict[int, _Sent] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._workers.slots:
                    number = waiting.popleft()
                    running[number] = self._send(compute, self._task, number)
                wait([sent.future for sent in running.values()], _LOOK_S, FIRST_COMPLETED)
                for number in [number for number, sent in running.items() if sent.future.done()]:
                    complete = self._outcome(running.pop(number), number)
                    if complete is None:
                        waiting.append(number)
                    else:
                        self._store.record(self._batch, number, complete)
                        self._runner.charge(self._task.user_id, self._batch.job_id, self._task.product.size(number))
                self._tend()
        finally:
            for sent in running.values():
                sent.future.cancel()

    def _made(self) -> Result:
        result = None
        while result is None:
            sent = self._send(finish, self._task)
            while not wait([sent.future], _LOOK_S).done:
                self._tend()
            result = self._outcome(sent, _FILE)
        assert isinstance(result, Result)
        return result

    def _send(self, call: Callable[..., Any], *args: Any) -> _Sent:
        executor = self._workers.executor()
        try:
            return _Sent(executor, executor.submit(call, *args))
        except RuntimeError:  # it has broken, or another batch has noticed that and shut it down
            self._workers.renew(executor)
            executor = self._workers.executor()
            return _Sent(executor, executor.submit(call, *args))

    def _outcome(self, sent: _Sent, number: int) -> Any:
        """What a task came to; None when it has to be sent again.

        Raises:
            RequestError: the job is at fault, so another attempt would fail, too.
            LeaseLost, Closing: it must stop.
        """
        try:
            return sent.future.result()
        except RequestError:
            raise
        except (Exception, CancelledError) as error:
            self._tend()
            if isinstance(error, BrokenExecutor):
                self._workers.renew(sent.executor)
            self._attempts[number] += 1
            if self._attempts[number] >= _ATTEMPTS:
                if not isinstance(error, BrokenExecutor):
                    raise
                raise ServiceError(
                    "worker processes died again and again over one chunk: is there enough memory?"
                ) from error
            logger.warning("a chunk of job %s is tried again: %r", self._batch.job_id, error)
            return None

    def _tend(self) -> None:
        """
        Raises:
            LeaseLost, Closing: it must stop.
        """
        if self._runner.closing.is_set():
            raise Closing
        if time.monotonic() - self._beaten < self._runner.beat_s:
            self._store.check(self._batch)
            return
        self._store.keep(self._batch)
        self._beaten = time.monotonic()
