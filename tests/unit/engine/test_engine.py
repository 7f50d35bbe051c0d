"""The engine over fake sources: right pixels, right times, and no more work than needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ogcserver.cube import Block, View
from ogcserver.engine.service import Engine
from ogcserver.errors import (
    DeadlineExceeded,
    InvalidSubset,
    NoTimeInRange,
    Overloaded,
    SourceUnavailable,
    TooLarge,
)
from ogcserver.geo.crs import WGS84, project
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.geo.warp import centres
from ogcserver.plan.expr import Expr
from ogcserver.sources.base import Extent, Item, Place
from ogcserver.sources.memory import MemoryCollection, MemoryReader
from ogcserver.sources.raster import Header, Raw, Window
from tests.fakes import (
    DAYS,
    TIMES,
    UTM,
    Archive,
    CountingReader,
    PyramidReader,
    compiled,
    coordinate_bands,
    node,
    product,
    run,
    utm_archive,
)

NATIVE = Grid(UTM.lattice, 100, 50, 60, 40)
WHOLE = UTM.grid
BOX = {"left": 604000, "right": 608000, "top": 5196000, "bottom": 5192000, "srs": "EPSG:32632"}


def mercator(pixel: float) -> Grid:
    x, y = project("EPSG:32632", "EPSG:3857", np.array([604000.0]), np.array([5196000.0]))
    return Grid(Lattice("EPSG:3857", float(x[0]), float(y[0]), pixel, pixel), 7, 9, 70, 50)


class Gate(CountingReader):
    """Holds reads up until it is opened; tells the event loop when the first has come."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(MemoryReader(archive.arrays))
        self.opened = threading.Event()
        self.loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()

    def read(self, place: Place, level: int, window: Window) -> Raw:
        result = super().read(place, level, window)
        self.loop.call_soon_threadsafe(self.reached.set)
        assert self.opened.wait(20)
        return result


class Forbidden(MemoryReader):
    """Fails the test when a pixel is read."""

    def read(self, place: Place, level: int, window: Window) -> Raw:
        raise AssertionError("nothing may be read")


class Broken(CountingReader):
    """Cannot read the places whose name has a part."""

    def __init__(self, archive: Archive, part: str) -> None:
        super().__init__(MemoryReader(archive.arrays))
        self.part = part

    def header(self, place: Place) -> Header:
        return super().header(place)

    def read(self, place: Place, level: int, window: Window) -> Raw:
        super().read(place, level, window)
        if self.part in str(place):
            raise SourceUnavailable(f"{place} is away")
        return self.inner.read(place, level, window)


class Text:
    """Encodes a block as its sum; a second token makes another format."""

    def __init__(self, token: str = "text") -> None:
        self.token = token
        self.calls = 0

    def __call__(self, block: Block) -> bytes:
        self.calls += 1
        return f"{self.token} {np.nansum(block.data)}".encode()


@pytest.fixture
def engines() -> Iterator[Any]:
    """Makes engines, and stops them in the end."""
    made: list[Engine] = []

    def make(archive: Archive, rasters: Any = None, skip_unreadable: bool = True, **limits: Any) -> Engine:
        made.append(archive.engine(rasters, skip_unreadable, **limits))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def first(archive: Archive, *bands: str) -> Expr:
    return compiled(archive, node("first_time", imagery=node("filter_bands", imagery=product(), bands=list(bands))))


