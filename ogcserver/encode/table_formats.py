"""The file formats that tables of regions can have."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from ogcserver.encode.options import OptionReader
from ogcserver.encode.tables import Layout, Rows, Table
from ogcserver.errors import FormatUnsupported
from ogcserver.geo.crs import WGS84, project

Options = Mapping[str, object]

DEFAULT_TABLE = "GPKG"
_LAYER = "zonal_statistics"
_LAYOUT = "wide: a column for each band, date and statistic; long: a row for each region, date and band. Default: wide."
_TABLE_OPTIONS: Mapping[str, str] = {"layout": _LAYOUT}
_NO_LIMIT = 1 << 31


@dataclass(frozen=True, eq=False)
class TableFormat:
    """A file format of tables."""

    name: str
    """As GDAL calls it."""
    media_type: str
    extension: str
    write: Callable[[Rows, Path], None]
    """Makes the file."""
    most_columns: int = _NO_LIMIT
    """Of statistics."""
    aliases: tuple[str, ...] = ()
    """Other names and media types, lower case."""
    options: Mapping[str, str] = field(default_factory=lambda: _TABLE_OPTIONS)
    """What each option means, and its default."""

    def layout(self, options: Options) -> Layout:
        """
        Raises:
            FormatOptionUnsupported, FormatOptionInvalid: another option, or value.
        """
        chosen = OptionReader.of(self.name, options, self.options).choice("layout", ("WIDE", "LONG"))
        return "long" if chosen == "LONG" else "wide"


def table_formats() -> Mapping[str, TableFormat]:
    """All formats by name, the default one first."""
    known = (
        TableFormat("GPKG", "application/geopackage+sqlite3", "gpkg", _write_gpkg, 1900, ("geopackage",)),
        TableFormat("GeoJSON", "application/geo+json", "geojson", _write_geojson),
        TableFormat("CSV", "text/csv", "csv", _write_csv),
        TableFormat("JSON", "application/json", "json", _write_json),
    )
    return {entry.name: entry for entry in known}


def find_table_format(known: Mapping[str, TableFormat], name: str) -> TableFormat:
    """The format of a name or media type, compared without regard to case and blanks.

    Raises:
        FormatUnsupported: there is none.
    """
    wanted = "".join(name.lower().split())
    for entry in known.values():
        if wanted in (entry.name.lower(), entry.media_type, *entry.aliases):
            return entry
    raise FormatUnsupported(
        f"zonal_statistics makes a table, which cannot be written as {name[:60]!r}: use {', '.join(known)}",
        locator="format",
    )


def write_table(table: Table, written: TableFormat, options: Options, target: Path) -> None:
    """Makes the file of a table."""
    written.write(Rows(table, written.layout(options)), target)


def _write_gpkg(rows: Rows, target: Path) -> None:
    """Source: OGC 12-128r19, by GDAL. It says nothing of when it was made: equal tables are equal files."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"})
    geometries = shapely.to_wkb(rows.geometries)
    columns = list(rows.columns.values())
    pyogrio.raw.write(
        target, np.asarray(geometries, object), columns, list(rows.columns), layer=_LAYER, driver="GPKG",
        geometry_type="MultiPolygon", crs=rows.table.crs, promote_to_multi=True, nan_as_null=True,
        dataset_options={"VERSION": "1.2"},  # which older programs read without a warning
    )  # fmt: skip


def _write_geojson(rows: Rows, target: Path) -> None:
    """Longitudes and latitudes, outer rings against the clock.  Source: RFC 7946."""
    geometries = _in_degrees(rows.table.geometries, rows.table.crs)
    texts = np.repeat(shapely.to_geojson(geometries), rows.repeated)
    with target.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, (text, row) in enumerate(zip(texts, rows.objects(), strict=True)):
            properties = json.dumps(row, ensure_ascii=False, allow_nan=False)
            comma = ",\n" if number else "\n"
            file.write(f'{comma}{{"type": "Feature", "geometry": {text or "null"}, "properties": {properties}}}')
        file.write("\n]}\n")


def _in_degrees(geometries: NDArray[np.object_], crs: str) -> NDArray[Any]:
    def change(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(project(crs, WGS84, points[:, 0].copy(), points[:, 1].copy()), axis=1)

    return np.asarray(shapely.orient_polygons(shapely.transform(geometries, change)), object)


def _write_csv(rows: Rows, target: Path) -> None:
    """Without geometries; an empty field is missing.  Source: RFC 4180."""
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows.columns)
        writer.writerows(row.values() for row in rows.objects())


def _write_json(rows: Rows, target: Path) -> None:
    """A list of rows without geometries, each an object."""
    with target.open("w", encoding="utf-8") as file:
        file.write("[")
        for number, row in enumerate(rows.objects()):
            file.write((",\n" if number else "\n") + json.dumps(row, ensure_ascii=False, allow_nan=False))
        file.write("\n]\n")
