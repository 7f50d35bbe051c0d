"""A runner of user-defined functions for tests of what uses one: the same contract, without a process or a sandbox."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ogcserver.cube import Array
from ogcserver.errors import UdfError
from ogcserver.timeline import start_of
from ogcserver.udf.runner import Capability, Probe, Udf, UdfResult
from ogcserver.udf.worker.cube import Cube
from ogcserver.udf.worker.script import load, report
from ogcserver.udf.worker.serve import compute


class InProcessRunner:
    """Runs scripts of tests right here, and counts the calls. A ``UdfRunner``."""

    def __init__(self) -> None:
        self.capability = Capability("none: tests only")
        self.runs = 0

    def run(
        self,
        udf: Udf,
        data: Array,
        times: tuple[str, ...],
        bands: tuple[str, ...],
        check: Callable[[], None] = lambda: None,
    ) -> UdfResult:
        check()
        self.runs += 1
        starts = [start_of(label).replace(tzinfo=None).isoformat() for label in times]
        meta = {"shape": data.shape, "dtype": data.dtype.str, "times": times, "starts": starts, "bands": bands}
        cube = Cube.received(meta, bytearray(np.ascontiguousarray(data).tobytes()))
        try:
            script = load(udf.code, udf.name, udf.kind)
            found = compute(script, udf.kind, cube)
        except Exception as error:
            raise UdfError("{error}\n{traceback}".format(**report(error, udf.name))) from error
        answer = found.meta()
        return UdfResult(found.data, tuple(answer["times"]), tuple(answer["bands"]))

    def probe(
        self, udf: Udf, times: tuple[str, ...], bands: tuple[str, ...], check: Callable[[], None] = lambda: None
    ) -> Probe:
        script = load(udf.code, udf.name, udf.kind)
        rows, columns = script.window.margin
        shape = (max(1, len(times)), len(bands), 2 + 2 * rows, 2 + 2 * columns)
        found = self.run(udf, np.random.default_rng(0).random(shape, np.float32), times, bands, check)
        return Probe(found.times, found.bands, script.window, script.array)

    def close(self) -> None:
        pass
