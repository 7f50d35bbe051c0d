"""A batch as it is stored, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a batch failed."""

    kind: str
    """Name of the class in ``ogcserver.errors``."""
    message: str


@dataclass(frozen=True)
class Result:
    """The file that a batch has made."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal digits."""
    finished: str
    """When: RFC 3339, UTC."""


@dataclass(frozen=True)
class Batch:
    """The one batch of a job."""

    job_id: str
    run: str
    """Names its folder; another one when the job is queued anew."""
    plan: str
    """The token of the plan that was queued."""
    product: Json
    """See :mod:`ogcserver.batch.products`."""
    total: int
    """Chunks."""
    queued: str
    owner: str = ""
    """The server process that works on it; empty: none."""
    beat: int = 0
    """Grows while the owner is alive."""
    resumed: float | None = None
    """When the owner began, in seconds since 1970."""
    resumed_at: int = 0
    """Chunks that were finished then."""
    failure: Failure | None = None
    result: Result | None = None


@dataclass(frozen=True)
class Progress:
    finished: int
    """Chunks."""
    total: int
    seconds_left: float | None
    """Estimated from the chunks since the work was begun or resumed; None: not known yet."""
    incomplete: int
    """Chunks with pixels missing because a source could not be read."""


def progress(batch: Batch, finished: int, incomplete: int, now: float) -> Progress:
    """How far a batch has come.

    Args:
        now: seconds since 1970.
    """
    left = None
    if batch.result is not None:
        left = 0.0
    elif batch.owner and batch.resumed is not None and finished > batch.resumed_at:
        left = max(0.0, now - batch.resumed) / (finished - batch.resumed_at) * (batch.total - finished)
    return Progress(finished, batch.total, left, incomplete)
