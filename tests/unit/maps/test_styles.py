"""Styles of layers over the engine: ranges from statistics, and no computation but colours when a style changes."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from rasterio.io import MemoryFile
from starlette.requests import Request

from ogcserver.cube import View
from ogcserver.encode.style import Style, default_style
from ogcserver.engine.describe import Description
from ogcserver.engine.service import Engine
from ogcserver.errors import InvalidParameter
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.maps.legend import LEGEND_TYPES, legend, legend_size
from ogcserver.maps.picture import GEOTIFF, MEDIA_TYPES, NPY, TERRARIUM, VALUE_TYPES, Painter, Pictures, picture_type
from ogcserver.maps.statistics import EDGE, MOST_TIMES, sample_view
from ogcserver.maps.styles import StyleName, Styles, style_named, styles_of
from ogcserver.sources.memory import MemoryReader
from tests.fakes import UTM, Archive, CountingReader, compiled, node, product, run, utm_archive

LATEST = node("last_time", imagery=product())


async def layer_of(engine: Engine, archive: Archive, args: dict[str, Any], graph: Any = LATEST) -> Layer:
    plan = compiled(archive, graph)
    return Layer("j-1", "Layer", "", plan, await engine.describe(plan), args)


def tile(number: int) -> Grid:
    return Grid(UTM.lattice, 64 * number, 128, 64, 64)


def asked(headers: dict[str, str] | None = None) -> Request:
    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": pairs})


# ---- names


def test_styles_have_names_titles_and_a_default_that_is_first() -> None:
    args = {"title": "Main", "styles": {"grey": {"colormap": "greys_r", "abstract": "all grey"}, "b d": {}}}

    async def check() -> None:
        archive = utm_archive()
        layer = await layer_of(archive.engine(), archive, args)
        assert styles_of(layer) == (StyleName("default", "Main"), StyleName("grey", "grey", "all grey"))
        with pytest.raises(InvalidParameter):
            style_named(layer, "")
        assert legend_size(layer, "grey") > (0, 0)

    run(check())


def test_a_style_is_found_whatever_its_case_and_parsed_once() -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": "v", "styles": {"Grey": {"bands": "x"}}})
        styles = Styles(engine)
        assert await styles.named(layer, "") is await styles.named(layer, "DEFAULT")
        assert (await styles.named(layer, "gREY")).bands == ("x",)
        with pytest.raises(InvalidParameter, match="there are default, Grey") as caught:
            await styles.named(layer, "nosuch")
        assert caught.value.locator == "STYLE"

    run(check())


# ---- statistics


def test_a_range_from_statistics_is_that_of_the_whole_layer_and_taken_once() -> None:
    async def check() -> None:
        archive = utm_archive()
        reader = CountingReader(MemoryReader(archive.arrays))
        engine = archive.engine(reader)
        args = {"bands": "x", "rescale": {"percentiles": [0, 100]}, "title": "Eastings"}
        layer = await layer_of(engine, archive, args)
        styles = Styles(engine)
        style = await styles.named(layer, "")
        (low, high), *_ = style.rescale
        west, _, east, _ = layer.description.grid.bounds
        pixel = (east - west) / EDGE * 2
        assert west < low < west + pixel
        assert east - pixel < high < east
        assert style.percentiles is None
        assert style.title == "Eastings"
        reads = len(reader.reads)
        assert await styles.named(layer, "") == style
        assert await Styles(engine).named(layer, "") == style  # another protocol: the array cache has the sample
        assert len(reader.reads) == reads

    run(check())


def test_tiles_of_one_layer_have_one_stretch() -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": ["v", "v * 2", "w"], "rescale": "statistics"})
        style = await Styles(engine).named(layer, "")
        painter = Painter("image/png", style)
        left, right = [
            imagecodecs.png_decode((await engine.render(layer.plan, View(tile(n), style.bands), painter)).body)
            for n in (1, 2)
        ]
        both = View(Grid(UTM.lattice, 64, 128, 128, 64), style.bands)
        whole = imagecodecs.png_decode((await engine.render(layer.plan, both, painter)).body)
        np.testing.assert_array_equal(np.concatenate([left[..., :3], right[..., :3]], axis=1), whole[..., :3])

    run(check())


def test_a_layer_without_values_keeps_the_usual_range() -> None:
    archive = Archive()
    archive.add("empty", [("2017-01-05T10:00:00Z", UTM, {"v": np.full((600, 700), np.nan, np.float32)})])

    async def check() -> None:
        engine = archive.engine()
        graph = node("last_time", imagery=product("empty"))
        layer = await layer_of(engine, archive, {"rescale": "statistics"}, graph)
        assert (await Styles(engine).named(layer, "")).rescale == default_style(layer.description.bands).rescale

    run(check())


def test_a_constant_layer_gets_a_range_around_its_value() -> None:
    archive = Archive()
    archive.add("flat", [("2017-01-05T10:00:00Z", UTM, {"v": np.full((600, 700), 7, np.float32)})])

    async def check() -> None:
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"rescale": "statistics"}, node("last_time", imagery=product("flat")))
        assert (await Styles(engine).named(layer, "")).rescale == ((6.5, 7.5),)

    run(check())


def test_the_sample_is_bounded_in_pixels_and_times() -> None:
    huge = Grid(UTM.lattice, 0, 0, 1_000_000, 30_001)
    times = tuple(f"2017-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29))
    archive = utm_archive()
    layer = Layer("j-1", "", "", compiled(archive, product()), Description(huge, (), times, (), ("", "")))
    view = sample_view(layer, Style(("v",)))
    assert max(view.grid.shape) <= EDGE
    assert view.grid.bounds == pytest.approx(huge.bounds)
    assert len(view.times) == MOST_TIMES
    assert (view.times[0], view.times[-1]) == (times[0], times[-1])


# ---- pictures


def test_another_style_of_a_cached_view_reads_and_computes_nothing() -> None:
    async def check() -> None:
        archive = utm_archive()
        reader = CountingReader(MemoryReader(archive.arrays))
        engine = archive.engine(reader)
        looks = {"grey": {"bands": "v", "colormap": "viridis"}, "steps": {"bands": "v", "colormap": [[0, "#ff0000"]]}}
        layer = await layer_of(engine, archive, {"bands": "v", "styles": looks})
        styles, pictures = Styles(engine), Pictures(engine)
        bodies, misses = set(), set()
        for name in ("default", "grey", "steps"):
            style = await styles.named(layer, name)
            answer = await pictures.answer(asked(), layer.plan, View(tile(1), style.bands), Painter("image/png", style))
            bodies.add(bytes(answer.body))
            misses.add((len(reader.reads), engine.statistics().arrays.misses))
        assert len(bodies) == 3
        assert len(misses) == 1

    run(check())


def test_hillshaded_tiles_joined_are_the_hillshade_of_the_whole() -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": "v", "hillshade": {"z_factor": 5}})
        style = await Styles(engine).named(layer, "")
        pictures, painter = Pictures(engine), Painter("image/png", style)

        async def painted(grid: Grid) -> Any:
            answer = await pictures.answer(asked(), layer.plan, View(grid, style.bands), painter)
            return imagecodecs.png_decode(bytes(answer.body))

        parts = [await painted(tile(number)) for number in (1, 2)]
        whole = await painted(Grid(UTM.lattice, 64, 128, 128, 64))
        assert whole.shape[:2] == (64, 128)
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
        assert len(np.unique(whole)) > 50

    run(check())


def test_a_picture_that_the_client_has_is_not_sent_again() -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": "v", "hillshade": True})
        style = await Styles(engine).named(layer, "")
        view, painter = View(tile(1), style.bands), Painter("image/webp", style)
        first = await Pictures(engine).answer(asked(), layer.plan, view, painter)
        tag = first.headers["etag"]
        again = await Pictures(engine).answer(asked({"if-none-match": f"W/{tag}"}), layer.plan, view, painter)
        assert (first.status_code, again.status_code, again.headers["etag"]) == (200, 304, tag)
        made = Pictures(engine, max_age=60).made(asked({"if-none-match": '"a", "b"'}), b"body", "image/png", "b")
        assert (made.status_code, made.headers["cache-control"]) == (304, "public, max-age=60, must-revalidate")
        assert Pictures(engine).made(asked(), b"body", "image/png", "b").body == b"body"

    run(check())


@pytest.mark.parametrize("media_type", VALUE_TYPES)
def test_tiles_of_values_hold_the_values_whatever_the_colours(media_type: str) -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": "v", "hillshade": True, "styles": {"a": {"bands": "v"}}})
        first, second = [Painter(media_type, style_named(layer, name)) for name in ("", "a")]
        view = View(tile(1), ("v",))
        assert first.token == second.token
        assert first.view(view) == view
        body = (await engine.render(layer.plan, view, first)).body
        values = (await engine.evaluate(layer.plan, view)).data[0, 0]
        if media_type == TERRARIUM:
            rgb = imagecodecs.png_decode(body).astype(np.float64)
            found = rgb[..., 0] * 256 + rgb[..., 1] + rgb[..., 2] / 256 - 32768
            assert np.abs(found - np.nan_to_num(values)).max() <= 1 / 512
        elif media_type == NPY:
            np.testing.assert_array_equal(np.load(io.BytesIO(body))[0], values)
        else:
            with MemoryFile(body) as memory, memory.open() as file:
                np.testing.assert_array_equal(file.read(1), values)
                assert file.crs.to_epsg() == 32632

    run(check())


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("png", "image/png"), ("jpeg", "image/jpeg"), ("IMAGE/JPG", "image/jpeg"), ("webp", "image/webp"),
        ("avif", "image/avif"), ("tif", GEOTIFF), ("image/tiff", GEOTIFF), ("image/tiff;application=geotiff", GEOTIFF),
        ("terrain", TERRARIUM), ("image/png;mode=Terrarium", TERRARIUM), ("npy", NPY),
        *((name, name) for name in (*MEDIA_TYPES, *VALUE_TYPES)),
    ],
)  # fmt: skip
def test_media_types_and_extensions_of_pictures(text: str, media_type: str) -> None:
    assert picture_type(text) == media_type


def test_other_types_are_refused() -> None:
    for text in ("", "gif", "image/", "terrarium/../png"):
        with pytest.raises(InvalidParameter, match="image/webp"):
            picture_type(text)


# ---- legends


@pytest.mark.parametrize("media_type", LEGEND_TYPES)
def test_a_legend_has_the_size_that_was_told_before(media_type: str) -> None:
    async def check() -> None:
        archive = utm_archive()
        engine = archive.engine()
        layer = await layer_of(engine, archive, {"bands": "x", "rescale": "statistics", "colormap": "viridis"})
        size = legend_size(layer, "default")
        style = await Styles(engine).named(layer, "default")
        body = legend(layer, style, media_type)
        if media_type == "image/png":
            assert imagecodecs.png_decode(body).shape[:2] == (size[1], size[0])
            assert imagecodecs.png_decode(legend(layer, style, media_type, 30, 40)).shape[:2] == (40, 30)
        elif media_type == "image/svg+xml":
            assert f'width="{size[0]}" height="{size[1]}"'.encode() in body

    run(check())


def test_legends_of_other_types_and_sizes_are_refused() -> None:
    async def check() -> None:
        archive = utm_archive()
        layer = await layer_of(archive.engine(), archive, {})
        style = style_named(layer, "")
        for arguments, locator in (
            (("image/gif",), "FORMAT"), (("image/png", 0), "WIDTH"), (("image/png", 10, 5000), "HEIGHT"),
        ):  # fmt: skip
            with pytest.raises(InvalidParameter) as caught:
                legend(layer, style, *arguments)
            assert caught.value.locator == locator

    run(check())
