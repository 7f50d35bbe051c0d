"""Scripts among the files of users, as graphs name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ogcserver.errors import FileNotFound, InvalidParameter
from ogcserver.users.scripts import Scripts
from tests.unit.users.test_files import files, put


def scripts(folder: Path) -> Scripts:
    return Scripts(files(folder), 1024)


def test_a_script_is_read_by_either_spelling(tmp_path: Path) -> None:
    found = scripts(tmp_path)
    put(found.files, "tools/one.py", b"\xef\xbb\xbfX = 1\n")
    for address in ("/users/me/files/tools/one.py", "/files/me/tools/one.py"):
        assert found("me", address) == ("one.py", "X = 1\n")


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("/users/me/files/none.py", FileNotFound, "there is no file"),
        ("/users/you/files/one.py", FileNotFound, "there is no file"),
        ("/users/me/files/../you/one.py", FileNotFound, "there is no file"),
        ("one.py", InvalidParameter, "/users/me/files/NAME"),
        ("/users/me/files/tools", InvalidParameter, "is a folder"),
        ("/users/me/files/long.py", InvalidParameter, "longer than 1 kB"),
        ("/users/me/files/bytes.py", InvalidParameter, "not UTF-8"),
    ],
)
def test_others_are_refused(tmp_path: Path, address: str, error: type[Exception], message: str) -> None:
    found = scripts(tmp_path)
    for name, content in (("tools/one.py", b"x"), ("long.py", b"x" * 1025), ("bytes.py", b"\xff\xfe\x00")):
        put(found.files, name, content)
    with pytest.raises(error, match=message):
        found("me", address)
