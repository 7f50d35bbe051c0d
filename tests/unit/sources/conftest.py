from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    if not (folder / "catalog.json").exists():
        pytest.skip(f"the real samples are not at {folder}")
    return folder


@pytest.fixture
def stac_item() -> Callable[..., dict[str, Any]]:
    """Makes a STAC Item of one asset ``B1``; keyword arguments replace its parts, ``properties`` adds to them."""

    def make(identifier: str = "scene", **parts: Any) -> dict[str, Any]:
        properties = {"datetime": "2017-01-05T10:20:31Z", **parts.pop("properties", {})}
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": identifier,
            "geometry": None,
            "bbox": [10.0, 46.0, 11.0, 47.0],
            "properties": properties,
            "links": [],
            "assets": {"B1": {"href": "./b1.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}},
        }
        return {**item, **parts}

    return make


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Server]]:
    """Starts ASGI applications on free ports of the loopback interface."""
    with contextlib.ExitStack() as stack:

        def start(app: Any) -> Server:
            server = Server(app)
            stack.callback(server.stop)
            return server

        yield start


class Server:
    def __init__(self, app: Any) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
