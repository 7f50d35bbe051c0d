"""Names of coordinate systems, their axis order, and boxes that cross 180 degrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from ogcserver.errors import CoordinateError, CrsError
from ogcserver.geo.crs import (
    axis_labels,
    bounds_lonlat_boxes,
    canonical,
    is_geographic,
    lat_first,
    lonlat_boxes,
    metres_per_unit,
    project_bounds,
    split_antimeridian,
    uri,
    urn,
)
from ogcserver.geo.grid import Grid


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:32632",
        "epsg:32632",
        " EPSG:32632 ",
        "urn:ogc:def:crs:EPSG::32632",
        "urn:x-ogc:def:crs:EPSG:6.9:32632",
        "URN:OGC:DEF:CRS:EPSG::32632",
        "http://www.opengis.net/def/crs/EPSG/0/32632",
        "https://www.opengis.net/def/crs/EPSG/0/32632",
        "http://www.opengis.net/def/crs/EPSG/9.9.1/32632",
        "http://www.opengis.net/gml/srs/epsg.xml#32632",
        CRS.from_epsg(32632).to_wkt(),
        CRS.from_epsg(32632).to_wkt("WKT1_GDAL"),
    ],
)
def test_all_spellings_of_a_code_are_one_name(text: str) -> None:
    assert canonical(text) == "EPSG:32632"


@pytest.mark.parametrize(
    "text",
    [
        "CRS:84",
        "OGC:CRS84",
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "EPSG:4326",
    ],
)
def test_crs84_is_wgs84(text: str) -> None:
    assert canonical(text) == "EPSG:4326"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "EPSG:",
        "EPSG:0",
        "EPSG:999999",
        "EPSG:abc",
        "32632",
        "nonsense",
        "urn:ogc:def:crs:EPSG::",
        "http://www.opengis.net/def/crs/EPSG/0/",
        "http://example.com/crs/4326",
        "PROJCRS[",
        'GEOGCS["broken"]',
        "+proj=utm +zone=32",
        "/etc/passwd",
        "EPSG:5773",
        "EPSG:4978",
        "\x00",
        "EPSG:4326\n; drop",
        "{}",
        "A" * 100_000,
        'PROJCRS["' + "x" * 100_000,
        "EPSG:" + "9" * 1000,
    ],
)
def test_what_is_no_horizontal_crs_is_refused(text: str) -> None:
    with pytest.raises(CrsError) as caught:
        canonical(text)
    assert len(caught.value.message) < 300


@given(st.text(max_size=60))
def test_any_text_gives_a_name_or_a_crs_error(text: str) -> None:
    try:
        name = canonical(text)
    except CrsError:
        return
    assert canonical(name) == name


def test_wkt_without_a_code_stays_wkt_and_is_its_own_name() -> None:
    laea = CRS.from_proj4("+proj=laea +lat_0=12.5 +lon_0=33.25 +ellps=GRS80 +units=m +no_defs").to_wkt()
    name = canonical(laea)
    assert name.startswith("PROJCRS[")
    assert canonical(name) == name
    assert uri(name) == urn(name) == name


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("4326", True),
        ("4258", True),
        ("3857", False),
        ("32632", False),
        ("32732", False),
        ("31468", True),
        ("2056", False),
        ("3031", False),
        ("3413", False),
        ("3035", True),
        ("3995", False),
    ],
)
def test_axis_order_is_the_definitions(code: str, expected: bool) -> None:
    assert lat_first(f"EPSG:{code}") is expected


def test_uris_and_labels() -> None:
    assert uri("EPSG:3857") == "http://www.opengis.net/def/crs/EPSG/0/3857"
    assert urn("EPSG:3857") == "urn:ogc:def:crs:EPSG::3857"
    assert axis_labels("EPSG:4326") == ("Lat", "Long")
    assert axis_labels("EPSG:32632") == ("E", "N")
    assert is_geographic("EPSG:4326") and not is_geographic("EPSG:3857")
    assert metres_per_unit("EPSG:32632") == 1.0
    assert metres_per_unit("EPSG:4326") == pytest.approx(111319.490793, abs=1e-5)
    assert metres_per_unit("EPSG:2263") == pytest.approx(0.3048006096)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 40, 20, 50), ((10, 40, 20, 50),)),
        ((170, -20, -170, -10), ((170, -20, 180, -10), (-180, -20, -170, -10))),
        ((170, -20, 190, -10), ((170, -20, 180, -10), (-180, -20, -170, -10))),
        ((-190, -20, -170, -10), ((170, -20, 180, -10), (-180, -20, -170, -10))),
        ((530, 0, 545, 1), ((170, 0, 180, 1), (-180, 0, -175, 1))),
        ((190, 0, 200, 1), ((-170, 0, -160, 1),)),
        ((0, -90, 360, 90), ((-180, -90, 180, 90),)),
        ((-180, 0, 180, 1), ((-180, 0, 180, 1),)),
        ((-500, 0, 900, 1), ((-180, 0, 180, 1),)),
        ((170, 0, 180, 1), ((170, 0, 180, 1),)),
    ],
)
def test_boxes_are_split_at_180_degrees(box: tuple[float, ...], expected: tuple[tuple[float, ...], ...]) -> None:
    assert split_antimeridian(box) == expected  # type: ignore[arg-type]


@given(st.floats(-700, 700), st.floats(0.1, 359), st.floats(0, 1))
def test_split_boxes_hold_the_points_of_the_box(west: float, width: float, part: float) -> None:
    boxes = split_antimeridian((west, 0.0, west + width, 1.0))
    lon = (west + part * width + 180.0) % 360.0 - 180.0
    assert all(-180 <= box[0] <= box[2] <= 180 for box in boxes)
    assert any(box[0] - 1e-9 <= lon <= box[2] + 1e-9 for box in boxes) or abs(abs(lon) - 180) < 1e-9


@pytest.mark.parametrize(
    ("crs", "bounds"),
    [
        ("EPSG:32660", (600000.0, -2000000.0, 1000000.0, -1000000.0)),
        ("EPSG:32701", (100000.0, 7000000.0, 500000.0, 8000000.0)),
        ("EPSG:3832", (2000000.0, -2000000.0, 4000000.0, 0.0)),
        ("EPSG:4326", (175.0, -20.0, 185.0, -10.0)),
        ("EPSG:3031", (-1e6, -1e6, 2e6, 3e6)),
        ("EPSG:3413", (-1e6, -1e6, 2e6, 3e6)),
        ("EPSG:3413", (-2e6, 1e6, -1e6, 2e6)),
        ("EPSG:3857", (-2e7, -2e7, 2e7, 2e7)),
        ("EPSG:3035", (2.6e6, 1.4e6, 7.3e6, 5.5e6)),
    ],
)
def test_lonlat_boxes_hold_the_grid(crs: str, bounds: tuple[float, float, float, float]) -> None:
    from_grid = lonlat_boxes(Grid.from_bounds(crs, bounds, 100, 100))
    assert from_grid == bounds_lonlat_boxes(crs, bounds)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(bounds[0], bounds[2], 500), rng.uniform(bounds[1], bounds[3], 500)
    lon, lat = _lonlat(crs, x, y)
    margin = 0.01  # the search widens boxes by a hundredth
    for one_lon, one_lat in zip(lon, lat, strict=True):
        assert any(
            w - (e - w) * margin <= one_lon <= e + (e - w) * margin
            and s - (n - s) * margin <= one_lat <= n + (n - s) * margin
            for w, s, e, n in from_grid
        )


def _lonlat(crs: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return (np.asarray(lon) + 180.0) % 360.0 - 180.0, np.asarray(lat)


def test_a_box_over_180_degrees_is_small() -> None:
    boxes = bounds_lonlat_boxes("EPSG:32660", (600000.0, -2000000.0, 1000000.0, -1000000.0))
    assert sum(box[2] - box[0] for box in boxes) < 6.0
    assert len(boxes) == 2


def test_a_box_where_the_target_is_not_defined_is_refused() -> None:
    with pytest.raises(CoordinateError):
        project_bounds("EPSG:4326", "EPSG:3857", (0.0, 95.0, 1.0, 96.0))


def test_a_box_far_beyond_the_earth_has_no_place() -> None:
    with pytest.raises(CoordinateError, match="lies outside"):
        project_bounds("EPSG:4326", "EPSG:32632", (10.0, -1e308, 11.0, 1e308))
