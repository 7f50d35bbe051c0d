"""Views cut into parts that are small in memory."""

from __future__ import annotations

from dataclasses import replace

from ogcserver.cube import Band, View, compute_dtype
from ogcserver.sources.sampling import CELL


def cut(view: View, bands: tuple[Band, ...], edge: int, most_bytes: int) -> tuple[View, ...]:
    """The parts of a view, row by row: each an area with all times, or with some that follow one another.

    Args:
        view: with its times spelled out.
        edge: of the areas, which lie at multiples of it in the lattice. The engine decides what to read for whole cells
            of the lattice; as long as these are not cut no pixel depends on the parts.
        most_bytes: of a part's values, as far as that is possible.
    """
    room = most_bytes // (edge * edge * len(bands) * compute_dtype(bands).itemsize)
    edge, together = (edge, room) if room else (min(CELL, edge), 1)
    times = view.times
    groups = [times[first : first + together] for first in range(0, len(times), together)] or [()]
    return tuple(replace(view, grid=part, times=group) for part in view.grid.chunks(edge) for group in groups)
