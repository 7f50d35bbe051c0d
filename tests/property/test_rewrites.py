"""Rewrites change neither pixels nor schema; binding does no more than needed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from ogcserver.cube import View
from ogcserver.graph.compile import compile_graph
from ogcserver.plan.expr import postorder
from ogcserver.plan.nodes import BandMath, FilterBbox, FilterTemporal
from ogcserver.plan.rewrite import REWRITES
from ogcserver.plan.steps import Compute, Read
from tests.fakes import compiled, node, product
from tests.property.strategies import PLACES, archive, assert_same, bound, cases, graphs, pixels

Case = tuple[dict[str, Any], View]
CONTEXT = archive().context()


@settings(max_examples=150, deadline=None)
@given(cases(), st.lists(st.sampled_from(REWRITES), unique=True))
def test_any_subset_of_the_rewrites_gives_equal_pixels_and_schema(case: Case, chosen: list[Any]) -> None:
    graph, view = case
    note(f"{graph}")
    plain = compile_graph(graph, CONTEXT, ())
    rewritten = compile_graph(graph, CONTEXT, [rewrite for rewrite in REWRITES if rewrite in chosen])
    assert rewritten.type == plain.type
    assert_same(pixels(rewritten, view), pixels(plain, view))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_all_rewrites_give_the_pixels_of_none(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    assert_same(pixels(compile_graph(graph, CONTEXT), view), pixels(compile_graph(graph, CONTEXT, ()), view))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES).flatmap(graphs))
def test_tokens_survive_a_json_round_trip(graph: dict[str, Any]) -> None:
    again = json.loads(json.dumps(graph))
    assert compiled(archive(), again).token == compiled(archive(), graph).token


@settings(max_examples=60, deadline=None)
@given(cases(), st.data())
def test_tokens_differ_when_the_graph_differs(case: Case, data: st.DataObject) -> None:
    graph, _ = case
    plan = compile_graph(graph, CONTEXT, ())
    tokens = {item.token: item for item in postorder(plan)}
    assert len(tokens) == len(list(postorder(plan)))
    wrapped = compile_graph(node("band_arithmetic", imagery=graph, expr=[plan.type.names[0] + " + 1.25"]), CONTEXT, ())
    other = compile_graph(
        node("band_arithmetic", imagery=graph, expr=[plan.type.names[0] + " + 1.250001"]), CONTEXT, ()
    )
    assert len({plan.token, wrapped.token, other.token}) == 3


BASE = node("filter_bbox", imagery=product(), left=11, right=12, top=46, bottom=47)


@pytest.mark.parametrize(
    "change",
    [
        {"left": 11.000001}, {"right": 12.5}, {"srs": "EPSG:4258"}, {"imagery": product("zones")},
        {"imagery": node("filter_bands", imagery=product(), bands=["v", "w"])},
    ],
)  # fmt: skip
def test_token_differs_when_one_argument_differs(change: dict[str, Any]) -> None:
    other = {**BASE, "args": {**BASE["args"], **change}}
    assert compiled(archive(), BASE).token != compiled(archive(), other).token


def test_token_is_the_same_for_spellings_of_one_graph() -> None:
    reordered = dict(reversed(BASE["args"].items()))
    swapped = {
        **reordered,
        "left": 12.0,
        "right": 11.0,
        "top": 47.0,
        "bottom": 46.0,
        "srs": "urn:ogc:def:crs:EPSG::4326",
    }
    assert compiled(archive(), {**BASE, "args": swapped}).token == compiled(archive(), BASE).token


@settings(max_examples=100, deadline=None)
@given(cases())
def test_binding_emits_each_step_once_and_inputs_first(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    steps = bound(compiled(archive(), graph), view).steps
    for number, step in enumerate(steps):
        assert all(used < number for used in step.inputs)
    computed = [(step.node.token, step.view) for step in steps if isinstance(step, Compute) and step.node]
    assert len(set(computed)) == len(computed)
    read = [(step.load.token, step.view) for step in steps if isinstance(step, Read) and step.load]
    assert len(set(read)) == len(read)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_last_uses_name_the_last_consumer(case: Case) -> None:
    graph, view = case
    made = bound(compiled(archive(), graph), view)
    for number, last in enumerate(made.last_use):
        consumers = [other for other, step in enumerate(made.steps) if number in step.inputs]
        assert last == max(consumers, default=number)
    released = [number for step in made.releases() for number in step]
    assert sorted([*released, *set(made.slices)]) == list(range(len(made.steps)))


@settings(max_examples=100, deadline=None)
@given(cases())
def test_reads_ask_for_no_band_that_nothing_uses(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    steps = bound(compiled(archive(), graph), view).steps
    used: dict[int, set[str]] = {}
    for step in steps:
        for number in step.inputs:
            if isinstance(step, Compute) and isinstance(step.node, BandMath):
                wanted = set(step.node.needed(step.view.bands).bands)
            else:
                wanted = set(step.view.bands)
            used.setdefault(number, set()).update(wanted)
    for number, step in enumerate(steps):
        if isinstance(step, Read) and number in used and used[number] & set(step.view.bands):
            assert set(step.view.bands) <= used[number]
        elif isinstance(step, Read) and number in used:
            assert len(step.view.bands) == 1  # only the shape is used


@settings(max_examples=60, deadline=None)
@given(cases())
def test_dates_and_repeated_boxes_are_pushed_into_the_loads(case: Case) -> None:
    graph, _ = case
    plan = compiled(archive(), graph)
    assert not any(isinstance(item, FilterTemporal) for item in postorder(plan))
    outer, top = [], plan
    while isinstance(top, FilterBbox):
        outer.append(top.region)
        top = top.data
    assert not any(isinstance(item, FilterBbox) and item.region in outer for item in postorder(top))


@given(cases())
@settings(max_examples=60, deadline=None)
def test_asking_for_fewer_bands_reads_no_more(case: Case) -> None:
    graph, view = case
    plan = compiled(archive(), graph)
    fewer = replace(view, bands=view.bands[:1])

    def volume(want: View) -> int:
        return sum(len(step.view.bands) for step in bound(plan, want).steps if isinstance(step, Read))

    assert volume(fewer) <= volume(view)
