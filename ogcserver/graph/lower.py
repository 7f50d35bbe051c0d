"""The 0.3 dialect lowered to plan nodes: every node checked, stored graphs put in, equal subtrees made one.

A graph of this dialect is a tree ``{"process_id": ID, "args": {NAME: VALUE}}`` with ``{"product_id": ID}`` as leaves. A
document is walked with a stack, never by recursion; a stored graph is lowered once for each input that it is given,
so the cost grows with the number of distinct nodes however often they are shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ogcserver.errors import (
    ArgumentInvalid,
    ArgumentMissing,
    ArgumentUnsupported,
    CollectionNotFound,
    GraphError,
    GraphInvalid,
    GraphTooLarge,
    MixedArray,
    ProcessUnsupported,
    StoredGraphNotFound,
)
from ogcserver.graph.model import Argument, BandName, Context, Process, Scope
from ogcserver.plan.expr import Expr
from ogcserver.plan.nodes import Load

STORED_PREFIX = "/user/"
UDF_PREFIX = "/udf/"
_REFERENCE = "process_graph"
_STORED_DEPTH = 50
"""Stored graphs inside stored graphs, at most."""


class Lowering:
    """Lowers documents against one context; remembers what it has lowered."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._nodes: dict[str, Expr] = {}  # by token: equal nodes are one
        self._bands: dict[str, BandName] = {}
        self._expanded: dict[tuple[str, str], Expr] = {}  # by stored graph and token of its imagery
        self._count = 0

    def document(self, graph: object, path: str, imagery: Expr | None = None, inside: tuple[str, ...] = ()) -> Expr:
        """The plan of one document.

        Args:
            path: names the document in errors.
            imagery: takes the place of every image collection of a stored graph; None: they stay.
            inside: the stored graphs that led here, outermost first.
        """
        results: dict[int, Expr] = {}  # by identity of the JSON node, which ``graph`` keeps alive
        stack: list[tuple[Any, str, bool]] = [(graph, path, False)]
        while stack:
            node, where, expanded = stack.pop()
            if expanded:
                results[id(node)] = self._node(node, where, results, imagery, inside)
                continue
            self._count += 1
            if self._count > self._context.limits.max_nodes:
                raise GraphTooLarge(f"the graph has more than {self._context.limits.max_nodes} nodes", locator=where)
            stack.append((node, where, True))
            stack.extend((child, at, False) for child, at in reversed(_children(node, where)))
        return results[id(graph)]

    def _node(
        self, node: Any, where: str, results: Mapping[int, Expr], imagery: Expr | None, inside: tuple[str, ...]
    ) -> Expr:
        if "product_id" in node:
            made = imagery if imagery is not None else self._load(node, where)
        elif stored := _stored_name(node, where):
            arguments = node.get("args", {})
            taken = {"imagery", "uri"} if node["process_id"] == _REFERENCE else {"imagery"}
            if extra := next((name for name in arguments if name not in taken), None):
                message = f"a stored graph takes imagery only, not {extra[:80]!r}"
                raise ArgumentUnsupported(message, locator=f"{where}.args.{extra[:80]}")
            given = arguments.get("imagery")
            if given is not None and not _is_node(given):
                raise ArgumentInvalid(
                    "imagery must be a process or an image collection", locator=f"{where}.args.imagery"
                )
            made = self._stored(stored, results[id(given)] if given is not None else imagery, where, inside)
        else:
            process = self._process(node, where)
            arguments = _arguments(process, node, where, results)
            made = process.build(Scope(where, arguments, self._bands, self._context.regions))
        return self._nodes.setdefault(made.token, made)

    def _load(self, node: Mapping[str, Any], where: str) -> Expr:
        product = node["product_id"]
        if not isinstance(product, str):
            raise ArgumentInvalid("product_id must be a text", locator=f"{where}.product_id")
        try:
            bands = self._context.collections.bands(product)
        except CollectionNotFound as error:
            raise CollectionNotFound(error.message, locator=f"{where}.product_id") from error
        for band in bands:
            self._bands.setdefault(band.band.name, band)
        return Load(product, tuple(band.band for band in bands))

    def _process(self, node: Mapping[str, Any], where: str) -> Process:
        name = node["process_id"]
        if name.startswith(UDF_PREFIX):
            try:
                return self._context.functions.process(name)
            except GraphError as error:
                raise type(error)(error.message, locator=f"{where}.process_id") from error
        process = self._context.processes.get(name)
        if process is None:
            close = get_close_matches(name, self._context.processes, 3)
            hint = f"did you mean {' or '.join(close)}?" if close else "GET /processes lists what there is"
            raise ProcessUnsupported(f"there is no process {name[:80]!r}; {hint}", locator=f"{where}.process_id")
        return process

    def _stored(self, name: str, imagery: Expr | None, where: str, inside: tuple[str, ...]) -> Expr:
        """A stored graph; the imagery that it is given takes the place of its image collections."""
        if name in inside:
            circle = " -> ".join((*inside, name))
            raise GraphInvalid(f"stored graphs contain each other in a circle: {circle}", locator=where)
        if len(inside) >= _STORED_DEPTH:
            raise GraphTooLarge(f"stored graphs nest deeper than {_STORED_DEPTH}", locator=where)
        key = (name, imagery.token if imagery is not None else "")
        if key not in self._expanded:
            outside = "://" in name
            try:
                graph = self._context.stored.graph(name)
            except (StoredGraphNotFound, GraphError) as error:
                raise type(error)(error.message, locator=f"{where}.args.uri" if outside else where) from error
            origin = name if outside else f"{STORED_PREFIX}{name}"
            self._expanded[key] = self.document(graph, origin, imagery, (*inside, name))
        return self._expanded[key]


