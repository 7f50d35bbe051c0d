"""Scripts of users as the evaluator sees them: steps of a bound plan in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ogcserver.cube import Array, compute_dtype
from ogcserver.errors import UdfError
from ogcserver.plan.steps import Call
from ogcserver.plan.udf import RunUdf, Script
from ogcserver.udf.capability import NO_RUNNER
from ogcserver.udf.runner import Udf, UdfRunner


class Functions:
    """Runs scripts through a runner."""

    def __init__(self, runner: UdfRunner = NO_RUNNER) -> None:
        self._runner = runner

    def call(self, step: Call, arrays: Sequence[Array], check: Callable[[], None]) -> Array:
        """The result of a call, (time, band, y, x).

        Args:
            arrays: one for each observation, (1, band, y, x), with the margin that the script needs.
        Raises:
            UdfError: the script failed, or made other bands or times than when it was tried.
        """
        node = step.node
        assert node is not None
        dtype = compute_dtype(node.data.type.bands)
        data = np.concatenate(arrays, dtype=dtype) if len(arrays) > 1 else arrays[0].astype(dtype, copy=False)
        found = self._runner.run(_udf(node.script), data, step.times, node.data.type.names, check)
        if found.bands != node.type.names:
            raise UdfError(_changed(node.script, "bands", node.type.names, found.bands))
        if found.times != step.view.times:
            raise UdfError(_changed(node.script, "times", step.view.times, found.times))
        if not node.sparse:
            return found.data
        missing = np.isnan(data).all(axis=1, keepdims=True)
        return np.where(missing, np.asarray(np.nan, dtype), found.data) if missing.any() else found.data

    def relabelled(self, node: RunUdf, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The times of the script's result for imagery of these times; tried once, then remembered by the runner.

        Raises:
            UdfError: the script failed, or made other bands than when it was tried before.
        """
        found = self._runner.probe(_udf(node.script), labels, node.data.type.names, lambda: None)
        if found.bands != node.type.names:
            raise UdfError(_changed(node.script, "bands", node.type.names, found.bands))
        return found.times


def _udf(script: Script) -> Udf:
    return Udf(script.kind, script.code, script.name, script.owner)


def _changed(script: Script, what: str, before: Sequence[str], now: Sequence[str]) -> str:
    return (
        f"the script {script.name} made the {what} {_some(now)} here, and {_some(before)} when it was tried; they must "
        "not depend on the values" + (" or the dates" if what == "bands" else "")
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
