"""Arithmetic on the bands of one pixel, as a flat program of numbered registers.

Every instruction writes the next register: ``("band", name)``, ``("const", value)``, or an operation with the numbers
of the registers that it reads. Programs are plain values: they compare, hash, print and compose without recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ogcserver.plan.compiled import STRIP, Code, assemble, execute

Instruction = tuple[Any, ...]
Pixels = NDArray[np.floating[Any]]

_SCRATCH = 1 << 18
"""Values in all registers together, so that they stay in the processor's cache."""
_STRIPS = (1 << 12, 1 << 16)
"""The fewest and the most pixels computed at a time."""


def _keep_missing(operation: Callable[..., Any]) -> Callable[[Pixels, Pixels], Pixels]:
    """An operation (a comparison gives 1 or 0) whose result is missing where an operand is."""

    def applied(a: Pixels, b: Pixels) -> Pixels:
        result = np.asarray(operation(a, b), dtype=np.result_type(a, b))
        return np.where(np.isnan(a) | np.isnan(b), np.nan, result).astype(result.dtype, copy=False)

    return applied


def _choose(condition: Pixels, accept: Pixels, reject: Pixels) -> Pixels:
    chosen = np.where(condition != 0, accept, reject)
    return np.where(np.isnan(condition), np.nan, chosen).astype(chosen.dtype, copy=False)


OPERATIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, np.add),
    "subtract": (2, np.subtract),
    "multiply": (2, np.multiply),
    "divide": (2, np.divide),
    "power": (2, _keep_missing(np.power)),  # IEEE 754 has x ^ 0 = 1 for a missing x
    # of 0.0 and -0.0 the processor takes either: adding 0.0 makes both 0.0
    "min": (2, lambda a, b: np.minimum(a, b) + 0.0),
    "max": (2, lambda a, b: np.maximum(a, b) + 0.0),
    "negative": (1, np.negative),
    "absolute": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "exp": (1, np.exp),
    "ln": (1, np.log),
    "log10": (1, np.log10),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "arctan": (1, np.arctan),
    "floor": (1, np.floor),
    "ceil": (1, np.ceil),
    "gt": (2, _keep_missing(np.greater)),
    "gte": (2, _keep_missing(np.greater_equal)),
    "lt": (2, _keep_missing(np.less)),
    "lte": (2, _keep_missing(np.less_equal)),
    "eq": (2, _keep_missing(np.equal)),
    "neq": (2, _keep_missing(np.not_equal)),
    "if": (3, _choose),
    "if_present": (2, lambda value, like: np.where(np.isnan(like), np.asarray(np.nan, like.dtype), value)),
}
"""Operation -> (number of operands, numpy function). Names are those of the openEO processes; IEEE 754 rules."""


@dataclass(frozen=True)
class Program:
    """Instructions, and for each output the register that holds it."""

    code: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    @cached_property
    def _hash(self) -> int:
        return hash((self.code, self.outputs))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """The bands that it reads, in the order of first use."""
        return tuple(dict.fromkeys(step[1] for step in self.code if step[0] == "band"))


@dataclass
class Builder:
    """Collects instructions; an instruction that is there already is not added again."""

    code: list[Instruction] = field(default_factory=list)
    _known: dict[Instruction, int] = field(default_factory=dict)
    _missing: list[bool] = field(default_factory=list)

    def add(self, *instruction: Any) -> int:
        """The register that holds the instruction's result."""
        # repr tells 0.0 from -0.0, and 1 from 1.0, which compare equal
        key = tuple(repr(part) if isinstance(part, float) else part for part in instruction)
        if key not in self._known:
            self._known[key] = len(self.code)
            self.code.append(instruction)
            self._missing.append(self._follows(*instruction))
        return self._known[key]

    def follows_bands(self, register: int) -> bool:
        """Whether the register is surely missing where all bands are: not so for a constant."""
        return self._missing[register]

    def _follows(self, op: str, *operands: Any) -> bool:
        if op in ("band", "const"):
            return op == "band"
        missing = [self._missing[number] for number in operands]
        return missing[0] or all(missing[1:]) if op == "if" else any(missing)

    def include(self, program: Program, bands: Mapping[str, int]) -> tuple[int, ...]:
        """Adds another program, with registers in place of the bands named in ``bands``; its outputs' registers."""
        moved: list[int] = []
        for op, *operands in program.code:
            if op == "band" and operands[0] in bands:
                moved.append(bands[operands[0]])
            elif op in ("band", "const"):
                moved.append(self.add(op, operands[0]))
            else:
                moved.append(self.add(op, *(moved[number] for number in operands)))
        return tuple(moved[number] for number in program.outputs)

    def program(self, *outputs: int) -> Program:
        return prune(Program(tuple(self.code), outputs))


