"""A client's graph compiled to an optimised plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ogcserver.errors import GraphMissing
from ogcserver.graph.lower import Lowering
from ogcserver.graph.model import Context
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import FilterBbox, Region
from ogcserver.plan.rewrite import REWRITES, Rewrite, optimise
from ogcserver.plan.zonal import AggregateSpatial


def compile_graph(graph: object, context: Context, rewrites: Sequence[Rewrite] = REWRITES) -> Expr:
    """The plan of a process graph of the 0.3 dialect, given as parsed JSON.

    Raises:
        GraphError: of the kind and with the path of the node that is at fault.
        CollectionNotFound, StoredGraphNotFound: a name in the graph does not exist.
    """
    if graph is None:
        raise GraphMissing("there is no process_graph", locator="process_graph")
    root = Lowering(context).document(graph, "process_graph")
    if isinstance(root, AggregateSpatial):
        return replace(root, data=optimise(crop(root.data), rewrites))
    return optimise(crop(root), rewrites)


def crop(root: Expr) -> Expr:
    """The plan with each box that all of its pixels pass repeated at its root: outside of them there is no result.

    Else a count, which is 0 where nothing was observed, would be 0 outside of the box too.
    """
    for region in common_regions(root):
        if not (isinstance(root, FilterBbox) and root.region == region):
            root = FilterBbox(root, region)
    return root


def common_regions(root: Expr) -> tuple[Region, ...]:
    """The boxes that all pixels of a plan pass."""
    found: dict[str, tuple[Region, ...]] = {}
    for node in postorder(root):
        inputs = [found[child.token] for child in node.inputs]
        common = tuple(r for r in inputs[0] if all(r in other for other in inputs[1:])) if inputs else ()
        if isinstance(node, FilterBbox) and node.region not in common:
            common = (*common, node.region)
        found[node.token] = common
    return found[root.token]
