"""Processes that compute new bands from the bands of a pixel."""

from __future__ import annotations

import re

import numpy as np

from ogcserver.cube import Band, compute_dtype
from ogcserver.graph.model import Argument, Process, Scope
from ogcserver.plan.expr import Expr
from ogcserver.plan.nodes import BandMath
from ogcserver.plan.scalar import Builder, normalized_difference
from ogcserver.processes.expression import ExpressionError, parse
from ogcserver.processes.filters import IMAGERY

_MOST_EXPRESSIONS = 256


def ndvi() -> Process:
    arguments = (
        IMAGERY,
        Argument("red", "value", "the red band: its identifier or common name; by default the band named red", False),
        Argument("nir", "value", "the near-infrared band; by default the band named nir", required=False),
    )
    text = "Normalized difference vegetation index, (nir - red) / (nir + red), as one band named NDVI."
    return Process("NDVI", text, arguments, _build_ndvi)


def _build_ndvi(scope: Scope) -> Expr:
    data = scope.cube("imagery")
    red = scope.band("red", data, scope.values.get("red", "red"))
    nir = scope.band("nir", data, scope.values.get("nir") or _near_infrared(scope, data))
    return BandMath(data, normalized_difference(nir, red), (Band("NDVI", _float_dtype(data), None, "1"),))


def _near_infrared(scope: Scope, data: Expr) -> str:
    """The common name under which there is a near-infrared band: the wide one, else the narrow one."""
    names = {scope.bands[band].common_name for band in data.type.names if band in scope.bands}
    return "nir08" if "nir08" in names and "nir" not in names else "nir"


def band_arithmetic() -> Process:
    arguments = (
        IMAGERY,
        Argument("expr", "value", 'an expression such as "(B8 - B4) / (B8 + B4)", or a list: one output band for each'),
    )
    text = (
        "Computes bands by expressions over band identifiers: + - * / ^, comparisons, parentheses, and functions such "
        "as sqrt, ln, exp, abs, min, max and if(condition, a, b). Identifiers that are no words stand in quotes: '8a'."
    )
    return Process("band_arithmetic", text, arguments, _build_arithmetic)


def _build_arithmetic(scope: Scope) -> Expr:
    data = scope.cube("imagery")
    given = scope.values["expr"]
    expressions = given if isinstance(given, list) else [given]
    if not 0 < len(expressions) <= _MOST_EXPRESSIONS or not all(isinstance(text, str) for text in expressions):
        raise scope.invalid("expr", f"expr must be an expression or a list of 1 to {_MOST_EXPRESSIONS} expressions")
    builder = Builder()
    outputs = []
    for text in expressions:
        try:
            outputs.append(_anchored(builder, parse(text, builder, lambda name: scope.band("expr", data, name)), data))
        except ExpressionError as error:
            raise scope.invalid("expr", f"{error} (in {text[:80]!r})") from error
    return BandMath(data, builder.program(*outputs), _output_bands(expressions, data))


def _anchored(builder: Builder, register: int, data: Expr) -> int:
    """The value, missing where the image has none: a constant is only where the first band is."""
    if builder.follows_bands(register):
        return register
    return builder.add("if_present", register, builder.add("band", data.type.names[0]))


def _output_bands(expressions: list[str], data: Expr) -> tuple[Band, ...]:
    """A band that is only named keeps its name; else bands are numbered from 1."""
    bands: dict[str, Band] = {}
    for number, text in enumerate(expressions, 1):
        name = text.strip().strip("'\"")
        if name not in data.type.names or name in bands or not re.fullmatch(r"\w+", name):
            name = f"band_{number}"
        bands[name] = Band(name, _float_dtype(data))
    return tuple(bands.values())


def _float_dtype(data: Expr) -> str:
    return np.dtype(compute_dtype(data.type.bands)).name
