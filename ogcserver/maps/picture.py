"""From a placed picture to an HTTP answer, whatever the protocol that asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ogcserver.cube import Block, View
from ogcserver.encode.geotiff import encode_geotiff
from ogcserver.encode.npy import encode_npy
from ogcserver.encode.paint import paint
from ogcserver.encode.pictures import encode_picture
from ogcserver.encode.style import Style
from ogcserver.encode.terrain import encode_terrain
from ogcserver.engine.service import Rendered
from ogcserver.errors import InvalidParameter
from ogcserver.maps.remembered import remember
from ogcserver.plan.expr import Expr

MEDIA_TYPES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif"}
"""Media types of pictures, and the extension that stands for each in addresses."""
GEOTIFF, NPY, TERRARIUM = "image/tiff; application=geotiff", "application/x-npy", "image/png; mode=terrarium"
VALUE_TYPES = {GEOTIFF: "tif", NPY: "npy", TERRARIUM: "terrain"}
"""The same of tiles that hold the values of the style's bands, for colouring by the client."""
_SPELLINGS = {
    **{extension: name for name, extension in (MEDIA_TYPES | VALUE_TYPES).items()},
    **{"".join(name.split()): name for name in VALUE_TYPES},
    "jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/tiff": GEOTIFF,
    "tiff": GEOTIFF,
}


def picture_type(text: str) -> str:
    """The media type that a media type or file extension means.

    Raises:
        InvalidParameter: there are no such pictures.
    """
    name = "".join(text.lower().split())
    name = _SPELLINGS.get(name, name)
    if name not in MEDIA_TYPES and name not in VALUE_TYPES:
        there_are = ", ".join((*MEDIA_TYPES, *VALUE_TYPES))
        raise InvalidParameter(f"there are no pictures of type {text[:40]!r}: ask for one of {there_are}")
    return name


@dataclass(frozen=True)
class Painter:
    """Makes a picture file, or one of values, of a block."""

    media_type: str
    """One of MEDIA_TYPES or VALUE_TYPES."""
    style: Style

    @property
    def token(self) -> str:
        """Equal for painters that write alike."""
        return f"{self.media_type} {self.style.bands if self.of_values else self.style.token}"

    @property
    def of_values(self) -> bool:
        """Whether it writes values, not colours."""
        return self.media_type in VALUE_TYPES

    def view(self, view: View) -> View:
        """What to compute for a picture over ``view``: with the pixels around it that a hillshade needs."""
        halo = 0 if self.of_values else self.style.halo
        return view.on(view.grid.padded(halo)) if halo else view

    def __call__(self, block: Block) -> bytes:
        """The picture of a block that was computed for :meth:`view`."""
        if self.media_type == GEOTIFF:
            return encode_geotiff(block)
        if self.media_type == NPY:
            return encode_npy(block)
        if self.media_type == TERRARIUM:
            return encode_terrain(block)
        return encode_picture(paint(block, self.style, self.style.halo), self.media_type)


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
        """The picture over a view, or 304 where the client has it; then nothing is computed."""
        view = painter.view(view)
        if request.headers.get("if-none-match"):
            etag = await self.engine.etag(plan, view, painter)
            if self.known(request, etag):
                return Response(status_code=304, headers=self.headers(etag))
        rendered = await self.engine.render(plan, view, painter)
        response = Response(rendered.body, media_type=painter.media_type, headers=self.headers(rendered.etag))
        if rendered.complete:
            remember(request, plan, response, rendered.etag)
        return response

    def made(self, request: Request, body: bytes, media_type: str, etag: str) -> Response:
        """A picture that is there already, or 304 where the client has it."""
        if self.known(request, etag):
            return Response(status_code=304, headers=self.headers(etag))
        return Response(body, media_type=media_type, headers=self.headers(etag))

    def known(self, request: Request, etag: str) -> bool:
        """Whether the client has what the tag stands for.  Source: RFC 9110, 13.1.2, compared weakly."""
        if request.method not in ("GET", "HEAD"):
            return False
        tags = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        return "*" in tags or f'"{etag}"' in tags

    def headers(self, etag: str) -> dict[str, str]:
        """Of an answer with that tag."""
        control = f"public, max-age={self.max_age}, must-revalidate" if self.max_age else "no-cache"
        return {"etag": f'"{etag}"', "cache-control": control}
