"""SOAP 1.2 around requests and answers.

Source: W3C SOAP 1.2 part 1; OGC 09-149r1 (WCS in SOAP), OGC 06-121r9 clause 8.6 (exceptions in SOAP).
"""

from __future__ import annotations

from starlette.responses import Response

from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.report import Codes, Dialect, Fault, exception_report, written
from ogcserver.ows.xml import Element, Elements, xml_response

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPE = "application/soap+xml"

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_MUST_UNDERSTAND = f"{{{SOAP_12}}}mustUnderstand"


def is_envelope(root: Element) -> bool:
    """Whether a document is in SOAP, of whichever version."""
    return str(root.tag).endswith("}Envelope")


def content(root: Element) -> Element:
    """The only element in the body of an envelope.

    Raises:
        MalformedDocument: not an envelope of SOAP 1.2, a header that must be understood, or not one element.
    """
    if root.tag != f"{{{SOAP_12}}}Envelope":
        raise MalformedDocument(f"the request must be in an Envelope of SOAP 1.2, {SOAP_12}")
    if any(block.get(_MUST_UNDERSTAND) in ("true", "1") for block in root.iterfind(f"{{{SOAP_12}}}Header/*")):
        raise MalformedDocument("no header is understood here")
    found = root.findall(f"{{{SOAP_12}}}Body/*")
    if len(found) != 1:
        raise MalformedDocument(f"the body must hold one request, not {len(found)}")
    return found[0]


def envelope(*parts: Element) -> Element:
    """An envelope with these elements in its body."""
    e = Elements({"soap": SOAP_12})
    return e("soap:Envelope", e("soap:Body", parts))


def soap_response(document: Element) -> Response:
    """An HTTP answer that holds the document in an envelope."""
    return xml_response(envelope(document), media_type=MEDIA_TYPE)


def soap_dialect(codes: Codes) -> Dialect:
    """Failures as SOAP faults around an ExceptionReport of OWS 2.0, with the HTTP status that they have without."""
    return written(codes, _fault, MEDIA_TYPE)


def _fault(fault: Fault) -> Element:
    e = Elements({"soap": SOAP_12})
    reason = e("soap:Text", fault.text)
    reason.set(_LANGUAGE, "en")
    return envelope(
        e(
            "soap:Fault",
            e("soap:Code", e("soap:Value", "soap:Sender" if fault.status < 500 else "soap:Receiver")),
            e("soap:Reason", reason),
            e("soap:Detail", exception_report("2.0", fault)),
        )
    )
