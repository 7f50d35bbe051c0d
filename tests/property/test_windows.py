"""A window equals its parts, whatever the grid, the graph, and the way of cutting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from ogcserver.cube import View, compute_dtype
from tests.fakes import PyramidReader, compiled
from tests.fakes import run as wait
from tests.property.strategies import archive, assert_same, cases, pixels

Case = tuple[dict[str, Any], View]


@settings(max_examples=200, deadline=None)
@given(cases(), st.booleans(), st.floats(0.01, 0.99))
def test_window_equals_its_two_halves(case: Case, side_by_side: bool, part: float) -> None:
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    width, height = view.grid.width, view.grid.height
    whole = pixels(plan, view)
    if side_by_side:
        cut = min(max(1, int(part * width)), width - 1)
        parts = [view.grid.window(0, 0, cut, height), view.grid.window(cut, 0, width - cut, height)]
    else:
        cut = min(max(1, int(part * height)), height - 1)
        parts = [view.grid.window(0, 0, width, cut), view.grid.window(0, cut, width, height - cut)]
    joined = np.concatenate([pixels(plan, view.on(grid)) for grid in parts], axis=3 if side_by_side else 2)
    assert_same(whole, joined)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_engine_in_chunks_equals_one_piece(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    engine = archive().engine(PyramidReader(archive().arrays))
    try:
        block = wait(engine.evaluate(plan, view))
    finally:
        engine.close()
    assert_same(block.data, pixels(plan, view))
    assert tuple(band.name for band in block.bands) == view.bands


@settings(max_examples=150, deadline=None)
@given(cases())
def test_computing_at_the_files_pixels_changes_nothing(case: Case) -> None:
    """Wherever it is possible, however many pixels the files have there, against never."""
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    blocks = []
    for most in (1e9, 0.0):
        engine = archive().engine(PyramidReader(archive().arrays))
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("ogcserver.engine.native.MOST", most)
                blocks.append(wait(engine.evaluate(plan, view)))
        finally:
            engine.close()
    assert_same(blocks[0].data, blocks[1].data)
    assert blocks[0].times == blocks[1].times


@settings(max_examples=60, deadline=None)
@given(cases())
def test_bands_asked_alone_equal_bands_asked_together(case: Case) -> None:
    graph, view = case
    note(f"{graph}")
    plan = compiled(archive(), graph)
    narrow = tuple(name for name in view.bands if compute_dtype((plan.type.band(name),)) == np.float32)
    view = replace(view, bands=narrow or view.bands[:1])
    together = pixels(plan, view)
    for index, band in enumerate(view.bands):
        alone = pixels(plan, replace(view, bands=(band,)))
        np.testing.assert_array_equal(alone[:, 0].astype(together.dtype), together[:, index])
