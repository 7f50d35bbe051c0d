"""The files of users over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from ogcserver.users.files import FileLimits
from tests.unit.jobs.servers import Server


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, files=FileLimits(max_bytes=100_000, quota_bytes=150_000))


def put(server: Server, path: str, content: bytes = b"x", **more: Any) -> httpx.Response:
    return server.ask("PUT", path, content, **more)


def test_a_file_is_stored_listed_read_and_deleted(server: Server) -> None:
    content = os.urandom(50_000)
    assert server.ask("GET", "/files/me").json() == []
    answer = put(server, "/files/me/regions/p 1.json", content)
    assert (answer.status_code, answer.content) == (204, b"")
    (listed,) = server.ask("GET", "/files/me").json()
    assert (listed["name"], listed["size"]) == ("regions/p 1.json", 50_000)
    assert listed["modified"].endswith("Z")
    for path in ("/files/me/regions/p%201.json", "/users/me/files/regions/p%201.json"):
        found = server.ask("GET", path)
        assert (found.status_code, found.content) == (200, content)
        assert found.headers["content-type"] == "application/json"
        assert found.headers["content-length"] == "50000" and found.headers["accept-ranges"] == "bytes"
    assert server.ask("DELETE", "/users/me/files/regions/p 1.json").status_code == 204
    for method in ("GET", "DELETE"):
        gone = server.ask(method, "/files/me/regions/p 1.json")
        assert (gone.status_code, gone.json()["code"]) == (404, 404)
    assert server.ask("GET", "/users/me/files").json() == []


def test_ranges_and_conditions(server: Server) -> None:
    put(server, "/files/me/a.bin", b"0123456789")
    part = server.ask("GET", "/files/me/a.bin", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    beyond = server.ask("GET", "/files/me/a.bin", headers={"range": "bytes=50-60"})
    assert beyond.status_code == 416
    first = server.ask("GET", "/files/me/a.bin")
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in ({"if-none-match": tag}, {"if-none-match": f'"x", {tag}'}, {"if-modified-since": modified}):
        again = server.ask("GET", "/files/me/a.bin", headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for headers in ({"if-none-match": '"x"'}, {"if-modified-since": "yesterday"}):
        assert server.ask("GET", "/files/me/a.bin", headers=headers).status_code == 200
    put(server, "/files/me/a.bin", b"other content")
    assert server.ask("GET", "/files/me/a.bin", headers={"if-none-match": tag}).status_code == 200
    stale = server.ask("GET", "/files/me/a.bin", headers={"range": "bytes=2-4", "if-range": tag})
    assert (stale.status_code, stale.content) == (200, b"other content")
    head = server.ask("HEAD", "/files/me/a.bin")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "13")


def test_what_is_stored_never_runs_as_a_page(server: Server) -> None:
    put(server, "/files/me/a.html", b"<script>alert(1)</script>")
    headers = server.ask("GET", "/files/me/a.html").headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "suffix", ["", "\r\n--B--\r\n", "\r\n--B\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--B--"]
)
def test_a_form_holds_the_file(server: Server, suffix: str) -> None:
    content = b"a\r\n--\r\n--Bx\r\n" + os.urandom(20_000)
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="../../x"\r\nContent-Type: text/x\r\n\r\n'
    body = head + content.replace(b"\r\n--B", b"\r\n-B") + (suffix or "\r\n--B--").encode()
    answer = put(server, "/files/me/f", body, headers={"content-type": "multipart/form-data; boundary=B"})
    assert answer.status_code == 204, answer.text
    assert server.ask("GET", "/files/me/f").content == content.replace(b"\r\n--B", b"\r\n-B")
    assert [one["name"] for one in server.ask("GET", "/files/me").json()] == ["f"]


def test_a_form_in_single_bytes(server: Server) -> None:
    body = b"--B\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--B--"
    for content in (b"", b"\r\n-", b"abc\r\n--"):
        whole = body.replace(b"\r\n\r\n\r\n", b"\r\n\r\n" + content + b"\r\n")

        async def drops(text: bytes = whole) -> Any:
            for byte in text:
                yield bytes([byte])

        async def send(client: httpx.AsyncClient, text: Any = drops) -> httpx.Response:
            kind = {"content-type": "multipart/form-data; boundary=B"}
            return await client.put("/files/me/f", content=text(), headers=kind)

        assert server.talk(send).status_code == 204
        assert server.ask("GET", "/files/me/f").content == content


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "boundary=B"),
        (b"--B\r\nContent-Disposition: form-data; name=file\r\n\r\nabc", "boundary=B"),
        (b"--B\r\nContent-Disposition: form-data; name=other\r\n\r\nabc\r\n--B--", "boundary=B"),
        (b"--B\r\nContent-Disposition: form-data; name=file\r\n\r\nabc\r\n--B--", "boundary=C"),
        (b"--B\r\nContent-Disposition: form-data; name=file\r\n\r\nabc\r\n--B--", "x=y"),
        (b"x" * 30_000, "boundary=B"),
    ],
)
def test_other_forms_are_refused(server: Server, body: bytes, kind: str) -> None:
    answer = put(server, "/files/me/f", body, headers={"content-type": f"multipart/form-data; {kind}"})
    assert (answer.status_code, answer.json()["code"]) == (400, 1412)
    assert server.ask("GET", "/files/me").json() == []


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/jobs.db", "..%2fjobs.db", "a%2f..%2f..%2fjobs.db", "..%5cjobs.db", "%2fetc%2fpasswd", "a%00.py",
        "%252e%252e/x%5c", ".uploads/x", "a%07", "/etc/passwd", "a//b", "a/%2e/b", "con", "a" * 300,
        "%ff%fe\\", "x/",
    ],
)  # fmt: skip
def test_nothing_outside_of_the_folder_can_be_named(server: Server, tmp_path: Path, path: str) -> None:
    put(server, "/files/me/inside", b"1")
    before = {one: one.stat().st_size for one in tmp_path.rglob("*") if "jobs.db" not in one.name}
    answer = put(server, f"/files/me/{path}")
    assert (answer.status_code, answer.json()["code"]) == (400, 1401), answer.text
    for method in ("GET", "DELETE"):
        assert server.ask(method, f"/files/me/{path}").status_code == 404
    assert {one: one.stat().st_size for one in tmp_path.rglob("*") if "jobs.db" not in one.name} == before


def test_other_users_have_no_folder_here(server: Server) -> None:
    for method, path in (("GET", "/files/you"), ("GET", "/files/you/x"), ("PUT", "/files/you/x")):
        assert server.ask(method, path).status_code == 404


def test_limits_hold_whatever_the_length_that_is_told(server: Server) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 10_000

    for content in (b"x" * 100_001, None):

        async def send(client: httpx.AsyncClient, body: Any = content) -> httpx.Response:
            return await client.put("/files/me/a", content=body or endless())

        answer = server.talk(send)
        assert (answer.status_code, answer.json()["code"]) == (400, 1411)
    assert put(server, "/files/me/a", b"x" * 100_000).status_code == 204
    full = put(server, "/files/me/b", b"x" * 60_000)
    assert (full.status_code, full.json()["code"]) == (507, 507)
    assert [one["name"] for one in server.ask("GET", "/files/me").json()] == ["a"]


def test_a_file_that_a_job_reads_is_locked(server: Server) -> None:
    put(server, "/files/me/a.json")
    server.files.locks.lock("j-1", "me", ["a.json"])
    for method in ("PUT", "DELETE"):
        answer = server.ask(method, "/files/me/a.json", b"y" if method == "PUT" else None)
        assert (answer.status_code, answer.json()["code"]) == (400, 1413)
    assert server.ask("GET", "/files/me/a.json").content == b"x"
