"""WCS 1.0.0: documents, requests, and the exact box and size of every answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.engine.describe import Description
from ogcserver.errors import CrsError, InvalidParameter, InvalidSubset, MissingParameter, RequestError, TooLarge
from ogcserver.geo.crs import project_bounds
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import GML_31, WCS_10, Element, serialise
from ogcserver.wcs.codes import UnknownField
from ogcserver.wcs.naming import nameable
from ogcserver.wcs.v10.place import place
from ogcserver.wcs.v10.requests import SECTIONS, GetCapabilities, GetCoverage
from ogcserver.wcs.v10.responses import capabilities, descriptions
from ogcserver.wcs.windows import Placing
from tests.unit.wcs.fakes import TIMES, description, fake_layers, lonlat, utm
from tests.xsd import assert_valid

NAMES = {"wcs": WCS_10, "gml": GML_31}
FORMATS = ("GTiff", "COG", "PNG")
LAYERS = nameable(fake_layers())
SEQUENCE = UpdateSequence.of(7, LAYERS)
WHOLE = "600000,5198000,603000,5200000"


def described(identifier: str) -> Element:
    return descriptions([layer for layer in LAYERS if layer.id == identifier], FORMATS)


def text(root: Element, path: str) -> str:
    found = root.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return found


def placed(coverage: Description, max_pixels: int = 1_000_000, **items: str) -> Placing:
    whole = ",".join(map(repr, coverage.grid.bounds))
    given = {"COVERAGE": "j", "CRS": coverage.grid.crs, "FORMAT": "GTiff", "BBOX": whole} | items
    return place(GetCoverage.from_kvp(Kvp(given.items())), coverage, "nearest", max_pixels)


def test_capabilities_follow_the_schema() -> None:
    who = Identification(keywords=("a", "b"), contact="c", email="e", provider_site="http://p/", phone="1")
    document = serialise(capabilities("", who, "http://x/wcs?", LAYERS, SEQUENCE))
    root = assert_valid(document, "wcs/1.0.0/wcsCapabilities.xsd")
    assert [e.text for e in root.iterfind(".//wcs:CoverageOfferingBrief/wcs:name", NAMES)] == [e.id for e in LAYERS]
    assert text(root, ".//wcs:fees") == text(root, ".//wcs:accessConstraints") == "NONE"


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_a_document_of_its_own(section: str) -> None:
    ask = GetCapabilities.from_kvp(Kvp([("section", f"/WCS_Capabilities/{section}")]))
    root = capabilities(ask.section, Identification(), "http://x/wcs?", LAYERS, SEQUENCE)
    assert root.tag == f"{{{WCS_10}}}{section}"
    assert_valid(serialise(root), "wcs/1.0.0/wcsCapabilities.xsd")


def test_there_are_no_other_sections() -> None:
    assert GetCapabilities.from_kvp(Kvp([("section", "/")])).section == ""
    with pytest.raises(InvalidParameter):
        GetCapabilities.from_kvp(Kvp([("section", "/Service")]))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_descriptions_follow_the_schema(layer: Layer) -> None:
    assert_valid(serialise(descriptions([layer], FORMATS)), "wcs/1.0.0/describeCoverage.xsd")


def test_a_crs_without_a_code_has_no_name_here() -> None:
    assert {layer.id for layer in fake_layers()} - {layer.id for layer in LAYERS} == {"j-albers"}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_native_crs_and_envelope_are_one_text(layer: Layer) -> None:
    root = described(layer.id)
    envelopes = root.findall(".//wcs:spatialDomain/*", NAMES)
    assert [envelope.tag.rpartition("}")[2] for envelope in envelopes] == ["Envelope", "RectifiedGrid"]
    assert envelopes[0].get("srsName") == text(root, ".//wcs:nativeCRSs") == layer.description.grid.crs
    assert text(root, ".//wcs:formats") == "GTiff"


def test_the_origin_is_the_centre_of_the_first_pixel_and_coordinates_are_x_y() -> None:
    root = described("j-ll")
    assert text(root, ".//gml:origin/gml:pos") == "9.505 47.495"
    assert [e.text for e in root.iterfind(".//gml:offsetVector", NAMES)] == ["0.01 0", "0 -0.01"]
    assert [e.text for e in root.iterfind(".//gml:Envelope/gml:pos", NAMES)] == ["9.5 46.6", "10.7 47.5"]
    assert text(root, ".//gml:low") == "0 0"
    assert text(root, ".//gml:high") == "119 89"


def test_times_are_positions() -> None:
    root = described("j-times")
    assert [e.text for e in root.iterfind(".//wcs:temporalDomain/gml:timePosition", NAMES)] == list(TIMES)
    ends = [e.text for e in root.iterfind(".//wcs:lonLatEnvelope/gml:timePosition", NAMES)]
    assert ends == [TIMES[0], TIMES[-1]]


def test_bands_are_an_axis_and_nodata_is_told() -> None:
    root = described("j-bands")
    assert [e.text for e in root.iterfind(".//wcs:values/wcs:singleValue", NAMES)] == ["B04", "nd_vi_1", "_8A"]
    assert [e.text for e in root.iterfind(".//wcs:nullValues/wcs:singleValue", NAMES)] == ["0", "-9999", "-32768"]


COVERAGES = (utm(), lonlat(), description("EPSG:31467", 3500000.0, 5400000.0, 10.0, 30, 20))


@given(st.data())
def test_a_box_of_native_pixels_is_a_window_of_the_native_lattice(data: st.DataObject) -> None:
    coverage = data.draw(st.sampled_from(COVERAGES))
    native = coverage.grid
    col, row = data.draw(st.integers(-500, native.width - 1)), data.draw(st.integers(-500, native.height - 1))
    width = data.draw(st.integers(max(1, 1 - col), max(1, 1 - col) + 400))
    height = data.draw(st.integers(max(1, 1 - row), max(1, 1 - row) + 400))
    window = native.window(col, row, width, height)
    shake = st.floats(-0.0009, 0.0009)
    box = tuple(edge + data.draw(shake) * native.lattice.dx for edge in window.bounds)
    found = placed(coverage, BBOX=",".join(map(repr, box)), WIDTH=str(width), HEIGHT=str(height))
    assert found.view.grid == window
    assert found.view.grid.lattice is native.lattice
    assert found.stated.bounds == pytest.approx(box, rel=1e-14, abs=1e-14)
    assert found.stated.shape == window.shape


@given(
    st.sampled_from(COVERAGES), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 30), st.floats(0.01, 30),
    st.integers(1, 900), st.integers(1, 900),
)  # fmt: skip
def test_any_box_and_size_is_what_is_answered(
    coverage: Description, x: float, y: float, wide: float, high: float, width: int, height: int
) -> None:
    west, south, east, north = coverage.grid.bounds
    x, y, wide, high = (
        west + x * (east - west),
        south + y * (north - south),
        wide * (east - west),
        high * (north - south),
    )
    box = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
    found = placed(coverage, BBOX=",".join(map(repr, box)), WIDTH=str(width), HEIGHT=str(height))
    assert found.stated.shape == found.view.grid.shape == (height, width)
    assert found.stated.bounds == pytest.approx(box, rel=1e-13, abs=1e-12)
    dx, dy = found.stated.lattice.dx, found.stated.lattice.dy
    for asked, computed, pixel in zip(box, found.view.grid.bounds, (dx, dy, dx, dy), strict=True):
        assert abs(asked - computed) <= 1.001e-3 * pixel


@given(st.floats(0, 299.99), st.floats(0, 199.99))
def test_a_point_that_qgis_identifies_is_read_from_the_pixel_that_holds_it(column: float, row: float) -> None:
    lattice, native = utm().grid.lattice, utm().grid
    x, y = lattice.x(native.col + column), lattice.y(native.row + row)
    box = x - 5000, y - 5000, x + 5000, y + 5000
    found = placed(utm(), BBOX=",".join(map(repr, box)), WIDTH="1000", HEIGHT="1000")
    read = int((x - box[0]) / ((box[2] - box[0]) / 1000)), int((box[3] - y) / ((box[3] - box[1]) / 1000))
    pixel = found.view.grid.window(*read, 1, 1)
    assert pixel.bounds[0] - 0.011 <= x <= pixel.bounds[2] + 0.011
    assert pixel.bounds[1] - 0.011 <= y <= pixel.bounds[3] + 0.011
    assert found.stated.bounds == pytest.approx(box, rel=1e-14)


def test_a_resolution_fills_the_box_with_whole_pixels() -> None:
    found = placed(utm(), BBOX=WHOLE, RESX="10", RESY="10")
    assert found.view.grid == utm().grid
    assert placed(utm(), BBOX=WHOLE, RESX="299", RESY="5000").stated.shape == (1, 10)
    assert placed(utm(), RESX="10", RESY="10").view.grid == utm().grid


def test_the_answer_may_be_in_another_crs() -> None:
    found = placed(lonlat(), BBOX="9.6,46.7,9.8,46.9", WIDTH="30", HEIGHT="20", RESPONSE_CRS="EPSG:3857")
    assert found.stated.crs == "EPSG:3857"
    assert found.stated.shape == (20, 30)
    assert found.stated.bounds == pytest.approx(project_bounds("EPSG:4326", "EPSG:3857", (9.6, 46.7, 9.8, 46.9)))


def test_the_box_may_be_in_another_crs_and_urns_mean_x_y_too() -> None:
    crs = "urn:ogc:def:crs:EPSG::4326"
    found = placed(utm(), CRS=crs, BBOX="10.32,46.93,10.34,46.94", WIDTH="3", HEIGHT="2")
    assert found.stated.bounds == pytest.approx((10.32, 46.93, 10.34, 46.94))


@pytest.mark.parametrize(
    "box",
    ["603000,5198000,604000,5200000", "0,0,1,1", "600000,5200000,603000,5200100"],
)
def test_a_box_without_a_pixel_of_the_coverage_is_refused(box: str) -> None:
    with pytest.raises(InvalidSubset) as caught:
        placed(utm(), BBOX=box, WIDTH="2", HEIGHT="2")
    assert caught.value.locator == "BBOX"


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ({"BBOX": "1,2,3", "WIDTH": "1", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": "a,2,3,4", "WIDTH": "1", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": "3,2,1,4", "WIDTH": "1", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": "1,2,1,4", "WIDTH": "1", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": "-1e308,-1e308,1e308,1e308", "WIDTH": "1", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": WHOLE, "WIDTH": "1"}, MissingParameter),
        ({"BBOX": WHOLE}, MissingParameter),
        ({"BBOX": WHOLE, "WIDTH": "0", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": WHOLE, "WIDTH": "1.5", "HEIGHT": "1"}, InvalidParameter),
        ({"BBOX": WHOLE, "RESX": "-1", "RESY": "1"}, InvalidParameter),
        ({"BBOX": WHOLE, "WIDTH": "1", "HEIGHT": "1", "RESX": "1", "RESY": "1"}, InvalidParameter),
        ({"BBOX": WHOLE, "RESX": "1e-300", "RESY": "1e-300"}, TooLarge),
        ({"BBOX": WHOLE, "WIDTH": "999999999999999999", "HEIGHT": "1"}, TooLarge),
        ({"BBOX": WHOLE, "WIDTH": "1", "HEIGHT": "1", "CRS": "EPSG:1"}, CrsError),
        ({"BBOX": WHOLE, "WIDTH": "1", "HEIGHT": "1", "CRS": ""}, MissingParameter),
        ({"BBOX": WHOLE, "WIDTH": "1", "HEIGHT": "1", "bands": "q"}, UnknownField),
        ({"BBOX": WHOLE, "WIDTH": "1", "HEIGHT": "1", "INTERPOLATION": "q"}, InvalidParameter),
    ],
)
def test_requests_that_make_no_sense(items: dict[str, str], error: type[RequestError]) -> None:
    with pytest.raises(error) as caught:
        placed(utm(), **items)
    assert caught.value.locator


def test_times_bands_and_interpolation() -> None:
    small = {"WIDTH": "2", "HEIGHT": "2"}
    timed = utm(times=TIMES)
    assert placed(timed, **small).view.times == TIMES[3:]
    assert placed(timed, TIME=f"{TIMES[2]},{TIMES[0]}", **small).view.times == (TIMES[0], TIMES[2])
    assert placed(timed, TIME="2017-01-01/2017-01-31/P1D", **small).view.times == TIMES[:3]
    assert placed(utm(), TIME="2017", **small).view.times == ()
    with pytest.raises(InvalidSubset):
        placed(timed, TIME="2018", **small)
    assert placed(utm(), bands="y", **small).view.bands == ("y",)
    assert placed(utm(), bands="2,1", **small).view.bands == ("y", "x")
    assert placed(utm(), INTERPOLATION="bicubic", **small).view.resampling == "cubic"
    assert placed(utm(), INTERPOLATION="nearest neighbor", **small).view.resampling == "nearest"
