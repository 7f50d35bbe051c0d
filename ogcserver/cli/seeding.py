"""``ogcserver seed``: asks a running server for the tiles of a service, so that it has them ready when users come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click
import httpx
from rich.progress import Progress

from ogcserver.errors import RequestError
from ogcserver.geo.grid import Bounds
from ogcserver.geo.matrix_sets import WEB_MERCATOR, standard_sets
from ogcserver.geo.tiles import MatrixSet

_TIMEOUT_S = 120.0
_MOST = 1_000_000
"""Tiles of one command."""


@dataclass
class Seeded:
    """What came of it."""

    tiles: int = 0
    failed: int = 0
    nbytes: int = 0


def tiles(mercator: MatrixSet, bounds: Bounds, zooms: range) -> Iterator[tuple[int, int, int]]:
    """z, x, y of the tiles that a longitude/latitude box touches, the coarsest first.

    Raises:
        RequestError: there are too many.
    """
    box = mercator.bounds_of([bounds])
    limits = [(zoom, found) for zoom in zooms if box and (found := mercator.matrices[zoom].limits(box))]
    count = sum((one.max_row - one.min_row + 1) * (one.max_col - one.min_col + 1) for _, one in limits)
    if count > _MOST:
        raise RequestError(f"these are {count:,} tiles, and {_MOST:,} are the most: choose by --zooms or --bbox")
    for zoom, one in limits:
        for row in range(one.min_row, one.max_row + 1):
            for col in range(one.min_col, one.max_col + 1):
                yield zoom, col, row


async def ask_all(http: httpx.AsyncClient, addresses: list[str], at_once: int, step: Callable[[], None]) -> Seeded:
    """Gets every address, so many at the same time. Failures are counted, and stop nothing."""
    found, queue = Seeded(), iter(addresses)

    async def drain() -> None:
        for address in queue:
            try:
                response = await http.get(address)
                found.failed += not response.is_success
                found.nbytes += len(response.content)
            except httpx.TransportError:
                found.failed += 1
            found.tiles += 1
            step()

    await asyncio.gather(*(drain() for _ in range(at_once)))
    return found


async def addresses_of(
    http: httpx.AsyncClient, url: str, zooms: tuple[int, int] | None, bbox: Bounds | None
) -> list[str]:
    """The addresses of the tiles that the TileJSON at ``url`` describes, or of a part of them.

    Raises:
        RequestError: the address does not answer with TileJSON, or there would be too many tiles.
    """
    response = await http.get(url)
    try:
        response.raise_for_status()
        described = response.json()
        template, bounds = described["tiles"][0], tuple(described["bounds"])
        first, last = zooms or (described["minzoom"], described["maxzoom"])
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RequestError(f"{url} is not the TileJSON of a service (.../services/ID/xyz/tile.json)") from error
    mercator = standard_sets()[WEB_MERCATOR]
    wanted = tiles(mercator, bbox or bounds, range(max(0, first), min(last, len(mercator.matrices) - 1) + 1))
    return [template.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y)) for z, x, y in wanted]


def _zooms(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise click.BadParameter(f"--zooms must be a number or two such as 8-12, not {text!r}") from None


def _box(text: str) -> Bounds:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise click.BadParameter(f"--bbox must be west,south,east,north in degrees, not {text!r}") from None
    return west, south, east, north


@click.command()
@click.argument("tilejson")
@click.option("--zooms", help="Such as 8-12; default: those of the TileJSON.")
@click.option("--bbox", help="west,south,east,north in degrees; default: that of the TileJSON.")
@click.option("--at-once", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at the same time.")
def seed(tilejson: str, zooms: str | None, bbox: str | None, at_once: int) -> None:
    """Ask for the tiles of the service that TILEJSON (an address) describes, so that the server has them ready.

    The server keeps them in memory, as long as its settings give it room ([cache] response_mb).
    """
    found = asyncio.run(_seed(tilejson, _zooms(zooms) if zooms else None, _box(bbox) if bbox else None, at_once))
    click.echo(f"{found.tiles:,} tiles, {found.nbytes / 1e6:.1f} MB, {found.failed:,} failed")
    if found.failed:
        raise SystemExit(1)


async def _seed(url: str, zooms: tuple[int, int] | None, bbox: Bounds | None, at_once: int) -> Seeded:
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
        addresses = await addresses_of(http, url, zooms, bbox)
        with Progress() as bar:
            task = bar.add_task("tiles", total=len(addresses))
            return await ask_all(http, addresses, at_once, lambda: bar.advance(task))
