"""Values are the same to the bit with each optimisation off, whatever the graph and the grid.

Computing at the files' own pixels has its test in ``test_windows``, decoded blocks theirs in ``test_benchmarks``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, note, settings

from ogcserver.cube import Array, View
from ogcserver.engine import native
from ogcserver.engine.limits import Limits
from ogcserver.engine.run import ReadAhead
from ogcserver.engine.service import Engine
from ogcserver.plan import scalar
from ogcserver.plan.expr import Expr
from ogcserver.sources.sampling import Samplings
from tests.fakes import PyramidReader, compiled
from tests.fakes import run as wait
from tests.property.strategies import archive, assert_same, cases

Case = tuple[dict[str, Any], View]
Switch = Callable[[Engine], contextlib.AbstractContextManager[object]]


def _all_on(engine: Engine) -> contextlib.AbstractContextManager[object]:
    """Read ahead always, and compute at the files' own pixels wherever it is possible."""
    engine._ahead = ReadAhead(engine._readers, 4, slow_s=-1.0)
    return patch.object(native, "MOST", 1e6)


def _not_ahead(engine: Engine) -> contextlib.AbstractContextManager[object]:
    return patch.object(engine, "_ahead", None)


def _no_index_grids(engine: Engine) -> contextlib.AbstractContextManager[object]:
    return patch.object(engine._reader, "samplings", Samplings(1 << 10))


def _not_compiled(engine: Engine) -> contextlib.AbstractContextManager[object]:
    return patch.object(scalar, "_assembled", lambda program: None)


SWITCHES: dict[str, Switch] = {
    "compiled band maths": _not_compiled,
    "reading ahead": _not_ahead,
    "index grids kept": _no_index_grids,
}


def values(plan: Expr, view: View, off: Switch | None) -> tuple[Array, Array]:
    """What an engine makes at first, and when it is asked again; it keeps no results."""
    made = Engine(archive().get, archive().reader(PyramidReader(archive().arrays)), Limits(), 0, 0)
    try:
        with _all_on(made), off(made) if off else contextlib.nullcontext():
            first, again = (wait(made.evaluate(plan, view)).data for _ in range(2))
            return first, again
    finally:
        made.close()


@pytest.mark.parametrize("switch", SWITCHES)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_values_are_the_same_without(switch: str, case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    expected = values(plan, view, None)[0]
    for found in values(plan, view, SWITCHES[switch]):
        assert_same(found, expected)
