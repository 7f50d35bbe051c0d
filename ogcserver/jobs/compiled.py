"""Plans of jobs, remembered."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable

from cachetools import LRUCache

from ogcserver.errors import OgcServerError
from ogcserver.jobs.compiler import Compile
from ogcserver.jobs.model import Job
from ogcserver.jobs.revision import Revision
from ogcserver.plan.expr import Expr


class Compiled:
    """Plans of jobs, remembered for as long as neither the job nor any stored graph changes. Thread-safe."""

    def __init__(self, compile_graph: Compile, keep: int = 1024) -> None:
        self._compile = compile_graph
        self._plans: LRUCache[tuple[str, str, int], Expr] = LRUCache(keep)
        self._lock = threading.Lock()

    def known(self, job: Job, revision: Revision) -> Expr | None:
        """The plan, if it needs no compiling."""
        with self._lock:
            return self._plans.get((job.id, job.updated, revision.graphs))

    def plan(self, job: Job, revision: Revision) -> Expr:
        """The job's plan; compiles it where needed, which blocks.

        Raises:
            GraphError, CollectionNotFound, StoredGraphNotFound: the graph does not compile any more.
        """
        plan = self.known(job, revision)
        if plan is None:
            plan = self._compile(job.process_graph, job.user_id)
            with self._lock:
                self._plans[job.id, job.updated, revision.graphs] = plan
        return plan

    def prepare(self, jobs: Iterable[Job], revision: Revision) -> None:
        """Compiles many jobs with one change of threads; those that do not compile fail when they are asked for."""
        for job in jobs:
            with contextlib.suppress(OgcServerError):
                self.plan(job, revision)
