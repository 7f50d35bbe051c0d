"""Statistics of regions as rows with columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["wide", "long"]
"""A row for each region with a column for each band, observation and statistic; or a row for each region, observation
and band with a column for each statistic."""

_RESERVED = ("fid", "geom")
"""Names that a GeoPackage needs itself."""


@dataclass(frozen=True, eq=False)
class Table:
    """Statistics of regions, and what was known of the regions before."""

    geometries: NDArray[np.object_]
    """Of shapely; None where a feature has no polygon."""
    crs: str
    columns: Mapping[str, NDArray[Any]]
    """Properties of the regions: integers, floats, booleans, or objects that are texts or None."""
    remarks: tuple[str, ...]
    """What was wrong with a region; "" where nothing was."""
    times: tuple[str, ...]
    """Labels of the observations; empty for statistics of an image without time axis."""
    bands: tuple[str, ...]
    functions: tuple[str, ...]
    values: NDArray[np.float64]
    """(region, time, band, function); NaN where missing."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A table in one of its layouts."""

    table: Table
    layout: Layout

    @property
    def count(self) -> int:
        return len(self.table.geometries) * self.repeated

    @property
    def repeated(self) -> int:
        """How many rows a region has, one after the other."""
        return 1 if self.layout == "wide" else max(1, len(self.table.times)) * len(self.table.bands)

    @property
    def geometries(self) -> NDArray[np.object_]:
        return np.repeat(self.table.geometries, self.repeated)

    @cached_property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """By name; names differ in more than case."""
        table, regions = self.table, len(self.table.geometries)
        columns = list(table.columns.items())
        if any(table.remarks):
            columns.append(("remark", np.array([one or None for one in (*table.remarks, "")], object)[:-1]))
        columns = [(name, np.repeat(column, self.repeated)) for name, column in columns]
        own = list(statistics(table, self.layout))
        if self.layout == "long":
            times, bands = table.times or (None,), table.bands
            if table.times:
                columns.append(("time", np.tile(np.repeat(np.array(times, object), len(bands)), regions)))
            columns.append(("band", np.tile(np.array(bands, object), regions * len(times))))
            values = table.values.reshape(self.count, len(table.functions))
        else:
            values = table.values.reshape(regions, -1)
        given = [name for name, _ in columns]
        names = unique((*own, *given))  # the statistics keep their names, whatever properties there are
        named = dict(zip(names[len(own) :], (column for _, column in columns), strict=True))
        return named | dict(zip(names, values.T, strict=False))

    def objects(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns, with None for what is missing."""
        names = list(self.columns)
        lists = [column.tolist() for column in self.columns.values()]
        for row in zip(*lists, strict=True):
            yield {
                name: None if isinstance(value, float) and not np.isfinite(value) else value
                for name, value in zip(names, row, strict=True)
            }


def statistics(table: Table, layout: Layout) -> Iterator[str]:
    """The names of the columns of statistics: the function; if wide ``{band}_{date}_{function}``, as far as there are
    dates, with those of ``2017-01-05`` written ``20170105``."""
    if layout == "long":
        yield from table.functions
        return
    for time in table.times or ("",):
        for band in table.bands:
            for function in table.functions:
                yield "_".join(part for part in (_word(band), _word(time.replace("/", " "), ""), function) if part)


def columns_of(times: int, bands: int, functions: int, layout: Layout) -> int:
    """How many columns of statistics there are."""
    return functions if layout == "long" else max(1, times) * bands * functions


def _word(text: str, other: str = "_") -> str:
    """Letters and digits, with blanks as underscores."""
    return re.sub(r"\W", other, text.replace(" ", "_").removesuffix("Z"))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names that differ in more than case: later ones get a number."""
    taken, found = set(_RESERVED), []
    for name in names:
        number, fresh = 2, name
        while fresh.lower() in taken:
            fresh, number = f"{name}_{number}", number + 1
        taken.add(fresh.lower())
        found.append(fresh)
    return tuple(found)
