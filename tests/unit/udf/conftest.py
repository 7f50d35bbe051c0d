"""Pools of confined workers, one for each mechanism that this machine has; tests of the others are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ogcserver.udf.capability import NoUdfs, open_runner
from ogcserver.udf.limits import UdfLimits
from ogcserver.udf.pool import WorkerPool
from ogcserver.udf.sandbox import MECHANISMS

LIMITS = UdfLimits(workers=2, memory_mb=768, timeout_s=10.0, max_cube_mb=16)


@pytest.fixture(params=MECHANISMS, scope="module")
def pool(request: pytest.FixtureRequest) -> Iterator[WorkerPool]:
    """A pool of each mechanism in turn."""
    yield from _open((request.param,))


@pytest.fixture(scope="module")
def best_pool() -> Iterator[WorkerPool]:
    """A pool of the best mechanism that there is."""
    yield from _open(MECHANISMS)


def _open(mechanisms: tuple[object, ...]) -> Iterator[WorkerPool]:
    opened = open_runner(LIMITS, mechanisms)  # type: ignore[arg-type]
    if isinstance(opened, NoUdfs):
        pytest.skip(f"not to be had on this machine: {opened.capability.reason}")
    yield opened
    opened.close()
