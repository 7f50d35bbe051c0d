"""The scenes that a plan's result is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ogcserver.cube import Band
from ogcserver.engine.describe import Finder, finest, loads
from ogcserver.geo.grid import Bounds, Grid
from ogcserver.plan.expr import Expr


@dataclass(frozen=True)
class Scene:
    """An item of a catalogue, as far as a plan uses it."""

    id: str
    collection: str
    time: str
    """Label, see :mod:`ogcserver.timeline`."""
    boxes: tuple[Bounds, ...]
    """Longitude/latitude boxes within -180..180 that hold the footprint; two where it crosses 180 degrees."""
    grid: Grid
    """Its own pixels, of the finest band that is used."""
    bands: tuple[Band, ...]
    """Those that are used."""


def scenes(plan: Expr, finder: Finder) -> tuple[Scene, ...]:
    """By time, then by identifier. An item that does not tell where its pixels lie is left out.

    Raises:
        SourceUnavailable: a catalogue is away.
    """
    found: dict[tuple[str, str], Scene] = {}
    for load in loads(plan):
        for item in (item for observation in finder.find(load) for item in observation.items):
            key = load.collection, item.id
            extent = finest(item, load, finder)
            if extent is not None:
                before = found[key].bands if key in found else ()
                bands = tuple(dict.fromkeys((*before, *load.type.bands)))
                found[key] = Scene(item.id, load.collection, item.time, item.boxes, extent.grid, bands)
    return tuple(sorted(found.values(), key=lambda scene: (scene.time, scene.id)))