GRIDS = [
    NATIVE,
    Grid(UTM.lattice, 100, 50, 1100, 700),
    Grid(Lattice("EPSG:32632", 600007.0, 5199987.0, 7.0, 9.0), 600, 500, 60, 40),
    mercator(20.0),
    mercator(3.0),
    mercator(150.0),
    Grid(Lattice(WGS84, 10.4, 46.93, 0.0002, 0.0001), 0, 0, 80, 300),
    Grid(Lattice("EPSG:32633", 150000.0, 5208000.0, 20.0, 20.0), 0, 0, 300, 300),
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_every_pixel_is_the_source_pixel_under_its_centre(grid: Grid, engines: Any) -> None:
    archive = utm_archive()
    block = run(engines(archive).evaluate(first(archive, "x", "y"), View(grid, ("x", "y"))))
    xs, ys = np.broadcast_arrays(centres(grid).x, centres(grid).y)
    x, y = project(grid.crs, "EPSG:32632", xs, ys)
    found_x, found_y = block.data[0]
    within = (x > 600000) & (x < 614000) & (y > 5188000) & (y < 5200000)
    near_edge = np.minimum(np.abs(x - 600000), np.abs(x - 614000)) < 5
    near_edge |= np.minimum(np.abs(y - 5188000), np.abs(y - 5200000)) < 5
    assert within.sum() > 50
    np.testing.assert_array_equal(np.isnan(found_x)[~near_edge], ~within[~near_edge])
    slack = 10.0 + 0.03 * grid.lattice.dx * (1.0 if grid.crs != WGS84 else 111320.0)
    seen = within & ~np.isnan(found_x)
    assert np.abs(found_x - x)[seen].max() <= slack
    assert np.abs(found_y - y)[seen].max() <= slack


def test_native_pixels_come_bit_for_bit(engines: Any) -> None:
    archive = utm_archive()
    block = run(engines(archive).evaluate(first(archive, "v"), View(NATIVE, ("v",))))
    stack = [coordinate_bands(UTM, number)["v"][50:90, 100:160] for number in range(3)]
    expected = np.where(np.isnan(stack[0]), np.where(np.isnan(stack[1]), stack[2], stack[1]), stack[0])
    np.testing.assert_array_equal(block.data[0, 0], expected)
    assert block.data.dtype == np.float32


@pytest.mark.parametrize("reducer", ["median", "min", "count"])
def test_items_of_one_day_are_one_observation_and_the_first_wins(reducer: str, engines: Any) -> None:
    archive = Archive()
    left = Extent(UTM.lattice, 40, 30)
    right = Extent(Lattice("EPSG:32632", UTM.lattice.x(20), UTM.lattice.y0, 20.0, 20.0), 40, 30)
    hole = np.full((30, 40), 10, np.float32)
    hole[:, 30:] = np.nan
    other = np.full((30, 40), 20, np.float32)
    archive.add(
        "m",
        [
            ("2017-01-05T10:00:00Z", left, {"v": hole}),
            ("2017-01-05T10:00:20Z", right, {"v": other}),
            ("2017-01-06T10:00:00Z", right, {"v": other + 20}),
        ],
    )
    plan = compiled(archive, node(f"{reducer}_time", imagery=product("m")))
    row = run(engines(archive).evaluate(plan, View(Grid(UTM.lattice, 0, 0, 60, 30), ("v",)))).data[0, 0, 7]
    expected = {"median": [10, 25, 30], "min": [10, 10, 20], "count": [1, 2, 2]}[reducer]
    np.testing.assert_array_equal(row, np.repeat(expected, [20, 10, 30]))


def test_count_is_zero_inside_the_box_and_missing_outside(engines: Any) -> None:
    archive = Archive()
    values = np.full((100, 100), 5, np.float32)
    values[:, 50:] = np.nan
    archive.add("c", [("2017-01-05T10:00:00Z", Extent(UTM.lattice, 100, 100), {"v": values})])
    box = {"left": 600400, "right": 604000, "top": 5199600, "bottom": 5199000, "srs": "EPSG:32632"}
    plan = compiled(archive, node("count_time", imagery=node("filter_bbox", imagery=product("c"), **box)))
    row = run(engines(archive).evaluate(plan, View(Grid(UTM.lattice, 0, 0, 300, 100), ("v",)))).data[0, 0, 30]
    np.testing.assert_array_equal(row[:200], np.repeat([np.nan, 1, 0], [20, 30, 150]))
    assert np.isnan(row[200:]).all()


def test_results_with_a_time_axis_keep_labels_and_order(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive)
    plan = compiled(archive, node("filter_bands", imagery=product(), bands=["v"]))
    block = run(engine.evaluate(plan, View(NATIVE, ("v",))))
    assert block.times == DAYS and block.data.shape[0] == 3
    for number in range(3):
        np.testing.assert_array_equal(block.data[number, 0], coordinate_bands(UTM, number)["v"][50:90, 100:160])
    chosen = run(engine.evaluate(plan, View(NATIVE, ("v",), (DAYS[2], DAYS[0]))))
    assert chosen.times == (DAYS[2], DAYS[0])
    np.testing.assert_array_equal(chosen.data, block.data[[2, 0]])


def test_a_window_beside_the_data_is_missing_at_all_times(engines: Any) -> None:
    archive = utm_archive()
    plan = compiled(archive, product())
    block = run(engines(archive).evaluate(plan, View(Grid(UTM.lattice, 5000, 0, 5, 5), ("v",))))
    assert block.times == DAYS and np.isnan(block.data).all()


def test_no_observation_in_time_is_said_when_described_and_when_times_are_the_result(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive)
    empty = node("filter_daterange", imagery=product(), from_="2019-01-01")
    with pytest.raises(NoTimeInRange):
        run(engine.describe(compiled(archive, node("min_time", imagery=empty))))
    with pytest.raises(NoTimeInRange):
        run(engine.evaluate(compiled(archive, empty), View(NATIVE, ("v",))))
    block = run(engine.evaluate(compiled(archive, node("min_time", imagery=empty)), View(NATIVE, ("v",))))
    assert np.isnan(block.data).all() and block.data.shape == (1, 1, 40, 60)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30"])
def test_the_ends_of_the_calendar_do_no_harm(day: str, engines: Any) -> None:
    archive = utm_archive()
    for bounds in ({"from_": day}, {"to": day}):
        plan = compiled(archive, node("count_time", imagery=node("filter_daterange", imagery=product(), **bounds)))
        run(engines(archive).evaluate(plan, View(NATIVE, ("x",))))


def test_description_is_the_native_grid_inside_the_box(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive)
    whole = run(engine.describe(compiled(archive, node("min_time", imagery=product()))))
    assert whole.grid.bounds == WHOLE.bounds and whole.grid.shape == WHOLE.shape
    assert whole.times == () and whole.interval == (TIMES[0], TIMES[2])
    boxed = compiled(archive, node("filter_bbox", imagery=product(), **BOX))
    found = run(engine.describe(boxed))
    assert found.grid.bounds == (604000.0, 5192000.0, 608000.0, 5196000.0) and found.grid.shape == (200, 200)
    assert found.times == DAYS and len(found.boxes) == 1


def test_plans_over_the_same_scenes_search_for_them_once(engines: Any) -> None:
    archive, searches = utm_archive(), list[object]()
    inner = archive.get("utm")
    assert isinstance(inner, MemoryCollection)

    class Counting(MemoryCollection):
        def search(self, *args: Any) -> tuple[Item, ...]:
            searches.append(args)
            return super().search(*args)

    archive.collections["utm"] = Counting(inner.info, inner.items)
    engine = engines(archive)
    for name in ("min_time", "max_time"):
        found = run(engine.describe(compiled(archive, node(name, imagery=product()))))
        assert (found.grid.bounds, found.interval) == (WHOLE.bounds, (TIMES[0], TIMES[2]))
    assert len(searches) == 1
    archive.collections["utm"] = Counting(inner.info, inner.items[:2], revision="1")
    found = run(engine.describe(compiled(archive, node("max_time", imagery=product()))))
    assert (found.interval, len(searches)) == ((TIMES[0], TIMES[1]), 2)
    boxed = compiled(archive, node("min_time", imagery=node("filter_bbox", imagery=product(), **BOX)))
    assert run(engine.describe(boxed)).grid.bounds == (604000.0, 5192000.0, 608000.0, 5196000.0)


def test_boxes_that_do_not_meet_the_data_are_refused_when_described(engines: Any) -> None:
    archive = utm_archive()
    far = node("filter_bbox", imagery=product(), left=-60, right=-59, top=1, bottom=0)
    with pytest.raises((InvalidSubset, NoTimeInRange)):
        run(engines(archive).describe(compiled(archive, far)))


def test_too_many_pixels_are_refused_before_anything_is_read(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive, Forbidden(archive.arrays), max_pixels=2399)
    with pytest.raises(TooLarge, match="2400"):
        run(engine.evaluate(first(archive, "v"), View(NATIVE, ("v",))))
    with pytest.raises(TooLarge):
        run(engine.render(first(archive, "v"), View(NATIVE, ("v",)), Text()))
    with pytest.raises(TooLarge):
        run(engine.explain(first(archive, "v"), View(NATIVE, ("v",))))


def test_times_count_among_the_pixels(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive, Forbidden(archive.arrays), max_pixels=2400 * 3 - 1)
    with pytest.raises(TooLarge):
        run(engine.evaluate(compiled(archive, product()), View(NATIVE, ("v",))))


def test_too_much_memory_is_refused_before_anything_is_read(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive, Forbidden(archive.arrays), max_request_mb=4)
    with pytest.raises(TooLarge, match="MB"):
        run(engine.evaluate(first(archive, "v"), View(Grid(UTM.lattice, 0, 0, 1200, 1200), ("v",))))


def test_little_memory_makes_smaller_chunks_with_the_same_pixels(engines: Any) -> None:
    archive = utm_archive()
    view = View(Grid(UTM.lattice, -20, -30, 500, 500), ("v",))
    plan = compiled(archive, node("median_time", imagery=product()))
    small, large = engines(archive, max_request_mb=6), engines(archive)
    assert run(small.explain(plan, view)).chunks > run(large.explain(plan, view)).chunks
    np.testing.assert_array_equal(run(small.evaluate(plan, view)).data, run(large.evaluate(plan, view)).data)


def test_work_stops_at_its_deadline(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive, Forbidden(archive.arrays), timeout_s=-1.0)
    with pytest.raises(DeadlineExceeded):
        run(engine.evaluate(first(archive, "v"), View(NATIVE, ("v",))))
    assert engine.statistics().under_way == 0


def long_archive() -> Archive:
    archive = Archive()
    values = np.ones((20, 20), np.float32)
    extent = Extent(UTM.lattice, 20, 20)
    archive.add("utm", [(f"2017-{1 + n // 28:02}-{1 + n % 28:02}T10:00:00Z", extent, {"v": values}) for n in range(60)])
    return archive


SMALL = View(Grid(UTM.lattice, 0, 0, 20, 20), ("v",))


def test_work_that_nobody_waits_for_any_more_stops(engines: Any) -> None:
    archive = long_archive()

    async def scene() -> None:
        gate = Gate(archive)
        engine = engines(archive, gate)
        waiter = asyncio.ensure_future(engine.evaluate(first(archive, "v"), SMALL))
        await asyncio.wait_for(gate.reached.wait(), 20)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        for _ in range(5):
            await asyncio.sleep(0)
        assert engine.statistics().under_way == 0
        gate.opened.set()
        await asyncio.to_thread(engine.close)
        assert 0 < len(gate.reads) < 30

    run(scene())


def test_work_goes_on_while_another_still_waits_for_it(engines: Any) -> None:
    archive = long_archive()

    async def scene() -> None:
        gate = Gate(archive)
        engine = engines(archive, gate)
        waiters = [asyncio.ensure_future(engine.evaluate(first(archive, "v"), SMALL)) for _ in range(2)]
        await asyncio.wait_for(gate.reached.wait(), 20)
        waiters[0].cancel()
        gate.opened.set()
        block = await asyncio.wait_for(waiters[1], 20)
        assert (block.data == 1).all()
        assert waiters[0].cancelled() and len(gate.reads) == 60

    run(scene())


def test_ten_requests_for_one_view_are_one_computation(engines: Any) -> None:
    archive = utm_archive()
    reader = CountingReader(MemoryReader(archive.arrays))
    engine = engines(archive, reader)
    encoder = Text()

    plan = compiled(archive, node("first_time", imagery=product()))

    async def scene() -> None:
        blocks = await asyncio.gather(*(engine.evaluate(plan, View(NATIVE, ("v",))) for _ in range(10)))
        assert all(block is blocks[0] for block in blocks)
        assert len(reader.reads) == 3
        answers = await asyncio.gather(*(engine.render(plan, View(NATIVE, ("w",)), encoder) for _ in range(10)))
        assert len({answer.body for answer in answers}) == 1 and encoder.calls == 1
        assert len(reader.reads) == 6

    run(scene())


def test_what_is_in_a_cache_is_not_read_again(engines: Any) -> None:
    archive = utm_archive()
    reader = CountingReader(MemoryReader(archive.arrays))
    engine = engines(archive, reader)
    plan, view, text = first(archive, "v"), View(NATIVE, ("v",)), Text()

    async def scene() -> None:
        answer = await engine.render(plan, view, text)
        reads = len(reader.reads)
        assert await engine.render(plan, view, text) is answer and text.calls == 1
        other = Text("another style")
        styled = await engine.render(plan, view, other)  # from the array
        assert other.calls == 1 and styled.etag != answer.etag and len(reader.reads) == reads
        assert (await engine.etag(plan, view, text)) == answer.etag
        explained = await engine.explain(plan, view)
        assert explained.cached == "array"
        assert engine.statistics().responses.hits == 1 and engine.statistics().arrays.hits == 1

    run(scene())


def test_a_new_version_of_a_collection_is_computed_anew(engines: Any) -> None:
    archive = utm_archive()
    reader = CountingReader(MemoryReader(archive.arrays))
    engine = engines(archive, reader)
    plan, view = first(archive, "v"), View(NATIVE, ("v",))
    before = run(engine.render(plan, view, Text()))
    object.__setattr__(archive.collections["utm"], "revision", "1")
    after = run(engine.render(plan, view, Text()))
    assert len(reader.reads) == 6 and after.etag != before.etag


def test_incomplete_results_are_answered_but_not_kept(engines: Any) -> None:
    archive = utm_archive()
    broken = Broken(archive, "utm/1/")
    engine = engines(archive, broken)
    plan = compiled(archive, node("count_time", imagery=product()))

    async def scene() -> None:
        block = await engine.evaluate(plan, View(NATIVE, ("x",)))
        assert not block.complete and (block.data == 2).all()
        assert engine.statistics().unreadable == 1
        text = Text()
        await engine.render(plan, View(NATIVE, ("x",)), text)
        broken.part = "nothing is broken"
        again = await engine.evaluate(plan, View(NATIVE, ("x",)))
        assert again.complete and (again.data == 3).all()
        await engine.render(plan, View(NATIVE, ("x",)), text)
        assert text.calls == 2 and engine.statistics().responses.entries == 1

    run(scene())


def test_an_unreadable_item_fails_the_request_when_set_so(engines: Any) -> None:
    archive = utm_archive()
    engine = engines(archive, Broken(archive, "utm/1/"), False)
    with pytest.raises(SourceUnavailable):
        run(engine.evaluate(first(archive, "x"), View(NATIVE, ("x",))))
    assert engine.statistics().unreadable >= 1 and engine.statistics().under_way == 0


def test_more_requests_than_the_queue_holds_are_turned_away(engines: Any) -> None:
    archive = long_archive()

    async def scene() -> None:
        gate = Gate(archive)
        engine = engines(archive, gate, queue=2)
        views = [View(SMALL.grid.window(0, 0, 10 + number, 20), ("v",)) for number in range(3)]
        waiters = [asyncio.ensure_future(engine.evaluate(first(archive, "v"), view)) for view in views[:2]]
        await asyncio.wait_for(gate.reached.wait(), 20)
        with pytest.raises(Overloaded):
            await engine.evaluate(first(archive, "v"), views[2])
        same = asyncio.ensure_future(engine.evaluate(first(archive, "v"), views[0]))  # joins, so it is let in
        gate.opened.set()
        await asyncio.gather(*waiters, same)
        await engine.evaluate(first(archive, "v"), views[2])

    run(scene())


@pytest.mark.parametrize("resampling", ["nearest", "average"])
@pytest.mark.parametrize(
    "grid", [NATIVE, mercator(30.0), mercator(170.0), Grid(UTM.lattice, 400, 400, 700, 300)], ids=str
)
def test_explain_lists_the_reads_that_are_done(grid: Grid, resampling: Any, engines: Any) -> None:
    archive = utm_archive()
    reader = CountingReader(PyramidReader(archive.arrays))
    engine = engines(archive, reader)
    box = node("filter_bbox", imagery=product(), **BOX)
    plan = compiled(archive, node("max_time", imagery=node("NDVI", imagery=box, red="v", nir="w")))
    view = View(grid, ("NDVI",), (), resampling)
    explained = run(engine.explain(plan, view))
    assert reader.reads == []
    run(engine.evaluate(plan, view))
    done = sorted(
        (place.name.split("/")[2], level, (w.col, w.row, w.width, w.height)) for place, level, w in reader.reads
    )  # type: ignore[union-attr]
    assert sorted((line.band, line.level, line.window) for line in explained.reads) == done
    assert explained.bytes_to_read == sum(4 * window.size for _, _, window in reader.reads)
    outside = grid == NATIVE  # of the box: nothing is searched for
    assert explained.observations == (0 if outside else 3) and (done == []) == outside and explained.cached == ""
    assert "max" in explained.to_text() and len(explained.to_json()["reads"]) == len(done)


def test_explain_can_tell_the_time_of_each_node(engines: Any) -> None:
    archive = utm_archive()
    explained = run(engines(archive).explain(first(archive, "v"), View(NATIVE, ("v",)), True))
    assert explained.analysis is not None and explained.analysis.bytes_read == 0  # of files
    spent = dict(zip((line.split("(")[0] for line in explained.nodes), explained.analysis.seconds, strict=True))
    assert spent["Load"] > 0 and spent["Reduce"] > 0
    assert explained.to_text().count(" ms") == len(explained.nodes)


def test_a_days_mosaic_has_one_label_through_every_window(engines: Any) -> None:
    archive = Archive()
    west, east = (
        Extent(UTM.lattice, 400, 300),
        Extent(Lattice("EPSG:32632", UTM.lattice.x(2000), UTM.lattice.y0, 20.0, 20.0), 400, 300),
    )
    ones = np.ones((300, 400), np.float32)
    archive.add("m", [("2017-01-05T10:00:00Z", west, {"v": ones}), ("2017-01-05T10:00:20Z", east, {"v": ones})])
    plan = compiled(archive, product("m"))
    window = Grid(UTM.lattice, 2000, 0, 10, 10)
    block = run(engines(archive).evaluate(plan, View(window, ("v",))))
    assert (block.data == 1).all()
