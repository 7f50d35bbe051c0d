"""Painted pixels to the bytes of a picture file, by media type."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ogcserver.encode.avif import avif_of
from ogcserver.encode.jpeg import jpeg_of
from ogcserver.encode.paint import Picture
from ogcserver.encode.png import png_of
from ogcserver.encode.webp import webp_of
from ogcserver.errors import FormatUnsupported


def picture_encoders() -> Mapping[str, Callable[[Picture], bytes]]:
    """Media type -> encoder."""
    return {"image/png": png_of, "image/jpeg": jpeg_of, "image/webp": webp_of, "image/avif": avif_of}


def encode_picture(picture: Picture, media_type: str) -> bytes:
    """
    Raises:
        FormatUnsupported: no such picture format.
        TooLarge: more pixels along an edge than the format has.
    """
    encoder = picture_encoders().get(media_type)
    if encoder is None:
        raise FormatUnsupported(f"there are no pictures of type {media_type[:60]!r}", locator="format")
    return encoder(picture)
