"""The small real collections, where they are laid beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not (SHARED / "catalog.json").exists():
        pytest.skip("the real collections (../shared/data) are not here")
    return SHARED
