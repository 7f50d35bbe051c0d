"""Parameters of WMS requests: what they mean, and which of them is at fault."""

from __future__ import annotations

import pytest

from ogcserver.errors import CrsError, InvalidParameter, MissingParameter, RequestError, UnsupportedOperation
from ogcserver.ows.kvp import Kvp
from ogcserver.wms.crs import map_crs
from ogcserver.wms.requests import GetFeatureInfo, GetMap, operation
from ogcserver.wms.versions import V111, V130, Version, negotiated, required

MAP = {
    "LAYERS": "a,b", "STYLES": "", "CRS": "EPSG:4326", "SRS": "EPSG:4326", "BBOX": "1,2,3,5", "WIDTH": "20",
    "HEIGHT": "10", "FORMAT": "image/png",
}  # fmt: skip
INFO = MAP | {"QUERY_LAYERS": "b", "INFO_FORMAT": "application/json", "I": "19", "J": "9", "X": "19", "Y": "9"}


def kvp(pairs: dict[str, str], **changes: str | None) -> Kvp:
    return Kvp((key, value) for key, value in (pairs | changes).items() if value is not None)


def get_map(version: Version = V130, **changes: str | None) -> GetMap:
    return GetMap.from_kvp(kvp(MAP, **changes), version, 100)


def get_info(version: Version = V130, **changes: str | None) -> GetFeatureInfo:
    return GetFeatureInfo.from_kvp(kvp(INFO, **changes), version, 100)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({}, V130),  # basic_elements:negotiate-no-version
        ({"VERSION": "1.3.0"}, V130),  # basic_elements:negotiate-basic_elements-version
        ({"VERSION": "100.0.0"}, V130),  # basic_elements:negotiate-higher-version
        ({"VERSION": "0.0.0"}, V111),  # basic_elements:negotiate-lower-version
        ({"VERSION": "1.1.1"}, V111),
        ({"VERSION": "1.2.0"}, V111),
        ({"VERSION": "1.0"}, V111),
        ({"WMTVER": "1.1.1"}, V111),
        ({"WMTVER": "1.1.1", "VERSION": "1.3.0"}, V130),
    ],
)
def test_negotiation_gives_the_highest_version_that_is_not_too_high(asked: dict[str, str], answered: Version) -> None:
    assert negotiated(kvp(asked)) is answered


def test_a_version_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidParameter) as caught:
        negotiated(kvp({"VERSION": "newest"}))
    assert caught.value.locator == "VERSION"


def test_other_requests_must_name_a_version_that_is_spoken() -> None:
    assert required(kvp({"version": "1.1.1"})) is V111
    for wrong, error in (({}, MissingParameter), ({"VERSION": "1.2.0"}, InvalidParameter)):
        with pytest.raises(error):
            required(kvp(wrong))


def test_operations_have_their_old_names_too() -> None:
    assert operation(kvp({"REQUEST": "getmap", "SERVICE": "wms"})) == "GetMap"
    assert operation(kvp({"REQUEST": "capabilities"})) == "GetCapabilities"
    with pytest.raises(UnsupportedOperation):
        operation(kvp({"REQUEST": "DescribeLayer"}))
    with pytest.raises(InvalidParameter):
        operation(kvp({"REQUEST": "GetMap", "SERVICE": "WFS"}))


@pytest.mark.parametrize(
    ("version", "crs", "bounds"),
    [
        (V130, "EPSG:4326", (2.0, 1.0, 5.0, 3.0)),
        (V130, "urn:ogc:def:crs:EPSG::4326", (2.0, 1.0, 5.0, 3.0)),
        (V130, "CRS:84", (1.0, 2.0, 3.0, 5.0)),
        (V130, "crs:84", (1.0, 2.0, 3.0, 5.0)),
        (V130, "urn:ogc:def:crs:OGC:1.3:CRS84", (1.0, 2.0, 3.0, 5.0)),
        (V130, "EPSG:32632", (1.0, 2.0, 3.0, 5.0)),
        (V130, "EPSG:31467", (2.0, 1.0, 5.0, 3.0)),  # Gauss-Krueger: northing first
        (V111, "EPSG:4326", (1.0, 2.0, 3.0, 5.0)),
        (V111, "EPSG:31467", (1.0, 2.0, 3.0, 5.0)),
    ],
)
def test_coordinates_come_in_the_axis_order_of_the_version(
    version: Version, crs: str, bounds: tuple[float, float, float, float]
) -> None:
    """06-042 clause 6.7.3, 01-068r3 clause 6.5.5."""
    assert get_map(version, **{version.crs: crs}).frame.bounds == bounds


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CRS:84", "EPSG:4326"), ("CRS:83", "EPSG:4269"), ("CRS:27", "EPSG:4267"),
        ("AUTO2:42001,1,11,46", "EPSG:32632"), ("AUTO:42001,9001,-70,-33", "EPSG:32719"),
        ("AUTO2:42001,1,180,0", "EPSG:32660"),
    ],
)  # fmt: skip
def test_names_of_reference_systems(text: str, name: str) -> None:
    """06-042 annex B."""
    assert map_crs(text, V130).name == name
    assert not map_crs(text, V130).north_first


@pytest.mark.parametrize("text", ["EPSG:99999999", "AUTO2:42001,2,11,46", "AUTO2:42003,1,11,46", "AUTO2:42001,1,11,95"])
def test_systems_that_do_not_exist(text: str) -> None:
    """getmap:invalid-crs."""
    with pytest.raises(CrsError) as caught:
        get_map(CRS=text)
    assert caught.value.locator == "CRS"


