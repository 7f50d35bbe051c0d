"""Values of a settings file or of the environment, checked against the dataclass of their section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ogcserver.errors import ServiceError

PREFIX = "OGCSERVER_"


class SettingsError(ServiceError):
    """A settings file or variable cannot be used; the message names it and the key."""


def refuse_unknown(table: Mapping[str, Any], known: Mapping[str, Any], origin: str, section: str) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{origin}: unknown key {section}{key}; there are {', '.join(known)}")


def table(content: object, section: type[Any], origin: str, folder: Path) -> dict[str, Any]:
    """The values of one TOML table, checked, paths resolved against ``folder``."""
    if not isinstance(content, dict):
        raise SettingsError(f"{origin} must be a table")
    types = get_type_hints(section)
    refuse_unknown(content, types, origin, "")
    limits = {one.name: one.metadata for one in fields(section)}
    return {key: _checked(value, types[key], limits[key], f"{origin} {key}", folder) for key, value in content.items()}


def defaults(section: type[Any], folder: Path) -> dict[str, Any]:
    """Default paths, which are relative to the settings file, too."""
    return {one.name: folder / one.default for one in fields(section) if isinstance(one.default, Path)}


def variables(name: str, section: type[Any], environ: Mapping[str, str]) -> dict[str, Any]:
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
