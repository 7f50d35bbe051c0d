"""Warm workers: one for each script in use, so that a window costs one round trip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ogcserver.cube import Array
from ogcserver.errors import TooLarge, UdfError, UdfUnavailable
from ogcserver.timeline import start_of
from ogcserver.udf import answers
from ogcserver.udf.keeper import Keeper
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.process import Patience, TooSlow, Worker, WorkerLost
from ogcserver.udf.runner import Capability, Probe, Udf, UdfResult
from ogcserver.udf.sandbox import Runtime, command
from ogcserver.udf.types import Window
from ogcserver.udf.worker.confine import Mechanism
from ogcserver.udf.worker.wire import FAILED, LOAD, READY, RESULT, RUN, WireError

_START_S = 60.0
"""A worker loads pandas from a cold disk in much less."""
_SAMPLE = 2
"""Pixels along an edge of what a script is tried on, beside its margin."""


@dataclass(eq=False)
class _Warm:
    """A worker with a script in it."""

    worker: Worker
    token: str
    array: bool
    window: Window
    busy_s: float = 0.0
    idle_since: float = field(default_factory=time.monotonic)


def _never() -> None:
    pass


class WorkerPool:
    """Runs user-defined functions in confined processes; a ``UdfRunner``.

    Args:
        mechanism: from :func:`ogcserver.udf.capability.open_runner`.
    """

    def __init__(self, limits: UdfLimits, mechanism: Mechanism, runtime: Runtime, reason: str = "") -> None:
        self.limits = limits
        self._command = command(limits.confinement(mechanism, runtime), runtime)
        self._capability = Capability(mechanism, reason)
        self._idle: list[_Warm] = []  # longest idle first
        self._busy = 0
        self._lock = threading.Lock()  # of both
        self._slots = threading.BoundedSemaphore(limits.workers)
        self._keeper: Keeper[Worker] = Keeper(self._end_idle, min(5.0, limits.idle_s / 4))

    @property
    def capability(self) -> Capability:
        return self._capability

    @property
    def idle(self) -> int:
        """How many workers wait with a script loaded."""
        return len(self._idle)

    def close(self) -> None:
        """Ends the idle workers; no call may be under way."""
        self._keeper.close()
        with self._lock:
            idle, self._idle = self._idle, []
        for warm in idle:
            warm.worker.kill()

    def start(self, patience: Patience) -> Worker:
        """A new worker, confined and without script.

        Raises:
            UdfUnavailable: it did not start.
            OgcServerError: what the patience's check raises.
        """
        try:
            worker = self._keeper.start(lambda: Worker(self._command))
        except OSError as error:
            raise UdfUnavailable(f"no process for a user-defined function could be started: {error}") from error
        try:
            worker.receive(patience, READY, 0)
        except (WorkerLost, TooSlow, WireError) as error:
            worker.kill()
            raise UdfUnavailable(f"no process for a user-defined function could be started: {error}") from error
        except BaseException:
            worker.kill()
            raise
        return worker

    def run(
        self,
        udf: Udf,
        data: Array,
        times: tuple[str, ...],
        bands: tuple[str, ...],
        check: Callable[[], None] = _never,
    ) -> UdfResult:
        """See ``UdfRunner.run``."""
        self._check(udf, data.nbytes, times)
        with self._worker(udf, check) as warm:
            return self._compute(warm, udf, data, times, bands, check)

    def probe(
        self, udf: Udf, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None] = _never
    ) -> Probe:
        """See ``UdfRunner.probe``."""
        self._check(udf, 0, times)
        with self._worker(udf, check) as warm:
            rows, columns = warm.window.margin
            shape = (max(1, len(times)), len(bands), _SAMPLE + 2 * rows, _SAMPLE + 2 * columns)
            sample = np.random.default_rng(0).random(shape, np.float32)
            found = self._compute(warm, udf, sample, times, bands, check)
            return Probe(found.times, found.bands, warm.window, warm.array)

    def _check(self, udf: Udf, size: int, times: tuple[str, ...]) -> None:
        if size > self.limits.max_cube_mb << 20:
            raise TooLarge(
                f"a user-defined function would get {size / 2**20:.0f} MB at once, and may get "
                f"{self.limits.max_cube_mb} MB; ask for fewer pixels or dates"
            )
        if len(udf.code) > self.limits.max_script_kb << 10:
            raise UdfError(f"the script {udf.name} is longer than {self.limits.max_script_kb} kB")
        if udf.kind.needs_series and not times:
            raise UdfError(f"{udf.type} needs a time axis, and this imagery has none")

    def _compute(
        self,
        warm: _Warm,
        udf: Udf,
        data: Array,
        times: tuple[str, ...],
        bands: tuple[str, ...],
        check: Callable[[], None],
    ) -> UdfResult:
        values = np.ascontiguousarray(data)
        meta = {
            "shape": values.shape,
            "dtype": values.dtype.str,
            "times": times,
            "starts": [start_of(label).replace(tzinfo=None).isoformat() for label in times],
            "bands": bands,
        }
        patience = Patience(self.limits.timeout_s, check)
        warm.worker.send(patience, RUN, meta, values.data.cast("B"))
        kind, found, payload = warm.worker.receive(patience, RESULT + FAILED, self.limits.max_cube_mb << 20)
        if kind == FAILED:
            raise answers.failure(found, udf.name)
        return answers.result(found, payload, udf.kind, warm.window, (values, times))

    @contextmanager
    def _worker(self, udf: Udf, check: Callable[[], None]) -> Iterator[_Warm]:
        """A worker with the script for one call; it lives on where the call ends in an orderly way.

        Turns what the worker does wrong into an UdfError.
        """
        self._wait_for_slot(check)
        warm: _Warm | None = None
        start = time.monotonic()
        try:
            warm = self._take(udf.token)
            if warm is None:
                warm = self._load(udf, check)
            warm.worker.resume()
            start = time.monotonic()
            yield warm
        except UdfError:  # the worker itself told it in an orderly way
            raise
        except (TooSlow, WorkerLost, WireError) as error:
            self._drop(warm)
            warm = None
            raise UdfError(f"the script {udf.name} {error}") from error
        except BaseException:
            self._drop(warm)
            warm = None
            raise
        finally:
            self._put_back(warm, time.monotonic() - start)
            self._slots.release()

    def _wait_for_slot(self, check: Callable[[], None]) -> None:
        while not self._slots.acquire(timeout=0.05):
            check()

    def _take(self, token: str) -> _Warm | None:
        """An idle worker with this script. Where there is none, room is made for a new one."""
        with self._lock:
            self._busy += 1
            gone = [warm for warm in self._idle if not warm.worker.alive]  # the kernel may have needed their memory
            self._idle = [warm for warm in self._idle if warm not in gone]
            found = next((warm for warm in self._idle if warm.token == token), None)
            if found is not None:
                self._idle.remove(found)
            excess = max(0, self._busy + len(self._idle) - self.limits.workers)
            gone += self._idle[:excess]
            del self._idle[:excess]
        for warm in gone:
            self._drop(warm)
        return found

    def _load(self, udf: Udf, check: Callable[[], None]) -> _Warm:
        worker = self.start(Patience(_START_S, check))
        try:
            patience = Patience(self.limits.timeout_s, check)
            code = memoryview(udf.code.encode("utf-8", "replace"))
            worker.send(patience, LOAD, {"name": udf.name, "type": udf.type}, code)
            kind, found, _ = worker.receive(patience, READY + FAILED, 0)
            if kind == FAILED:
                raise answers.failure(found, udf.name)
            array, window = answers.loaded(found, udf.kind)
            return _Warm(worker, udf.token, array, window)
        except BaseException:
            worker.kill()
            raise

    def _put_back(self, warm: _Warm | None, seconds: float) -> None:
        """Ends a call; the worker is None where it has not survived it."""
        if warm is not None:
            warm.busy_s += seconds
            warm.idle_since = time.monotonic()
            warm.worker.pause()
            if warm.busy_s > self.limits.life_s:
                self._drop(warm)
                warm = None
        with self._lock:
            self._busy -= 1
            self._idle += [warm] if warm is not None else []

    def _end_idle(self) -> None:
        before = time.monotonic() - self.limits.idle_s
        with self._lock:
            old = [warm for warm in self._idle if warm.idle_since < before]
            self._idle = [warm for warm in self._idle if warm.idle_since >= before]
        for warm in old:
            self._drop(warm)

    @staticmethod
    def _drop(warm: _Warm | None) -> None:
        if warm is not None:
            warm.worker.kill()
