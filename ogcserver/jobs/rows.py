"""Rows of jobs, services and stored graphs: found, counted, and made into what they stand for."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from ogcserver.errors import JobNotFound, NotFound, ServiceNotFound, StoredGraphNotFound
from ogcserver.jobs.model import Job, Service
from ogcserver.jobs.tables import JOBS, REVISIONS, SERVICES

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def new_identifier(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


def count_write(connection: Connection, name: str) -> None:
    """Grows a revision, ``jobs`` or ``graphs``: part of each transaction that writes."""
    row = REVISIONS.c.name == name
    connection.execute(REVISIONS.update().where(row).values(value=REVISIONS.c.value + 1))


def listing(table: Table, user_id: str | None) -> Select[Any]:
    """Rows of a user, or of all, in the order of creation."""
    query = select(table).order_by(table.c.position)
    return query if user_id is None else query.where(table.c.user_id == user_id)


def row_of(connection: Connection, table: Table, identifier: str, user_id: str | None) -> Row[Any]:
    """
    Raises:
        JobNotFound, ServiceNotFound, StoredGraphNotFound: no such row of this user.
    """
    if _IDENTIFIER.fullmatch(identifier):  # nothing else is in the tables, and not every text is one to a database
        row = connection.execute(listing(table, user_id).where(table.c.id == identifier)).one_or_none()
        if row is not None:
            return row
    raise _missing(table, identifier)


def no_job(job_id: str) -> JobNotFound:
    """The one error for a job that does not exist, and for one of somebody else."""
    return JobNotFound(f"there is no job {job_id[:80]!r}")


def no_service(service_id: str) -> ServiceNotFound:
    """The one error for a service that does not exist, and for a private one of somebody else."""
    return ServiceNotFound(f"there is no service {service_id[:80]!r}")


def _missing(table: Table, identifier: str) -> NotFound:
    if table is JOBS:
        return no_job(identifier)
    if table is SERVICES:
        return no_service(identifier)
    return StoredGraphNotFound(f"there is no stored process graph {identifier[:80]!r}")


def _values(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "position"}


def job_of(row: Row[Any]) -> Job:
    return Job(**_values(row))


def service_of(row: Row[Any]) -> Service:
    return Service(**_values(row))
