"""A runner of user-defined functions for tests of what uses one: the same contract, without a process or a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Any

import numpy as np

from ogcserver.cube import Array
from ogcserver.errors import FileNotFound, UdfError
from ogcserver.graph.compile import compile_graph
from ogcserver.plan.expr import Expr
from ogcserver.plan.rewrite import REWRITES, Rewrite
from ogcserver.processes.udf import ScriptFiles, UserFunctions
from ogcserver.timeline import start_of
from ogcserver.udf.runner import Capability, Probe, Udf, UdfResult, UdfRunner
from ogcserver.udf.worker.cube import Cube
from ogcserver.udf.worker.script import load, report
from ogcserver.udf.worker.serve import compute
from tests.fakes import Archive


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


class Written:
    """Scripts of tests by their names; a ``ScriptFiles``."""

    def __init__(self, **scripts: str) -> None:
        self.scripts = {f"{name}.py": dedent(text) for name, text in scripts.items()}

    def __call__(self, user_id: str, address: str) -> tuple[str, str]:
        name = address.rpartition("/")[2]
        if name not in self.scripts:
            raise FileNotFound(f"there is no file {address!r}")
        return name, self.scripts[name]


def udf(kind: str, imagery: Any, script: str) -> dict[str, Any]:
    """The node of a graph for a script of :class:`Written`."""
    args = {"imagery": imagery, "script": f"/users/me/files/{script}.py"}
    return {"process_id": f"/udf/Python/{kind}", "args": args}


def compiled_with(
    archive: Archive, runner: UdfRunner, files: ScriptFiles, graph: Any, rewrites: Sequence[Rewrite] = REWRITES
) -> Expr:
    """The plan of a graph of the user ``me`` that calls scripts."""
    context = replace(archive.context(), functions=UserFunctions(runner, files, "me"))
    return compile_graph(graph, context, rewrites)
