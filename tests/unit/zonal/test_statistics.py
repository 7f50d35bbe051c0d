"""Statistics of regions against exactextract, however the pixels are cut into chunks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import exactextract
import numpy as np
import pytest
import shapely
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

import ogcserver.zonal.survey
from ogcserver.cube import View
from ogcserver.errors import JobStateError, ServiceError, TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.plan.expr import Expr
from ogcserver.plan.zonal import FUNCTIONS
from ogcserver.sources.memory import MemoryReader
from ogcserver.sources.region_files import read_regions
from ogcserver.zonal.kernels import quantiles
from ogcserver.zonal.survey import Survey
from tests.fakes import DAYS, CountingReader, node, product, run, utm_archive
from tests.unit.zonal.regions import planned, surveyed, table, write_geojson

V = node("filter_bands", imagery=product(), bands=["v", "x"])
THEIRS = {"avg": "mean", "sd": "stdev", "q25": "quantile_25", "q75": "quantile_75"}
ASKED = ["mean", "min", "max", "median", "quantile(q=0.25)", "quantile(q=0.75)", "sum", "count", "stdev"]
LEFT, TOP = 600000.0, 5200000.0


def shapes() -> list[Any]:
    """Large, small, with a hole, of two parts, overlapping, across the edge, smaller than a pixel."""
    large = shapely.Polygon([(600150, 5199800), (613400, 5199000), (612000, 5188500), (601000, 5189700)])
    return [
        large,
        shapely.box(601013, 5198007, 601377, 5198533),
        shapely.difference(shapely.box(605000, 5192000, 611000, 5198000), shapely.Point(608000, 5195000).buffer(1111)),
        shapely.union(shapely.box(602000, 5190000, 602500, 5190500), shapely.box(612000, 5199000, 613001, 5199900)),
        shapely.box(606000, 5193000, 609000, 5196000),
        shapely.box(613500, 5187500, 615000, 5189000),
        shapely.box(604001, 5193001, 604005, 5193007),
    ]  # fmt: skip


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 64 x 64 pixels and one date."""
    monkeypatch.setattr(ogcserver.zonal.survey, "CELL", 64)
    monkeypatch.setattr(ogcserver.zonal.survey, "_CHUNK_BYTES", 1)


def expected(polygons: list[Any], plan: Expr, grid: Grid) -> np.ndarray[Any, Any]:
    """(region, time, band, function) by exactextract."""
    block = run(utm_archive().engine().evaluate(plan, View(grid, ("v", "x"), DAYS)))
    features = [
        {"type": "Feature", "geometry": json.loads(shapely.to_geojson(one)), "properties": {}} for one in polygons
    ]
    out = np.full((len(polygons), len(DAYS), 2, len(FUNCTIONS)), np.nan)
    for time in range(len(DAYS)):
        for band in range(2):
            source = NumPyRasterSource(block.data[time, band].astype(float), *grid.bounds)
            for number, found in enumerate(exactextract.exact_extract(source, features, ASKED)):
                values = [found["properties"][THEIRS.get(name, name)] for name in FUNCTIONS]
                out[number, time, band] = [np.nan if value is None else value for value in values]
    return out


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_geojson(tmp_path / "regions.geojson", shapes(), name=list("abcdefg"))


def test_all_statistics_are_those_of_exactextract(tmp_path: Path, files: Path) -> None:
    archive = utm_archive()
    plan = planned(archive, V, files, list(FUNCTIONS))
    found = table(archive, plan, tmp_path / "chunks")
    assert (found.times, found.bands, found.functions) == (DAYS, ("v", "x"), FUNCTIONS)
    assert list(found.columns["name"]) == list("abcdefg") and not any(found.remarks)
    theirs = expected(shapes(), plan.data, surveyed(archive, plan).grid)
    assert np.isfinite(theirs).mean() > 0.9
    np.testing.assert_allclose(found.values, theirs, rtol=2e-6, atol=2e-5)


