"""Tables of regions that are made while somebody waits."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ogcserver.cube import Resampling
from ogcserver.encode.table_formats import TableFormat, write_table
from ogcserver.engine.describe import Description
from ogcserver.engine.exports import Export, StoredFile
from ogcserver.engine.limits import Limits
from ogcserver.engine.scratch import Scratch
from ogcserver.errors import DeadlineExceeded, FormatOptionInvalid, TooLarge
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.zonal.survey import Evaluator, Survey, survey


class Computer(Evaluator, Protocol):
    """What this needs of :class:`ogcserver.engine.service.Engine`."""

    @property
    def limits(self) -> Limits: ...

    def versions(self, plan: Expr) -> tuple[str, ...]: ...

    async def describe(self, plan: Expr) -> Description: ...


@dataclass(frozen=True, eq=False)
class Tables:
    """Makes tables of regions, a part at a time, with what is between on the disk."""

    engine: Computer
    scratch: Scratch

    async def plan(
        self, plan: AggregateSpatial, resampling: Resampling, written: TableFormat, options: Mapping[str, Any]
    ) -> tuple[Survey, Description]:
        """What a table needs, and where its pixels lie.

        Raises:
            FormatOptionInvalid: the table would have more columns than its format allows.
            TooLarge, FileError, JobStateError: see :func:`ogcserver.zonal.survey.survey`.
            NoTimeInRange, InvalidSubset, SourceUnavailable: there are no pixels.
        """
        found = await self.engine.describe(plan.data)
        made = await asyncio.to_thread(survey, plan, found, resampling)
        columns = made.wanted.layers * len(made.wanted.functions)
        if written.layout(options) == "wide" and columns > written.most_columns:
            raise FormatOptionInvalid(
                f"{written.name} cannot have {columns} columns; write the table with layout long", locator="layout"
            )
        return made, found

    def etag(self, plan: AggregateSpatial, survey: Survey, written: TableFormat, options: Mapping[str, Any]) -> str:
        """The entity tag of the file that :meth:`make` makes where every source can be read, without quotes."""
        said = [plan.token, *self.engine.versions(plan), survey.resampling, written.name, written.layout(options)]
        return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:32]

    async def make(
        self, plan: AggregateSpatial, survey: Survey, written: TableFormat, options: Mapping[str, Any]
    ) -> Export:
        """The file of a table.

        Raises:
            TooLarge: more pixels than a request may ask for.
            DeadlineExceeded: it takes too long.
        """
        limits, sizes = self.engine.limits, [survey.size(number) for number in range(survey.total)]
        if sum(sizes) > limits.max_pixels:
            raise TooLarge(
                f"the regions have {sum(sizes)} values to be read, more than the {limits.max_pixels} that are allowed "
                "at once; run the job as a batch"
            )
        with self.scratch.promise(8 * sum(sizes)):
            folder = await asyncio.to_thread(self.scratch.folder)
            try:
                async with asyncio.timeout(limits.timeout_s):
                    tag = self.etag(plan, survey, written, options)
                    for number in range(survey.total):
                        if not await survey.compute(number, self.engine, plan, folder):
                            tag += f"-{time.time_ns():x}"  # another attempt may find more
                    file = await asyncio.to_thread(_file, folder, plan, survey, written, options)
                    return Export(file, tag)
            except TimeoutError as error:
                raise DeadlineExceeded(
                    f"the work took longer than {limits.timeout_s:g} s; run the job as a batch"
                ) from error
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _file(
    folder: Path, plan: AggregateSpatial, survey: Survey, written: TableFormat, options: Mapping[str, Any]
) -> StoredFile:
    target = folder / f"result.{written.extension}"
    write_table(survey.table(folder, plan), written, options, target)
    return StoredFile(target)
