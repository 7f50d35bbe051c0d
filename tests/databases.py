"""The databases that tests write to: files of SQLite, or schemas of a PostgreSQL server that the environment names.

    export OGCSERVER_TEST_DATABASE=postgresql://postgres@127.0.0.1/test
    pytest tests/unit/jobs tests/unit/users tests/unit/batch -W ignore::pytest.PytestUnraisableExceptionWarning

needs psycopg 3, which complains of connections that tests leave open. Each test gets a schema of its own, which stays.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.schema import CreateSchema

SERVER = os.environ.get("OGCSERVER_TEST_DATABASE", "")


def database_url(folder: Path, name: str = "jobs.db") -> str:
    """The database of a folder: the same one whenever it is asked for."""
    if not SERVER:
        return f"sqlite:///{folder / name}"
    schema = f"test_{hashlib.sha256(str(folder / name).encode()).hexdigest()[:24]}"
    url = SERVER.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(CreateSchema(schema, if_not_exists=True))
    engine.dispose()
    return f"{url}?options=-csearch_path%3D{schema}"
