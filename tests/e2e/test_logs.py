"""What a server writes down of requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.unit.batch.processes import Process, write_scene


def test_no_token_is_written_into_the_log(tmp_path: Path) -> None:
    addresses = (
        "/jobs?a=1&token=hush-1&b=2", "/jobs?access_token=hush-2", "/jobs?%74oken=hush-3", "/token/hush-4/jobs",
        "/wmts?SERVICE=WMTS&token=hush-5", "/jobs/j-0?tokens=shown",
    )  # fmt: skip
    with Process(tmp_path, write_scene(tmp_path, 64)) as server:
        for address in addresses:
            server.http.get(address)
        with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{server.port}/jobs/j-0/subscribe?token=hush-6"):
            pass
    said = server.said()
    assert "hush" not in said
    assert "GET /jobs?a=1&token=***&b=2 HTTP" in said and "GET /token/***/jobs HTTP" in said
    assert "/subscribe?token=***" in said and "tokens=shown" in said
