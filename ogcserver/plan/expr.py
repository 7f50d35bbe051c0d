"""The base of all plan nodes, and how a plan is walked without recursion."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from ogcserver.cube import Array, CubeType, View


@dataclass(frozen=True, eq=False)
class Expr(ABC):
    """A node of a plan: an operation and its operands.

    Operands are nodes, tuples of nodes, or plain values with an exact ``repr`` (no arrays). Two nodes are the same when
    their tokens are. Token and type are computed when the node is made, one level deep, so a plan of any depth is never
    recursed over and a node shared by many is visited once.
    """

    def __post_init__(self) -> None:
        _ = self.token, self.type

    @property
    def pixelwise(self) -> bool:
        """Whether a pixel of the result hangs on the same pixel of the inputs only."""
        return True

    @property
    def time_local(self) -> bool:
        """Whether an observation of the result hangs on the observations with the same label only."""
        return True

    @cached_property
    def inputs(self) -> tuple[Expr, ...]:
        found: list[Expr] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Expr):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(item for item in value if isinstance(item, Expr))
        return tuple(found)

    @cached_property
    def token(self) -> str:
        """Equal for equal plans, also after a restart."""
        values = (getattr(self, field.name) for field in fields(self))
        parts = "\x1f".join([type(self).__qualname__, *map(_operand, values)])
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    @abstractmethod
    def type(self) -> CubeType:
        """The schema of the result, from the schemas of the inputs."""

    def demand(self, view: View) -> tuple[View, ...]:
        """The view that each input must deliver so that this node can deliver ``view``.

        Bands of an input that are not needed are left out, neighbourhood operations ask for more pixels. The view of
        one observation has one time label, that of a cube without time axis none.
        """
        return (view,) * len(self.inputs)

    def with_inputs(self, inputs: tuple[Expr, ...]) -> Expr:
        """This operation on other operands."""
        if all(new is old for new, old in zip(inputs, self.inputs, strict=True)):
            return self
        rest = iter(inputs)
        changes: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Expr):
                changes[field.name] = next(rest)
            elif isinstance(value, tuple) and any(isinstance(item, Expr) for item in value):
                changes[field.name] = tuple(next(rest) if isinstance(item, Expr) else item for item in value)
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Mapped(Expr):
    """A node whose slices are computed each by one call, from one slice of each input."""

    @abstractmethod
    def apply(self, view: View, *arrays: Array) -> Array:
        """``view`` of this node, from one array for each demanded view. Arrays are ``(1, band, y, x)``.

        The arrays may be shared with other nodes, so they are never written to.
        """


def _operand(value: object) -> str:
    if isinstance(value, Expr):
        return value.token
    if isinstance(value, tuple):
        return "(" + ",".join(map(_operand, value)) + ")"
    return repr(value)


def postorder(root: Expr) -> Iterator[Expr]:
    """Every distinct node once, operands before the nodes that use them."""
    done: set[str] = set()
    stack = [(root, False)]
    while stack:
        node, expanded = stack.pop()
        if node.token in done:
            continue
        if expanded:
            done.add(node.token)
            yield node
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.inputs))


def transform(root: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The plan in which ``change`` has replaced every distinct node, operands first."""
    new: dict[str, Expr] = {}
    for node in postorder(root):
        new[node.token] = change(node.with_inputs(tuple(new[child.token] for child in node.inputs)))
    return new[root.token]
