"""Request bodies of the job API. Members that the API does not know are ignored, null counts as absent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from ogcserver.encode.formats import DEFAULT_FORMAT
from ogcserver.errors import GraphInvalid, GraphMissing, GraphTooLarge, InvalidParameter, MissingParameter
from ogcserver.graph.limits import GraphLimits, loads

Json = Mapping[str, Any]
T = TypeVar("T")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Output:
    """The ``output`` of a job: a file format and its options, and how pixels are resampled while they are read."""

    format: str = DEFAULT_FORMAT
    options: Json = field(default_factory=dict)
    """Without ``format`` and ``resampling``."""
    resampling: str | None = None
    sent: Json | None = None
    """As the client sent it; None: it did not."""

    @classmethod
    def of(cls, sent: Json | None) -> Output:
        """
        Raises:
            InvalidParameter: ``format`` or ``resampling`` is not a text.
        """
        if sent is None:
            return cls()
        format_name = _member(sent, "format", str, "a text", "output.") or DEFAULT_FORMAT
        resampling = _member(sent, "resampling", str, "a text", "output.")
        options = {name: value for name, value in sent.items() if name not in ("format", "resampling")}
        return cls(_text(format_name, "output.format"), options, resampling, sent)


@dataclass(frozen=True)
class JobBody:
    """Of POST /jobs, POST /execute and PATCH /jobs/{job_id}."""

    process_graph: Any
    """As sent; None: absent. The compiler checks it."""
    output: Output
    title: str | None
    description: str | None

    @classmethod
    def of(cls, body: Json) -> JobBody:
        """
        Raises:
            InvalidParameter: a member is of the wrong type.
        """
        return cls(
            body.get("process_graph"),
            Output.of(_member(body, "output", dict, "an object")),
            _optional_text(body, "title"),
            _optional_text(body, "description"),
        )


@dataclass(frozen=True)
class ServiceBody:
    """Of POST /services and PATCH /services/{service_id}; older clients say ``type`` and ``args``."""

    job_id: str | None
    type: str | None
    """Lower case."""
    args: Json | None
    public: bool | None
    """Whether everybody may use the service; None: not said."""

    @classmethod
    def of(cls, body: Json) -> ServiceBody:
        """
        Raises:
            InvalidParameter: a member is of the wrong type.
        """
        kind = _optional_text(body, "service_type") or _optional_text(body, "type")
        args = _member(body, "service_args", dict, "an object")
        if args is None:
            args = _member(body, "args", dict, "an object")
        public = _member(body, "public", bool, "true or false")
        return cls(_optional_text(body, "job_id"), kind.lower() if kind else None, args, public)

    def required(self) -> tuple[str, str]:
        """Job and type.

        Raises:
            MissingParameter: one of them is absent.
        """
        if self.job_id is None:
            raise MissingParameter("job_id is missing: the job that the service shows", locator="job_id")
        if self.type is None:
            raise MissingParameter("service_type is missing", locator="service_type")
        return self.job_id, self.type


def graph_of(body: Json) -> Json:
    """The graph of a body that is one, or that holds one as its member ``process_graph``.

    Raises:
        GraphMissing: the body is empty.
        GraphInvalid: not an object.
    """
    graph = body if "process_id" in body or "product_id" in body else body.get("process_graph")
    if graph is None:
        raise GraphMissing("there is no process graph in the request", locator="process_graph")
    if not isinstance(graph, dict):
        raise GraphInvalid("a process graph must be an object", locator="process_graph")
    return graph


async def read_object(request: Request, limits: GraphLimits) -> Json:
    """The JSON object in a request's body; an empty body is an empty object.

    Raises:
        GraphTooLarge: more bytes or deeper nesting than the limits allow; no more than they allow is read.
        GraphInvalid: not JSON, or not an object.
    """
    content = await read_json(request, limits)
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise GraphInvalid("the body must be a JSON object")
    return content


async def read_json(request: Request, limits: GraphLimits) -> Any:
    """The JSON in a request's body; None for an empty one.

    Raises:
        GraphTooLarge, GraphInvalid: see :func:`read_object`.
    """
    text = await _read(request, limits.max_bytes)
    content = loads(text, limits) if text.strip() else None
    try:
        json.dumps(content, allow_nan=False)
    except ValueError as error:  # 1e999 is read as infinity, which no later answer could write
        raise GraphInvalid("the body holds a number that is too large") from error
    return content


async def _read(request: Request, limit: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> GraphTooLarge:
    return GraphTooLarge(f"the body has more than the {limit} bytes that are allowed")


def _member(body: Json, name: str, kind: type[T], wanted: str, prefix: str = "") -> T | None:
    value = body.get(name)
    if value is None or isinstance(value, kind):
        return value
    raise InvalidParameter(f"{name} must be {wanted}", locator=prefix + name)


def _optional_text(body: Json, name: str) -> str | None:
    value = _member(body, name, str, "a text")
    return None if value is None else _text(value, name)


def _text(value: str, name: str) -> str:
    """The text, if a database can store it."""
    if len(value) > _LONGEST_TEXT or _UNSTORABLE.search(value):
        raise InvalidParameter(f"{name} is longer than {_LONGEST_TEXT} characters, or not plain text", locator=name)
    return value
