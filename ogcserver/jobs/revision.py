"""Whether anything was written since, asked before every tile, so it must cost next to nothing."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Engine, select

from ogcserver.jobs.tables import REVISIONS


class Revision(NamedTuple):
    """Numbers that grow with every write by any process."""

    jobs: int
    """Writes of jobs and services."""
    graphs: int
    """Writes of stored graphs and of users' files, which jobs may refer to."""


class Revisions(Protocol):
    """Reads the current revision; may be called from many threads."""

    cheap: bool
    """Whether :meth:`current` takes microseconds, so that an event loop may call it."""

    def current(self) -> Revision: ...

    def close(self) -> None: ...


def revisions(engine: Engine) -> Revisions:
    """The quickest exact reader for the kind of database."""
    return _SqliteRevisions(engine) if engine.dialect.name == "sqlite" else _TableRevisions(engine)


class _TableRevisions:
    """Asks the database each time."""

    cheap = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current(self) -> Revision:
        with self._engine.connect() as connection:
            rows = connection.execute(select(REVISIONS.c.name, REVISIONS.c.value))
            return Revision(**{row.name: row.value for row in rows})

    def close(self) -> None:
        return None


class _SqliteRevisions:
    """Reads the table only when SQLite's own counter shows that another connection has committed something.

    The connection is used for nothing else, so that every write of this process, too, is another connection's.
    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """

    cheap = True

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._connection: Any = engine.raw_connection()
        self._connection.detach()
        self._seen: int | None = None
        self._revision = Revision(0, 0)

    def current(self) -> Revision:
        with self._lock:
            cursor = self._connection.cursor()
            try:
                # the counter first: a commit between the two statements shows in the next call
                version = cursor.execute("PRAGMA data_version").fetchone()[0]
                if version != self._seen:
                    rows = dict(cursor.execute("SELECT name, value FROM revisions").fetchall())
                    self._revision, self._seen = Revision(rows["jobs"], rows["graphs"]), version
            finally:
                cursor.close()
            return self._revision

    def close(self) -> None:
        with self._lock:
            self._connection.close()
