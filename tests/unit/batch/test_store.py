"""Who owns a batch, and what others can do to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ogcserver.batch.model import Batch, Failure, Result
from ogcserver.batch.store import BatchStore, LeaseLost
from ogcserver.errors import JobNotFound
from ogcserver.jobs.store import JobStore
from tests.databases import database_url

RESULT = Result("result.tif", "image/tiff", 3, "00" * 32, "2026-01-01T00:00:00Z")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BatchStore]:
    jobs = JobStore(database_url(tmp_path))
    yield BatchStore(jobs, clock=lambda: 1000.0)
    jobs.close()


@pytest.fixture
def queued(store: BatchStore) -> Batch:
    return store.queue(store.jobs.add_job("me", {}).id, "plan", {"kind": "raster"}, 5, "me")


def test_only_one_gets_a_batch(store: BatchStore, queued: Batch) -> None:
    mine = store.acquire(queued, "a")
    assert mine is not None and mine.owner == "a"
    assert store.acquire(queued, "b") is None
    assert store.jobs.job(queued.job_id).status == "running"


def test_an_owner_that_has_lost_its_batch_can_write_nothing(store: BatchStore, queued: Batch) -> None:
    lost = store.acquire(queued, "a")
    assert lost is not None
    seen = store.get(queued.job_id)
    assert seen is not None
    mine = store.acquire(seen, "b")
    assert mine is not None
    writes = (
        lambda: store.check(lost), lambda: store.keep(lost), lambda: store.record(lost, 0, True),
        lambda: store.finish(lost, RESULT), lambda: store.fail(lost, Failure("X", "x")), lambda: store.release(lost),
    )  # fmt: skip
    for write in writes:
        with pytest.raises(LeaseLost):
            write()
    assert store.get(queued.job_id) == mine and store.done(mine) == frozenset()


def test_a_sign_of_life_spoils_a_take_over(store: BatchStore, queued: Batch) -> None:
    mine = store.acquire(queued, "a")
    seen = store.get(queued.job_id)
    assert mine is not None and seen is not None
    store.keep(mine)
    assert store.acquire(seen, "b") is None


def test_the_time_left_follows_from_the_chunks_since_the_work_was_resumed(store: BatchStore, queued: Batch) -> None:
    first = store.acquire(queued, "a")
    assert first is not None
    store.record(first, 0, True)
    store.record(first, 1, False)
    store.release(first)
    seen = store.get(queued.job_id)
    assert seen is not None
    mine = store.acquire(seen, "b")
    assert mine is not None and mine.resumed_at == 2
    assert store.progress(mine).seconds_left is None
    store.record(mine, 2, True)
    later = BatchStore(store.jobs, clock=lambda: 1010.0).progress(mine)
    assert (later.finished, later.total, later.incomplete, later.seconds_left) == (3, 5, 1, 20.0)
    store.finish(mine, RESULT)
    finished = store.get(queued.job_id)
    assert finished is not None and finished.result == RESULT and store.progress(finished).seconds_left == 0.0
    assert store.unfinished() == ()


def test_queueing_goes_on_only_for_the_same_work(store: BatchStore, queued: Batch) -> None:
    mine = store.acquire(queued, "a")
    assert mine is not None
    store.record(mine, 0, True)
    store.fail(mine, Failure("SourceUnavailable", "away"))
    again = store.queue(queued.job_id, "plan", {"kind": "raster"}, 5, "me")
    assert again.run == queued.run and again.failure is None and store.done(again) == {0}
    other = store.queue(queued.job_id, "another plan", {"kind": "raster"}, 5, "me")
    assert other.run != queued.run and store.done(again) == frozenset()


def test_a_job_of_somebody_else_can_neither_be_queued_nor_stopped(store: BatchStore, queued: Batch) -> None:
    with pytest.raises(JobNotFound):
        store.queue(queued.job_id, "plan", {}, 1, "somebody else")
    with pytest.raises(JobNotFound):
        store.stop(queued.job_id, "somebody else")
    assert store.get(queued.job_id) == queued
