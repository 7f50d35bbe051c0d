"""Documents that are made once: for as long as their layers are the same, and in the form that the client takes."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.jobs.layers import Layer
from ogcserver.ows.documents import Document, Documents
from ogcserver.ows.xml import Element, Elements
from tests.unit.wcs.fakes import fake_layers

E = Elements({None: "http://x/"})


class Making:
    """Makes a document of a certain length, and counts."""

    def __init__(self, length: int = 10) -> None:
        self.length, self.made = length, 0

    def __call__(self) -> Element:
        self.made += 1
        return E("A", "x" * self.length)


def got(documents: Documents, key: Any, layers: tuple[Layer, ...], make: Making) -> Document:
    return asyncio.run(documents.get(key, layers, make))


def request(method: str = "GET", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "headers": raw})


def test_the_same_layers_make_the_same_document_and_others_another() -> None:
    documents, make, layers = Documents(), Making(), fake_layers()
    first = got(documents, "2.0", layers, make)
    assert got(documents, "2.0", (*layers,), make) is first
    assert make.made == 1
    for key, others in (("1.0", layers), ("2.0", layers[:1]), ("2.0", layers[::-1]), ("2.0", fake_layers())):
        assert got(documents, key, others, make) is not first
    assert make.made == 5


def test_a_document_is_made_once_however_many_ask() -> None:
    documents, make, layers = Documents(), Making(), fake_layers()

    async def many() -> None:
        await asyncio.gather(*(documents.get("2.0", layers, make) for _ in range(20)))

    asyncio.run(many())
    assert make.made == 1


def test_what_is_remembered_is_bounded_in_bytes() -> None:
    documents, small, large = Documents(max_bytes=20_000), Making(), Making(7000)
    for _ in range(2):
        got(documents, "large", (), large)
    assert large.made == 2
    for key in range(100):
        got(documents, key, (), Making(2000))
    assert documents.statistics.nbytes <= 20_000
    assert documents.statistics.entries > 2
    got(documents, "small", (), small)
    got(documents, "small", (), small)
    assert small.made == 1


LARGE = Document.of(E("A", "x" * 9000))


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, deflate, br", True), ("*", True), ("GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_a_large_document_is_packed_for_those_who_take_it(accepted: str, packed: bool) -> None:
    answer = LARGE.answer(request(accept_encoding=accepted), {"cache-control": "no-cache"})
    assert answer.headers["content-type"] == "text/xml"
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("accept-encoding", "no-cache")
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(bytes(answer.body)) if packed else answer.body) == LARGE.body


def test_a_small_document_and_one_that_is_posted_for_are_sent_as_they_are() -> None:
    small = Document.of(E("A"))
    for answer in (
        small.answer(request(accept_encoding="gzip")),
        LARGE.answer(request("POST", accept_encoding="gzip", if_none_match=f'"{LARGE.etag}"')),
    ):
        assert "content-encoding" not in answer.headers
        assert answer.status_code == 200


def test_a_client_that_has_the_document_is_told_so() -> None:
    def answer(**headers: str) -> Response:
        return LARGE.answer(request(**headers))

    plain, packed = answer().headers["etag"], answer(accept_encoding="gzip").headers["etag"]
    assert plain != packed
    assert answer(if_none_match=plain).status_code == 304
    assert answer(if_none_match=f'"other", {packed}', accept_encoding="gzip").status_code == 304
    assert answer(if_none_match=packed).status_code == 200
    assert LARGE.etag != Document.of(E("B")).etag
