"""Servers: over the small demo archive, over the demo's grid at its true 20 m, and over the real collections."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from ogcserver.demo import catalogue
from ogcserver.demo.archive import write_archive
from ogcserver.demo.layout import SMALL, Size
from tests.e2e.harness import SHARED, TestServer, ndvi, node, running, settings


@pytest.fixture(scope="session")
def demo_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``catalog.json`` of the demo archive in pixels eight times as wide. Do not change it."""
    return write_archive(tmp_path_factory.mktemp("demo") / "archive", progress=False, scale=SMALL)


@pytest.fixture(scope="session")
def full_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo archive in its true pixels, but with few dates, few bands and a coarse relief, which take the time."""
    level2 = catalogue.collections(Size(1, 128, 20))[0]
    bands = tuple(band for band in level2.bands if band.name in ("B04", "B8A"))
    januaries = tuple(date for date in level2.dates if date.time.month == 1)
    level2 = replace(level2, bands=bands, dates=januaries)
    rest = [replace(one, dates=one.dates[:1]) for one in catalogue.collections(SMALL)[1:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "collections", lambda size: (level2, *rest))
        return write_archive(tmp_path_factory.mktemp("full") / "archive", progress=False, scale=Size(1, 128, 20))


def _open(folder: Path, *catalogs: Path) -> TestServer:
    return TestServer(settings(folder, *catalogs))


@pytest.fixture(scope="session")
def demo(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server of the small archive, warm: what is compiled once is compiled."""
    server = _open(tmp_path_factory.mktemp("demo-data"), demo_catalog)
    job = server.add(node("min_time", ndvi()))
    assert job.tile("WebMercatorQuad", "9", 180, 272).status_code == 200
    assert job.coverage("x(660000,670000)", SCALEFACTOR="0.3", OUTPUTCRS="EPSG:4326").status_code == 200
    yield server
    server.close()


@pytest.fixture(scope="session")
def full(full_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server of the archive in true pixels."""
    server = _open(tmp_path_factory.mktemp("full-data"), full_catalog)
    yield server
    server.close()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server of the small real collections; skips where they are not."""
    catalog = SHARED / "data" / "catalog.json"
    if not catalog.exists():
        pytest.skip(f"the real collections ({catalog}) are not here")
    server = _open(tmp_path_factory.mktemp("real-data"), catalog)
    yield server
    server.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """Runs applications on free loopback ports until the end of all tests; gives the address of each."""
    with contextlib.ExitStack() as stack:
        yield lambda app: stack.enter_context(running(app))


@pytest.fixture(scope="session")
def live_demo(demo: TestServer, serve: Callable[[ASGIApp], str]) -> Iterator[tuple[TestServer, str]]:
    """A second instance over the data of ``demo``, and the address where programs reach it."""
    server = TestServer(demo.settings)
    yield server, serve(server.app)
    server.close()


@pytest.fixture(scope="session")
def live_full(full: TestServer, serve: Callable[[ASGIApp], str]) -> Iterator[tuple[TestServer, str]]:
    """A second instance over the data of ``full``, and its address."""
    server = TestServer(full.settings)
    yield server, serve(server.app)
    server.close()


@pytest.fixture(scope="session")
def live_real(real: TestServer, serve: Callable[[ASGIApp], str]) -> Iterator[str]:
    """The address of a second instance over the data of ``real``."""
    server = TestServer(real.settings)
    yield serve(server.app)
    server.close()
