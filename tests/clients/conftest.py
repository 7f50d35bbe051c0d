"""What tests with real clients share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.headless_qgis import is_installed


@pytest.fixture(scope="module")
def qgis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for QGIS."""
    folder = tmp_path_factory.mktemp("qgis")
    if not is_installed(folder):
        pytest.skip("QGIS (qgis and python3-qgis) is not installed")
    return folder
