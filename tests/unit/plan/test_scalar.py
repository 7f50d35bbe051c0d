"""Programs of registers: composing, pruning and selecting keep their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogcserver.plan.compiled import STRIP, assemble
from ogcserver.plan.scalar import (
    OPERATIONS,
    Builder,
    Program,
    compose,
    evaluate,
    normalized_difference,
    prune,
    run,
    select,
)

BANDS = ("a", "b", "c")
_RNG = np.random.default_rng(3)
PIXELS = {name: np.where(_RNG.random((13, 17)) < 0.15, np.nan, _RNG.normal(0, 5, (13, 17))) for name in BANDS}


@st.composite
def programs(draw: st.DrawFn, bands: tuple[str, ...] = BANDS) -> Program:
    """Random instructions, some of them used by no output."""
    builder = Builder()
    registers = [builder.add("band", draw(st.sampled_from(bands)))]
    for _ in range(draw(st.integers(1, 20))):
        op = draw(st.sampled_from(["band", "const", *OPERATIONS]))
        if op == "band":
            registers.append(builder.add(op, draw(st.sampled_from(bands))))
        elif op == "const":
            registers.append(builder.add(op, draw(st.floats(-100, 100))))
        else:
            registers.append(builder.add(op, *(draw(st.sampled_from(registers)) for _ in range(OPERATIONS[op][0]))))
    outputs = draw(st.lists(st.sampled_from(registers), min_size=1, max_size=4))
    return Program(tuple(builder.code), tuple(outputs))


def same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> None:
    np.testing.assert_array_equal(a, b)


@settings(deadline=None)
@given(programs())
def test_pruning_keeps_the_values_and_only_what_is_needed(program: Program) -> None:
    pruned = prune(program)
    same(run(pruned, PIXELS), run(program, PIXELS))
    assert len(pruned.code) <= len(program.code)
    assert prune(pruned) == pruned
    used = set(pruned.outputs)
    for op, *operands in pruned.code:
        if op not in ("band", "const"):
            used.update(operands)
    assert used == set(range(len(pruned.code)))


@settings(deadline=None)
@given(programs(), st.data())
def test_selecting_keeps_the_chosen_outputs(program: Program, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(program.outputs) - 1), min_size=1, max_size=4))
    same(run(select(program, tuple(places)), PIXELS), run(program, PIXELS)[places])


@settings(deadline=None)
@given(programs(), st.data())
def test_composing_is_running_one_after_the_other(inner: Program, data: st.DataObject) -> None:
    names = tuple(f"n{number}" for number in range(len(inner.outputs)))
    outer = data.draw(programs(names))
    between = dict(zip(names, run(inner, PIXELS), strict=True))
    same(run(compose(outer, inner, names), PIXELS), run(outer, between))


@settings(deadline=None)
@given(programs())
def test_registers_that_follow_the_bands_are_missing_where_all_bands_are(program: Program) -> None:
    builder = Builder()
    moved = builder.include(program, {})
    nothing = {name: np.full(3, np.nan) for name in BANDS}
    for register, value in zip(moved, run(program, nothing), strict=True):
        if builder.follows_bands(register):
            assert np.isnan(value).all()


_SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-45, 3e38, -7.5, 0.1)


@settings(deadline=None, max_examples=300)
@given(programs(), st.sampled_from([np.float32, np.float64]), st.integers(1, 2 * STRIP + 5), st.randoms())
def test_the_compiled_loop_gives_the_bits_of_numpy(program: Program, dtype: Any, size: int, pick: Any) -> None:
    rng = np.random.default_rng(pick.getrandbits(32))
    names = program.bands or ("a",)
    bands = np.where(rng.random((len(names), size)) < 0.3, rng.choice(_SPECIAL, (len(names), size)), 1.0).astype(dtype)
    with np.errstate(all="ignore"):
        bands *= rng.normal(0, 3, bands.shape).astype(dtype)
    found, expected = evaluate(program, bands), run(program, dict(zip(names, bands, strict=True)))
    assert found.dtype == expected.dtype
    same(found, expected)
    valid = ~np.isnan(expected)
    same(np.signbit(found[valid]), np.signbit(expected[valid]))


def test_every_exact_operation_is_compiled() -> None:
    inexact = {"power", "exp", "ln", "log10", "sin", "cos", "tan", "arctan"}
    for op, (count, _) in OPERATIONS.items():
        builder = Builder()
        operands = [builder.add("band", name) for name in BANDS[:count]]
        program = builder.program(builder.add(op, *operands))
        assert (assemble(program.code, program.bands) is None) == (op in inexact)


def test_equal_instructions_are_one() -> None:
    builder = Builder()
    first = builder.add("add", builder.add("band", "a"), builder.add("const", 1.0))
    assert builder.add("add", builder.add("band", "a"), builder.add("const", 1.0)) == first
    assert builder.add("const", -0.0) != builder.add("const", 0.0)


def test_normalized_difference_is_its_formula() -> None:
    a, b = PIXELS["a"], PIXELS["b"]
    same(run(normalized_difference("a", "b"), PIXELS)[0], (a - b) / (a + b))


@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte", "eq", "neq", "power", "min", "max", "add"])
def test_a_missing_operand_makes_the_result_missing(op: str) -> None:
    builder = Builder()
    program = builder.program(builder.add(op, builder.add("band", "a"), builder.add("band", "b")))
    nan = np.nan
    values = {"a": np.array([nan, nan, 1.0, 0.0, nan]), "b": np.array([nan, 0.0, nan, nan, 1.0])}
    assert np.isnan(run(program, values)).all()


def test_if_is_missing_only_where_the_condition_or_the_chosen_value_is() -> None:
    builder = Builder()
    a, b, c = (builder.add("band", name) for name in BANDS)
    program = builder.program(builder.add("if", a, b, c))
    nan = np.nan
    values = {
        "a": np.array([1.0, 0.0, nan, 1.0, 0.0]),
        "b": np.array([5, nan, 5, nan, 5.0]),
        "c": np.array([nan, 6, 6, 6, nan]),
    }
    same(run(program, values)[0], np.array([5, 6, nan, nan, nan]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_keep_the_dtype_of_the_bands(dtype: type) -> None:
    builder = Builder()
    a, half = builder.add("band", "a"), builder.add("const", 0.1)
    ops = [builder.add("gt", a, half), builder.add("if", a, half, a), builder.add("divide", a, half), half]
    assert run(builder.program(*ops), {"a": np.ones(4, dtype)}).dtype == dtype


def test_long_arrays_are_computed_like_short_ones() -> None:
    values = {"a": np.linspace(-1, 1, 100_001), "b": np.linspace(3, 7, 100_001)}
    whole = run(normalized_difference("a", "b"), values)
    same(
        whole[0, 70_000:70_010],
        run(normalized_difference("a", "b"), {k: v[70_000:70_010] for k, v in values.items()})[0],
    )
