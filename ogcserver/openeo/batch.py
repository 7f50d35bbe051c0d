"""Batch jobs: queued, watched, stopped, and their results."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

import ogcserver.errors
from ogcserver.batch.model import Batch, Result
from ogcserver.batch.products import Product, product_of, raster_product
from ogcserver.batch.zonal import ZonalProduct
from ogcserver.errors import JobNotFound, JobStateError, OgcServerError
from ogcserver.jobs.access import user_of
from ogcserver.jobs.layers import resampling_of
from ogcserver.jobs.model import Job
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import Output
from ogcserver.openeo.downloads import (
    Download,
    file_response,
    is_known,
    links_response,
    metalink_response,
    stac_item,
    wants_metalink,
)
from ogcserver.openeo.errors import error_response, lookup, message_of
from ogcserver.openeo.responses import no_content
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import AggregateSpatial
from ogcserver.users.paths import paths_in

_LOOK_S = 0.5
"""How often a subscriber's job is looked at."""
_ITEM = "item.json"


class BatchJobs:
    """Handlers of /jobs/{job_id}/batch and /jobs/{job_id}/subscribe."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.batches = backend, backend.batches

    async def queue(self, request: Request) -> Response:
        """POST /jobs/{job_id}/batch: what cannot be computed is refused now. A job that waits or runs is left alone."""
        job = await self._job(request)
        if job.mode == "batch" and job.status in ("queued", "running"):
            return no_content()
        plan, output = await self.backend.compile(job.process_graph, job.user_id), Output.of(job.output)
        product = await self._product(plan, output)
        files = paths_in(job.process_graph, job.user_id)
        await run_in_threadpool(self.batches.queue, job, plan.token, product, files)
        return no_content()

    async def _product(self, plan: Expr, output: Output) -> Product:
        resampling = resampling_of({"resampling": output.resampling or "nearest"}) or "nearest"
        if isinstance(plan, AggregateSpatial):
            table = self.backend.table_format_for(output)
            survey, found = await self.backend.tables.plan(plan, resampling, table, output.options)
            return ZonalProduct.of(survey, found, table.name, output.options)
        written = self.backend.format_for(output, plan)
        found = await self.backend.engine.describe(plan)
        return raster_product(found, plan, written.name, output.options, resampling)

    async def stop(self, request: Request) -> Response:
        """DELETE /jobs/{job_id}/batch"""
        job = await self._job(request)
        if job.mode == "on_demand":
            raise JobStateError(f"job {job.id} is an on-demand job, not a batch job")
        await run_in_threadpool(self.batches.stop, job)
        return no_content()

    async def links(self, request: Request) -> Response:
        """GET /jobs/{job_id}/batch/download"""
        job, batch, result = await self._finished(request)
        folder = self._folder(request, job)
        if not wants_metalink(request):
            return links_response([f"{folder}/{result.name}", f"{folder}/{_ITEM}"])
        item = Download.of(f"{folder}/{_ITEM}", self._item(request, job, batch, result))
        return metalink_response([Download(f"{folder}/{result.name}", result.size, result.sha256), item])

    async def file(self, request: Request) -> Response:
        """GET /jobs/{job_id}/batch/results/{name}: the result, or its STAC item."""
        job, batch, result = await self._finished(request)
        name = request.path_params["name"]
        if name == _ITEM:
            body = self._item(request, job, batch, result)
            etag = f'"{Download.of("", body).sha256[:32]}"'
            if is_known(request, etag):
                return Response(status_code=304, headers={"etag": etag})
            return Response(body, media_type="application/geo+json", headers={"etag": etag})
        if name != result.name:
            raise HTTPException(404)
        path = self.batches.file(batch)
        if not await run_in_threadpool(path.is_file):
            raise HTTPException(404)
        extension = name.rpartition(".")[2]
        return file_response(request, path, result, f"{job.id}.{extension}")

    async def subscribe(self, socket: WebSocket) -> None:
        """WebSocket GET /jobs/{job_id}/subscribe: the job's state, now and whenever it or the progress changes.

        Each message is a JSON object: job_id, mode, status, updated and, of a batch job, what :meth:`state` says.
        Closed by the server when the job is deleted.
        """
        try:
            told = await self._told(socket)
        except OgcServerError as error:
            code, status = lookup(error)
            await socket.send_denial_response(error_response(code, status, message_of(error)))
            return
        await socket.accept()
        gone = asyncio.create_task(_disconnected(socket))
        try:
            await socket.send_json(told)
            while not (await asyncio.wait({gone}, timeout=_LOOK_S))[0]:
                before, told = told, await self._told(socket)
                if told != before:
                    await socket.send_json(told)
        except JobNotFound:
            await socket.close(1000, "the job is deleted")
        except WebSocketDisconnect:
            logging.getLogger(__name__).debug("a subscriber has left")
        finally:
            gone.cancel()

    async def state(self, job: Job) -> dict[str, Any]:
        """What a job's description says of its batch: ``progress`` {finished, total, seconds_left}, ``error``."""
        if job.mode != "batch":
            return {}
        return await run_in_threadpool(self._state, job)

    def _state(self, job: Job) -> dict[str, Any]:
        batch = self.batches.get(job.id)
        if batch is None:
            return {}
        told = self.batches.progress(batch)
        found: dict[str, Any] = {"progress": {"finished": told.finished, "total": told.total}}
        if told.seconds_left is not None:
            found["progress"]["seconds_left"] = round(told.seconds_left, 1)
        if told.incomplete:
            found["progress"]["incomplete"] = told.incomplete
        if batch.failure is not None:
            kind = getattr(ogcserver.errors, batch.failure.kind, OgcServerError)
            found["error"] = {"code": lookup(kind(batch.failure.message))[0], "message": batch.failure.message}
        return found

    async def _told(self, socket: WebSocket) -> dict[str, Any]:
        job = await run_in_threadpool(self.backend.store.job, socket.path_params["job_id"], user_of(socket))
        summary = {"job_id": job.id, "mode": job.mode, "status": job.status, "updated": job.updated}
        return summary | await self.state(job)

    async def _finished(self, request: Request) -> tuple[Job, Batch, Result]:
        job = await self._job(request)
        batch = await run_in_threadpool(self.batches.get, job.id)
        if job.mode != "batch" or batch is None or batch.result is None:
            raise JobStateError(f"job {job.id} has no batch result: POST /jobs/{job.id}/batch, and wait until finished")
        return job, batch, batch.result

    def _folder(self, request: Request, job: Job) -> str:
        return f"{self.backend.base(request)}/jobs/{job.id}/batch/results"

    def _item(self, request: Request, job: Job, batch: Batch, result: Result) -> bytes:
        return stac_item(job, result, product_of(batch.product), self._folder(request, job))

    async def _job(self, request: Request) -> Job:
        return await run_in_threadpool(
            self.backend.store.job, request.path_params["job_id"], self.backend.user(request)
        )


async def _disconnected(socket: WebSocket) -> None:
    """Returns when the client has left; what it says is ignored."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
