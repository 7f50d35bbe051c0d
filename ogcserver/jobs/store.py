"""Where jobs, services and stored graphs are kept, so that they survive a restart and all processes share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, Table

from ogcserver.jobs.model import Job, Mode, Service, Status
from ogcserver.jobs.revision import Revision, revisions
from ogcserver.jobs.rows import count_write, job_of, listing, new_identifier, row_of, service_of
from ogcserver.jobs.tables import GRAPHS, JOBS, SERVICES, open_database, writing
from ogcserver.timeline import format_instant, parse_instant

Json = Mapping[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


class JobStore:
    """A database of jobs, services and stored graphs. Blocks; may be called from many threads.

    Methods that take a ``user_id`` see only what belongs to that user; None sees everything.
    """

    def __init__(self, url: str, clock: Callable[[], datetime] = now) -> None:
        """
        Args:
            url: of SQLAlchemy; ``sqlite://`` is a database that vanishes when the store is closed.
        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be opened.
        """
        # in a file all the same: threads cannot share a database in memory
        self._vanishing = TemporaryDirectory(prefix="ogcserver-") if url == "sqlite://" else None
        self._engine = open_database(f"sqlite:///{self._vanishing.name}/jobs.db" if self._vanishing else url)
        self._revisions = revisions(self._engine)
        self._clock = clock

    def close(self) -> None:
        self._revisions.close()
        self._engine.dispose()
        if self._vanishing:
            self._vanishing.cleanup()

    @property
    def database(self) -> Engine:
        """Where users, their tokens, locks and usage are kept, too."""
        return self._engine

    @property
    def revision_is_cheap(self) -> bool:
        """Whether :meth:`revision` takes microseconds."""
        return self._revisions.cheap

    def revision(self) -> Revision:
        """Equal as long as nothing was written, by any process."""
        return self._revisions.current()

    def add_job(
        self, user_id: str, process_graph: Json, output: Json | None = None, title: str = "", description: str = ""
    ) -> Job:
        """A new job in mode none."""
        moment = format_instant(self._clock())
        job = Job(
            new_identifier("j"), user_id, process_graph, output, "none", "submitted", moment, moment, title, description
        )
        with writing(self._engine) as connection:
            connection.execute(JOBS.insert().values(**vars(job)))
            count_write(connection, "jobs")
        return job

    def job(self, job_id: str, user_id: str | None = None) -> Job:
        """
        Raises:
            JobNotFound: no such job of this user.
        """
        with self._engine.connect() as connection:
            return job_of(row_of(connection, JOBS, job_id, user_id))

    def jobs(self, user_id: str | None = None, mode: Mode | None = None) -> tuple[Job, ...]:
        """Jobs in the order of creation."""
        query = listing(JOBS, user_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query if mode is None else query.where(JOBS.c.mode == mode))
            return tuple(map(job_of, rows))

    def change_job(self, job_id: str, user_id: str | None = None, **changes: Any) -> Job:
        """The job with new values of ``process_graph``, ``output``, ``title`` or ``description``.

        ``updated`` grows with every change, even where the clock does not.

        Raises:
            JobNotFound: no such job of this user.
        """
        with writing(self._engine) as connection:
            return self._change(connection, job_of(row_of(connection, JOBS, job_id, user_id)), changes)

    def set_mode(self, job_id: str, mode: Mode, status: Status, user_id: str | None = None) -> Job:
        """The job in another mode; nothing is written when it is in it already.

        Raises:
            JobNotFound: no such job of this user.
        """
        with writing(self._engine) as connection:
            return self.put_mode(connection, job_id, mode, status, user_id)

    def put_mode(
        self, connection: Connection, job_id: str, mode: Mode, status: Status, user_id: str | None = None
    ) -> Job:
        """:meth:`set_mode` as a part of somebody's transaction."""
        job = job_of(row_of(connection, JOBS, job_id, user_id))
        if (job.mode, job.status) == (mode, status):
            return job
        return self._change(connection, job, {"mode": mode, "status": status})

    def _change(self, connection: Connection, job: Job, changes: Json) -> Job:
        moment = max(self._clock(), parse_instant(job.updated) + timedelta(microseconds=1))
        changed = Job(**{**vars(job), **changes, "updated": format_instant(moment)})
        connection.execute(JOBS.update().where(JOBS.c.id == job.id).values(**vars(changed)))
        count_write(connection, "jobs")
        return changed

    def delete_job(self, job_id: str, user_id: str | None = None) -> None:
        """Deletes the job and its services.

        Raises:
            JobNotFound: no such job of this user.
        """
        with writing(self._engine) as connection:
            row_of(connection, JOBS, job_id, user_id)
            connection.execute(SERVICES.delete().where(SERVICES.c.job_id == job_id))
            connection.execute(JOBS.delete().where(JOBS.c.id == job_id))
            count_write(connection, "jobs")

    def add_service(self, user_id: str, job_id: str, service_type: str, args: Json, public: bool = True) -> Service:
        """A new service over the user's job.

        Raises:
            JobNotFound: no such job of this user.
        """
        service = Service(
            new_identifier("s"), user_id, job_id, service_type, args, format_instant(self._clock()), public
        )
        with writing(self._engine) as connection:
            row_of(connection, JOBS, job_id, user_id)
            connection.execute(SERVICES.insert().values(**vars(service)))
            count_write(connection, "jobs")
        return service

    def service(self, service_id: str, user_id: str | None = None) -> Service:
        """
        Raises:
            ServiceNotFound: no such service of this user.
        """
        with self._engine.connect() as connection:
            return service_of(row_of(connection, SERVICES, service_id, user_id))

    def services(self, user_id: str | None = None, job_id: str | None = None) -> tuple[Service, ...]:
        """Services in the order of creation."""
        query = listing(SERVICES, user_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query if job_id is None else query.where(SERVICES.c.job_id == job_id))
            return tuple(map(service_of, rows))

    def change_service(self, service_id: str, user_id: str | None = None, **changes: Any) -> Service:
        """The service with new values of ``args`` or ``public``.

        Raises:
            ServiceNotFound: no such service of this user.
        """
        with writing(self._engine) as connection:
            service = service_of(row_of(connection, SERVICES, service_id, user_id))
            connection.execute(SERVICES.update().where(SERVICES.c.id == service_id).values(**changes))
            count_write(connection, "jobs")
        return Service(**{**vars(service), **changes})

    def delete_service(self, service_id: str, user_id: str | None = None) -> None:
        """
        Raises:
            ServiceNotFound: no such service of this user.
        """
        self._delete(SERVICES, service_id, user_id, "jobs")

    def add_graph(self, user_id: str, process_graph: Json) -> str:
        """The identifier of a newly stored graph."""
        identifier = new_identifier("g")
        row = {"id": identifier, "user_id": user_id, "process_graph": process_graph}
        with writing(self._engine) as connection:
            connection.execute(GRAPHS.insert().values(**row))
            count_write(connection, "graphs")
        return identifier

    def graph(self, graph_id: str, user_id: str | None = None) -> Json:
        """
        Raises:
            StoredGraphNotFound: no such graph of this user.
        """
        with self._engine.connect() as connection:
            found: Json = row_of(connection, GRAPHS, graph_id, user_id).process_graph
            return found

    def graphs(self, user_id: str | None = None) -> tuple[str, ...]:
        """Identifiers in the order of creation."""
        with self._engine.connect() as connection:
            return tuple(row.id for row in connection.execute(listing(GRAPHS, user_id)))

    def change_graph(self, graph_id: str, process_graph: Json, user_id: str | None = None) -> None:
        """
        Raises:
            StoredGraphNotFound: no such graph of this user.
        """
        with writing(self._engine) as connection:
            row_of(connection, GRAPHS, graph_id, user_id)
            connection.execute(GRAPHS.update().where(GRAPHS.c.id == graph_id).values(process_graph=process_graph))
            count_write(connection, "graphs")

    def delete_graph(self, graph_id: str, user_id: str | None = None) -> None:
        """
        Raises:
            StoredGraphNotFound: no such graph of this user.
        """
        self._delete(GRAPHS, graph_id, user_id, "graphs")

    def _delete(self, table: Table, identifier: str, user_id: str | None, counter: str) -> None:
        with writing(self._engine) as connection:
            row_of(connection, table, identifier, user_id)
            connection.execute(table.delete().where(table.c.id == identifier))
            count_write(connection, counter)
