"""The settings of a server: a TOML file, and environment variables that take precedence over it.

A key ``k`` of section ``s`` is the variable ``OGCSERVER_S_K``; ``OGCSERVER_CATALOGS_STAC`` lists catalogues, separated
by commas, in place of those of the file. Paths in the file are relative to the file, those in variables to the working
directory.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from ogcserver.ows.identification import Identification
from ogcserver.settings.sections import (
    Auth,
    Batch,
    Cache,
    Catalog,
    Files,
    Graphs,
    Limits,
    MatrixSetFile,
    Server,
    Sources,
    Tiles,
    Udf,
)
from ogcserver.settings.values import PREFIX, SettingsError, defaults, refuse_unknown, table, variables

__all__ = [
    "Auth",
    "Batch",
    "Cache",
    "Catalog",
    "Files",
    "Graphs",
    "Limits",
    "MatrixSetFile",
    "Server",
    "Settings",
    "SettingsError",
    "Sources",
    "Tiles",
    "Udf",
]


@dataclass(frozen=True)
class Settings:
    server: Server = field(default_factory=Server)
    service: Identification = field(default_factory=Identification)
    cache: Cache = field(default_factory=Cache)
    limits: Limits = field(default_factory=Limits)
    sources: Sources = field(default_factory=Sources)
    batch: Batch = field(default_factory=Batch)
    auth: Auth = field(default_factory=Auth)
    files: Files = field(default_factory=Files)
    udf: Udf = field(default_factory=Udf)
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
        refuse_unknown(content, sections, origin, "")
        found: dict[str, Any] = {
            "catalogs": _catalogs(content.get("catalogs", []), environ, origin, folder),
            "tile_matrix_sets": _matrix_sets(content.get("tile_matrix_sets", []), origin, folder),
        }
        for name, section in sections.items():
            if name not in ("catalogs", "tile_matrix_sets"):
                values = table(content.get(name, {}), section, f"{origin}: [{name}]", folder)
                found[name] = section(**{**defaults(section, folder), **values, **variables(name, section, environ)})
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
        values = table(one, MatrixSetFile, where, folder)
        if "file" not in values:
            raise SettingsError(f"{where} needs file")
        found.append(MatrixSetFile(**values))
    return tuple(found)


def _catalog(content: object, origin: str, folder: Path) -> Catalog:
    values = table(content, Catalog, origin, folder)
    if not values.get("stac"):
        raise SettingsError(f"{origin} needs stac: a path or an address")
    if "://" not in values["stac"]:
        values["stac"] = str(folder / values["stac"])
    return Catalog(**values)
