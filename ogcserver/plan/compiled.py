"""Programs run by one compiled loop, strip by strip: the exact operations only, so that the bits are those of numpy.

IEEE 754 fixes the results of arithmetic, roots and comparisons to the last bit. Those of exponentials and angles it
does not: programs with these are run by numpy (:func:`ogcserver.plan.scalar.run`).
"""

# numba's decorator is untyped
# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

STRIP = 2048
"""Pixels computed at a time, so that the registers stay in the processor's nearest cache."""

_BAND, _CONST = 0, 1
EXACT: Sequence[str] = (
    "band", "const", "add", "subtract", "multiply", "divide", "min", "max", "negative", "absolute", "sqrt", "floor",
    "ceil", "gt", "gte", "lt", "lte", "eq", "neq", "if", "if_present",
)  # fmt: skip
"""Operations in the order of their numbers in :func:`_apply`."""

Code = NDArray[np.int64]
"""(instruction, 4): operation and up to three operands: registers, the number of a band, or of a constant."""


def assemble(code: Sequence[tuple[Any, ...]], bands: Sequence[str]) -> tuple[Code, tuple[float, ...]] | None:
    """The numbers of a program, and its constants; None where it has an operation that is not exact.

    Args:
        bands: the order in which the bands will be given.
    """
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(EXACT)}
    made, constants = np.zeros((len(code), 4), np.int64), []
    for row, (op, *operands) in zip(made, code, strict=True):
        if op not in numbers:
            return None
        if op == "band":
            operands = [bands.index(operands[0])]
        elif op == "const":
            constants.append(float(operands[0]))
            operands = [len(constants) - 1]
        row[0] = numbers[op]
        row[1 : 1 + len(operands)] = operands
    return made, tuple(constants)


@njit(nogil=True, cache=True, error_model="numpy")
def _apply(op, a, b, c, out):
    """One operation on a strip; each is a loop of its own, for the compiler to make vectors of."""
    n = out.size
    if op == 2:
        for k in range(n):
            out[k] = a[k] + b[k]
    elif op == 3:
        for k in range(n):
            out[k] = a[k] - b[k]
    elif op == 4:
        for k in range(n):
            out[k] = a[k] * b[k]
    elif op == 5:
        for k in range(n):
            out[k] = a[k] / b[k]
    elif op == 6:  # of 0.0 and -0.0 the processor takes either: adding 0.0 makes both 0.0
        for k in range(n):
            out[k] = (a[k] if (a[k] < b[k]) | (a[k] != a[k]) else b[k]) + out.dtype.type(0.0)
    elif op == 7:
        for k in range(n):
            out[k] = (a[k] if (a[k] > b[k]) | (a[k] != a[k]) else b[k]) + out.dtype.type(0.0)
    elif op == 8:
        for k in range(n):
            out[k] = -a[k]
    elif op == 9:
        for k in range(n):
            out[k] = abs(a[k])
    elif op == 10:
        for k in range(n):
            out[k] = math.sqrt(a[k])
    elif op == 11:
        for k in range(n):
            out[k] = np.floor(a[k])
    elif op == 12:
        for k in range(n):
            out[k] = np.ceil(a[k])
    elif op == 19:
        for k in range(n):
            out[k] = a[k] if a[k] != a[k] else (b[k] if a[k] != 0.0 else c[k])
    elif op == 20:
        for k in range(n):
            out[k] = b[k] if b[k] != b[k] else a[k]
    else:
        for k in range(n):
            if op == 13:
                true = a[k] > b[k]
            elif op == 14:
                true = a[k] >= b[k]
            elif op == 15:
                true = a[k] < b[k]
            elif op == 16:
                true = a[k] <= b[k]
            elif op == 17:
                true = a[k] == b[k]
            else:
                true = a[k] != b[k]
            out[k] = a[k] + b[k] if (a[k] != a[k]) | (b[k] != b[k]) else out.dtype.type(true)


@njit(nogil=True, cache=True, error_model="numpy")
def _register(code, bands, registers, number, start, n):
    """The strip that a register holds; that of a band is where the band is."""
    if code[number, 0] == _BAND:
        return bands[code[number, 1], start : start + n]
    return registers[number, :n]


@njit(nogil=True, cache=True, error_model="numpy")
def execute(code, constants, bands, registers, outputs, out):
    """Runs a program.

    bands: (band, n). registers: (instruction, STRIP), overwritten. outputs: the register of each row of ``out``, which
    is (output, n).
    """
    size = bands.shape[1]
    for number in range(code.shape[0]):
        if code[number, 0] == _CONST:
            registers[number, :] = constants[code[number, 1]]
    for start in range(0, size, registers.shape[1]):
        n = min(registers.shape[1], size - start)
        for number in range(code.shape[0]):
            op = code[number, 0]
            if op == _CONST:
                continue
            if op != _BAND:
                a = _register(code, bands, registers, code[number, 1], start, n)
                b = _register(code, bands, registers, code[number, 2], start, n)
                c = _register(code, bands, registers, code[number, 3], start, n)
                _apply(op, a, b, c, registers[number, :n])
        for row in range(outputs.size):
            register = _register(code, bands, registers, outputs[row], start, n)
            line = out[row, start : start + n]
            for k in range(n):
                line[k] = register[k]
