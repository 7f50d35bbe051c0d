"""W8: compiling graphs of 5, 44 and 1000 nodes and of shared nodes, and binding their plans to a tile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.archive import COLLECTION, Archive
from benchmarks.engine import Local, tiles
from benchmarks.stats import percentile, timed
from ogcserver.cube import View
from ogcserver.plan.bind import bind
from ogcserver.plan.expr import postorder

LIMITS_MS = {5: 0.2, 44: 1.0}
"""The most that binding may take, by nodes of the graph."""
Json = dict[str, Any]


def run(archive: Archive, quick: bool) -> None:
    local = Local(archive)
    repeats = 20 if quick else 60
    print(f"\nW8 compile and bind, median of {repeats}")
    graphs = {str(nodes): branches(archive, nodes) for nodes in (5, 44, 1000)}
    graphs["8191 shared"] = shared(archive, 11)
    per_node: dict[str, float] = {}
    grid = next(iter(tiles(archive, 1, 8, range(12, 13)))).grid
    for name, graph in graphs.items():
        compiling = _median(partial(local.compile, graph), max(3, repeats // 10))
        plan = local.compile(graph)
        view = View(grid, plan.type.names[:1])
        finder = local.parts.engine._finder
        binding = _median(partial(bind, plan, view, finder), repeats)
        steps, nodes = len(bind(plan, view, finder).steps), len(list(postorder(plan)))
        per_node[name] = binding / nodes
        limit = LIMITS_MS.get(int(name)) if name.isdigit() else None
        verdict = "" if limit is None else f"   at most {limit:g}: {'holds' if binding <= limit else 'MISSED'}"
        print(
            f"  {name:>18} nodes   compile {compiling:8.2f} ms   plan of {nodes:4} nodes, {steps:4} steps   "
            f"bind {binding:7.3f} ms{verdict}",
            flush=True,
        )
    growth = per_node["1000"] / per_node["44"]
    print(f"  from 44 to 1000 nodes the time to bind a node changes by {growth:.2f} (linear: 1)")
    local.close()


def branches(archive: Archive, nodes: int) -> Json:
    """A graph of that many nodes: the union of branches, each the least index of one date, all different."""
    if nodes == 5:
        box = {"left": 620000, "right": 690000, "bottom": 5110000, "top": 5190000, "srs": "EPSG:32632"}
        boxed = _node("filter_bbox", imagery=_dated(archive, 0), **box)
        return _node("min_time", imagery=_node("NDVI", imagery=boxed, red="B04", nir="B8A"))
    count, rest = divmod(nodes - 1, 4)
    found = [_branch(archive, number) for number in range(count)]
    for _ in range(rest):
        found[-1] = _node("band_arithmetic", imagery=found[-1], expr=["band_1 + 1"])
    return _node("union", collection=found)


def _branch(archive: Archive, number: int) -> Json:
    index = _node(
        "band_arithmetic", imagery=_dated(archive, number % archive.size.dates),
        expr=[f"(B8A - B04) / (B8A + B04 + {number})"],
    )  # fmt: skip
    return _node("min_time", imagery=index)


def shared(archive: Archive, depth: int) -> Json:
    """A document whose nodes double with every level, though but few differ."""
    graph = _node("min_time", imagery=_dated(archive, 0))
    for _ in range(depth):
        graph = _node("union", collection=[graph, graph])
    return graph


def _dated(archive: Archive, date: int) -> Json:
    day = archive.days[date]
    return {
        "process_id": "filter_daterange",
        "args": {"imagery": {"product_id": COLLECTION}, "from": day, "to": day},
    }


def _node(process: str, **args: Any) -> Json:
    return {"process_id": process, "args": args}


def _median(call: Callable[[], object], repeats: int) -> float:
    call()
    return percentile([timed(call) for _ in range(repeats)], 0.5)
