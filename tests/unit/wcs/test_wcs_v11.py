"""WCS 1.1: documents in each version's namespaces, requests, and grids from centre to centre."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.engine.describe import Description
from ogcserver.errors import CrsError, InvalidParameter, InvalidSubset, MissingParameter, RequestError, TooLarge
from ogcserver.geo.crs import lat_first, urn
from ogcserver.jobs.layers import Layer
from ogcserver.ows.identification import Identification
from ogcserver.ows.kvp import Kvp
from ogcserver.ows.sequence import UpdateSequence
from ogcserver.ows.xml import OWS_11, Element, serialise
from ogcserver.wcs.codes import InterpolationUnsupported, UnknownField
from ogcserver.wcs.naming import NamedCrs, nameable
from ogcserver.wcs.v11.documents import NAMESPACES, WCS_11, Documents
from ogcserver.wcs.v11.place import place
from ogcserver.wcs.v11.requests import SECTIONS, DescribeCoverage, GetCoverage, parse_offsets
from ogcserver.wcs.windows import Placing
from tests.unit.wcs.fakes import TIMES, description, fake_layers, lonlat, utm
from tests.xsd import assert_valid

SCHEMA = "wcs/1.1/wcsAll.xsd"
NAMES = {"wcs": WCS_11, "ows": OWS_11, "gml": "http://www.opengis.net/gml"}
LAYERS = nameable(fake_layers())
SEQUENCE = UpdateSequence.of(7, LAYERS)
URN_UTM, URN_LL = "urn:ogc:def:crs:EPSG::32632", "urn:ogc:def:crs:EPSG::4326"


def documents(version: str = "1.1.2") -> Documents:
    return Documents(version, ["image/tiff", "image/png"])


def capabilities(version: str, *sections: str) -> Element:
    chosen, versions = sections or SECTIONS, ["1.1.1", "1.1.2"]
    return documents(version).capabilities(chosen, Identification(), "http://x/wcs?", versions, LAYERS, SEQUENCE)


def as_published(root: Element) -> bytes:
    """1.1.1 has a namespace of its own, and no schema that OGC still publishes; its elements are those of 1.1.2."""
    return serialise(root).replace(b'"http://www.opengis.net/wcs/1.1.1"', b'"http://www.opengis.net/wcs/1.1"')


def described(identifier: str) -> Element:
    return documents().descriptions([layer for layer in LAYERS if layer.id == identifier])


def text(root: Element, path: str) -> str:
    found = root.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return found


def placed(coverage: Description, max_pixels: int = 1_000_000, **items: str) -> Placing:
    given = {"identifier": "j", "format": "image/tiff", **items}
    return place(GetCoverage.from_kvp(Kvp(given.items())), coverage, "nearest", max_pixels)


@pytest.mark.parametrize("version", ["1.1.1", "1.1.2"])
@pytest.mark.parametrize("section", ["", *SECTIONS])
def test_capabilities_follow_the_schema(version: str, section: str) -> None:
    root = assert_valid(as_published(capabilities(version, *([section] if section else []))), SCHEMA)
    assert root.get("version") == version


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
@pytest.mark.parametrize("version", ["1.1.1", "1.1.2"])
def test_descriptions_follow_the_schema(layer: Layer, version: str) -> None:
    assert_valid(as_published(documents(version).descriptions([layer])), SCHEMA)


def test_what_is_the_same_for_all_coverages_is_listed_once() -> None:
    contents = capabilities("1.1.2").find("wcs:Contents", NAMES)
    assert contents is not None
    crss = [found.text for found in contents.iterfind(".//wcs:SupportedCRS", NAMES)]
    assert len(set(crss)) == len(crss)
    assert {urn(layer.description.grid.crs) for layer in LAYERS} < set(crss)
    assert len(contents.findall(".//wcs:SupportedFormat", NAMES)) == 2
    first = contents.find("wcs:CoverageSummary", NAMES)
    assert first is not None
    assert [child.tag.rpartition("}")[2] for child in first] == ["Title", "Abstract", "WGS84BoundingBox", "Identifier"]


def test_the_part_list_follows_the_schema() -> None:
    assert_valid(serialise(documents().coverages(LAYERS[0], "cid:coverage/j.tif")), "wcs/1.1/wcsCoverages.xsd")


@pytest.mark.parametrize("version", list(NAMESPACES))
def test_each_version_has_its_namespaces(version: str) -> None:
    wcs, ows = NAMESPACES[version]
    root = capabilities(version)
    assert root.tag == f"{{{wcs}}}Capabilities"
    assert root[0].tag == f"{{{ows}}}ServiceIdentification"


def test_coordinates_are_in_the_order_of_the_crs_and_the_origin_is_a_centre() -> None:
    root = described("j-ll")
    boxes = {box.get("crs"): [corner.text for corner in box] for box in root.iterfind(".//ows:BoundingBox", NAMES)}
    assert boxes[URN_LL] == ["46.6 9.5", "47.5 10.7"]
    assert boxes["urn:ogc:def:crs:OGC::imageCRS"] == ["0 0", "119 89"]
    assert text(root, ".//wcs:GridBaseCRS") == URN_LL
    assert text(root, ".//wcs:GridOrigin") == "47.495 9.505"
    assert text(root, ".//wcs:GridOffsets") == "-0.01 0.01"
    assert text(described("j-utm"), ".//wcs:GridOffsets") == "10 -10"


def test_times_bands_and_nodata() -> None:
    root = described("j-times")
    assert [e.text for e in root.iterfind(".//wcs:TemporalDomain/gml:timePosition", NAMES)] == list(TIMES)
    root = described("j-bands")
    assert [e.text for e in root.iterfind(".//wcs:Key", NAMES)] == ["B04", "nd_vi_1", "_8A"]
    assert [e.text for e in root.iterfind(".//wcs:NullValue", NAMES)] == ["0", "-9999", "-32768"]


@pytest.mark.parametrize(
    ("name", "north_first"),
    [
        ("urn:ogc:def:crs:EPSG::4326", True),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", True),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", False),
        ("urn:ogc:def:crs:OGC:2:84", False),
        ("EPSG:4326", False),
        ("urn:ogc:def:crs:EPSG::32632", False),
        ("urn:ogc:def:crs:EPSG::3035", True),
    ],
)
def test_the_order_of_coordinates_follows_the_name(name: str, north_first: bool) -> None:
    assert NamedCrs.of(name).north_first is north_first


def grid_items(coverage: Description, centres: tuple[float, float, float, float], four: bool) -> dict[str, str]:
    """The request for a grid of native pixels as QGIS (two offsets) and GDAL (four) write it."""
    crs, (dx, dy) = coverage.grid.crs, (coverage.grid.lattice.dx, coverage.grid.lattice.dy)
    name, swapped = urn(crs), lat_first(crs)

    def pair(x: float, y: float) -> str:
        return f"{y!r},{x!r}" if swapped else f"{x!r},{y!r}"

    west, south, east, north = centres
    offsets = f"{pair(dx, 0)},{pair(0, -dy)}" if four else pair(dx, -dy)
    return {
        "BOUNDINGBOX": f"{pair(west, south)},{pair(east, north)},{name}",
        "GRIDBASECRS": name,
        "GRIDORIGIN": pair(west, north),
        "GRIDOFFSETS": offsets,
    }


@given(st.data())
def test_a_box_from_centre_to_centre_is_a_window_of_the_native_lattice(data: st.DataObject) -> None:
    coverage = data.draw(st.sampled_from((utm(), lonlat(), description("EPSG:31467", 3.5e6, 5.4e6, 10.0, 30, 20))))
    native = coverage.grid
    col, row = data.draw(st.integers(-300, native.width - 1)), data.draw(st.integers(-300, native.height - 1))
    width = data.draw(st.integers(max(1, 1 - col), max(1, 1 - col) + 300))
    height = data.draw(st.integers(max(1, 1 - row), max(1, 1 - row) + 300))
    window = native.window(col, row, width, height)
    west, south, east, north = window.bounds
    dx, dy = native.lattice.dx, native.lattice.dy
    centres = west + dx / 2, south + dy / 2, east - dx / 2, north - dy / 2
    found = placed(coverage, **grid_items(coverage, centres, data.draw(st.booleans())))
    assert found.view.grid == window
    assert found.view.grid.lattice is native.lattice
    assert found.stated.bounds == pytest.approx(window.bounds, rel=1e-13)


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.01, 500),
    st.floats(0.01, 500),
    st.integers(1, 900),
    st.integers(1, 900),
)
def test_any_grid_has_the_pixels_that_its_numbers_say(
    x: float, y: float, dx: float, dy: float, width: int, height: int
) -> None:
    x, y = 600000 + x * 3000, 5198000 + y * 2000
    west, north = x - dx * (width - 1) / 2, y + dy * (height - 1) / 2
    east, south = west + dx * (width - 1), north - dy * (height - 1)
    found = placed(
        utm(), BOUNDINGBOX=f"{west!r},{south!r},{east!r},{north!r},{URN_UTM}", GRIDBASECRS=URN_UTM,
        GRIDORIGIN=f"{west!r},{north!r}", GRIDOFFSETS=f"{dx!r},{-dy!r}",
    )  # fmt: skip
    assert found.stated.shape == found.view.grid.shape == (height, width)
    expected = west - dx / 2, south - dy / 2, east + dx / 2, north + dy / 2
    assert found.stated.bounds == pytest.approx(expected, rel=1e-12)


def test_the_trial_of_qgis_six_by_three() -> None:
    found = placed(
        utm(), BOUNDINGBOX=f"601475,5198990,601525,5199010,{URN_UTM}", GRIDBASECRS=URN_UTM,
        GRIDORIGIN="601475,5199010", GRIDOFFSETS="10,-10",
    )  # fmt: skip
    assert found.view.grid.shape == (3, 6)
    assert found.view.grid.bounds == (601470, 5198985, 601530, 5199015)


def test_a_box_of_edges_gives_the_pixels_inside() -> None:
    found = placed(
        utm(), BOUNDINGBOX=f"600000,5198000,603000,5200000,{URN_UTM}", GRIDBASECRS=URN_UTM,
        GRIDORIGIN="600005,5199995", GRIDOFFSETS="10,-10",
    )  # fmt: skip
    assert found.view.grid == utm().grid


def test_without_a_grid_the_native_one_counts() -> None:
    box = f"600005,5199985,600025,5199995,{URN_UTM}"
    assert placed(utm(), BOUNDINGBOX=box).view.grid == utm().grid.window(0, 0, 3, 2)
    assert placed(utm(), BOUNDINGBOX="600006,5199991,600007,5199992").view.grid == utm().grid.window(0, 0, 1, 1)
    lonlat_box = f"46.93,10.32,46.94,10.34,{URN_LL}"
    assert placed(utm(), BOUNDINGBOX=lonlat_box).view.grid.lattice == utm().grid.lattice
    image = "0,0,9,4,urn:ogc:def:crs:OGC::imageCRS"
    assert placed(utm(), BOUNDINGBOX=image).view.grid == utm().grid.window(0, 0, 10, 5)


def test_another_crs_without_offsets_has_pixels_as_large_as_the_native_ones() -> None:
    found = placed(utm(), BOUNDINGBOX=f"46.93,10.32,46.94,10.34,{URN_LL}", GRIDBASECRS=URN_LL).view.grid
    assert found.crs == "EPSG:4326"
    assert found.bounds == pytest.approx((10.32, 46.93, 10.34, 46.94))


@pytest.mark.parametrize(
    ("offsets", "crs", "expected"),
    [
        ("10,-20", URN_UTM, (10, 20)),
        ("10,0,0,-20", URN_UTM, (10, 20)),
        ("0,-20,10,0", URN_UTM, (10, 20)),
        ("-0.02,0.01", URN_LL, (0.01, 0.02)),
        ("0,0.01,-0.02,0", URN_LL, (0.01, 0.02)),
        ("0.01,-0.02", "EPSG:4326", (0.01, 0.02)),
    ],
)
def test_offsets_in_all_shapes(offsets: str, crs: str, expected: tuple[float, float]) -> None:
    assert parse_offsets(offsets, NamedCrs.of(crs)) == expected


@pytest.mark.parametrize("offsets", ["10", "0,10", "1,2,3", "7,7,-7,7", "0,0,0,0", "10,0,0,0", "a,b"])
def test_offsets_that_make_no_sense(offsets: str) -> None:
    with pytest.raises(InvalidParameter):
        parse_offsets(offsets, NamedCrs.of(URN_UTM))


BOX = f"600005,5199985,600025,5199995,{URN_UTM}"


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ({}, MissingParameter),
        ({"BOUNDINGBOX": "1,2,3"}, InvalidParameter),
        ({"BOUNDINGBOX": f"3,2,1,4,{URN_UTM}"}, InvalidParameter),
        ({"BOUNDINGBOX": "1,2,3,4,5,6"}, InvalidParameter),
        ({"BOUNDINGBOX": "1,2,3,4,urn:x"}, CrsError),
        ({"BOUNDINGBOX": f"0,0,1,1,{URN_UTM}"}, InvalidSubset),
        ({"BOUNDINGBOX": BOX, "store": "bogus"}, InvalidParameter),
        ({"BOUNDINGBOX": BOX, "GRIDBASECRS": "x"}, CrsError),
        ({"BOUNDINGBOX": BOX, "GRIDBASECRS": URN_UTM, "GRIDORIGIN": "1"}, InvalidParameter),
        ({"BOUNDINGBOX": BOX, "GRIDBASECRS": URN_UTM, "GRIDOFFSETS": "1e-320,1e-320"}, RequestError),
        ({"BOUNDINGBOX": BOX, "GRIDBASECRS": URN_UTM, "GRIDOFFSETS": "1e-6,1e-6"}, TooLarge),
        ({"BOUNDINGBOX": f"-1e308,-1e308,1e308,1e308,{URN_UTM}", "GRIDBASECRS": URN_UTM}, RequestError),
        ({"BOUNDINGBOX": BOX, "RANGESUBSET": "contents[q[1]]"}, InvalidParameter),
        ({"BOUNDINGBOX": BOX, "RANGESUBSET": "a;b"}, InvalidParameter),
        ({"BOUNDINGBOX": BOX, "RANGESUBSET": "q"}, UnknownField),
        ({"BOUNDINGBOX": BOX, "RANGESUBSET": "contents[bands[q]]"}, UnknownField),
        ({"BOUNDINGBOX": BOX, "RANGESUBSET": "contents:q"}, InterpolationUnsupported),
    ],
)
def test_requests_that_make_no_sense(items: dict[str, str], error: type[RequestError]) -> None:
    with pytest.raises(error):
        placed(utm(), **items)


@pytest.mark.parametrize(
    ("subset", "bands", "resampling"),
    [
        ("contents", ("x", "y"), "nearest"),
        ("contents:linear", ("x", "y"), "bilinear"),
        ("contents[bands[y]]", ("y",), "nearest"),
        ("contents:cubic[bands[y,x]]", ("y", "x"), "cubic"),
        ("Contents[Bands[2]]", ("y",), "nearest"),
        ("y", ("y",), "nearest"),
    ],
)
def test_range_subsets(subset: str, bands: tuple[str, ...], resampling: str) -> None:
    view = placed(utm(), BOUNDINGBOX=BOX, RANGESUBSET=subset).view
    assert (view.bands, view.resampling) == (bands, resampling)


def test_times() -> None:
    timed = utm(times=TIMES)
    assert placed(timed, BOUNDINGBOX=BOX).view.times == TIMES[3:]
    assert placed(timed, BOUNDINGBOX=BOX, TIMESEQUENCE=TIMES[1]).view.times == TIMES[1:2]
    assert placed(timed, BOUNDINGBOX=BOX, TIMESEQUENCE="2017-01/2017-02").view.times == TIMES


def test_identifiers_under_both_names() -> None:
    both = Kvp([("identifiers", "a,b"), ("identifier", "a")])
    assert DescribeCoverage.from_kvp(both).identifiers == ("a", "b")
    assert DescribeCoverage.from_kvp(Kvp([("identifier", "a")])).identifiers == ("a",)
    with pytest.raises(MissingParameter):
        DescribeCoverage.from_kvp(Kvp([]))
