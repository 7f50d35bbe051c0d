from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from ogcserver.cube import Band
from ogcserver.encode.paint import paint
from ogcserver.encode.sld_read import LONGEST, sld_args
from ogcserver.encode.sld_write import style_to_sld
from ogcserver.encode.style import Hillshade, Style, Tone
from ogcserver.encode.style_args import DEFAULT_STYLE, parse_style, parse_styles
from ogcserver.errors import InvalidParameter

from .blocks import block, f32

BANDS = (Band("B02"), Band("B03"), Band("B04"), Band("height", unit="m"))
QGIS = Path(__file__).parent / "qgis"
"""Written by QGIS 3.22.16: QgsRasterLayer.saveSldStyle."""


def of_qgis(name: str) -> Style:
    return parse_style({"sld": (QGIS / name).read_text()}, BANDS)


def symbolizer(inner: str, before: str = "") -> str:
    return f"""{before}<StyledLayerDescriptor xmlns="http://www.opengis.net/sld" version="1.0.0"><NamedLayer>
    <Name>x</Name><UserStyle><Title>Mine</Title><FeatureTypeStyle><Rule><RasterSymbolizer>{inner}</RasterSymbolizer>
    </Rule></FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"""


def colours(style: Style, *values: float) -> list[list[int]]:
    bands = tuple(Band(name) for name in style.bands)
    return paint(block(f32(values), *bands), style).rgba()[0].tolist()


# ---- what QGIS writes


def test_a_ramp_of_qgis():
    style = of_qgis("ramp.sld")
    assert style.bands == ("B02",)
    assert [mark.label for mark in style.marks] == ["bare", "some", "dense"]
    bare, some, dense, below, above = colours(style, -0.2, 0.3, 0.9, -5, 5)
    assert bare == below == [0xA5, 0, 0x26, 255]
    assert np.abs(np.subtract(some, [255, 255, 0xBF, 255])).max() <= 1
    assert dense == above == [0, 0x68, 0x37, 255]


def test_intervals_of_qgis_end_at_their_value():
    style = of_qgis("discrete.sld")
    assert colours(style, -9, -0.21, -0.19, 0.29, 0.31, 99) == [
        *[[0xA5, 0, 0x26, 255]] * 2,
        *[[255, 255, 0xBF, 255]] * 2,
        *[[0, 0x68, 0x37, 255]] * 2,
    ]


def test_classes_of_qgis_with_their_opacity():
    assert colours(of_qgis("paletted.sld"), 1, 2, 3) == [[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 0, 0]]
    assert colours(of_qgis("exact.sld"), 1, 2) == [[255, 0, 0, 128], [0, 255, 0, 128]]


def test_greys_of_qgis_go_from_least_to_greatest_value():
    style = of_qgis("grey.sld")
    black, middle, white = colours(style, 0.1, 0.45, 0.8)
    assert black == [0, 0, 0, 255]
    assert np.abs(np.subtract(middle[:3], 128)).max() <= 1
    assert white == [255, 255, 255, 255]


def test_three_bands_of_qgis():
    style = of_qgis("rgb.sld")
    assert style.bands == ("B04", "B03", "B02")
    assert style.rescale == ((0.0, 0.3), (0.0, 0.25), (0.01, 0.2))
    assert style.opacity == 191
    # QGIS, for contrast 20 and brightness 10: ((share - 0.5) * ((contrast + 100) / 100) ** 2 + 0.5) * 255 + brightness
    values = block(np.array([[[0.15]], [[0.2]], [[0.048]]], np.float32), *(Band(name) for name in style.bands))
    expected = [((share - 0.5) * 1.44 + 0.5) * 255 + 10 for share in (0.5, 0.8, 0.2)]
    assert np.abs(paint(values, style).rgba()[0, 0, :3] - np.clip(expected, 0, 255)).max() <= 1


