"""The tables that jobs, services, stored graphs and users live in, and how a database is opened.

SQLite runs in WAL mode, so that readers never wait for a writer. Transactions that write take the write lock when they
begin: one that reads first and writes later could otherwise fail where waiting would have helped.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    true,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.schema import CreateColumn

METADATA = MetaData()

JOBS = Table(
    "jobs",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("user_id", String(255), nullable=False, index=True),
    Column("process_graph", JSON, nullable=False),
    Column("output", JSON(none_as_null=True)),
    Column("mode", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("submitted", String(32), nullable=False),
    Column("updated", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
)
SERVICES = Table(
    "services",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("user_id", String(255), nullable=False, index=True),
    Column("job_id", String(64), nullable=False, index=True),
    Column("type", String(32), nullable=False),
    Column("args", JSON, nullable=False),
    Column("submitted", String(32), nullable=False),
    Column("public", Boolean, nullable=False, server_default=true()),
)
GRAPHS = Table(
    "process_graphs",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("user_id", String(255), nullable=False, index=True),
    Column("process_graph", JSON, nullable=False),
)
REVISIONS = Table(
    "revisions",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("value", Integer, nullable=False),
)
"""One row for what tiles hang on (``jobs``) and one for what compiled jobs hang on besides (``graphs``)."""
USERS = Table(
    "users",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("password", Text, nullable=False),
    Column("registered", String(32), nullable=False),
)
"""``password`` is an argon2 hash with its own parameters and salt."""
TOKENS = Table(
    "tokens",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("user_id", String(64), nullable=False, index=True),
    Column("expires", String(32), nullable=False),
)
"""``hash`` is the SHA-256 of a bearer token, in hexadecimal digits."""
FILE_LOCKS = Table(
    "file_locks",
    METADATA,
    Column("job_id", String(64), primary_key=True),
    Column("user_id", String(255), primary_key=True),
    Column("path", String(1024), primary_key=True),
)
"""Files, or folders, that running jobs read."""
USAGE = Table(
    "usage",
    METADATA,
    Column("user_id", String(255), primary_key=True),
    Column("job_id", String(64), primary_key=True),
    Column("pixels", BigInteger, nullable=False),
)
"""Values computed; ``job_id`` is empty for synchronous requests."""

_BUSY_S = 30.0
_ADVISORY_LOCK = 0x0C5E_57E9
"""Of PostgreSQL; held while tables are made."""


def open_database(url: str) -> Engine:
    """The database of a SQLAlchemy URL, its tables made if they are missing.

    ``postgresql://`` means the driver psycopg 3. Any number of processes may do this at once.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be opened.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        engine = _open_sqlite(parsed)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    with making_tables(engine) as connection:
        _add_new_columns(connection)
        METADATA.create_all(connection)
        known = {row.name for row in connection.execute(REVISIONS.select())}
        for name in ("jobs", "graphs"):
            if name not in known:
                connection.execute(REVISIONS.insert().values(name=name, value=0))
    return engine


def _add_new_columns(connection: Connection) -> None:
    """Adds the columns that tables of an older version of this program lack; each has a default."""
    inspector = inspect(connection)
    for table in METADATA.sorted_tables:
        if inspector.has_table(table.name):
            there = {column["name"] for column in inspector.get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    definition = CreateColumn(column).compile(connection)
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")


@contextmanager
def making_tables(engine: Engine) -> Iterator[Connection]:
    """A transaction in which tables may be made, by one process at a time."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        yield connection


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A connection in a transaction that may write; committed at the end unless something is raised."""
    return engine.execution_options(writes=True).begin()


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def _open_sqlite(url: URL) -> Engine:
    assert url.database
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_S})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin says, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Sets the journal mode; SQLite does not wait by itself while another process sets it too."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
