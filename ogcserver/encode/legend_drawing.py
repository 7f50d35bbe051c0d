"""Legends as PNG and SVG."""

from __future__ import annotations

import io

from lxml import etree
from PIL import Image, ImageDraw

from ogcserver.encode.colours import hex_colour
from ogcserver.encode.legend_layout import FONT_SIZE, Box, Layout, Text
from ogcserver.encode.text import drawable, font

_INK, _PAPER, _FRAME = "#222222", "#ffffff", "#888888"
_NAMESPACE = "http://www.w3.org/2000/svg"
_SVG = f"{{{_NAMESPACE}}}"


def legend_png(layout: Layout, width: int, height: int) -> bytes:
    """The legend as large as fits into ``width`` x ``height`` pixels, on white."""
    scale = _scale(layout, width, height)
    image = Image.new("RGBA", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    letters = font(max(1.0, FONT_SIZE * scale))
    for part in layout.parts:
        if isinstance(part, Text):
            draw.text((part.x * scale, part.y * scale), drawable(part.text, letters), _INK, letters, "lm")
        else:
            _draw_box(image, draw, part, scale)
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    return file.getvalue()


def _scale(layout: Layout, width: int, height: int) -> float:
    return min(width / layout.width, height / layout.height)


def _draw_box(image: Image.Image, draw: ImageDraw.ImageDraw, box: Box, scale: float) -> None:
    left, top = round(box.x * scale), round(box.y * scale)
    wide, high = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    column = Image.new("RGBA", (1, high))
    for row in range(high):
        column.putpixel((0, row), _colour_at(box, row / max(1, high - 1)))
    image.alpha_composite(column.resize((wide, high)), (left, top))
    draw.rectangle((left, top, left + wide - 1, top + high - 1), outline=_FRAME)


def _colour_at(box: Box, share: float) -> tuple[int, int, int, int]:
    before = max((entry for entry in box.colours if entry[0] <= share), default=box.colours[0])
    after = min((entry for entry in box.colours if entry[0] >= share), default=box.colours[-1])
    part = (share - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
    red, green, blue, alpha = (round(a + (b - a) * part) for a, b in zip(before[1], after[1], strict=True))
    return red, green, blue, alpha


def legend_svg(layout: Layout, width: int, height: int) -> bytes:
    """The legend as large as fits into ``width`` x ``height`` pixels, on white.  Source: SVG 1.1."""
    view = f"0 0 {layout.width} {layout.height}"
    root = etree.Element(_SVG + "svg", nsmap={None: _NAMESPACE})  # type: ignore[dict-item]
    for name, value in (("width", str(width)), ("height", str(height)), ("viewBox", view)):
        root.set(name, value)
    root.set("preserveAspectRatio", "xMinYMin meet")
    root.set("font-family", "sans-serif")
    root.set("font-size", str(FONT_SIZE))
    etree.SubElement(root, _SVG + "rect", width="100%", height="100%", fill=_PAPER)
    for index, part in enumerate(layout.parts):
        if isinstance(part, Text):
            text = etree.SubElement(root, _SVG + "text", x=f"{part.x:g}", y=f"{part.y:g}", fill=_INK, dy="0.35em")
            text.text = "".join(letter for letter in part.text if letter.isprintable())
        else:
            _add_box(root, part, f"ramp{index}")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add_box(root: etree._Element, box: Box, name: str) -> None:
    look = {"fill": hex_colour(box.colours[0][1]), "fill-opacity": _opacity(box.colours[0][1])}
    if len(box.colours) > 1:
        ramp = etree.SubElement(root, _SVG + "linearGradient", id=name, x1="0", y1="0", x2="0", y2="1")
        for share, colour in box.colours:
            stop = {"offset": f"{share:.5g}", "stop-color": hex_colour(colour), "stop-opacity": _opacity(colour)}
            etree.SubElement(ramp, _SVG + "stop", stop)
        look = {"fill": f"url(#{name})"}
    place = {"x": f"{box.x:g}", "y": f"{box.y:g}", "width": f"{box.width:g}", "height": f"{box.height:g}"}
    etree.SubElement(root, _SVG + "rect", {**place, **look, "stroke": _FRAME})


def _opacity(colour: bytes) -> str:
    return f"{colour[3] / 255:.3g}"
