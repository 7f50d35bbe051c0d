"""Warm workers, their number, their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ogcserver.errors import Cancelled, TooLarge, UdfError
from ogcserver.udf.capability import NoUdfs, open_runner
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.pool import WorkerPool
from ogcserver.udf.runner import Udf

CUBE = np.zeros((1, 1, 2, 2), np.float32)
COUNTER = """
calls = 0
def apply_pixel_array(cube):
    global calls
    calls += 1
    print(calls)
    return cube
"""


def opened(**limits: float) -> WorkerPool:
    pool = open_runner(UdfLimits(**limits))  # type: ignore[arg-type]
    if isinstance(pool, NoUdfs):
        pytest.skip(f"nothing confines a script here: {pool.capability.reason}")
    return pool


@pytest.fixture
def single() -> Iterator[WorkerPool]:
    """A pool of one worker."""
    pool = opened(workers=1, timeout_s=5.0, max_cube_mb=1)
    yield pool
    pool.close()


def count(pool: WorkerPool, udf: Udf) -> int:
    """How often the worker that answers has been called."""
    return int(pool.run(udf, CUBE, (), ("v",)).printed)


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_script_stays_loaded(best_pool: WorkerPool) -> None:
    udf = Udf("apply_pixel", COUNTER)
    first = count(best_pool, udf)
    assert [count(best_pool, udf) for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_users_never_share_a_worker(best_pool: WorkerPool) -> None:
    ann, bob = Udf("apply_pixel", COUNTER, owner="ann"), Udf("apply_pixel", COUNTER, owner="bob")
    assert [count(best_pool, ann), count(best_pool, ann), count(best_pool, bob)] == [1, 2, 1]


def test_the_longest_idle_worker_makes_room(single: WorkerPool) -> None:
    one, two = Udf("apply_pixel", COUNTER), Udf("apply_pixel", COUNTER + "# another\n")
    assert [count(single, udf) for udf in (one, one, two, one)] == [1, 2, 1, 1]
    assert single.idle == 1


def test_no_more_than_the_allowed_number_run_at_a_time(single: WorkerPool) -> None:
    udf = Udf("apply_pixel", COUNTER)
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: count(single, udf), range(8)))
    assert sorted(counts) == list(range(1, 9)), "one worker answered them all, one after the other"


def test_idle_workers_make_room_for_all_that_work(best_pool: WorkerPool) -> None:
    gone = threading.Event()

    def check() -> None:
        if gone.is_set():
            raise Cancelled("the caller hung up")

    for number in range(2):
        count(best_pool, Udf("apply_pixel", COUNTER, owner=str(number)))
    assert best_pool.idle == best_pool.limits.workers == 2
    endless = Udf("apply_pixel", "def apply_pixel(df):\n    while True: pass\n")
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(best_pool.run, endless, CUBE, (), ("v",), check) for _ in range(2)]
        try:
            assert eventually(lambda: best_pool.idle == 0)
        finally:
            gone.set()
        assert all(isinstance(call.exception(), Cancelled) for call in calls)


def test_who_waits_for_a_worker_can_give_up(single: WorkerPool) -> None:
    gone = threading.Event()

    def check() -> None:
        if gone.is_set():
            raise Cancelled("the caller hung up")

    endless = Udf("apply_pixel", "def apply_pixel(df):\n    while True: pass\n")
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(single.run, endless, CUBE, (), ("v",), check) for _ in range(2)]
        gone.set()
        assert all(isinstance(call.exception(), Cancelled) for call in calls)
    assert single.idle == 0
    assert count(single, Udf("apply_pixel", COUNTER)) == 1


def test_a_script_that_raises_keeps_its_worker(single: WorkerPool) -> None:
    udf = Udf("apply_pixel", COUNTER.replace("return cube", "return cube if calls % 2 else 1 / 0"))
    assert count(single, udf) == 1
    with pytest.raises(UdfError, match="ZeroDivisionError"):
        count(single, udf)
    assert count(single, udf) == 3


def test_a_script_that_takes_too_long_is_stopped() -> None:
    pool = opened(workers=1, timeout_s=0.3)
    for code in ("def apply_pixel(df):\n    while True: pass\n", "while True: pass"):
        with pytest.raises(UdfError, match=r"script.py took longer than 0.3 s and was stopped"):
            pool.run(Udf("apply_pixel", code), CUBE, (), ("v",))
        assert pool.idle == 0
    pool.close()


def test_a_worker_that_dies_while_it_idles_is_nobody_s_failure(single: WorkerPool) -> None:
    before = descendants(os.getpid())
    udf = Udf("apply_pixel", COUNTER)
    assert [count(single, udf), count(single, udf)] == [1, 2]
    workers = descendants(os.getpid()) - before
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: {state(pid) for pid in workers} <= {"Z", "X"})
    assert count(single, udf) == 1


def test_idle_workers_end() -> None:
    pool = opened(workers=1, idle_s=0.2)
    assert count(pool, Udf("apply_pixel", COUNTER)) == 1
    assert eventually(lambda: pool.idle == 0)
    assert count(pool, Udf("apply_pixel", COUNTER)) == 1
    pool.close()


def test_a_worn_out_worker_is_replaced() -> None:
    pool = opened(workers=1, life_s=0)
    udf = Udf("apply_pixel", COUNTER)
    assert [count(pool, udf), count(pool, udf)] == [1, 1]
    pool.close()


def test_sizes_are_limited(single: WorkerPool) -> None:
    udf = Udf("apply_pixel", COUNTER)
    with pytest.raises(TooLarge, match="may get 1 MB"):
        single.run(udf, np.zeros((1, 2, 512, 512), np.float32), (), ("a", "b"))
    with pytest.raises(UdfError, match="longer than 256 kB"):
        single.run(Udf("apply_pixel", "#" * 300_000), CUBE, (), ("v",))
    many = "def apply_pixel_array(c): return c.replace(c.data.repeat(200_000, 1), bands=range(200_000))"
    with pytest.raises(UdfError):
        single.run(Udf("apply_pixel", many), CUBE, (), ("v",))


@pytest.mark.parametrize(("code", "message"), [("\x00", "null bytes"), ("x = '\ud800'", "must define a function")])
def test_text_that_is_no_source_is_refused(single: WorkerPool, code: str, message: str) -> None:
    with pytest.raises(UdfError, match=message):
        single.run(Udf("apply_pixel", code), CUBE, (), ("v",))


def test_a_series_is_needed(single: WorkerPool) -> None:
    with pytest.raises(UdfError, match="reduce_time needs a time axis"):
        single.run(Udf("reduce_time", "def reduce_time(df): return df.min()"), CUBE, (), ("v",))


def test_the_cube_of_the_caller_stays_as_it_is(single: WorkerPool) -> None:
    data = np.ones((1, 2, 4, 4), np.float32)[:, :, ::2, ::2]
    code = "def apply_pixel_array(cube):\n    cube.data[:] = 5\n    return cube\n"
    found = single.run(Udf("apply_pixel", code), data, (), ("a", "b"))
    assert (found.data == 5).all() and (data == 1).all()


_SERVER = """
import sys, time
import numpy as np
from ogcserver.udf.capability import open_runner
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.runner import Udf

