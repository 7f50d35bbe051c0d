"""Processes that make one value of each pixel's series, and those that join collections."""

from __future__ import annotations

from ogcserver.graph.model import Argument, Process, Scope
from ogcserver.plan.expr import Expr
from ogcserver.plan.nodes import Merge, Reduce
from ogcserver.processes.filters import IMAGERY

_TEXTS = {
    "min": "smallest value",
    "max": "largest value",
    "mean": "mean",
    "median": "median",
    "first": "earliest value that is not missing",
    "last": "latest value that is not missing",
    "count": "number of values that are not missing",
    "sum": "sum",
    "sd": "standard deviation (of a sample, n - 1)",
    "variance": "variance (of a sample, n - 1)",
    "product": "product",
}


def over_time(reducer: str) -> Process:
    """The process ``{reducer}_time``."""

    def build(scope: Scope) -> Expr:
        data = scope.cube("imagery")
        if not data.type.temporal:
            raise scope.invalid("imagery", "the image has no time axis any more; it can be reduced only once")
        return Reduce(data, reducer)

    text = f"For each pixel and band the {_TEXTS[reducer]} over time. Missing values are skipped."
    return Process(f"{reducer}_time", text, (IMAGERY,), build)


def time_reducers() -> tuple[Process, ...]:
    return tuple(map(over_time, _TEXTS))


def union() -> Process:
    arguments = (Argument("collection", "cubes", "a list of image collections"),)
    text = (
        "All observations and bands of several image collections. Where two have the same band at the same time and "
        "place, the first that has a value wins."
    )
    return Process("union", text, arguments, _build_union)


def _build_union(scope: Scope) -> Expr:
    cubes: tuple[Expr, ...] = scope.values["collection"]
    if len({cube.type.temporal for cube in cubes}) > 1:
        raise scope.invalid("collection", "either all collections must have a time axis, or none")
    return cubes[0] if len(cubes) == 1 else Merge(cubes)
