import pytest
from hypothesis import given
from hypothesis import strategies as st
from rio_tiler.colormap import cmap

from ogcserver.cube import Band
from ogcserver.encode.style import Style, default_style
from ogcserver.encode.style_args import STYLE_KEYS, parse_style, parse_styles, style_titles
from ogcserver.errors import InvalidParameter

NDVI = (Band("NDVI"),)
S2 = (Band("B02"), Band("B03"), Band("B04"), Band("B8A"))


def ends(name: str) -> tuple[bytes, bytes]:
    colours = cmap.get(name)
    return bytes(map(int, colours[0])), bytes(map(int, colours[255]))


@pytest.mark.parametrize("name", ["NDVI", "ndvi", "min_ndvi", "EVI", "ndvi-mean"])
def test_a_vegetation_index_goes_from_red_to_green(name):
    style = default_style((Band(name),))
    assert style.rescale == ((-0.2, 0.9),)
    assert (style.palette[:4], style.palette[-4:]) == ends("rdylgn")


@pytest.mark.parametrize(
    ("band", "limits"),
    [
        (Band("NDWI"), (-0.8, 0.8)),
        (Band("x"), (0.0, 1.0)),
        (Band("x", "uint8"), (0.0, 255.0)),
        (Band("x", "bool"), (0.0, 1.0)),
        (Band("x", "int8"), (-128.0, 127.0)),
        (Band("x", "uint16"), (0.0, 3000.0)),
        (Band("VV", unit="dB"), (-25.0, 5.0)),
        (Band("height", "int16", unit="m"), (0.0, 3000.0)),
    ],
)
def test_the_range_of_other_bands(band, limits):
    style = default_style((band,))
    assert style.bands == (band.name,)
    assert style.rescale == (limits,)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("B02", "B03", "B04", "B08"), ("B04", "B03", "B02")),
        (("blue", "Green", "red"), ("red", "Green", "blue")),
        (("G", "B", "R"), ("R", "G", "B")),
        (("B4", "B2", "B3"), ("B4", "B3", "B2")),
        (("2", "3", "4"), ("4", "3", "2")),
        (("B04_10m", "B03_10m", "B02_10m"), ("B04_10m", "B03_10m", "B02_10m")),
    ],
)
def test_natural_colours_are_found(names, expected):
    style = default_style(tuple(Band(name) for name in names))
    assert style.bands == expected
    assert style.rescale == ((0.0, 0.3),) * 3
    assert not style.palette


@pytest.mark.parametrize(("dtype", "high"), [("uint8", 255.0), ("uint16", 3000.0), ("int16", 3000.0), ("float32", 0.3)])
def test_the_stretch_of_natural_colours(dtype, high):
    assert default_style(tuple(Band(name, dtype) for name in "RGB")).rescale == ((0.0, high),) * 3


def test_three_bands_of_other_names_show_the_first():
    assert default_style((Band("VV"), Band("VH"), Band("x"))).bands == ("VV",)


def test_no_arguments_are_the_default():
    assert parse_style({"version": 1.1}, S2) == default_style(S2)


def test_a_colour_map_by_name():
    style = parse_style({"Colormap": "Viridis", "rescale": [-1, 1], "title": "My map"}, NDVI)
    assert style.rescale == ((-1.0, 1.0),)
    assert len(style.palette) == 255 * 4
    assert (style.palette[:4], style.palette[-4:]) == ends("viridis")
    assert style.title == "My map"


def test_a_colour_map_of_several_bands_is_for_the_first():
    assert parse_style({"colormap": "viridis"}, S2).bands == ("B02",)
    assert parse_style({"colormap": "viridis", "bands": ["B8A"]}, S2).bands == ("B8A",)


def test_ranges_and_classes():
    ranges = parse_style({"colormap": [[0.5, "#00ff00"], [0, [255, 0, 0, 128]]]}, NDVI)
    assert ranges.stops == (0.0, 0.5)
    assert ranges.palette == bytes([255, 0, 0, 128, 0, 255, 0, 255])
    assert not ranges.exact
    classes = parse_style({"colormap": {"4": "#00ff0080", "3": [1, 2, 3]}}, NDVI)
    assert classes.stops == (3.0, 4.0)
    assert classes.palette == bytes([1, 2, 3, 255, 0, 255, 0, 128])
    assert classes.exact


