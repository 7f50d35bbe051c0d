"""Batches from queue to file: what they make, how they are stopped, and what survives."""

from __future__ import annotations

import json
import pickle
import time
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
import xarray as xr
from rasterio.io import MemoryFile  # type: ignore[import-untyped]
from sqlalchemy import func, select

import ogcserver.batch.products
from ogcserver.batch.products import product_of
from ogcserver.batch.tables import CHUNKS
from ogcserver.batch.workers import ProcessWorkers
from ogcserver.encode.formats import formats
from ogcserver.errors import JobNotFound, SourceUnavailable, TooLarge
from tests.unit.batch.stations import (
    GRAPH,
    SERIES,
    Gate,
    Office,
    OpenUtm,
    Threads,
    compile_utm,
    utm_product,
    wait_for,
    whole,
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a job of a test has 30."""
    monkeypatch.setattr(ogcserver.batch.products, "_EDGE", 128)


@pytest.mark.parametrize("graph", [GRAPH, SERIES])
def test_the_pixels_are_those_computed_at_once(tmp_path: Path, graph: object) -> None:
    with Office(tmp_path) as office:
        path = office.file(office.add(graph))
        block = whole(graph)
        encoded = formats()["COG"].encode(block, {}, None)
        with rasterio.open(path) as file, MemoryFile(encoded) as memory, memory.open() as wanted:
            assert file.read().tobytes() == wanted.read().tobytes()
            assert (file.transform, file.crs, file.descriptions) == (wanted.transform, wanted.crs, wanted.descriptions)
            assert file.overviews(1) == wanted.overviews(1)
        assert sorted(one.name for one in path.parent.iterdir()) == ["result.tif"]


def test_a_long_series_is_cut_along_time_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogcserver.batch.products, "_CHUNK_BYTES", 128 * 128 * 4 * 2)
    plan = compile_utm(SERIES, "me")
    assert [len(view.times) for view in utm_product(plan).chunks[:2]] == [2, 1]
    with Office(tmp_path) as office:
        path = office.file(office.add(SERIES, "netCDF"))
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        assert np.array_equal(dataset["v"].values, whole(SERIES).data[:, 0], equal_nan=True)


def test_options_that_say_how_a_tiff_is_laid_out_are_kept(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        path = office.file(office.add(GRAPH, tiled=True, compress="lzw"))
    with rasterio.open(path) as file:
        assert file.overviews(1) == [] and file.profile["compress"] == "lzw" and file.block_shapes[0] == (256, 256)


def test_pictures_are_made_in_one_go_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = {"process_id": "min_time", "args": {"imagery": SERIES}}
    with Office(tmp_path) as office:
        assert office.file(office.add(graph, "PNG")).read_bytes() == formats()["PNG"].encode(whole(graph), {}, None)
    monkeypatch.setattr(ogcserver.batch.products, "_PICTURE_VALUES", 700 * 600 - 1)
    with pytest.raises(TooLarge):
        utm_product(compile_utm(graph, "me"), "PNG")


def test_a_product_is_stored_as_json_and_found_again() -> None:
    product = utm_product(compile_utm(SERIES, "me"), compress="zstd")
    again = product_of(json.loads(json.dumps(product.to_json(), allow_nan=False)))
    assert again.to_json() == product.to_json()
    assert again.chunks == product.chunks  # type: ignore[attr-defined]
    sent = pickle.loads(pickle.dumps(product))
    assert "chunks" not in vars(sent) and sent.chunks == product.chunks


def test_progress_tells_finished_chunks_and_the_time_left(tmp_path: Path) -> None:
    gate = Gate(free=7)
    with Office(tmp_path, gate) as office:
        job = office.add()
        wait_for(lambda: office.batches.progress(office.batch(job)).finished == 7)
        assert office.status(job) == "running"
        told = office.batches.progress(office.batch(job))
        assert told.total == 30 and told.seconds_left is not None and told.seconds_left > 0
        gate.free = 1000
        office.file(job)
        told = office.batches.progress(office.batch(job))
        assert (told.finished, told.seconds_left, told.incomplete) == (30, 0.0, 0)


def test_a_closed_server_leaves_its_batch_to_the_next(tmp_path: Path) -> None:
    with Office(tmp_path, Gate(free=7)) as office:
        job = office.add()
        wait_for(lambda: office.batches.progress(office.batch(job)).finished == 7)
    gate = Gate()
    with Office(tmp_path, gate) as office:
        path = office.file(job)
        assert len(gate.computed) == 23
        with rasterio.open(path) as file:
            assert np.array_equal(file.read(), whole(GRAPH).data[0], equal_nan=True)


def test_an_owner_that_shows_no_life_is_replaced(tmp_path: Path) -> None:
    sleeping = Office(tmp_path)
    job = sleeping.add()
    (seen,) = sleeping.store.unfinished()
    asleep = sleeping.store.acquire(seen, "somebody who is killed")
    assert asleep is not None
    with Office(tmp_path, lease_s=0.2) as office:
        office.file(job)
    sleeping.batches.close()
    sleeping.jobs.close()


def test_an_owner_that_lives_is_left_alone_and_works_once(tmp_path: Path) -> None:
    gate, other = Gate(free=5), Gate()
    with Office(tmp_path, gate, lease_s=1.0) as office, Office(tmp_path, other, lease_s=1.0):
        job = office.jobs.add_job("me", GRAPH)
        office.queue(job)
        wait_for(lambda: len(gate.computed) + len(other.computed) >= 5)
        owner = office.batch(job).owner
        beat = office.batch(job).beat
        wait_for(lambda: office.batch(job).beat >= beat + 10)  # twice as long as a lease
        assert office.batch(job).owner == owner
        gate.free = 1000
        office.file(job)
        assert sorted((len(gate.computed), len(other.computed))) == [0, 30]


class Stalling(Threads):
    """Workers of which the first takes far longer to be had than a lease is."""

    stalls = 1

    def executor(self) -> Executor:
        if self.stalls:
            self.stalls -= 1
            time.sleep(1.0)
        return super().executor()


def test_a_thread_that_stalls_does_not_lose_its_batch_to_another_one_of_its_process(tmp_path: Path) -> None:
    gate = Gate()
    with Office(tmp_path, gate, Stalling(), lease_s=0.1) as office:
        office.file(office.add())
        assert len(gate.computed) == 30


def test_a_stopped_batch_ends_and_leaves_nothing(tmp_path: Path) -> None:
    gate = Gate(free=3)
    with Office(tmp_path, gate) as office:
        job = office.add()
        for _ in range(5):
            assert gate.started.acquire(timeout=60)
        office.batches.stop(job)
        assert (office.jobs.job(job.id).mode, office.status(job)) == ("none", "submitted")
        assert office.batches.get(job.id) is None
        assert gate.cancelled.wait(60)
        wait_for(lambda: list((tmp_path / "results").iterdir()) == [])
        gate.free = 1000
        office.queue(job)
        office.file(job)
        with office.jobs.database.connect() as rows:
            assert rows.scalar(select(func.count()).select_from(CHUNKS)) == 30


def test_a_job_that_cannot_be_computed_says_why_and_can_be_resumed(tmp_path: Path) -> None:
    gate = Gate(free=4, failure=None)
    with Office(tmp_path, gate) as office:
        job = office.add()
        wait_for(lambda: office.batches.progress(office.batch(job)).finished == 4)
        gate.failure, gate.free = SourceUnavailable("the archive is away"), 1000
        wait_for(lambda: office.status(job) == "error")
        failure = office.batch(job).failure
        assert failure is not None and (failure.kind, failure.message) == ("SourceUnavailable", "the archive is away")
        gate.failure = None
        office.queue(job)
        office.file(job)
        assert len(set(gate.computed)) == 30
        for view in gate.computed[:4]:  # what was recorded is not computed again; what was under way may be
            assert gate.computed.count(view) == 1
        assert office.batch(job).failure is None


def test_a_finished_job_that_is_queued_again_is_made_anew(tmp_path: Path) -> None:
    gate = Gate()
    with Office(tmp_path, gate) as office:
        job = office.add()
        first = office.file(job)
        content = first.read_bytes()
        office.queue(job)
        second = office.file(job)
        assert second != first and not first.exists() and second.read_bytes() == content
        assert len(gate.computed) == 60


def test_a_graph_that_means_something_else_by_now_is_refused(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        job = office.jobs.add_job("me", GRAPH)
        plan = compile_utm(SERIES, "me")
        office.batches.queue(job, plan.token, utm_product(plan))
        wait_for(lambda: office.status(job) == "error")
        failure = office.batch(job).failure
        assert failure is not None and failure.kind == "JobStateError"


def test_what_belongs_to_no_batch_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "results" / "left" / "chunks").mkdir(parents=True)
    with Office(tmp_path) as office:
        job = office.add()
        office.file(job)
        assert [one.name for one in (tmp_path / "results").iterdir()] == [office.batch(job).run]
        office.jobs.delete_job(job.id)
        office.batches.forget(job.id)
        assert list((tmp_path / "results").iterdir()) == []
        with pytest.raises(JobNotFound):
            office.queue(job)


def test_worker_processes_compute_the_same_and_may_die(tmp_path: Path) -> None:
    trigger = tmp_path / "kill"
    trigger.touch()
    with Office(tmp_path, OpenUtm(str(trigger)), ProcessWorkers(2)) as office:
        path = office.file(office.add())
        assert not trigger.exists()
        with rasterio.open(path) as file:
            assert np.array_equal(file.read(), whole(GRAPH).data[0], equal_nan=True)