pool = open_runner(UdfLimits(), (sys.argv[1],))
code = "def apply_pixel(df):\\n    print('up')\\n    return df\\n"
pool.run(Udf("apply_pixel", code), np.zeros((1, 1, 2, 2), np.float32), (), ("v",))
print("ready", flush=True)
endless = Udf("apply_pixel", "def apply_pixel(df):\\n    while True: pass\\n")
pool.run(endless, np.zeros((1, 1, 2, 2), np.float32), (), ("v",))
"""


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            children = {int(child) for child in path.read_text().split()}
            waiting += children
            found |= children
    return found


def test_workers_die_with_the_server(pool: WorkerPool) -> None:
    command = [sys.executable, "-c", _SERVER, pool.capability.mechanism]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": root}) as server:
        assert server.stdout is not None and server.stdout.readline() == b"ready\n"
        assert eventually(lambda: {state(pid) for pid in descendants(server.pid)} >= {"T", "R"}), "one idles, one works"
        workers = descendants(server.pid)
        server.send_signal(signal.SIGKILL)
    assert eventually(lambda: {state(pid) for pid in workers} <= {"Z", "X"})


def state(pid: int) -> str:
    """One letter; X for a process that is no more.  Source: the manual page proc_pid_stat(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


_SPINNER = """
import os

def spin(*arguments):
    while True:
        pass

def apply_pixel_array(cube):
    os.readv = spin  # by which the worker waits for its next call
    return cube
"""


def test_an_idle_worker_computes_nothing(pool: WorkerPool) -> None:
    pool.run(Udf("apply_pixel", _SPINNER), CUBE, (), ("v",))
    assert pool.idle
    assert eventually(lambda: "R" not in {state(pid) for pid in descendants(os.getpid())})
