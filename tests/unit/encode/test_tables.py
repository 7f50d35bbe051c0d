"""Tables of regions as files: names of columns, missing values, and what GDAL reads of them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from ogcserver.encode.table_formats import find_table_format, table_formats, write_table
from ogcserver.encode.tables import Rows, Table, unique
from ogcserver.errors import FormatOptionInvalid, FormatOptionUnsupported, FormatUnsupported

BOXES = (
    shapely.box(600000, 5190000, 600100, 5190100),
    shapely.MultiPolygon([shapely.box(600200, 5190000, 600300, 5190100)]),
)
TIMES = ("2017-01-05", "2017-01-15T10:20:31Z", "2017-02-01/2017-02-28")


def table(times: tuple[str, ...] = TIMES, **changes: Any) -> Table:
    count = max(1, len(times))
    values = np.arange(3 * count * 2 * 2, dtype=float).reshape(3, count, 2, 2)
    values[2] = np.nan
    columns = {
        "name": np.array(["a", None, "ü"], object), "fid": np.array([7, 8, 9]), "AVG": np.array([1.5, np.nan, 2.0]),
        "ok": np.array([True, False, True]),
    }  # fmt: skip
    given: dict[str, Any] = {
        "geometries": np.array([*BOXES, None], object), "crs": "EPSG:32632", "columns": columns,
        "remarks": ("", "", "no polygon"), "times": times, "bands": ("8", "B 04"), "functions": ("avg", "q25"),
        "values": values,
    }  # fmt: skip
    return Table(**(given | changes))


def test_wide_columns_name_band_date_and_statistic() -> None:
    columns = Rows(table(), "wide").columns
    assert list(columns)[:5] == ["name", "fid_2", "AVG", "ok", "remark"]
    assert list(columns)[5:9] == ["8_20170105_avg", "8_20170105_q25", "B_04_20170105_avg", "B_04_20170105_q25"]
    assert list(columns)[9] == "8_20170115T102031_avg" and list(columns)[13] == "8_20170201_20170228_avg"
    assert columns["8_20170115T102031_q25"][:2].tolist() == [5.0, 17.0]
    assert list(Rows(table(times=()), "wide").columns)[5:] == ["8_avg", "8_q25", "B_04_avg", "B_04_q25"]


def test_long_rows_hold_one_date_and_band() -> None:
    rows = Rows(table(), "long")
    assert rows.count == 18 and list(rows.columns) == [
        "name", "fid_2", "AVG_2", "ok", "remark", "time", "band", "avg", "q25",
    ]  # fmt: skip
    found = list(rows.objects())
    assert found[3] == {
        "name": "a", "fid_2": 7, "AVG_2": 1.5, "ok": True, "remark": None, "time": TIMES[1], "band": "B 04", "avg": 6.0,
        "q25": 7.0,
    }  # fmt: skip
    assert found[17]["avg"] is None and found[17]["remark"] == "no polygon"
    assert "time" not in Rows(table(times=()), "long").columns


def test_names_differ_in_more_than_case() -> None:
    assert unique(("a", "A", "geom", "a_2")) == ("a", "A_2", "geom_2", "a_2_2")


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_geopackage_as_gdal_reads_it(tmp_path: Path, layout: str) -> None:
    path, made = tmp_path / "r.gpkg", table()
    write_table(made, table_formats()["GPKG"], {"layout": layout}, path)
    info = pyogrio.read_info(path)
    assert (info["layer_name"], info["crs"], info["geometry_type"]) == (
        "zonal_statistics",
        "EPSG:32632",
        "MultiPolygon",
    )
    rows = Rows(made, "long" if layout == "long" else "wide")
    assert list(info["fields"]) == list(rows.columns) and info["features"] == rows.count
    _, _, geometry, columns = pyogrio.raw.read(path)
    assert geometry[-1] is None and shapely.from_wkb(geometry[0]).equals(BOXES[0])
    values = dict(zip(info["fields"], columns, strict=True))
    for name in list(rows.columns)[-2:]:
        np.testing.assert_array_equal(values[name], rows.columns[name])
    assert values["name"][0] == "a" and values["name"][rows.repeated] is None
    again = tmp_path / "again.gpkg"
    write_table(made, table_formats()["GPKG"], {"layout": layout}, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.client
def test_ogrinfo_reads_the_geopackage(tmp_path: Path) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed")
    path = tmp_path / "r.gpkg"
    write_table(table(), table_formats()["GPKG"], {}, path)
    said = subprocess.run(["ogrinfo", "-al", str(path)], capture_output=True, text=True, check=True)
    assert "8_20170105_avg (Real) = 12" in said.stdout and "Feature Count: 3" in said.stdout and not said.stderr


def test_geojson_is_in_degrees(tmp_path: Path) -> None:
    path = tmp_path / "r.geojson"
    write_table(table(), table_formats()["GeoJSON"], {}, path)
    content = json.loads(path.read_text())
    first, second, third = content["features"]
    assert shapely.from_geojson(json.dumps(first["geometry"])).exterior.is_ccw
    assert 10 < first["geometry"]["coordinates"][0][0][0] < 11 and second["geometry"]["type"] == "MultiPolygon"
    assert third["geometry"] is None and third["properties"]["8_20170105_avg"] is None
    assert second["properties"]["8_20170105_avg"] == 12.0


def test_csv_and_json_hold_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "r"
    write_table(table(), table_formats()["CSV"], {"layout": "long"}, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18 and rows[17]["avg"] == "" and rows[17]["name"] == "ü" and float(rows[1]["avg"]) == 2.0
    write_table(table(), table_formats()["JSON"], {"LAYOUT": "Wide"}, path)
    assert json.loads(path.read_text())[0]["8_20170105_q25"] == 1.0


def test_formats_and_options() -> None:
    known = table_formats()
    assert (
        find_table_format(known, "gpkg").name
        == find_table_format(known, "application/geopackage+sqlite3").name
        == "GPKG"
    )
    with pytest.raises(FormatUnsupported, match="use GPKG, GeoJSON, CSV, JSON"):
        find_table_format(known, "GTiff")
    with pytest.raises(FormatOptionInvalid, match="layout"):
        known["CSV"].layout({"layout": "square"})
    with pytest.raises(FormatOptionUnsupported):
        known["CSV"].layout({"tiled": True})
