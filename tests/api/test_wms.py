"""WMS maps and the values under their pixels, in process, on pixels that hold their own coordinates. Names such as
basic:layer-order are those of the assertions of OGC's test suite for WMS 1.3.0.
"""

from __future__ import annotations

import asyncio
from typing import Any

import imagecodecs
import numpy as np
import pytest
from lxml import etree
from pyproj import Transformer

from ogcserver.cube import View
from ogcserver.maps.info import INFO_TYPES
from ogcserver.maps.picture import MEDIA_TYPES
from tests.fakes import DAYS
from tests.unit.wms.asking import INFO, MAP, ask, assert_report, get_map, picture, service
from tests.unit.wms.fakes import rgba


def colour(x: Any, y: Any) -> tuple[Any, Any]:
    """Red and green of layer j-place at a place."""
    return (np.asarray(x) - 600000) / 14000 * 255, (np.asarray(y) - 5188000) / 12000 * 255


# maps


def test_a_map_of_native_pixels_shows_each_of_them() -> None:
    """basic:bbox-pixel-interpretation."""
    pixels = picture()
    red, green = colour(600000 + (np.arange(250) + 0.5) * 20, 5200000 - (np.arange(250) + 0.5) * 20)
    assert np.abs(pixels[..., 0] - red[None, :]).max() <= 0.6
    assert np.abs(pixels[..., 1] - green[:, None]).max() <= 0.6
    assert (pixels[..., 3] == 255).all()


def test_a_map_is_stretched_to_its_size() -> None:
    """basic:aspect-ratio."""
    pixels = picture(WIDTH="40", HEIGHT="300", BBOX="600000,5197000,606000,5200000")
    assert pixels.shape == (300, 40, 4)
    red, green = colour(600000 + (np.arange(40) + 0.5) * 150, 5200000 - (np.arange(300) + 0.5) * 10)
    assert np.abs(pixels[..., 0] - red[None, :]).max() <= 0.6 + 10 / 14000 * 255
    assert np.abs(pixels[..., 1] - green[:, None]).max() <= 0.6 + 10 / 12000 * 255


def test_axis_order_of_both_versions() -> None:
    box = (10.35, 46.85, 10.45, 46.95)
    lat_first, lon_first = "46.85,10.35,46.95,10.45", "10.35,46.85,10.45,46.95"
    new = get_map(CRS="EPSG:4326", BBOX=lat_first)
    assert new.content == get_map(CRS="CRS:84", BBOX=lon_first).content
    assert new.content == get_map(VERSION="1.1.1", CRS=None, SRS="EPSG:4326", BBOX=lon_first).content
    pixels = rgba(new.content).astype(int)
    assert pixels[..., 3].any()
    assert pixels[125, 200, 0] > pixels[125, 50, 0]  # eastward
    assert pixels[50, 125, 1] > pixels[200, 125, 1]  # northward
    assert box[0] < box[2]


@pytest.mark.parametrize(
    "crs", ["CRS:84", "EPSG:3857", "EPSG:32633", "EPSG:3035", "EPSG:2154", "AUTO2:42001,1,10.4,46.9"]
)
def test_any_system(crs: str) -> None:
    """getmap:each-crs."""
    name = {"CRS:84": "OGC:CRS84", "AUTO2:42001,1,10.4,46.9": "EPSG:32632"}.get(crs, crs)
    there = Transformer.from_crs("EPSG:32632", name, always_xy=True)
    x, y = there.transform(607000.0, 5194000.0)
    step = 1e-4 if crs == "CRS:84" else 10.0
    box = (x - 20 * step, y - 30 * step, x + 20 * step, y + 30 * step)
    if crs == "EPSG:3035":  # northing first
        box = (box[1], box[0], box[3], box[2])
    pixels = picture(CRS=crs, BBOX=",".join(map(repr, box)), WIDTH="41", HEIGHT="61")
    red, green = colour(607000, 5194000)
    assert abs(pixels[30, 20, 0] - red) <= 1.1
    assert abs(pixels[30, 20, 1] - green) <= 1.1


@pytest.mark.parametrize("box", ["700000,5195000,701000,5196000", "-1e9,-1e9,-9e8,-9e8", "0,0,1e-6,1e-6"])
def test_beside_the_layer_there_is_nothing(box: str) -> None:
    """getmap:bbox-no-overlap, getmap:bbox-outside-crs."""
    assert not picture(BBOX=box)[..., 3].any()


