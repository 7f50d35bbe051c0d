"""What a listing of on-demand jobs reads of each: so little that those which have not changed cost next to nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, select

from ogcserver.errors import JobNotFound
from ogcserver.jobs.model import Job
from ogcserver.jobs.store import JobStore
from ogcserver.jobs.tables import JOBS, SERVICES

_FEW = 64
"""Up to so many jobs are read one by one, more with all others in one go."""


@dataclass(frozen=True)
class Listed:
    """An on-demand job, as far as it tells whether what is known of it still holds."""

    id: str
    updated: str
    look: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of its first service that has any: its look where the job itself names none."""


def on_demand(database: Engine, user_id: str) -> tuple[Listed, ...]:
    """The user's jobs in on-demand mode, in the order of creation."""
    wanted = JOBS.c.mode == "on_demand", JOBS.c.user_id == user_id
    jobs = select(JOBS.c.id, JOBS.c.updated).where(*wanted).order_by(JOBS.c.position)
    services = select(SERVICES.c.job_id, SERVICES.c.args).where(SERVICES.c.user_id == user_id)
    services = services.order_by(SERVICES.c.position.desc())
    with database.connect() as connection:
        looks = {row.job_id: row.args for row in connection.execute(services) if row.args}
        return tuple(Listed(row.id, row.updated, looks.get(row.id, {})) for row in connection.execute(jobs))


def look_of_services(database: Engine, job_id: str) -> Mapping[str, Any]:
    """See :attr:`Listed.look`."""
    query = select(SERVICES.c.args).where(SERVICES.c.job_id == job_id).order_by(SERVICES.c.position)
    with database.connect() as connection:
        return next((dict(row.args) for row in connection.execute(query) if row.args), {})


def read_jobs(store: JobStore, user_id: str, wanted: list[str]) -> dict[str, Job]:
    """Those of the user's jobs that are on demand at this moment, by identifier."""
    if len(wanted) > _FEW:
        names = set(wanted)
        return {job.id: job for job in store.jobs(user_id, "on_demand") if job.id in names}
    found = {}
    for job_id in wanted:
        with contextlib.suppress(JobNotFound):
            found[job_id] = store.job(job_id, user_id)
    return {job_id: job for job_id, job in found.items() if job.mode == "on_demand"}
