"""Jobs, services and stored graphs in a database."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ogcserver.errors import JobNotFound, ServiceNotFound, StoredGraphNotFound
from ogcserver.jobs.store import JobStore
from tests.databases import SERVER, database_url

GRAPH = {"process_id": "min_time", "args": {"imagery": {"product_id": "a"}}}
NCNAME = re.compile(r"[A-Za-z_][\w.-]*")


def url(folder: Path) -> str:
    return database_url(folder, "sub/jobs.db")


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(url(tmp_path))


def test_a_new_job_is_what_was_sent(store: JobStore) -> None:
    job = store.add_job("me", GRAPH, {"format": "PNG"}, "Title", "Text")
    assert store.job(job.id) == job
    assert (job.mode, job.status, job.process_graph, job.output) == ("none", "submitted", GRAPH, {"format": "PNG"})
    assert job.submitted == job.updated
    assert NCNAME.fullmatch(job.id) and job.id.startswith("j-")


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    store = JobStore(url(tmp_path))
    job = store.add_job("me", GRAPH)
    service = store.add_service("me", job.id, "wmts", {"colormap": "viridis"})
    graph = store.add_graph("me", GRAPH)
    store.close()
    again = JobStore(url(tmp_path))
    assert (again.jobs(), again.services(), again.graph(graph)) == ((job,), (service,), GRAPH)
    assert again.job(job.id).output is None


def test_lists_keep_the_order_of_creation(store: JobStore) -> None:
    jobs = [store.add_job("me", GRAPH).id for _ in range(20)]
    assert [job.id for job in store.jobs()] == jobs


def test_users_see_only_what_is_theirs(store: JobStore) -> None:
    job = store.add_job("me", GRAPH)
    graph = store.add_graph("me", GRAPH)
    service = store.add_service("me", job.id, "wcs", {})
    assert (store.jobs("you"), store.services("you"), store.graphs("you")) == ((), (), ())
    with pytest.raises(JobNotFound):
        store.job(job.id, "you")
    with pytest.raises(JobNotFound):
        store.delete_job(job.id, "you")
    with pytest.raises(JobNotFound):
        store.add_service("you", job.id, "wcs", {})
    with pytest.raises(ServiceNotFound):
        store.delete_service(service.id, "you")
    with pytest.raises(StoredGraphNotFound):
        store.change_graph(graph, {}, "you")


@pytest.mark.parametrize("name", ["j-0", "", "j-\x00", "\ud800", "j" * 1000, "' OR 1=1 --"])
def test_what_does_not_exist_is_named(store: JobStore, name: str) -> None:
    with pytest.raises(JobNotFound):
        store.job(name)
    with pytest.raises(ServiceNotFound):
        store.service(name)
    with pytest.raises(StoredGraphNotFound):
        store.graph(name)


def test_updated_grows_even_when_the_clock_stands(tmp_path: Path) -> None:
    store = JobStore(url(tmp_path), clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    job = store.add_job("me", GRAPH)
    stamps = [job.updated] + [store.change_job(job.id, title=str(n)).updated for n in range(3)]
    assert len(set(stamps)) == 4
    assert store.job(job.id).submitted == job.submitted == "2026-01-01T00:00:00Z"


def test_deleting_a_job_deletes_its_services(store: JobStore) -> None:
    job, other = store.add_job("me", GRAPH), store.add_job("me", GRAPH)
    store.add_service("me", job.id, "wmts", {})
    kept = store.add_service("me", other.id, "wmts", {})
    store.delete_job(job.id)
    assert store.services() == (kept,)
    assert store.jobs() == (other,)


def test_every_write_changes_the_revision_for_all_processes(tmp_path: Path) -> None:
    one, two = JobStore(url(tmp_path)), JobStore(url(tmp_path))
    job = one.add_job("me", GRAPH)
    service = one.add_service("me", job.id, "wcs", {})
    graph = one.add_graph("me", GRAPH)
    seen = {two.revision()}
    for write in (
        lambda: one.set_mode(job.id, "on_demand", "running"),
        lambda: one.change_job(job.id, title="other"),
        lambda: one.change_service(service.id, args={"a": 1}),
        lambda: one.delete_service(service.id),
        lambda: one.change_graph(graph, {"product_id": "b"}),
        lambda: one.delete_graph(graph),
        lambda: one.delete_job(job.id),
    ):
        write()
        assert one.revision() == two.revision() not in seen
        seen.add(two.revision())


def test_reading_and_vain_writing_leave_the_revision(store: JobStore) -> None:
    job = store.add_job("me", GRAPH)
    store.set_mode(job.id, "on_demand", "running")
    before = store.revision()
    store.set_mode(job.id, "on_demand", "running")
    with pytest.raises(JobNotFound):
        store.delete_job("j-0")
    assert (store.jobs(), store.revision()) == ((store.job(job.id),), before)


def test_threads_write_at_the_same_time(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.add_job("me", GRAPH, title=str(n)), range(100)))
    assert sorted(int(job.title) for job in store.jobs()) == list(range(100))
    assert store.revision().jobs == 100


def _open_and_add(place: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    JobStore(place).add_job("me", GRAPH)


def test_processes_may_start_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    starting = [context.Process(target=_open_and_add, args=(url(tmp_path), barrier)) for _ in range(3)]
    for process in starting:
        process.start()
    for process in starting:
        process.join(60)
    assert [process.exitcode for process in starting] == [0, 0, 0]
    assert len(JobStore(url(tmp_path)).jobs()) == 3


@pytest.mark.skipif(bool(SERVER), reason="not on SQLite")
def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    JobStore(url(tmp_path)).close()
    connection = sqlite3.connect(tmp_path / "sub" / "jobs.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_database_may_vanish() -> None:
    store = JobStore("sqlite://")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.add_job("me", GRAPH), range(20)))
    assert len(store.jobs()) == 20
    store.close()
    again = JobStore("sqlite://")
    assert again.jobs() == ()
    again.close()
