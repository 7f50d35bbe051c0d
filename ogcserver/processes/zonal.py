"""The process that turns pixels into statistics of regions."""

from __future__ import annotations

from ogcserver.errors import FileError, InvalidParameter, NotFound
from ogcserver.graph.model import Argument, Process, Scope
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import FUNCTIONS, AggregateSpatial
from ogcserver.processes.filters import IMAGERY

_ALIASES = {"mean": "avg", "average": "avg", "stdev": "sd", "stddev": "sd", "q50": "median"}


def zonal_statistics() -> Process:
    arguments = (
        IMAGERY,
        Argument(
            "regions",
            "text",
            "a file of polygons among the user's files, such as /users/me/files/polygon1.json, or a folder of them: "
            "GeoJSON, GeoPackage, FlatGeobuf, Shapefile, KML, GML, or CSV with WKT, in any CRS",
        ),
        Argument("func", "texts", f"a statistic, or a list of them: {', '.join(FUNCTIONS)}; by default avg", False),
    )
    text = (
        "Statistics of the pixels in each region, for each date and band. A pixel counts with the part of it that the "
        "region covers; missing pixels do not count. The result is a table, so nothing can follow, and no map shows it."
    )
    return Process("zonal_statistics", text, arguments, _build)


def _build(scope: Scope) -> Expr:
    functions = []
    for text in scope.values.get("func", ("avg",)):
        name = _ALIASES.get(text.lower(), text.lower())
        if name not in FUNCTIONS:
            raise scope.invalid("func", f"there is no statistic {text[:40]!r}; there are {', '.join(FUNCTIONS)}")
        functions.append(name)
    try:
        regions = scope.regions.find(scope.values["regions"])
    except (InvalidParameter, NotFound, FileError) as error:
        raise scope.invalid("regions", error.message) from error
    return AggregateSpatial(scope.cube("imagery"), regions, tuple(dict.fromkeys(functions)))