@pytest.mark.parametrize(
    ("changes", "background"),
    [
        ({"TRANSPARENT": None}, [255, 255, 255]),  # basic:no-bgcolor, getmap:transparent-default
        ({"TRANSPARENT": "FALSE"}, [255, 255, 255]),  # getmap:transparent-false
        ({"TRANSPARENT": "FALSE", "BGCOLOR": "0x0000FF"}, [0, 0, 255]),  # basic:blue-bgcolor
    ],
)
@pytest.mark.parametrize("layers", ["j-place", "j-x", "j-place,j-x", "j-v"])
def test_backgrounds(layers: str, changes: dict[str, str | None], background: list[int]) -> None:
    box = "599000,5199000,601000,5201000"
    pixels = picture(LAYERS=layers, BBOX=box, **changes)
    assert (pixels[..., 3] == 255).all()
    assert pixels[0, 0, :3].tolist() == background
    seen = picture(LAYERS=layers, BBOX=box)
    assert not seen[0, 0].any()  # basic:transparent-true
    shown = seen[..., 3] == 255
    assert shown.any() and np.array_equal(seen[shown], pixels[shown])


@pytest.mark.parametrize("media_type", [*MEDIA_TYPES, "image/png; mode=8bit"])
@pytest.mark.parametrize("layers", ["j-place", "j-v,j-x"])
def test_each_format(media_type: str, layers: str) -> None:
    """getmap:each-format."""
    response = get_map(FORMAT=media_type, LAYERS=layers, WIDTH="8", HEIGHT="5")  # getmap:small-size
    assert response.headers["content-type"] == media_type.partition(";")[0]
    assert imagecodecs.imread(response.content).shape[:2] == (5, 8)


def test_layers_lie_on_each_other_in_the_order_of_the_list() -> None:
    """basic:layer-order, getmap:two-layers."""
    below, above, both = picture(LAYERS="j-x"), picture(LAYERS="j-v"), picture(LAYERS="j-x,j-v")
    seen = above[..., 3:] == 255
    assert seen.any() and not seen.all()
    assert np.array_equal(both, np.where(seen, above, below))
    assert np.array_equal(picture(LAYERS="j-v,j-x"), below)


def test_each_layer_has_its_style() -> None:
    """getmap:styles-direct, getmap:two-styles, getmap:styles-some-default."""
    grey, green = picture(LAYERS="j-x", STYLES="default"), picture(LAYERS="j-x", STYLES="green")
    assert (grey[..., 0] == grey[..., 1]).all() and not np.array_equal(grey, green)
    assert np.array_equal(picture(LAYERS="j-v,j-x", STYLES=",green"), green)


SLD = """<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld"><NamedLayer><Name>j-x</Name><UserStyle>
<FeatureTypeStyle><Rule><RasterSymbolizer><ChannelSelection><GrayChannel><SourceChannelName>x</SourceChannelName>
</GrayChannel></ChannelSelection><ColorMap><ColorMapEntry color="#ff0000" quantity="600000"/><ColorMapEntry
color="#0000ff" quantity="614000"/></ColorMap></RasterSymbolizer></Rule></FeatureTypeStyle></UserStyle></NamedLayer>
</StyledLayerDescriptor>"""


def test_a_style_comes_with_the_request() -> None:
    """OGC 05-078r4 clause 8."""
    pixels = picture(LAYERS="j-x", SLD_BODY=SLD, BBOX="600000,5188000,614000,5200000", WIDTH="140", HEIGHT="120")
    assert pixels[60, 0, 0] > 250 > 5 > pixels[60, 0, 2] and pixels[60, -1, 2] > 250
    assert not pixels[..., 1].any()
    for wrong, locator in (({"SLD_BODY": "<x/>"}, "sld"), ({"SLD_BODY": SLD, "LAYERS": "j-x,j-v"}, "SLD_BODY")):
        assert_report(get_map(**wrong), "InvalidParameterValue", locator)


def test_styles_go_out_and_come_back() -> None:
    """OGC 02-070 clause 7.2."""
    query = {"VERSION": "1.1.1", "REQUEST": "GetStyles"}
    response = ask(query, LAYERS="j-x")
    assert response.headers["content-type"] == "text/xml"
    sld = etree.fromstring(response.content)
    space = "{http://www.opengis.net/sld}"
    assert [one.findtext(f"{space}Name") for one in sld.iter(f"{space}UserStyle")] == ["default", "green"]
    sld[0].remove(sld[0][2])
    document = etree.tostring(sld, encoding="unicode")
    assert np.abs(picture(LAYERS="j-x", SLD_BODY=document) - picture(LAYERS="j-x")).max() <= 2
    two = etree.fromstring(ask(query, LAYERS="j-x,j-v").content)
    assert [one.findtext(f"{space}Name") for one in two] == ["j-x", "j-v"]
    assert_report(ask(query, LAYERS="j-none", VERSION="1.3.0"), "LayerNotDefined", "LAYERS")