@pytest.mark.parametrize(
    ("styles", "expected"),
    [(None, ("", "")), ("", ("", "")), (",", ("", "")), ("default,", ("default", "")), ("a,b", ("a", "b"))],
)
def test_styles_go_with_layers(styles: str | None, expected: tuple[str, ...]) -> None:
    """getmap:styles-default-multiple-layers, getmap:styles-default-commas, getmap:styles-some-default."""
    assert get_map(STYLES=styles).styles == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (255, 255, 255)),
        ({"TRANSPARENT": "TRUE"}, None),
        ({"TRANSPARENT": "true", "BGCOLOR": "0xFF0000"}, None),
        ({"TRANSPARENT": "FALSE", "BGCOLOR": "0x0102fF"}, (1, 2, 255)),
    ],
)
def test_backgrounds(changes: dict[str, str], expected: object) -> None:
    """basic:no-bgcolor, basic:blue-bgcolor, basic:transparent-true, getmap:transparent-default."""
    assert get_map(**changes).background == expected


def test_a_layer_may_stand_more_than_once() -> None:
    """getmap:two-layers, getmap:three-layers, getmap:layerlimit: of a server with one layer they name that again."""
    ask = get_map(LAYERS="a,a,b", STYLES="x,,y")
    assert ask.frame.layers == ("a", "a", "b")
    assert ask.styles == ("x", "", "y")


def test_numbers_may_have_exponents_and_formats_parameters() -> None:
    """basic:bbox-exponential."""
    ask = get_map(BBOX="1e0,2.E0,3.0,+50e-1", FORMAT="image/png; mode=8bit", DPI="96", MAP_RESOLUTION="x")
    assert ask == get_map()


@pytest.mark.parametrize(
    ("changes", "locator"),
    [
        ({"BBOX": "3,2,1,5"}, "BBOX"),  # getmap:bbox-minx-gt-maxx
        ({"BBOX": "1,2,1,5"}, "BBOX"),  # getmap:bbox-minx-eq-maxx
        ({"BBOX": "1,5,3,2"}, "BBOX"),  # getmap:bbox-miny-gt-maxy
        ({"BBOX": "1,2,3,2"}, "BBOX"),  # getmap:bbox-miny-eq-maxy
        ({"BBOX": "1,2,3"}, "BBOX"),
        ({"BBOX": "1,2,3,nan"}, "BBOX"),
        ({"WIDTH": "0"}, "WIDTH"),
        ({"HEIGHT": "101"}, "HEIGHT"),
        ({"WIDTH": "100", "HEIGHT": "51"}, "WIDTH"),  # of two layers, together more than 100 x 100
        ({"FORMAT": "image/bogus"}, "FORMAT"),  # getmap:invalid-format
        ({"LAYERS": ",".join(map(str, range(21)))}, "LAYERS"),
        ({"STYLES": "a,b,c"}, "STYLES"),
        ({"BGCOLOR": "red"}, "BGCOLOR"),
        ({"TRANSPARENT": "yes"}, "TRANSPARENT"),
        ({"EXCEPTIONS": "PDF"}, "EXCEPTIONS"),
        ({"TIME": "soon"}, "TIME"),
        ({"TIME": "2017-02-01/2017-01-01"}, "TIME"),
        ({"TIME": ",".join(["2017"] * 101)}, "TIME"),
        ({"SLD": "http://example.org/style.sld"}, "SLD"),
        *(({key: None}, key) for key in ("LAYERS", "CRS", "BBOX", "WIDTH", "HEIGHT", "FORMAT")),
    ],
)
def test_the_parameter_at_fault_is_named(changes: dict[str, str | None], locator: str) -> None:
    with pytest.raises(RequestError) as caught:
        get_map(**changes)
    assert caught.value.locator == locator


@pytest.mark.parametrize(
    ("changes", "locator"),
    [
        ({"I": "20"}, "I"),  # getfeatureinfo:invalid-i
        ({"I": "-1"}, "I"),
        ({"I": "x"}, "I"),
        ({"J": "10"}, "J"),  # getfeatureinfo:invalid-j
        ({"QUERY_LAYERS": "a,c"}, "QUERY_LAYERS"),  # getfeatureinfo:invalid-query_layers
        ({"INFO_FORMAT": "text/bogus"}, "INFO_FORMAT"),  # getfeatureinfo:invalid-info_format
        *(({key: None}, key) for key in ("QUERY_LAYERS", "INFO_FORMAT", "I", "J")),
    ],
)
def test_the_parameter_of_a_query_at_fault_is_named(changes: dict[str, str | None], locator: str) -> None:
    with pytest.raises(RequestError) as caught:
        get_info(**changes)
    assert caught.value.locator == locator


def test_a_query_in_the_older_version() -> None:
    ask = get_info(V111, INFO_FORMAT=None, I="x", J=None)
    assert (ask.column, ask.row, ask.format, ask.layers) == (19, 9, "text/plain", ("b",))


@pytest.mark.parametrize(("text", "count"), [(None, 1), ("3", 3), ("0", 1), ("-2", 1), ("many", 1)])
def test_a_count_that_is_not_positive_is_one(text: str | None, count: int) -> None:
    """06-042 clause 7.4.3.7."""
    assert get_info(FEATURE_COUNT=text).count == count
