"""The settings of a server: a TOML file, and environment variables that take precedence over it.

A key ``k`` of section ``s`` is the variable ``OGCSERVER_S_K``; ``OGCSERVER_CATALOGS_STAC`` lists catalogues, separated
by commas, in place of those of the file. Paths in the file are relative to the file, those in variables to the working
directory.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ogcserver.errors import ServiceError

PREFIX = "OGCSERVER_"
DEEPEST_GRAPH = 250
"""Deeper JSON than this many nodes inside nodes cannot be parsed without recursing too far."""


class SettingsError(ServiceError):
    """A settings file or variable cannot be used; the message names it and the key."""


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

    response_mb: int = _at_least(0, 256)
    array_mb: int = _at_least(0, 512)
    block_mb: int = _at_least(0, 256)
    redis: str = ""
    """URL of a Redis server where processes share encoded responses; empty: they do not."""


@dataclass(frozen=True)
class Limits:
    max_pixels: int = _at_least(1, 100_000_000)
    """Values of one request's result: pixels x bands x times."""
    max_request_mb: int = _at_least(1, 2048)
    timeout_s: float = _at_least(0.1, 60.0)
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


@dataclass(frozen=True)
class Settings:
    server: Server = field(default_factory=Server)
    cache: Cache = field(default_factory=Cache)
    limits: Limits = field(default_factory=Limits)
    sources: Sources = field(default_factory=Sources)
    batch: Batch = field(default_factory=Batch)
    auth: Auth = field(default_factory=Auth)
    files: Files = field(default_factory=Files)
    graphs: Graphs = field(default_factory=Graphs)
    tiles: Tiles = field(default_factory=Tiles)
    tile_matrix_sets: tuple[MatrixSetFile, ...] = ()
    catalogs: tuple[Catalog, ...] = ()

    @property
    def database_url(self) -> str:
        return self.server.database or f"sqlite:///{(self.server.data_dir / 'ogcserver.db').absolute()}"

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str]) -> Settings:
        """The settings of a file, or the defaults, changed by environment variables.

        Raises:
            SettingsError: no such file, not TOML, an unknown key, or a value of the wrong type or out of range.
        """
        content = _read(path) if path else {}
        origin, folder = str(path) if path else "defaults", path.parent if path else Path()
        sections: dict[str, Any] = get_type_hints(cls)
        _refuse_unknown(content, sections, origin, "")
        found: dict[str, Any] = {
            "catalogs": _catalogs(content.get("catalogs", []), environ, origin, folder),
            "tile_matrix_sets": _matrix_sets(content.get("tile_matrix_sets", []), origin, folder),
        }
        for name, section in sections.items():
            if name not in ("catalogs", "tile_matrix_sets"):
                values = _table(content.get(name, {}), section, f"{origin}: [{name}]", folder)
                found[name] = section(**{**_defaults(section, folder), **values, **_variables(name, section, environ)})
        settings = cls(**found)
        if settings.auth.mode == "oidc" and not (settings.auth.issuer and settings.auth.audience):
            raise SettingsError(f"{origin}: [auth] mode oidc needs issuer and audience")
        if settings.batch.executor == "dask" and not settings.batch.scheduler:
            raise SettingsError(f"{origin}: [batch] executor dask needs scheduler")
        return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error


def _refuse_unknown(table: Mapping[str, Any], known: Mapping[str, Any], origin: str, section: str) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{origin}: unknown key {section}{key}; there are {', '.join(known)}")


def _table(content: object, section: type[Any], origin: str, folder: Path) -> dict[str, Any]:
    """The values of one TOML table, checked, paths resolved against ``folder``."""
    if not isinstance(content, dict):
        raise SettingsError(f"{origin} must be a table")
    types = get_type_hints(section)
    _refuse_unknown(content, types, origin, "")
    limits = {one.name: one.metadata for one in fields(section)}
    return {key: _checked(value, types[key], limits[key], f"{origin} {key}", folder) for key, value in content.items()}


def _defaults(section: type[Any], folder: Path) -> dict[str, Any]:
    """Default paths, which are relative to the settings file, too."""
    return {one.name: folder / one.default for one in fields(section) if isinstance(one.default, Path)}


def _variables(name: str, section: type[Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of a section; a variable of the section that is no key is refused."""
    prefix = f"{PREFIX}{name.upper()}_"
    types = get_type_hints(section)
    limits = {one.name: one.metadata for one in fields(section)}
    found = {}
    for variable, text in environ.items():
        if variable.startswith(prefix):
            key = variable.removeprefix(prefix).lower()
            if key not in types:
                raise SettingsError(f"environment: unknown variable {variable}; [{name}] has {', '.join(types)}")
            found[key] = _checked(
                _parsed(text, types[key]), types[key], limits[key], f"environment: {variable}", Path()
            )
    return found


def _parsed(text: str, kind: Any) -> object:
    """The text of a variable as TOML would have the value; left as it is where it does not look like one."""
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
    if kind == tuple[str, ...]:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (int, float):
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            return text
    return text


def _checked(value: Any, kind: Any, limits: Mapping[str, Any], where: str, folder: Path) -> Any:
    """The value as the dataclass wants it.

    Raises:
        SettingsError: of another type, or out of range.
    """
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise SettingsError(f"{where} must be one of {', '.join(get_args(kind))}, not {value!r}")
        return value
    if kind == tuple[str, ...]:
        if not (isinstance(value, list) and all(isinstance(one, str) and one for one in value)):
            raise SettingsError(f"{where} must be a list of texts, not {value!r}")
        return tuple(value)
    wanted = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}[kind]
    accepted = {float: (int, float), Path: (str,)}.get(kind, (kind,))
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f"{where} must be {wanted}, not {value!r}")
    low, high = limits.get("low"), limits.get("high")
    if low is not None and not (value >= low and (high is None or value <= high)):
        raise SettingsError(f"{where} must be at least {low}{f' and at most {high}' if high else ''}, not {value!r}")
    return folder / value if kind is Path else kind(value)


def _catalogs(content: object, environ: Mapping[str, str], origin: str, folder: Path) -> tuple[Catalog, ...]:
    listed = environ.get(f"{PREFIX}CATALOGS_STAC")
    if listed is not None:
        return tuple(Catalog(text.strip()) for text in listed.split(",") if text.strip())
    if not isinstance(content, list):
        raise SettingsError(f"{origin}: catalogs must be written as [[catalogs]]")
    return tuple(_catalog(one, f"{origin}: [[catalogs]] number {n}", folder) for n, one in enumerate(content, 1))


def _matrix_sets(content: object, origin: str, folder: Path) -> tuple[MatrixSetFile, ...]:
    if not isinstance(content, list):
        raise SettingsError(f"{origin}: tile_matrix_sets must be written as [[tile_matrix_sets]]")
    found = []
    for number, one in enumerate(content, 1):
        where = f"{origin}: [[tile_matrix_sets]] number {number}"
        values = _table(one, MatrixSetFile, where, folder)
        if "file" not in values:
            raise SettingsError(f"{where} needs file")
        found.append(MatrixSetFile(**values))
    return tuple(found)


def _catalog(content: object, origin: str, folder: Path) -> Catalog:
    values = _table(content, Catalog, origin, folder)
    if not values.get("stac"):
        raise SettingsError(f"{origin} needs stac: a path or an address")
    if "://" not in values["stac"]:
        values["stac"] = str(folder / values["stac"])
    return Catalog(**values)
