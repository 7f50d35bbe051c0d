"""The expression language against Python's own arithmetic on arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ogcserver.plan.scalar import Builder, run
from ogcserver.processes.expression import ExpressionError, parse

_RNG = np.random.default_rng(5)
PIXELS = {name: np.where(_RNG.random(40) < 0.1, np.nan, _RNG.uniform(-4, 4, 40)) for name in ("a", "b", "B8")}
Tree = tuple[Any, ...]

LEVEL = {
    "<": 1,
    "<=": 1,
    ">": 1,
    ">=": 1,
    "==": 1,
    "!=": 1,
    "+": 2,
    "-": 2,
    "*": 3,
    "/": 3,
    "neg": 4,
    "pos": 4,
    "^": 5,
    "**": 5,
}
FUNCTIONS = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "log": np.log,
    "log10": np.log10,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "floor": np.floor,
    "ceil": np.ceil,
}

LEAVES = st.one_of(
    st.sampled_from(sorted(PIXELS)).map(lambda name: ("band", name)),
    st.sampled_from(["0", "1", "2.5", ".5", "3.", "1e2", "2E-3", "10"]).map(lambda text: ("const", text)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(sorted(LEVEL.keys() - {"neg", "pos"})), inner, inner),
        st.tuples(st.sampled_from(["neg", "pos"]), inner),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner),
        st.tuples(st.just("if"), inner, inner, inner),
    ),
    max_leaves=14,
)


def render(tree: Tree, draw: Any) -> str:
    """The tree as text, with the parentheses that it needs and some that it does not."""
    kind, *parts = tree
    space = draw(st.sampled_from(["", " ", "\t ", "\n"]))
    if kind == "band":
        text = draw(st.sampled_from([parts[0], f'"{parts[0]}"', f"'{parts[0]}'"]))
    elif kind == "const":
        text = parts[0]
    elif kind in ("neg", "pos"):
        text = ("-" if kind == "neg" else "+") + space + operand(parts[0], 4, draw)
    elif kind in LEVEL:
        level, right_first = LEVEL[kind], kind in ("^", "**")
        left = operand(parts[0], level + right_first, draw)
        # a sign may follow any operator
        right = operand(parts[1], 4 if right_first else level + 1, draw)
        text = f"{left}{space}{kind}{space}{right}"
    else:
        text = f"{kind}{space}({', '.join(render(part, draw) for part in parts)}{space})"
    return f"({space}{text})" if draw(st.integers(0, 5)) == 0 else text


def operand(tree: Tree, level: int, draw: Any) -> str:
    text = render(tree, draw)
    return text if LEVEL.get(tree[0], 9) >= level or (text.startswith("(") and balanced(text)) else f"({text})"


def balanced(text: str) -> bool:
    """Whether the first parenthesis closes at the very end."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def compute(tree: Tree) -> Any:
    kind, *parts = tree
    if kind == "band":
        return PIXELS[parts[0]]
    if kind == "const":
        return np.full(40, float(parts[0]))
    values = [compute(part) for part in parts]
    missing = np.any([np.isnan(value) for value in values], axis=0)
    if kind == "if":
        return np.where(np.isnan(values[0]), np.nan, np.where(values[0] != 0, values[1], values[2]))
    binary: dict[str, Any] = {
        "+": np.add,
        "-": np.subtract,
        "*": np.multiply,
        "/": np.divide,
        "^": np.power,
        "**": np.power,
        "min": np.minimum,
        "max": np.maximum,
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
        "neg": np.negative,
        "pos": np.positive,
    }
    result = (binary | FUNCTIONS)[kind](*values)
    return np.where(missing, np.nan, result)


def value(text: str, bands: dict[str, Any] | None = None) -> Any:
    bands = PIXELS if bands is None else bands
    builder = Builder()

    def band(name: str) -> str:
        if name not in bands:
            raise KeyError(name)
        return name

    return run(builder.program(parse(text, builder, band)), bands)[0]


@settings(deadline=None, max_examples=300)
@given(TREES, st.data())
def test_random_expressions_equal_numpy(tree: Tree, data: st.DataObject) -> None:
    text = render(tree, data.draw)
    with np.errstate(all="ignore"):
        expected = compute(tree)
    np.testing.assert_array_equal(value(text), expected, err_msg=text)