def test_the_hillshade_of_qgis():
    style = of_qgis("hillshade.sld")
    assert style.hillshade == Hillshade(315.0, 45.0, 2.0)
    assert style.halo == 1


# ---- symbology encoding, and the rest of SLD


def test_categories_and_interpolation_of_symbology_encoding():
    categorize = """<ColorMap><se:Categorize xmlns:se="http://www.opengis.net/se" fallbackValue="#000000">
    <se:LookupValue>Rasterdata</se:LookupValue><se:Value>#0000ff</se:Value><se:Threshold>0</se:Threshold>
    <se:Value>#00ff00</se:Value></se:Categorize></ColorMap>"""
    style = parse_style({"sld": symbolizer(categorize)}, BANDS)
    assert colours(style, -1, 0) == [[0, 0, 255, 255], [0, 255, 0, 255]]
    interpolate = """<ColorMap><Interpolate mode="linear" method="color"><LookupValue>Rasterdata</LookupValue>
    <InterpolationPoint><Data>0</Data><Value>#000000</Value></InterpolationPoint>
    <InterpolationPoint><Data>10</Data><Value>#ffffff</Value></InterpolationPoint></Interpolate></ColorMap>"""
    assert np.abs(np.subtract(colours(parse_style({"sld": symbolizer(interpolate)}, BANDS), 5)[0][:3], 128)).max() <= 1


def test_title_gamma_and_a_full_stretch():
    channels = "".join(
        f"<{name}><SourceChannelName>{band}</SourceChannelName><ContrastEnhancement><Normalize/><GammaValue>2</GammaValue>"
        f"</ContrastEnhancement></{name}>"
        for name, band in (("RedChannel", "B04"), ("GreenChannel", "2"), ("BlueChannel", "1"))
    )
    style = parse_style({"sld": symbolizer(f"<ChannelSelection>{channels}</ChannelSelection>")}, BANDS)
    assert style.bands == ("B04", "B03", "B02")
    assert style.title == "Mine"
    assert style.tone == Tone(gamma=2.0)
    assert style.percentiles == (0.0, 100.0)
    assert parse_style({"sld": symbolizer(""), "title": "Ours"}, BANDS).title == "Ours"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (7, "text"),
        ("", "not well-formed"),
        ("<a", "not well-formed"),
        ('<?xml version="1.0" encoding="nosuch"?><a/>', "not well-formed"),
        ("<a/>", "one RasterSymbolizer, not 0"),
        (symbolizer("</RasterSymbolizer><RasterSymbolizer>"), "one RasterSymbolizer, not 2"),
        ("x" * (LONGEST + 1), "characters"),
        (symbolizer("", BOMB), "document type"),
        (symbolizer("", EXTERNAL), "document type"),
        (symbolizer("<Opacity>&a;</Opacity>", FILE), "document type"),
        (symbolizer("<Opacity>much</Opacity>"), "opacity"),
        (symbolizer("<ChannelSelection/>"), "red, a green and a blue"),
        (symbolizer("<ChannelSelection><GrayChannel/></ChannelSelection>"), "no channel"),
        (
            symbolizer("<ChannelSelection><GrayChannel><SourceChannelName>9</SourceChannelName></GrayChannel></ChannelSelection>"),
            "no channel '9'",
        ),
        (symbolizer('<ColorMap type="wild"/>'), "colormap_type"),
        (symbolizer("<ColorMap/>"), "1 to 255"),
        (symbolizer('<ColorMap><ColorMapEntry quantity="1" color="red"/></ColorMap>'), "not a colour"),
        (symbolizer('<ColorMap><ColorMapEntry color="#ff0000"/></ColorMap>'), "quantity"),
        (symbolizer("<ColorMap><Interpolate mode='cosine'/></ColorMap>"), "linear"),
        (symbolizer("<ColorMap><Categorize><Threshold>1</Threshold></Categorize></ColorMap>"), "one Value more"),
        (symbolizer("<ContrastEnhancement><GammaValue>x</GammaValue></ContrastEnhancement>"), "GammaValue"),
        (
            symbolizer("<ShadedRelief><VendorOption name='multidirectional'>1</VendorOption></ShadedRelief>"),
            "multidirectional",
        ),
    ],
)  # fmt: skip
def test_a_bad_document_is_refused(document, says):
    with pytest.raises(InvalidParameter, match=says):
        parse_style({"sld": document}, BANDS)


