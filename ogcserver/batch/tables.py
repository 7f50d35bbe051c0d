"""The tables of batches, in the database of the jobs."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Integer, MetaData, String, Table

METADATA = MetaData()

BATCHES = Table(
    "batches",
    METADATA,
    Column("job_id", String(64), primary_key=True),
    Column("run", String(32), nullable=False),
    Column("plan", String(64), nullable=False),
    Column("product", JSON, nullable=False),
    Column("total", Integer, nullable=False),
    Column("queued", String(32), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("beat", Integer, nullable=False),
    Column("resumed", Float),
    Column("resumed_at", Integer, nullable=False),
    Column("failure", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True)),
)
CHUNKS = Table(
    "batch_chunks",
    METADATA,
    Column("run", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("complete", Boolean, nullable=False),
)
"""The chunks of a batch that are finished; their files are on the disk."""
