"""The loop of a worker: load one script, then compute one cube after another with it."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from ogcserver.udf.types import UDF_TYPES, UdfType
from ogcserver.udf.worker.calls import call_for_each
from ogcserver.udf.worker.confine import Confinement, lock_up
from ogcserver.udf.worker.cube import Cube, from_array_form
from ogcserver.udf.worker.script import Printed, Script, load, report
from ogcserver.udf.worker.wire import FAILED, LOAD, READY, RESULT, RUN, head, read_message

_NO_LIMIT = 1 << 62
"""The server decides how much it sends."""


class Pipe:
    """The two ends of the conversation with the server; standard input, output and error lead nowhere."""

    def __init__(self) -> None:
        self._read, self._write = os.dup(0), os.dup(1)
        sys.stdin = None
        for descriptor in (0, 1, 2):
            os.close(descriptor)

    def read_into(self, buffer: memoryview) -> None:
        while buffer.nbytes:
            count = os.readv(self._read, [buffer])
            if not count:
                os._exit(0)  # the server has no more work
            buffer = buffer[count:]

    def send(self, kind: bytes, meta: dict[str, Any], payload: bytes | memoryview = b"") -> None:
        for part in (head(kind, meta, len(payload)), payload):
            left = memoryview(part)
            while left:
                left = left[os.write(self._write, left) :]


def serve(limits: Confinement) -> None:
    """Confines the process for good and answers the server until it closes the pipe."""
    pipe, printed = Pipe(), Printed()
    sys.stdout = sys.stderr = printed
    lock_up(limits)
    pipe.send(READY, {})
    _, meta, code = read_message(pipe.read_into, LOAD, _NO_LIMIT)
    name, kind = meta["name"], UDF_TYPES[meta["type"]]
    try:
        script = load(code.decode(), name, kind)
        window = script.window
        pipe.send(READY, {"array": script.array, "window": [window.time, window.y, window.x]})
        while True:
            _, meta, data = read_message(pipe.read_into, RUN, _NO_LIMIT)
            try:
                cube = compute(script, kind, Cube.received(meta, data))
            except BaseException as error:
                pipe.send(FAILED, {**report(error, name), "printed": printed.take()})
            else:
                pipe.send(RESULT, {**cube.meta(), "printed": printed.take()}, cube.data.data.cast("B"))
    except BaseException as error:
        pipe.send(FAILED, {**report(error, name), "printed": printed.take()})


def compute(script: Script, kind: UdfType, cube: Cube) -> Cube:
    """What a script makes of a cube. Missing values come up everywhere, so numpy does not warn of them.

    Raises:
        BaseException: whatever the script raises, and ScriptError for what it must not return.
    """
    with np.errstate(all="ignore"):
        if script.array:
            return from_array_form(script.function(cube), kind, cube, script.window.margin)
        return call_for_each(script.function, kind, cube, script.window)