def test_dpi_hints_and_unknown_parameters_do_not_matter() -> None:
    """basic_elements:extra-GetMap-param; what QGIS sends."""
    hints = {"DPI": "300", "MAP_RESOLUTION": "300", "FORMAT_OPTIONS": "dpi:300", "BoGuS": "ignored"}
    assert get_map(**hints).content == get_map().content


@pytest.mark.parametrize("layers", ["j-place", "j-x,j-v"])
def test_a_client_that_has_the_map_costs_nothing(layers: str) -> None:
    first = get_map(LAYERS=layers)
    again = ask(MAP, {"if-none-match": first.headers["etag"]}, LAYERS=layers)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert get_map(LAYERS=layers, BGCOLOR="0x000000", TRANSPARENT="FALSE").headers["etag"] != first.headers["etag"]


def test_joined_maps_equal_one_large_map_bit_for_bit() -> None:
    large = picture(LAYERS="j-v", BBOX="600000,5188000,614000,5200000", WIDTH="700", HEIGHT="600")
    for row in range(0, 600, 200):
        for col in range(0, 700, 175):
            west, north = 600000 + col * 20, 5200000 - row * 20
            box = f"{west},{north - 4000},{west + 3500},{north}"
            assert np.array_equal(
                picture(LAYERS="j-v", BBOX=box, WIDTH="175", HEIGHT="200"), large[row : row + 200, col : col + 175]
            )


def test_joined_web_map_tiles_equal_one_large_map_bit_for_bit() -> None:
    edge = 20037508.342789244 * 2 / 2**15
    col, row = 17328, 11533

    def box(columns: int, rows: int, from_col: int = 0, from_row: int = 0) -> str:
        west, north = (col + from_col) * edge - 2**14 * edge, 2**14 * edge - (row + from_row) * edge
        return ",".join(map(repr, (west, north - rows * edge, west + columns * edge, north)))

    web = {"LAYERS": "j-v", "CRS": "EPSG:3857"}
    large = picture(**web, BBOX=box(4, 3), WIDTH="1024", HEIGHT="768")
    assert large[..., 3].any()
    for r in range(3):
        for c in range(4):
            tile = picture(**web, BBOX=box(1, 1, c, r), WIDTH="256", HEIGHT="256")
            assert np.array_equal(tile, large[r * 256 : r * 256 + 256, c * 256 : c * 256 + 256])


# times


def test_the_default_time_is_the_latest_and_said_to_be() -> None:
    """time:time-default, time:time-current-instant."""
    default, current = get_map(LAYERS="j-time"), get_map(LAYERS="j-time", TIME="current")
    assert default.headers["warning"] == f"99 Default value used: time={DAYS[-1]} ISO8601"
    assert "warning" not in current.headers
    assert default.content == current.content == get_map(LAYERS="j-time", TIME=DAYS[-1]).content
    assert default.content != get_map(LAYERS="j-time", TIME=DAYS[0]).content


def test_the_nearest_time_is_used_and_said_to_be() -> None:
    near = get_map(LAYERS="j-time", TIME="2017-01-07")
    assert near.headers["warning"] == f"99 Nearest value used: time={DAYS[0]} ISO8601"
    assert near.content == get_map(LAYERS="j-time", TIME=DAYS[0]).content


def test_of_several_times_the_latest_lies_uppermost() -> None:
    """time:time-instant-list, time:time-interval."""
    first, second = picture(LAYERS="j-time", TIME=DAYS[0]), picture(LAYERS="j-time", TIME=DAYS[1])
    expected = np.where(second[..., 3:] > 0, second, first)
    assert not np.array_equal(expected, first) and not np.array_equal(expected, second)
    assert np.array_equal(picture(LAYERS="j-time", TIME=f"{DAYS[0]},{DAYS[1]}"), expected)
    assert np.array_equal(picture(LAYERS="j-time", TIME="2017-01-01/2017-01-31/P1D"), expected)


@pytest.mark.parametrize("layers", ["j-time", "j-time,j-x"])
def test_a_period_in_which_nothing_was_observed_shows_nothing(layers: str) -> None:
    pixels = picture(LAYERS=layers, TIME="2017-01-20/2017-01-25")
    assert np.array_equal(pixels, picture(LAYERS="j-x") if "," in layers else np.zeros_like(pixels))


