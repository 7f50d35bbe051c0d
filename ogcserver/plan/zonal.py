"""Statistics of regions in a plan: the last operation of it, whose result is a table, not pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ogcserver.cube import CubeType
from ogcserver.plan.expr import Expr

QUANTILES: Mapping[str, float] = {"q25": 0.25, "median": 0.5, "q75": 0.75}
FUNCTIONS = ("avg", "min", "max", "median", "q25", "q75", "sum", "count", "sd")
"""What can be asked of a region; see :mod:`ogcserver.zonal.statistics` for what each is."""


@dataclass(frozen=True)
class RegionFiles:
    """Files of polygons, known by their content: equal digests, equal regions."""

    digest: str
    """Of the names and bytes of all files."""
    files: tuple[Path, ...] = field(repr=False, compare=False)
    """Where they were when the graph was compiled, in the order of their names."""


@dataclass(frozen=True, eq=False)
class AggregateSpatial(Expr):
    """Statistics of the pixels in each region, for each observation and band.  Source: openEO ``aggregate_spatial``.

    Only ever the root of a plan. It is not bound to views: :mod:`ogcserver.zonal` computes it from views of ``data``.
    """

    data: Expr
    regions: RegionFiles
    functions: tuple[str, ...]
    """Of :data:`FUNCTIONS`, each once."""

    @cached_property
    def type(self) -> CubeType:
        return CubeType(self.data.type.bands, self.data.type.temporal, zonal=True)
