import time

import pytest

from ogcserver.errors import (
    InvalidParameter,
    InvalidScale,
    InvalidSubset,
    MissingParameter,
    RequestError,
    UnsupportedVersion,
)
from ogcserver.ows.kvp import Kvp
from ogcserver.wcs.codes import (
    CompressionNotSupported,
    InterpolationUnsupported,
    InvalidScaleExtent,
    OutputCrsError,
    PredictorInvalid,
    SubsettingCrsError,
)
from ogcserver.wcs.requests import (
    DescribeCoverage,
    GetCapabilities,
    GetCoverage,
    Scaling,
    negotiate,
    required_version,
)
from ogcserver.wcs.syntax import Subset, output_crs, parse_subset, subsetting_crs


def ask(*items: tuple[str, str]) -> GetCoverage:
    return GetCoverage.from_kvp(Kvp((("COVERAGEID", "j-1"), *items)))


COMPOUND = "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/32632"


@pytest.mark.parametrize(
    ("name", "understood"),
    [
        (f"{COMPOUND}&2=http://www.opengis.net/def/crs/OGC/0/AnsiDate", True),
        (COMPOUND, True),  # what is left of it where a client does not escape it
        (f"{COMPOUND}&2=http://www.opengis.net/def/crs/EPSG/0/5773", False),
        ("http://www.opengis.net/def/crs-compound?2=http://www.opengis.net/def/crs/EPSG/0/32632", False),
    ],
)
def test_the_crs_of_a_coverage_with_a_time_axis_is_understood(name: str, understood: bool) -> None:
    for read, failure in ((subsetting_crs, SubsettingCrsError), (output_crs, OutputCrsError)):
        if understood:
            assert read(name) == "EPSG:32632"
        else:
            with pytest.raises(failure):
                read(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x(1,2)", Subset("x", "1", "2")),
        (" Lat ( 46.5 , 47 ) ", Subset("Lat", "46.5", "47")),
        ("x(*,2)", Subset("x", "*", "2")),
        ("x(5)", Subset("x", "5", "5", True)),
        ('ansi("2017-01-05")', Subset("ansi", "2017-01-05", "2017-01-05", True)),
        ('ansi("2017-01-05", "2017,x")', Subset("ansi", "2017-01-05", "2017,x")),
        ("time(2017-01-05T10:20:31Z,*)", Subset("time", "2017-01-05T10:20:31Z", "*")),
        ("x,http://www.opengis.net/def/crs/EPSG/0/4326(16.1,16.5)", Subset("x", "16.1", "16.5", crs="EPSG:4326")),
        ("t,http://www.opengis.net/def/crs/OGC/0/AnsiDate(152000)", Subset("t", "152000", "152000", True)),
    ],
)
def test_subsets(text: str, expected: Subset) -> None:
    assert parse_subset(text) == expected


@pytest.mark.parametrize(
    "text", ["x", "x()", "x(,)", "x(1,)", "x(1,2,3)", "(1,2)", "x(1,2", 'x("1,2)', "x((1,2))", "x(1 2)y"]
)
def test_malformed_subsets_are_refused(text: str) -> None:
    with pytest.raises(InvalidSubset):
        parse_subset(text)


