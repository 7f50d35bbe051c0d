"""Answers of the job API: JSON, and the choice between media types."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Answer = Callable[[Request], Awaitable[Response]]


class Json(Response):
    """A JSON answer, ASCII only: clients may have stored texts that UTF-8 cannot carry (halves of surrogate pairs)."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Resource:
    """All methods of one path, as an ASGI application; other methods answer 405 and say which there are."""

    def __init__(self, **methods: Answer) -> None:
        self._methods = methods | ({"HEAD": methods["GET"]} if "GET" in methods else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        answer = self._methods.get(request.method)
        if answer is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self._methods)})
        response = await answer(request)
        await response(scope, receive, send)


def no_content() -> Response:
    return Response(status_code=204)


def preferred(accept: str, offers: Sequence[str]) -> str:
    """The media type that the Accept header likes best; the first one when it is silent or likes none.

    Source: RFC 9110, 12.5.1.
    """
    ranked = sorted(offers, key=lambda offer: -_quality(accept, offer))
    return ranked[0]


def _quality(accept: str, offer: str) -> float:
    """The weight of the most specific range of the header that holds the media type."""
    best = (-1, 0.0)
    for item in accept.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        specific = {offer: 2, offer.partition("/")[0] + "/*": 1, "*/*": 0}.get(name)
        if specific is not None:
            best = max(best, (specific, _weight(parameters)))
    return best[1]


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
