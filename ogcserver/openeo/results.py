"""Whole results as files: computed at once for POST /execute, or whenever the link of an on-demand job is followed."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.engine.exports import Export
from ogcserver.errors import NotOnDemand
from ogcserver.jobs.model import Job
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import JobBody, Output
from ogcserver.openeo.downloads import Download, is_known, links_response, metalink_response, wants_metalink
from ogcserver.openeo.outcomes import outcome
from ogcserver.ows.bodies import Joined


class Results:
    """Handlers of synchronous execution and of downloads from on-demand jobs."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def execute(self, request: Request) -> Response:
        """POST /execute and POST /jobs/execute: the file that the graph makes."""
        user, body = self.backend.user(request), JobBody.of(await self.backend.body(request))
        plan = await self.backend.compile(body.process_graph, user)
        result = await outcome(self.backend, plan, body.output)
        self.backend.usage.claim(result.computed.token, user)
        # the text of the API answers a GeoPackage with this type
        media_type = "application/octet-stream" if result.written.name == "GPKG" else result.written.media_type
        return _file(await result.render(), result.written.extension, media_type, "result")

    async def links(self, request: Request) -> Response:
        """GET /jobs/{job_id}/on_demand/download: where the job's whole result can be had."""
        job = await self._on_demand(request)
        output = Output.of(job.output)
        plan = await self.backend.plan(job)
        extension = self.backend.check_output(output, plan).extension
        link = f"{self.backend.base(request)}/jobs/{job.id}/on_demand/result.{extension}"
        if not wants_metalink(request):
            return links_response([link])
        result = await outcome(self.backend, plan, output)  # computed now, since a Metalink tells its size and hash
        self.backend.usage.claim(result.computed.token, job.user_id, job.id)
        rendered = await result.render()
        return metalink_response([await run_in_threadpool(Download.of, link, rendered.body)])

    async def download(self, request: Request) -> Response:
        """GET /jobs/{job_id}/on_demand/result.{extension}: the whole result in the job's output format."""
        job = await self._on_demand(request)
        result = await outcome(self.backend, await self.backend.plan(job), Output.of(job.output))
        written = result.written
        if request.path_params["extension"] != written.extension:
            raise HTTPException(404)
        etag = f'"{await result.etag()}"'
        if is_known(request, etag):
            return Response(status_code=304, headers={"etag": etag})
        self.backend.usage.claim(result.computed.token, job.user_id, job.id)
        return _file(await result.render(), written.extension, written.media_type, job.id)

    async def _on_demand(self, request: Request) -> Job:
        user = self.backend.user(request)
        job = await run_in_threadpool(self.backend.store.job, request.path_params["job_id"], user)
        if job.mode != "on_demand":
            raise NotOnDemand(f"job {job.id} is not in on-demand mode: POST /jobs/{job.id}/on_demand starts it")
        return job


def _file(rendered: Export, extension: str, media_type: str, name: str) -> Response:
    headers = {
        "content-type": media_type,
        "content-disposition": f'attachment; filename="{name}.{extension}"',
        "etag": f'"{rendered.etag}"',
    }
    return Joined([rendered.body], headers)
