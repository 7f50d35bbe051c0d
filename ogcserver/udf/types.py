"""The kinds of user-defined functions: what one call gets, what it gives, and what becomes of the cube.

The names are those of the openEO 0.3 API (``udf_type``). A script defines a function with the name of its kind (the
pandas form, called for each pixel, scene or neighbourhood) or with that name and ``_array`` behind it (the array form,
called once with the whole cube); where it defines both, the array form is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Spans = Literal["pixel", "time", "space", "spacetime"]
"""What one call of the pandas form sees: single values, a pixel's series, a scene, or all of the cube."""
Gives = Literal["rows", "value", "axes"]
"""A row for each row, one value for each band, or a table whose index makes the axes anew."""

MAX_WINDOW = 255
"""Longest edge of a neighbourhood, in pixels or observations."""


@dataclass(frozen=True)
class Window:
    """A neighbourhood around a pixel of an observation: edges in observations, rows and columns, all odd."""

    time: int = 1
    y: int = 1
    x: int = 1

    @property
    def margin(self) -> tuple[int, int]:
        """Pixels (rows, columns) that a cube needs on each side beyond those that are wanted."""
        return self.y // 2, self.x // 2


@dataclass(frozen=True)
class UdfType:
    """One kind of function."""

    name: str
    spans: Spans
    gives: Gives
    windowed: bool
    """Each call sees a neighbourhood; its size is the script's constant ``WINDOW``."""
    description: str

    @property
    def array_name(self) -> str:
        """Name of the function in the array form."""
        return f"{self.name}_array"

    @property
    def time(self) -> Literal["kept", "dropped", "new"]:
        """What becomes of the time axis."""
        if self.windowed or self.gives == "rows" or self.spans == "space":
            return "kept"
        return "dropped" if self.gives == "value" else "new"

    @property
    def space(self) -> Literal["kept", "single", "new"]:
        """What becomes of the pixels: ``single`` leaves one for the whole extent, ``new`` divides it anew."""
        if self.windowed or self.gives == "rows" or self.spans == "time":
            return "kept"
        return "single" if self.gives == "value" else "new"

    @property
    def needs_series(self) -> bool:
        """Whether it makes no sense for a cube without time axis, and for less than all of its observations."""
        return self.spans in ("time", "spacetime")

    @property
    def needs_extent(self) -> bool:
        """Whether it must see the whole extent at once, so that a tile of it is not enough."""
        return self.spans in ("space", "spacetime") and not self.windowed

    def window(self, declared: object) -> Window:
        """The neighbourhood that a script declares: an odd number for all edges, or one for each in axis order.

        Raises:
            ValueError: not odd numbers from 1 to ``MAX_WINDOW``, or not as many as the neighbourhood has edges.
        """
        if not self.windowed:
            return Window()
        axes = {"time": ("time",), "space": ("y", "x"), "spacetime": ("time", "y", "x"), "pixel": ()}[self.spans]
        edges = [declared] * len(axes) if isinstance(declared, int) else declared
        if not isinstance(edges, tuple | list) or len(edges) != len(axes):
            raise ValueError(f"WINDOW must be an odd number, or {len(axes)} of them ({', '.join(axes)})")
        for edge in edges:
            if type(edge) is not int or not 1 <= edge <= MAX_WINDOW or edge % 2 == 0:
                raise ValueError(f"WINDOW must hold odd numbers from 1 to {MAX_WINDOW}, not {edge!r:.40}")
        return Window(**dict(zip(axes, edges, strict=True)))


_TYPES = (
    UdfType("apply_pixel", "pixel", "rows", False, "Computes bands from the bands of each pixel and observation."),
    UdfType("apply_scene", "space", "rows", False, "Computes bands of each observation from all of its pixels."),
    UdfType("reduce_time", "time", "value", False, "Reduces the time series of each pixel to one value per band."),
    UdfType("reduce_space", "space", "value", False, "Reduces each observation to one value per band."),
    UdfType("window_time", "time", "value", True, "Computes each value from the observations around it."),
    UdfType("window_space", "space", "value", True, "Computes each value from the pixels around it."),
    UdfType(
        "window_spacetime", "spacetime", "value", True, "Computes each value from pixels and observations around it."
    ),
    UdfType("aggregate_time", "time", "axes", False, "Turns the time series of each pixel into a new time series."),
    UdfType("aggregate_space", "space", "axes", False, "Turns each observation into other, mostly fewer pixels."),
    UdfType("aggregate_spacetime", "spacetime", "axes", False, "Turns all into other times and pixels."),
)  # fmt: skip

UDF_TYPES: Mapping[str, UdfType] = MappingProxyType({kind.name: kind for kind in _TYPES})
"""By name."""
