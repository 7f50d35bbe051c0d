"""User-defined functions as the job API describes them (openEO 0.3, ``/udf_runtimes``)."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ogcserver.udf.runner import LANGUAGES, udf_type
from ogcserver.udf.types import UDF_TYPES, UdfType

_PACKAGES = ("numpy", "pandas", "scipy", "xarray", "shapely", "numba")
"""What scripts may find useful and this server depends on."""

_FORMS = {
    "pixel": "a DataFrame with a row for each pixel and observation (index: time)",
    "time": "a DataFrame with the series of one pixel (index: time)",
    "space": "a DataFrame with a row for each pixel of one observation (index: y, x)",
    "spacetime": "a DataFrame with a row for each pixel and observation (index: time, y, x)",
}
_WINDOWED = {
    "time": "a DataFrame with the observations around one (index: time)",
    "space": "a DataFrame with the pixels around one (index: y, x, counted from it)",
    "spacetime": "a DataFrame with the observations and pixels around one (index: time, y, x)",
}
_GIVES = {
    "rows": "returns a DataFrame with as many rows",
    "value": "returns one value for each band, as a Series, dict or number",
    "axes": "returns a DataFrame with a new index of the same kind",
}


def runtimes(available: bool = True) -> dict[str, Any]:
    """The body of GET /udf_runtimes: languages, their kinds of functions, versions and packages."""
    if not available:
        return {}
    return {
        language: {
            "udf_types": list(UDF_TYPES),
            "versions": {platform.python_version(): {"packages": _packages()}},
        }
        for language in LANGUAGES
    }


def _packages() -> list[str]:
    found: list[str] = []
    for name in _PACKAGES:
        try:
            found.append(f"{name}_{version(name)}")
        except PackageNotFoundError:
            continue
    return found


def udf_description(language: str, name: str) -> dict[str, Any]:
    """The body of GET /udf_runtimes/{lang}/{udf_type}: a process description.

    Raises:
        UdfLanguageUnsupported, UdfTypeUnsupported: there is none.
    """
    kind = udf_type(language, name)
    return {
        "process_id": f"/udf/{LANGUAGES[0]}/{kind.name}",
        "description": f"{kind.description} {_contract(kind)}",
        "args": {
            "imagery": {"description": "The collection to compute with.", "required": True},
            "script": {
                "description": "Path of a Python file of the user, such as /users/me/files/script.py.",
                "required": True,
            },
        },
    }


def _contract(kind: UdfType) -> str:
    gets = (_WINDOWED if kind.windowed else _FORMS)[kind.spans]
    window = " The constant WINDOW of the script is the odd size of the neighbourhood." if kind.windowed else ""
    return (
        f"The script defines {kind.name}(df), which gets {gets} and a column for each band, and {_GIVES[kind.gives]}; "
        f"or, faster, {kind.array_name}(cube), which gets all at once: cube.data (time, band, y, x) with NaN where "
        f"values are missing, cube.times and cube.bands.{window}"
    )
