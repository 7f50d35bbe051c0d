"""From what a client asks to the view that the engine renders. Source: OGC 07-057r7 clause 7.2."""

from __future__ import annotations

from collections.abc import Mapping

from ogcserver.cube import View
from ogcserver.encode.style import parse_style
from ogcserver.errors import InvalidParameter
from ogcserver.geo.tiles import MatrixSet, native_set
from ogcserver.jobs.layers import Layer
from ogcserver.timeline import is_whole_day, span, start_of, whole_days
from ogcserver.wmts.picture import Painter
from ogcserver.wmts.requests import GetTile

DEFAULT_STYLE = "default"
"""The one style of a layer: that of its service's arguments, or of its bands."""


def place(ask: GetTile, layer: Layer, standard: Mapping[str, MatrixSet]) -> tuple[View, Painter]:
    """What to compute for a tile, and how to paint it.

    Raises:
        InvalidParameter: no such style, set, matrix or time; the locator says which.
        TileOutOfRange: row or column beyond the matrix.
    """
    if ask.style.lower() != DEFAULT_STYLE:
        raise InvalidParameter(f"layer {layer.id} has no style {ask.style[:40]!r}: ask for default", locator="STYLE")
    grid = matrix_set(ask.matrix_set, layer, standard).matrix(ask.matrix).tile(ask.row, ask.col)
    style = parse_style(layer.args, layer.description.bands)
    times = chosen_time(layer.description.times, ask.time)
    return View(grid, style.bands, times, layer.resampling), Painter(ask.format, style)


def sets_of(layer: Layer, standard: Mapping[str, MatrixSet]) -> tuple[MatrixSet, ...]:
    """All sets that a layer has tiles for: the standard ones, and that of its native grid if its CRS has a code."""
    native = native_set(layer.description.grid)
    return (*standard.values(), native) if native else tuple(standard.values())


def matrix_set(identifier: str, layer: Layer, standard: Mapping[str, MatrixSet]) -> MatrixSet:
    """
    Raises:
        InvalidParameter: the layer has no such set.
    """
    if identifier in standard:  # most tiles; spares making the native set
        return standard[identifier]
    known = {one.id.lower(): one for one in sets_of(layer, standard)}
    if found := known.get(identifier.lower()):
        return found
    there_are = ", ".join(one.id for one in known.values())
    message = f"layer {layer.id} has no tile matrix set {identifier[:40]!r}; there are {there_are}"
    raise InvalidParameter(message, locator="TileMatrixSet")


def chosen_time(labels: tuple[str, ...], text: str | None) -> tuple[str, ...]:
    """The label of the observation that a TIME value means, for the one that a picture shows.

    Args:
        labels: of all observations, oldest first; none for a layer without time, which then ignores TIME.
        text: a label; a moment that one stands for, in any zone; a day, where of several observations that start or go
            on then the latest counts; None for the latest of all.
    Raises:
        InvalidParameter: no observation is meant.
    """
    if not labels:
        return ()
    if text is None:
        return labels[-1:]
    if text in labels:
        return (text,)
    if is_whole_day(text):
        day = whole_days(text, text)
        found = [label for label in labels if day.holds(label)]
    elif "/" in text:
        found = [label for label in labels if span(label) == span(text)]
    else:
        moment = start_of(text)
        found = [label for label in labels if span(label)[0] <= moment <= span(label)[1]]
    if not found:
        message = f"there is no observation at {text[:60]!r}; the first is {labels[0]}, the last {labels[-1]}"
        raise InvalidParameter(message, locator="TIME")
    return (max(found, key=start_of),)
