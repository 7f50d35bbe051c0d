"""Which pixels requests mean: windows of the native lattice where they can be, the very box where its size is given."""

from __future__ import annotations

import pytest

from ogcserver.encode.style import default_style
from ogcserver.errors import InvalidAxis, InvalidParameter, InvalidScale, InvalidSubset, OgcServerError, TooLarge
from ogcserver.geo.grid import Grid
from ogcserver.jobs.layers import Layer
from ogcserver.ogcapi.coverage import CoverageAsk, Part, place_coverage
from ogcserver.ogcapi.maps import DEFAULT_EDGE, MapAsk, Sheet, colour_parameter, place_map
from ogcserver.ows.kvp import Kvp
from tests.unit.wcs.fakes import TIMES, layer, lonlat, utm

UTM = layer("j-utm", utm())
TIMED = layer("j-time", utm(times=TIMES))
LONLAT = layer("j-ll", lonlat())
UTM_BOX = {"bbox": "600500,5199000,601000,5199500", "bbox_crs": "[EPSG:32632]"}


def kvp(query: dict[str, str]) -> Kvp:
    return Kvp((name.replace("_", "-"), value) for name, value in query.items())


def part(of: Layer = UTM, **query: str) -> Part:
    return place_coverage(CoverageAsk.from_kvp(kvp(query)), of, 1_000_000)


def sheet(of: Layer = UTM, **query: str) -> Sheet:
    return place_map(MapAsk.from_kvp(kvp(query)), of, default_style(of.description.bands))


def native(grid: Grid, of: Layer = UTM) -> bool:
    return grid.lattice == of.description.grid.lattice


def test_without_parameters_a_coverage_is_whole() -> None:
    found = part()
    assert found.view.grid == UTM.description.grid and found.view.bands == ("x", "y") and found.view.times == ()


def test_a_box_on_the_lattice_is_a_window_of_it() -> None:
    found = part(**UTM_BOX).view.grid
    assert native(found) and found.bounds == (600500, 5199000, 601000, 5199500)


def test_a_box_in_degrees_gets_every_native_pixel_that_it_touches() -> None:
    found = part(bbox="10.32,46.93,10.33,46.94").view.grid
    assert native(found) and found.width < 300


def test_the_answer_may_be_in_another_crs() -> None:  # /req/crs/crs-definition
    found = part(bbox="10.32,46.93,10.33,46.94", crs="[OGC:CRS84]")
    assert found.view.grid.crs == "EPSG:4326"
    assert found.view.grid.bounds == pytest.approx((10.32, 46.93, 10.33, 46.94))


def test_scaling() -> None:
    assert part(scale_factor="2").view.grid.shape == (100, 150)
    assert part(scale_axes="E(3),N(2)").view.grid.shape == (100, 100)
    assert part(scale_size="E(30)").view.grid.shape == (200, 30)
    assert part(width="60", height="40").view.grid.shape == (40, 60)
    assert part(scale_factor="1").view.grid == UTM.description.grid


def test_a_box_with_a_size_is_kept_where_it_hangs_over() -> None:  # /req/scaling-spatial/width-and-height D
    box = {"bbox": "599000,5199000,601000,5200500", "bbox_crs": "[EPSG:32632]"}
    found = part(**box, width="200", height="150").view.grid
    assert native(found) and found.bounds == (599000, 5199000, 601000, 5200500)
    cut = part(**box).view.grid
    assert cut.bounds == (600000, 5199000, 601000, 5200000)


def test_fields() -> None:  # /req/field-selection/properties, exclude-properties
    assert part(properties="y,x").view.bands == ("y", "x")
    assert part(exclude_properties="x").view.bands == ("y",)


def test_times_of_a_coverage() -> None:
    assert part(TIMED, datetime="2017-01-15").view.times == TIMES[1:3]
    assert part(TIMED).view.times == ()
    assert part(UTM, datetime="1999").view.times == ()


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"bbox": "50,0,51,1"}, InvalidSubset),
        ({"properties": "z"}, InvalidParameter),
        ({"properties": "x,x"}, InvalidParameter),
        ({"exclude_properties": "x,y"}, InvalidParameter),
        ({"properties": "x", "exclude_properties": "y"}, InvalidParameter),
        ({"scale_factor": "0"}, InvalidScale),
        ({"scale_factor": "2", "width": "5"}, InvalidParameter),
        ({"scale_axes": "Lat(2)"}, InvalidAxis),
        ({"scale_size": "x(2),y(2)"}, InvalidAxis),
        ({"scale_axes": "E(2),E(2)"}, InvalidParameter),
        ({"scale_size": "E(0)"}, InvalidScale),
        ({"scale_size": "E"}, InvalidParameter),
        ({"scale_factor": "0.0001"}, TooLarge),
        ({"width": "100000", "height": "100000"}, TooLarge),
        ({"subset": "Lat(46.92),Lon(10.32:10.33)", "crs": "[OGC:CRS84]"}, InvalidParameter),
    ],
)
def test_coverages_that_there_are_not(query: dict[str, str], error: type[OgcServerError]) -> None:
    with pytest.raises(error):
        part(**query)


