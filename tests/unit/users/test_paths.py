"""Names of files: whatever a client sends, it lies in the user's folder or is refused."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogcserver.errors import FileNotStored, InvalidParameter
from ogcserver.users.paths import clean, paths_in, split_address


@pytest.mark.parametrize(
    "path", ["a.py", "scripts/s1 aggregate.py", "Ünïcode/日本.json", "a..b/c", "x" * 200, "CONFIG/com.py"]
)
def test_plain_names_stay(path: str) -> None:
    assert clean(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "./a", "a/./b", "a//b", "a/", "a\\..\\b", "C:x",
        "a\0b", "a\nb", ".hidden", "a/.uploads/b", "~root", "a.", "a ", " a", "CON", "nul.txt", "a/LPT1/b", "x" * 201,
        "é" * 101, "/".join("a" * 21), "a/" * 600 + "a", "a?b", "a*b", "a|b", "\ud800", "a\u202eb", "a\u200bb",
        "a\x85b", "x:ads",
    ],
)  # fmt: skip
def test_what_might_mean_something_else_is_refused(path: str) -> None:
    with pytest.raises(FileNotStored) as caught:
        clean(path)
    assert caught.value.locator == "path"


def test_two_spellings_of_one_letter_are_one_name() -> None:
    assert clean(unicodedata.normalize("NFD", "Zürich.json")) == clean("Zürich.json") == "Zürich.json"


@given(
    st.lists(
        st.sampled_from(("a", "..", ".", "", "/", "\\", "é", "e\u0301", "b.py", "\0", "%2e")) | st.text(max_size=4)
    )
)
def test_no_path_leaves_the_folder(parts: list[str]) -> None:
    try:
        path = clean("/".join(parts))
    except FileNotStored:
        return
    names = PurePosixPath("/files/user", path).parts
    assert names[:3] == ("/", "files", "user") and len(names) > 3
    assert not {"..", "."} & set(path.split("/"))
    assert clean(path) == path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/users/me/files/x.py", ("me", "x.py")),
        ("/users/me/files/", ("me", "")),
        ("/users/me/files", ("me", "")),
        ("/files/u-1/a/b.json", ("u-1", "a/b.json")),
        ("files/me/a/", ("me", "a")),
        ("users/me/files/../x", ("me", "../x")),
    ],
)
def test_addresses_in_graphs(text: str, found: tuple[str, str]) -> None:
    assert split_address(text) == found


@pytest.mark.parametrize(
    "text", ["", "x.py", "/users/me/x.py", "http://host/files/me/x", "/etc/passwd", "//files/me/x"]
)
def test_other_texts_are_no_addresses(text: str) -> None:
    with pytest.raises(InvalidParameter):
        split_address(text)


def test_files_are_found_wherever_a_graph_names_them() -> None:
    inner = {"process_id": "/udf/Python/apply_pixel", "args": {"script": "/files/u-1/a.py", "imagery": {"x": 1}}}
    graph = {"process_id": "p", "args": {"imagery": inner, "regions": ["/users/me/files/r/", 5, None, "B04"]}}
    assert paths_in(graph, "u-1") == {"a.py", "r"}
    assert paths_in(graph, "u-2") == {"r"}
    assert paths_in({"regions": "/users/me/files"}, "u-1") == {""}
    assert not paths_in({"regions": "/users/me/files/../x"}, "u-1")
