"""Bad graphs are refused with the cause, at the path of the node that is at fault."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ogcserver.errors import (
    ArgumentInvalid,
    ArgumentMissing,
    ArgumentUnsupported,
    CollectionNotFound,
    CoordinateError,
    CrsError,
    GraphError,
    GraphInvalid,
    GraphMissing,
    GraphTooLarge,
    MixedArray,
    OgcServerError,
    ProcessUnsupported,
    StoredGraphNotFound,
)
from ogcserver.graph.limits import GraphLimits, loads
from tests.fakes import compiled, node, product, utm_archive

ARCHIVE = utm_archive()
LIMITS = GraphLimits()
UTM = product()


def refused(graph: object, cause: type[OgcServerError], locator: str | None, **stored: Any) -> str:
    with pytest.raises(cause) as caught:
        compiled(ARCHIVE, graph, stored)
    assert type(caught.value) is cause
    assert caught.value.locator == locator
    assert 0 < len(caught.value.message) < 1000
    return caught.value.message


@pytest.mark.parametrize(
    "text", [b"", b"{", b"nonsense", b"{'a': 1}", b'{"a": 1,}', b"[1 2]", b'"\xff"', b"\xff\xfe", b'{"a"']
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(GraphInvalid):
        loads(text, LIMITS)


@pytest.mark.parametrize("text", [b"NaN", b'{"a": [1, NaN]}', b"Infinity", b"-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(text: bytes) -> None:
    with pytest.raises(GraphInvalid, match="JSON number"):
        loads(text, LIMITS)


def test_a_huge_document_is_refused_by_its_size() -> None:
    with pytest.raises(GraphTooLarge, match="bytes"):
        loads(b" " * (LIMITS.max_bytes + 1), LIMITS)
    assert loads(b" " * (LIMITS.max_bytes - 2) + b"[]", LIMITS) == []


@pytest.mark.parametrize("text", [b"[" * 10_000, b'{"a":' * 10_000, b"[" * 10_000 + b"]" * 10_000, b"[" * 500_000])
def test_deep_documents_are_refused_without_recursion(text: bytes) -> None:
    with pytest.raises(GraphTooLarge, match="deeper"):
        loads(text, LIMITS)


def test_brackets_inside_of_texts_do_not_count() -> None:
    text = json.dumps({"a": '[{"\\' * 5000}).encode()
    assert loads(text, LIMITS) == {"a": '[{"\\' * 5000}


@pytest.mark.parametrize("text", [b'"' * 200_001, b'"\\' * 100_000, b'{"a": "' + b"\\" * 200_000])
def test_unclosed_texts_are_refused_in_time(text: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(GraphInvalid):
        loads(text, LIMITS)
    assert time.perf_counter() - start < 2.0


@pytest.mark.parametrize("digits", [400, 4400, 100_000])
def test_absurd_numbers_do_no_harm(digits: int) -> None:
    graph = (
        b'{"process_id": "filter_bands", "args": {"imagery": {"product_id": "utm"}, "bands": ' + b"9" * digits + b"}}"
    )
    with pytest.raises(GraphError):
        compiled(ARCHIVE, loads(graph, LIMITS))
    start = (
        b'{"process_id": "filter_bbox", "args": {"imagery": {"product_id": "utm"}, "right": 1, "top": 2, "bottom": 3, '
    )
    graph = start + b'"left": ' + b"9" * digits + b"}}"
    with pytest.raises((GraphError, CoordinateError)):
        compiled(ARCHIVE, loads(graph, LIMITS))


def nested(depth: int) -> dict[str, Any]:
    graph: dict[str, Any] = UTM
    for _ in range(depth):
        graph = node("filter_bands", imagery=graph, bands=["v"])
    return graph


def test_ten_thousand_nested_nodes_are_refused_not_fatal() -> None:
    text = (
        b'{"process_id":"filter_bands","args":{"bands":["v"],"imagery":' * 10_000
        + b'{"product_id":"utm"}'
        + b"}}" * 10_000
    )
    with pytest.raises(GraphTooLarge):
        loads(text, LIMITS)
    with pytest.raises(GraphTooLarge):
        compiled(ARCHIVE, nested(10_001))


def test_deep_graphs_within_the_limits_compile() -> None:
    text = json.dumps(nested(LIMITS.max_depth)).encode()
    assert compiled(ARCHIVE, loads(text, LIMITS)).type.names == ("v",)
    assert compiled(ARCHIVE, nested(5_000)).type.names == ("v",)


def test_a_missing_graph() -> None:
    refused(None, GraphMissing, "process_graph")


@pytest.mark.parametrize("graph", [[], "text", 5, 1.5, True, {}, {"args": {}}, {"process": "NDVI"}, [UTM]])
def test_what_is_no_node(graph: object) -> None:
    refused(graph, GraphInvalid, "process_graph")


@pytest.mark.parametrize(
    ("graph", "locator"),
    [
        ({"process_id": 5, "args": {}}, "process_graph.process_id"),
        ({"process_id": "NDVI", "args": []}, "process_graph.args"),
        ({"process_id": "NDVI", "args": {}, "extra": 1}, "process_graph"),
        ({"product_id": "utm", "args": {}}, "process_graph"),
        ({"product_id": "utm", "process_id": "NDVI"}, "process_graph"),
        (node("min_time", imagery={**UTM, "x": 1}), "process_graph.args.imagery"),
        (node("union", collection=[UTM, {"process_id": "NDVI", "x": 1}]), "process_graph.args.collection[1]"),
    ],
)
def test_nodes_hold_their_members_and_nothing_else(graph: object, locator: str) -> None:
    refused(graph, GraphInvalid, locator)


def test_an_unknown_collection() -> None:
    refused(node("min_time", imagery=product("atlantis")), CollectionNotFound, "process_graph.args.imagery.product_id")
    refused({"product_id": 5}, ArgumentInvalid, "process_graph.product_id")


def test_an_unknown_process_comes_with_a_suggestion() -> None:
    message = refused(node("min_tme", imagery=UTM), ProcessUnsupported, "process_graph.process_id")
    assert "min_time" in message
    inner = node("max_time", imagery=node("x" * 10_000, imagery=UTM))
    refused(inner, ProcessUnsupported, "process_graph.args.imagery.process_id")


BOX = {"left": 11, "right": 12, "top": 47, "bottom": 46}


def test_an_unknown_argument() -> None:
    message = refused(
        node("NDVI", imagery=UTM, red="v", nir="w", blue="x"), ArgumentUnsupported, "process_graph.args.blue"
    )
    assert "nir" in message


@pytest.mark.parametrize("name", ["left", "right", "top", "bottom", "imagery"])
@pytest.mark.parametrize("absent", ["missing", "null"])
def test_a_missing_argument(name: str, absent: str) -> None:
    args = {"imagery": UTM, **BOX}
    args.pop(name) if absent == "missing" else args.update({name: None})
    refused({"process_id": "filter_bbox", "args": args}, ArgumentMissing, f"process_graph.args.{name}")


@pytest.mark.parametrize(
    ("graph", "name"),
    [
        (node("filter_bbox", imagery=UTM, **{**BOX, "left": "11"}), "left"),
        (node("filter_bbox", imagery=UTM, **{**BOX, "left": True}), "left"),
        (node("filter_bbox", imagery=UTM, **{**BOX, "left": [11]}), "left"),
        (node("filter_bbox", imagery=UTM, **{**BOX, "left": {}}), "left"),
        (node("filter_bbox", imagery=UTM, **{**BOX, "right": 11}), "left"),
        (node("filter_bbox", imagery=UTM, **{**BOX, "top": 46}), "top"),
        (node("filter_bbox", imagery=UTM, **BOX, srs=4326), "srs"),
        (node("filter_bbox", imagery="utm", **BOX), "imagery"),
        (node("filter_bbox", imagery={}, **BOX), "imagery"),
        (node("filter_bbox", imagery=[UTM], **BOX), "imagery"),
        (node("filter_daterange", imagery=UTM, from_="yesterday"), "from"),
        (node("filter_daterange", imagery=UTM, to="2017-02-30"), "to"),
        (node("filter_daterange", imagery=UTM, from_=20170101), "from"),
        (node("filter_daterange", imagery=UTM, from_="2017-02-01", to="2017-01-01"), "to"),
        (node("filter_daterange", imagery=UTM, to="9999-12-31"), "to"),
        (node("filter_daterange", imagery=UTM, from_="0001-01-01T00:00:00+14:00"), "from"),
        (node("filter_daterange", imagery=node("min_time", imagery=UTM), from_="2017-01-01"), "imagery"),
        (node("min_time", imagery=node("max_time", imagery=UTM)), "imagery"),
        (node("filter_bands", imagery=UTM), "bands"),
        (node("filter_bands", imagery=UTM, bands=[]), "bands"),
        (node("filter_bands", imagery=UTM, bands="nope"), "bands"),
        (node("filter_bands", imagery=UTM, bands=["v", "v"]), "bands"),
        (node("filter_bands", imagery=UTM, bands=["v"], names=["red"]), "names"),
        (node("filter_bands", imagery=UTM, bands=True), "bands"),
        (node("filter_bands", imagery=UTM, bands={"a": 1}), "bands"),
        (node("filter_bands", imagery=UTM, wavelengths=500), "wavelengths"),
        (node("NDVI", imagery=UTM), "red"),
        (node("NDVI", imagery=UTM, red="v", nir="nope"), "nir"),
        (node("NDVI", imagery=UTM, red=["v"], nir="w"), "red"),
        (node("NDVI", imagery=UTM, red=1.5, nir="w"), "red"),
        (node("band_arithmetic", imagery=UTM, expr=[]), "expr"),
        (node("band_arithmetic", imagery=UTM, expr=5), "expr"),
        (node("band_arithmetic", imagery=UTM, expr="v +"), "expr"),
        (node("band_arithmetic", imagery=UTM, expr="v + nope"), "expr"),
        (node("band_arithmetic", imagery=UTM, expr=["v"] * 257), "expr"),
        (node("band_arithmetic", imagery=UTM, expr="__import__('os')"), "expr"),
        (node("union", collection=[]), "collection"),
        (node("union", collection=UTM), "collection"),
        (node("union", collection=["utm"]), "collection"),
        (node("union", collection=[UTM, node("min_time", imagery=UTM)]), "collection"),
    ],
)
def test_an_argument_of_the_wrong_kind_or_out_of_range(graph: object, name: str) -> None:
    refused(graph, ArgumentInvalid, f"process_graph.args.{name}")


@pytest.mark.parametrize("bands", [["v", 1], ["v", None], ["v", True], ["v", ["w"]], ["v", {}]])
def test_an_array_of_several_types(bands: list[Any]) -> None:
    refused(node("filter_bands", imagery=UTM, bands=bands), MixedArray, "process_graph.args.bands")


@pytest.mark.parametrize("srs", ["EPSG:999999", "nonsense", "", "x" * 100_000])
def test_an_unknown_crs(srs: str) -> None:
    refused(node("filter_bbox", imagery=UTM, **BOX, srs=srs), CrsError, "process_graph.args.srs")


@pytest.mark.parametrize(
    ("name", "value", "srs"),
    [("left", 652000, None), ("top", 91, None), ("bottom", 5161000, "EPSG:4326"), ("right", 1e300, "EPSG:32632"),
     ("right", float("nan"), None), ("right", float("inf"), "EPSG:32632")],
)  # fmt: skip
def test_coordinates_that_the_crs_cannot_have(name: str, value: float, srs: str | None) -> None:
    args = {**BOX, name: value} | ({"srs": srs} if srs else {})
    refused(node("filter_bbox", imagery=UTM, **args), CoordinateError, f"process_graph.args.{name}")


def test_a_stored_graph_that_is_not_there() -> None:
    refused({"process_id": "/user/none", "args": {"imagery": UTM}}, StoredGraphNotFound, "process_graph")
    refused(node("process_graph", imagery=UTM), ArgumentMissing, "process_graph.args.uri")
    refused(node("process_graph", imagery=UTM, uri=5), ArgumentInvalid, "process_graph.args.uri")
    refused(
        node("process_graph", imagery=UTM, uri="http://example.com/g"), StoredGraphNotFound, "process_graph.args.uri"
    )
    refused(node("process_graph", imagery=5, uri="g"), ArgumentInvalid, "process_graph.args.imagery", g=UTM)


def test_an_argument_that_a_stored_graph_does_not_have() -> None:
    stored = {"process_id": "/user/g", "args": {"imagery": UTM, "typo": 1}}
    refused(stored, ArgumentUnsupported, "process_graph.args.typo", g=UTM)


def test_errors_in_a_stored_graph_name_it() -> None:
    bad = node("min_time", imagery=node("NDVI", imagery=UTM, red="nope", nir="v"))
    refused(node("process_graph", uri="/user/bad"), ArgumentInvalid, "/user/bad.args.imagery.args.red", bad=bad)


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"process_id": f"/user/{name}", "args": args}


def test_stored_graphs_in_a_circle() -> None:
    message = refused(call("a"), GraphInvalid, "/user/a", a=call("a"))
    assert "a -> a" in message
    message = refused(call("a"), GraphInvalid, "/user/b", a=call("b"), b=call("a"))
    assert "a -> b -> a" in message
    grown = node("filter_bands", imagery=UTM, bands=["v"])
    refused(call("a", imagery=UTM), GraphInvalid, "/user/a", a=call("a", imagery=grown))


def test_stored_graphs_in_a_long_chain() -> None:
    chain = {f"g{number}": call(f"g{number + 1}") for number in range(2000)}
    refused(call("g0"), GraphTooLarge, "/user/g49", **chain)


def test_more_nodes_than_allowed() -> None:
    wide = node("union", collection=[UTM] * 10_001)
    with pytest.raises(GraphTooLarge):
        compiled(ARCHIVE, wide)