ONE = {"a": np.array([3.0]), "b": np.array([2.0]), "c": np.array([5.0])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-a^2", -9.0),
        ("(-a)^2", 9.0),
        ("a^-b", 3.0**-2),
        ("2^3^2", 512.0),
        ("2**3**2", 512.0),
        ("a-b-c", -4.0),
        ("a/b/c", 0.3),
        ("a-b*c", -7.0),
        ("a*-b", -6.0),
        ("--a", 3.0),
        ("-+-a", 3.0),
        ("a - -b", 5.0),
        ("2^-a^b", 2.0**-9),
        ("-a*b", -6.0),
        ("a<b", 0.0),
        ("a>b == 1", 1.0),
        ("a+b<c+1", 1.0),
        ("1<2<3", 1.0),
        ("3>2>1", 0.0),
        ("a>=3", 1.0),
        ("a!=3", 0.0),
        ("if(a>b,a,b)", 3.0),
        ("min(a,max(b,c))", 3.0),
        ("abs(-a)", 3.0),
        ("ABS(-a)", 3.0),
        (" a ", 3.0),
        ("((((a))))", 3.0),
        ("1e3", 1000.0),
        ("-2^2", -4.0),
        ("2^-1", 0.5),
        ("1.5e-1*2", 0.3),
        ("sqrt((a)+(b)*(b)+2)", 3.0),
        ("a/0", math.inf),
    ],
)
def test_operators_bind_as_in_mathematics(text: str, expected: float) -> None:
    assert value(text, ONE)[0] == pytest.approx(expected)


def test_identifiers_that_are_no_words_stand_in_quotes() -> None:
    bands = {"8a": np.array([4.0]), "B 1": np.array([1.0]), "4": np.array([9.0])}
    assert value("'8a' - \"B 1\" + '4'", bands)[0] == 12.0
    assert value("4 + 0 * '4'", bands)[0] == 4.0


def test_a_band_may_have_a_functions_name() -> None:
    assert value("min + min(min, 1)", {"min": np.array([4.0])})[0] == 5.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a +",
        "+",
        "* a",
        "a b",
        "1 2",
        "a 1",
        "(a",
        "a)",
        "((a)",
        "(a))",
        "()",
        "f(a)",
        "sqrt()",
        "sqrt(,)",
        "min(a)",
        "min(a,)",
        "min(,a)",
        "min(a,b,)",
        "min(a,b,a)",
        "(a,b)",
        "a,b",
        ",",
        "min(a,(b,a))",
        "sqrt(a)(b)",
        "a(b)",
        "sqrt a",
        "sqrt",
        "a ^",
        "a == ",
        "a = b",
        "a < = b",
        "a && b",
        "!a",
        "a % b",
        "a // b",
        "a; b",
        "a[0]",
        "a.b",
        "__import__('os')",
        "__import__",
        "a.__class__",
        "lambda: 1",
        "eval(a)",
        "1..2",
        "1.2.3",
        "8a",
        "0x10",
        "'a",
        '"a',
        "{a}",
        "a\\b",
        "\x00",
        "é",
        "a if b else 1",
        "if(a)",
        "if(a,b)",
        "1e",
        "1_000",
        "a\u2212b",
        "**a",
        "a^*b",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises((ExpressionError, KeyError)) as caught:
        value(text)
    assert isinstance(caught.value, ExpressionError) or caught.value.args[0] not in PIXELS


@given(st.text(alphabet="ab8 ()+-*/^<>=!,.'\"1e[]{}\\\n_fin", max_size=40))
@example("(" * 30 + ")" * 30)
def test_any_text_gives_a_value_or_an_expression_error(text: str) -> None:
    try:
        value(text)
    except (ExpressionError, KeyError):
        return


@pytest.mark.parametrize("depth", [100, 4_900])
def test_deep_nesting_is_no_recursion(depth: int) -> None:
    assert value("(" * depth + "a" + ")" * depth, ONE)[0] == 3.0
    assert value("-" * depth + "a", ONE)[0] == 3.0
    assert value("2^" * (depth // 100) + "1", ONE)[0] > 0


@pytest.mark.parametrize(
    "text", ["(" * 10_000 + "a" + ")" * 10_000, "(" * 9_999, "-" * 9_999, "sqrt(" * 1_999, "a+" * 20_000]
)
def test_huge_texts_are_refused_and_not_fatal(text: str) -> None:
    with pytest.raises(ExpressionError):
        value(text, ONE)