@pytest.mark.parametrize("value", [[0, 0.5], "0,0.5", [[0, 0.5]] * 3, "0,0.5,0,0.5,0,0.5", [["0", "0.5"]], "[0, 0.5]"])
def test_rescale_for_one_or_all_bands(value):
    assert parse_style({"rescale": value}, S2).rescale == ((0.0, 0.5),) * 3


def test_bands_and_gamma():
    style = parse_style({"bands": "B8A,B04,B03", "gamma": "1.5"}, S2)
    assert style.bands == ("B8A", "B04", "B03")
    assert style.tone.gamma == 1.5
    assert parse_style({"gamma": 2}, NDVI).palette != default_style(NDVI).palette
    assert parse_style({"gamma": 2}, NDVI).palette[-4:] == default_style(NDVI).palette[-4:]


@pytest.mark.parametrize(
    ("args", "bands", "key"),
    [
        ({"colormap": "nosuch"}, NDVI, "colormap"),
        ({"colormap": 5}, NDVI, "colormap"),
        ({"colormap": []}, NDVI, "colormap"),
        ({"colormap": [[1, "green"]]}, NDVI, "colormap"),
        ({"colormap": [[1, "#12"]]}, NDVI, "colormap"),
        ({"colormap": [[1, [300, 0, 0]]]}, NDVI, "colormap"),
        ({"colormap": [[1, 7]]}, NDVI, "colormap"),
        ({"colormap": [["x", "#112233"]]}, NDVI, "colormap"),
        ({"colormap": [[1, "#112233", 3]]}, NDVI, "colormap"),
        ({"colormap": {str(value): "#112233" for value in range(256)}}, NDVI, "colormap"),
        ({"colormap": "viridis", "bands": ["B04", "B03", "B02"]}, S2, "colormap"),
        ({"colormap": {"1": "#112233"}, "rescale": [0, 1]}, NDVI, "rescale"),
        ({"rescale": [1, 0]}, NDVI, "rescale"),
        ({"rescale": [0, 0]}, NDVI, "rescale"),
        ({"rescale": [0]}, NDVI, "rescale"),
        ({"rescale": [0, "x"]}, NDVI, "rescale"),
        ({"rescale": [0, float("nan")]}, NDVI, "rescale"),
        ({"rescale": [[0, 1], [0, 1]]}, S2, "rescale"),
        ({"rescale": 7}, NDVI, "rescale"),
        ({"rescale": {"min": 0}}, NDVI, "rescale"),
        ({"bands": ["B04", "B03"]}, S2, "bands"),
        ({"bands": ["B99"]}, S2, "bands"),
        ({"bands": []}, S2, "bands"),
        ({"gamma": 0}, NDVI, "gamma"),
        ({"contrast": -1}, NDVI, "contrast"),
        ({"brightness": 2}, S2, "brightness"),
        ({"opacity": "half"}, S2, "opacity"),
        ({"nodata_color": "black"}, S2, "nodata_color"),
        ({"bands": ["B04 +", "B03", "B02"]}, S2, "bands"),
        ({"bands": "B04 / B99"}, S2, "bands"),
        ({"bands": "(1 + 2)"}, S2, "bands"),
        ({"bands": "__import__('os')"}, S2, "bands"),
        ({"colormap": "viridis", "colormap_type": "ramp"}, NDVI, "colormap_type"),
        ({"colormap": {"1": "#112233"}, "colormap_type": "wild"}, NDVI, "colormap_type"),
        ({"colormap_type": "ramp"}, NDVI, "colormap_type"),
        ({"colormap": [[0, "#112233"]], "colormap_type": "ramp"}, NDVI, "colormap"),
        ({"colormap": [[None, "#112233"], [1, "#112233"]], "colormap_type": "ramp"}, NDVI, "colormap"),
        ({"colormap": [[[0, 2], "#112233"], [[1, 3], "#112233"]]}, NDVI, "colormap"),
        ({"colormap": [[[1, 1], "#112233"]]}, NDVI, "colormap"),
        ({"colormap": [[[0, 1], "#112233"], [2, "#112233"]]}, NDVI, "colormap"),
        ({"colormap": {"1": {"label": "x"}}}, NDVI, "colormap"),
        ({"rescale": "somehow"}, NDVI, "rescale"),
        ({"rescale": {"percentiles": [98, 2]}}, NDVI, "rescale"),
        ({"rescale": {"percentiles": [0, 101]}}, NDVI, "rescale"),
        ({"rescale": {"percentiles": 2}}, NDVI, "rescale"),
        ({"hillshade": True, "rescale": [0, 1]}, NDVI, "rescale"),
        ({"hillshade": "steep"}, NDVI, "hillshade"),
        ({"hillshade": {"azimut": 1}}, NDVI, "hillshade"),
        ({"hillshade": {"altitude": 91}}, NDVI, "hillshade"),
        ({"hillshade": True, "bands": ["B04", "B03", "B02"]}, S2, "hillshade"),
        ({"gamma": "much"}, NDVI, "gamma"),
    ],
)
def test_a_bad_argument_is_named(args, bands, key):
    with pytest.raises(InvalidParameter) as caught:
        parse_style(args, bands)
    assert caught.value.locator == key


