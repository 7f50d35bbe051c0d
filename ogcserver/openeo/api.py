"""The job API as an application of its own, served from the root of the server."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ogcserver.openeo.accounts import UserAccounts
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.batch import BatchJobs
from ogcserver.openeo.discovery import Discovery
from ogcserver.openeo.errors import exception_handlers
from ogcserver.openeo.files import UserFolder
from ogcserver.openeo.jobs import Jobs
from ogcserver.openeo.responses import Resource
from ogcserver.openeo.results import Results
from ogcserver.openeo.services import Services
from ogcserver.openeo.stored_graphs import StoredGraphs


class OpenEoApi:
    """Routes of the job API, openEO 0.3.0."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def app(self) -> Starlette:
        """The application. It answers every path, so it must come after those of other protocols."""
        return Starlette(routes=self.routes(), exception_handlers=exception_handlers())

    def routes(self) -> list[BaseRoute]:
        """All routes. GET / lists the path of each but the downloads, to which links lead."""
        resources = {**self._jobs(), **self._graphs(), **self._services(), **self._users()}
        described = self._discovery(list(resources))
        routes: list[BaseRoute] = [Route(path, resource) for path, resource in {**described, **resources}.items()]
        batches = BatchJobs(self.backend)
        return [
            *routes,
            Route("/jobs/{job_id}/on_demand/result.{extension}", Resource(GET=Results(self.backend).download)),
            Route("/jobs/{job_id}/batch/results/{name}", Resource(GET=batches.file)),
            WebSocketRoute("/jobs/{job_id}/subscribe", batches.subscribe),
        ]

    def _discovery(self, others: list[str]) -> dict[str, Resource]:
        paths = (
            "/", "/capabilities/services", "/capabilities/output_formats", "/data", "/data/{product_id}",
            "/processes", "/processes/{process_id}", "/udf_runtimes", "/udf_runtimes/{lang}/{udf_type}",
        )  # fmt: skip
        handlers = Discovery(self.backend, [*paths, *others])
        answers = (
            handlers.root, handlers.services, handlers.output_formats, handlers.collections, handlers.collection,
            handlers.processes, handlers.process, handlers.udf_runtimes, handlers.udf_type,
        )  # fmt: skip
        return {path: Resource(GET=answer) for path, answer in zip(paths, answers, strict=True)}

    def _jobs(self) -> dict[str, Resource]:
        handlers, results, batches = Jobs(self.backend), Results(self.backend), BatchJobs(self.backend)
        return {
            "/execute": Resource(POST=results.execute),
            "/jobs/execute": Resource(POST=results.execute),
            "/jobs": Resource(GET=handlers.listing, POST=handlers.create),
            "/jobs/{job_id}": Resource(GET=handlers.read, PATCH=handlers.change, DELETE=handlers.delete),
            "/jobs/{job_id}/on_demand": Resource(POST=handlers.start, DELETE=handlers.stop),
            "/jobs/{job_id}/on_demand/download": Resource(GET=results.links),
            "/jobs/{job_id}/batch": Resource(POST=batches.queue, DELETE=batches.stop),
            "/jobs/{job_id}/batch/download": Resource(GET=batches.links),
            "/jobs/{job_id}/explain": Resource(GET=handlers.explain),
        }

    def _graphs(self) -> dict[str, Resource]:
        handlers = StoredGraphs(self.backend)
        return {
            "/process_graphs/validate": Resource(POST=handlers.validate),
            "/process_graphs": Resource(GET=handlers.listing, POST=handlers.create),
            "/process_graphs/{process_graph_id}": Resource(
                GET=handlers.read, PUT=handlers.replace, DELETE=handlers.delete
            ),
        }

    def _services(self) -> dict[str, Resource]:
        handlers = Services(self.backend)
        return {
            "/services": Resource(GET=handlers.listing, POST=handlers.create),
            "/services/{service_id}": Resource(GET=handlers.read, PATCH=handlers.change, DELETE=handlers.delete),
        }

    def _users(self) -> dict[str, Resource]:
        accounts, folder = UserAccounts(self.backend), UserFolder(self.backend)
        file = Resource(GET=folder.read, PUT=folder.store, DELETE=folder.delete)
        return {
            "/auth/login": Resource(GET=accounts.login),
            "/auth/register": Resource(POST=accounts.register),
            "/credits": Resource(GET=accounts.credits),
            "/files/{user_id}": Resource(GET=folder.listing),
            "/files/{user_id}/{path:path}": file,
            "/users/{user_id}/files": Resource(GET=folder.listing),
            "/users/{user_id}/files/{path:path}": file,
        }
