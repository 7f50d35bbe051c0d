"""Jobs: saved graphs, and whether they are computed on demand."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ogcserver.cube import View
from ogcserver.errors import InvalidParameter, JobStateError, MissingParameter
from ogcserver.geo.crs import canonical
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import resampling_of
from ogcserver.jobs.model import Job
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.batch import BatchJobs
from ogcserver.openeo.bodies import JobBody, Output
from ogcserver.openeo.responses import Json, no_content, preferred
from ogcserver.plan.expr import Expr


class Jobs:
    """Handlers of /jobs."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.store = backend, backend.store

    async def listing(self, request: Request) -> Response:
        user = self.backend.user(request)
        jobs = await run_in_threadpool(self.store.jobs, user)
        consumed = await run_in_threadpool(self.backend.usage.of_jobs, user)
        return Json([_summary(job, consumed.get(job.id, 0)) for job in jobs])

    async def create(self, request: Request) -> Response:
        """POST /jobs: the graph is compiled and the output checked now, so that a bad job is never stored."""
        user, body = self.backend.user(request), JobBody.of(await self.backend.body(request))
        plan = await self.backend.compile(body.process_graph, user)
        self.backend.check_output(body.output, plan)
        job = await run_in_threadpool(
            self.store.add_job, user, body.process_graph, body.output.sent, body.title or "", body.description or ""
        )
        location = f"{self.backend.base(request)}/jobs/{job.id}"
        return Json(_summary(job, 0), headers={"location": location, "openeo-identifier": job.id})

    async def read(self, request: Request) -> Response:
        job = await self._job(request)
        consumed = await run_in_threadpool(self.backend.usage.of_jobs, job.user_id)
        return Json(_detail(job, consumed.get(job.id, 0)) | await BatchJobs(self.backend).state(job))

    async def change(self, request: Request) -> Response:
        """PATCH /jobs/{job_id}: what is not in the body stays; graph and output must suit each other afterwards."""
        job, body = await self._job(request), JobBody.of(await self.backend.body(request))
        changes: dict[str, Any] = {
            "process_graph": body.process_graph,
            "output": body.output.sent,
            "title": body.title,
            "description": body.description,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        if changes.keys() & {"process_graph", "output"}:
            graph = changes.get("process_graph", job.process_graph)
            plan = await self.backend.compile(graph, job.user_id)
            self.backend.check_output(Output.of(changes.get("output", job.output)), plan)
            if job.mode == "batch":  # what it computes, or has computed, is not this job's any more
                await run_in_threadpool(self.backend.batches.stop, job)
        if changes:
            await run_in_threadpool(lambda: self.store.change_job(job.id, job.user_id, **changes))
        return no_content()

    async def delete(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        await run_in_threadpool(self.store.delete_job, job_id, self.backend.user(request))
        await run_in_threadpool(self.backend.batches.forget, job_id)
        return no_content()

    async def start(self, request: Request) -> Response:
        """POST /jobs/{job_id}/on_demand"""
        job = await self._job(request)
        if job.mode == "batch":
            raise JobStateError(f"job {job.id} is a batch job; stop it first")
        await self.backend.compile(job.process_graph, job.user_id)  # what it refers to may have gone meanwhile
        await run_in_threadpool(self.store.set_mode, job.id, "on_demand", "running", job.user_id)
        return no_content()

    async def stop(self, request: Request) -> Response:
        """DELETE /jobs/{job_id}/on_demand: from now on nothing is computed for the job, nor answered from memory."""
        job = await self._job(request)
        if job.mode == "batch":
            raise JobStateError(f"job {job.id} is a batch job, not an on-demand job")
        await run_in_threadpool(self.store.set_mode, job.id, "none", "submitted", job.user_id)
        return no_content()

    async def explain(self, request: Request) -> Response:
        """GET /jobs/{job_id}/explain: what a view of the job would read and compute."""
        job = await self._job(request)
        plan = await self.backend.plan(job)
        explanation = await self.backend.engine.explain(plan, await self._view(job, plan, request))
        headers = {"vary": "Accept"}
        if preferred(request.headers.get("accept", ""), (Json.media_type, "text/plain")) == "text/plain":
            return PlainTextResponse(explanation.to_text(), headers=headers)
        return Json(explanation.to_json(), headers=headers)

    async def _view(self, job: Job, plan: Expr, request: Request) -> View:
        """The view that the parameters bbox, crs, width and height ask for; without them the whole result."""
        found = await self.backend.engine.describe(plan)
        query = request.query_params
        grid = found.grid
        if "bbox" in query:
            crs = canonical(query["crs"]) if query.get("crs") else grid.crs
            width, height = _size(query.get("width"), "width"), _size(query.get("height"), "height")
            grid = Grid.from_bounds(crs, _bounds(query["bbox"]), width, height)
        resampling = resampling_of(job.output or {}) or "nearest"
        return View(grid, plan.type.names, found.times, resampling)

    async def _job(self, request: Request) -> Job:
        return await run_in_threadpool(self.store.job, request.path_params["job_id"], self.backend.user(request))


def _summary(job: Job, consumed: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "job_id": job.id,
        "mode": job.mode,
        "status": job.status,
        "submitted": job.submitted,
        "updated": job.updated,
        "user_id": job.user_id,
        "consumed_credits": consumed,
    }
    texts = {"title": job.title, "description": job.description}
    return found | {name: text for name, text in texts.items() if text}


def _detail(job: Job, consumed: float) -> dict[str, Any]:
    output = {} if job.output is None else {"output": job.output}
    return {**_summary(job, consumed), "process_graph": job.process_graph, **output}


def _bounds(text: str) -> tuple[float, float, float, float]:
    try:
        xmin, ymin, xmax, ymax = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidParameter("bbox must be xmin,ymin,xmax,ymax in units of crs", locator="bbox") from error
    return xmin, ymin, xmax, ymax


def _size(text: str | None, name: str) -> int:
    if not text:
        raise MissingParameter(f"a bbox needs {name}: how many pixels it is divided into", locator=name)
    if not (text.isascii() and text.isdecimal() and int(text[:10]) > 0 and len(text) < 10):
        raise InvalidParameter(f"{name} must be a positive whole number", locator=name)
    return int(text)
