"""Random requests for maps, tiles, the job API, users and files: an answer or a refusal, never a fault."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ogcserver.settings import Auth, Files, Limits
from tests.e2e.harness import Json, TestServer, ndvi, node
from tests.e2e.harness import settings as settings_of
from tests.e2e.test_fuzz import S2, crs, json_values, junk, mangled, mostly, number, often

few = settings(often, max_examples=120)
LIMITS = Limits(max_pixels=300_000, max_request_mb=64)


@pytest.fixture(scope="module")
def fuzzed(demo: TestServer, demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    server = TestServer(settings_of(tmp_path_factory.mktemp("fuzz-apis"), demo_catalog, limits=LIMITS))
    yield server
    server.close()


@pytest.fixture(scope="module")
def services(fuzzed: TestServer) -> dict[str, str]:
    """Paths of the services of a job with time, and its identifier as ``job``."""
    job_id = fuzzed.add(ndvi()).id
    found = {"job": job_id}
    for kind in ("wms", "xyz", "tms"):
        made = fuzzed.post("/services", {"job_id": job_id, "service_type": kind, "service_args": {}})
        found[kind] = made.json()["service_url"].removeprefix("http://test")
    return found


def check(response: httpx.Response) -> None:
    """An answer of any kind but a fault of the server's own."""
    assert response.status_code < 500 or response.status_code == 501, response.text
    kind = response.headers.get("content-type", "")
    if kind.startswith(("text/", "application/json")):
        assert "Traceback" not in response.text and 'File "' not in response.text
    if kind.startswith("application/json") and response.request.method != "HEAD":
        json.loads(response.content)
    if kind.startswith(("text/xml", "application/vnd.ogc.se_xml")):
        etree.fromstring(response.content)


def address(parts: list[str]) -> str:
    return "/".join(quote(part.encode("utf-8", "surrogatepass"), safe="") for part in parts)


bbox = st.one_of(
    st.sampled_from(
        ("10.9,46.5,11.3,46.9", "46.5,10.9,46.9,11.3", "652000,5161000,672000,5181000", "1,1,1,1", "1,2,3")
    ),
    st.lists(number, min_size=4, max_size=4).map(",".join),
    junk,
)
size = mostly("1", "64", "256", "100000", "0", "-1")


@st.composite
def maps(draw: st.DrawFn, job: str) -> list[tuple[str, str]]:
    version = draw(mostly("1.3.0", "1.1.1", "1.3.0", "1.0.0"))
    fixed = {
        "SERVICE": mostly("WMS"), "VERSION": st.just(version), "LAYERS": mostly(job, job, f"{job},{job}"),
        "REQUEST": mostly("GetMap", "GetMap", "GetFeatureInfo", "GetCapabilities", "GetLegendGraphic", "GetStyles"),
        "STYLES": mostly("", "default"), "CRS" if version == "1.3.0" else "SRS": crs, "BBOX": bbox,
        "WIDTH": size, "HEIGHT": size, "FORMAT": mostly("image/png", "image/jpeg", "image/svg+xml", "text/html"),
    }  # fmt: skip
    extras: dict[str, st.SearchStrategy[Any]] = {
        "QUERY_LAYERS": mostly(job), "I": size, "J": size, "X": size, "Y": size, "BGCOLOR": mostly("0xFF0000", "red"),
        "INFO_FORMAT": mostly("application/json", "text/html", "text/plain", "application/vnd.ogc.gml"),
        "TIME": mostly("2017-01-20", "current", "2017-01-01/2017-02-01/P1D", "*"), "ELEVATION": junk, "SLD_BODY": junk,
        "TRANSPARENT": mostly("TRUE", "false"), "EXCEPTIONS": mostly("XML", "INIMAGE", "BLANK", "application/json"),
        "LAYER": mostly(job), "FEATURE_COUNT": size, "SLD": mostly("file:///etc/passwd", "http://127.0.0.1:1/sld"),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(sorted(extras)), max_size=6, unique=True))
    return mangled(draw, fixed | {name: extras[name] for name in names}, 1)


def test_any_map_request(fuzzed: TestServer, services: dict[str, str]) -> None:
    @few
    @given(maps(services["job"]), st.sampled_from(("/wms", services["wms"])))
    def ask(pairs: list[tuple[str, str]], path: str) -> None:
        check(fuzzed.get(path, params=pairs))

    ask()


plain = st.sampled_from(
    ("0", "9", "12", "272", "180", "180.png", "331@2x.webp", "180.tif", "-1", "2017-01-20", "1.0.0")
)
text = st.one_of(st.text(max_size=8), junk, st.sampled_from(("..", ".", "%2e%2e", "..%2f", "\ud800", "tilejson.json")))


