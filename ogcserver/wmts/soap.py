"""The SOAP encoding: a request in an envelope becomes the same pairs as a KVP request, an answer goes into an envelope.

Source: OGC 07-057r7 clause 9; OGC 06-121r3 clause 11.8; W3C SOAP 1.2 part 1, clauses 5.1 to 5.4. SOAP 1.1 envelopes are
understood, and answered in kind.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from ogcserver.errors import InvalidParameter, TooLarge
from ogcserver.ows.report import Fault, exception_report
from ogcserver.ows.xml import OWS_11, WMTS, Element, Elements, serialise

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_MEDIA_TYPES = {SOAP_12: "application/soap+xml", SOAP_11: "text/xml"}
LARGEST = 64 << 10
"""Bytes of a request; a GetFeatureInfo has a thousand."""
_LISTS = {"AcceptVersions": "Version", "Sections": "Section", "AcceptFormats": "OutputFormat"}
"""Elements whose children are the items of a KVP list."""


@dataclass(frozen=True)
class SoapRequest:
    """A request out of its envelope."""

    pairs: tuple[tuple[str, str], ...]
    """With the names of the KVP encoding."""
    version: str
    """Namespace of the envelope."""


async def read_soap(request: Request) -> SoapRequest:
    """The request that a body holds.

    Raises:
        TooLarge: more than :data:`LARGEST` bytes.
        InvalidParameter: not an envelope with one operation of WMTS in it.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise TooLarge(f"a request has at most {LARGEST} bytes")
    return parse_soap(body)


def parse_soap(body: bytes) -> SoapRequest:
    """
    Raises:
        InvalidParameter: not an envelope with one operation of WMTS in it.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidParameter(f"the body is not XML: {error.msg}", locator="Envelope") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidParameter("a SOAP message has no document type declaration", locator="Envelope")
    version = etree.QName(root).namespace or ""
    if version not in _MEDIA_TYPES or etree.QName(root).localname != "Envelope":
        raise InvalidParameter("the body must be a SOAP 1.2 Envelope", locator="Envelope")
    inner = root.find(f"{{{version}}}Body")
    operations = [] if inner is None else [one for one in inner if isinstance(one.tag, str)]
    if len(operations) != 1 or etree.QName(operations[0]).namespace != WMTS:
        raise InvalidParameter("the Body must hold one element of WMTS 1.0: the operation", locator="Body")
    return SoapRequest(tuple(_pairs(operations[0])), version)


def _pairs(operation: Element) -> Iterator[tuple[str, str]]:
    yield "REQUEST", etree.QName(operation).localname
    for name in ("service", "version"):
        yield name, str(operation.get(name, ""))
    for child in operation:
        if isinstance(child.tag, str):
            yield from _pair(child)


def _pair(element: Element) -> Iterator[tuple[str, str]]:
    """Of one parameter; of the GetTile inside of a GetFeatureInfo all its parameters."""
    name = etree.QName(element).localname
    if name == "GetTile":
        yield from (pair for child in element if isinstance(child.tag, str) for pair in _pair(child))
    elif name == "DimensionNameValue":
        yield str(element.get("name", "")), element.text or ""
    elif name in _LISTS:
        items = (child for child in element if isinstance(child.tag, str))
        yield name, ",".join(child.text or "" for child in items if etree.QName(child).localname == _LISTS[name])
    else:
        yield name, element.text or ""


def soap_response(content: Element, version: str, status: int = 200) -> Response:
    """An HTTP answer with the element in an envelope."""
    e = Elements({"soap": version})
    return Response(serialise(e("soap:Envelope", e("soap:Body", content))), status, media_type=_MEDIA_TYPES[version])


def payload(body: bytes, media_type: str) -> Element:
    """A picture, or other bytes, as an element."""
    e = Elements({None: WMTS})
    content = base64.b64encode(body).decode()
    return e("BinaryPayload", e("Format", media_type), e("BinaryContent", content))


def feature_info(body: bytes, media_type: str) -> Element:
    """Values under a pixel as an element."""
    e = Elements({None: WMTS})
    return e("FeatureInfoResponse", e("TextPayload", e("Format", media_type), e("TextContent", body.decode())))


def soap_fault(fault: Fault, version: str) -> Response:
    """A failure as a SOAP Fault whose detail is the ExceptionReport."""
    e = Elements({"soap": version, "ows": OWS_11})
    report = exception_report("1.1", fault)
    ours = fault.status >= 500
    if version == SOAP_11:
        code = "soap:Server" if ours else "soap:Client"
        plain = Elements({None: ""})
        told = e(
            "soap:Fault", plain("faultcode", code), plain("faultstring", fault.text), plain("detail", report)
        )  # fmt: skip
    else:
        value = e("soap:Value", "soap:Receiver" if ours else "soap:Sender")
        reason = e("soap:Reason", e("soap:Text", {"xml:lang": "en"}, fault.text))
        told = e("soap:Fault", e("soap:Code", value), reason, e("soap:Detail", report))
    response = soap_response(told, version, fault.status)
    response.headers.update(fault.headers or {})
    return response
