"""Rewrites: the same pixels for less work. Each is a function of its own, in a fixed order, and can be left out.

None may change the type of the result, nor a single bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ogcserver.plan.expr import Expr, postorder, transform
from ogcserver.plan.nodes import BandMath, FilterBands, FilterBbox, FilterTemporal, Load, Merge, Reduce, Region
from ogcserver.plan.scalar import compose, select
from ogcserver.timeline import ALWAYS, Interval

Rewrite = Callable[[Expr], Expr]


def push_down_dates(root: Expr) -> Expr:
    """Temporal filters become the interval of the loads, so that a search finds only what is used."""
    done: dict[tuple[str, Interval], Expr] = {}
    stack = [(root, ALWAYS, False)]
    while stack:
        node, interval, expanded = stack.pop()
        if (node.token, interval) in done:
            continue
        below, kept = _passed_down(node, interval)
        if not expanded:
            stack.append((node, interval, True))
            stack.extend((child, below, False) for child in node.inputs)
            continue
        inputs = tuple(done[child.token, below] for child in node.inputs)
        done[node.token, interval] = _with_interval(node, inputs, interval, kept)
    return done[root.token, ALWAYS]


def _passed_down(node: Expr, interval: Interval) -> tuple[Interval, bool]:
    """The interval that the inputs get, and whether a filter must stay above this node."""
    if isinstance(node, FilterTemporal):
        return interval.intersection(node.interval), False
    if node.time_local and all(child.type.temporal for child in node.inputs):
        return interval, False
    return ALWAYS, interval != ALWAYS


def _with_interval(node: Expr, inputs: tuple[Expr, ...], interval: Interval, kept: bool) -> Expr:
    if isinstance(node, FilterTemporal):
        return inputs[0]
    if isinstance(node, Load):
        return replace(node, interval=node.interval.intersection(interval))
    changed = node.with_inputs(inputs)
    return FilterTemporal(changed, interval) if kept else changed


def push_down_boxes(root: Expr) -> Expr:
    """Loads learn the boxes outside of which nothing is used; box filters that the root's own repeat are dropped.

    A plan whose pixels all pass one box has that filter at its root (see ``graph.compile``). Where every operation
    works pixel by pixel, masking once at the end gives what masking every observation would.
    """
    outer: list[Region] = []
    top = root
    while isinstance(top, FilterBbox):
        outer.append(top.region)
        top = top.data

    def drop(node: Expr) -> Expr:
        return node.data if isinstance(node, FilterBbox) and node.region in outer else node

    hints = _regions_below(root)

    def hint(node: Expr) -> Expr:
        if isinstance(node, Load) and hints[node.token]:
            return replace(node, regions=tuple(dict.fromkeys((*node.regions, *hints[node.token]))))
        return node

    dropped = transform(top, hint)
    if all(node.pixelwise for node in postorder(root)):
        dropped = transform(dropped, drop)
    for region in reversed(outer):
        dropped = FilterBbox(dropped, region)
    return dropped


def _regions_below(root: Expr) -> Mapping[str, tuple[Region, ...]]:
    """For each node, the boxes outside of which no path from the root to it uses a pixel."""
    found: dict[str, tuple[Region, ...]] = {root.token: ()}
    for node in reversed(list(postorder(root))):
        passed = found[node.token] if node.pixelwise else ()
        if isinstance(node, FilterBbox):
            passed = (*passed, node.region)
        for child in node.inputs:
            known = found.get(child.token)
            found[child.token] = passed if known is None else tuple(r for r in known if r in passed)
    return found


def fuse_band_math(root: Expr) -> Expr:
    """Chains of arithmetic and band choices become one program, which needs no array in between."""
    return transform(root, _fuse)


def _fuse(node: Expr) -> Expr:
    if isinstance(node, FilterBands) and isinstance(node.data, BandMath):
        inner = node.data
        places = tuple(inner.type.names.index(name) for name in node.bands)
        return BandMath(inner.data, select(inner.program, places), node.type.bands)
    if isinstance(node, BandMath) and isinstance(node.data, FilterBands):
        return BandMath(node.data.data, node.program, node.bands)
    if isinstance(node, BandMath) and isinstance(node.data, BandMath):
        inner = node.data
        used = node.program.bands
        part = select(inner.program, tuple(inner.type.names.index(name) for name in used))
        return BandMath(inner.data, compose(node.program, part, used), node.bands)
    return node


def drop_unused_bands(root: Expr) -> Expr:
    """Loads keep the bands that some node above them uses."""
    used: dict[str, set[str]] = {}
    for node in reversed(list(postorder(root))):
        wanted = used.setdefault(node.token, set(node.type.names))
        for child in node.inputs:
            used.setdefault(child.token, set()).update(_needs(node, child, wanted))

    def narrow(node: Expr) -> Expr:
        if isinstance(node, Load):
            kept = tuple(band for band in node.bands if band.name in used[node.token])
            return replace(node, bands=kept or node.bands[:1])
        return node

    return transform(root, narrow)


def _needs(node: Expr, child: Expr, wanted: set[str]) -> set[str]:
    if isinstance(node, FilterBands):
        return set(node.bands)
    if isinstance(node, BandMath):
        return set(node.program.bands)
    if isinstance(node, (Merge, Reduce, FilterBbox, FilterTemporal)):
        return wanted & set(child.type.names)
    return set(child.type.names)


def drop_idle_filters(root: Expr) -> Expr:
    """Band filters that keep every band in its order do nothing."""

    def drop(node: Expr) -> Expr:
        return node.data if isinstance(node, FilterBands) and node.bands == node.data.type.names else node

    return transform(root, drop)


REWRITES: Sequence[Rewrite] = (
    push_down_dates,  # first: it moves filters through everything else
    push_down_boxes,
    fuse_band_math,
    drop_unused_bands,  # after fusing, which drops outputs that nothing reads
    drop_idle_filters,
)


def optimise(root: Expr, rewrites: Sequence[Rewrite] = REWRITES) -> Expr:
    """The plan after all rewrites."""
    for rewrite in rewrites:
        root = rewrite(root)
    return root
