"""On-demand jobs as layers, and how quickly they stop being ones."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ogcserver.engine.describe import Description
from ogcserver.errors import CollectionNotFound, GraphError, JobNotFound, NoTimeInRange, ServiceNotFound
from ogcserver.jobs.access import EVERYBODY, Caller
from ogcserver.jobs.catalogue import Catalogue
from ogcserver.jobs.layers import Endpoints, Layer, resampling_of
from ogcserver.jobs.store import JobStore
from ogcserver.plan.expr import Expr
from ogcserver.sources.memory import MemoryCollection
from tests.fakes import node, product
from tests.unit.jobs.servers import Server

GRAPH = node("min_time", imagery=product())
EMPTY = node(
    "min_time", imagery=node("filter_daterange", **{"imagery": product(), "from": "1999-01-01", "to": "1999-01-02"})
)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def started(store: JobStore, graph: Any = GRAPH, **more: Any) -> str:
    job = store.add_job("me", graph, **more)
    return store.set_mode(job.id, "on_demand", "running").id


def layer(server: Server, job_id: str) -> Layer:
    return asyncio.run(server.catalogue.root(EVERYBODY).get(job_id))


def listed(server: Server) -> list[str]:
    return [one.id for one in asyncio.run(server.catalogue.root(EVERYBODY).all())]


def test_it_is_what_protocols_ask(server: Server) -> None:
    endpoints: Endpoints = server.catalogue
    assert asyncio.run(endpoints.root(EVERYBODY).all()) == ()


def test_the_revision_of_an_endpoint_grows_with_every_write(server: Server) -> None:
    root = server.catalogue.root(EVERYBODY)
    before = asyncio.run(root.revision())
    job_id = started(server.store)
    assert asyncio.run(root.revision()) > before
    service = server.store.add_service("me", job_id, "wcs", {})
    own = asyncio.run(server.catalogue.of_service(service.id, "wcs", EVERYBODY))
    assert asyncio.run(own.revision()) == asyncio.run(root.revision())


def test_on_demand_jobs_are_layers(server: Server) -> None:
    first, second = started(server.store, title="One", description="Text"), started(server.store)
    server.store.add_job("me", GRAPH)
    assert listed(server) == [first, second]
    found = layer(server, first)
    assert (found.title, found.abstract, found.description.grid.width) == ("One", "Text", 700)
    assert layer(server, second).title == second
    assert found.plan.token == layer(server, second).plan.token


def test_layers_are_remembered_until_their_job_is_changed(server: Server) -> None:
    job_id = started(server.store)
    found = layer(server, job_id)
    server.store.add_job("me", GRAPH)
    assert layer(server, job_id) is found
    server.store.change_job(job_id, title="Another")
    assert layer(server, job_id).title == "Another"


class Describing:
    """Counts what an engine is asked to describe."""

    def __init__(self, server: Server) -> None:
        self.engine, self.plans, self.failing = server.engine, list[str](), ""

    async def __call__(self, plan: Expr) -> Description:
        self.plans.append(plan.token)
        if plan.token == self.failing:
            raise ZeroDivisionError
        return await self.engine.describe(plan)


class Later:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def catalogue(server: Server, describe: Describing, clock: Later | None = None) -> Catalogue:
    return Catalogue(server.store, server.backend.compile_graph, describe, 10.0, clock=clock or Later())


def all_of(found: Catalogue) -> tuple[Layer, ...]:
    return asyncio.run(found.root(EVERYBODY).all())


def test_a_listing_makes_anew_what_has_changed_and_nothing_else(server: Server) -> None:
    describe = Describing(server)
    found = catalogue(server, describe)
    first, second = started(server.store), started(server.store)
    before = all_of(found)
    third = started(server.store)
    server.store.change_job(first, title="Another")
    describe.plans.clear()
    after = all_of(found)
    assert [one.id for one in after] == [first, second, third]
    assert (after[0].title, after[1]) == ("Another", before[1])
    assert len(describe.plans) == 2
    assert [one.id for one in all_of(found)] == [first, second, third]
    assert len(describe.plans) == 2


def test_many_jobs_are_read_at_once(server: Server) -> None:
    jobs = [started(server.store, title=f"{number}") for number in range(70)]
    assert listed(server) == jobs
    server.store.delete_job(jobs.pop(30))
    assert listed(server) == jobs


def test_an_archive_that_grows_is_seen_after_a_while_and_one_that_does_not_leaves_the_layers_alone(
    server: Server,
) -> None:
    describe, clock = Describing(server), Later()
    found = catalogue(server, describe, clock)
    job_id = started(server.store)
    before = all_of(found)
    clock.now = 11.0
    assert all_of(found) == before
    assert len(describe.plans) == 2
    grown = server.archive.collections["utm"]
    assert isinstance(grown, MemoryCollection)
    newer = replace(grown.items[-1], id="newer", time="2018-06-01T10:00:00Z")
    server.archive.collections["utm"] = MemoryCollection(grown.info, [*grown.items, newer], revision="1")
    clock.now = 20.9
    assert all_of(found) == before
    clock.now = 22.0
    (after,) = all_of(found)
    assert after.id == job_id
    assert after.description.interval[1] > before[0].description.interval[1]
    assert after is asyncio.run(found.root(EVERYBODY).get(job_id))


def test_the_look_of_a_new_service_is_taken_where_the_job_has_none(server: Server) -> None:
    job_id = started(server.store)
    assert all_of(server.catalogue)[0].args == {}
    server.store.add_service("me", job_id, "wmts", {})
    service = server.store.add_service("me", job_id, "xyz", {"colormap": "magma"})
    assert all_of(server.catalogue)[0].args == layer(server, job_id).args == {"colormap": "magma"}
    server.store.delete_service(service.id)
    assert all_of(server.catalogue)[0].args == {}


def test_users_see_their_own_jobs(server: Server) -> None:
    job_id = started(server.store)
    other = Caller("somebody")
    assert layer(server, job_id)
    assert asyncio.run(server.catalogue.root(other).all()) == ()
    with pytest.raises(JobNotFound):
        asyncio.run(server.catalogue.root(other).get(job_id))
    assert listed(server) == [job_id]


def test_a_stopped_job_is_refused_at_once_by_every_process(tmp_path: Path) -> None:
    one, two = Server(tmp_path), Server(tmp_path)
    job_id = started(one.store)
    assert layer(one, job_id).id == layer(two, job_id).id == job_id
    one.store.set_mode(job_id, "none", "submitted")
    for server in (one, two):
        assert listed(server) == []
        with pytest.raises(JobNotFound, match="not in on-demand mode"):
            layer(server, job_id)


def test_a_changed_graph_is_served_at_once(tmp_path: Path) -> None:
    one, two = Server(tmp_path), Server(tmp_path)
    job_id = started(one.store)
    before = layer(two, job_id)
    one.store.change_job(job_id, process_graph=node("max_time", imagery=product()))
    assert layer(two, job_id).plan.token != before.plan.token


def test_a_changed_stored_graph_changes_the_jobs_that_use_it(server: Server) -> None:
    stored = server.store.add_graph("me", GRAPH)
    job_id = started(server.store, {"process_id": f"/user/{stored}", "args": {}})
    before = layer(server, job_id)
    server.store.change_graph(stored, node("max_time", imagery=product()))
    assert layer(server, job_id).plan.token != before.plan.token


def test_a_job_that_cannot_be_served_hides_no_other(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    broken, empty, good = started(server.store, node("nonsense")), started(server.store, EMPTY), started(server.store)
    with caplog.at_level(logging.WARNING):
        assert listed(server) == [good]
        assert listed(server) == [good]
    assert [name for name in (broken, empty) if name in caplog.text] == [broken, empty]
    assert len(caplog.records) == 2
    with pytest.raises(GraphError):
        layer(server, broken)
    with pytest.raises(NoTimeInRange):
        layer(server, empty)


def test_a_failure_nobody_foresaw_hides_no_other_job_either(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    describe = Describing(server)
    describe.failing = server.backend.compile_graph(node("max_time", imagery=product()), "me").token
    odd, good = started(server.store, node("max_time", imagery=product())), started(server.store)
    assert [one.id for one in all_of(catalogue(server, describe))] == [good]
    assert odd in caplog.text


def test_a_service_has_its_own_looks(server: Server) -> None:
    job_id = started(server.store, output={"format": "PNG", "colormap": "magma", "resampling": "bilinear"})
    service = server.store.add_service("me", job_id, "wmts", {"colormap": "viridis", "resampling": "Cubic"})

    async def ask() -> tuple[Layer, ...]:
        layers = await server.catalogue.of_service(service.id, "WMTS", EVERYBODY)
        assert (await layers.get(job_id)) is (await layers.all())[0]
        with pytest.raises(JobNotFound):
            await layers.get("j-0")
        return await layers.all()

    (found,) = asyncio.run(ask())
    assert (found.args["colormap"], found.resampling) == ("viridis", "cubic")
    own = layer(server, job_id)
    assert (dict(own.args), own.resampling) == ({"colormap": "magma", "resampling": "bilinear"}, "bilinear")


def test_services_that_answer_nothing(server: Server) -> None:
    job_id = started(server.store)
    service = server.store.add_service("me", job_id, "wmts", {})

    def ask(service_id: str, kind: str) -> Any:
        return asyncio.run(server.catalogue.of_service(service_id, kind, EVERYBODY))

    assert ask(service.id, "wmts")
    for name, kind in ((service.id, "wcs"), ("s-0", "wmts")):
        with pytest.raises(ServiceNotFound):
            ask(name, kind)
    server.store.set_mode(job_id, "none", "submitted")
    with pytest.raises(ServiceNotFound, match="stopped"):
        ask(service.id, "wmts")
    server.store.set_mode(job_id, "on_demand", "running")
    server.store.delete_job(job_id)
    with pytest.raises(ServiceNotFound):
        ask(service.id, "wmts")


def test_changed_arguments_are_served_at_once(tmp_path: Path) -> None:
    one, two = Server(tmp_path), Server(tmp_path)
    service = one.store.add_service("me", started(one.store), "wmts", {"colormap": "viridis"})

    def looks() -> Any:
        return asyncio.run(asyncio.wait_for(two.catalogue.of_service(service.id, "wmts", EVERYBODY), 10))

    assert asyncio.run(looks().all())[0].args == {"colormap": "viridis"}
    one.store.change_service(service.id, args={"colormap": "magma"})
    assert asyncio.run(looks().all())[0].args == {"colormap": "magma"}


def test_a_collection_that_is_gone_is_an_error_of_the_layer(server: Server) -> None:
    clock = Later()
    found = catalogue(server, Describing(server), clock)
    job_id = started(server.store)
    assert all_of(found)
    server.archive.collections.clear()
    clock.now = 11.0
    with pytest.raises(CollectionNotFound):
        asyncio.run(found.root(EVERYBODY).get(job_id))
    assert all_of(found) == ()


def test_resampling_is_read_without_regard_to_case() -> None:
    assert resampling_of({"Resampling": "AVERAGE"}) == "average"
    assert resampling_of({"resampling": "best"}) is None
    assert resampling_of({}) is None
