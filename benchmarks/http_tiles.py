"""W1 to W4 over HTTP: the whole answer of a server process on loopback, beside the floor in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.archive import Archive
from benchmarks.engine import NDVI_LOOK, RGB_LOOK, Local, Tile, colour_graph, ndvi_graph, styles, tiles, windows
from benchmarks.floor import Floor
from benchmarks.pixels import check_same
from benchmarks.server import Server, path
from benchmarks.stats import Series
from ogcserver.geo.grid import Grid

ANSWER = 1.5
"""The whole answer may take this many times the floor."""
_UNCACHED = {"response_mb": 0, "array_mb": 0, "block_mb": 1024}


class Beside:
    """A server, and the floors that do the same work."""

    def __init__(self, archive: Archive, server: Server) -> None:
        self.archive, self.server = archive, server
        local = Local(archive)
        looks = styles(local, archive)
        local.close()
        self.floors = {"floor": Floor(archive, *looks), "floor, 2 threads": Floor(archive, *looks, threads=2)}

    def compare(
        self, title: str, tasks: list[tuple[str, Grid]], by_floor: Callable[[Floor, Grid], bytes]
    ) -> tuple[Series, Series]:
        """Each address on its first visit, then again with decoded blocks; the floor's answers have the same pixels."""
        first, again = Series(f"{title}, HTTP, first visit"), Series(f"{title}, HTTP, again")
        for turn, (address, grid) in enumerate(tasks):
            candidates: dict[str, Callable[[], bytes]] = {"HTTP": partial(self.server.http.get, address)}
            for name, floor in self.floors.items():
                candidates[name] = partial(by_floor, floor, grid)
            check_same({name: call() for name, call in candidates.items()})
            self.server.forget("blocks")
            for floor in self.floors.values():
                floor.forget()
            first.take_turns(candidates, turn)
            self.server.forget("places")
            again.take_turns(candidates, turn)
        return first, again

    def close(self) -> None:
        for floor in self.floors.values():
            floor.close()


def run(archive: Archive, works: list[str], count: int) -> None:
    """The works of W1 to W4 that are wanted."""
    wanted = [work for work in works if work in ("W1", "W2", "W3", "W4")]
    if not wanted:
        return
    with Server(archive, _UNCACHED) as server:
        print(f"\nfrom process start to the first answer {server.ready_s:.2f} s   (at most 3)")
        beside = Beside(archive, server)
        for series in results(beside, wanted, count):
            reference = min(beside.floors, key=series.median)
            series.print(reference, {"HTTP": ANSWER})
        beside.close()


def results(beside: Beside, works: list[str], count: int) -> Iterator[Series]:
    archive, server = beside.archive, beside.server
    if "W1" in works:
        layer = server.layer(colour_graph(archive.days[0]), RGB_LOOK)
        tasks = _tasks(layer, list(tiles(archive, count, 11)))
        yield from beside.compare("W1 true colour, one date", tasks, lambda floor, grid: floor.true_colour(grid, 0))
    if "W2" in works:
        layer = server.layer(ndvi_graph(archive.days[:1]), NDVI_LOOK)
        tasks = _tasks(layer, list(tiles(archive, count, 12)))
        yield from beside.compare("W2 NDVI, one date", tasks, lambda floor, grid: floor.ndvi(grid, range(1)))
    if "W3" in works:
        for dates in (number for number in (1, 4, 12, 36) if number <= archive.size.dates):
            layer = server.layer(ndvi_graph(archive.days[:dates]), NDVI_LOOK)
            tasks = _tasks(layer, list(tiles(archive, count, 13)))
            title = f"W3 minimum NDVI, {dates} dates"
            yield from beside.compare(title, tasks, lambda floor, grid, n=dates: floor.ndvi(grid, range(n)))  # type: ignore[misc]
    if "W4" in works:
        dates, edge = 12, 1000
        job = server.job(ndvi_graph(archive.days[:dates]))
        grids = list(windows(archive, max(5, count // 4), edge, 14))
        tasks = [(coverage_path(job, grid), grid) for grid in grids]
        title = f"W4 coverage {edge} x {edge}, minimum NDVI, {dates} dates"
        yield from beside.compare(title, tasks, lambda floor, grid: floor.coverage(grid, range(dates)))


def _tasks(layer: str, chosen: list[Tile]) -> list[tuple[str, Grid]]:
    return [(path(layer, tile), tile.grid) for tile in chosen]


def coverage_path(job: str, grid: Grid) -> str:
    """A WCS request for exactly the grid's pixels."""
    west, south, east, north = grid.bounds
    return (
        f"/wcs?service=WCS&version=2.0.1&request=GetCoverage&coverageId={job}&format=image/tiff"
        f"&subset=E({west:.1f},{east:.1f})&subset=N({south:.1f},{north:.1f})"
    )