@pytest.mark.parametrize("time", ["1999-01-01", "soon", "2018-01-01/2018-12-31"])
def test_a_time_without_observation_is_refused(time: str) -> None:
    assert_report(get_map(LAYERS="j-time", TIME=time), "InvalidDimensionValue", "TIME")


def test_layers_with_and_without_time_go_together() -> None:
    """time:time-and-other-layer."""
    assert get_map(LAYERS="j-x,j-time", TIME=DAYS[0]).headers["content-type"] == "image/png"


# values


def test_values_under_a_pixel() -> None:
    found = ask(INFO).json()
    (feature,) = found["features"]
    assert feature["properties"]["x"] == 600000 + 7.5 * 20
    assert feature["properties"]["y"] == 5200000 - 3.5 * 20
    assert feature["properties"]["layer"] == "j-place"
    assert feature["geometry"]["coordinates"] == pytest.approx([10.316, 46.946], abs=0.01)


def test_values_of_the_older_version_are_asked_for_by_x_and_y() -> None:
    old = {**INFO, "VERSION": "1.1.1", "SRS": "EPSG:32632", "CRS": None, "X": "7", "Y": "3", "I": None, "J": None}
    assert ask(INFO, **old).json() == ask(INFO).json()


def test_the_colour_under_the_cursor_is_that_of_the_value() -> None:
    pixels = picture(LAYERS="j-v")
    missing = 0
    for i, j in ((3, 4), (35, 40), (100, 80), (249, 0), (77, 200), (41, 4), (140, 3)):
        answer = ask(INFO, LAYERS="j-v", QUERY_LAYERS="j-v", I=str(i), J=str(j)).json()
        value = answer["features"][0]["properties"]["v"]
        missing += value is None
        assert (pixels[j, i, 3] == 0) == (value is None)
    assert missing < 7


def test_values_equal_those_of_the_engine() -> None:
    """What WCS sends for the same pixel, bit for bit."""
    layer = next(one for one in service().layers if one.id == "j-v")
    grid = layer.description.grid.window(0, 0, 250, 250)
    block = asyncio.run(service().engine.evaluate(layer.plan, View(grid, ("v",))))
    for i, j in ((0, 0), (3, 4), (100, 80), (249, 249)):
        answer = ask(INFO, LAYERS="j-v", QUERY_LAYERS="j-v", I=str(i), J=str(j)).json()
        value = answer["features"][0]["properties"]["v"]
        assert np.array_equal(np.float32(np.nan if value is None else value), block.data[0, 0, j, i], equal_nan=True)


def test_values_of_several_layers_and_dates() -> None:
    """getfeatureinfo:two-query_layers, less-query_layers, queryable:feature_count-default, feature_count-1."""
    timed = {"LAYERS": "j-x,j-time,j-v", "QUERY_LAYERS": "j-time,j-v", "TIME": "2017", "I": "40", "J": "40"}
    one, many = ask(INFO, **timed).json(), ask(INFO, **timed, FEATURE_COUNT="10").json()
    dates = [feature["properties"].get("time") for feature in many["features"]]
    assert sorted(dates[:3]) == list(DAYS) and dates[3:] == [None]
    assert [feature["properties"]["layer"] for feature in one["features"]] == ["j-time", "j-v"]
    values = [feature["properties"]["v"] for feature in many["features"][:3]]
    seen = [value for value in values if value is not None]
    assert values[: len(seen)] == seen  # what can be seen comes before what is missing
    assert one["features"][0] == many["features"][0]


@pytest.mark.parametrize("media_type", INFO_TYPES)
def test_each_format_of_values(media_type: str) -> None:
    """getfeatureinfo:each-info_format."""
    response = ask(INFO, INFO_FORMAT=media_type, LAYERS="j-x", QUERY_LAYERS="j-x")
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert "600150.0" in response.text


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"QUERY_LAYERS": "j-none", "LAYERS": "j-none"}, "LayerNotDefined", "LAYERS"),
        ({"QUERY_LAYERS": "j-none"}, "LayerNotDefined", "QUERY_LAYERS"),  # getfeatureinfo:invalid-query_layers
        ({"INFO_FORMAT": "text/bogus"}, "InvalidFormat", "INFO_FORMAT"),  # getfeatureinfo:invalid-info_format
        ({"I": "250"}, "InvalidPoint", "I"),  # getfeatureinfo:invalid-i
        ({"J": "-1"}, "InvalidPoint", "J"),  # getfeatureinfo:invalid-j
    ],
)
def test_a_wrong_query_is_told_what_is_wrong(changes: dict[str, str], code: str, locator: str) -> None:
    assert_report(ask(INFO, **changes), code, locator)
