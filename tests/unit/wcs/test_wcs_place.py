import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.cube import View
from ogcserver.engine.describe import Description
from ogcserver.errors import InvalidAxis, InvalidParameter, InvalidSubset, RequestError, TooLarge
from ogcserver.geo.crs import project_bounds
from ogcserver.geo.warp import pixel_ratio
from ogcserver.ows.kvp import Kvp
from ogcserver.wcs.codes import UnknownField, UnknownScaleAxis
from ogcserver.wcs.place import place
from ogcserver.wcs.requests import GetCoverage
from tests.unit.wcs.fakes import TIMES, XY, description, lonlat, utm

DHDN = description("EPSG:31467", 3500000.0, 5400000.0, 10.0, 30, 20)


def view(coverage: Description, *items: tuple[str, str], max_pixels: int = 1_000_000) -> View:
    ask = GetCoverage.from_kvp(Kvp((("coverageid", "j"), *items)))
    return place(ask, coverage, "nearest", max_pixels)


def subsets(coverage: Description, *texts: str) -> View:
    return view(coverage, *(("subset", text) for text in texts))


def test_without_subset_it_is_the_native_grid_itself() -> None:
    found = view(utm())
    assert found.grid is not None
    assert (found.grid, found.bands, found.times, found.resampling) == (utm().grid, ("x", "y"), (), "nearest")


@given(st.data())
def test_edges_of_pixels_select_exactly_these_native_pixels(data: st.DataObject) -> None:
    coverage = data.draw(st.sampled_from([utm(), lonlat(), DHDN, description("EPSG:3035", 4e6, 3e6, 100.0, 300, 200)]))
    native = coverage.grid
    col = data.draw(st.integers(0, native.width - 1))
    row = data.draw(st.integers(0, native.height - 1))
    width = data.draw(st.integers(1, native.width - col))
    height = data.draw(st.integers(1, native.height - row))
    window = native.window(col, row, width, height)
    west, south, east, north = window.bounds
    # DHDN calls the northing X; the others agree with the common names
    east_label, north_label = ("Y", "X") if coverage is DHDN else ("Easting", "Northing")
    shaken = data.draw(st.floats(-0.0009, 0.0009)) * native.lattice.dx
    found = subsets(
        coverage, f"{east_label}({west + shaken!r},{east - shaken!r})", f"{north_label}({south!r},{north + shaken!r})"
    )
    assert found.grid == window
    assert found.grid.lattice is native.lattice


@given(
    st.floats(-1e7, 1e7, allow_nan=False), st.floats(-1e7, 1e7, allow_nan=False),
    st.floats(-1e7, 1e7, allow_nan=False), st.floats(-1e7, 1e7, allow_nan=False),
)  # fmt: skip
def test_any_subset_is_a_window_that_covers_it_or_an_error(a: float, b: float, c: float, d: float) -> None:
    native = utm().grid
    low_x, high_x, low_y, high_y = 600000 + min(a, b), 600000 + max(a, b), 5198000 + min(c, d), 5198000 + max(c, d)
    try:
        grid = subsets(utm(), f"E({low_x!r},{high_x!r})", f"N({low_y!r},{high_y!r})").grid
    except InvalidSubset:
        west, south, east, north = native.bounds
        assert low_x > east - 0.02 or high_x < west + 0.02 or low_y > north - 0.02 or high_y < south + 0.02
        return
    assert grid.lattice == native.lattice
    assert grid.intersection(native) == grid
    west, south, east, north = grid.bounds
    assert west <= max(low_x, native.bounds[0]) + 0.011
    assert east >= min(high_x, native.bounds[2]) - 0.011


