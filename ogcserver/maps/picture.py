"""From a placed picture to an HTTP answer, whatever the protocol that asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ogcserver.cube import Block, View
from ogcserver.encode.jpeg import encode_jpeg
from ogcserver.encode.png import encode_png
from ogcserver.encode.style import Style
from ogcserver.engine.service import Rendered
from ogcserver.errors import InvalidParameter
from ogcserver.plan.expr import Expr

MEDIA_TYPES = {"image/png": "png", "image/jpeg": "jpg"}
"""Media types of pictures, and the extension that stands for each in addresses."""
_SPELLINGS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "image/jpg": "image/jpeg"}


def picture_type(text: str) -> str:
    """The media type that a media type or file extension means.

    Raises:
        InvalidParameter: there are no such pictures.
    """
    name = _SPELLINGS.get(text.lower(), text.lower())
    if name not in MEDIA_TYPES:
        raise InvalidParameter(f"there are no pictures of type {text[:40]!r}: ask for {' or '.join(MEDIA_TYPES)}")
    return name


@dataclass(frozen=True)
class Painter:
    """Makes a picture file of a block."""

    media_type: str
    """image/png or image/jpeg."""
    style: Style

    @property
    def token(self) -> str:
        """Equal for painters that write alike."""
        return f"{self.media_type} {self.style.token}"

    def __call__(self, block: Block) -> bytes:
        if self.media_type == "image/jpeg":
            return encode_jpeg(block, self.style)
        return encode_png(block, self.style)


class Renderer(Protocol):
    """What is needed of the engine."""

    async def render(self, plan: Expr, view: View, encoder: Painter) -> Rendered: ...

    async def etag(self, plan: Expr, view: View, encoder: Painter) -> str: ...


@dataclass(frozen=True, eq=False)
class Pictures:
    """Answers with pictures.

    A client may keep a tile, but by default it has to ask before it shows it again: a job may leave on-demand mode or
    get another graph at any moment, and asking costs no computation (304). ``max_age`` seconds without asking trade
    that for fewer requests.
    """

    engine: Renderer
    max_age: int = 0

    async def answer(self, request: Request, plan: Expr, view: View, painter: Painter) -> Response:
        """The picture, or 304 where the client has it (RFC 9110, 13.1.2); then nothing is computed."""
        if asked := request.headers.get("if-none-match"):
            etag = await self.engine.etag(plan, view, painter)
            if _names(asked, etag):
                return Response(status_code=304, headers=self._headers(etag))
        rendered = await self.engine.render(plan, view, painter)
        return Response(rendered.body, media_type=painter.media_type, headers=self._headers(rendered.etag))

    def _headers(self, etag: str) -> dict[str, str]:
        control = f"public, max-age={self.max_age}, must-revalidate" if self.max_age else "no-cache"
        return {"etag": f'"{etag}"', "cache-control": control}


def _names(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names the tag, compared weakly."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or f'"{etag}"' in tags
