"""The bound plan made visible: what would be read and computed for a view."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ogcserver.cube import View
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.nodes import BandMath, FilterBbox, FilterTemporal, Load, Reduce
from ogcserver.plan.steps import Bound, Read
from ogcserver.plan.udf import RunUdf


@dataclass(frozen=True)
class ReadLine:
    """One window that is read."""

    time: str
    item: str
    band: str
    source: str
    level: int
    """Overview level; 0 is full resolution."""
    window: tuple[int, int, int, int]
    """Column, row, width, height in pixels of the level."""
    nbytes: int
    """Decoded size."""


@dataclass(frozen=True)
class Analysis:
    """What it took to compute the view."""

    bytes_read: int
    """Of files; those of blocks that were decoded before are not read. Of readers that count (GeoTIFF)."""
    seconds: tuple[float, ...]
    """For each node. What threads read ahead counts as waiting for it."""


@dataclass(frozen=True)
class Explanation:
    """What answers a view: from which cache, or from which steps and reads."""

    view: dict[str, Any]
    cached: str
    """``""``, or ``"array"`` when the result is in memory and nothing is read."""
    nodes: tuple[str, ...]
    """The plan, operands first."""
    steps: int
    observations: int
    reads: tuple[ReadLine, ...]
    bytes_to_read: int
    """Decoded size of all windows."""
    bytes_stored: int
    """In their files, of the blocks that the windows touch; of files whose layout is known (GeoTIFF)."""
    memory_bytes: int
    """Most bytes alive at once while one chunk is computed, and the result."""
    chunks: int
    analysis: Analysis | None = None
    """When the view was computed to explain it."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def to_text(self) -> str:
        lines = [f"view        {self.view}", f"cached      {self.cached or 'no'}", "plan"]
        lines += [f"  {number:3}  {node}{self._spent(number)}" for number, node in enumerate(self.nodes)]
        lines.append(
            f"bound to    {self.steps} steps in {self.chunks} chunk(s), {self.observations} observations, "
            f"{len(self.reads)} reads of {self.bytes_to_read / 1e6:.2f} MB, stored in blocks of "
            f"{self.bytes_stored / 1e6:.2f} MB, {self.memory_bytes / 1e6:.1f} MB of memory"
        )
        for read in self.reads:
            col, row, width, height = read.window
            lines.append(
                f"  {read.time}  {read.band:8} level {read.level}  {width} x {height} at {col}, {row}"
                f"  {read.nbytes:>10} B  {read.item}"
            )
        if self.analysis:
            fetched = self.analysis.bytes_read
            share = f", {fetched / self.bytes_stored:.2f} of the bytes of the blocks" if self.bytes_stored else ""
            lines.append(f"read        {fetched / 1e6:.2f} MB of files{share}")
        return "\n".join(lines) + "\n"

    def _spent(self, number: int) -> str:
        return f"  {1000 * self.analysis.seconds[number]:.2f} ms" if self.analysis else ""


def node_lines(plan: Expr) -> tuple[str, ...]:
    """One line for each node, operands first; operands are named by their line numbers."""
    numbers: dict[str, int] = {}
    lines = []
    for number, node in enumerate(postorder(plan)):
        numbers[node.token] = number
        operands = ", ".join(f"#{numbers[child.token]}" for child in node.inputs)
        lines.append(f"{type(node).__name__}({operands}) {_detail(node)}".rstrip())
    return tuple(lines)


def _detail(node: Expr) -> str:
    if isinstance(node, Load):
        boxes = ", ".join(f"{region.bounds} {region.crs[:20]}" for region in node.regions) or "everywhere"
        interval = f"{node.interval.start or '..'} to {node.interval.end or '..'}"
        return f"{node.collection} [{', '.join(node.type.names)}] {interval}, {boxes}"
    if isinstance(node, BandMath):
        return f"[{', '.join(node.type.names)}] in {len(node.program.code)} instructions"
    if isinstance(node, Reduce):
        return node.reducer
    if isinstance(node, FilterBbox):
        return f"{node.region.bounds} {node.region.crs[:20]}"
    if isinstance(node, RunUdf):
        return f"{node.script.kind} {node.script.name} [{', '.join(node.type.names)}]"
    return f"{node.interval.start} to {node.interval.end}" if isinstance(node, FilterTemporal) else ""


def view_json(view: View) -> dict[str, Any]:
    grid = view.grid
    return {
        "crs": grid.crs, "bounds": list(grid.bounds), "width": grid.width, "height": grid.height,
        "bands": list(view.bands), "times": list(view.times), "resampling": view.resampling,
    }  # fmt: skip


def observation_count(bound: Bound) -> int:
    return len({id(step.observation) for step in bound.steps if isinstance(step, Read) and step.observation})
