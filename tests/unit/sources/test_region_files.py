"""Files of regions: every format, and what must not be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from ogcserver.errors import FileContentInvalid, FileNotFound, FileTooLarge, JobStateError
from ogcserver.sources.region_files import RegionFolder, Regions, read_regions
from ogcserver.sources.vector import VectorLimits
from tests.unit.zonal.regions import write_geojson

BOX, OTHER = shapely.box(10, 46, 11, 47), shapely.box(12, 46, 13, 47)


def read(place: Path, limits: VectorLimits = VectorLimits()) -> Regions:  # noqa: B008
    return read_regions(RegionFolder(lambda address: place, limits).find("/users/me/files/x"), limits)


def write(path: Path, driver: str, crs: str | None = "EPSG:4326") -> Path:
    geometry = np.asarray(shapely.to_wkb(np.array([BOX, OTHER])), object)
    options = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" else {}  # which changes the order
    names, areas = np.array(["a", None], object), np.array([1.5, np.nan])
    pyogrio.raw.write(
        path,
        geometry,
        [names, areas],
        ["label", "area"],
        driver=driver,
        geometry_type="Polygon",
        crs=crs,
        layer_options=options,
    )
    return path


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("r.gpkg", "GPKG"), ("r.fgb", "FlatGeobuf"), ("r.shp", "ESRI Shapefile"), ("r.kml", "KML"), ("r.gml", "GML"),
        ("r.geojson", "GeoJSON"), ("R.JSON", "GeoJSON"),
    ],
)  # fmt: skip
def test_each_format_gives_its_polygons(tmp_path: Path, name: str, driver: str) -> None:
    found = read(write(tmp_path / name, driver))
    assert found.crs == "EPSG:4326" and found.remarks == ("", "")
    assert shapely.equals(found.geometries, np.array([BOX, OTHER])).all()
    if driver != "KML":  # which GDAL writes with columns of its own
        assert list(found.columns["label"]) == ["a", None]
        assert found.columns["area"][0] == 1.5 and np.isnan(found.columns["area"][1])


def test_csv_holds_wkt(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f'id,name,WKT\n7,ä,"{BOX.wkt}"\n8,,"{OTHER.wkt}"\n')
    found = read(path)
    assert found.columns["id"].tolist() == [7, 8] and found.columns["name"].tolist() == ["ä", ""]
    assert found.geometries[1].equals(OTHER)


def test_types_of_columns(tmp_path: Path) -> None:
    path = write_geojson(
        tmp_path / "r.json",
        [BOX, OTHER],
        None,
        i=[1, 2],
        f=[1, 2.5],
        n=[1, None],
        b=[True, False],
        s=["x", 1],
        o=[{}, [1]],
    )
    columns = read(path).columns
    assert {name: column.dtype.kind for name, column in columns.items()} == {
        "i": "i", "f": "f", "n": "f", "b": "b", "s": "O", "o": "O",
    }  # fmt: skip
    assert columns["s"].tolist() == ["x", "1"] and columns["o"].tolist() == ["{}", "[1]"]


def test_a_folder_is_all_its_files_in_order(tmp_path: Path) -> None:
    write_geojson(tmp_path / "b.geojson", [OTHER], None, name=["second"], size=[3])
    write(tmp_path / "c.gpkg", "GPKG", "EPSG:4326")
    utm = shapely.box(600000, 5100000, 601000, 5101000)
    write_geojson(tmp_path / "a.json", [utm], name=["first"])
    (tmp_path / "script.py").write_text("pass")
    (tmp_path / "deeper").mkdir()
    write_geojson(tmp_path / "deeper" / "d.geojson", [BOX], None)
    found = read(tmp_path)
    assert found.crs == "EPSG:32632" and found.columns["file"].tolist() == ["a.json", "b.geojson", "c.gpkg", "c.gpkg"]
    assert found.columns["name"].tolist() == ["first", "second", None, None]
    assert found.columns["size"].tolist() == [None, "3", None, None]
    assert shapely.bounds(found.geometries[1])[0] > 100_000


def test_a_folder_without_regions_is_no_place_for_them(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("pass")
    with pytest.raises(FileNotFound, match="no file of regions"):
        read(tmp_path)


LAYER = '<OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
VRT = f"<OGRVRTDataSource>{LAYER}</OGRVRTDataSource>"
STREAM = '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.vrt", VRT), ("r.kml", VRT), ("r.gml", VRT), ("r.kml", f"<kml></kml>{VRT}"), ("r.gml", "<OGRWFSDataSource><URL>http://a.b/</URL></OGRWFSDataSource>"),
        ("r.gml", "<wfs:WFS_Capabilities/>"), ("r.gpkg", VRT), ("r.shp", VRT),
        ("r.gdalg.json", STREAM), ("r.geojson", STREAM), ("r.geojson", "[]"), ("r.geojson", "{"),
        ("r.json", "[" * 100_000),
        ("r.geojson", '{"type": "FeatureCollection", "features": [1]}'),
        ("r.geojson", '{"type": "FeatureCollection", "features": [], "crs": {"type": "link"}}'),
        ("r.geojson", '{"type": "Topology", "arcs": []}'),
        ("r.gml", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><FeatureCollection>&e;</FeatureCollection>'),
        ("r.fgb", "fgb but not really"), ("r.gpkg", "SQLite format 3\0" + "\0" * 200), ("r.csv", "a,b\n1,2\n"),
        ("r.csv", "WKT\nnothing\n"), ("r.txt", "x"), ("r.tif", "x"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_regions_is_not_opened(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(FileContentInvalid) as caught:
        read(path)
    assert str(tmp_path) not in caught.value.message


def test_a_geopackage_that_is_another_database(tmp_path: Path) -> None:
    path = write(tmp_path / "r.gpkg", "GPKG")
    content = bytearray(path.read_bytes())
    content[68:72] = b"\0\0\0\0"
    path.write_bytes(content)
    with pytest.raises(FileContentInvalid, match="not what its ending says"):
        read(path)


def test_a_file_without_crs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.shp", "ESRI Shapefile", "EPSG:4326")
    path.with_suffix(".prj").unlink()
    with pytest.raises(FileContentInvalid, match="does not say its CRS"):
        read(path)


def test_limits(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "r.geojson", [BOX, OTHER], None)
    with pytest.raises(FileTooLarge, match="bytes"):
        read(path, VectorLimits(max_bytes=100))
    with pytest.raises(FileTooLarge, match="2 features"):
        read(path, VectorLimits(max_features=1))
    with pytest.raises(FileTooLarge, match="10 corners"):
        read(path, VectorLimits(max_corners=9))


def test_a_digest_stands_for_names_and_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "r.shp", "ESRI Shapefile")

    def digest(place: Path) -> str:
        return RegionFolder(lambda address: place).find("x").digest

    before = RegionFolder(lambda address: path).find("x")
    with path.with_suffix(".dbf").open("ab") as file:
        file.write(b" ")
    assert digest(path) != before.digest
    with pytest.raises(JobStateError):
        read_regions(before)
    copy = tmp_path / "copy"
    copy.mkdir()
    same = write_geojson(tmp_path / "a.geojson", [BOX])
    (copy / "a.geojson").write_bytes(same.read_bytes())
    assert digest(same) == digest(copy / "a.geojson") == digest(copy)
    assert str(tmp_path) not in repr(before)


def test_links_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    secret = write_geojson(tmp_path / "secret.geojson", [BOX])
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.geojson").symlink_to(secret)
    with pytest.raises(FileNotFound):
        read(folder)


def test_features_of_a_single_geometry(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(shapely.to_geojson(BOX))
    assert read(path).geometries[0].equals(BOX)
    feature: dict[str, Any] = {"type": "Feature", "id": "x1", "geometry": json.loads(shapely.to_geojson(BOX))}
    path.write_text(json.dumps(feature))
    assert read(path).columns["id"].tolist() == ["x1"]
