"""Web services over jobs, each with an endpoint of its own."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.encode.style_args import parse_styles
from ogcserver.errors import InvalidParameter, JobNotFound, ServiceTypeUnsupported
from ogcserver.jobs.layers import resampling_of
from ogcserver.jobs.model import Job, Service
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import Json as Object
from ogcserver.openeo.bodies import ServiceBody
from ogcserver.openeo.responses import Json, no_content

_COVERAGES = "wcs"
"""The one type of service that has no use for colours."""


class Services:
    """Handlers of /services."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.store = backend, backend.store

    async def listing(self, request: Request) -> Response:
        services = await run_in_threadpool(self.store.services, self.backend.user(request))
        return Json([self._detail(request, service) for service in services])

    async def create(self, request: Request) -> Response:
        user, body = self.backend.user(request), ServiceBody.of(await self.backend.body(request))
        job_id, kind = body.required()
        if kind not in self.backend.service_types:
            there_are = ", ".join(self.backend.service_types)
            raise ServiceTypeUnsupported(f"there are no services of type {kind[:32]!r}; there are {there_are}")
        await self._check_args(await self._job(job_id, user), kind, body.args or {})
        public = self.backend.services_public if body.public is None else body.public
        service = await run_in_threadpool(self.store.add_service, user, job_id, kind, body.args or {}, public)
        location = f"{self.backend.base(request)}/services/{service.id}"
        return Json(self._detail(request, service), headers={"location": location, "openeo-identifier": service.id})

    async def read(self, request: Request) -> Response:
        return Json(self._detail(request, await self._service(request)))

    async def change(self, request: Request) -> Response:
        """PATCH /services/{service_id}: other arguments, or another public; type and job are what makes it and stay."""
        service, body = await self._service(request), ServiceBody.of(await self.backend.body(request))
        if body.type not in (None, service.type):
            raise InvalidParameter(f"the type of a service stays {service.type}", locator="service_type")
        if body.job_id not in (None, service.job_id):
            raise InvalidParameter(f"the job of a service stays {service.job_id}", locator="job_id")
        if body.args is not None:
            await self._check_args(await self._job(service.job_id, service.user_id), service.type, body.args)
        changes = {name: value for name, value in (("args", body.args), ("public", body.public)) if value is not None}
        if changes:
            await run_in_threadpool(lambda: self.store.change_service(service.id, service.user_id, **changes))
        return no_content()

    async def delete(self, request: Request) -> Response:
        name = request.path_params["service_id"]
        await run_in_threadpool(self.store.delete_service, name, self.backend.user(request))
        return no_content()

    async def _check_args(self, job: Job, kind: str, args: Object) -> None:
        """
        Raises:
            InvalidParameter: a style or resampling that cannot be used.
            ServiceTypeUnsupported: the job's result is a table.
        """
        if any(name.lower() == "resampling" for name in args) and resampling_of(args) is None:
            raise InvalidParameter("resampling must be nearest, bilinear, cubic or average", locator="resampling")
        cube = (await self.backend.plan(job)).type
        if cube.zonal:
            raise ServiceTypeUnsupported("the job makes a table of regions, which no web service shows: download it")
        if kind != _COVERAGES:
            parse_styles(args, cube.bands)

    async def _job(self, job_id: str, user_id: str) -> Job:
        """The job that a body names: one that does not exist is a bad value there, not a missing page."""
        try:
            return await run_in_threadpool(self.store.job, job_id, user_id)
        except JobNotFound as error:
            raise InvalidParameter(error.message, locator="job_id") from error

    async def _service(self, request: Request) -> Service:
        return await run_in_threadpool(
            self.store.service, request.path_params["service_id"], self.backend.user(request)
        )

    def _detail(self, request: Request, service: Service) -> dict[str, Any]:
        return {
            "service_id": service.id,
            "service_url": f"{self.backend.base(request)}/services/{service.id}/{service.type}",
            "service_type": service.type,
            "service_args": service.args,
            "job_id": service.job_id,
            "submitted": service.submitted,
            "public": service.public,
        }
