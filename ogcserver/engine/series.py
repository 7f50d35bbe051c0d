"""Observations that a script makes together, so that whoever asks for one gets the next without computing."""

from __future__ import annotations

from dataclasses import replace

from ogcserver.cube import Block, View
from ogcserver.plan.expr import Expr, postorder
from ogcserver.plan.udf import RunUdf


def made_together(plan: Expr) -> bool:
    """Whether a script makes all observations of a plan's result at once, so that one alone costs as much as all."""
    calls = (node for node in postorder(plan) if isinstance(node, RunUdf))
    return plan.type.temporal and any(node.series and node.type.temporal for node in calls)


def split(view: View, block: Block) -> tuple[tuple[View, Block], ...]:
    """Each observation of a block of ``view``, in memory of its own; the block itself where it has but one."""
    if len(block.times) < 2:
        return ((view, block),)
    return tuple(
        (view.at(time), replace(block, data=block.data[number : number + 1].copy(), times=(time,)))
        for number, time in enumerate(block.times)
    )
