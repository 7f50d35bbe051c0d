"""Files of users on disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from ogcserver.errors import (
    FileLocked,
    FileNotFound,
    FileNotStored,
    FileTooLarge,
    FileTypeNotAllowed,
    InvalidParameter,
    OgcServerError,
    QuotaExceeded,
)
from ogcserver.jobs.locks import FileLocks
from ogcserver.jobs.store import JobStore
from ogcserver.users.files import FileLimits, UserFiles
from tests.databases import database_url


def files(folder: Path, **limits: object) -> UserFiles:
    store = JobStore(database_url(folder))
    return UserFiles(folder / "files", FileLimits(**limits), FileLocks(store.database))  # type: ignore[arg-type]


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def put(kept: UserFiles, path: str, content: bytes = b"x", user: str = "me", expected: int | None = None) -> None:
    pieces = [content[at : at + 700_000] for at in range(0, len(content), 700_000)]
    asyncio.run(kept.put(user, path, stream(pieces), expected))


def refused(kept: UserFiles, error: type[OgcServerError], path: str, content: bytes = b"x", **more: int) -> None:
    before = {one: one.read_bytes() for one in (kept._root).rglob("*") if one.is_file()}
    with pytest.raises(error):
        put(kept, path, content, **more)  # type: ignore[arg-type]
    assert {one: one.read_bytes() for one in (kept._root).rglob("*") if one.is_file()} == before


def test_files_are_stored_listed_replaced_and_removed(tmp_path: Path) -> None:
    kept = files(tmp_path)
    assert kept.list("me") == ()
    content = os.urandom(3_000_000)
    put(kept, "a/b/c.bin", content)
    put(kept, "b.py", b"one")
    put(kept, "b.py", b"three")
    assert [(one.name, one.size) for one in kept.list("me")] == [("a/b/c.bin", 3_000_000), ("b.py", 5)]
    assert kept.path("me", "a/b/c.bin").read_bytes() == content
    assert kept.path("me", "b.py").read_bytes() == b"three"
    kept.remove("me", "a/b/c.bin")
    assert [one.name for one in kept.list("me")] == ["b.py"]
    assert not (tmp_path / "files" / "me" / "a").exists()
    for path in ("a/b/c.bin", "a", "nothing", "../me/b.py", "b.py/x", ""):
        with pytest.raises(FileNotFound):
            kept.path("me", path)


def test_users_do_not_see_each_other(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "a", b"mine", "u-1")
    assert kept.list("u-2") == ()
    with pytest.raises(FileNotFound):
        kept.path("u-2", "a")
    for address in ("/users/u-1/files/a", "/users/me/files/../u-1/a", "/users/u-1/files/"):
        with pytest.raises(FileNotFound):
            kept.path_for_reading("u-2", address)
    assert kept.path_for_reading("u-1", "/users/me/files/a").read_bytes() == b"mine"
    assert kept.path_for_reading("u-1", "/files/u-1").is_dir()
    with pytest.raises(InvalidParameter):
        kept.path_for_reading("u-1", "/etc/passwd")


def test_a_folder_is_read_as_one(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "regions/a.json")
    assert [one.name for one in kept.path_for_reading("me", "/users/me/files/regions/").iterdir()] == ["a.json"]
    with pytest.raises(FileNotFound):
        kept.path_for_reading("you", "/users/me/files/")


def test_a_failed_upload_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "a", b"old")

    async def broken() -> AsyncIterator[bytes]:
        yield b"new" * 1_000_000
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        asyncio.run(kept.put("me", "a", broken()))
    assert kept.path("me", "a").read_bytes() == b"old"
    assert [one.name for one in (tmp_path / "files").rglob("*") if one.is_file()] == ["a"]


def test_what_a_crash_left_behind_goes(tmp_path: Path) -> None:
    kept = files(tmp_path, quota_bytes=1000)
    folder = tmp_path / "files" / ".uploads" / "me"
    folder.mkdir(parents=True)
    for name, age in (("old", 100_000), ("new", 10)):
        (folder / name).write_bytes(b"x" * 900)
        os.utime(folder / name, (time.time() - age,) * 2)
    put(kept, "a", b"x" * 100)
    assert [one.name for one in folder.iterdir()] == ["new"]
    assert [one.name for one in kept.path_for_reading("me", "/users/me/files/").iterdir()] == ["a"]


def test_limits(tmp_path: Path) -> None:
    kept = files(tmp_path, max_bytes=1000, quota_bytes=1500, max_files=3, endings=(".py", ".json"))
    refused(kept, FileTooLarge, "a.py", b"x" * 1001)
    refused(kept, FileTooLarge, "a.py", b"x", expected=1001)
    refused(kept, FileTypeNotAllowed, "a.exe")
    put(kept, "a.PY", b"x" * 1000)
    refused(kept, QuotaExceeded, "b.py", b"x" * 501)
    refused(kept, QuotaExceeded, "b.py", b"x", expected=501)
    put(kept, "a.PY", b"y" * 1000)  # in place of as many
    put(kept, "b.py", b"x" * 499)
    put(kept, "c.py", b"x")
    refused(kept, QuotaExceeded, "d.py", b"")
    put(kept, "c.py", b"")


def test_uploads_at_the_same_time_count_together(tmp_path: Path) -> None:
    kept = files(tmp_path, quota_bytes=1000)

    async def run() -> list[BaseException | None]:
        tasks = (kept.put("me", f"{n}", stream([b"x" * 400])) for n in range(6))
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcome = asyncio.run(run())
    assert all(one is None or isinstance(one, QuotaExceeded) for one in outcome)
    assert sum(one.size for one in kept.list("me")) <= 1000


def test_files_and_folders_do_not_take_each_others_place(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "a/b")
    refused(kept, FileNotStored, "a")
    refused(kept, FileNotStored, "a/b/c")
    refused(kept, FileNotStored, "../x")


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "real/a")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "files" / "me" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "files" / "me" / "folder").symlink_to(tmp_path)
    assert [one.name for one in kept.list("me")] == ["real/a"]
    for path in ("link", "folder/secret", "folder"):
        with pytest.raises(FileNotFound):
            kept.path("me", path)
        with pytest.raises(FileNotFound):
            kept.path_for_reading("me", f"/users/me/files/{path}")
        with pytest.raises(FileNotFound):
            kept.remove("me", path)
    refused(kept, FileNotStored, "folder/new")
    refused(kept, FileNotStored, "link")
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("locked", ["a/b.json", "a", ""])
def test_files_that_a_job_reads_are_locked(tmp_path: Path, locked: str) -> None:
    kept = files(tmp_path)
    put(kept, "a/b.json", b"old")
    kept.locks.lock("j-1", "me", [locked])
    refused(kept, FileLocked, "a/b.json", b"new")
    with pytest.raises(FileLocked) as caught:
        kept.remove("me", "a/b.json")
    assert "j-1" in caught.value.message
    put(kept, "a/b.json", b"other", "you")
    kept.locks.release("j-1")
    put(kept, "a/b.json", b"new")
    assert kept.path("me", "a/b.json").read_bytes() == b"new"


def test_a_lock_that_comes_during_an_upload_holds(tmp_path: Path) -> None:
    kept = files(tmp_path)
    put(kept, "a", b"old")

    async def slow() -> AsyncIterator[bytes]:
        yield b"new"
        kept.locks.lock("j-1", "me", ["a"])

    with pytest.raises(FileLocked):
        asyncio.run(kept.put("me", "a", slow()))
    assert kept.path("me", "a").read_bytes() == b"old"