def test_a_document_stands_alone():
    with pytest.raises(InvalidParameter, match="leave out gamma") as caught:
        parse_style({"sld": symbolizer(""), "gamma": 2}, BANDS)
    assert caught.value.locator == "sld"


# ---- written


@pytest.mark.parametrize(
    "args",
    [
        {"bands": "B03", "colormap": {"1": {"color": "#ff0000", "label": "water & <reed>"}, "2": "#00ff0080"}},
        {"colormap": [[None, "#0000ff"], [0.2, "#00ff00", "green"], [0.5, "#ffff00"]]},
        {"colormap": [[-0.2, "#a50026"], [0.3, "#ffffbf"], [0.9, "#006837"]], "colormap_type": "ramp"},
        {"bands": ["B04", "B03", "B02"], "rescale": [[0, 0.3], [0, 0.2], [0.1, 1 / 3]], "gamma": 1.3, "opacity": 0.5},
        {"bands": ["B04", "B03", "B02"], "contrast": 1.44, "brightness": 0.1},
        {"bands": "height", "hillshade": {"azimuth": 300, "altitude": 30, "z_factor": 2}},
    ],
)
def test_a_written_style_reads_back_as_it_was(args):
    style = parse_style(args, BANDS)
    text = etree.tostring(style_to_sld("j-1", {"default": ("Title", style)}, BANDS), encoding="unicode")
    assert parse_style({"sld": text}, BANDS).token == style.token


def test_gaps_between_intervals_stay_transparent():
    style = parse_style({"colormap": [[[0, 1], "#0000ff"], [[2, 3], "#00ff00"]]}, BANDS)
    text = etree.tostring(style_to_sld("j-1", {"default": ("", style)}, BANDS), encoding="unicode")
    values = (-1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4)
    assert colours(parse_style({"sld": text}, BANDS), *values) == colours(style, *values)


def test_a_named_colour_map_is_written_as_a_ramp_that_looks_alike():
    values = np.linspace(-0.3, 1.0, 200)
    for args in (
        {"colormap": "viridis", "rescale": [-0.2, 0.9]},
        {"colormap": "rdylgn", "gamma": 2, "rescale": [0, 1]},
    ):
        style = parse_style(args, BANDS)
        text = etree.tostring(style_to_sld("j-1", {"default": ("", style)}, BANDS), encoding="unicode")
        again = parse_style({"sld": text}, BANDS)
        assert np.abs(np.subtract(colours(style, *values), colours(again, *values))).max() <= 6


def test_several_styles_are_written_with_the_default_first():
    styles = parse_styles({"title": "A", "styles": {"grey": {"colormap": "greys_r"}}}, BANDS)
    root = style_to_sld("j-1", {name: (style.title, style) for name, style in styles.items()}, BANDS)
    assert [name.text for name in root.iter("{*}Name")] == ["j-1", DEFAULT_STYLE, "grey"]
    assert len(list(root.iter("{*}IsDefault"))) == 1


def test_expressions_have_no_sld():
    style = parse_style({"bands": "B02 / B03"}, BANDS)
    with pytest.raises(InvalidParameter):
        style_to_sld("j-1", {"default": ("", style)}, BANDS)


def test_the_arguments_of_a_document_are_plain():
    assert sld_args(symbolizer("<Opacity>0.5</Opacity>"), ("B02",)) == {"title": "Mine", "opacity": "0.5"}