def test_chunks_change_nothing(tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = utm_archive()
    plan = planned(archive, V, files, list(FUNCTIONS))
    whole = table(archive, plan, tmp_path / "whole")
    monkeypatch.setattr(ogcserver.zonal.survey, "CELL", 64)
    monkeypatch.setattr(ogcserver.zonal.survey, "_CHUNK_BYTES", 1)
    assert surveyed(archive, plan).total > 100
    parts = table(archive, plan, tmp_path / "parts")
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("small_chunks")
def test_each_block_is_read_once_however_many_regions_there_are(tmp_path: Path) -> None:
    archive = utm_archive()
    boxes = [
        shapely.box(x, y, x + 333, y + 333) for x in range(600000, 613000, 250) for y in range(5188500, 5199000, 250)
    ]
    plan = planned(archive, V, write_geojson(tmp_path / "many.geojson", boxes))
    reader = CountingReader(MemoryReader(archive.arrays))
    made = table(archive, plan, tmp_path / "chunks", archive.engine(reader))
    assert np.isfinite(made.values[:, :, 1]).all()
    pixels: dict[Any, int] = {}
    for place, _, window in reader.reads:
        pixels[place] = pixels.get(place, 0) + window.width * window.height
    assert len(pixels) == 6 and max(pixels.values()) <= 700 * 600


@pytest.mark.usefixtures("small_chunks")
def test_only_chunks_with_regions_are_computed(tmp_path: Path) -> None:
    archive = utm_archive()
    plan = planned(archive, V, write_geojson(tmp_path / "one.geojson", [shapely.box(601000, 5198000, 601100, 5198100)]))
    wanted = surveyed(archive, plan)
    assert wanted.total == len(DAYS) and sum(map(wanted.size, range(wanted.total))) < 200


def test_what_lies_outside_has_no_pixels(tmp_path: Path) -> None:
    archive = utm_archive()
    far, none = shapely.box(100000, 5000000, 101000, 5001000), None
    bow = shapely.Polygon([(601000, 5198000), (603000, 5196000), (603000, 5198000), (601000, 5196000)])
    path = write_geojson(tmp_path / "odd.geojson", [far, none, bow, shapely.Point(601000, 5198000)])
    made = table(archive, planned(archive, V, path, ["count", "avg", "sum"]), tmp_path / "chunks")
    assert np.isnan(made.values[[0, 1, 3]][..., 1:]).all() and (made.values[[0, 1, 3]][..., 0] == 0).all()
    assert made.remarks[0] == "" and made.remarks[1] == made.remarks[3] == "no polygon"
    assert made.remarks[2].startswith("repaired: Self-intersection")
    assert made.values[2, 0, 1, 0] == pytest.approx(
        5000, rel=1e-6
    )  # band x is nowhere missing; 2 km2 in pixels of 400 m2


def test_all_regions_outside_make_an_empty_table(tmp_path: Path) -> None:
    archive = utm_archive()
    path = write_geojson(tmp_path / "far.geojson", [shapely.box(0, 0, 10, 10)])
    assert np.isnan(table(archive, planned(archive, V, path), tmp_path / "chunks").values).all()


def test_a_plan_without_time_axis_has_one_value_for_each_band(tmp_path: Path, files: Path) -> None:
    archive = utm_archive()
    made = table(archive, planned(archive, node("max_time", imagery=V), files), tmp_path / "chunks")
    assert made.times == () and made.values.shape == (7, 1, 2, 1)


def test_changed_files_are_noticed(tmp_path: Path, files: Path) -> None:
    archive = utm_archive()
    plan = planned(archive, V, files)
    other = planned(archive, V, files, "min")
    assert plan.token != other.token and plan.token == planned(archive, V, files).token
    write_geojson(files, shapes()[:3])
    assert planned(archive, V, files).token != plan.token
    with pytest.raises(JobStateError, match="changed"):
        read_regions(plan.regions)


def test_too_large_tables_and_medians_are_refused_before_anything_is_read(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = utm_archive()
    monkeypatch.setattr(ogcserver.zonal.survey, "_MOST_RANKED", 1000)
    with pytest.raises(TooLarge, match="median of a region of"):
        surveyed(archive, planned(archive, V, files, "median"))
    monkeypatch.setattr(ogcserver.zonal.survey, "_MOST_NUMBERS", 100)
    with pytest.raises(TooLarge, match="too large a table"):
        surveyed(archive, planned(archive, V, files))


def test_a_missing_chunk_makes_no_table(tmp_path: Path, files: Path) -> None:
    archive = utm_archive()
    plan = planned(archive, V, files)
    with pytest.raises(ServiceError, match="not there"):
        surveyed(archive, plan).table(tmp_path, plan)


def test_a_survey_survives_json(files: Path) -> None:
    wanted = surveyed(utm_archive(), planned(utm_archive(), V, files, ["sd", "q25"]))
    again = Survey.from_json(json.loads(json.dumps(wanted.to_json())))
    assert again.to_json() == wanted.to_json() and again.parts == wanted.parts and again.wanted == wanted.wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from([0.25, 0.5, 1.0])), max_size=30), st.randoms())
def test_quantiles_do_not_hang_on_the_order_of_the_pixels(pairs: list[tuple[int, float]], random: Any) -> None:
    wanted = np.array([0.0, 0.25, 0.5, 1.0])

    def ranked(given: list[tuple[int, float]]) -> np.ndarray[Any, Any]:
        out = np.empty(4)
        values, weights = np.array([p[0] for p in given], float), np.array([p[1] for p in given], float)
        quantiles(values, weights, wanted, out)
        return out

    first = ranked(pairs)
    random.shuffle(pairs)
    np.testing.assert_array_equal(first, ranked(pairs))
    if pairs:
        assert first[0] == min(pairs)[0] and first[3] == max(pairs)[0]
    else:
        assert np.isnan(first).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30, unique=True))
def test_quantiles_of_different_values_with_one_weight_are_the_usual_ones(values: list[float]) -> None:
    wanted, out = np.array([0.0, 0.25, 0.5, 0.75, 1.0]), np.empty(5)
    quantiles(np.array(values), np.full(len(values), 0.5), wanted, out)
    np.testing.assert_allclose(out, np.quantile(values, wanted), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from([1, 3, 40, 1000]))
def test_quantiles_of_equal_values_are_those_of_exactextract(seed: int, levels: int) -> None:
    values = np.floor(np.random.default_rng(seed).random((20, 20)) * levels)
    disc = {"type": "Feature", "geometry": json.loads(shapely.to_geojson(shapely.Point(10, 10).buffer(8)))}
    asked = ["quantile(q=0.25)", "median", "values", "coverage"]
    (found,) = exactextract.exact_extract(NumPyRasterSource(values, 0, 0, 20, 20), [disc | {"properties": {}}], asked)
    theirs, out = found["properties"], np.empty(2)
    quantiles(np.array(theirs["values"], float), np.array(theirs["coverage"], float), np.array([0.25, 0.5]), out)
    np.testing.assert_allclose(out, [theirs["quantile_25"], theirs["median"]], rtol=1e-9, atol=1e-9)
