"""Filling a server's cache with the tiles that a TileJSON describes."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from click.testing import CliRunner

from ogcserver.cli.seeding import Seeded, addresses_of, ask_all, seed
from ogcserver.errors import RequestError
from tests.unit.wmts.fakes import FakeEngine, server

URL = "http://test/services/s-xyz-j-utm/xyz/tile.json"


def seeded(engine: FakeEngine, zooms: tuple[int, int] | None, url: str = URL) -> tuple[list[str], Seeded]:
    async def run() -> tuple[list[str], Seeded]:
        transport = httpx.ASGITransport(server(engine), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as http:
            addresses = await addresses_of(http, url, zooms, None)
            return addresses, await ask_all(http, addresses, 3, lambda: None)

    return asyncio.run(run())


def test_every_tile_of_the_layer_is_asked_for_once() -> None:
    engine = FakeEngine()
    addresses, found = seeded(engine, (8, 11))
    assert len(set(addresses)) == len(addresses) == found.tiles == len(engine.views)
    assert found.failed == 0 and found.nbytes > 0
    levels = [engine.views[0].grid.lattice.dx / view.grid.lattice.dx for view in engine.views]
    assert sorted(set(levels)) == [1, 2, 4, 8]


def test_failures_are_counted_and_stop_nothing() -> None:
    addresses, found = seeded(FakeEngine(ValueError("broken")), (8, 9))
    assert found.tiles == found.failed == len(addresses)


def test_an_address_without_tilejson_is_refused() -> None:
    for url in ("http://test/services/s-xyz-none/xyz/tile.json", "http://test/wmts/1.0.0/WMTSCapabilities.xml"):
        with pytest.raises(RequestError):
            seeded(FakeEngine(), None, url)


def test_more_tiles_than_anybody_wants_are_refused() -> None:
    with pytest.raises(RequestError, match="--zooms"):
        seeded(FakeEngine(), (24, 24))


@pytest.mark.parametrize("options", [["--zooms", "x"], ["--bbox", "1,2,3"], ["--at-once", "0"]])
def test_options_that_cannot_be_used_are_explained(options: list[str]) -> None:
    done = CliRunner().invoke(seed, [URL, *options])
    assert done.exit_code == 2 and options[0] in done.output
