"""Files of polygons: what they hold, read without letting them name other files, addresses or drivers.

GeoJSON and CSV are read here. For GPKG, FlatGeobuf, Shapefile, KML and GML, GDAL is called, which chooses a driver by a
file's first bytes: so these are looked at before, and no file gets to GDAL that another driver would open.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from ogcserver.errors import CrsError, FileContentInvalid, FileTooLarge
from ogcserver.geo.crs import WGS84, canonical

Geometries = NDArray[np.object_]
"""Of shapely; None where there is none that can be read."""
Column = NDArray[Any]
"""Of integers, floats (NaN: null), booleans, or texts as objects (None: null)."""

_WKT_COLUMNS = ("wkt", "geom", "geometry", "the_geom")
_HEADER = 64 << 10
_GML_OPTIONS = {"DOWNLOAD_SCHEMA": "NO", "SKIP_RESOLVE_ELEMS": "ALL", "WRITE_GFS": "NO"}
"""Nothing is fetched, and nothing is written beside the file."""


@dataclass(frozen=True, eq=False)
class VectorFile:
    """The features of a file, in its order."""

    geometries: Geometries
    crs: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class VectorLimits:
    max_bytes: int = 128 << 20
    """Of all files of one set of regions."""
    max_features: int = 200_000
    max_corners: int = 5_000_000


def read_vector(path: Path, limits: VectorLimits) -> VectorFile:
    """All features of a file; of a GeoPackage's layers the first.

    Raises:
        FileContentInvalid: not one of the formats, damaged, or without a CRS.
        FileTooLarge: too many features.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise FileContentInvalid(f"{path.name} is no file of regions: use {', '.join(READERS)}")
    found = reader(path, limits)
    check_count(path.name, len(found.geometries), limits)
    return found


def check_count(name: str, count: int, limits: VectorLimits) -> None:
    """
    Raises:
        FileTooLarge: more features than are allowed.
    """
    if count > limits.max_features:
        raise FileTooLarge(f"{name} has {count} features, more than the {limits.max_features} that are allowed")


def _geojson(path: Path, limits: VectorLimits) -> VectorFile:
    """Source: RFC 7946; and the ``crs`` of its predecessor, the GeoJSON format specification of 2008."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FileContentInvalid(f"{path.name} is not JSON: {str(error)[:100]}") from error
    features = _features(content, path.name)
    check_count(path.name, len(features), limits)
    texts = [json.dumps(feature.get("geometry")) for feature in features]
    geometries = shapely.from_geojson(np.array(texts, object), on_invalid="ignore")
    rows = [one if isinstance(one := feature.get("properties"), dict) else {} for feature in features]
    if any("id" in feature for feature in features) and not any("id" in row for row in rows):
        rows = [{"id": feature.get("id")} | row for feature, row in zip(features, rows, strict=True)]
    return VectorFile(np.asarray(geometries, object), _geojson_crs(content, path.name), _columns(rows))


def _features(content: Any, name: str) -> list[dict[str, Any]]:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        features = content.get("features")
    elif kind == "Feature":
        features = [content]
    elif kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        features = [{"type": "Feature", "geometry": content, "properties": {}}]
    else:
        features = None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise FileContentInvalid(f"{name} is not GeoJSON: a FeatureCollection, a Feature or a polygon")
    return features


def _geojson_crs(content: Mapping[str, Any], name: str) -> str:
    said = content.get("crs")
    if said is None:
        return WGS84
    properties = said.get("properties") if isinstance(said, dict) else None
    text = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(text, str):
        raise FileContentInvalid(f"the crs of {name} has no name; leave it out for longitudes and latitudes")
    return _crs(text, name)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _column([row.get(name) for row in rows]) for name in names}


def _column(values: Sequence[Any]) -> Column:
    """The narrowest type that holds all values; what is no plain value becomes its JSON text."""
    present = {type(value) for value in values if value is not None}
    if present == {bool} and None not in values:
        return np.array(values, bool)
    if present == {int} and None not in values and all(abs(value) < 1 << 63 for value in values):
        return np.array(values, np.int64)
    if present and present <= {int, float}:
        return np.array([np.nan if value is None else float(value) for value in values])
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    column = np.empty(len(values), object)
    column[:] = texts
    return column


def _csv(path: Path, limits: VectorLimits) -> VectorFile:
    """A column of WKT, in longitudes and latitudes; the others are properties, numbers where all are."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileContentInvalid(f"{path.name} is not CSV in UTF-8") from error
    names = [name for name in (rows[0] if rows else {}) if name is not None]
    wkt = next((name for name in names if name.strip().lower() in _WKT_COLUMNS), None)
    if wkt is None:
        raise FileContentInvalid(f"{path.name} needs a column {' or '.join(_WKT_COLUMNS)} with polygons as WKT")
    texts = np.array([row[wkt] or None for row in rows], object)
    geometries = np.asarray(shapely.from_wkt(texts, on_invalid="ignore"), object)
    columns = {name: _csv_column([row[name] for row in rows]) for name in names if name != wkt}
    return VectorFile(geometries, WGS84, columns)