@few
@given(data=st.data())
def test_any_tile_of_a_service(fuzzed: TestServer, services: dict[str, str], data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(("xyz", "tms")))
    parts = data.draw(st.lists(st.one_of(plain, plain, plain, text), max_size=5))
    query = data.draw(st.dictionaries(st.sampled_from(("bands", "time", "style", "token")), text, max_size=2))
    path = f"{services[kind]}/{address(parts)}"
    encoded = address([f"{name}={value}" for name, value in query.items()]).replace("%3D", "=").replace("/", "&")
    check(fuzzed.get(f"{path}?{encoded}" if encoded else path))


words = st.sampled_from(
    (
        "jobs", "services", "process_graphs", "processes", "data", "files", "users", "me", "execute", "validate",
        "batch", "download", "results", "on_demand", "explain", "capabilities", "udf_runtimes", "Python", "credits",
        "auth", "login", "collections", "conformance", "map", "coverage", "tiles", "token", "subscribe", S2, "j-0",
    )
)  # fmt: skip
methods = st.sampled_from(("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
bodies = st.one_of(
    st.none(),
    st.binary(max_size=20),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(
            ("process_graph", "output", "job_id", "service_type", "service_args", "title", "public", "uri")
        ),
        json_values,
        max_size=4,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(often, max_examples=400)
@given(parts=st.lists(st.one_of(words, words, words, text), max_size=5), method=methods, body=bodies)
def test_any_path_of_the_job_api(fuzzed: TestServer, parts: list[str], method: str, body: bytes | None) -> None:
    check(fuzzed.request(method, f"http://test/{address(parts)}", content=body))


@pytest.fixture(scope="module")
def private(demo_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """With users, and little room for their files."""
    folder = tmp_path_factory.mktemp("fuzz-users")
    wanted = settings_of(folder / "data", demo_catalog, limits=LIMITS, auth=Auth("basic"), files=Files(max_files=5))
    server = TestServer(wanted)
    yield server
    server.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogatepass")).decode()


header = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    st.builds(basic, st.text(max_size=9), st.text(max_size=9)),
    st.builds(
        "{} {}".format,
        st.sampled_from(("Bearer", "bearer", "Basic", "Digest")),
        st.from_regex(r"[!-~]{0,40}", fullmatch=True),
    ),
)


@settings(often, max_examples=30)  # passwords are slow to check
@given(parts=st.lists(st.one_of(words, text), max_size=4), method=methods, told=header, token=text)
def test_nobody_gets_in_with_random_credentials(
    private: TestServer, parts: list[str], method: str, told: str, token: str
) -> None:
    headers = {"authorization": told.strip()}
    check(private.request(method, f"http://test/{address(parts)}", headers=headers))
    check(private.request(method, f"/{address(['token', token, *parts])}"))
    for path in ("/jobs", "/files/me", "/credits"):
        assert private.get(path, headers=headers).status_code in (401, 403, 429)
        assert private.get(f"/{address(['token', token])}{path}").status_code in (307, 401, 403, 404)


name = st.one_of(
    text, st.sampled_from(("a.json", "b", "../x", "..\\x", "/etc/passwd", "data", "ogcserver.db", "CON", "~"))
)


def test_no_name_of_a_file_leads_out_of_the_user_s_folder(private: TestServer) -> None:
    token = private.request("POST", "/auth/register", content=b'"a long password"').json()
    headers = {"authorization": f"Bearer {token['token']}"}
    data_dir = Path(private.settings.server.data_dir)
    own = data_dir / "files" / token["user_id"]

    def others() -> set[Path]:
        """Files outside of the user's folder and of the database."""
        found = (path for path in data_dir.parent.rglob("*") if path.is_file() and own not in path.parents)
        return {path for path in found if not path.name.startswith("ogcserver.db")}

    before = others()

    @few
    @given(st.lists(name, max_size=4), st.sampled_from(("/files/me/", "/users/me/files/")), st.binary(max_size=9))
    def check_name(parts: list[str], start: str, content: bytes) -> None:
        path = start + address(parts)
        put = private.request("PUT", path, content=content, headers=headers)
        check(put)
        assert others() == before
        if put.status_code == 204 and put.request.url.raw_path.decode().startswith(start):
            assert private.get(path, headers=headers).content == content
            listed: list[Json] = private.get("/files/me", headers=headers).json()
            assert sum(one["size"] == len(content) for one in listed) >= 1
            check(private.request("DELETE", path, headers=headers))

    check_name()


def test_any_regions_of_a_graph_are_the_user_s_own(fuzzed: TestServer) -> None:
    @few
    @given(
        st.one_of(text, st.sampled_from(("/etc/passwd", "/users/me/files/../../x", "/vsicurl/http://127.0.0.1:1/x")))
    )
    def ask(regions: str) -> None:
        graph = node("zonal_statistics", S2, regions=regions, func="avg")
        response = fuzzed.request("POST", "/execute", content=json.dumps({"process_graph": graph}))
        check(response)
        assert response.status_code == 400

    ask()
