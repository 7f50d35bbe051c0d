"""The benchmarks still run against the program, and their floor gives its pixels. Nothing is timed here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import block_bytes, compiling, finding, pixels, remote, switches
from benchmarks.archive import COLLECTION, Archive, Size, write
from benchmarks.engine import Local, ndvi_graph, tiles, windows
from benchmarks.forget import Caches
from benchmarks.stats import Series, machine
from ogcserver.sources.cog import CogReader
from ogcserver.sources.index import ItemIndex


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write(tmp_path_factory.mktemp("benchmarks"), Size(dates=2, edge=700))


@pytest.fixture
def pair(archive: Archive) -> Iterator[pixels.Pair]:
    made = pixels.Pair(archive)
    yield made
    made.close()


def test_an_archive_is_written_once(archive: Archive) -> None:
    path = Path(archive.path(1, "B8A"))
    before = path.stat().st_mtime_ns
    assert write(archive.folder.parent, archive.size) == archive
    assert path.stat().st_mtime_ns == before


def test_the_floor_gives_the_engine_s_pixels(pair: pixels.Pair) -> None:
    for work in (pair.colour(0), pair.ndvi(range(1)), pair.ndvi(range(2))):
        for tile in tiles(pair.archive, 7, 1):
            pixels.check_same({name: call(tile.grid) for name, call in work.items()})
    for grid in windows(pair.archive, 2, 600, 1):
        pixels.check_same({name: call(grid) for name, call in pair.coverage(range(2)).items()})


def test_other_pixels_are_noticed(pair: pixels.Pair) -> None:
    grid = next(iter(tiles(pair.archive, 1, 1, range(12, 13)))).grid
    with pytest.raises(ValueError, match="other pixels"):
        pixels.check_same({"one": pair.ndvi(range(1))["floor"](grid), "two": pair.colour(0)["floor"](grid)})


def test_candidates_take_turns_and_are_reported(pair: pixels.Pair, capsys: pytest.CaptureFixture[str]) -> None:
    pixels.report(pixels.w2(pair, 3))
    printed = capsys.readouterr().out
    assert "first visit" in printed and "again" in printed and "at most 1.25" in printed


def test_a_forgetful_engine_reads_again(pair: pixels.Pair) -> None:
    readers = pair.local.parts.engine._reader._readers.values()
    blocks = next(one for one in readers if isinstance(one, CogReader))._blocks
    pair.ndvi(range(2))["engine"](next(iter(tiles(pair.archive, 1, 1, range(12, 13)))).grid)
    assert len(blocks) > 0
    pair.caches.forget_places()
    assert len(blocks) > 0
    pair.caches.forget_blocks()
    assert len(blocks) == 0


@pytest.mark.parametrize("nodes", [5, 44, 200])
def test_graphs_have_as_many_nodes_as_they_say(archive: Archive, nodes: int) -> None:
    assert _count(compiling.branches(archive, nodes)) == nodes


def test_shared_nodes_are_one(archive: Archive) -> None:
    local = Local(archive)
    deep, flat = (local.compile(compiling.shared(archive, depth)) for depth in (3, 1))
    assert deep.type == flat.type
    local.close()


def test_a_series_knows_medians_and_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    series = Series("work")
    for slow, fast in itertools.product((4.0, 6.0, 5.0), (2.0, 2.5, 3.0)):
        series.add("slow", slow)
        series.add("fast", fast)
    series.print("fast", {"slow": 1.5})
    assert series.ratio("slow", "fast") == 2.0
    assert "MISSED" in capsys.readouterr().out
    assert "Python" in machine()


def test_generated_items_are_found_once_for_each_place(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    local = Local(archive)
    plan, info = local.compile(ndvi_graph(finding.days())), local.parts.catalogs.get(COLLECTION).info
    local.close()
    made = list(finding.items(archive, 250))
    assert len({item.id for item in made}) == 250
    found = finding.Generated(ItemIndex(made), info)
    finding.report(plan, [tile.grid for tile in tiles(archive, 3, 1, range(13, 14))], found, "250 items")
    printed = capsys.readouterr().out
    assert "finds 12" in printed and "3 searches for 6 tiles" in printed


def test_files_far_away_give_the_same_tiles(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    remote.run(archive, quick=True, delay_ms=0.0)
    printed = capsys.readouterr().out
    assert "first" in printed and "again                           0.0 requests" in printed


def test_bytes_read_are_those_of_the_blocks(archive: Archive) -> None:
    local = Local(archive)
    plan = local.compile(ndvi_graph(archive.days))
    grids = [tile.grid for tile in tiles(archive, 3, 3)]
    found = list(block_bytes.measured(local, plan, grids, Caches().forget_blocks))
    local.close()
    assert len(found) == 3 and all(1.0 <= one.ratio <= block_bytes.LIMIT for one in found)


def test_values_are_the_same_with_each_optimisation_off(archive: Archive) -> None:
    made = switches.variants(archive, archive.size.dates)
    for tile in tiles(archive, 7, 3):
        switches.check(made, tile)
    other = switches.variants(archive, 1)
    with pytest.raises(ValueError, match="values differ"):
        switches.check({**made, "a date": other["all on"]}, next(iter(tiles(archive, 1, 3, range(12, 13)))))
    for variant in (*made.values(), *other.values()):
        variant.local.close()


def _count(graph: object) -> int:
    """Nodes of a document: processes, and collections."""
    if isinstance(graph, list):
        return sum(map(_count, graph))
    if not isinstance(graph, dict):
        return 0
    return ("process_id" in graph or "product_id" in graph) + sum(map(_count, graph.values()))
