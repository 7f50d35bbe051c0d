"""Graphs of a user compiled against what the server has and what the user has stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ogcserver.graph.compile import compile_graph
from ogcserver.graph.limits import GraphLimits
from ogcserver.graph.model import NO_FUNCTIONS, NO_REGIONS, Collections, Context, Functions, Process, Regions
from ogcserver.jobs.outside import OutsideGraphs, Visit
from ogcserver.jobs.store import JobStore
from ogcserver.plan.expr import Expr

Compile = Callable[[object, str], Expr]
"""(process graph as parsed JSON, user) -> plan. Raises GraphError, CollectionNotFound, StoredGraphNotFound. Blocks."""


@dataclass(frozen=True, eq=False)
class UserGraphs:
    """The stored graphs that one user's graphs may refer to."""

    store: JobStore
    user_id: str
    outside: Visit

    def graph(self, name: str) -> Mapping[str, Any]:
        """
        Raises:
            StoredGraphNotFound: the user has no such graph.
            GraphError, SourceUnavailable: see :meth:`ogcserver.jobs.outside.OutsideGraphs.graph`.
        """
        if "://" in name:
            return self.outside.graph(name)
        return self.store.graph(name, self.user_id)


@dataclass(frozen=True, eq=False)
class Compiler:
    """A :data:`Compile`."""

    processes: Mapping[str, Process]
    collections: Collections
    store: JobStore
    limits: GraphLimits
    outside: OutsideGraphs = field(default_factory=OutsideGraphs)
    functions: Callable[[str], Functions] = lambda user_id: NO_FUNCTIONS
    """Those of a user."""
    regions: Callable[[str], Regions] = lambda user_id: NO_REGIONS
    """Those of a user."""

    def __call__(self, graph: object, user_id: str) -> Expr:
        stored = UserGraphs(self.store, user_id, self.outside.visit())
        functions, regions = self.functions(user_id), self.regions(user_id)
        context = Context(self.processes, self.collections, stored, self.limits, functions, regions)
        return compile_graph(graph, context)
