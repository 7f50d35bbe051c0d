"""``bbox``, ``subset`` and ``datetime``: OGC 20-058 clauses 12 and 14, the draft of OGC API - Coverages."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import CrsError, InvalidAxis, InvalidParameter, InvalidSubset, OgcServerError
from ogcserver.ogcapi.crs import CRS84, CRS84_URI, crs_parameter, storage_crs
from ogcserver.ogcapi.subsets import Chosen, Region, parse_subsets
from ogcserver.ogcapi.times import datetime_parameter
from ogcserver.ows.kvp import Kvp

DAYS = ("2017-01-05", "2017-01-15", "2017-02-04")


def chosen(**query: str) -> Chosen:
    return Chosen.from_kvp(Kvp((name.replace("_", "-"), value) for name, value in query.items()))


def region(**query: str) -> Region:
    found = chosen(**query).region
    assert found is not None
    return found


def bounds(found: Region) -> tuple[float, float, float, float]:
    return found.x.low, found.y.low, found.x.high, found.y.high


def test_a_box_is_in_longitude_and_latitude() -> None:  # /req/spatial-subsetting/bbox-definition
    found = region(bbox="11,46,12,47")
    assert bounds(found) == (11, 46, 12, 47) and found.crs == CRS84


def test_a_box_has_the_axis_order_of_its_crs() -> None:  # /req/spatial-subsetting/bbox-crs
    assert bounds(region(bbox="46,11,47,12", bbox_crs="[EPSG:4326]")) == (11, 46, 12, 47)
    uri = "https://www.opengis.net/def/crs/EPSG/0/32632"
    assert bounds(region(bbox="600000,5190000,610000,5200000", bbox_crs=uri)) == (600000, 5190000, 610000, 5200000)


def test_heights_do_not_count() -> None:
    assert bounds(region(bbox="11,46,-5,12,47,9000")) == (11, 46, 12, 47)


def test_a_box_across_180_degrees() -> None:  # bbox-definition G
    assert bounds(region(bbox="170,-10,-170,10")) == (170, -10, 190, 10)


def test_subsets_name_the_axes() -> None:  # /req/spatial-subsetting/subset-definition
    assert bounds(region(subset="Lat(46:47),Lon(11:12)")) == (11, 46, 12, 47)
    projected = region(subset="N(5190000:5200000),E(600000:*)", subset_crs="[EPSG:32632]")
    assert bounds(projected) == (600000, 5190000, math.inf, 5200000)
    assert bounds(region(subset="Lon(179:-179)")) == (179, -math.inf, 181, math.inf)


def test_several_subsets_are_one() -> None:
    query = [("subset", "Lat(46:47)"), ("subset", 'Lon(11:12),time("2017-01-05")')]
    found = Chosen.from_kvp(Kvp(query))
    assert found.region == region(subset="Lat(46:47),Lon(11:12)")
    assert found.period and found.period.among(DAYS) == ("2017-01-05",)


def test_a_crs_without_numbers_in_it_is_ignored() -> None:  # bbox-crs E, subset-crs F
    assert chosen(bbox_crs="[EPSG:99999999]", subset_crs="nonsense") == Chosen()


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"bbox": "1,2,3"}, InvalidParameter),
        ({"bbox": "1,2,3,nan"}, InvalidParameter),
        ({"bbox": "1,5,3,4"}, InvalidParameter),
        ({"bbox": "1,2,3,4", "bbox_crs": "[EPSG:1]"}, CrsError),
        ({"bbox": "1,2,3,4", "subset": "Lat(1:2)"}, InvalidParameter),
        ({"datetime": "2017", "subset": 'time("2017")'}, InvalidParameter),
        ({"subset": "E(1:2)"}, InvalidAxis),
        ({"subset": "Lat(1:2)", "subset_crs": "[EPSG:32632]"}, InvalidAxis),
        ({"subset": "h(1:2)"}, InvalidAxis),
        ({"subset": "Lat(1:2),Lat(1:2)"}, InvalidParameter),
        ({"subset": "Lat(1:2),,Lon(1:2)"}, InvalidParameter),
        ({"subset": "Lat(1"}, InvalidParameter),
        ({"subset": "Lat(two)"}, InvalidParameter),
        ({"subset": "Lat(91:95)"}, InvalidSubset),
    ],
)
def test_what_cannot_be_used(query: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        chosen(**query)


@given(st.text(alphabet='LatonE()",:*. 0123456789time-T', max_size=60))
def test_any_text_is_a_subset_or_refused(text: str) -> None:
    with contextlib.suppress(OgcServerError):
        parse_subsets(text)
        chosen(subset=text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2017-01-05", DAYS[:1]),
        ("2017-01", DAYS[:2]),
        ("2017", DAYS),
        ("2017-01-15T10:20:31Z", DAYS[1:2]),
        ("2017-01-15T10Z", DAYS[1:2]),
        ("2017-01-15T10:20Z", DAYS[1:2]),
        ("2017-01-06/2017-02-28", DAYS[1:]),
        ("../2017-01-15", DAYS[:2]),
        ("2017-01-15/..", DAYS[1:]),
        ("/2017-01", DAYS[:2]),
        ("../..", DAYS),
    ],
)
def test_times(text: str, days: tuple[str, ...]) -> None:  # /req/datetime/datetime-definition, subset-definition F
    assert datetime_parameter(text).among(DAYS) == days


def test_a_star_is_the_latest_time() -> None:  # /req/datetime/subset-definition G
    found = chosen(subset="time(*)").period
    assert found and found.among(DAYS) == DAYS[-1:]
    found = chosen(subset='time("2017-01-10":*)').period
    assert found and found.among(DAYS) == DAYS[1:]


def test_no_observation_at_a_time() -> None:  # /req/subsetting-temporal/out-of-bounds
    with pytest.raises(InvalidSubset, match="the first is 2017-01-05"):
        datetime_parameter("2018").among(DAYS)
    assert datetime_parameter("2018").among(()) == ()  # /req/datetime/datetime-response B


@pytest.mark.parametrize(
    "text", ["", "..", "yesterday", "2017-13", "2017-02-01/2017-01-01", "0000", "99999", "2017-01-05T25Z"]
)
def test_no_times(text: str) -> None:
    with pytest.raises(InvalidParameter):
        datetime_parameter(text)


@given(st.text(alphabet="0123456789-T:Z/.+ ", max_size=45))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidParameter, InvalidSubset):
        datetime_parameter(text).among(DAYS)


@pytest.mark.parametrize("text", [CRS84_URI, "[OGC:CRS84]", "OGC:CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84"])
def test_names_of_crs84(text: str) -> None:
    assert crs_parameter(text) == CRS84


def test_crs_by_uri_and_curie() -> None:  # /req/crs/crs-definition C
    for text in ("[EPSG:4326]", "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"):
        assert crs_parameter(text).north_first
    assert not storage_crs("EPSG:4326").north_first  # pixels of a grid in degrees go east, then south
    with pytest.raises(CrsError):
        crs_parameter("[EPSG:123456789]")
    with pytest.raises(CrsError):
        crs_parameter("")
