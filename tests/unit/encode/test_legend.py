import json

import imagecodecs
import numpy as np
import pytest
from lxml import etree

from ogcserver.cube import Band
from ogcserver.encode.legend import legend_json, legend_of, number_text
from ogcserver.encode.legend_drawing import legend_png, legend_svg
from ogcserver.encode.legend_layout import Box, lay_out
from ogcserver.encode.paint import paint
from ogcserver.encode.style_args import parse_style
from ogcserver.encode.text import drawable, font, text_mask

from .blocks import block, f32

BANDS = (Band("height", unit="m"), Band("NDVI", unit="1"), Band("red"), Band("green"), Band("blue"))
CLASSES = {"colormap": {"1": {"color": "#ff0000", "label": "water & <reed>"}, "2": "#00ff00", "3": "#00000000"}}
INTERVALS = {"colormap": [[None, "#0000ff"], [0.2, "#00ff00", "green"], [0.5, "#ffff00"]]}
RAMP = {"colormap": [[-0.2, "#a50026", "bare"], [0.9, "#006837", "dense"]], "colormap_type": "ramp"}
LOOKS = (
    CLASSES, INTERVALS, RAMP, {}, {"bands": "height", "hillshade": True}, {"bands": "height", "colormap": "viridis"},
    {"bands": ["red", "green", "blue"]}, {"bands": "red / green", "title": "Ratio"},
)  # fmt: skip


def of(args):
    return legend_of(parse_style(args, BANDS), BANDS, "Layer")


def read(args):
    return json.loads(legend_json(of(args)))


def test_the_json_of_classes():
    assert read(CLASSES) == {
        "title": "Layer",
        "type": "values",
        "unit": "m",
        "channels": [{"name": "height"}],
        "entries": [
            {"value": 1.0, "color": "#ff0000", "opacity": 1.0, "label": "water & <reed>"},
            {"value": 2.0, "color": "#00ff00", "opacity": 1.0, "label": "2"},
        ],
    }


def test_the_json_of_intervals_has_open_ends():
    entries = read(INTERVALS)["entries"]
    assert [(entry["from"], entry["to"]) for entry in entries] == [(None, 0.2), (0.2, 0.5), (0.5, None)]
    assert [entry["label"] for entry in entries] == ["< 0.2", "green", "≥ 0.5"]


def test_the_json_of_three_bands():
    found = read({"bands": ["red", "green", "blue"], "rescale": [0, 0.3]})
    assert found["channels"][0] == {"name": "red", "color": "red", "min": 0.0, "max": 0.3}
    assert found["entries"] == []


@pytest.mark.parametrize("args", [{"colormap": "viridis", "rescale": [0, 10]}, {"bands": "NDVI"}, RAMP])
def test_the_colours_of_a_ramp_are_those_of_the_picture(args):
    style = parse_style(args, BANDS)
    found = read(args)
    entries = found["entries"]
    values = [entry["value"] for entry in entries]
    assert values == sorted(values)
    asked = np.linspace(values[0], values[-1], 100)
    shown = paint(block(f32(asked), Band(style.bands[0])), style).rgba()[0, :, :3].astype(float)
    for channel in range(3):
        colours = [bytes.fromhex(entry["color"][1:])[channel] for entry in entries]
        assert np.abs(np.interp(asked, values, colours) - shown[:, channel]).max() <= 4


def test_a_unit_that_says_nothing_is_left_out():
    assert of({"bands": "NDVI"}).caption == "NDVI"
    assert of({"bands": "height"}).caption == "height (m)"
    assert of({"bands": "height * 2"}).caption == "height * 2"


def test_ticks_are_round_and_hold_both_ends():
    assert [label for _, label in of({"colormap": "viridis", "rescale": [-0.2, 0.9]}).ticks] == [
        "-0.2", "0", "0.2", "0.4", "0.6", "0.8", "0.9",
    ]  # fmt: skip


def test_ends_have_the_digits_that_the_range_is_worth():
    for limits, expected in (([-0.219814, 0.00748128], ("-0.22", "0.007")), ([12.3456, 3000.789], ("12", "3001"))):
        ticks = of({"colormap": "viridis", "rescale": limits}).ticks
        assert (ticks[0][1], ticks[-1][1]) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (3000.0, "3000"),
        (1234567.0, "1234567"),
        (-2.5, "-2.5"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers_read_well(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize("args", LOOKS)
@pytest.mark.parametrize("scale", [1, 2])
def test_a_legend_is_drawn_at_its_size(args, scale):
    layout = lay_out(of(args))
    size = layout.width * scale, layout.height * scale
    assert imagecodecs.png_decode(legend_png(layout, *size)).shape == (size[1], size[0], 3)
    root = etree.fromstring(legend_svg(layout, *size))
    assert (root.get("width"), root.get("height")) == tuple(map(str, size))
    assert "Layer" in "".join(root.itertext()) or "Ratio" in "".join(root.itertext())


def test_a_swatch_has_the_colour_of_its_class():
    layout = lay_out(of(CLASSES))
    pixels = imagecodecs.png_decode(legend_png(layout, layout.width, layout.height))
    swatches = [part for part in layout.parts if isinstance(part, Box)]
    middles = [(round(box.y + box.height / 2), round(box.x + box.width / 2)) for box in swatches]
    assert [pixels[place].tolist() for place in middles] == [[255, 0, 0], [0, 255, 0]]


def test_the_greatest_value_of_a_ramp_is_at_the_top():
    layout = lay_out(of(RAMP))
    pixels = imagecodecs.png_decode(legend_png(layout, layout.width, layout.height))
    bar = next(part for part in layout.parts if isinstance(part, Box))
    column = pixels[:, round(bar.x + bar.width / 2)]
    assert np.abs(column[round(bar.y) + 2].astype(int) - [0, 0x68, 0x37]).max() < 6
    assert np.abs(column[round(bar.y + bar.height) - 3].astype(int) - [0xA5, 0, 0x26]).max() < 6


def test_the_size_does_not_hang_on_numbers_that_are_not_known_yet():
    sizes = {
        (layout.width, layout.height)
        for limits in ([0, 1], [-123.456, 98765.4321])
        for layout in [lay_out(of({"colormap": "viridis", "rescale": limits}))]
    }
    assert len(sizes) == 1


def test_markup_in_labels_is_text():
    root = etree.fromstring(legend_svg(lay_out(of(CLASSES)), 100, 100))
    assert "water & <reed>" in list(root.itertext())


# ---- text


def test_words_are_wrapped_into_lines_of_letters():
    short, long = text_mask("tile", 100), text_mask("there is no observation at this time " * 3, 100)
    assert short.shape[1] == long.shape[1] == 100
    assert long.shape[0] > 3 * short.shape[0]
    assert short.any()
    assert set(np.unique(long)) == {0, 1}
    assert not text_mask("", 10).any()


def test_letters_of_pillow_do_without_accents():
    from PIL import ImageFont

    assert drawable("Höhe ≥ 3 °C\n水", ImageFont.load_default(12)) == "Hohe >= 3 °C ?"
    assert font(12) is font(12)
