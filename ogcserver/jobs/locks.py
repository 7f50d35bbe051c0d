"""What the database knows of files: which of them queued and running jobs read, and that one has changed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Engine, select

from ogcserver.jobs.rows import count_write
from ogcserver.jobs.tables import FILE_LOCKS, writing


def lock(connection: Connection, job_id: str, user_id: str, paths: Collection[str]) -> None:
    """Replaces what the job holds by these paths.

    Args:
        paths: cleaned; a folder stands for all that is in it, "" for all files of the user.
    """
    release(connection, job_id)
    rows = [{"job_id": job_id, "user_id": user_id, "path": path} for path in set(paths)]
    if rows:
        connection.execute(FILE_LOCKS.insert(), rows)


def release(connection: Connection, job_id: str) -> None:
    """Gives up all that the job holds, if anything."""
    connection.execute(FILE_LOCKS.delete().where(FILE_LOCKS.c.job_id == job_id))


class FileLocks:
    """The locks in the database, so that all processes respect them. Blocks; thread-safe."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def lock(self, job_id: str, user_id: str, paths: Collection[str]) -> None:
        """See :func:`lock`."""
        with writing(self._database) as connection:
            lock(connection, job_id, user_id, paths)

    def release(self, job_id: str) -> None:
        """See :func:`release`."""
        with writing(self._database) as connection:
            release(connection, job_id)

    def count_change(self) -> None:
        """Tells all processes that graphs, which may name files, may mean something else now."""
        with writing(self._database) as connection:
            count_write(connection, "graphs")

    def holder(self, user_id: str, path: str) -> str | None:
        """A job that reads the file; None: there is none."""
        names = path.split("/")
        folders = ["/".join(names[:length]) for length in range(len(names) + 1)]
        query = select(FILE_LOCKS.c.job_id).where(FILE_LOCKS.c.user_id == user_id, FILE_LOCKS.c.path.in_(folders))
        with self._database.connect() as connection:
            found: str | None = connection.scalar(query.limit(1))
            return found
