"""What the server offers: endpoints, formats, collections, processes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.encode.formats import describe_formats
from ogcserver.encode.table_formats import table_formats
from ogcserver.errors import ProcessNotFound, UdfLanguageUnsupported
from ogcserver.openeo.backend import API_VERSION, Backend
from ogcserver.openeo.descriptions import (
    CollectionQuery,
    collection_description,
    collection_summary,
    process_description,
    process_summaries,
)
from ogcserver.openeo.responses import Json
from ogcserver.udf.descriptions import runtimes, udf_description
from ogcserver.udf.runner import Capability


class Discovery:
    """Handlers of everything that only describes.

    Args:
        endpoints: paths that GET / lists.
    """

    def __init__(self, backend: Backend, endpoints: Sequence[str]) -> None:
        self.backend, self.endpoints = backend, tuple(endpoints)

    async def root(self, request: Request) -> Response:
        base = self.backend.base(request)
        links = [{"rel": "self", "title": "Job API", "href": f"{base}/", "type": Json.media_type}]
        links += [
            {"rel": "related", "title": link.title, "href": base + link.path, "type": link.media_type}
            for link in self.backend.links
        ]
        return Json({"version": API_VERSION, "endpoints": list(self.endpoints), "links": links})

    async def services(self, request: Request) -> Response:
        return Json(list(self.backend.service_types))

    async def output_formats(self, request: Request) -> Response:
        return Json(describe_formats([*self.backend.formats.values(), *table_formats().values()]))

    async def collections(self, request: Request) -> Response:
        query = CollectionQuery.of(request.query_params)
        found = await run_in_threadpool(self.backend.archive.list)
        return Json([collection_summary(info) for info in found if query.selects(info)])

    async def collection(self, request: Request) -> Response:
        found = await run_in_threadpool(lambda: self.backend.archive.get(request.path_params["product_id"]).info)
        return Json(collection_description(found))

    async def processes(self, request: Request) -> Response:
        wanted = request.query_params.get("qname", "")
        return Json(process_summaries(self.backend.processes.values(), wanted))

    async def process(self, request: Request) -> Response:
        name = request.path_params["process_id"]
        if name not in self.backend.processes:
            raise ProcessNotFound(f"there is no process {name[:80]!r}")
        return Json(process_description(self.backend.processes[name]))

    async def udf_runtimes(self, request: Request) -> Response:
        return Json(runtimes((await self._capability()).available))

    async def udf_type(self, request: Request) -> Response:
        capability = await self._capability()
        if not capability.available:
            raise UdfLanguageUnsupported(capability.refusal)
        return Json(udf_description(request.path_params["lang"], request.path_params["udf_type"]))

    async def _capability(self) -> Capability:
        return await run_in_threadpool(lambda: self.backend.udfs.capability)
