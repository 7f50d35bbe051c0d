"""DescribeEOCoverageSet: the scenes behind coverages.

A job is a dataset series, and the items of the catalogues that its graph loads are the datasets. They are described,
but no coverages of their own: what is delivered is what the job makes of them. So the application profile, which wants
GetCoverage of each dataset, is not advertised.

Source: OGC 10-140r1 clause 8.4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ogcserver.engine.scenes import Scene
from ogcserver.errors import JobNotFound, NotOnDemand
from ogcserver.jobs.layers import Layer
from ogcserver.ows.soap import soap_response
from ogcserver.ows.xml import xml_response
from ogcserver.plan.expr import Expr
from ogcserver.wcs.codes import UnknownEoId
from ogcserver.wcs.delivery import Call
from ogcserver.wcs.eo_documents import coverage_set
from ogcserver.wcs.eo_requests import DescribeEoCoverageSet

Scenes = Callable[[Expr], Awaitable[tuple[Scene, ...]]]
"""Finds the scenes that a plan's result is made of."""


async def no_scenes(plan: Expr) -> tuple[Scene, ...]:
    """What a service without catalogues knows."""
    return ()


async def describe_set(call: Call, scenes: Scenes) -> Response:
    """The operation.

    Raises:
        UnknownEoId: no such series; the locator is its identifier.
    """
    ask = DescribeEoCoverageSet.from_kvp(call.kvp)
    series = [await _series(call, identifier) for identifier in ask.series]
    found: dict[tuple[str, str], Scene] = {}
    for layer in series:
        wanted = filter(ask.wants, await scenes(layer.plan))
        found |= {(scene.collection, scene.id): scene for scene in wanted}
    document = await run_in_threadpool(coverage_set, series, tuple(found.values()), ask.count, ask.sections)
    return soap_response(document) if call.soap else xml_response(document)


async def _series(call: Call, identifier: str) -> Layer:
    try:
        return await call.layers.get(identifier)
    except (JobNotFound, NotOnDemand) as error:
        raise UnknownEoId(f"there is no series {identifier[:60]!r}", locator=identifier[:60]) from error