@pytest.mark.parametrize(
    "text", ["x(" + " " * 60_000, "x" * 60_000, "x," * 30_000, 'x("' + '"' * 60_000, "x(1)," * 20_000]
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    for name in ("subset", "scalesize", "scaleextent", "scalefactor"):
        with pytest.raises(RequestError):
            ask((name, text))
    assert time.perf_counter() - start < 1


def test_a_request_with_everything() -> None:
    found = ask(
        ("SUBSET", "E(1,2)"), ("SUBSET1", "N(3,4)"), ("subsettingcrs", "EPSG:32632"),
        ("OutputCRS", "urn:ogc:def:crs:EPSG::3857"), ("SIZE", "x(200)"), ("SIZE", "y(100)"),
        ("RangeSubset", "B04, B08"), ("Format", "image/tiff"),

        ("interpolation", "http://www.opengis.net/def/interpolation/OGC/1/linear"),
        ("geotiff:compression", "LZW"),
        ("predictor", "FloatingPoint"), ("map", "x"),
    )  # fmt: skip
    assert found == GetCoverage(
        "j-1", (Subset("E", "1", "2"), Subset("N", "3", "4")), "EPSG:32632", "EPSG:3857",
        Scaling("pixels", (("x", 200.0), ("y", 100.0)), "size"), ("B04", "B08"), "bilinear", "image/tiff",
        (("compress", "LZW"), ("predictor", "FLOATING_POINT")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("scalefactor", "0.5", Scaling("factor", (("*", 0.5),), "scaleFactor")),
        ("scaleaxes", "i(0.5),j(2)", Scaling("axes", (("i", 0.5), ("j", 2.0)), "scaleAxes")),
        ("scalesize", "i(5), j(2)", Scaling("pixels", (("i", 5.0), ("j", 2.0)), "scaleSize")),
        (
            "scaleextent",
            "i(10:19),j(0,4)",
            Scaling("pixels", (("i", 10.0), ("j", 5.0)), "scaleExtent", (("i", 10.0), ("j", 0.0))),
        ),
    ],
)
def test_scalings(name: str, text: str, expected: Scaling) -> None:
    assert ask((name, text)).scaling == expected


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("scaleFactor", "0", InvalidScale),
        ("scaleFactor", "-1", InvalidScale),
        ("scaleFactor", "nan", InvalidScale),
        ("scaleFactor", "x", InvalidScale),
        ("scaleSize", "i(1.5)", InvalidScale),
        ("scaleSize", "i(0)", InvalidScale),
        ("scaleSize", "i(1:2)", InvalidScale),
        ("scaleSize", "200", InvalidScale),
        ("scaleExtent", "i(5:1)", InvalidScaleExtent),
        ("scaleExtent", "i(5)", InvalidScaleExtent),
        ("subsettingCrs", "EPSG:999999", SubsettingCrsError),
        ("outputCrs", "nonsense", OutputCrsError),
        ("interpolation", "magic", InvalidParameter),
        ("mediaType", "multipart/mixed", InvalidParameter),
        ("interpolationPerAxis", "x,nearest-neighbor", InterpolationUnsupported),
        ("compression", "Huffman", CompressionNotSupported),
        ("predictor", "Vertical", PredictorInvalid),
        ("subset", "x,EPSG:999999(1,2)", SubsettingCrsError),
    ],
)
def test_bad_values_name_their_parameter(name: str, text: str, error: type[RequestError]) -> None:
    with pytest.raises(error) as caught:
        ask((name, text))
    assert caught.value.locator == name


def test_ways_to_scale_exclude_each_other() -> None:
    with pytest.raises(InvalidParameter):
        ask(("scalefactor", "2"), ("scalesize", "i(5)"))


@pytest.mark.parametrize(
    "items", [(), (("version", "2.0.1"),), (("version", "2.0.0"),), (("acceptversions", "1.1.0,2.0.0"),)]
)
def test_versions_that_are_spoken(items: tuple[tuple[str, str], ...]) -> None:
    assert negotiate(Kvp(items), ("2.0.1", "1.0.0")) == "2.0.1"


def test_the_first_accepted_version_wins() -> None:
    assert negotiate(Kvp([("acceptversions", "1.0.0,2.0.1"), ("version", "2.0.1")]), ("2.0.1", "1.0.0")) == "1.0.0"


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.0.2", "1.0.0"), ("1.1.9", "1.1.1"), ("1.2.0", "1.1.2"), ("0.0.0", "1.0.0"), ("3", "2.0.1"), ("1.10", "1.1.2")],
)
def test_instead_of_an_unknown_version_the_next_lower_one(version: str, expected: str) -> None:
    """OGC 03-065r6 clause 6.2."""
    assert negotiate(Kvp([("version", version)]), ("2.0.1", "1.1.1", "1.1.2", "1.1.0", "1.0.0")) == expected


@pytest.mark.parametrize("items", [[("version", "q")], [("AcceptVersions", "1.1.0,1.0.0")], [("version", "1..2")]])
def test_other_versions_are_refused(items: list[tuple[str, str]]) -> None:
    with pytest.raises(UnsupportedVersion):
        negotiate(Kvp(items), ("2.0.1",))


def test_operations_need_a_version() -> None:
    assert required_version(Kvp([("version", "2.0.0")]), ("2.0.1",)) == "2.0.1"
    with pytest.raises(MissingParameter):
        required_version(Kvp([]), ("2.0.1",))
    with pytest.raises(InvalidParameter):
        required_version(Kvp([("version", "1.0.0")]), ("2.0.1",))


def test_sections() -> None:
    assert len(GetCapabilities.from_kvp(Kvp([])).sections) == 5
    assert len(GetCapabilities.from_kvp(Kvp([("sections", "all")])).sections) == 6
    assert GetCapabilities.from_kvp(Kvp([("sections", "contents")])).sections == {"Contents"}
    with pytest.raises(InvalidParameter):
        GetCapabilities.from_kvp(Kvp([("sections", "x")]))


def test_several_coverages_are_described_once_each() -> None:
    assert DescribeCoverage.from_kvp(Kvp([("coverageid", "a,b, a")])).coverage_ids == ("a", "b")
    with pytest.raises(MissingParameter):
        DescribeCoverage.from_kvp(Kvp([]))