def test_a_map_is_in_the_storage_crs_by_default() -> None:  # ogcapi-maps-1, /req/core/map-response B
    found = sheet()
    assert found.crs.name == "EPSG:32632" and found.bounds == UTM.description.grid.bounds
    assert found.view.grid.shape == (round(DEFAULT_EDGE * 2 / 3), DEFAULT_EDGE)


def test_a_map_of_native_pixels_shows_them() -> None:
    found = sheet(**UTM_BOX, width="50", height="50").view.grid
    assert native(found) and found.shape == (50, 50)


def test_a_size_that_is_left_out_follows_from_the_box() -> None:  # /req/scaling/width-definition G
    box = {"bbox": "10,46,12,47"}
    assert sheet(LONLAT, **box, width="100").view.grid.shape == (72, 100)  # a degree of longitude is shorter there
    assert sheet(LONLAT, **box, height="100").view.grid.shape == (100, 138)


def test_a_scale_gives_the_size_of_a_box() -> None:  # /req/scaling/scale-denominator-definition
    found = sheet(**UTM_BOX, scale_denominator="50000").view.grid
    assert found.shape == (36, 36)  # 500 m by pixels of 14 m
    mercator = sheet(bbox="10.35,46.93,10.36,46.94", crs="[EPSG:3857]", scale_denominator="50000").view.grid
    assert mercator.shape == (79, 54)  # 1112 m by 762 m, whatever the metres of Mercator


def test_a_scale_and_a_size_give_the_box() -> None:  # /req/spatial-subsetting/width-height, center-definition
    at = {"center": "601000,5199000", "center_crs": "[EPSG:32632]"}
    native_scale = sheet(**at, width="20", height="10")
    assert native_scale.bounds == pytest.approx((600900, 5198950, 601100, 5199050), abs=0.2)
    scaled = sheet(**at, width="20", height="10", scale_denominator="100000")
    assert scaled.bounds == pytest.approx((600720, 5198860, 601280, 5199140), abs=0.5)
    middle = sheet(width="20", height="10", scale_denominator="100000").bounds
    assert middle == pytest.approx((601220, 5198860, 601780, 5199140), abs=0.5)
    degrees = sheet(LONLAT, center="10,47", width="100", scale_denominator="1e6").bounds
    assert (degrees[0] + degrees[2]) / 2 == pytest.approx(10) and degrees[2] - degrees[0] > degrees[3] - degrees[1]


def test_open_sides_of_a_map_are_those_of_the_layer() -> None:
    west, south, east, north = sheet(LONLAT, subset="Lon(10:*)").bounds
    assert (west, south, east, north) == pytest.approx((10, 46.6, 10.7, 47.5))


def test_a_map_shows_the_observations_of_a_period() -> None:
    assert sheet(TIMED).view.times == TIMES[-1:]
    assert sheet(TIMED, datetime="2017-01").view.times == TIMES[:3]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"width": "0"}, InvalidParameter),
        ({"width": "9000"}, TooLarge),
        ({"bbox": "10,46,10.000001,47", "width": "5000"}, TooLarge),
        ({"bbox": "10,46,10,47"}, InvalidParameter),
        ({"transparent": "maybe"}, InvalidParameter),
        ({"bgcolor": "greenish"}, InvalidParameter),
        ({"center": "10,47", "bbox": "10,46,11,47"}, InvalidParameter),
        ({"center": "10,47", "subset": "Lat(46:47)"}, InvalidParameter),
        ({"center": "10"}, InvalidParameter),
        ({"center": "10,95"}, InvalidParameter),
        ({"scale_denominator": "1000", "width": "10", "bbox": "10,46,11,47"}, InvalidParameter),
        ({"scale_denominator": "0"}, InvalidParameter),
        ({"scale_denominator": "1"}, TooLarge),
    ],
)
def test_maps_that_there_are_not(query: dict[str, str], error: type[OgcServerError]) -> None:
    with pytest.raises(error):
        sheet(**query)


def test_backgrounds() -> None:  # /req/background/transparent-definition, bgcolor-definition
    def background(**query: str) -> object:
        return MapAsk.from_kvp(kvp(query)).background

    assert background() is None
    assert background(bgcolor="0xFF8000") == (255, 128, 0)
    assert background(bgcolor="DarkGreen", transparent="true") is None
    assert background(transparent="false") == (255, 255, 255)
    assert colour_parameter("DarkGreen") == (0, 100, 0)
