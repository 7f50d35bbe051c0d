"""Batches as the rest of the program sees them: queue, stop, ask; and the threads that see to it that they are done."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ogcserver.batch.model import Batch, Progress
from ogcserver.batch.products import Product
from ogcserver.batch.runner import Charge, Runner, run_folder
from ogcserver.batch.store import BatchStore
from ogcserver.batch.worker import Opener
from ogcserver.batch.workers import Workers
from ogcserver.jobs.model import Job

_IDLE_S = 0.5
"""How often a server process looks for batches."""
_GONE = ".gone-"


class Batches:
    """The batches of all jobs. Blocks; may be called from many threads.

    Any number of server processes share a database and a folder: each batch is worked on by one of them at a time, and
    taken over when that one has given no sign of life for ``lease_s``.

    Args:
        folder: of the results; all server processes and workers see it under this name.
        opener: how a worker process gets what it computes with.
        at_once: batches that this process works on at the same time.
        charge: is told of all that was computed.
    """

    def __init__(
        self,
        store: BatchStore,
        workers: Workers,
        opener: Opener,
        folder: Path,
        at_once: int = 2,
        lease_s: float = 10.0,
        charge: Charge = lambda user_id, job_id, values: None,
    ) -> None:
        self.store, self._workers, self._folder = store, workers, folder
        self._at_once, self._lease_s = at_once, lease_s
        self._closing, self._news = threading.Event(), threading.Event()
        self._runner = Runner(store, workers, opener, folder, lease_s / 5, self._closing, charge)
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        """Runs that threads of this process work on: not left, although a stalled thread gives no sign of life."""
        self._seen: dict[str, tuple[str, int, float]] = {}
        """Owner and beat of the batches of others, and since when they are the same."""
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begins to work on what is queued, and on what other processes have left."""
        self._clean()
        for number in range(self._at_once):
            thread = threading.Thread(target=self._work, name=f"batch-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stops working; the batches under way go on in another process, or when this one is started again."""
        self._closing.set()
        self._news.set()
        for thread in self._threads:
            thread.join()
        self._workers.close()

    def queue(self, job: Job, plan: str, product: Product, files: Collection[str] = ()) -> None:
        """Queues a job; one that failed goes on with the chunks that it has.

        Args:
            plan: the token of the job's plan.
            files: paths of the user's files that the job reads.
        Raises:
            JobNotFound: the job is gone.
        """
        before = self.store.get(job.id)
        batch = self.store.queue(job.id, plan, product.to_json(), product.total, job.user_id, files)
        if before is not None and before.run != batch.run:
            self._remove(before)
        self._news.set()

    def stop(self, job: Job) -> None:
        """Takes a job out of batch mode and deletes what it has made; work that is under way ends within a second.

        Raises:
            JobNotFound: the job is gone.
        """
        self._remove(self.store.stop(job.id, job.user_id))

    def forget(self, job_id: str) -> None:
        """Deletes what a job has made that is itself deleted."""
        self._remove(self.store.forget(job_id))

    def get(self, job_id: str) -> Batch | None:
        return self.store.get(job_id)

    def progress(self, batch: Batch) -> Progress:
        return self.store.progress(batch)

    def file(self, batch: Batch) -> Path:
        """Where the file of a finished batch is."""
        assert batch.result is not None
        return run_folder(self._folder, batch) / batch.result.name

    def _work(self) -> None:
        while not self._closing.is_set():
            if not self._tried():
                self._news.wait(_IDLE_S)
                self._news.clear()

    def _tried(self) -> bool:
        """Whether there was a batch to work on. A database that is away for a while must not end the thread."""
        try:
            batch = self._next()
            if batch is None:
                return False
            try:
                self._runner.run(batch)
            finally:
                self._under_way.discard(batch.run)
            return True
        except SQLAlchemyError:
            logging.getLogger(__name__).exception("the database of the batches cannot be used")
            return False

    def _next(self) -> Batch | None:
        with self._lock:
            for batch in self.store.unfinished():
                if batch.run in self._under_way or (batch.owner and not self._is_stale(batch)):
                    continue
                if mine := self.store.acquire(batch, _owner()):
                    self._under_way.add(mine.run)
                    return mine
        return None

    def _is_stale(self, batch: Batch) -> bool:
        """Whether the owner's number has stood still for too long by our own clock: those of machines may differ."""
        owner, beat, since = self._seen.get(batch.job_id, ("", -1, 0.0))
        if (owner, beat) != (batch.owner, batch.beat):
            since = time.monotonic()
            self._seen[batch.job_id] = (batch.owner, batch.beat, since)
        return time.monotonic() - since > self._lease_s

    def _remove(self, batch: Batch | None) -> None:
        """Deletes a batch's folder; its name is gone at once, which workers take for the order to stop."""
        if batch is None:
            return
        gone = self._folder / f"{_GONE}{secrets.token_hex(8)}"
        try:
            run_folder(self._folder, batch).rename(gone)
        except FileNotFoundError:
            return
        shutil.rmtree(gone, ignore_errors=True)

    def _clean(self) -> None:
        """Deletes what belongs to no batch: a process may have been killed between two steps."""
        self._folder.mkdir(parents=True, exist_ok=True)
        folders = [folder for folder in self._folder.iterdir() if folder.is_dir()]
        runs = {batch.run for batch in self.store.all()}  # after the folders: a row comes before its folder
        for folder in folders:
            if folder.name not in runs:
                shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str:
    """Another name each time: who has lost a batch to another thread of this process must notice."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(4)}"