@pytest.mark.parametrize(
    ("texts", "window"),
    [
        (("E(600005)",), (0, 0, 1, 200)),
        (("E(600010)",), (1, 0, 1, 200)),
        (("x(603000)",), (299, 0, 1, 200)),
        (("n(5198000)", "long(600000)"), (0, 199, 1, 1)),
        (("E(*,600020)",), (0, 0, 2, 200)),
        (("N(*,*)",), (0, 0, 300, 200)),
        (("E(-1e308,1e308)",), (0, 0, 300, 200)),
        (("E(602995,700000)",), (299, 0, 1, 200)),
        (("E(600001,600002)",), (0, 0, 1, 200)),
    ],
)
def test_slices_and_open_ends(texts: tuple[str, ...], window: tuple[int, int, int, int]) -> None:
    assert subsets(utm(), *texts).grid == utm().grid.window(*window)


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        (("E(2,1)",), InvalidSubset),
        (("E(603000,604000)",), InvalidSubset),
        (("E(0,1)",), InvalidSubset),
        (("E(0)",), InvalidSubset),
        (("E(1e308,1e309)",), InvalidSubset),
        (("E(a,b)",), InvalidSubset),
        (('E("2017","2018")',), InvalidSubset),
        (("Q(1,2)",), InvalidAxis),
        (("ansi(2017)",), InvalidAxis),
        (("i(1,2)",), InvalidAxis),
        (("E(600000,600010)", "x(600000,600010)"), InvalidAxis),
        (("x,EPSG:4326(10.31,10.32)", "y,EPSG:3857(1,2)"), InvalidParameter),
        (("x,EPSG:4326(10.31,10.32)", "y(5198000,5198100)"), InvalidParameter),
        (("x,EPSG:4326(50,51)",), InvalidSubset),
    ],
)
def test_subsets_that_make_no_sense(texts: tuple[str, ...], error: type[RequestError]) -> None:
    with pytest.raises(error) as caught:
        subsets(utm(), *texts)
    assert caught.value.locator


def test_a_subset_in_another_crs_gives_the_native_pixels_that_cover_it() -> None:
    box = (10.32, 46.93, 10.34, 46.94)
    items = ("subsettingcrs", "EPSG:4326"), ("subset", "Lat(46.93,46.94)"), ("subset", "Long(10.32,10.34)")
    grid = view(utm(), *items, ("outputcrs", "EPSG:32632")).grid
    assert view(utm(), *items).grid == view(utm(), *items, ("outputcrs", "EPSG:4326")).grid
    assert grid == utm().grid.lattice.cover(project_bounds("EPSG:4326", "EPSG:32632", box))


def test_the_spelling_of_the_openeo_api() -> None:
    crs = "http://www.opengis.net/def/crs/EPSG/0/4326"
    found = view(
        utm(),
        ("SUBSET", f"x,{crs}(10.32,10.34)"),
        ("SUBSET", f"y,{crs}(46.93,46.94)"),
        ("SIZE", "x(200)"),
        ("SIZE", "y(150)"),
    ).grid
    assert found.crs == "EPSG:32632"
    assert found.shape == (150, 200)


def test_a_box_in_the_output_crs_is_kept_exactly() -> None:
    found = view(
        utm(), ("subsettingcrs", "EPSG:4326"), ("outputcrs", "EPSG:4326"), ("subset", "Lat(46.93,46.94)"),
        ("subset", "Long(10.32,10.34)"),
    ).grid  # fmt: skip
    assert found.bounds == pytest.approx((10.32, 46.93, 10.34, 46.94), abs=1e-12)
    across, down = pixel_ratio(found, utm().grid)
    assert across * down == pytest.approx(1, rel=0.05)


def test_output_in_another_crs_covers_the_native_window() -> None:
    grid = view(utm(), ("outputcrs", "EPSG:3857"), ("subset", "E(601000,601500)")).grid
    assert grid.crs == "EPSG:3857"
    assert grid.bounds == pytest.approx(project_bounds("EPSG:32632", "EPSG:3857", (601000, 5198000, 601500, 5200000)))


def test_the_native_crs_as_output_changes_nothing() -> None:
    assert view(utm(), ("outputcrs", "EPSG:32632")).grid == utm().grid


