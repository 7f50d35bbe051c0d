"""The sections of the settings, their keys, defaults and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

DEEPEST_GRAPH = 250
"""Deeper JSON than this many nodes inside nodes cannot be parsed without recursing too far."""


def _at_least(low: float, default: Any, high: float | None = None) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class Server:
    host: str = "127.0.0.1"
    port: int = _at_least(1, 8080, 65535)
    data_dir: Path = Path("data")
    """Database, user files, results."""
    public_url: str = ""
    """Where clients reach the server; empty: from the request."""
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in ``data_dir``."""


@dataclass(frozen=True)
class Cache:
    """Sizes are for each server process."""

    response_mb: int = _at_least(0, 48)
    array_mb: int = _at_least(0, 32)
    block_mb: int = _at_least(0, 128)


@dataclass(frozen=True)
class Limits:
    max_pixels: int = _at_least(1, 100_000_000)
    """Values of one request's result: pixels x bands x times."""
    max_request_mb: int = _at_least(1, 2048)
    stream_mb: int = _at_least(0, 64)
    """Results with more values than this, not compressed, are put together on the disk instead of in memory."""
    timeout_s: float = _at_least(0.1, 60.0)
    stream_timeout_s: float = _at_least(0.1, 600.0)
    """For results that are put together on the disk."""
    threads: int = _at_least(0, 0)
    """Threads that compute, in each server process; 0: as many as there are processors."""
    queue: int = _at_least(1, 256)
    """Requests that may run or wait in each server process; more are told to come back later."""
    max_graph_nodes: int = _at_least(1, 10_000)
    max_graph_depth: int = _at_least(1, DEEPEST_GRAPH, DEEPEST_GRAPH)
    max_body_kb: int = _at_least(1, 1024)
    """Of JSON bodies."""


@dataclass(frozen=True)
class Sources:
    on_error: Literal["skip", "fail"] = "skip"
    """What happens when a file cannot be read: its pixels stay missing, or the request fails."""
    refresh_s: float = _at_least(0, 300.0)
    """How long a catalogue is trusted not to change."""
    timeout_s: float = _at_least(0.1, 20.0)
    """For each request to a catalogue over the network."""


@dataclass(frozen=True)
class Batch:
    executor: Literal["processes", "dask"] = "processes"
    """Where chunks are computed: in processes of this machine, or by the workers of a Dask cluster."""
    scheduler: str = ""
    """Of the Dask cluster, such as ``tcp://host:8786``."""
    workers: int = _at_least(0, 0)
    """Processes, for each server process; 0: as many as there are processors."""
    worker_mb: int = _at_least(128, 512)
    """Memory that a worker may use for the work on a chunk; it needs some hundred MB for itself besides."""
    jobs: int = _at_least(1, 2)
    """Jobs that each server process works on at the same time."""
    lease_s: float = _at_least(0.5, 10.0)
    """After so long without a sign of life from a server process another one goes on with its jobs."""


@dataclass(frozen=True)
class Auth:
    mode: Literal["open", "basic", "oidc"] = "open"
    """Who may do what: everybody everything as one user, or users with passwords here, or those of a provider."""
    registration: bool = True
    """With ``basic``: whether everybody may make an account."""
    token_hours: float = _at_least(0.01, 720.0)
    """With ``basic``: for how long a bearer token is accepted."""
    issuer: str = ""
    """With ``oidc``: address of the OpenID Connect provider."""
    audience: str = ""
    """With ``oidc``: what tokens must be meant for."""


@dataclass(frozen=True)
class Files:
    """Of users."""

    max_mb: int = _at_least(1, 100)
    """Of one file."""
    quota_mb: int = _at_least(1, 1024)
    """Of all files of a user."""
    max_files: int = _at_least(1, 10_000)
    """Of a user."""
    endings: tuple[str, ...] = ()
    """Of the files that may be stored, such as ``.py``; none: all."""


@dataclass(frozen=True)
class Udf:
    """Of scripts that users write."""

    enabled: bool = True
    """Whether they run at all, where a mechanism confines them."""
    workers: int = _at_least(1, 2)
    """Processes for scripts, of each server process; those of batch jobs have one each."""
    memory_mb: int = _at_least(256, 1024)
    """Of each of them; some 170 MB are taken before a script starts."""
    timeout_s: float = _at_least(0.1, 60.0)
    """For one call."""
    idle_s: float = _at_least(1, 300.0)
    """After which a process that nobody needs ends."""
    max_cube_mb: int = _at_least(1, 256)
    """That one call may get, and give."""
    max_script_kb: int = _at_least(1, 256)


@dataclass(frozen=True)
class Graphs:
    hosts: tuple[str, ...] = ()
    """Other hosts that process graphs may be fetched from."""


@dataclass(frozen=True)
class Tiles:
    """Of WMTS, XYZ and TMS."""

    max_age: int = _at_least(0, 0)
    """Seconds that a client may show a tile without asking again; 0: it keeps the tile but asks each time."""
    outside: Literal["empty", "204", "error"] = "empty"
    """A tile that holds nothing of its layer: an empty picture, an answer without content, or an error."""
    formats: tuple[str, ...] = ("png", "jpg", "webp", "avif")
    """Of pictures, those that WMTS lists; all others can be had all the same."""
    max_times: int = _at_least(2, 50)
    """Values of a layer's time dimension in the WMTS capabilities; beyond that intervals are listed."""


@dataclass(frozen=True)
class MatrixSetFile:
    file: Path
    """A tile matrix set in the JSON of OGC 17-083r4."""


@dataclass(frozen=True)
class Catalog:
    stac: str
    """Path or address of a STAC catalogue, collection or API, or of one raster file."""
    mosaic: Literal["day", "time"] = "day"
    """Which items are one observation: those of a day, or of a moment."""
    apply_scale: bool = True
    """Whether values are scale * stored + offset, as the catalogue says."""
    max_items: int = _at_least(1, 10_000)
    """A search that finds more is refused."""
