"""Values of parameters: names, boxes, sizes, colours, media types.  Source: OGC 06-042 clauses 6.8, 7.3.3 and 7.4.3."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ogcserver.encode.overlay import Colour
from ogcserver.errors import InvalidParameter
from ogcserver.maps.picture import MEDIA_TYPES, picture_type
from ogcserver.ows.kvp import Kvp, choice, integer, number

LAYER_LIMIT = 20
"""So many layers may be on one map, or in another request."""
_WHITE: Colour = (255, 255, 255)


def map_type(text: str) -> str:
    """The media type of a map. Parameters behind it, such as ``; mode=8bit``, do not matter.

    Raises:
        InvalidParameter: there are no such maps.
    """
    name = picture_type(text.partition(";")[0].strip())
    if name not in MEDIA_TYPES:
        raise InvalidParameter(f"there are no maps of type {text[:40]!r}: ask for {', '.join(MEDIA_TYPES)}")
    return name


def background(kvp: Kvp) -> Colour | None:
    """What shows where a map has no pixels; None where that is to be transparent.

    Raises:
        InvalidParameter: TRANSPARENT or BGCOLOR cannot be read.
    """
    shown = kvp.optional("BGCOLOR", colour) or _WHITE
    return None if kvp.optional("TRANSPARENT", choice("TRUE", "FALSE")) == "TRUE" else shown


def items(text: str) -> tuple[str, ...]:
    """What stands between commas, empty items too."""
    return tuple(part.strip() for part in text.split(","))


def layer_names(text: str) -> tuple[str, ...]:
    """Names of layers; one may stand more than once, in several styles for instance.

    Raises:
        InvalidParameter: more than :data:`LAYER_LIMIT`.
    """
    names = items(text)
    if len(names) > LAYER_LIMIT:
        raise InvalidParameter(f"a request has at most {LAYER_LIMIT} layers, not {len(names)}")
    return names


def style_names(kvp: Kvp, layers: tuple[str, ...]) -> tuple[str, ...]:
    """A style for each layer, "" for the default one.

    Raises:
        InvalidParameter: more or fewer styles than layers.
    """
    styles = kvp.optional("STYLES", items) or ()
    if not any(styles):
        return ("",) * len(layers)
    if len(styles) != len(layers):
        message = f"STYLES must name one style for each of {len(layers)} layers (or none at all), not {len(styles)}"
        raise InvalidParameter(message, locator="STYLES")
    return styles


def corners(text: str) -> tuple[float, float, float, float]:
    """The numbers of a box, lower corner first.

    Raises:
        InvalidParameter: not four of them, or a box without area.
    """
    parts = [number(part) for part in text.split(",")]
    if len(parts) != 4:
        raise InvalidParameter(f"BBOX has four numbers, not {len(parts)}")
    first, second, third, fourth = parts
    if not (first < third and second < fourth):
        raise InvalidParameter("BBOX: each minimum must be below its maximum")
    return first, second, third, fourth


@dataclass(frozen=True)
class Edge:
    """Reads a width or height in pixels."""

    most: int

    def __call__(self, text: str) -> int:
        edge = integer(text)
        if not 1 <= edge <= self.most:
            raise InvalidParameter(f"a picture is 1 to {self.most} pixels wide and high, not {edge}")
        return edge


def pixel_index(kvp: Kvp, name: str, size: int) -> int:
    """A column or row of a picture.

    Raises:
        MissingParameter: absent.
        InvalidParameter: not a whole number, or outside of the picture.
    """
    index = kvp.one(name, integer)
    if not 0 <= index < size:
        raise InvalidParameter(f"{name} must be 0 to {size - 1}, not {index}", locator=name)
    return index


def feature_count(text: str) -> int:
    """FEATURE_COUNT; 1 for whatever is not a positive whole number (06-042 clause 7.4.3.7)."""
    return max(1, int(text)) if re.fullmatch("[0-9]{1,9}", text) else 1


def colour(text: str) -> Colour:
    """A colour such as 0xFF8000.

    Raises:
        InvalidParameter: anything else.
    """
    match = re.fullmatch("(?:0[xX]|#)([0-9a-fA-F]{6})", text)
    if not match:
        raise InvalidParameter(f"{text[:40]!r} is not a colour such as 0xFF8000")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue
