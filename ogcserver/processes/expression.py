"""Arithmetic expressions over bands, parsed without recursion; nothing is ever evaluated as code.

Grammar, loosest first::

    comparison   a < b   a <= b   a > b   a >= b   a == b   a != b     (1, 0, or missing)
    sum          a + b   a - b
    product      a * b   a / b
    sign         -a   +a
    power        a ^ b   a ** b                                        (binds to the right)
    atom         number   band   "band"   'band'   (expression)   function(expression, ...)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ogcserver.plan.scalar import OPERATIONS, Builder

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/^<>(),]))"
)
_BINARY = {
    "<": (1, "lt"), "<=": (1, "lte"), ">": (1, "gt"), ">=": (1, "gte"), "==": (1, "eq"), "!=": (1, "neq"),
    "+": (2, "add"), "-": (2, "subtract"), "*": (3, "multiply"), "/": (3, "divide"),
    "^": (5, "power"), "**": (5, "power"),
}  # fmt: skip
_SIGN = 4
_ALIASES = {"abs": "absolute", "log": "ln", "atan": "arctan"}
_LONGEST = 10_000


class ExpressionError(ValueError):
    """The text is not an expression; the message says where and why."""


@dataclass(frozen=True)
class _Pending:
    """An operator whose right operand is still to come: a binary one, a sign, or an open parenthesis."""

    kind: str
    binding: int = 0
    operation: str = ""
    arguments: int = 0
    """Of a function: operands on the stack before its parenthesis."""


def parse(text: str, builder: Builder, band: Callable[[str], str]) -> int:
    """Adds the expression to the program; the register that holds its value.

    Args:
        band: gives the identifier of a band for a name in the text, or raises.
    Raises:
        ExpressionError: not an expression.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(f"the expression is longer than {_LONGEST} characters")
    return _Parser(text, builder, band).parse()


class _Parser:
    """One run of the shunting-yard algorithm (Dijkstra 1961) over one text."""

    def __init__(self, text: str, builder: Builder, band: Callable[[str], str]) -> None:
        self.text, self.builder, self.band = text, builder, band
        self.operands: list[int] = []
        self.pending: list[_Pending] = []

    def parse(self) -> int:
        position, operand_next = 0, True
        end = len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise ExpressionError(f"cannot read {self.text[position : position + 20].strip()!r}")
            position = match.end()
            opens_call = self.text[position:].lstrip().startswith("(")
            operand_next = self._operand(match, opens_call) if operand_next else self._operator(match)
        if operand_next:
            raise ExpressionError("the expression ends where a value is expected")
        self._reduce(0)
        if self.pending:
            raise ExpressionError("a parenthesis is not closed")
        return self.operands[-1]

    def _operand(self, match: re.Match[str], opens_call: bool) -> bool:
        """Takes a token where a value is expected; whether one is still expected after it."""
        operator = match["operator"]
        if operator == "(":
            self.pending.append(_Pending("(", arguments=len(self.operands)))
            return True
        if operator in ("-", "+"):
            self.pending.append(_Pending("sign", _SIGN, "negative" if operator == "-" else ""))
            return True
        if operator is not None:
            raise ExpressionError(f"{operator!r} stands where a value is expected")
        if match["number"] is not None:
            self.operands.append(self.builder.add("const", float(match["number"])))
        elif match["name"] is not None and opens_call:
            self.pending.append(_Pending("function", operation=_function(match["name"])))
            return True
        else:
            name = next(text for text in (match["name"], match["double"], match["single"]) if text is not None)
            self.operands.append(self.builder.add("band", self.band(name)))
        return False

    def _operator(self, match: re.Match[str]) -> bool:
        """Takes a token after a value; whether a value is expected after it."""
        operator = match["operator"]
        if operator == ")":
            self._close()
            return False
        if operator == ",":
            self._reduce(0)
            if len(self.pending) < 2 or self.pending[-2].kind != "function":
                raise ExpressionError("a comma stands outside of a function's parentheses")
            return True
        if operator not in _BINARY:
            raise ExpressionError(f"{match.group().strip()!r} stands where an operator is expected")
        binding, operation = _BINARY[operator]
        self._reduce(binding + (operation == "power"))
        self.pending.append(_Pending("binary", binding, operation))
        return True

    def _reduce(self, binding: int) -> None:
        """Applies the pending operators that bind at least as tightly."""
        while self.pending and self.pending[-1].kind in ("binary", "sign") and self.pending[-1].binding >= binding:
            top = self.pending.pop()
            right = self.operands.pop()
            if top.kind == "binary":
                self.operands.append(self.builder.add(top.operation, self.operands.pop(), right))
            else:
                self.operands.append(self.builder.add("negative", right) if top.operation else right)

    def _close(self) -> None:
        self._reduce(0)
        if not self.pending:
            raise ExpressionError("a parenthesis is closed that was not opened")
        opened = self.pending.pop()
        if not (self.pending and self.pending[-1].kind == "function"):
            if len(self.operands) != opened.arguments + 1:
                raise ExpressionError("a comma stands outside of a function's parentheses")
            return
        operation = self.pending.pop().operation
        arguments = self.operands[opened.arguments :]
        wanted = OPERATIONS[operation][0]
        if len(arguments) != wanted:
            raise ExpressionError(f"{operation} takes {wanted} value(s), not {len(arguments)}")
        del self.operands[opened.arguments :]
        self.operands.append(self.builder.add(operation, *arguments))


def _function(name: str) -> str:
    operation = _ALIASES.get(name.lower(), name.lower())
    if operation not in OPERATIONS:
        raise ExpressionError(f"there is no function {name!r}; there are {', '.join(sorted({*OPERATIONS, *_ALIASES}))}")
    return operation