def test_longitudes_beyond_the_antimeridian() -> None:
    pacific = description("EPSG:32601", 200000.0, 8000000.0, 1000.0, 60, 40)
    everything = view(pacific, ("outputcrs", "EPSG:4326")).grid
    middle = (everything.bounds[0] + everything.bounds[2]) / 2
    for turn in (0, 360, -360):
        found = subsets(pacific, f"x,EPSG:4326({middle + turn},{middle + turn + 0.1})").grid
        assert 1 < found.width < 15


@pytest.mark.parametrize(
    ("name", "text", "shape"),
    [
        ("scalefactor", "0.5", (100, 150)),
        ("scalefactor", "0.0033", (1, 1)),
        ("scalefactor", "1", (200, 300)),
        ("scaleaxes", "i(0.5)", (200, 150)),
        ("scaleaxes", "E(0.5),N(2)", (400, 150)),
        ("scalesize", "x(30),y(20)", (20, 30)),
        ("scalesize", "j(7)", (7, 300)),
        ("scaleextent", "i(0:9),j(0:4)", (5, 10)),
    ],
)
def test_scaling_keeps_the_bounds(name: str, text: str, shape: tuple[int, int]) -> None:
    grid = view(utm(), (name, text)).grid
    assert grid.shape == shape
    assert grid.bounds == utm().grid.bounds


def test_scale_one_stays_on_the_native_lattice() -> None:
    assert view(utm(), ("scalesize", "i(300),j(200)")).grid == utm().grid


@pytest.mark.parametrize(
    "items",
    [
        (("scalesize", "i(1000000000000),j(1000000000000)"),),
        (("scalefactor", "1e300"),),
        (("scaleaxes", "i(1e308),j(1e308)"),),
        (("scaleextent", "i(0:999999999999999)"),),
        (("scalesize", "i(1001),j(1000)"),),
    ],
)
def test_absurd_sizes_are_refused(items: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(TooLarge):
        view(utm(), *items)


def test_the_whole_coverage_may_be_too_large() -> None:
    with pytest.raises(TooLarge):
        view(utm(), max_pixels=59_999)
    assert view(utm(), ("scalefactor", "0.99"), max_pixels=59_999).grid.size < 60_000


@pytest.mark.parametrize("text", ["q(2)", "ansi(2)"])
def test_unknown_axes_cannot_be_scaled(text: str) -> None:
    with pytest.raises(UnknownScaleAxis):
        view(utm(), ("scaleaxes", text))


def test_labels_of_the_crs_come_before_common_names() -> None:
    south = DHDN.grid.bounds[1]
    assert subsets(DHDN, f"X({south!r},{south + 10!r})").grid.shape == (1, 30)


def test_fields() -> None:
    assert view(utm(), ("rangesubset", "y")).bands == ("y",)
    assert view(utm(), ("rangesubset", "y,x")).bands == ("y", "x")
    assert view(utm(), ("rangesubset", "x:y")).bands == ("x", "y")
    with pytest.raises(UnknownField):
        view(utm(), ("rangesubset", "z"))
    with pytest.raises(UnknownField):
        view(utm(), ("rangesubset", "z:"))
    with pytest.raises(InvalidParameter):
        view(utm(), ("rangesubset", "x,x"))


def test_times() -> None:
    timed = utm(bands=XY, times=TIMES)
    assert view(timed).times == ()
    assert subsets(timed, "ansi(2017-02-04)").times == TIMES[3:]
    assert subsets(timed, 'time("2017-01","2017-01")', "x,EPSG:4326(10.32,10.33)").times == TIMES[:3]


def test_interpolation_overrides_the_layers() -> None:
    assert view(utm(), ("interpolation", "cubic")).resampling == "cubic"


@pytest.mark.parametrize("output", ["EPSG:28992", "EPSG:3857", "EPSG:2154", "EPSG:3031"])
def test_a_pole_in_any_crs_is_a_grid_or_an_error_of_the_caller(output: str) -> None:
    north = description("EPSG:4326", -180.0, 90.0, 0.1, 10, 10)
    try:
        grid = view(north, ("outputcrs", output), ("subset", "Lat(89.9,90)")).grid
    except RequestError:
        return
    assert grid.size <= 1_000_000
