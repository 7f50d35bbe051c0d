"""Batches in the database: which there are, who works on them, what is done.

A server process owns the batch that it works on, and says that it is alive by a number that grows. Whoever sees it
stand still for too long takes the batch over. Every write of an owner is conditional on its still being the owner, so a
process that was only asleep can do no harm.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ogcserver.batch.model import Batch, Failure, Json, Progress, Result, progress
from ogcserver.batch.tables import BATCHES, CHUNKS, METADATA
from ogcserver.errors import OgcServerError
from ogcserver.jobs.locks import lock, release
from ogcserver.jobs.model import Status
from ogcserver.jobs.store import JobStore
from ogcserver.jobs.tables import JOBS, making_tables, writing


class LeaseLost(OgcServerError):
    """The batch was stopped, or another process works on it."""


class BatchStore:
    """Blocks; may be called from many threads."""

    def __init__(self, jobs: JobStore, clock: Callable[[], float] = time.time) -> None:
        self.jobs = jobs
        self._database = jobs.database
        self._clock = clock
        with making_tables(self._database) as connection:
            METADATA.create_all(connection)

    def queue(
        self,
        job_id: str,
        plan: str,
        product: Json,
        total: int,
        user_id: str | None = None,
        files: Collection[str] = (),
    ) -> Batch:
        """Queues a job. One that was queued before goes on where it stopped if it is to make the same.

        Args:
            files: paths of the user's files that the job reads: locked until it has ended.
        Raises:
            JobNotFound: no such job of this user.
        """
        with writing(self._database) as connection:
            old = _locked(connection, job_id)
            job = self.jobs.put_mode(connection, job_id, "batch", "queued", user_id)
            if old is not None and (old.plan, old.product) == (plan, product) and old.result is None:
                batch = replace(old, failure=None, owner="", beat=old.beat + 1, queued=job.updated)
            else:
                _forget(connection, old)
                batch = Batch(job_id, secrets.token_hex(8), plan, product, total, job.updated)
            connection.execute(BATCHES.delete().where(BATCHES.c.job_id == job_id))
            connection.execute(BATCHES.insert().values(**_row(batch)))
            lock(connection, job_id, job.user_id, files)
        return batch

    def stop(self, job_id: str, user_id: str | None = None) -> Batch | None:
        """Takes a job out of batch mode, and forgets its batch, which is returned.

        Raises:
            JobNotFound: no such job of this user.
        """
        with writing(self._database) as connection:
            batch = _locked(connection, job_id)
            self.jobs.put_mode(connection, job_id, "none", "submitted", user_id)
            release(connection, job_id)
            return _forget(connection, batch)

    def forget(self, job_id: str) -> Batch | None:
        """Forgets the batch of a job that is gone, and returns it."""
        with writing(self._database) as connection:
            release(connection, job_id)
            return _forget(connection, _locked(connection, job_id))

    def get(self, job_id: str) -> Batch | None:
        with self._database.connect() as connection:
            return _one(connection, job_id)

    def progress(self, batch: Batch) -> Progress:
        with self._database.connect() as connection:
            rows = connection.execute(select(CHUNKS.c.complete).where(CHUNKS.c.run == batch.run)).all()
        incomplete = sum(not row.complete for row in rows)
        return progress(batch, len(rows), incomplete, self._clock())

    def all(self) -> tuple[Batch, ...]:
        """Those whose job is still there."""
        with self._database.connect() as connection:
            rows = connection.execute(select(BATCHES).join(JOBS, JOBS.c.id == BATCHES.c.job_id))
            return tuple(map(_batch, rows))

    def unfinished(self) -> tuple[Batch, ...]:
        """Those that wait or run, in the order of queueing."""
        query = select(BATCHES).join(JOBS, JOBS.c.id == BATCHES.c.job_id)
        query = query.where(JOBS.c.mode == "batch", JOBS.c.status.in_(("queued", "running")))
        with self._database.connect() as connection:
            return tuple(map(_batch, connection.execute(query.order_by(BATCHES.c.queued, BATCHES.c.job_id))))

    def acquire(self, seen: Batch, owner: str) -> Batch | None:
        """The batch as this owner's; None when it is not any more what was seen."""
        with writing(self._database) as connection:
            batch = _locked(connection, seen.job_id)
            if batch is None or (batch.run, batch.owner, batch.beat) != (seen.run, seen.owner, seen.beat):
                return None
            done = connection.execute(select(func.count()).where(CHUNKS.c.run == batch.run)).scalar_one()
            mine = replace(batch, owner=owner, beat=batch.beat + 1, resumed=self._clock(), resumed_at=done)
            connection.execute(BATCHES.update().where(BATCHES.c.job_id == mine.job_id).values(**_row(mine)))
            self.jobs.put_mode(connection, mine.job_id, "batch", "running")
            return mine

    def done(self, batch: Batch) -> frozenset[int]:
        """Numbers of the finished chunks."""
        with self._database.connect() as connection:
            return frozenset(connection.execute(select(CHUNKS.c.number).where(CHUNKS.c.run == batch.run)).scalars())

    def check(self, batch: Batch) -> None:
        """
        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        with self._database.connect() as connection:
            _check(_one(connection, batch.job_id), batch)

    def keep(self, batch: Batch) -> None:
        """Says that the owner is alive.

        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        self._change(batch, {"beat": BATCHES.c.beat + 1})

    def record(self, batch: Batch, number: int, complete: bool) -> None:
        """A chunk is finished: its file is there.

        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        with writing(self._database) as connection:
            _check(_locked(connection, batch.job_id), batch)
            connection.execute(CHUNKS.insert().values(run=batch.run, number=number, complete=complete))

    def finish(self, batch: Batch, result: Result) -> None:
        """
        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        self._change(batch, {"owner": "", "result": asdict(result)}, "finished")

    def fail(self, batch: Batch, failure: Failure) -> None:
        """
        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        self._change(batch, {"owner": "", "failure": asdict(failure)}, "error")

    def release(self, batch: Batch) -> None:
        """Leaves the batch to whoever wants it.

        Raises:
            LeaseLost: the batch is not its owner's any more.
        """
        self._change(batch, {"owner": "", "beat": BATCHES.c.beat + 1})

    def _change(self, batch: Batch, values: dict[str, Any], status: Status | None = None) -> None:
        with writing(self._database) as connection:
            _check(_locked(connection, batch.job_id), batch)
            connection.execute(BATCHES.update().where(BATCHES.c.job_id == batch.job_id).values(**values))
            if status is not None:
                release(connection, batch.job_id)
                self.jobs.put_mode(connection, batch.job_id, "batch", status)


def _check(found: Batch | None, mine: Batch) -> None:
    if found is None or (found.run, found.owner) != (mine.run, mine.owner):
        raise LeaseLost(f"the batch of job {mine.job_id} was stopped, or taken over")


def _forget(connection: Connection, batch: Batch | None) -> Batch | None:
    if batch is not None:
        connection.execute(CHUNKS.delete().where(CHUNKS.c.run == batch.run))
        connection.execute(BATCHES.delete().where(BATCHES.c.job_id == batch.job_id))
    return batch


def _one(connection: Connection, job_id: str) -> Batch | None:
    row = connection.execute(select(BATCHES).where(BATCHES.c.job_id == job_id)).one_or_none()
    return None if row is None else _batch(row)


def _locked(connection: Connection, job_id: str) -> Batch | None:
    """The batch, which nobody else changes until the transaction ends; always taken before the job's row."""
    query = select(BATCHES).where(BATCHES.c.job_id == job_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _batch(row)


def _batch(row: Row[Any]) -> Batch:
    values = dict(row._mapping)
    failure, result = values.pop("failure"), values.pop("result")
    return Batch(**values, failure=failure and Failure(**failure), result=result and Result(**result))


def _row(batch: Batch) -> dict[str, Any]:
    return asdict(batch)
