"""What the handlers of the job API work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ogcserver.batch.service import Batches
from ogcserver.cube import Block, View
from ogcserver.encode.formats import Format, find_format
from ogcserver.encode.table_formats import DEFAULT_TABLE, TableFormat, find_table_format, table_formats
from ogcserver.engine.describe import Description
from ogcserver.engine.explain import Explanation
from ogcserver.engine.exports import Exports
from ogcserver.engine.limits import Limits
from ogcserver.errors import (
    ArgumentInvalid,
    CollectionNotFound,
    FormatOptionInvalid,
    ProcessUnsupported,
    StoredGraphNotFound,
)
from ogcserver.graph.limits import GraphLimits
from ogcserver.graph.model import Process
from ogcserver.jobs.access import user_of
from ogcserver.jobs.compiled import Compiled
from ogcserver.jobs.compiler import Compile
from ogcserver.jobs.layers import resampling_of
from ogcserver.jobs.model import Job
from ogcserver.jobs.store import JobStore
from ogcserver.openeo.bodies import Json, Output, read_object
from ogcserver.ows.address import base_url
from ogcserver.plan.expr import Expr
from ogcserver.sources.base import Collection, CollectionInfo
from ogcserver.udf.capability import NO_RUNNER
from ogcserver.udf.runner import Capability
from ogcserver.users.accounts import Users
from ogcserver.users.files import UserFiles
from ogcserver.users.usage import Usage
from ogcserver.zonal.service import Tables

API_VERSION = "0.3.0"


class Computer(Protocol):
    """What this API needs of :class:`ogcserver.engine.service.Engine`."""

    @property
    def limits(self) -> Limits: ...

    def versions(self, plan: Expr) -> tuple[str, ...]: ...

    async def evaluate(self, plan: Expr, view: View) -> Block: ...

    async def describe(self, plan: Expr) -> Description: ...

    async def explain(self, plan: Expr, view: View) -> Explanation: ...


class Archive(Protocol):
    """The collections of all catalogues. Blocks."""

    def list(self) -> tuple[CollectionInfo, ...]: ...

    def get(self, collection_id: str) -> Collection:
        """
        Raises:
            CollectionNotFound: no such collection.
        """
        ...


class Confined(Protocol):
    """What runs user-defined functions."""

    @property
    def capability(self) -> Capability:
        """Whether they can be run, and why not. Blocks, the first time."""
        ...


@dataclass(frozen=True)
class Link:
    """Something else that this server offers, named in GET /."""

    title: str
    path: str
    """From the root of the server."""
    media_type: str = "text/xml"


@dataclass(frozen=True, eq=False)
class Backend:
    """The rest of the program, as the handlers see it."""

    store: JobStore
    compile_graph: Compile
    compiled: Compiled
    """The plans of jobs, shared with the catalogue of layers."""
    engine: Computer
    exports: Exports
    archive: Archive
    processes: Mapping[str, Process]
    formats: Mapping[str, Format]
    limits: GraphLimits
    service_types: tuple[str, ...]
    """Lower case, such as ``wmts``; each is served at ``/services/{service_id}/{type}``."""
    users: Users
    files: UserFiles
    usage: Usage
    batches: Batches
    links: tuple[Link, ...] = ()
    public_url: str = ""
    services_public: bool = True
    """Whether services are public unless the request says otherwise."""
    udfs: Confined = NO_RUNNER

    def base(self, request: Request) -> str:
        """Where clients reach the root of this server, without a slash at the end."""
        return base_url(request, self.public_url)

    def user(self, request: Request) -> str:
        """Whose request it is.

        Raises:
            CredentialsMissing, CredentialsInvalid, TokenInvalid: nobody's that is known.
        """
        return user_of(request)

    async def body(self, request: Request) -> Json:
        return await read_object(request, self.limits)

    async def compile(self, graph: object, user_id: str) -> Expr:
        """The plan of a graph in a request.

        Raises:
            GraphError: it does not compile. A name in it that does not exist is a fault of the graph, too.
        """
        try:
            return await run_in_threadpool(self.compile_graph, graph, user_id)
        except CollectionNotFound as error:
            raise ArgumentInvalid(error.message, locator=error.locator) from error
        except StoredGraphNotFound as error:
            raise ProcessUnsupported(error.message, locator=error.locator) from error

    async def plan(self, job: Job) -> Expr:
        """The plan of a stored job."""
        return await run_in_threadpool(lambda: self.compiled.plan(job, self.store.revision()))

    @cached_property
    def tables(self) -> Tables:
        return Tables(self.engine, self.exports.scratch)

    def check_output(self, output: Output, plan: Expr) -> Format | TableFormat:
        """The format of an output that suits the plan's result; see :meth:`format_for`, :meth:`table_format_for`."""
        return self.table_format_for(output) if plan.type.zonal else self.format_for(output, plan)

    def table_format_for(self, output: Output) -> TableFormat:
        """The file format of a table; GPKG where none is named.

        Raises:
            FormatUnsupported, FormatOptionUnsupported, FormatOptionInvalid: there is no such format or option.
        """
        named = output.sent is not None and output.sent.get("format")
        wanted = find_table_format(table_formats(), output.format if named else DEFAULT_TABLE)
        wanted.layout(output.options)
        _check_resampling(output)
        return wanted

    def format_for(self, output: Output, plan: Expr) -> Format:
        """The file format of an output, once it is known to suit the plan's result.

        Raises:
            FormatUnsupported, FormatOptionUnsupported, FormatOptionInvalid: it does not.
        """
        wanted = find_format(self.formats, output.format)
        wanted.check(output.options, plan.type)
        _check_resampling(output)
        return wanted


def _check_resampling(output: Output) -> None:
    if output.resampling is not None and resampling_of({"resampling": output.resampling}) is None:
        raise FormatOptionInvalid("resampling must be nearest, bilinear, cubic or average", locator="resampling")
