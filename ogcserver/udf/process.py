"""One worker as the server sees it: a process group, two pipes, and no trust."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ogcserver.udf.sandbox import ENVIRONMENT
from ogcserver.udf.worker.wire import WireError, head, read_message

_TICK_S = 0.05
_PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE = 1031
"""F_SETPIPE_SZ, which the module fcntl does not name."""


class WorkerLost(Exception):
    """The process has ended; the message says how."""


class TooSlow(Exception):
    """The time for one call is over; the message says how long it was."""


class Patience:
    """How long to wait for a worker, and for what else to look meanwhile."""

    def __init__(self, seconds: float, check: Callable[[], None]) -> None:
        self._seconds, self._end, self._check = seconds, time.monotonic() + seconds, check

    def wait(self, descriptor: int, event: int) -> None:
        """Until a pipe is ready.

        Raises:
            TooSlow: the time is over.
            OgcServerError: what ``check`` raises.
        """
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_TICK_S * 1000):
            self.tick()

    def tick(self) -> None:
        self._check()
        if time.monotonic() > self._end:
            raise TooSlow(f"took longer than {self._seconds:g} s and was stopped")


class Worker:
    """A running worker. Not for two threads at once.

    Args:
        command: from ``sandbox.command``. The thread that starts it must outlive it, for bubblewrap and the kernel
            tie its life to that thread.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._to, self._from, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        for pipe in (self._to, self._from, self._errors):
            os.set_blocking(pipe.fileno(), False)
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):  # a limit of the user; slower, but good
                fcntl.fcntl(pipe, _SET_PIPE_SIZE, _PIPE_BYTES)

    def send(self, patience: Patience, kind: bytes, meta: Mapping[str, Any], payload: memoryview) -> None:
        """
        Raises:
            WorkerLost, TooSlow, WireError: nothing more can be said to it.
        """
        if select.select([self._from], [], [], 0)[0] and self._process.poll() is None:
            raise WireError("wrote to the server's pipe")
        for part in (memoryview(head(kind, meta, payload.nbytes)), payload):
            while part.nbytes:
                patience.wait(self._to.fileno(), select.POLLOUT)
                try:
                    part = part[os.write(self._to.fileno(), part[:_PIPE_BYTES]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError as error:
                    raise WorkerLost(self._last_words()) from error

    def receive(self, patience: Patience, kinds: bytes, max_payload: int) -> tuple[bytes, dict[str, Any], bytearray]:
        """
        Raises:
            WorkerLost, TooSlow, WireError: there is no proper answer.
        """

        def read_into(buffer: memoryview) -> None:
            while buffer.nbytes:
                patience.wait(self._from.fileno(), select.POLLIN)
                try:
                    count = os.readv(self._from.fileno(), [buffer])
                except BlockingIOError:
                    continue
                if not count:
                    raise WorkerLost(self._last_words())
                buffer = buffer[count:]

        return read_message(read_into, kinds, max_payload)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def pause(self) -> None:
        """Stops the process until :meth:`resume`: who is not asked computes nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends the process and all that belongs to it."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._to, self._from, self._errors):
            pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        with contextlib.suppress(BlockingIOError):
            errors = os.read(self._errors.fileno(), 1 << 16).decode(errors="replace").strip()
            if errors:  # from before the script was there: it has no standard error
                return errors.splitlines()[-1][:400]
        number = -status if status < 0 else status - 128
        if number in (signal.SIGXCPU, signal.SIGKILL):
            return "was killed: it ran out of processor time or memory"
        if number in set(signal.Signals):
            return f"crashed with {signal.Signals(number).name}"
        return f"ended its process with status {status}"
