"""What lies under a pixel, as the documents that GetFeatureInfo answers with.

All of them say the same: for each layer and each of its times the values of all bands, "missing" where there is none.
A number has the fewest digits that mean the computed value, as a number of the width it was computed in.

Source: RFC 7946 (GeoJSON); OGC 03-105r1 (GML 3.1.1), of which the part that GML 2 readers know too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ogcserver.cube import Band, compute_dtype
from ogcserver.errors import InvalidParameter
from ogcserver.geo.crs import WGS84, project
from ogcserver.maps.values import Values
from ogcserver.ows.xml import GML_31, Element, Elements, ncnames, serialise

OWN = "urn:ogcserver:info"
"""Namespace of the elements that hold a pixel in GML."""
_WFS = "http://www.opengis.net/wfs"
_MISSING = "missing"
_OWN_KEYS = ("layer", "time")
"""Properties of a feature beside the bands."""


@dataclass(frozen=True)
class Found:
    """The values of one layer under a pixel."""

    layer: str
    """Identifier."""
    title: str
    values: Values


def write_info(media_type: str, found: Sequence[Found]) -> bytes:
    """The document of this media type, one of :data:`INFO_TYPES`, in UTF-8."""
    return _WRITERS[media_type](found)


def info_type(text: str) -> str:
    """The media type of :data:`INFO_TYPES` that a media type or a short name such as ``json`` means.

    Raises:
        InvalidParameter: there are no such documents.
    """
    name = text.strip().lower()
    name = name.partition(";")[0].strip()
    name = _SPELLINGS.get(name, name)
    if name not in INFO_TYPES:
        raise InvalidParameter(f"there are no values as {text[:40]!r}: ask for {' or '.join(INFO_TYPES)}")
    return name


def _number(value: float | None, band: Band, bands: tuple[Band, ...]) -> float | int | None:
    """A value as JSON can hold it; None for a missing or infinite one."""
    if value is None or not math.isfinite(value):
        return None
    if np.dtype(band.dtype).kind in "iu" and value.is_integer():
        return int(value)
    return value if compute_dtype(bands) == np.float64 else float(str(np.float32(value)))


def _rows(values: Values) -> list[tuple[str, list[float | int | None]]]:
    """The label (or "") and the numbers of each time."""
    times = values.times or ("",) * len(values.rows)
    numbers = [[_number(*pair, values.bands) for pair in zip(row, values.bands, strict=True)] for row in values.rows]
    return list(zip(times, numbers, strict=True))


def _json(found: Sequence[Found]) -> bytes:
    """A GeoJSON FeatureCollection with a feature for each layer and time; bands are properties, missing ones null."""
    features = [
        {
            "type": "Feature",
            "geometry": _lonlat_point(one.values),
            "properties": {"layer": one.layer} | ({"time": time} if time else {}) | _named(one.values.bands, numbers),
        }
        for one in found
        for time, numbers in _rows(one.values)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def _named(bands: Sequence[Band], numbers: Sequence[float | int | None]) -> dict[str, float | int | None]:
    """Numbers by band; a band called like one of our own properties gets an underscore."""
    names = (f"{band.name}_" if band.name in _OWN_KEYS else band.name for band in bands)
    return dict(zip(names, numbers, strict=True))


def _lonlat_point(values: Values) -> dict[str, object] | None:
    x, y = project(values.crs, WGS84, np.array([values.x]), np.array([values.y]))
    if not (math.isfinite(x[0]) and math.isfinite(y[0])):
        return None
    return {"type": "Point", "coordinates": [float(x[0]), float(y[0])]}


def _text(found: Sequence[Found]) -> bytes:
    lines = []
    for one in found:
        values = one.values
        lines.append(f"Layer {_line(one.layer)}: {_line(one.title)}")
        lines.append(f"  x {values.x!r}, y {values.y!r} in {_crs_name(values.crs)}")
        for time, numbers in _rows(values):
            pairs = zip(values.bands, numbers, strict=True)
            told = ", ".join(f"{_line(band.name)} = {_shown(value)}{_unit(band)}" for band, value in pairs)
            lines.append(f"  {time}: {told}" if time else f"  {told}")
    return "".join(f"{line}\n" for line in lines).encode()


def _line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def _shown(value: float | int | None) -> str:
    return _MISSING if value is None else repr(value)


def _unit(band: Band) -> str:
    """With a blank before it; "1" is what pure numbers have."""
    return f" {_line(band.unit)}" if band.unit not in ("", "1") else ""


def _crs_name(crs: str) -> str:
    """The code; "its own CRS" where there is only a long text."""
    return crs if crs.partition(":")[2].isalnum() else "a CRS without code"


def _html(found: Sequence[Found]) -> bytes:
    """A page with a table for each layer. It runs nothing, and all texts in it are escaped."""
    body = "".join(_table(one) for one in found)
    head = '<meta charset="utf-8"><title>Values</title>'
    style = "<style>body{font:13px sans-serif}td,th{padding:2px 8px;text-align:left}caption{text-align:left}</style>"
    return f"<!DOCTYPE html>\n<html><head>{head}{style}</head><body>{body}</body></html>\n".encode()


def _table(one: Found) -> str:
    bands = one.values.bands
    timed = bool(one.values.times)
    heads = ["time"] * timed + [f"{band.name}{f' ({unit})' if (unit := _unit(band).strip()) else ''}" for band in bands]
    rows = [[time] * timed + [_shown(value) for value in numbers] for time, numbers in _rows(one.values)]
    place = f"x {one.values.x!r}, y {one.values.y!r} in {_crs_name(one.values.crs)}"
    caption = f"<caption><b>{escape(one.title)}</b><br>{escape(place)}</caption>"
    return f"<table>{caption}{_table_row('th', heads)}{''.join(_table_row('td', row) for row in rows)}</table>"


def _table_row(cell: str, texts: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(text)}</{cell}>' for text in texts)}</tr>"


def _gml(found: Sequence[Found]) -> bytes:
    """A feature collection with a member for each layer and time; an element for each band, none for missing ones."""
    e = Elements({"wfs": _WFS, "gml": GML_31, "og": OWN})
    members = [
        e("gml:featureMember", _gml_feature(e, one, time, numbers))
        for one in found
        for time, numbers in _rows(one.values)
    ]
    nowhere = e("gml:boundedBy", e("gml:Null", "unknown"))
    return serialise(e("wfs:FeatureCollection", nowhere, members))


def _gml_feature(e: Elements, one: Found, time: str, numbers: Sequence[float | int | None]) -> Element:
    values = one.values
    names = ncnames((*_OWN_KEYS, "place", *(band.name for band in values.bands)))[3:]
    code = {"srsName": values.crs} if _crs_name(values.crs) == values.crs else {}
    point = e("gml:Point", code, e("gml:coordinates", f"{values.x!r},{values.y!r}"))
    return e(
        "og:pixel",
        e("og:place", point),
        e("og:layer", one.layer),
        e("og:time", time) if time else None,
        [e(f"og:{name}", repr(value)) for name, value in zip(names, numbers, strict=True) if value is not None],
    )


_WRITERS: Mapping[str, Callable[[Sequence[Found]], bytes]] = {
    "application/json": _json,
    "text/html": _html,
    "text/plain": _text,
    "application/vnd.ogc.gml": _gml,
}
INFO_TYPES = tuple(_WRITERS)
"""Media types of the documents, the one that clients should prefer first."""
_SPELLINGS = {
    "json": "application/json",
    "geojson": "application/json",
    "application/geojson": "application/json",
    "application/geo+json": "application/json",
    "html": "text/html",
    "text": "text/plain",
    "gml": "application/vnd.ogc.gml",
    "text/xml": "application/vnd.ogc.gml",
    "application/xml": "application/vnd.ogc.gml",
    "application/gml+xml": "application/vnd.ogc.gml",
    "application/vnd.ogc.gml/3.1.1": "application/vnd.ogc.gml",
}
