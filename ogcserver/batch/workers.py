"""The processes that compute chunks: a pool of our own, or a Dask cluster. Started when they are first needed."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, Protocol

from ogcserver.errors import ServiceError

_PATIENCE_S = 10


class Workers(Protocol):
    """Gives the executor that chunks are sent to. Called from many threads."""

    @property
    def slots(self) -> int:
        """How many tasks may be sent at a time: more than there are processes, so that none has to wait."""
        ...

    def executor(self) -> Executor:
        """
        Raises:
            ServiceError: it cannot be started.
        """
        ...

    def renew(self, broken: Executor) -> None:
        """Another executor takes the place of one that has broken."""
        ...

    def close(self) -> None:
        """Ends the processes that are ours, at once, and waits until they are gone."""
        ...


class ProcessWorkers:
    """A pool of processes on this machine; they end with this process, however it ends."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: tuple[Connection, Connection] | None = None

    @property
    def slots(self) -> int:
        return self._count + 1

    def executor(self) -> Executor:
        with self._lock:
            if self._pool is None:
                self._lifeline = self._context.Pipe(duplex=False)
                self._pool = ProcessPoolExecutor(self._count, self._context, _hold, (self._lifeline[0],))
            return self._pool

    def renew(self, broken: Executor) -> None:
        with self._lock:
            if self._pool is broken:
                self._shut()

    def close(self) -> None:
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._pool is not None and self._lifeline is not None:
            for end in self._lifeline:
                end.close()
            self._pool.shutdown(cancel_futures=True)
        self._pool = self._lifeline = None


def _hold(lifeline: Connection) -> None:
    """Runs in each process of the pool: ends it when the other end is closed, by the server or by its death.

    A pipe, since locks that processes share stay locked when one of them is killed.
    """

    def wait() -> None:
        lifeline.poll(None)
        os._exit(0)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


class DaskWorkers:
    """The workers of a Dask cluster. They need this program, its catalogues, its database and its ``data_dir``.

    Args:
        scheduler: such as ``tcp://host:8786``.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler
        self._lock = threading.Lock()
        self._client: Any = None

    @property
    def slots(self) -> int:
        cores: int = sum(self._connected().ncores().values())
        return 2 * max(1, cores)

    def executor(self) -> Executor:
        executor: Executor = self._connected().get_executor(pure=False)
        return executor

    def renew(self, broken: Executor) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = _connect(self._scheduler)
            return self._client


def _connect(scheduler: str) -> Any:
    """
    Raises:
        ServiceError: the package is missing, or the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ServiceError("Dask is not installed: pip install 'ogcserver[dask]'") from error
    try:
        connect: Any = Client
        return connect(scheduler, set_as_default=False, timeout=_PATIENCE_S)
    except OSError as error:
        raise ServiceError(f"the Dask scheduler at {scheduler} does not answer") from error


def open_workers(executor: str, count: int, scheduler: str) -> Workers:
    """
    Args:
        executor: ``processes`` or ``dask``.
        count: of processes; 0: as many as there are processors.
    """
    return DaskWorkers(scheduler) if executor == "dask" else ProcessWorkers(count or os.cpu_count() or 1)