def _csv_column(texts: Sequence[str | None]) -> Column:
    for kind in (np.int64, np.float64):
        try:
            return np.array(["nan" if text in ("", None) and kind is np.float64 else text for text in texts], kind)
        except (ValueError, TypeError, OverflowError):
            continue
    return _column(texts)


def _binary(begins: Callable[[bytes], bool]) -> Callable[[Path, VectorLimits], VectorFile]:
    """A reader of files that must begin as only their driver's do."""

    def read(path: Path, limits: VectorLimits) -> VectorFile:
        with path.open("rb") as file:
            header = file.read(_HEADER)
        if not begins(header):
            raise FileContentInvalid(f"{path.name} is not what its ending says")
        return _ogr(path, limits)

    return read


def _is_geopackage(header: bytes) -> bool:
    """Source: OGC 12-128r19, requirements 1 and 2."""
    return header.startswith(b"SQLite format 3\0") and header[68:72] in (b"GPKG", b"GP10", b"GP11")


_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_FOREIGN = re.compile(rb"<!DOCTYPE|<!ENTITY|<OGR|<VRT|<GDAL|_Capabilities|\0")
"""By which GDAL would take a file for a virtual one, or for the address of a service, and what expands in XML."""


def _markup(root: bytes) -> Callable[[Path, VectorLimits], VectorFile]:
    """A reader of XML with this root element."""

    def read(path: Path, limits: VectorLimits) -> VectorFile:
        content = path.read_bytes()
        first = _ELEMENT.search(content, 0, _HEADER)
        if first is None or first[1] != root:
            raise FileContentInvalid(f"{path.name} is not what its ending says")
        if _FOREIGN.search(content):
            raise FileContentInvalid(f"{path.name} holds a document type, or names other files")
        return _ogr(path, limits)

    return read


def _ogr(path: Path, limits: VectorLimits) -> VectorFile:
    options = _GML_OPTIONS if path.suffix.lower() == ".gml" else {}
    try:
        meta, _, wkb, columns = pyogrio.raw.read(
            path, force_2d=True, max_features=limits.max_features + 1, datetime_as_string=True, **options
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        reason = str(error).replace(str(path.parent), "")[:200]
        raise FileContentInvalid(f"{path.name} cannot be read: {reason}") from error
    if wkb is None:
        raise FileContentInvalid(f"{path.name} has no geometries")
    geometries = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), object)
    if meta["crs"] is None:
        raise FileContentInvalid(f"{path.name} does not say its CRS")
    named = zip((str(name) for name in meta["fields"]), columns, strict=True)
    return VectorFile(geometries, _crs(meta["crs"], path.name), {name: _plain(column) for name, column in named})


def _plain(column: Column) -> Column:
    if column.dtype.kind == "O":
        return _column([None if one is None else str(one) for one in column])
    return column.astype(str).astype(object) if column.dtype.kind not in "iufb" else column


def _crs(text: str, name: str) -> str:
    try:
        return canonical(text)
    except CrsError as error:
        raise FileContentInvalid(f"the CRS of {name}: {error.message}") from error


READERS: Mapping[str, Callable[[Path, VectorLimits], VectorFile]] = {
    ".geojson": _geojson,
    ".json": _geojson,
    ".gpkg": _binary(_is_geopackage),
    ".fgb": _binary(lambda header: header.startswith(b"fgb")),
    ".shp": _binary(lambda header: header.startswith(b"\x00\x00\x27\x0a")),
    ".kml": _markup(b"kml"),
    ".gml": _markup(b"FeatureCollection"),
    ".csv": _csv,
}
"""By the ending of the file's name, in lower case."""
