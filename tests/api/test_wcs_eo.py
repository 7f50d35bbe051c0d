"""The scenes behind coverages, through WCS 2.0 with OGC 10-140r1."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from lxml import etree

from ogcserver.cube import Band
from ogcserver.engine.scenes import Scene
from ogcserver.geo.crs import lonlat_boxes
from ogcserver.geo.grid import Grid, Lattice
from ogcserver.ows.xml import WCSEO
from ogcserver.plan.expr import Expr
from tests.fakes import TIMES, compiled, node, product, run, utm_archive
from tests.unit.wcs.fakes import FakeEngine, fake_app, fake_layers
from tests.wcs_xml import in_soap
from tests.xsd import assert_valid, schema_folder

NAMES = {
    "wcs": "http://www.opengis.net/wcs/2.0",
    "wcseo": WCSEO,
    "gml": "http://www.opengis.net/gml/3.2",
    "eop": "http://www.opengis.net/eop/2.0",
    "om": "http://www.opengis.net/om/2.0",
}


def scene(name: str, time: str, col: int) -> Scene:
    """A square of one degree, ``col`` degrees east of 10."""
    grid = Grid(Lattice("EPSG:4326", 10.0 + col, 47.0, 0.1, 0.1), 0, 0, 10, 10)
    return Scene(name, "s2", time, lonlat_boxes(grid), grid, (Band("B04", "uint16", 0),))


SCENES = (
    scene("a", "2017-01-05T10:00:00Z", 0),
    scene("b:1", "2017-01-15T10:00:00Z", 1),
    scene("c", "2017-02-01T00:00:00Z/2017-03-01T00:00:00Z", 2),
)


async def scenes(plan: Expr) -> tuple[Scene, ...]:
    return SCENES


def ask(*items: tuple[str, str], content: str = "", media_type: str = "text/xml") -> httpx.Response:
    """By KVP, or the content by POST."""

    async def send() -> httpx.Response:
        app = fake_app(FakeEngine(fake_layers()), scenes=scenes)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
            known = {"service": "WCS", "version": "2.0.1", "request": "DescribeEOCoverageSet"}
            if content:
                return await client.post("/wcs", content=content.encode(), headers={"content-type": media_type})
            return await client.get("/wcs", params=httpx.QueryParams([*known.items(), *items]))

    return asyncio.run(send())


def described(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    root = etree.fromstring(response.content)
    return [str(element.text) for element in root.iterfind(".//wcs:CoverageId", NAMES)]


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ((), ["a", "b_1", "c"]),
        ((("subset", 'phenomenonTime("2017-01-10","2017-02-15")'),), ["b_1", "c"]),
        ((("subset", 'phenomenonTime("2017-01-10","2017-02-15")'), ("containment", "CONTAINS")), ["b_1"]),
        ((("subset", 'phenomenonTime("2017-02","2017-02")'), ("containment", "contains")), ["c"]),
        ((("subset", "phenomenonTime(*,2017-01-05)"),), ["a"]),
        ((("subset", "Long(10.5,11.5)"),), ["a", "b_1"]),
        ((("subset", "Long(10.5,12)"), ("containment", "contains")), ["b_1"]),
        ((("subset0", "Long(10.5,12)"), ("subset1", "Lat(46.2,*)"), ("containment", "overlaps")), ["a", "b_1", "c"]),
        ((("subset", "Lat(40,41)"),), []),
        ((("count", "1"),), ["a"]),
        ((("sections", "DatasetSeriesDescriptions"),), []),
    ],
)
def test_scenes_are_chosen_by_place_and_time(items: tuple[tuple[str, str], ...], names: list[str]) -> None:
    response = ask(("eoid", "j-utm,j-ll"), *items)
    assert described(response) == names
    root = etree.fromstring(response.content)
    assert root.get("numberReturned") == str(len(names))
    if "count" in dict(items) or "sections" in dict(items):
        assert root.get("numberMatched") == "3"


def test_sections() -> None:
    for wanted, parts in (
        ("CoverageDescriptions", ["CoverageDescriptions"]),
        ("DatasetSeriesDescriptions", ["DatasetSeriesDescriptions"]),
        ("all", ["CoverageDescriptions", "DatasetSeriesDescriptions"]),
    ):
        root = etree.fromstring(ask(("eoid", "j-utm"), ("sections", wanted)).content)
        assert [etree.QName(part).localname for part in root] == parts
    assert [e.text for e in root.iterfind(".//wcseo:DatasetSeriesId", NAMES)] == ["j-utm"]


def test_a_scene_is_described_with_its_footprint_time_and_pixels() -> None:
    root = etree.fromstring(ask(("eoid", "j-utm")).content)
    one = root.findall(".//wcs:CoverageDescription", NAMES)[2]
    observation = one.find(".//eop:EarthObservation", NAMES)
    assert [etree.QName(child).localname for child in observation] == [
        "phenomenonTime", "resultTime", "procedure", "observedProperty", "featureOfInterest", "result",
        "metaDataProperty",
    ]  # fmt: skip
    period = observation.find("om:phenomenonTime/gml:TimePeriod", NAMES)
    assert [position.text for position in period] == ["2017-02-01T00:00:00Z", "2017-03-01T00:00:00Z"]
    ring = [float(number) for number in str(observation.findtext(".//gml:posList", namespaces=NAMES)).split()]
    assert ring[::2] == pytest.approx([46, 46, 47, 47, 46]) and ring[1::2] == pytest.approx([12, 13, 13, 12, 12])
    assert observation.findtext(".//eop:identifier", namespaces=NAMES) == one.findtext("wcs:CoverageId", None, NAMES)
    assert one.findtext(".//gml:high", namespaces=NAMES) == "9 9"
    identifiers = [element.get(f"{{{NAMES['gml']}}}id") for element in root.iter() if isinstance(element.tag, str)]
    given = [identifier for identifier in identifiers if identifier]
    assert len(set(given)) == len(given)


def test_answers_follow_the_schemas() -> None:
    if not (schema_folder() / "schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd").is_file():
        pytest.skip("the schemas of EO-WCS are not there")
    assert_valid(ask(("eoid", "j-utm")).content, "wcs/wcseo/1.0/wcsEOAll.xsd")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((), (404, "emptyEoIdList", "eoId")),
        ((("eoid", "nono"),), (404, "NoSuchDatasetSeriesOrCoverage", "nono")),
        ((("eoid", "j-utm"), ("containment", "near")), (400, "InvalidParameterValue", "containment")),
        ((("eoid", "j-utm"), ("sections", "Contents")), (400, "InvalidParameterValue", "sections")),
        ((("eoid", "j-utm"), ("count", "-1")), (400, "InvalidParameterValue", "count")),
        ((("eoid", "j-utm"), ("subset", "height(1,2)")), (404, "InvalidAxisLabel", "height")),
        ((("eoid", "j-utm"), ("subset", "Lat(1,2)"), ("subset", "y(1,2)")), (404, "InvalidAxisLabel", "y")),
        ((("eoid", "j-utm"), ("subset", "Lat(1)")), (404, "InvalidSubsetting", "Lat")),
        ((("eoid", "j-utm"), ("subset", "Lat(2,1)")), (404, "InvalidSubsetting", "Lat")),
        ((("eoid", "j-utm"), ("subset", "Lat,EPSG:3857(1,2)")), (404, "InvalidSubsetting", "Lat")),
        ((("eoid", "j-utm"), ("subset", "phenomenonTime(x,y)")), (404, "InvalidSubsetting", "phenomenonTime")),
    ],
)
def test_faults(items: tuple[tuple[str, str], ...], expected: tuple[int, str, str]) -> None:
    response = ask(*items)
    root = assert_valid(response.content, "ows/2.0/owsExceptionReport.xsd")
    assert (response.status_code, root[0].get("exceptionCode"), root[0].get("locator")) == expected


def test_the_same_by_post_and_in_soap() -> None:
    axis, low = "<w:Dimension>phenomenonTime</w:Dimension>", "<w:TrimLow>2017-01-10</w:TrimLow>"
    document = (
        f'<DescribeEOCoverageSet xmlns="{WCSEO}" xmlns:w="{NAMES["wcs"]}" service="WCS" version="2.0.1" count="1">'
        "<eoId>j-utm</eoId><eoId>j-ll</eoId><containment>CONTAINS</containment>"
        "<Sections><Section>CoverageDescriptions</Section></Sections>"
        f"<w:DimensionTrim>{axis}{low}</w:DimensionTrim></DescribeEOCoverageSet>"
    )
    same = ask(
        ("eoid", "j-utm,j-ll"), ("containment", "CONTAINS"), ("sections", "CoverageDescriptions"),
        ("subset", 'phenomenonTime("2017-01-10",*)'), ("count", "1"),
    )  # fmt: skip
    assert described(same) == ["b_1"]
    assert ask(content=document).content == same.content
    soap = ask(content=in_soap(document), media_type="application/soap+xml")
    assert described(soap) == ["b_1"]


def test_capabilities_list_series_for_those_who_ask() -> None:
    async def capabilities(sections: str) -> tuple[int, int]:
        app = fake_app(FakeEngine(fake_layers()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
            params = {"service": "WCS", "request": "GetCapabilities"} | ({"sections": sections} if sections else {})
            root = assert_valid((await client.get("/wcs", params=params)).content, "wcs/2.0/wcsAll.xsd")
            found = (
                root.findall(f".//{name}", NAMES) for name in ("wcs:CoverageSummary", "wcseo:DatasetSeriesSummary")
            )
            summaries, series = map(len, found)
            return summaries, series

    count = len(fake_layers())
    expected = {"": (count, 0), "Contents": (count, 0), "DatasetSeriesSummary": (0, count), "All": (count, count)}
    assert {sections: asyncio.run(capabilities(sections)) for sections in expected} == expected


def test_scenes_of_a_plan_are_the_items_it_loads() -> None:
    archive = utm_archive()
    engine = archive.engine()
    january = node("filter_daterange", imagery=product(), from_="2017-01-01", to="2017-01-31")
    plan = compiled(archive, node("min_time", imagery=node("filter_bands", imagery=january, bands=["v"])))
    try:
        found = run(engine.scenes(plan))
    finally:
        engine.close()
    assert [(one.id, one.time, one.collection) for one in found] == [
        ("utm-0", TIMES[0], "utm"), ("utm-1", TIMES[1], "utm"),
    ]  # fmt: skip
    assert [band.name for band in found[0].bands] == ["v"]
    assert found[0].grid.shape == (600, 700)
