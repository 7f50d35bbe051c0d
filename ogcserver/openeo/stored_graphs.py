"""Process graphs that users keep, to look at them again and to use them in other graphs."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.errors import GraphInvalid
from ogcserver.graph.lower import STORED_PREFIX, references
from ogcserver.openeo.backend import Backend
from ogcserver.openeo.bodies import Json as Object
from ogcserver.openeo.bodies import graph_of
from ogcserver.openeo.responses import Json, no_content


class StoredGraphs:
    """Handlers of /process_graphs."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.store = backend, backend.store

    async def validate(self, request: Request) -> Response:
        await self._valid_graph(request)
        return no_content()

    async def listing(self, request: Request) -> Response:
        return Json(list(await run_in_threadpool(self.store.graphs, self.backend.user(request))))

    async def create(self, request: Request) -> Response:
        graph = await self._valid_graph(request)
        identifier = await run_in_threadpool(self.store.add_graph, self.backend.user(request), graph)
        headers = {"location": f"{self.backend.base(request)}/process_graphs/{identifier}"}
        return Json({"process_graph_id": identifier}, headers=headers)

    async def read(self, request: Request) -> Response:
        name = request.path_params["process_graph_id"]
        return Json(await run_in_threadpool(self.store.graph, name, self.backend.user(request)))

    async def replace(self, request: Request) -> Response:
        graph, name = await self._valid_graph(request), request.path_params["process_graph_id"]
        await run_in_threadpool(self._check_circle, name, graph, self.backend.user(request))
        await run_in_threadpool(self.store.change_graph, name, graph, self.backend.user(request))
        return no_content()

    def _check_circle(self, name: str, graph: Object, user_id: str) -> None:
        """
        Raises:
            GraphInvalid: under this name the graph would contain itself.
        """
        seen: set[str] = set()
        waiting = set(references(graph))
        while waiting:
            other = waiting.pop()
            if other == name:
                raise GraphInvalid(f"the graph would contain itself, through {STORED_PREFIX}{name}")
            seen.add(other)
            if "://" not in other:  # circles over other hosts are found where they are compiled
                waiting |= references(self.store.graph(other, user_id)) - seen

    async def delete(self, request: Request) -> Response:
        name = request.path_params["process_graph_id"]
        await run_in_threadpool(self.store.delete_graph, name, self.backend.user(request))
        return no_content()

    async def _valid_graph(self, request: Request) -> Object:
        user = self.backend.user(request)
        graph = graph_of(await self.backend.body(request))
        await self.backend.compile(graph, user)
        return graph