def references(graph: object) -> frozenset[str]:
    """The stored graphs that a document names, those of other hosts by their addresses.

    Raises:
        GraphError: not a graph.
    """
    found = set()
    stack = [(graph, "process_graph")]
    while stack:
        node, where = stack.pop()
        stack.extend(_children(node, where))
        if "process_id" in node:  # type: ignore[operator]
            found.add(_stored_name(node, where))  # type: ignore[arg-type]
    return frozenset(found - {""})


def _is_node(value: object) -> bool:
    return isinstance(value, dict) and ("process_id" in value or "product_id" in value)


def _children(node: Any, where: str) -> list[tuple[Any, str]]:
    """The nodes directly below a node, with their paths; checks the node's own structure.

    Raises:
        GraphInvalid: not a node.
    """
    if not isinstance(node, dict):
        raise GraphInvalid("a node must be an object with process_id and args, or with product_id", locator=where)
    allowed = {"product_id"} if "product_id" in node else {"process_id", "args"}
    if not allowed & {"product_id"} and "process_id" not in node:
        raise GraphInvalid("a node needs a process_id or a product_id", locator=where)
    if extra := set(node) - allowed:
        names = ", ".join(sorted(map(str, extra)))[:200]
        raise GraphInvalid(f"a node holds {' and '.join(sorted(allowed))} and nothing else, not {names}", locator=where)
    if "process_id" in node and not isinstance(node["process_id"], str):
        raise GraphInvalid("process_id must be a text", locator=f"{where}.process_id")
    arguments = node.get("args", {})
    if not isinstance(arguments, dict):
        raise GraphInvalid("args must be an object", locator=f"{where}.args")
    found: list[tuple[Any, str]] = []
    for name, value in arguments.items():
        at = f"{where}.args.{name}"
        if _is_node(value):
            found.append((value, at))
        elif isinstance(value, list):
            found.extend((item, f"{at}[{index}]") for index, item in enumerate(value) if _is_node(item))
    return found


def _stored_name(node: Mapping[str, Any], where: str) -> str:
    """The stored graph that the node refers to: its identifier, or the address of one elsewhere; "" for a process."""
    name: str = node["process_id"]
    if name.startswith(STORED_PREFIX):
        return name.removeprefix(STORED_PREFIX)
    if name != _REFERENCE:
        return ""
    uri = node.get("args", {}).get("uri")
    if uri is None:
        raise ArgumentMissing("process_graph needs uri: the stored graph's id or path", locator=f"{where}.args.uri")
    if not isinstance(uri, str):
        raise ArgumentInvalid("uri must be a text", locator=f"{where}.args.uri")
    return uri if "://" in uri else uri.rstrip("/").rpartition("/")[2]


def _arguments(process: Process, node: Mapping[str, Any], where: str, results: Mapping[int, Expr]) -> Mapping[str, Any]:
    given = node.get("args", {})
    for name in given:
        if process.argument(name) is None:
            names = ", ".join(argument.name for argument in process.arguments)
            message = f"{process.id} has no argument {name[:80]!r}; it takes {names}"
            raise ArgumentUnsupported(message, locator=f"{where}.args.{name[:80]}")
    values: dict[str, Any] = {}
    for argument in process.arguments:
        at = f"{where}.args.{argument.name}"
        value = given.get(argument.name)
        if value is not None:
            values[argument.name] = _value(argument, value, at, results)
        elif argument.required:
            raise ArgumentMissing(f"{process.id} needs {argument.name}: {argument.description}", locator=at)
    return values


def _value(argument: Argument, value: Any, where: str, results: Mapping[int, Expr]) -> Any:
    if argument.kind == "cube":
        if not _is_node(value):
            raise ArgumentInvalid(f"{argument.name} must be a process or an image collection", locator=where)
        return _pixels(argument, results[id(value)], where)
    if argument.kind == "cubes":
        if not (isinstance(value, list) and value and all(map(_is_node, value))):
            raise ArgumentInvalid(f"{argument.name} must be a list of processes or image collections", locator=where)
        return tuple(_pixels(argument, results[id(item)], where) for item in value)
    if isinstance(value, list) and len({_json_type(item) for item in value}) > 1:
        raise MixedArray(f"{argument.name} mixes values of several types", locator=where)
    if argument.kind == "number" and _json_type(value) != "number":
        raise ArgumentInvalid(f"{argument.name} must be a number", locator=where)
    if argument.kind == "text" and not isinstance(value, str):
        raise ArgumentInvalid(f"{argument.name} must be a text", locator=where)
    if argument.kind == "texts":
        return _texts(argument, value, where)
    return value


def _pixels(argument: Argument, cube: Expr, where: str) -> Expr:
    if cube.type.zonal:
        message = f"{argument.name} must be an image: zonal_statistics makes a table, so it must be the last process"
        raise ArgumentInvalid(message, locator=where)
    return cube


def _texts(argument: Argument, value: Any, where: str) -> tuple[str, ...]:
    """One text or several; a number counts as its text, since band identifiers are often numbers."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(_json_type(item) in ("string", "number") for item in items):
        raise ArgumentInvalid(f"{argument.name} must be a text, a number, or a list of them", locator=where)
    return tuple(str(item) for item in items)


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else type(value).__name__