def test_a_style_is_a_value():
    one, other = (parse_style({"rescale": [0, 1]}, NDVI) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.token == other.token
    tokens = {
        parse_style(args, S2).token
        for args in (
            {},
            {"rescale": [0, 1]},
            {"gamma": 2},
            {"bands": ["B8A", "B04", "B03"]},
            {"bands": ["B8A"]},
            {"colormap": "viridis"},
            {"colormap": {"1": "#112233"}},
            {"colormap": [[1, "#112233"]]},
        )
    }
    assert len(tokens) == 8


def test_the_title_changes_no_pixel():
    assert Style(("a",), title="x").token == Style(("a",), title="y").token


# ---- expressions


def test_three_channels_may_be_bands_and_expressions():
    style = parse_style({"bands": ["B8A", "(B8A - B04) / (B8A + B04)", "min(B02, B03)"], "rescale": [0, 0.5]}, S2)
    assert style.bands == ("B8A", "B04", "B02", "B03")
    assert style.names == ("B8A", "(B8A - B04) / (B8A + B04)", "min(B02, B03)")
    assert style.rescale == ((0.0, 0.5),) * 3


def test_commas_inside_of_parentheses_and_quotes_do_not_part_a_text():
    bands = (Band("a"), Band("b,c"))
    assert parse_style({"bands": "max(a, 'b,c'), a, \"b,c\""}, bands).names == ("max(a, 'b,c')", "a", '"b,c"')


def test_one_expression_gets_a_colour_map():
    style = parse_style({"bands": "B8A / B04", "colormap": "viridis", "rescale": [0, 5]}, S2)
    assert style.bands == ("B8A", "B04")
    assert (style.palette[:4], style.palette[-4:]) == ends("viridis")


# ---- several styles


def test_further_styles_stand_beside_the_default_one_which_is_first():
    args = {"colormap": "viridis", "rescale": [0, 1], "styles": {"grey": {"title": "Grey", "colormap": "greys_r"}}}
    styles = parse_styles(args, NDVI)
    assert list(styles) == ["default", "grey"]
    assert styles["default"] == parse_style({"colormap": "viridis", "rescale": [0, 1]}, NDVI)
    assert styles["grey"].rescale == default_style(NDVI).rescale
    assert style_titles(args) == (("default", "default", ""), ("grey", "Grey", ""))


@pytest.mark.parametrize(
    ("styles", "locator"),
    [
        ([], "styles"),
        ({"a b": {}}, "styles"),
        ({"../x": {}}, "styles"),
        ({"": {}}, "styles"),
        ({"Default": {}}, "styles"),
        ({"a": {}, "A": {}}, "styles"),
        ({"a": 7}, "styles.a"),
        ({"a": {"colormab": "viridis"}}, "styles.a"),
        ({"a": {"styles": {}}}, "styles.a"),
        ({"a": {"colormap": "nosuch"}}, "styles.a.colormap"),
        ({f"s{number}": {} for number in range(64)}, "styles"),
    ],
)
def test_bad_further_styles_are_named_but_listing_never_fails(styles, locator):
    with pytest.raises(InvalidParameter) as caught:
        parse_styles({"styles": styles}, NDVI)
    assert caught.value.locator == locator
    assert style_titles({"styles": styles})[0][0] == "default"


@given(
    st.dictionaries(
        st.sampled_from([*STYLE_KEYS, "styles"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=8,
        ),
    )
)
def test_any_arguments_make_styles_or_are_refused(args):
    style_titles(args)
    try:
        styles = parse_styles(args, S2)
    except InvalidParameter:
        return
    assert all(len(style.names) in (1, 3) for style in styles.values())


@pytest.mark.parametrize("name", cmap.list())
def test_every_colour_map_of_rio_tiler_is_there(name):
    assert (
        parse_style({"colormap": name}, NDVI).palette[:4],
        parse_style({"colormap": name}, NDVI).palette[-4:],
    ) == ends(name)