def prune(program: Program) -> Program:
    """The program without the instructions that no output needs."""
    needed: set[int] = set(program.outputs)
    for number in range(len(program.code) - 1, -1, -1):
        op, *operands = program.code[number]
        if number in needed and op not in ("band", "const"):
            needed.update(operands)
    if len(needed) == len(program.code):
        return program
    order = sorted(needed)
    place = {number: index for index, number in enumerate(order)}
    code = tuple(
        step if step[0] in ("band", "const") else (step[0], *(place[operand] for operand in step[1:]))
        for step in (program.code[number] for number in order)
    )
    return Program(code, tuple(place[number] for number in program.outputs))


@lru_cache(maxsize=4096)
def select(program: Program, outputs: tuple[int, ...]) -> Program:
    """The program that computes only some outputs, given by their positions."""
    return prune(Program(program.code, tuple(program.outputs[position] for position in outputs)))


def compose(outer: Program, inner: Program, names: tuple[str, ...]) -> Program:
    """``outer`` applied to the outputs of ``inner``, which it knows by ``names``."""
    builder = Builder()
    registers = builder.include(inner, {})
    outputs = builder.include(outer, dict(zip(names, registers, strict=True)))
    return builder.program(*outputs)


def evaluate(program: Program, bands: Pixels) -> Pixels:
    """The program's outputs, ``(output, *shape)``, from the bands that it reads, ``(band, *shape)``, in their order.

    A program without bands takes the shape of one that is given all the same. NaN marks missing.
    """
    assembled = _assembled(program)
    if assembled is None:
        return run(program, dict(zip(program.bands or ("",), bands, strict=True)))
    code, constants, outputs = assembled
    flat = np.ascontiguousarray(bands).reshape(len(bands), -1)
    out = np.empty((len(program.outputs), flat.shape[1]), bands.dtype)
    registers = np.empty((len(code), STRIP), bands.dtype)
    execute(code, constants.astype(bands.dtype), flat, registers, outputs, out)
    return out.reshape(len(program.outputs), *bands.shape[1:])


@lru_cache(maxsize=1024)
def _assembled(program: Program) -> tuple[Code, NDArray[np.float64], NDArray[np.int64]] | None:
    """The program as numbers, its constants, and its outputs; None where it cannot be compiled exactly."""
    made = assemble(program.code, program.bands)
    return made and (made[0], np.array(made[1], np.float64), np.array(program.outputs, np.int64))


def run(program: Program, bands: Mapping[str, Pixels]) -> Pixels:
    """:func:`evaluate` by numpy, which knows all operations; bands by name, of one shape and float dtype."""
    shape, dtype = next((band.shape, band.dtype) for band in bands.values())
    flat = {name: band.reshape(-1) for name, band in bands.items()}
    size = int(np.prod(shape))
    result = np.empty((len(program.outputs), size), dtype)
    strip = min(max(_SCRATCH // len(program.code), _STRIPS[0]), _STRIPS[1], size)
    scratch = np.empty((len(program.code), strip), dtype)
    with np.errstate(all="ignore"):
        for start in range(0, size, strip):
            part = slice(start, min(start + strip, size))
            registers = _registers(program, flat, part, scratch)
            for output, number in zip(result, program.outputs, strict=True):
                output[part] = registers[number]
    return result.reshape(len(program.outputs), *shape)


def _registers(program: Program, bands: Mapping[str, Pixels], part: slice, scratch: Pixels) -> list[Any]:
    """The registers of a strip. ``scratch`` has room for each, so that no strip needs memory of its own."""
    registers: list[Any] = []
    for room, (op, *operands) in zip(scratch, program.code, strict=True):
        if op == "band":
            registers.append(bands[operands[0]][part])
        elif op == "const":
            registers.append(scratch.dtype.type(operands[0]))
        else:
            apply, values = OPERATIONS[op][1], [registers[number] for number in operands]
            if isinstance(apply, np.ufunc) and any(np.ndim(value) for value in values):
                registers.append(apply(*values, out=room[: part.stop - part.start]))
            else:
                registers.append(apply(*values))
    return registers


def normalized_difference(positive: str, negative: str) -> Program:
    """(positive - negative) / (positive + negative).  Source: openEO process ``normalized_difference``."""
    builder = Builder()
    a, b = builder.add("band", positive), builder.add("band", negative)
    return builder.program(builder.add("divide", builder.add("subtract", a, b), builder.add("add", a, b)))
