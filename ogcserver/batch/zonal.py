"""Tables of regions as what a batch makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ogcserver.batch.model import Json
from ogcserver.encode.table_formats import table_formats, write_table
from ogcserver.engine.describe import Description
from ogcserver.geo.grid import Bounds
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.zonal.survey import Evaluator, Survey


@dataclass(frozen=True, eq=False)
class ZonalProduct:
    """A table of regions: a :class:`ogcserver.batch.products.Product`."""

    survey: Survey
    boxes: tuple[Bounds, ...]
    interval: tuple[str, str]
    format: str
    options: Mapping[str, Any]

    @classmethod
    def of(cls, survey: Survey, found: Description, format_name: str, options: Mapping[str, Any]) -> ZonalProduct:
        return cls(survey, found.boxes, found.interval, format_name, options)

    @property
    def extension(self) -> str:
        return table_formats()[self.format].extension

    @property
    def media_type(self) -> str:
        return table_formats()[self.format].media_type

    @property
    def properties(self) -> Json:
        return {}

    @property
    def asset(self) -> Json:
        return {}

    @property
    def total(self) -> int:
        return self.survey.total

    def size(self, number: int) -> int:
        return self.survey.size(number)

    async def compute(self, number: int, engine: Evaluator, plan: Expr, folder: Path) -> bool:
        assert isinstance(plan, AggregateSpatial)
        return await self.survey.compute(number, engine, plan, folder)

    def finish(self, folder: Path, target: Path, plan: Expr) -> None:
        assert isinstance(plan, AggregateSpatial)
        write_table(self.survey.table(folder, plan), table_formats()[self.format], self.options, target)

    def to_json(self) -> Json:
        return {
            "kind": "zonal", "survey": self.survey.to_json(), "boxes": [list(box) for box in self.boxes],
            "interval": list(self.interval), "format": self.format, "options": dict(self.options),
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Json) -> ZonalProduct:
        boxes = tuple((west, south, east, north) for west, south, east, north in stored["boxes"])
        interval = (stored["interval"][0], stored["interval"][1])
        return cls(Survey.from_json(stored["survey"]), boxes, interval, stored["format"], stored["options"])
