"""What a graph's whole result is, pixels or a table, and how its file is made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ogcserver.cube import Block, View
from ogcserver.encode.formats import Format
from ogcserver.encode.pieces import Pieces
from ogcserver.encode.table_formats import TableFormat
from ogcserver.engine.exports import Export
from ogcserver.jobs.layers import resampling_of
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import Json, Output
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.zonal.survey import Survey


@dataclass(frozen=True, eq=False)
class FileEncoder:
    """Writes blocks and pieces in a file format: an :class:`ogcserver.engine.exports.FileEncoder`."""

    format: Format
    options: Json

    @cached_property
    def token(self) -> str:
        return json.dumps([self.format.name, self.options], sort_keys=True)

    def __call__(self, block: Block) -> bytes:
        return self.format.encode(block, self.options, None)

    @property
    def writes(self) -> bool:
        return self.format.write is not None

    def write(self, pieces: Pieces, target: Path) -> None:
        assert self.format.write is not None
        self.format.write(pieces, target, self.options)


class Outcome(Protocol):
    """A result that can be made."""

    @property
    def written(self) -> Format | TableFormat: ...

    @property
    def computed(self) -> Expr:
        """The plan whose computing is charged."""
        ...

    async def etag(self) -> str:
        """The entity tag that the file would have, without computing anything."""
        ...

    async def render(self) -> Export: ...


@dataclass(frozen=True, eq=False)
class Pixels:
    """A raster file of a view: an :class:`Outcome`."""

    backend: Backend
    computed: Expr
    view: View
    encoder: FileEncoder

    @property
    def written(self) -> Format:
        return self.encoder.format

    async def etag(self) -> str:
        return await self.backend.exports.etag(self.computed, self.view, self.encoder)

    async def render(self) -> Export:
        return await self.backend.exports.render(self.computed, self.view, self.encoder)


@dataclass(frozen=True, eq=False)
class Statistics:
    """A table of regions: an :class:`Outcome`."""

    backend: Backend
    plan: AggregateSpatial
    survey: Survey
    written: TableFormat
    options: Json

    @property
    def computed(self) -> Expr:
        return self.plan.data

    async def etag(self) -> str:
        return self.backend.tables.etag(self.plan, self.survey, self.written, self.options)

    async def render(self) -> Export:
        return await self.backend.tables.make(self.plan, self.survey, self.written, self.options)


async def outcome(backend: Backend, plan: Expr, output: Output) -> Outcome:
    """The whole of a plan on its native grid; output options are checked before anything is looked up."""
    chosen = resampling_of({"resampling": output.resampling or "nearest"}) or "nearest"
    if isinstance(plan, AggregateSpatial):
        written = backend.table_format_for(output)
        survey, _ = await backend.tables.plan(plan, chosen, written, output.options)
        return Statistics(backend, plan, survey, written, output.options)
    encoder = FileEncoder(backend.format_for(output, plan), output.options)
    found = await backend.engine.describe(plan)
    return Pixels(backend, plan, View(found.grid, plan.type.names, found.times, chosen), encoder)
