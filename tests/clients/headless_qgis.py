"""QGIS itself, headless: Debian's, run by the system's Python, which knows it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"


def is_installed(home: Path) -> bool:
    """Whether there are qgis and python3-qgis."""
    if not Path(SYSTEM_PYTHON).exists():
        return False
    trial = [SYSTEM_PYTHON, "-c", "import qgis.core"]
    return not subprocess.run(trial, env=_environment(home), capture_output=True, timeout=120, check=False).returncode


def ask(home: Path, script: str, *arguments: str) -> dict[str, Any]:
    """What a script beside this file, run by QGIS's Python, prints as JSON in its last line.

    Args:
        home: of QGIS's user.
    """
    command = [SYSTEM_PYTHON, str(Path(__file__).with_name(script)), *arguments]
    done = subprocess.run(command, env=_environment(home), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _environment(home: Path) -> dict[str, str]:
    """Without what points to the GDAL, PROJ and Python of the tests."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GDAL_", "PROJ_", "PYTHON", "VIRTUAL_ENV"))}
    return {**clean, "HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "no_proxy": "127.0.0.1"}
