"""The API definition, made of the table of operations.  Source: OpenAPI 3.0.3; OGC 19-072 clause 9."""

from __future__ import annotations

from typing import Any

from ogcserver.ogcapi.codes import MEDIA_TYPE
from ogcserver.ogcapi.links import Json
from ogcserver.ogcapi.maps import MAX_EDGE
from ogcserver.ogcapi.negotiate import HTML
from ogcserver.ogcapi.operations import OPERATIONS, Operation
from ogcserver.ows.identification import Identification

_LIMITS = {"x-OGC-limits": {"maps": {"maxWidth": MAX_EDGE, "maxHeight": MAX_EDGE}}}
VERSION = "1.0.0"
"""Of the API."""
_TAGS = {
    "About": "The service itself",
    "Data": "On-demand jobs as collections",
    "Maps": "Pictures of any box",
    "Tiles": "Pictures cut by tile matrix sets",
    "Coverages": "Values",
}
_FAILURES = {
    "400": "A parameter cannot be used",
    "401": "Credentials are missing",
    "403": "Credentials are not accepted",
    "404": "There is no such thing, or nothing of it there or then",
    "406": "There is no representation that Accept allows",
    "413": "More pixels than the operator allows",
    "500": "A fault of the program",
    "502": "A source of data does not answer",
    "503": "Too many requests wait",
    "504": "It takes longer than the operator allows",
}
_PICTURE_OR_FILE = {"type": "string", "format": "binary"}


def definition(who: Identification, base: str) -> Json:
    """The document.

    Args:
        base: address of the landing page.
    """
    return {
        "openapi": "3.0.3",
        "info": {"title": who.title, "description": who.abstract, "version": VERSION, **_LIMITS},
        "servers": [{"url": base}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": {operation.path or "/": {"get": _operation(operation)} for operation in OPERATIONS},
        "components": {
            "schemas": {"document": {"type": "object"}, "problem": _PROBLEM},
            "responses": {status: _problem(text) for status, text in _FAILURES.items()},
        },
    }


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "parameter": {"type": "string"},
    },
}


def _problem(text: str) -> Json:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}}}


def _operation(operation: Operation) -> Json:
    good = {
        "description": operation.summary,
        "content": {one.media_type: _content(one.media_type) for one in operation.offers},
    }
    failures = {status: {"$ref": f"#/components/responses/{status}"} for status in _FAILURES}
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [one.described() for one in operation.parameters],
        "responses": {"200": good, "304": {"description": "The client has it"}, **failures},
    }


def _content(media_type: str) -> Json:
    if media_type == HTML:
        return {"schema": {"type": "string"}}
    if "json" in media_type:
        return {"schema": {"$ref": "#/components/schemas/document"}}
    return {"schema": _PICTURE_OR_FILE}
