"""Whole results as files: computed at once for POST /execute, or whenever the link of an on-demand job is followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.cube import Block, View
from ogcserver.encode.formats import Format
from ogcserver.encode.pieces import Pieces
from ogcserver.engine.exports import Export
from ogcserver.errors import NotOnDemand
from ogcserver.jobs.layers import resampling_of
from ogcserver.jobs.model import Job
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import JobBody, Json, Output
from ogcserver.openeo.downloads import Download, is_known, links_response, metalink_response, wants_metalink
from ogcserver.ows.bodies import Joined
from ogcserver.plan.expr import Expr


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


@dataclass(frozen=True, eq=False)
class _Result:
    """What a file will hold, and how it is written."""

    plan: Expr
    view: View
    encoder: FileEncoder


class Results:
    """Handlers of synchronous execution and of downloads from on-demand jobs."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def execute(self, request: Request) -> Response:
        """POST /execute and POST /jobs/execute: the file that the graph makes."""
        user, body = self.backend.user(request), JobBody.of(await self.backend.body(request))
        plan = await self.backend.compile(body.process_graph, user)
        result = await self._result(plan, body.output)
        self.backend.usage.claim(plan.token, user)
        rendered = await self.backend.exports.render(result.plan, result.view, result.encoder)
        return _file(rendered, result.encoder.format, "result")

    async def links(self, request: Request) -> Response:
        """GET /jobs/{job_id}/on_demand/download: where the job's whole result can be had."""
        job = await self._on_demand(request)
        output = Output.of(job.output)
        plan = await self.backend.plan(job)
        extension = self.backend.format_for(output, plan).extension
        link = f"{self.backend.base(request)}/jobs/{job.id}/on_demand/result.{extension}"
        if not wants_metalink(request):
            return links_response([link])
        result = await self._result(plan, output)  # computed now, since a Metalink tells its size and hash
        self.backend.usage.claim(plan.token, job.user_id, job.id)
        rendered = await self.backend.exports.render(result.plan, result.view, result.encoder)
        return metalink_response([await run_in_threadpool(Download.of, link, rendered.body)])

    async def download(self, request: Request) -> Response:
        """GET /jobs/{job_id}/on_demand/result.{extension}: the whole result in the job's output format."""
        job = await self._on_demand(request)
        result = await self._result(await self.backend.plan(job), Output.of(job.output))
        if request.path_params["extension"] != result.encoder.format.extension:
            raise HTTPException(404)
        etag = f'"{await self.backend.exports.etag(result.plan, result.view, result.encoder)}"'
        if is_known(request, etag):
            return Response(status_code=304, headers={"etag": etag})
        self.backend.usage.claim(result.plan.token, job.user_id, job.id)
        rendered = await self.backend.exports.render(result.plan, result.view, result.encoder)
        return _file(rendered, result.encoder.format, job.id)

    async def _on_demand(self, request: Request) -> Job:
        user = self.backend.user(request)
        job = await run_in_threadpool(self.backend.store.job, request.path_params["job_id"], user)
        if job.mode != "on_demand":
            raise NotOnDemand(f"job {job.id} is not in on-demand mode: POST /jobs/{job.id}/on_demand starts it")
        return job

    async def _result(self, plan: Expr, output: Output) -> _Result:
        """The whole of a plan on its native grid; output options are checked before anything is looked up."""
        encoder = FileEncoder(self.backend.format_for(output, plan), output.options)
        found = await self.backend.engine.describe(plan)
        chosen = resampling_of({"resampling": output.resampling or "nearest"}) or "nearest"
        return _Result(plan, View(found.grid, plan.type.names, found.times, chosen), encoder)


def _file(rendered: Export, written: Format, name: str) -> Response:
    headers = {
        "content-type": written.media_type,
        "content-disposition": f'attachment; filename="{name}.{written.extension}"',
        "etag": f'"{rendered.etag}"',
    }
    return Joined([rendered.body], headers)
