"""XML from clients: nothing in it is fetched, expanded, or too deep."""

import pytest

from ogcserver.ows import soap
from ogcserver.ows.reading import MOST_DEPTH, MalformedDocument, parse

ENVELOPE = f'<s:Envelope xmlns:s="{soap.SOAP_12}">{{}}</s:Envelope>'


def test_a_document_is_read() -> None:
    root = parse('<?xml version="1.0" encoding="UTF-16"?><a b="1">x&amp;y<!-- no --><?no no?><c/></a>'.encode("utf-16"))
    assert (root.tag, root.get("b"), root.text, len(root)) == ("a", "1", "x&y", 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!DOCTYPE a><a/>", "document type"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a b="&x;"/>', "document type"),
        ("<a>&x;</a>", "not well-formed"),
        ("<a>" * (MOST_DEPTH + 1) + "</a>" * (MOST_DEPTH + 1), f"{MOST_DEPTH} deep"),
        ("<a><b></a>", "not well-formed"),
        ("", "not well-formed"),
        ("a=b", "not well-formed"),
    ],
)
def test_a_bad_document_is_refused(text: str, why: str) -> None:
    for body in (text.encode(), f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16")):
        with pytest.raises(MalformedDocument, match=why):
            parse(body)


def test_depth_itself_is_fine() -> None:
    assert parse(b"<a>" * MOST_DEPTH + b"</a>" * MOST_DEPTH).tag == "a"


def test_the_request_in_an_envelope() -> None:
    known = ENVELOPE.format("<s:Header><x s:mustUnderstand='false'/></s:Header><s:Body><a/></s:Body>")
    assert soap.content(parse(known.encode())).tag == "a"


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>',
        ENVELOPE.format(""),
        ENVELOPE.format("<s:Body/>"),
        ENVELOPE.format("<s:Body><a/><b/></s:Body>"),
        ENVELOPE.format("<s:Header><x s:mustUnderstand='true'/></s:Header><s:Body><a/></s:Body>"),
    ],
)
def test_another_envelope_is_refused(text: str) -> None:
    with pytest.raises(MalformedDocument):
        soap.content(parse(text.encode()))
